/// Reads a pickle without Python: strings, numbers, containers, and the few calls that rebuild tensors.
///
/// A pickle is a program. Here a call is a record of what would be rebuilt, and a name that is not in the table of
/// `PickleGlobal` is refused before anything happens with it: nothing of the file is ever executed. What it may take is
/// bounded by a number of steps, each of which makes at most one value.
/// - Source: CPython, Lib/pickletools.py (the opcodes); PyTorch, torch/_utils.py (the functions that rebuild).
struct PickleReader {
    typealias Problem = TensorFileError.Problem

    /// The most values; a checkpoint with the state of an optimizer has some hundred thousand.
    static let maxValues = 4_000_000
    /// The longest string; longer ones are no names.
    static let maxStringCount = 1 << 24

    var input: FileWindow
    var heap = PickleHeap()
    private(set) var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var values = 0

    init(_ input: FileWindow) { self.input = input }

    /// Reads one pickle, to its end.
    ///
    /// - Returns: its value, which refers to `heap`.
    /// - Throws: `Problem` for what is no pickle, and for anything in it that is not data.
    mutating func value() throws(Problem) -> PickleValue {
        (stack, marks, memo) = ([], [], [:])
        while true {
            let code = try input.byte()
            if code == UInt8(ascii: ".") { return try pop() }
            try run(code)
        }
    }

    // swift-format-ignore
    private mutating func run(_ code: UInt8) throws(Problem) {
        switch code {
        case 0x80: try requireProtocol(input.byte())                                  // PROTO
        case 0x95: _ = try input.number(8)                                            // FRAME
        case UInt8(ascii: "N"): try push(.none)
        case 0x88: try push(.bool(true))                                              // NEWTRUE
        case 0x89: try push(.bool(false))                                             // NEWFALSE
        case UInt8(ascii: "K"): try push(.int(Int(input.number(1))))                  // BININT1
        case UInt8(ascii: "M"): try push(.int(Int(input.number(2))))                  // BININT2
        case UInt8(ascii: "J"): try push(.int(Int(Int32(truncatingIfNeeded: input.number(4))))) // BININT
        case 0x8A: try push(Self.integer(input.bytes(input.count(1))))                // LONG1
        case UInt8(ascii: "G"): _ = try input.number(8); try push(.inert)             // BINFLOAT
        case UInt8(ascii: "X"): try push(.string(string(4)))                          // BINUNICODE
        case 0x8C: try push(.string(string(1)))                                       // SHORT_BINUNICODE
        case 0x8D: try push(.string(string(8)))                                       // BINUNICODE8
        case UInt8(ascii: "U"): try push(.string(string(1)))                          // SHORT_BINSTRING
        case UInt8(ascii: "T"): try push(.string(string(4)))                          // BINSTRING
        case UInt8(ascii: "C"): _ = try string(1); try push(.inert)                   // SHORT_BINBYTES
        case UInt8(ascii: "B"): _ = try string(4); try push(.inert)                   // BINBYTES
        case 0x8E, 0x96: _ = try string(8); try push(.inert)                          // BINBYTES8, BYTEARRAY8
        case UInt8(ascii: "("): try mark()
        case UInt8(ascii: ")"), UInt8(ascii: "]"), 0x8F: try push(heap.list([]))      // EMPTY_TUPLE, _LIST, _SET
        case UInt8(ascii: "}"): try push(heap.dictionary())                           // EMPTY_DICT
        case UInt8(ascii: "t"), UInt8(ascii: "l"), 0x91: try push(heap.list(popToMark())) // TUPLE, LIST, FROZENSET
        case 0x85: try tuple(1)                                                       // TUPLE1
        case 0x86: try tuple(2)                                                       // TUPLE2
        case 0x87: try tuple(3)                                                       // TUPLE3
        case UInt8(ascii: "a"): try append([pop()])                                   // APPEND
        case UInt8(ascii: "e"), 0x90: try append(popToMark())                         // APPENDS, ADDITEMS
        case UInt8(ascii: "s"): let value = try pop(); try setItems([pop(), value])   // SETITEM
        case UInt8(ascii: "u"): try setItems(popToMark())                             // SETITEMS
        case UInt8(ascii: "q"): try remember(input.count(1))                          // BINPUT
        case UInt8(ascii: "r"): try remember(input.count(4))                          // LONG_BINPUT
        case 0x94: try remember(memo.count)                                           // MEMOIZE
        case UInt8(ascii: "h"): try push(recalled(input.count(1)))                    // BINGET
        case UInt8(ascii: "j"): try push(recalled(input.count(4)))                    // LONG_BINGET
        case UInt8(ascii: "0"): _ = try pop()                                         // POP
        case UInt8(ascii: "1"): _ = try popToMark()                                   // POP_MARK
        case UInt8(ascii: "c"): let module = try input.line(); try push(Self.global(module, input.line())) // GLOBAL
        case 0x93: try stackGlobal()                                                  // STACK_GLOBAL
        case UInt8(ascii: "Q"): try push(storage(pop()))                              // BINPERSID
        case UInt8(ascii: "R"), 0x81: let arguments = try pop(); try push(rebuilt(pop(), arguments)) // REDUCE, NEWOBJ
        case UInt8(ascii: "b"): _ = try pop(); try requireObject()                    // BUILD
        default: throw .refused(Self.refusal(ofOpcode: code))
        }
    }

