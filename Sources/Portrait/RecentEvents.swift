/// Fingerprints of a user's last events, for de-duplication: the oldest gives way.
struct RecentEvents: Sendable {
  /// Fingerprints remembered.
  static let maximum = 16

  // Those behind `count` are whatever was there.
  private var hashes = [16 of UInt32](repeating: 0)
  /// Fingerprints kept, and where the next one is written.
  private(set) var count = 0
  private(set) var next = 0

  init() {}

  func contains(_ hash: UInt32) -> Bool {
    for place in 0..<count where hashes[place] == hash { return true }
    return false
  }

  mutating func remember(_ hash: UInt32) {
    hashes[next] = hash
    next = (next + 1) & (Self.maximum - 1)
    if count < Self.maximum { count += 1 }
  }

  /// The fingerprint by age, the oldest first.
  subscript(age: Int) -> UInt32 {
    precondition(age >= 0 && age < count)
    return hashes[(next - count + age) & (Self.maximum - 1)]
  }

  // MARK: In a block

  /// How many there are, at least one, and where the next one is written, in one byte.
  static func head(count: Int, next: Int) -> UInt8 { UInt8(truncatingIfNeeded: count - 1 & 15 | next << 4) }

  func write(into writer: inout BlockWriter) {
    writer.byte(Self.head(count: count, next: next))
    writeHashes(into: &writer)
  }

  func writeHashes(into writer: inout BlockWriter) { writer.prefix(4 * count, of: hashes) }

  /// Only where at least one was written.
  init(from reader: inout BlockReader) {
    let head = reader.byte()
    self.init(head: head, hashesFrom: &reader)
  }

  init(head: UInt8, hashesFrom reader: inout BlockReader) {
    count = Int(head & 15) + 1
    next = Int(head >> 4)
    hashes = reader.prefix(4 * count, as: [16 of UInt32].self)
  }
}

extension RecentEvents: Hashable {
  static func == (left: RecentEvents, right: RecentEvents) -> Bool {
    left.count == right.count && (0..<left.count).allSatisfy { left[$0] == right[$0] }
  }

  func hash(into hasher: inout Hasher) {
    for age in 0..<count { hasher.combine(self[age]) }
  }
}
