internal import Imaging

/// What each position of a network's last maps gives to a class.
///
/// - Source: Zhou et al. 2016, §2: M_c(x, y) = Σ_k w_k^c f_k(x, y).
struct ClassActivationMap {
    /// The logit of every class: the mean over its score map.
    let logits: [Float]
    private let maps: [Float]
    private let bias: [Float]
    private let height: Int
    private let width: Int

    /// - Parameters:
    ///   - maps: the score maps, classes × height × width, each position with the class's bias.
    ///   - bias: of each class; empty for none.
    ///   - height: of a map.
    ///   - width: of a map.
    init(_ maps: [Float], bias: [Float], height: Int, width: Int) {
        let positions = height * width
        (self.maps, self.bias, self.height, self.width) = (maps, bias, height, width)
        logits = stride(from: 0, to: maps.count, by: positions).map { start in
            let sum = maps[start..<start + positions].reduce(0) { $0 + Double($1) }
            return Float(sum / Double(positions))
        }
    }

    /// The map of a class without its bias: its mean and the bias make the logit.
    func map(of index: Int) -> HeatMap {
        let positions = height * width
        let values = maps[index * positions..<(index + 1) * positions].map { $0 - self.bias(of: index) }
        return HeatMap(height: height, width: width, values: values)
    }

    /// The bias of a class, 0 where the network has none.
    func bias(of index: Int) -> Float { bias.isEmpty ? 0 : bias[index] }
}