    private func requireProtocol(_ number: UInt8) throws(Problem) {
        guard 2...5 ~= number else { throw .refused("its pickle is of protocol \(number); 2 to 5 are read") }
    }

    /// Counts values that are made.
    mutating func count(_ number: Int) throws(Problem) {
        values += number
        guard values <= Self.maxValues else {
            throw .refused("its pickle has more than \(Self.maxValues) values")
        }
    }

    mutating func push(_ value: PickleValue) throws(Problem) {
        try count(1)
        stack.append(value)
    }

    mutating func pop() throws(Problem) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw .checkpoint("its pickle takes more values than it has")
        }
        return value
    }

    private mutating func mark() throws(Problem) {
        try count(1)
        marks.append(stack.count)
    }

    private mutating func popToMark() throws(Problem) -> [PickleValue] {
        guard let start = marks.popLast() else {
            throw .checkpoint("its pickle ends a list that it has not begun")
        }
        defer { stack.removeSubrange(start...) }
        return Array(stack[start...])
    }

    private mutating func tuple(_ count: Int) throws(Problem) {
        var elements: [PickleValue] = []
        for _ in 0..<count { elements.append(try pop()) }
        try push(heap.list(elements.reversed()))
    }

    private mutating func append(_ elements: [PickleValue]) throws(Problem) {
        switch stack.last {
        case .list(let index)?: heap.lists[index] += elements
        case .inert?: break
        default: throw .checkpoint("its pickle appends to something that is no list")
        }
    }

    private mutating func setItems(_ items: [PickleValue]) throws(Problem) {
        guard items.count.isMultiple(of: 2) else { throw .checkpoint("its pickle has a key without a value") }
        switch stack.last {
        case .dictionary(let index)?:
            for place in stride(from: 0, to: items.count, by: 2) {
                heap.dictionaries[index].append((items[place], items[place + 1]))
            }
        case .inert?: break
        default: throw .checkpoint("its pickle sets items of something that is no dictionary")
        }
    }

    private mutating func remember(_ place: Int) throws(Problem) {
        guard let value = stack.last else {
            throw .checkpoint("its pickle remembers a value that it does not have")
        }
        try count(1)
        memo[place] = value
    }

    private func recalled(_ place: Int) throws(Problem) -> PickleValue {
        guard let value = memo[place] else {
            throw .checkpoint("its pickle recalls a value that it never had")
        }
        return value
    }

    private mutating func string(_ size: Int) throws(Problem) -> String {
        let count = try input.count(size)
        guard count <= Self.maxStringCount else { throw .refused("its pickle has a text of \(count) bytes") }
        return String(decoding: try input.bytes(count), as: UTF8.self)
    }

    /// An integer in two's complement, lowest byte first.
    private static func integer(_ bytes: [UInt8]) -> PickleValue {
        guard bytes.count <= 8 else { return .long(bytes) }
        let bits = bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let unused = 64 - 8 * bytes.count
        return .int(bytes.isEmpty ? 0 : Int(Int64(bitPattern: bits << UInt64(unused)) >> Int64(unused)))
    }
}
