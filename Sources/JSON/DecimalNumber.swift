internal import Platform

/// A number in the digits of JSON, rounded once to the nearest `Double`.
///
/// Few digits are exact in a `Double`, and so is the power of ten that scales them: one operation rounds them. Up to 19
/// digits are scaled by a power of five of 128 bits, which is enough to tell to which side they round; what has more
/// digits, or lies outside of what 32-bit floats hold, is left to the C library.
/// - Source: Lemire, "Number parsing at a gigabyte per second", 2021; that nothing is left open: Mushtak and Lemire, "Fast
///   number parsing without fallback", 2023. Eight digits at a time: simdjson.
enum DecimalNumber {
    /// Reads the number that begins at `position`, which moves to its end.
    ///
    /// - Throws: `JSONError` where a digit is missing, and for what no `Double` can hold.
    static func read(_ text: Span<UInt8>, _ position: inout Int) throws(JSONError) -> Double {
        let start = position
        var i = start
        let isNegative = i < text.count && text[i] == UInt8(ascii: "-")
        if isNegative { i += 1 }
        let firstDigit = i
        var mantissa: UInt64 = 0
        if i < text.count, text[i] == UInt8(ascii: "0") { i += 1 } else { try scan(text, &i, &mantissa) }
        var (count, exponent) = (i - firstDigit, 0)
        if i < text.count, text[i] == UInt8(ascii: ".") {
            i += 1
            let point = i
            try scan(text, &i, &mantissa)
            exponent = point - i
            count -= exponent
        }
        if i < text.count, text[i] | 0x20 == UInt8(ascii: "e") { exponent += try scale(text, &i) }
        position = i
        if count > 19 { count -= leadingZeros(text.extracting(firstDigit..<i)) }
        if count <= 19, let value = value(mantissa, exponent) { return isNegative ? -value : value }
        guard let value = Double(String(decoding: text.extracting(start..<i))), value.isFinite else {
            throw JSONError(offset: start, expected: "a number that a 64-bit float can hold")
        }
        return value
    }

    /// Skips digits, at least one, and appends them to `number`, which wraps beyond 19 of them.
    @inline(__always) private static func scan(
        _ text: Span<UInt8>,
        _ i: inout Int,
        _ number: inout UInt64
    ) throws(JSONError) {
        let start = i
        while i + 8 <= text.count, let eight = eightDigits(text.word(at: i)) {
            number = number &* 100_000_000 &+ eight
            i += 8
        }
        while i < text.count {
            let digit = text[i] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            number = number &* 10 &+ UInt64(digit)
            i += 1
        }
        guard i > start else { throw JSONError(offset: i, expected: "a digit") }
    }

    /// What eight bytes stand for, the lowest first; nil unless all are digits.
    @inline(__always) private static func eightDigits(_ word: UInt64) -> UInt64? {
        let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0
        let tens = (word &+ 0x0606_0606_0606_0606) & high
        guard word & high | tens >> 4 == 0x3333_3333_3333_3333 else {
            return nil
        }
        var pairs = word &- 0x3030_3030_3030_3030
        pairs = pairs &* 10 &+ pairs >> 8
        let low = (pairs & 0x0000_00FF_0000_00FF) &* 0x000F_4240_0000_0064
        return (low &+ (pairs >> 16 & 0x0000_00FF_0000_00FF) &* 0x0000_2710_0000_0001) >> 32
    }

    /// Reads an exponent with its letter; one beyond every number's is told as a large one.
    private static func scale(_ text: Span<UInt8>, _ i: inout Int) throws(JSONError) -> Int {
        i += 1
        let isNegative = i < text.count && text[i] == UInt8(ascii: "-")
        if isNegative || i < text.count && text[i] == UInt8(ascii: "+") { i += 1 }
        let start = i
        var exponent = 0
        while i < text.count, text[i].isDigit {
            exponent = min(exponent * 10 + Int(text[i] - UInt8(ascii: "0")), 1_000_000)
            i += 1
        }
        guard i > start else { throw JSONError(offset: i, expected: "a digit") }
        return isNegative ? -exponent : exponent
    }

