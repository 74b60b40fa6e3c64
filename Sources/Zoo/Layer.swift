package import Engine

/// One line of a network's table, as its paper prints it.
///
/// Names are the tensor names without `.weight` and `.bias`; `block` puts a prefix before them. Layers without
/// parameters are named by their kind and a number (`pool1`) unless the table names them. The number of inputs of a
/// layer is never written: it is what the layer before gives.
///
/// To add a kind: a case here and its line in `Lowering`.
package indirect enum Layer: Sendable {
    /// A convolution with `filters` output channels, as in PyTorch's `Conv2d`, or padded as much as its stride needs, as
    /// TensorFlow's `SAME` does: then `pad` does not count.
    case conv(
        _ name: String,
        _ filters: Int,
        kernel: Extent,
        stride: Int = 1,
        pad: Extent = 0,
        groups: Int = 1,
        bias: Bool = true,
        isSame: Bool = false
    )
    /// A fully connected layer at each pixel, whose tensors are those of `linear`.
    case pointwise(_ name: String, _ filters: Int)
    /// A fully connected layer.
    case linear(_ name: String, _ outputs: Int, bias: Bool = true)
    /// Batch normalisation with the running statistics of training.
    case batchNorm(_ name: String, epsilon: Float = 1e-5)
    /// Layer normalisation over the channels of each pixel.
    case channelNorm(_ name: String, epsilon: Float = 1e-6)
    /// Each channel by how large it is among all of them, added to itself.
    case responseNorm(_ name: String)
    /// A trained factor for each channel: a tensor of its own, without `.weight`, of one dimension or of an image.
    case layerScale(_ name: String, isImage: Bool = false)
    /// A convolution over the channels of a single pixel, without bias.
    case channelConv(_ name: String, kernel: Int)
    /// A function of single values; the tables write `.relu`.
    case activation(Activation)
    /// A function that keeps a hundredth of negative numbers.
    case leakyReLU
    /// The largest value of each window; `roundsUp` counts a last, incomplete one, as Caffe does.
    case maxPool(Extent, stride: Int, pad: Extent = 0, roundsUp: Bool = false, name: String? = nil)
    /// The mean of each window, with its padding counted as zeros or not counted.
    case averagePool(
        Extent,
        stride: Int,
        pad: Extent = 0,
        roundsUp: Bool = false,
        countsPadding: Bool = true,
        name: String? = nil
    )
    /// Average pooling to a fixed size, whatever the size of the image.
    case adaptiveAveragePool(Extent)
    /// Normalisation across channels; `alpha` is the paper's, not divided by `size`.
    case localResponseNorm(size: Int = 5, alpha: Float = 1e-4, beta: Float = 0.75, k: Float = 2)
    /// All values of an image in one row.
    case flatten
    /// Lowers to nothing: only training drops anything.
    case dropout
    /// The last layer of a classifier: its input is the output `logits`, its result `probabilities`.
    case softmax
    /// Layers whose names begin with `prefix` and a dot.
    case block(_ prefix: String, [Layer])
    /// The sum of two paths; an empty shortcut passes its input on.
    case residual([Layer], shortcut: [Layer] = [])
    /// The value before, each channel multiplied by the number that these layers, which end at 1 × 1, make of it.
    case gate([Layer])
    /// Branches joined along the channels, or the features of a sequence; an empty branch passes its input on.
    case concat([[Layer]])
    /// The value before is called this from here on; it goes on unchanged.
    case mark(String)
    /// Goes on from marked values, not from the value before: from their sum, their product, or from them joined along the
    /// channels. A single one is taken as it is.
    case from([String], Join = .sum)
    /// The image so many times as high and wide, each pixel a square.
    case upsample(Int)
    /// He et al.'s shortcut A: subsampling and channels of zeros.
    case padShortcut(_ channels: Int, stride: Int)
    /// Some channels in a given order.
    case selectChannels([Int])
    /// Constants of the network: y = x · scale + shift, for each channel or one for all.
    case scale(_ scales: [Float], shifts: [Float])
    /// LeNet-5's pooling with a trained coefficient and bias for each channel.
    case subsample(_ name: String)
    /// LeNet-5's output units: how near the values are to the row of each class.
    case radialBasis(_ name: String, _ outputs: Int)
    /// A row of a table for each token; where a step has several, for that in one column.
    case embedding(_ name: String, size: Int, features: Int, column: Int = 0)
    /// Stacked recurrent layers of one kind under one name; `states` marks those in which each layer ends, both directions one
    /// behind the other: `states.hidden0` and for an LSTM `states.cell0`, and so on.
    case recurrent(
        _ name: String,
        Recurrent.Cell,
        hidden: Int,
        projection: Int? = nil,
        layers: Int = 1,
        isBidirectional: Bool = false,
        bias: Bool = true,
        resetsAfter: Bool = true,
        nonlinearity: Recurrent.Nonlinearity = .tanh,
        states: String? = nil
    )
    /// One vector for a whole sequence.
    case sequencePool(SequencePool.Kind, isBidirectional: Bool)
    /// A part of the state before the step, whatever goes in.
    case recall(Recall)
    /// What goes in, so many numbers, is a part of the state of the step that follows; it goes on unchanged.
    case retain(_ count: Int)
    /// The first step of a recurrent network of one layer, from no state: a vector goes in, and its state, the outputs `h`
    /// and, of an `lstm`, `c` of the network, comes of it; what goes on is h, as 1 × hidden.
    case firstStep(_ name: String, Recurrent.Cell, hidden: Int, bias: Bool)
    /// The positions of an image as the steps of a sequence, row by row: c × h × w becomes h·w × c.
    case positions
    /// The value before is an output of the network of that name; it goes on unchanged.
    case output(String)
    /// What goes into the network is a memory: the mean of its values, as a query, the layer before, weights them.
    case attention(_ name: String, Attention)
}

extension Layer {
    /// How values become one.
    package enum Join: Sendable {
        case sum
        case concat
        /// Of vectors, one of which may be a single number.
        case product
    }

    /// max(x, 0).
    package static let relu = Layer.activation(.relu)
    /// min(max(x, 0), 6).
    package static let relu6 = Layer.activation(.relu6)
    /// The hyperbolic tangent.
    package static let tanh = Layer.activation(.tanh)
    /// The logistic function.
    package static let sigmoid = Layer.activation(.sigmoid)
    /// min(max(x + 3, 0), 6) / 6.
    package static let hardSigmoid = Layer.activation(.hardSigmoid)
    /// x · hardSigmoid(x).
    package static let hardSwish = Layer.activation(.hardSwish)
    /// x · sigmoid(x).
    package static let silu = Layer.activation(.silu)
    /// x · Φ(x), with the normal distribution Φ.
    package static let gelu = Layer.activation(.gelu)
    /// A constant factor.
    package static func scale(_ factor: Float) -> Layer { .scale([factor], shifts: [0]) }
    /// Average pooling over the whole image: channels × 1 × 1.
    package static let globalAveragePool = Layer.adaptiveAveragePool(1)
}
