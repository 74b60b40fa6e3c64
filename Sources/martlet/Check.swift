internal import ArgumentParser
internal import Engine
internal import ONNX
internal import Platform
internal import Support

/// `martlet check FILE.onnx`: what of an ONNX file would run how, and what would not.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what of an ONNX file would run how, and what would not.",
        discussion: """
            Of a folder every file whose name ends in .onnx is looked at, those of the folders in it too. Extents that a \
            file leaves open are given by --shape, or are assumed and said to be. The status is 1 when a file cannot be \
            run; every node that stands in the way is listed.
            """
    )

    @Argument(help: "An ONNX file, or a folder with some.", completion: .file(extensions: ["onnx"]))
    var path: String

    @OptionGroup var shape: ShapeOption
    @OptionGroup var threads: ThreadsOption
    @OptionGroup var output: OutputOption

    func run() throws {
        let paths = try Self.files(path, depth: 0)
        guard !paths.isEmpty else { throw CommandError("\(path): no file there ends in .onnx") }
        let reports = paths.map { CheckReport($0, shape.dimensions, threads: threads.count) }
        let bad = reports.count { !$0.canRun }
        output.print(
            json: .object(["ok": .bool(bad == 0), "files": .array(reports.map { .object($0.json) })]),
            text: reports.map { $0.text(output.terminal) }.joined(separator: "\n\n")
        )
        guard bad == 0 else {
            throw CommandError(
                paths.count == 1 ? "\(path) cannot be run" : "\(bad) of \(paths.count) files cannot be run"
            )
        }
    }

    /// The files that a name stands for, in order.
    private static func files(_ path: String, depth: Int) throws -> [String] {
        guard try ReadableFile(path: path).kind == .directory else {
            return depth == 0 || path.hasSuffix(".onnx") ? [path] : []
        }
        guard depth < 8 else { return [] }
        let names = try DirectoryListing.names(in: path).filter { !$0.hasPrefix(".") }.sorted()
        return try names.flatMap { try files("\(path)/\($0)", depth: depth + 1) }
    }
}

/// What `martlet check` finds about one file.
struct CheckReport {
    private let path: String
    private let examination: Result<Examination, ONNXError>
    /// What it runs as; nil where it does not.
    private let plan: (network: ImportedNetwork, plan: Plan)?
    /// Why it does not, where the nodes do not say.
    private let fault: String?
    private let threads: Int

    init(_ path: String, _ dimensions: [String: Int], threads: Int) {
        self.path = path
        self.threads = threads
        var examination: Result<Examination, ONNXError>
        do throws(ONNXError) {
            let bytes = try ImportedNetwork.contents(of: path)
            let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            examination = .success(try Examination(parsing: bytes, folder: folder, dimensions: dimensions))
        } catch {
            examination = .failure(error)
        }
        self.examination = examination
        var (planned, fault): ((ImportedNetwork, Plan)?, String?) = (nil, nil)
        switch examination {
        case .failure(let error): fault = error.description
        case .success(let found):
            switch found.result {
            case .failure(let error): fault = found.problems.isEmpty ? error.description : nil
            case .success(let network):
                do {
                    planned = (network, try Plan(network.graph, weights: network.weights()))
                } catch {
                    fault = "\(error)"
                }
            }
        }
        plan = planned
        self.fault = fault
    }

    var canRun: Bool { plan != nil }

    /// What became of the nodes with one operator.
    fileprivate struct Row {
        let op: String
        var nodes = 0
        var runs = 0
        var fused = 0
        var folded = 0
        var blocked = 0
        var refused = 0
    }

    fileprivate var rows: [Row] {
        var table: [String: Row] = [:]
        if let (network, plan) = plan {
            for node in network.nodes where node.op != "input" {
                var row = table[node.op] ?? Row(op: node.op)
                row.nodes += 1
                let layouts = node.steps.compactMap { plan.isBlocked[$0] }
                if node.steps.isEmpty {
                    row.folded += 1
                } else if layouts.isEmpty {
                    row.fused += 1
                } else {
                    row.runs += 1
                    row.blocked += layouts.contains(true) ? 1 : 0
                }
                table[node.op] = row
            }
        } else if case .success(let found) = examination {
            for entry in found.operators { table[entry.op] = Row(op: entry.op, nodes: entry.count) }
            for problem in found.problems {
                let op = table.keys.first { $0 == problem.op || $0.hasSuffix(".\(problem.op)") } ?? problem.op
                table[op, default: Row(op: op)].refused += 1
            }
        }
        return table.values.sorted { ($1.nodes, $0.op) < ($0.nodes, $1.op) }
    }

    private var weightBytes: Int { plan?.network.tensors.reduce(0) { $0 + $1.byteCount } ?? 0 }