    private static func leadingZeros(_ digits: Span<UInt8>) -> Int {
        var count = 0
        for i in digits.indices where digits[i] != UInt8(ascii: ".") {
            guard digits[i] == UInt8(ascii: "0") else { break }
            count += 1
        }
        return count
    }

    // swift-format-ignore
    private static let powersOfTen = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
        1e21, 1e22,
    ]

    /// digits · 10^exponent; nil for what is left to the C library.
    @inline(__always) private static func value(_ digits: UInt64, _ exponent: Int) -> Double? {
        if digits <= 1 << 53, -22...22 ~= exponent {
            // Both are exact in Double, so their quotient or product is rounded once: correctly.
            return exponent < 0
                ? Double(digits) / powersOfTen[-exponent] : Double(digits) * powersOfTen[exponent]
        }
        if digits == 0 { return 0 }
        return powersOfFiveRange ~= exponent ? scaled(digits, exponent) : nil
    }

    /// digits · 10^exponent, rounded to the nearest, of two to the even one.
    private static func scaled(_ digits: UInt64, _ exponent: Int) -> Double? {
        let zeros = digits.leadingZeroBitCount
        let digits = digits << zeros
        let row = 2 * (exponent - powersOfFiveRange.lowerBound)
        var (high, low) = digits.multipliedFullWidth(by: powersOfFive[row])
        if high & 0x1FF == 0x1FF {
            // The bits below the mantissa's are all set: a carry from further below would reach it.
            let carry = digits.multipliedFullWidth(by: powersOfFive[row + 1]).high
            low &+= carry
            if carry > low { high += 1 }
        }
        let upper = Int(high >> 63)
        let shift = upper + 9
        var mantissa = high >> UInt64(shift)
        // floor(log2(10^exponent)), for exponents of this size.
        var power = (217_706 * exponent) >> 16 + 63 + upper - zeros + 1023
        guard power > 0 else { return nil }
        let isTie = low <= 1 && -4...23 ~= exponent && mantissa & 3 == 1 && mantissa << UInt64(shift) == high
        if isTie { mantissa &= ~1 }
        mantissa = (mantissa + mantissa & 1) >> 1
        if mantissa >= 2 << 52 { (mantissa, power) = (1 << 52, power + 1) }
        return Double(bitPattern: UInt64(power) << 52 | mantissa & (1 << 52 - 1))
    }
}

/// The powers of five that 19 digits of a 32-bit float need.
extension DecimalNumber {
    private static let powersOfFiveRange = -65...38

