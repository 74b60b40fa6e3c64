import Engine
import Foundation
import Testing
import Zoo

struct LayerTableTests {
    @Test func `AlexNet has the twelve rows of a textbook`() throws {
        let table = LayerTable(try Architecture.named("alexnet_2012").graph())
        // swift-format-ignore
        let expected = [
            ["1", "conv1", "227×227×3", "96 filters 11×11, stride 4, ReLU, LRN", "55×55×96", "35K", "105M"],
            ["2", "pool1", "55×55×96", "max pool 3×3, stride 2", "27×27×96", "0", "0"],
            ["3", "conv2", "27×27×96", "256 filters 5×5, pad 2, 2 groups, ReLU, LRN", "27×27×256", "307K", "223M"],
            ["4", "pool2", "27×27×256", "max pool 3×3, stride 2", "13×13×256", "0", "0"],
            ["5", "conv3", "13×13×256", "384 filters 3×3, pad 1, ReLU", "13×13×384", "885K", "149M"],
            ["6", "conv4", "13×13×384", "384 filters 3×3, pad 1, 2 groups, ReLU", "13×13×384", "664K", "112M"],
            ["7", "conv5", "13×13×384", "256 filters 3×3, pad 1, 2 groups, ReLU", "13×13×256", "443K", "74M"],
            ["8", "pool5", "13×13×256", "max pool 3×3, stride 2", "6×6×256", "0", "0"],
            ["9", "fc6", "6×6×256", "9216 → 4096, ReLU", "4096", "37M", "37M"],
            ["10", "fc7", "4096", "4096 → 4096, ReLU", "4096", "16M", "16M"],
            ["11", "fc8", "4096", "4096 → 1000", "1000", "4M", "4M"],
            ["12", "softmax", "1000", "softmax", "1000", "0", "0"],
        ]
        let found = table.rows.map { row in
            [
                "\(row.id)", row.layer, row.input, row.structure, row.output,
                LayerTable.abbreviated(row.parameters), LayerTable.abbreviated(row.multiplyAdds),
            ]
        }
        #expect(found == expected)
    }

    @Test(
        arguments: zip(
            [
                0, 999, 1000, 34_944, 307_456, 999_499, 1_000_000, 4_097_000, 37_752_832, 149_520_384,
                11_513_626_624,
            ],
            ["0", "999", "1K", "35K", "307K", "999K", "1M", "4M", "37M", "149M", "11513M"]
        )
    )
    func `rounds thousands and cuts millions off`(_ number: Int, _ text: String) {
        #expect(LayerTable.abbreviated(number) == text)
    }

    @Test func `text has aligned columns and the totals at its end`() throws {
        let text = LayerTable(try Architecture.named("lenet5").graph()).text
        let expected = """
            id  layer    input     structure               output    parameters  compute
             1  conv1    32×32×1   6 filters 5×5, ReLU     28×28×6          156     118K
             2  pool1    28×28×6   max pool 2×2, stride 2  14×14×6            0        0
             3  conv2    14×14×6   16 filters 5×5, ReLU    10×10×16          2K     240K
             4  pool2    10×10×16  max pool 2×2, stride 2  5×5×16             0        0
             5  fc1      5×5×16    400 → 120, ReLU         120              48K      48K
             6  fc2      120       120 → 84, ReLU          84               10K      10K
             7  fc3      84        84 → 10                 10               850      840
             8  softmax  10        softmax                 10                 0        0
                total                                                       62K     417K
            """
        #expect(text == expected)
    }

