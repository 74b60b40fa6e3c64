internal import Engine

/// What a value is of others, for patterns: these look back from their last node, when all that they are made of is known.
///
/// What a pattern takes the place of is in the graph already and is left out of it in the end, where nobody else reads it.
enum Expression {
    /// A function of operands that broadcast.
    case function(Function, [Known])
    /// The mean along axes.
    case mean(Known, axes: [Int])
    /// An array repeated along the axes where it has one number.
    case expanded(Known)
    /// An array with numbers around it: as many before and behind along each axis.
    case padded(Known, before: [Int], behind: [Int], fill: Float)
    /// An image with its channels last, in that order in memory too.
    case transposed(RunValue)
    /// Every so many rows and columns of an image, from some on.
    case strided(Known, start: [Int], step: [Int])
}

extension GraphBuilder {
    /// Remembers what a value is of others.
    func remember(_ expression: Expression, of known: Known) {
        guard case .value(let value) = known else { return }
        expressions[value.value] = (expression, value.dimensions)
    }

    /// What a value is of others; nil where that is not known, or not under these dimensions: the value of the graph stays the
    /// same when its numbers get others.
    func expression(of known: Known) -> Expression? {
        guard case .value(let value) = known, !value.isChannelsLast,
            let (expression, dimensions) = expressions[value.value]
        else { return nil }
        if case .transposed = expression { return expression } // who asks looks at the dimensions
        return dimensions == value.dimensions ? expression : nil
    }

    /// What a function is of where the value is its result.
    func operands(of known: Known, _ function: Function) -> [Known]? {
        guard case .function(function, let operands)? = expression(of: known) else { return nil }
        return operands
    }

    /// Whether two values are one.
    func areSame(_ a: Known, _ b: Known) -> Bool {
        guard case .value(let first) = channelsLast(a), case .value(let second) = channelsLast(b) else {
            return false
        }
        return first.value == second.value && first.dimensions == second.dimensions
            && first.isChannelsLast == second.isChannelsLast
    }

    /// An image that was brought into the order of its dimensions, as it was before.
    func channelsLast(_ known: Known) -> Known {
        guard case .transposed(let image)? = expression(of: known),
            isChannelsLast(known.dimensions, channels: image.dimensions.last)
        else { return known }
        return marked(.value(image), as: known.dimensions)
    }

    /// All ways to see a value as source · scale + shift, the nearest source first.
    func lines(of known: Known) -> [(source: Known, scale: Float, shift: Float)] {
        var lines = [(source: known, scale: Float(1), shift: Float(0))]
        while let (source, scale, shift) = lines.last, lines.count < 4, let inner = line(source) {
            guard inner.source.dimensions == known.dimensions else { break }
            lines.append((inner.source, inner.scale * scale, inner.shift * scale + shift))
        }
        return lines
    }

    /// The last step of such a line.
    private func line(_ known: Known) -> (source: Known, scale: Float, shift: Float)? {
        guard case .function(let function, let operands)? = expression(of: known), operands.count == 2 else {
            return nil
        }
        let (first, second) = (operands[0], operands[1])
        if let number = second.constant?.single {
            switch function {
            case .add: return (first, 1, number)
            case .subtract: return (first, 1, -number)
            case .multiply: return (first, number, 0)
            case .divide: return (first, 1 / number, 0)
            default: return nil
            }
        }
        guard let number = first.constant?.single else { return nil }
        switch function {
        case .add: return (second, 1, number)
        case .subtract: return (second, -1, number)
        case .multiply: return (second, number, 0)
        default: return nil
        }
    }
}

extension Float {
    /// Whether a constant of a file is meant to be a number, whatever its last digits.
    func isNearly(_ other: Float) -> Bool { abs(self - other) <= 1e-4 * Swift.max(1e-3, abs(other)) }
}