    /// Two words for each, the high one first: the 128 leading bits, cut off for 5^0 and up, rounded up below.
    // swift-format-ignore
    private static let powersOfFive: [UInt64] = [
        0x86CCBB52EA94BAEA, 0x98E947129FC2B4E9, // 5^-65
        0xA87FEA27A539E9A5, 0x3F2398D747B36224, // 5^-64
        0xD29FE4B18E88640E, 0x8EEC7F0D19A03AAD, // 5^-63
        0x83A3EEEEF9153E89, 0x1953CF68300424AC, // 5^-62
        0xA48CEAAAB75A8E2B, 0x5FA8C3423C052DD7, // 5^-61
        0xCDB02555653131B6, 0x3792F412CB06794D, // 5^-60
        0x808E17555F3EBF11, 0xE2BBD88BBEE40BD0, // 5^-59
        0xA0B19D2AB70E6ED6, 0x5B6ACEAEAE9D0EC4, // 5^-58
        0xC8DE047564D20A8B, 0xF245825A5A445275, // 5^-57
        0xFB158592BE068D2E, 0xEED6E2F0F0D56712, // 5^-56
        0x9CED737BB6C4183D, 0x55464DD69685606B, // 5^-55
        0xC428D05AA4751E4C, 0xAA97E14C3C26B886, // 5^-54
        0xF53304714D9265DF, 0xD53DD99F4B3066A8, // 5^-53
        0x993FE2C6D07B7FAB, 0xE546A8038EFE4029, // 5^-52
        0xBF8FDB78849A5F96, 0xDE98520472BDD033, // 5^-51
        0xEF73D256A5C0F77C, 0x963E66858F6D4440, // 5^-50
        0x95A8637627989AAD, 0xDDE7001379A44AA8, // 5^-49
        0xBB127C53B17EC159, 0x5560C018580D5D52, // 5^-48
        0xE9D71B689DDE71AF, 0xAAB8F01E6E10B4A6, // 5^-47
        0x9226712162AB070D, 0xCAB3961304CA70E8, // 5^-46
        0xB6B00D69BB55C8D1, 0x3D607B97C5FD0D22, // 5^-45
        0xE45C10C42A2B3B05, 0x8CB89A7DB77C506A, // 5^-44
        0x8EB98A7A9A5B04E3, 0x77F3608E92ADB242, // 5^-43
        0xB267ED1940F1C61C, 0x55F038B237591ED3, // 5^-42
        0xDF01E85F912E37A3, 0x6B6C46DEC52F6688, // 5^-41
        0x8B61313BBABCE2C6, 0x2323AC4B3B3DA015, // 5^-40
        0xAE397D8AA96C1B77, 0xABEC975E0A0D081A, // 5^-39
        0xD9C7DCED53C72255, 0x96E7BD358C904A21, // 5^-38
        0x881CEA14545C7575, 0x7E50D64177DA2E54, // 5^-37
        0xAA242499697392D2, 0xDDE50BD1D5D0B9E9, // 5^-36
        0xD4AD2DBFC3D07787, 0x955E4EC64B44E864, // 5^-35
        0x84EC3C97DA624AB4, 0xBD5AF13BEF0B113E, // 5^-34
        0xA6274BBDD0FADD61, 0xECB1AD8AEACDD58E, // 5^-33
        0xCFB11EAD453994BA, 0x67DE18EDA5814AF2, // 5^-32
        0x81CEB32C4B43FCF4, 0x80EACF948770CED7, // 5^-31
        0xA2425FF75E14FC31, 0xA1258379A94D028D, // 5^-30
        0xCAD2F7F5359A3B3E, 0x096EE45813A04330, // 5^-29
        0xFD87B5F28300CA0D, 0x8BCA9D6E188853FC, // 5^-28
        0x9E74D1B791E07E48, 0x775EA264CF55347E, // 5^-27
        0xC612062576589DDA, 0x95364AFE032A819E, // 5^-26
        0xF79687AED3EEC551, 0x3A83DDBD83F52205, // 5^-25
        0x9ABE14CD44753B52, 0xC4926A9672793543, // 5^-24
        0xC16D9A0095928A27, 0x75B7053C0F178294, // 5^-23
        0xF1C90080BAF72CB1, 0x5324C68B12DD6339, // 5^-22
        0x971DA05074DA7BEE, 0xD3F6FC16EBCA5E04, // 5^-21
        0xBCE5086492111AEA, 0x88F4BB1CA6BCF585, // 5^-20
        0xEC1E4A7DB69561A5, 0x2B31E9E3D06C32E6, // 5^-19
        0x9392EE8E921D5D07, 0x3AFF322E62439FD0, // 5^-18
        0xB877AA3236A4B449, 0x09BEFEB9FAD487C3, // 5^-17
        0xE69594BEC44DE15B, 0x4C2EBE687989A9B4, // 5^-16
        0x901D7CF73AB0ACD9, 0x0F9D37014BF60A11, // 5^-15
        0xB424DC35095CD80F, 0x538484C19EF38C95, // 5^-14
        0xE12E13424BB40E13, 0x2865A5F206B06FBA, // 5^-13
        0x8CBCCC096F5088CB, 0xF93F87B7442E45D4, // 5^-12
        0xAFEBFF0BCB24AAFE, 0xF78F69A51539D749, // 5^-11
        0xDBE6FECEBDEDD5BE, 0xB573440E5A884D1C, // 5^-10
        0x89705F4136B4A597, 0x31680A88F8953031, // 5^-9
        0xABCC77118461CEFC, 0xFDC20D2B36BA7C3E, // 5^-8
        0xD6BF94D5E57A42BC, 0x3D32907604691B4D, // 5^-7
        0x8637BD05AF6C69B5, 0xA63F9A49C2C1B110, // 5^-6
        0xA7C5AC471B478423, 0x0FCF80DC33721D54, // 5^-5
        0xD1B71758E219652B, 0xD3C36113404EA4A9, // 5^-4
        0x83126E978D4FDF3B, 0x645A1CAC083126EA, // 5^-3
        0xA3D70A3D70A3D70A, 0x3D70A3D70A3D70A4, // 5^-2
        0xCCCCCCCCCCCCCCCC, 0xCCCCCCCCCCCCCCCD, // 5^-1
        0x8000000000000000, 0x0000000000000000, // 5^0
        0xA000000000000000, 0x0000000000000000, // 5^1
        0xC800000000000000, 0x0000000000000000, // 5^2
        0xFA00000000000000, 0x0000000000000000, // 5^3
        0x9C40000000000000, 0x0000000000000000, // 5^4
        0xC350000000000000, 0x0000000000000000, // 5^5
        0xF424000000000000, 0x0000000000000000, // 5^6
        0x9896800000000000, 0x0000000000000000, // 5^7
        0xBEBC200000000000, 0x0000000000000000, // 5^8
        0xEE6B280000000000, 0x0000000000000000, // 5^9
        0x9502F90000000000, 0x0000000000000000, // 5^10
        0xBA43B74000000000, 0x0000000000000000, // 5^11
        0xE8D4A51000000000, 0x0000000000000000, // 5^12
        0x9184E72A00000000, 0x0000000000000000, // 5^13
        0xB5E620F480000000, 0x0000000000000000, // 5^14
        0xE35FA931A0000000, 0x0000000000000000, // 5^15
        0x8E1BC9BF04000000, 0x0000000000000000, // 5^16
        0xB1A2BC2EC5000000, 0x0000000000000000, // 5^17
        0xDE0B6B3A76400000, 0x0000000000000000, // 5^18
        0x8AC7230489E80000, 0x0000000000000000, // 5^19
        0xAD78EBC5AC620000, 0x0000000000000000, // 5^20
        0xD8D726B7177A8000, 0x0000000000000000, // 5^21
        0x878678326EAC9000, 0x0000000000000000, // 5^22
        0xA968163F0A57B400, 0x0000000000000000, // 5^23
        0xD3C21BCECCEDA100, 0x0000000000000000, // 5^24
        0x84595161401484A0, 0x0000000000000000, // 5^25
        0xA56FA5B99019A5C8, 0x0000000000000000, // 5^26
        0xCECB8F27F4200F3A, 0x0000000000000000, // 5^27
        0x813F3978F8940984, 0x4000000000000000, // 5^28
        0xA18F07D736B90BE5, 0x5000000000000000, // 5^29
        0xC9F2C9CD04674EDE, 0xA400000000000000, // 5^30
        0xFC6F7C4045812296, 0x4D00000000000000, // 5^31
        0x9DC5ADA82B70B59D, 0xF020000000000000, // 5^32
        0xC5371912364CE305, 0x6C28000000000000, // 5^33
        0xF684DF56C3E01BC6, 0xC732000000000000, // 5^34
        0x9A130B963A6C115C, 0x3C7F400000000000, // 5^35
        0xC097CE7BC90715B3, 0x4B9F100000000000, // 5^36
        0xF0BDC21ABB48DB20, 0x1E86D40000000000, // 5^37
        0x96769950B50D88F4, 0x1314448000000000, // 5^38
    ]
}
