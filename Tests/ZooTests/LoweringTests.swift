import Engine
import Testing
import Zoo

struct LoweringTests {
    private func lower(_ layers: [Layer], _ shape: Shape = [3, 16, 16]) throws(ShapeError) -> Graph {
        try Lowering.graph(of: layers, inputShape: shape)
    }

    @Test func `logits are the input of the last softmax`() throws {
        let graph = try lower([.flatten, .linear("fc", 4), .softmax])
        #expect(graph.outputs.map(\.name) == ["logits", "probabilities"])
        #expect(graph.nodes.map(\.name) == ["flatten1", "fc", "softmax"])
        #expect(graph.outputs.map(\.value) == [.node(1), .node(2)])
    }

    @Test func `without a softmax there are no probabilities`() throws {
        let graph = try lower([.flatten, .linear("fc", 1)])
        #expect(graph.outputs.map(\.name) == ["logits"])
        #expect(graph.outputs.map(\.value) == [.node(1)])
    }

    @Test func `blocks nest their prefixes and number their own layers`() throws {
        let inner = Layer.block("b", [.conv("c", 4, kernel: 3, pad: 1), .relu, .relu])
        let graph = try lower([
            .block("a", [inner, .maxPool(2, stride: 2)]), .maxPool(2, stride: 2, name: "p"), .relu,
        ])
        #expect(graph.nodes.map(\.name) == ["a.b.c", "a.b.relu1", "a.b.relu2", "a.pool1", "p", "relu1"])
        #expect(graph.parameters.map(\.name) == ["a.b.c.weight", "a.b.c.bias"])
    }

    @Test func `dropout lowers to nothing`() throws {
        let with = try lower([.dropout, .conv("c", 4, kernel: 1), .dropout])
        #expect(with.nodes.map(\.name) == ["c"])
    }

    @Test func `an empty shortcut and an empty branch pass their input on`() throws {
        let graph = try lower([
            .conv("c", 4, kernel: 1),
            .residual([.conv("r", 4, kernel: 1)]),
            .concat([[], [.conv("d", 5, kernel: 1)], [.conv("e", 6, kernel: 1)]]),
        ])
        #expect(graph.nodes.map(\.name) == ["c", "r", "sum1", "d", "e", "concat1"])
        #expect(graph.nodes[2].inputs == [.node(1), .node(0)])
        #expect(graph.nodes[5].inputs == [.node(2), .node(3), .node(4)])
        #expect(graph.nodes[5].shape == [15, 16, 16])
    }

    @Test func `windows need not be square`() throws {
        let graph = try lower([
            .conv("wide", 4, kernel: [1, 7], pad: [0, 3], bias: false),
            .averagePool([2, 4], stride: 2, countsPadding: false),
        ])
        #expect(graph.parameters == [Parameter("wide.weight", [4, 3, 1, 7])])
        #expect(graph.nodes.map(\.shape) == [[4, 16, 16], [4, 8, 7]])
        #expect((graph.nodes[1].op as? Pool)?.kind == .averageInside)
    }

    @Test func `a layer that does not fit is named`() {
        #expect(throws: ShapeError("a.c: a 5×5 window does not fit an image of 4×4 with padding 0×0")) {
            try lower([.block("a", [.conv("c", 4, kernel: 5)])], [3, 4, 4])
        }
        #expect(throws: ShapeError("sum1: sum: 4×16×16 and 3×16×16 differ")) {
            try lower([.residual([.conv("c", 4, kernel: 1)])])
        }
    }
}
