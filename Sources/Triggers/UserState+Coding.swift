import Portrait

extension UserState {
  private enum Flag {
    static let isIdentified: UInt64 = 1
    static let cart: UInt64 = 2
    static let end: UInt64 = 4
  }

  /// Appends everything but the key, which is the key of the record that holds the bytes.
  ///
  /// `UserState(key:from:)` reads an equal state, bit for bit, and that one encodes to equal bytes.
  public func encode(into writer: inout StateWriter) {
    let hasCart = cart != CartTrigger()
    writer.unsigned((isIdentified ? Flag.isIdentified : 0) | (hasCart ? Flag.cart : 0))
    portrait.encode(into: &writer)
    if hasCart { cart.encode(into: &writer, of: self) }
    churn.encode(into: &writer, of: self)
  }

  /// Reads what `encode` wrote.
  /// - Throws: if the bytes are not what some state encodes to; what is read so far takes memory in proportion to
  ///   the bytes only. Bytes behind the state are left to the caller.
  public init(key: String, from reader: inout StateReader) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    let who = Identity(key: key, isIdentified: flags & Flag.isIdentified != 0)
    let portrait = try Portrait(from: &reader)
    if flags & Flag.cart != 0 {
      cart = try CartTrigger(from: &reader, who, portrait)
      if cart == CartTrigger() { throw reader.malformed("an empty cart trigger is written out") }
    }
    churn = try ChurnTrigger(from: &reader, who, portrait)
    self.key = key
    isIdentified = who.isIdentified
    self.portrait = portrait
  }

  var identity: Identity { Identity(key: key, isIdentified: isIdentified) }
}
