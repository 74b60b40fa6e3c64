internal import Tensors

/// One mistake behind many differences between a file and a network, said in one line.
extension WeightsError {
    /// The cause, and the differences that it explains.
    struct Cause {
        let sentence: String
        let explains: (_ name: String) -> Bool
    }

    /// What is most likely wrong; nil where nothing known explains the differences.
    var cause: Cause? { wrapper ?? head ?? channels }

    private var wrapper: Cause? {
        guard let prefix = WrapperPrefix.of(missing.map(\.name), in: extra.map(\.name)) else { return nil }
        return Cause(sentence: WrapperPrefix.advice(prefix)) { _ in true }
    }

    /// A head of several modules, such as `fc.1.weight` where the architecture has `fc.weight`.
    private var head: Cause? {
        guard let weight = missing.first(where: { $0.name.hasSuffix(".weight") && $0.shape.rank == 2 })
        else { return nil }
        let name = String(weight.name.dropLast("weight".count)) // with its dot
        let within = extra.filter { $0.name.hasPrefix(name) }
        let layers = within.filter { $0.name.hasSuffix(".weight") && $0.shape.rank == 2 }
        guard let last = layers.last else { return nil }
        let module = "'\(name.dropLast())'"
        let sentence: String
        if layers.count == 1 {
            let inner = last.name.dropLast(".weight".count)
            sentence =
                "\(module) of the file is a sequence of modules, that of the architecture one linear layer: save '\(inner)'"
                + " as \(module)"
        } else {
            let names = layers.map { "'\($0.name.dropLast(".weight".count))'" }.joined(separator: ", ")
            sentence =
                "\(module) of the file has \(layers.count) linear layers (\(names)), that of the architecture one: a head"
                + " of several layers is not part of it"
        }
        return Cause(sentence: sentence) { $0.hasPrefix(name) }
    }

    /// A first layer for images of other channels.
    private var channels: Cause? {
        guard let first = misshapen.first, first.needed.rank == 4, first.found.rank == 4 else { return nil }
        let (found, needed) = (first.found.dimensions, first.needed.dimensions)
        guard [1, 3].contains(needed[1]), found[1] != needed[1], found[0] == needed[0],
            found[2...] == needed[2...]
        else { return nil }
        let sentence =
            "the network of the file takes \(found[1])-channel images, that of the architecture \(needed[1])-channel ones"
        return Cause(sentence: sentence) { $0 == first.name }
    }
}
