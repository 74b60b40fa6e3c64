import Foundation
import Testing
import Zoo

/// `martlet inspect`, run as a person runs it.
@Suite struct InspectTests {
    private struct Table: Decodable {
        struct Row: Decodable {
            let layer: String
            let input: String
            let output: String
            let parameters: Int
            let multiply_adds: Int
        }
        struct Module: Decodable {
            let module: String
            let parameters: Int
            let multiply_adds: Int
        }
        let rows: [Row]
        let modules: [Module]
        let parameters: Int
        let multiply_adds: Int
    }

    private static func table(_ arguments: String...) throws -> Table {
        let run = try CommandRun(["inspect", "--json"] + arguments)
        #expect(run.status == 0, "\(run.error)")
        return try run.decoded(Table.self)
    }

    /// Networks that no other size fits, and the layer that says so.
    static let fixedSizes = ["lenet5": "fc1", "lenet5_1998": "f6", "alexnet_2012": "fc6", "caffenet": "fc6"]

    @Test(arguments: Architecture.all.map(\.name))
    func `prints every architecture, also at another input size`(_ name: String) throws {
        let own = try Self.table(name)
        #expect(own.rows.last?.layer == (name == "rcnn" ? "svm" : "softmax"))
        #expect(own.parameters == own.rows.reduce(0) { $0 + $1.parameters })
        #expect(own.multiply_adds == own.rows.reduce(0) { $0 + $1.multiply_adds })
        let architecture = try Architecture.named(name)
        if architecture.takesImages {
            #expect(own.parameters == LayerTable(try architecture.graph()).totals.parameters)
        }
        if let layer = Self.fixedSizes[name] {
            let run = try CommandRun(["inspect", name, "--input", "448"])
            #expect(run.status == 1)
            #expect(run.error.contains("\(name): cannot take images of 448×448: \(layer): "), "\(run.error)")
            return
        }
        let other = try Self.table(name, "--input", "448")
        guard case .image(let channels, let height, _) = architecture.input else {
            let input = architecture.input == .sequence ? "1×448" : "448×448×3"
            return #expect(other.rows.first?.input == input)
        }
        #expect(other.rows.first?.input == "448×448×\(channels)")
        #expect(other.rows.map(\.layer) == own.rows.map(\.layer))
        #expect(other.parameters == own.parameters)
        #expect(other.modules.map(\.module) == own.modules.map(\.module))
        #expect((height < 448) == (other.multiply_adds > own.multiply_adds))
    }

    @Test func `prints what makes the features of frames and what reads them`() throws {
        let table = try Self.table("cnn_rnn", "--hidden", "24")
        #expect(table.rows.first?.layer == "cnn.conv1")
        #expect(table.rows.contains { $0.layer == "rnn" && $0.input == "1×512" && $0.output == "1×24" })
        #expect(table.parameters == 11_176_512 + 4 * 24 * (512 + 24 + 2) + 2 * 25)
        #expect(table.modules.count == 8)
    }

    @Test func `has subtotals of GoogLeNet's modules in both forms`() throws {
        let table = try Self.table("googlenet_2014")
        let names = ["3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"].map { "inception_\($0)" }
        #expect(table.modules.map(\.module) == names)
        for module in table.modules {
            let rows = table.rows.filter { $0.layer.hasPrefix(module.module + ".") }
            #expect(module.multiply_adds == rows.reduce(0) { $0 + $1.multiply_adds })
            #expect(module.parameters == rows.reduce(0) { $0 + $1.parameters })
        }
        let text = try CommandRun(["inspect", "googlenet_2014"]).output.split(separator: "\n")
        #expect(text.contains("module        parameters  compute"))
        #expect(text.contains("inception_3a        164K     128M"))
    }

    @Test func `a model has its own classes and takes another size too`() throws {
        let digits = try Self.table("digits")
        #expect(digits.rows.last?.output == "10" && digits.parameters == 61_706)
        let cifar = try Self.table("cifar10", "--input", "64x48")
        #expect(cifar.rows.first?.input == "64×48×3" && cifar.rows.last?.output == "10")
        #expect(cifar.modules.count == 9)
    }
}
