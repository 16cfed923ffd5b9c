import Portrait

extension UserState {
  private enum Flag {
    static let isIdentified: UInt64 = 1
    static let cart: UInt64 = 2
    static let end: UInt64 = 4
  }

  /// Appends everything but the key, which is the key of the record that holds the bytes.
  ///
  /// - Parameter who: the user whose state it is.
  ///
  /// `UserState(key:from:)` reads an equal state, bit for bit, and that one encodes to equal bytes.
  public func encode(of who: Identity, into writer: inout StateWriter) {
    let hasCart = cart != CartTrigger()
    writer.unsigned((isIdentified ? Flag.isIdentified : 0) | (hasCart ? Flag.cart : 0))
    portrait.encode(into: &writer)
    if hasCart { cart.encode(into: &writer, of: who, portrait) }
    churn.encode(into: &writer, of: who, portrait)
  }

  /// Reads what `encode` wrote.
  ///
  /// - Parameter key: the user's key in UTF-8.
  /// - Throws: if the bytes are not what some state encodes to; what is read so far takes memory in proportion to
  ///   the bytes only. Bytes behind the state are left to the caller.
  public init(key: UnsafeRawBufferPointer, from reader: inout StateReader) throws(StateError) {
    let flags = try reader.unsigned(below: Flag.end)
    let who = unsafe Identity(key: key, isIdentified: flags & Flag.isIdentified != 0)
    let portrait = try Portrait(from: &reader)
    if flags & Flag.cart != 0 {
      cart = try CartTrigger(from: &reader, who, portrait)
      if cart == CartTrigger() { throw reader.malformed("an empty cart trigger is written out") }
    }
    churn = try ChurnTrigger(from: &reader, who, portrait)
    isIdentified = who.isIdentified
    self.portrait = portrait
  }
}
