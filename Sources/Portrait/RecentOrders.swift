/// Orders whose further rows are recognised: the oldest gives way.
struct RecentOrders: Sendable, Hashable {
  /// How an order's value is told.
  enum Basis: UInt8, Sendable, Hashable {
    case unknown, stated, prices
  }

  static let maximum = 4

  // Places that are not used are 0.
  private(set) var keys = SIMD4<UInt64>()
  private var bases = SIMD4<UInt8>()
  private(set) var count = 0

  init() {}

  func index(of key: UInt64) -> Int? {
    for index in 0..<count where keys[index] == key { return index }
    return nil
  }

  /// Takes a further order in; returns its place.
  mutating func append(_ key: UInt64, _ basis: Basis = .unknown) -> Int {
    if count == Self.maximum {
      for index in 1..<Self.maximum {
        keys[index - 1] = keys[index]
        bases[index - 1] = bases[index]
      }
      count -= 1
    }
    keys[count] = key
    bases[count] = basis.rawValue
    count += 1
    return count - 1
  }

  subscript(basis index: Int) -> Basis {
    get { Basis(rawValue: bases[index])! }
    set { bases[index] = newValue.rawValue }
  }

  // MARK: In a block

  func write(into writer: inout BlockWriter) {
    var head = UInt16(truncatingIfNeeded: count)
    for index in 0..<count { head |= UInt16(bases[index]) << UInt16(3 + 2 * index) }
    writer.fixed16(head)
    for index in 0..<count { writer.fixed64(keys[index]) }
  }

  init(from reader: inout BlockReader) {
    var head = reader.fixed16()
    count = Int(head & 7)
    head >>= 3
    for index in 0..<count {
      keys[index] = reader.fixed64()
      bases[index] = UInt8(truncatingIfNeeded: head & 3)
      head >>= 2
    }
  }
}
