/// How the groups of a convolution lie in blocks of 16 channels.
enum ChannelGrouping: Equatable {
    /// Whole groups of 1 (depthwise), 2, 4 or 8 channels share a block; what goes in and comes out of a group lies in
    /// the same lanes.
    case inLanes(Int)
    /// So many neighbouring groups are computed as one that fills blocks, with zeros between them.
    case merged(Int)

    /// The most that merged groups may multiply the work by.
    private static let mostWaste = 8

    /// Nil when there is no kernel for it.
    init?(_ conv: Conv) {
        let inputs = conv.inputChannels / conv.groups
        let outputs = conv.outputChannels / conv.groups
        if conv.groups > 1, inputs == outputs, [1, 2, 4, 8].contains(inputs) {
            self = .inLanes(inputs)
            return
        }
        let choices = (1...conv.groups).filter { conv.groups % $0 == 0 }
        let merged = choices.first { $0 * inputs % 16 == 0 && $0 * outputs % 16 == 0 } ?? conv.groups
        guard merged <= Self.mostWaste else { return nil }
        self = .merged(merged)
    }
}