    @Test func `JSON has exact numbers`() throws {
        let table = LayerTable(try Architecture.named("alexnet_2012").graph())
        let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(table)) as? [String: Any]
        #expect(json?["parameters"] as? Int == 60_965_224)
        #expect(json?["multiply_adds"] as? Int == 724_406_816)
        let rows = json?["rows"] as? [[String: Any]]
        #expect(rows?.count == 12)
        #expect((json?["modules"] as? [Any])?.isEmpty == true)
        let first = try #require(rows?.first)
        #expect(
            Set(first.keys) == ["id", "layer", "input", "structure", "output", "parameters", "multiply_adds"]
        )
        #expect(first["parameters"] as? Int == 34_944)
        #expect(first["multiply_adds"] as? Int == 105_415_200)
    }

    @Test func `a residual network prints its convolutions by prefix and its sums`() throws {
        let rows = LayerTable(try Architecture.named("resnet18").graph()).rows
        let names = rows.map(\.layer)
        #expect(names.filter { $0.contains("conv") }.count == 17)
        let start = try #require(names.firstIndex(of: "layer2.0.conv1"))
        #expect(
            Array(names[start..<start + 4])
                == ["layer2.0.conv1", "layer2.0.conv2", "layer2.0.downsample.0", "layer2.0.sum1"]
        )
        #expect(rows[start].structure == "128 filters 3×3, stride 2, pad 1, batch norm, ReLU")
        #expect(rows[start].parameters == 128 * 64 * 9 + 2 * 128)
        let sum = rows[start + 3]
        #expect(sum.structure == "sum, ReLU")
        #expect(sum.input == "28×28×128 + 28×28×128")
        #expect(names.last == "softmax")
    }

    /// The two modules that a lecture compares, behind 28×28×256.
    ///
    /// Its sum for the second one is 358M, in which the 3×3 stands twice: the lines that it adds up make 271M.
    @Test func `an Inception module costs less when it reduces first`() throws {
        // swift-format-ignore
        let naive = Layer.block("naive", [.concat([
            [.conv("1x1", 128, kernel: 1)],
            [.conv("3x3", 192, kernel: 3, pad: 1)],
            [.conv("5x5", 96, kernel: 5, pad: 2)],
            [.maxPool(3, stride: 1, pad: 1)],
        ])])
        // swift-format-ignore
        let reduced = Layer.block("reduced", [.concat([
            [.conv("1x1", 128, kernel: 1)],
            [.conv("3x3_reduce", 64, kernel: 1), .conv("3x3", 192, kernel: 3, pad: 1)],
            [.conv("5x5_reduce", 64, kernel: 1), .conv("5x5", 96, kernel: 5, pad: 2)],
            [.maxPool(3, stride: 1, pad: 1), .conv("pool_proj", 64, kernel: 1)],
        ])])
        let tables = try [naive, reduced].map {
            LayerTable(try Lowering.graph(of: [$0], inputShape: [256, 28, 28]))
        }
        #expect(tables.flatMap(\.modules).map(\.multiplyAdds) == [854_196_224, 271_351_808])
        let printed = tables.map { $0.text.split(separator: "\n").suffix(2) }
        #expect(
            printed[0] == [
                "module  parameters  compute",
                "naive           1M     854M",
            ]
        )
        #expect(printed[1].last == "reduced        347K     271M")
        let three = try #require(tables[1].rows.first { $0.layer == "reduced.3x3" })
        #expect(LayerTable.abbreviated(tables[1].modules[0].multiplyAdds + three.multiplyAdds) == "358M")
    }

    // swift-format-ignore
    static let modules: [(String, Int, String, Int, Int)] = [
        // Szegedy et al. 2015, Table 1, prints 159K and 128M for (3a), 71M for (5b).
        ("googlenet_2014", 9, "inception_3a", 163_696, 128_049_152),
        ("googlenet_2014", 9, "inception_5b", 1_444_080, 70_697_984),
        ("googlenet", 9, "inception3a", 155_872, 121_626_624),
        ("resnet50", 16, "layer1.0", 75_008, 231_211_008),
        ("densenet121", 58, "features.denseblock1.denselayer1", 45_440, 141_295_616),
        ("squeezenet1_1", 8, "features.3", 11_408, 34_073_600),
        ("inception_v4", 19, "features.6", 317_632, 387_609_600),
    ]

    @Test(arguments: modules)
    func `modules have subtotals`(
        _ name: String,
        _ count: Int,
        _ module: String,
        _ parameters: Int,
        _ multiplyAdds: Int
    ) throws {
        let table = LayerTable(try Architecture.named(name).graph())
        #expect(table.modules.count == count)
        let found = try #require(table.modules.first { $0.module == module })
        #expect(found.parameters == parameters)
        #expect(found.multiplyAdds == multiplyAdds)
    }

    @Test func `a norm that comes first has a row of its own`() throws {
        let layers: [Layer] = [.batchNorm("norm"), .relu, .conv("conv", 4, kernel: 1)]
        let table = LayerTable(try Lowering.graph(of: layers, inputShape: [3, 8, 8]))
        #expect(table.rows.map(\.layer) == ["norm", "conv"])
        #expect(table.rows.map(\.structure) == ["batch norm, ReLU", "4 filters 1×1"])
        #expect(table.rows.map(\.parameters) == [6, 16])
    }

    @Test func `a norm behind a join or a pool has a row of its own`() throws {
        let layers: [Layer] = [
            .block("a", [.concat([[], [.conv("conv", 4, kernel: 1), .batchNorm("norm")]])]),
            .block("b", [.batchNorm("norm"), .relu, .conv("conv", 4, kernel: 1)]),
            .maxPool(2, stride: 2), .batchNorm("last"),
        ]
        let table = LayerTable(try Lowering.graph(of: layers, inputShape: [3, 8, 8]))
        #expect(table.rows.map(\.layer) == ["a.conv", "a.concat1", "b.norm", "b.conv", "pool1", "last"])
        #expect(table.rows.map(\.parameters) == [24, 0, 14, 32, 0, 8])
        #expect(table.modules == [LayerTable.Module(module: "a", parameters: 24, multiplyAdds: 3 * 4 * 64)])
    }
}
