import Portrait
import Triggers

/// Where the user lies who is being looked at: his block laid out as a state, and written back when he has changed.
/// One for all users, so that nothing is allocated for any of them.
struct Desk: ~Copyable {
  var state: UserState
  /// Parts of him that are laid out; the others are where `block` says.
  private(set) var atHand: UserParts = []
  private var block = BlockParts()
  private var writer = BlockWriter()
  private var scratch = StateWriter()

  init(_ constants: EpochConstants) {
    state = UserState(isIdentified: false, firstSeen: 0, constants)
  }

  /// Lays out a state of a block. It must stay as it is until he is written back.
  mutating func take(_ content: UnsafeRawPointer) {
    unsafe block = state.read(content)
    atHand = []
  }

  /// Lays out a state that comes from elsewhere.
  mutating func take(_ state: consuming UserState) {
    self.state = state
    block = BlockParts()
    atHand = .all
  }

  /// Lays out a new user.
  mutating func takeNew(isIdentified: Bool, firstSeen: Int64, _ constants: EpochConstants) {
    state.reset(isIdentified: isIdentified, firstSeen: firstSeen, constants)
    block = BlockParts()
    atHand = .all
  }

  /// Sees to it that parts of him are laid out.
  @inline(__always) mutating func need(_ parts: UserParts) {
    if !atHand.isSuperset(of: parts) { load(parts.subtracting(atHand)) }
  }

  @inline(never) private mutating func load(_ parts: UserParts) {
    state.load(parts, from: block)
    atHand.formUnion(parts)
  }

  /// Writes him back.
  ///
  /// - Parameter constants: of the epoch that he is in.
  mutating func put(
    into users: inout UserTable, _ index: Int, deadline: Int64, _ constants: EpochConstants
  ) {
    let growth = state.write(into: &writer, atHand: atHand, from: block, scratch: &scratch, constants)
    unsafe users.setState(index, writer.bytes, growth: growth, deadline: deadline)
  }
}