    func text(_ terminal: Terminal) -> String {
        var lines = [
            path + ": "
                + (canRun ? terminal.styled("can be run", .green) : terminal.styled("CANNOT be run", .red))
        ]
        if let fault { lines.append("  \(fault)") }
        if !canRun, case .success(let found) = examination, !found.open.isEmpty {
            lines.append("  it was tried with extents that are assumed: with its own it may be another thing")
        }
        guard case .success(let found) = examination else { return lines.joined(separator: "\n") }
        lines.append("  made by '\(found.producer)', operators of version \(found.opset)")
        let isBatched = found.inputs.areBatched
        for input in found.inputs {
            lines.append("  input   \(input.name)  \(Self.extents(input, isBatched))")
        }
        for assumption in found.open {
            lines.append(
                "  open    \(assumption.key) (\(assumption.places.joined(separator: ", "))): assumed "
                    + "\(assumption.extent); give --shape \(assumption.key)=…, or \"shape\" in model.json"
            )
        }
        for port in plan?.network.outputs ?? [] {
            let varying = port.varying.map { ", at most: axis \($0.axis) depends on the data" } ?? ""
            lines.append("  output  \(port.name)  \(Shape(port.dimensions)) \(port.type.name)\(varying)")
        }
        if let plan = plan?.plan {
            lines.append(
                "  memory  \(Self.megabytes(weightBytes)) of weights, \(Self.megabytes(plan.bytesPerItem)) an item, "
                    + "\(Self.megabytes(plan.bytes(batch: 1, threads: threads))) for one on \(threads) threads"
            )
        }
        for problem in found.problems {
            lines.append("  \(problem.op) '\(problem.node)': \(problem.reason)")
        }
        lines.append(table(terminal).split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
        return lines.joined(separator: "\n")
    }

    private func table(_ terminal: Terminal) -> String {
        func count(_ number: Int) -> String { number == 0 ? "·" : "\(number)" }
        if canRun {
            return TextTable(
                columns: ["operator", "nodes", "run", "in blocks", "in others", "at load or views"],
                rows: rows.map {
                    [
                        $0.op, "\($0.nodes)", count($0.runs), count($0.blocked), count($0.fused),
                        count($0.folded),
                    ]
                }
            ).text
        }
        return TextTable(
            columns: ["operator", "nodes", "refused"],
            rows: rows.map { [$0.op, "\($0.nodes)", count($0.refused)] }
        ).text { cell, column in column == 2 && cell != "·" ? terminal.styled(cell, .red) : cell }
    }

    private static func extents(_ input: OpenInput, _ isBatched: Bool) -> String {
        let sizes = input.extents.enumerated().map { axis, extent in
            switch extent {
            case .fixed(let size): "\(size)"
            case .open: axis == 0 && isBatched ? "batch" : input.key(axis)
            }
        }
        return sizes.joined(separator: "×") + " " + (input.type?.name ?? "of an unsupported type")
    }

    private static func megabytes(_ bytes: Int) -> String {
        let tenths = (bytes + 52_428) / 104_858
        return tenths < 1000 ? "\(tenths / 10).\(tenths % 10) MiB" : "\(tenths / 10) MiB"
    }

    var json: JSONObject {
        var object: JSONObject = ["path": .string(path), "ok": .bool(canRun)]
        if let fault { object.append("error", .string(fault)) }
        guard case .success(let found) = examination else { return object }
        object.append("producer", .string(found.producer))
        object.append("opset", .integer(found.opset))
        object.append("inputs", .array(found.inputs.map(Self.json)))
        object.append(
            "open",
            .array(
                found.open.map {
                    .object([
                        "key": .string($0.key), "assumed": .integer($0.extent),
                        "places": .array($0.places.map(JSONValue.string)),
                    ])
                }
            )
        )
        if let (network, plan) = plan {
            object.append("outputs", .array(network.outputs.map(Self.json)))
            object.append(
                "bytes",
                .object([
                    "weights": .integer(weightBytes), "item": .integer(plan.bytesPerItem),
                    "run": .integer(plan.bytes(batch: 1, threads: threads)),
                ])
            )
        }
        object.append("operators", .array(rows.map { .object($0.json) }))
        object.append(
            "refused",
            .array(
                found.problems.map {
                    .object([
                        "node": .string($0.node), "op": .string($0.op), "reason": .string($0.reason),
                    ])
                }
            )
        )
        return object
    }

    private static func json(_ input: OpenInput) -> JSONValue {
        let extents = input.extents.enumerated().map { axis, extent -> JSONValue in
            if case .fixed(let size) = extent { return .integer(size) }
            return .string(axis == 0 ? "batch" : input.key(axis))
        }
        let type: JSONValue = input.type.map { .string($0.name) } ?? .null
        return .object(["name": .string(input.name), "shape": .array(extents), "type": type])
    }

    private static func json(_ port: ImportedNetwork.Port) -> JSONValue {
        var object: JSONObject = [
            "name": .string(port.name), "shape": .array(port.dimensions.map(JSONValue.integer)),
            "type": .string(port.type.name),
        ]
        if let varying = port.varying { object.append("varying_axis", .integer(varying.axis)) }
        return .object(object)
    }
}

extension CheckReport.Row {
    fileprivate var json: JSONObject {
        [
            "op": .string(op), "nodes": .integer(nodes), "run": .integer(runs), "blocked": .integer(blocked),
            "fused": .integer(fused), "folded": .integer(folded), "refused": .integer(refused),
        ]
    }
}
