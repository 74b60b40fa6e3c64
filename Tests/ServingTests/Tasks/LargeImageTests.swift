import Imaging
import Inference
import Logging
import Models
import Platform
import Support
import Synchronization
import Tasks
import Testing

/// Images that are large, or costly beyond their size, on the way to their classes.
struct LargeImageTests {
    private let scheduler: Scheduler
    private let model: Model

    init() throws {
        scheduler = try Scheduler(threads: 2)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let registry = Registry(folder: Repository.weights, logger: logger, warmUp: scheduler.warmUp)
        try registry.load { $0 == "digits" }
        model = try registry.model(named: "digits")
    }

    /// A JPEG of one gray, baseline or of many scans that go over all its pixels again.
    private func grayJPEG(width: Int, height: Int, scans: Int? = nil) -> [UInt8] {
        let blocks = (width + 7) / 8 * ((height + 7) / 8)
        let size = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        let oneCode: [UInt8] = [1] + [UInt8](repeating: 0, count: 15) // of one bit, 0
        func segment(_ code: UInt8, _ contents: [UInt8]) -> [UInt8] {
            [0xFF, code, UInt8((contents.count + 2) >> 8), UInt8((contents.count + 2) & 255)] + contents
        }
        func scan(_ first: UInt8, _ last: UInt8, _ bits: UInt8, zeros: Int) -> [UInt8] {
            segment(0xDA, [1, 1, 0, first, last, bits]) + [UInt8](repeating: 0, count: (zeros + 7) / 8)
        }
        var bytes: [UInt8] = [0xFF, 0xD8] + segment(0xDB, [0] + [UInt8](repeating: 1, count: 64))
        bytes += segment(scans == nil ? 0xC0 : 0xC2, [8] + size + [1, 1, 0x11, 0])
        bytes +=
            segment(0xC4, [0x00] + oneCode + [0])
            + segment(0xC4, [0x10] + oneCode + [scans == nil ? 0 : 0xE0])
        if let scans {
            bytes += scan(0, 0, 0, zeros: blocks)
            for _ in 1..<scans { bytes += scan(1, 63, 0x10, zeros: (blocks + 16_383) / 16_384 * 15) }
        } else {
            bytes += scan(0, 63, 0, zeros: 2 * blocks)
        }
        return bytes + [0xFF, 0xD9]
    }

    @Test func `a photograph of 108 megapixels is served out of a small budget`() throws {
        defer { scheduler.stop() }
        let budget = MemoryBudget(limit: 6 << 20)
        let classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits(), budget: budget)
        for (width, height) in [(12_000, 9000), (65_000, 1600)] {
            let answer = try classifier.classify(grayJPEG(width: width, height: height)[...], with: model)
            #expect(answer.run.size == ImageSize(height: height, width: width))
        }
        #expect(budget.used == 0 && budget.refusals == 0)
    }

    @Test func `a progressive one does not fit, and the refusal says why`() throws {
        defer { scheduler.stop() }
        let limits = ImageLimits(maxDecoderBytes: 64 << 20)
        let classifier = ImageClassifier(scheduler: scheduler, limits: limits)
        let error = #expect(throws: ServingError.self) {
            try classifier.classify(grayJPEG(width: 12_000, height: 9000, scans: 2)[...], with: model)
        }
        #expect(error?.status.code == 413)
        #expect(error?.message.contains("at most 67108864 (max_memory_bytes) are there") == true)
        let more = ImageClassifier(
            scheduler: scheduler,
            limits: ImageLimits(),
            budget: MemoryBudget(limit: 64 << 20)
        )
        let whole = #expect(throws: ServingError.self) {
            try more.classify(grayJPEG(width: 12_000, height: 9000, scans: 2)[...], with: model)
        }
        #expect(whole?.status.code == 413)
        #expect(
            whole?.message.contains(
                "more than the 67108864 that all requests have together (max_memory_bytes)"
            ) == true
        )
    }

    @Test func `a hundred scans over 49 megapixels are refused, or end at the deadline`() throws {
        defer { scheduler.stop() }
        let bomb = grayJPEG(width: 7000, height: 7000, scans: 100)
        let refused = #expect(throws: ServingError.self) {
            try ImageClassifier(scheduler: scheduler, limits: ImageLimits()).classify(bomb[...], with: model)
        }
        #expect(refused?.status.code == 413)
        #expect(refused?.message.contains("(max_scan_pixels)") == true)

        let lenient = ImageClassifier(scheduler: scheduler, limits: ImageLimits(maxScanPixels: .max))
        let late = Mutex(0)
        let digits = model
        let clients = ThreadGroup()
        for number in 0..<8 {
            try clients.start(name: "client-\(number)") {
                do throws(ServingError) {
                    let context = RequestContext(deadline: .now + .milliseconds(200))
                    _ = try lenient.classify(bomb[...], with: digits, context: context)
                } catch {
                    if case .deadlineExceeded = error { late.withLock { $0 += 1 } }
                }
            }
        }
        // Others are served meanwhile.
        let seven = try Repository.example("digit-7.png")
        for _ in 0..<20 {
            let answer = try lenient.classify(seven[...], with: model)
            #expect(answer.scores.top(1, labels: model.labels)[0].label == "7")
        }
        clients.join()
        #expect(late.withLock { $0 } == 8)
    }

    /// Two by two pixels of one colour.
    private static let files = [
        "webp": "524946461e000000574542505650384c110000002f0140000007508f2257abff8188e87f0000",
        "gif": "47494638376102000200810000c81e5a0000000000000000002c00000000020002000008060001080410"
            + "10003b",
        "bmp":
            "424d460000000000000036000000280000000200000002000000010018000000000010000000c40e0000c40e0000000000"
            + "00000000005a1ec85a1ec800005a1ec85a1ec80000",
    ]

    @Test(arguments: files.keys.sorted())
    func `the other formats are served`(_ format: String) throws {
        defer { scheduler.stop() }
        let digits = try #require(Self.files[format]).map { UInt8($0.hexDigitValue ?? 0) }
        let file = stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        let classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        let answer = try classifier.classify(file[...], with: model)
        #expect(answer.run.format.rawValue == format)
        #expect(answer.run.size == ImageSize(height: 2, width: 2))
    }

    @Test func `a format that is not read is refused with a line that converts it`() throws {
        defer { scheduler.stop() }
        let classifier = ImageClassifier(scheduler: scheduler, limits: ImageLimits())
        let error = #expect(throws: ServingError.self) {
            try classifier.classify(Array("II*\u{0}\u{8}\u{0}\u{0}\u{0}".utf8)[...], with: model)
        }
        #expect(error?.status.code == 422)
        #expect(error?.message.contains("magick 'image.tif[0]' image.png") == true)
    }
}
