/// An ISO 4217 code, three upper-case letters packed into 24 bits (0 is never a currency).
public struct Currency: Sendable, Hashable {
  /// The letters, first in the highest byte.
  public let code: UInt32

  @inlinable init(code: UInt32) { self.code = code }

  /// Accepts exactly three ASCII letters of either case.
  public init?(_ letters: some Collection<UInt8>) {
    guard letters.count == 3 else { return nil }
    var code: UInt32 = 0
    for letter in letters {
      let upper = letter & 0xDF
      guard upper >= UInt8(ascii: "A"), upper <= UInt8(ascii: "Z") else { return nil }
      code = code << 8 | UInt32(upper)
    }
    self.code = code
  }

  /// A code that came from `code`.
  package init(trusted code: UInt32) {
    self.code = code
  }

  /// As `init(_:)`, from a string.
  public init?(_ text: String) {
    self.init(text.utf8)
  }

  /// The three letters.
  public var text: String {
    String(
      decoding: [UInt8(code >> 16 & 0xFF), UInt8(code >> 8 & 0xFF), UInt8(code & 0xFF)], as: UTF8.self)
  }

  /// Decimal digits of the minor unit (ISO 4217): 2 for most, 0 and 3 for the ones listed here.
  public var minorDigits: Int {
    switch code {
    case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
      "XAF", "XOF", "XPF":
      0
    case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND": 3
    default: 2
    }
  }
}

/// Lets the list above be read as letters and compared as numbers: money is converted on the hot path.
private func ~= (letters: StaticString, code: UInt32) -> Bool {
  letters.withUTF8Buffer { letters in
    unsafe UInt32(letters[0]) << 16 | UInt32(letters[1]) << 8 | UInt32(letters[2]) == code
  }
}
