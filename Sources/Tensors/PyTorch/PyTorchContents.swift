internal import Platform

/// What a file of PyTorch holds, in either of its forms.
struct PyTorchContents {
    typealias Problem = TensorFileError.Problem

    private(set) var root = PickleValue.none
    private(set) var heap = PickleHeap()
    private(set) var isBigEndian = false
    /// Where the numbers of each storage lie.
    private var storages: [String: Range<Int>] = [:]

    init(_ file: ReadableFile) throws(Problem) {
        let beginning = try file.exactBytes(min(file.count, 512), at: 0)
        guard PyTorchFile.isOne(beginning: beginning) else {
            // The name of the format stands at the end of the first block of a tar file.
            let isTar = beginning.count > 262 && beginning[257..<262].elementsEqual("ustar".utf8)
            throw .refused(
                isTar
                    ? "it is a tar file, as PyTorch wrote them before 0.2: load and save it with a newer one"
                    : "it is no file of PyTorch: it begins neither like a zip file nor like a pickle"
            )
        }
        if beginning.starts(with: ZipArchive.signature) {
            try readArchive(file)
        } else {
            try readStream(file)
        }
    }

    /// A zip file: `NAME/data.pkl`, the numbers of each storage in `NAME/data/KEY`, the order of bytes in `NAME/byteorder`.
    private mutating func readArchive(_ file: ReadableFile) throws(Problem) {
        let archive = try ZipArchive(file)
        let ending = "/data.pkl"
        let pickles = archive.entries.keys.filter {
            $0.hasSuffix(ending) && $0.utf8.count(where: { $0 == 0x2F }) == 1
        }
        guard pickles.count == 1 else {
            throw .refused("it is a zip file without PyTorch's 'data.pkl': what is in it is no checkpoint")
        }
        let name = pickles[0].dropLast(ending.utf8.count)
        guard archive.entries["\(name)/constants.pkl"] == nil else {
            throw .refused(
                "it is a TorchScript program: save the network's state dict: torch.save(model.state_dict(), …)"
            )
        }
        if let order = archive.entries["\(name)/byteorder"] {
            let text = String(
                decoding: try file.exactBytes(min(order.count, 16), at: order.lowerBound),
                as: UTF8.self
            )
            guard ["little", "big"].contains(text) else {
                throw .checkpoint("its bytes are in the order \(quoted(text))")
            }
            isBigEndian = text == "big"
        }
        let folder = "\(name)/data/"
        for (path, range) in archive.entries where path.hasPrefix(folder) {
            storages[String(path.dropFirst(folder.count))] = range
        }
        var reader = PickleReader(FileWindow(file, archive.entries[pickles[0]] ?? 0..<0))
        root = try reader.value()
        heap = reader.heap
    }

    /// `0x1950A86A20F9469CFC6C`, lowest byte first.
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]
    private static let version = 1001

    /// Pickles one after the other: magic number, version, the machine, the value, the names of the storages; then for each of
    /// these a count and its numbers.
    private mutating func readStream(_ file: ReadableFile) throws(Problem) {
        var reader = PickleReader(FileWindow(file, 0..<file.count))
        guard case .long(Self.magic) = try reader.value() else {
            throw .refused("it is a pickle, and no checkpoint: torch.save begins with another number")
        }
        guard case .int(Self.version) = try reader.value() else {
            throw .refused("it is of a version of PyTorch's form that is not known")
        }
        let description = try reader.value()
        let machine = reader.heap.members(description) ?? []
        if case .bool(false)? = machine.first(where: { $0.name == "little_endian" })?.value {
            isBigEndian = true
        }
        root = try reader.value()
        let names = try reader.value()
        guard let keys = reader.heap.elements(names) else {
            throw .checkpoint("the names of its storages are missing")
        }
        heap = reader.heap
        let sizes = Dictionary(heap.storages.map { ($0.key, $0.type?.size ?? 1) }) { first, _ in first }
        var input = reader.input
        for key in keys {
            guard case .string(let name) = key, let size = sizes[name] else {
                throw .checkpoint("it has a storage that nothing refers to")
            }
            let bits = try input.number(8)
            let count = isBigEndian ? bits.byteSwapped : bits
            guard let count = Int(exactly: count), count <= input.count / size else {
                throw .checkpoint("it ends before the numbers of storage \(quoted(name)) do")
            }
            let start = input.offset
            guard storages.updateValue(start..<(start + count * size), forKey: name) == nil else {
                throw .checkpoint("it has two storages \(quoted(name))")
            }
            input.skip(count * size)
        }
    }

    /// Where the numbers of tensors lie; all of them are there.
    func located(_ tensors: [(name: String, view: TensorView)]) throws(Problem) -> [String: PyTorchFile
        .StoredTensor]
    {
        var located: [String: PyTorchFile.StoredTensor] = [:]
        for (name, view) in tensors {
            let size = view.type.size
            guard let block = storages[view.storage.key] else {
                throw .tensor(
                    name,
                    "has its numbers in storage \(quoted(view.storage.key)), which is not in the file"
                )
            }
            let bytesToStart = view.storage.start.multipliedReportingOverflow(
                by: view.storage.type?.size ?? 1
            )
            guard !bytesToStart.overflow, bytesToStart.partialValue <= block.count,
                let span = view.checkedSpan, span == 0 || view.offset <= Int.max - span,
                span == 0 || view.offset + span <= (block.count - bytesToStart.partialValue) / size
            else { throw .tensor(name, "is \(view.shape), which is more than its storage has") }
            let start = block.lowerBound + bytesToStart.partialValue
            located[name] = PyTorchFile.StoredTensor(view: view, bytes: start..<block.upperBound)
        }
        return located
    }
}
