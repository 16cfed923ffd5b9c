import Triggers

/// A span in which nothing changes that results depend on: what the operator configured, the mapping, time zones
/// and the version of the state function. Its text says all of it, and its hash names it.
public struct Epoch: Sendable {
  /// Of the text; 0 stands for an epoch that is not named, where state does not outlive the process.
  public let hash: UInt64
  public let text: String
  public let constants: EpochConstants

  public init(hash: UInt64, text: String, rules: Rules) {
    self.hash = hash
    self.text = text
    constants = EpochConstants(rules)
  }
}

/// The epochs that a shard's users were last touched in, by small numbers, and the present one.
struct EpochList {
  struct Entry {
    let hash: UInt64
    /// nil: only named so far, by a record read before its text.
    var epoch: Epoch?
    /// Stored records of users that name it.
    var references = 0
    /// Whether the state partition holds its text.
    var isStored = false
  }

  private(set) var entries: [Entry]
  private(set) var current: UInt16 = 0

  init(_ epoch: Epoch) {
    entries = [Entry(hash: epoch.hash, epoch: epoch)]
  }

  var constants: EpochConstants { entries[Int(current)].epoch!.constants }
  var currentHash: UInt64 { entries[Int(current)].hash }

  func constants(_ index: UInt16) -> EpochConstants { entries[Int(index)].epoch!.constants }

  func hash(_ index: UInt16) -> UInt64 { entries[Int(index)].hash }

  /// The number of an epoch, which it gets if it is not known yet.
  mutating func index(of hash: UInt64) -> UInt16 {
    if let index = entries.firstIndex(where: { $0.hash == hash }) { return UInt16(index) }
    entries.append(Entry(hash: hash, epoch: nil))
    return UInt16(entries.count - 1)
  }

  mutating func know(_ epoch: Epoch) -> UInt16 {
    let index = self.index(of: epoch.hash)
    if entries[Int(index)].epoch == nil { entries[Int(index)].epoch = epoch }
    return index
  }

  mutating func begin(_ epoch: Epoch) {
    current = know(epoch)
  }

  mutating func setStored(_ index: UInt16, _ isStored: Bool) {
    entries[Int(index)].isStored = isStored
  }

  mutating func refer(_ index: UInt16, by change: Int) {
    entries[Int(index)].references += change
  }
}
