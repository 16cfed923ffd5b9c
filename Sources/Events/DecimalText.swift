/// A decimal number read from its text, exactly: `digits` × 10^`exponent`.
///
/// Money must never pass through a binary fraction: 35.79 is 3579 cents because the text says so.
struct DecimalText: Hashable {
  var isNegative = false
  /// The first 19 significant digits.
  var digits: UInt64 = 0
  var exponent = 0
  /// Whether digits other than 0 were left out of `digits`.
  var isCut = false

  enum Rounding {
    /// Half a unit is rounded away from zero.
    case halfUp
    /// Towards zero.
    case down
    /// A fraction is an error.
    case none
  }

  enum ScaleError: Error {
    case tooLarge
    case fraction
  }

  /// Of a number that was read before: digits × 10^-`scale`, at most 18 digits.
  @inline(__always) init(isNegative: Bool, digits: UInt64, scale: Int) {
    self.isNegative = isNegative
    self.digits = digits
    exponent = digits == 0 ? 0 : -scale
  }

  /// Reads `[+-]digits[.digits][e[+-]digits]`, with spaces around it; nil for anything else.
  init?(_ text: RawText) {
    var index = 0
    var end = text.count
    while index < end, text[index] == 0x20 { index += 1 }
    while end > index, text[end - 1] == 0x20 { end -= 1 }
    guard index < end else { return nil }
    let first = text[index]
    if first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      isNegative = first == UInt8(ascii: "-")
      index += 1
    }
    var any = false
    var isFraction = false
    while index < end {
      let byte = text[index]
      if byte == UInt8(ascii: "."), !isFraction {
        isFraction = true
      } else if byte >= 0x30, byte <= 0x39 {
        any = true
        append(byte &- 0x30, isFraction: isFraction)
      } else {
        break
      }
      index += 1
    }
    guard any else { return nil }
    if index < end {
      guard text[index] == UInt8(ascii: "e") || text[index] == UInt8(ascii: "E") else { return nil }
      index += 1
      guard let written = Self.exponent(text, from: index, to: end) else { return nil }
      exponent += written
    }
    if digits == 0 { exponent = 0 }
  }

  /// As above, from a string.
  init?(_ text: String) {
    let bytes = Array(text.utf8)
    let decimal = unsafe bytes.withUnsafeBytes { unsafe DecimalText(RawText($0)) }
    guard let decimal else { return nil }
    self = decimal
  }

  private mutating func append(_ digit: UInt8, isFraction: Bool) {
    if digits >= 1_000_000_000_000_000_000 {
      if digit != 0 { isCut = true }
      if !isFraction { exponent += 1 }
    } else {
      digits = digits * 10 + UInt64(digit)
      if isFraction { exponent -= 1 }
    }
  }

  private static func exponent(_ text: RawText, from: Int, to end: Int) -> Int? {
    var index = from
    var isNegative = false
    if index < end {
      let sign = text[index]
      if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
        isNegative = sign == UInt8(ascii: "-")
        index += 1
      }
    }
    guard index < end else { return nil }
    var value = 0
    while index < end {
      let byte = text[index]
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      value = min(value * 10 + Int(byte &- 0x30), 1_000_000)
      index += 1
    }
    return isNegative ? -value : value
  }

  /// The number times 10^`power`, without its sign.
  func scaled(byPowerOfTen power: Int, _ rounding: Rounding) throws(ScaleError) -> UInt64 {
    if digits == 0 { return 0 }
    let shift = exponent + power
    if shift >= 0 {
      guard shift < Self.powers.count else { throw .tooLarge }
      let (product, overflow) = digits.multipliedReportingOverflow(by: Self.power(shift))
      guard !overflow else { throw .tooLarge }
      if isCut, rounding == .none { throw .fraction }
      return product
    }
    guard -shift < Self.powers.count else {
      if rounding == .none { throw .fraction }
      return 0
    }
    let divisor = Self.power(-shift)
    let (quotient, remainder) = digits.quotientAndRemainder(dividingBy: divisor)
    switch rounding {
    case .down: return quotient
    case .none:
      guard remainder == 0, !isCut else { throw .fraction }
      return quotient
    case .halfUp:
      return remainder >= divisor - remainder ? quotient + 1 : quotient
    }
  }

  /// Whether both texts name the same number (`3.14`, `3.140`, `314e-2`).
  func isSameNumber(as other: DecimalText) -> Bool {
    let a = normalized()
    let b = other.normalized()
    return a.digits == b.digits && a.exponent == b.exponent && !a.isCut && !b.isCut
      && (a.isNegative == b.isNegative || a.digits == 0)
  }

  private func normalized() -> DecimalText {
    var result = self
    while result.digits != 0, result.digits % 10 == 0 {
      result.digits /= 10
      result.exponent += 1
    }
    return result
  }

  /// The nearest double if the digits and the power of ten are exact doubles, else one within a few units of
  /// the last place. nil beyond ±10^300.
  var double: Double? {
    guard abs(exponent) <= 280 else { return digits == 0 || exponent < 0 ? 0 : nil }
    var result = Double(digits)
    var left = abs(exponent)
    while left > 0 {
      let step = min(left, 19)
      let factor = Double(Self.power(step))
      result = exponent < 0 ? result / factor : result * factor
      left -= step
    }
    return isNegative ? -result : result
  }

  /// 10^0 ... 10^19.
  private static let powers: InlineArray<20, UInt64> = {
    var powers = InlineArray<20, UInt64>(repeating: 1)
    for index in 1..<20 { powers[index] = powers[index - 1] * 10 }
    return powers
  }()

  private static func power(_ exponent: Int) -> UInt64 { powers[exponent] }
}
