/// Damages bytes, the same way for the same numbers: flips, cuts, copies, splices, and pieces put in.
public struct Mutator: Sendable {
  /// What means something to the format, or has been stumbled over by parsers.
  public var pieces: [[UInt8]]
  /// What is damaged together is mixed with these.
  public var others: [[UInt8]]
  /// Nothing gets longer than this, bytes.
  public var mostBytes: Int

  public init(pieces: [[UInt8]], others: [[UInt8]] = [], mostBytes: Int = 1 << 16) {
    self.pieces = pieces
    self.others = others
    self.mostBytes = mostBytes
  }

  /// Lengths and numbers at the edges of their types, and bytes that are no text.
  public static let binaryPieces: [[UInt8]] = [
    [0], [1], [0x7F], [0x80], [0xFF], [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0x80],
    Array(repeating: 0xFF, count: 8), Array(repeating: 0, count: 8), Array(repeating: 0x80, count: 10),
    Array(repeating: 0xFF, count: 9) + [1], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
    [0xE2, 0x82],
  ]

  /// One to four damages.
  public func mutate(_ bytes: inout [UInt8], _ random: inout some RandomNumberGenerator) {
    for _ in 0..<Int.random(in: 1...4, using: &random) { mutateOnce(&bytes, &random) }
    if bytes.count > mostBytes { bytes.removeSubrange(mostBytes...) }
  }

  private func mutateOnce(_ bytes: inout [UInt8], _ random: inout some RandomNumberGenerator) {
    let place = Int.random(in: 0...bytes.count, using: &random)
    switch Int.random(in: 0..<12, using: &random) {
    case 0 where place < bytes.count: bytes[place] = UInt8.random(in: .min ... .max, using: &random)
    case 1 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 2 where place < bytes.count: bytes[place] &+= Bool.random(using: &random) ? 1 : 0xFF
    case 3:
      bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...8, using: &random)))
    case 4: bytes.removeSubrange(place...)
    case 5:
      // A piece of itself once more, or many times.
      let from = Int.random(in: 0...bytes.count, using: &random)
      let piece = Array(bytes[from..<min(bytes.count, from + Int.random(in: 1...40, using: &random))])
      let times = Int.random(in: 0..<50, using: &random) == 0 ? 200 : 1
      for _ in 0..<times where bytes.count < mostBytes { bytes.insert(contentsOf: piece, at: place) }
    case 6:
      // The rest of another one.
      guard let other = others.randomElement(using: &random) else { return }
      bytes.replaceSubrange(place..., with: other[Int.random(in: 0...other.count, using: &random)...])
    case 7:
      // A piece in the place of what was there.
      let piece = pieces.randomElement(using: &random) ?? []
      bytes.replaceSubrange(place..<min(bytes.count, place + piece.count), with: piece)
    case 8:
      // A number in the place of another.
      let digits = bytes[place...].prefix { $0 >= 0x30 && $0 <= 0x39 }
      guard !digits.isEmpty else { return }
      let number = [
        "0", "-1", "9223372036854775807", "9223372036854775808", "99999999999999999999", "1e400", "0.1", "00",
        "2147483648",
      ].randomElement(using: &random)!
      bytes.replaceSubrange(digits.startIndex..<digits.endIndex, with: Array(number.utf8))
    default: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
    }
  }
}
