internal import Engine

/// Functions of whole numbers that are known, in 64 bits: the arithmetic of shapes.
enum IntegerArithmetic {
    /// A function of constants, all whole numbers; nil where it is another's to compute.
    static func result(
        _ function: Function,
        _ operands: [Known],
        _ dimensions: [Int],
        _ type: DataType,
        most: Int
    ) throws(NodeFault) -> Constant? {
        guard type.isInteger, let count = dimensions.count(upTo: most) else { return nil }
        var sources: [(numbers: [Int64], dimensions: [Int])] = []
        for operand in operands {
            guard let constant = operand.constant, case .integers(let numbers) = constant.storage else {
                return nil
            }
            sources.append((numbers, constant.dimensions))
        }
        guard isKnown(function) else { return nil }
        var result: [Int64] = []
        result.reserveCapacity(count)
        for number in 0..<count {
            let values = sources.map { $0.numbers[place(number, in: $0.dimensions, of: dimensions)] }
            result.append(wrapped(value(function, values), type))
        }
        return Constant(dimensions, type, integers: result)
    }

    /// Where an element of a broadcast array is in one of its sources.
    private static func place(_ number: Int, in own: [Int], of all: [Int]) -> Int {
        var (rest, place, step) = (number, 0, 1)
        for axis in all.indices.reversed() {
            let index = rest % all[axis]
            rest /= all[axis]
            let ownAxis = axis - (all.count - own.count)
            guard ownAxis >= 0 else { continue }
            if own[ownAxis] != 1 { place += index * step }
            step *= own[ownAxis]
        }
        return place
    }

    private static func isKnown(_ function: Function) -> Bool {
        switch function {
        case .abs, .negate, .not, .sign, .identity, .toBool, .truncate, .ceil, .floor, .round, .relu, .add,
            .subtract,
            .multiply, .divideIntegers, .divide, .modulo, .fmod, .power, .min, .max, .and, .or, .xor, .equal,
            .less,
            .lessOrEqual, .greater, .greaterOrEqual, .where, .clip:
            true
        default: false
        }
    }

    private static func value(_ function: Function, _ x: [Int64]) -> Int64 {
        let second = x.count > 1 ? x[1] : 0
        return switch function {
        case .abs: x[0] < 0 ? 0 &- x[0] : x[0]
        case .negate: 0 &- x[0]
        case .not: x[0] == 0 ? 1 : 0
        case .sign: x[0].signum()
        case .toBool: x[0] != 0 ? 1 : 0
        case .relu: max(x[0], 0)
        case .add: x[0] &+ second
        case .subtract: x[0] &- second
        case .multiply: x[0] &* second
        case .divide, .divideIntegers:
            second == 0 ? 0 : x[0].dividedReportingOverflow(by: second).partialValue
        case .modulo: second == 0 ? 0 : floorModulo(x[0], second)
        case .fmod: second == 0 ? 0 : x[0].remainderReportingOverflow(dividingBy: second).partialValue
        case .power: power(x[0], second)
        case .min: min(x[0], second)
        case .max: max(x[0], second)
        case .and: x[0] != 0 && second != 0 ? 1 : 0
        case .or: x[0] != 0 || second != 0 ? 1 : 0
        case .xor: (x[0] != 0) != (second != 0) ? 1 : 0
        case .equal: x[0] == second ? 1 : 0
        case .less: x[0] < second ? 1 : 0
        case .lessOrEqual: x[0] <= second ? 1 : 0
        case .greater: x[0] > second ? 1 : 0
        case .greaterOrEqual: x[0] >= second ? 1 : 0
        case .where: x[0] != 0 ? second : x[2]
        case .clip: min(max(x[0], second), x[2])
        default: x[0]
        }
    }

    private static func floorModulo(_ a: Int64, _ b: Int64) -> Int64 {
        let rest = a.remainderReportingOverflow(dividingBy: b).partialValue
        return rest != 0 && (rest < 0) != (b < 0) ? rest &+ b : rest
    }

    private static func power(_ base: Int64, _ exponent: Int64) -> Int64 {
        guard exponent >= 0 else { return base == 1 ? 1 : 0 }
        var (result, square, rest) = (Int64(1), base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result = result &* square }
            square = square &* square
            rest >>= 1
        }
        return result
    }

    /// What is left of a number in the bits of its type.
    static func wrapped(_ number: Int64, _ type: DataType) -> Int64 {
        switch type {
        case .uint8: Int64(UInt8(truncatingIfNeeded: number))
        case .int8: Int64(Int8(truncatingIfNeeded: number))
        case .uint16: Int64(UInt16(truncatingIfNeeded: number))
        case .int16: Int64(Int16(truncatingIfNeeded: number))
        case .int32: Int64(Int32(truncatingIfNeeded: number))
        case .uint32: Int64(UInt32(truncatingIfNeeded: number))
        case .bool: number != 0 ? 1 : 0
        case .uint4: number & 15
        case .int4: (number << 60) >> 60
        case .uint2: number & 3
        case .int2: (number << 62) >> 62
        default: number
        }
    }
}
