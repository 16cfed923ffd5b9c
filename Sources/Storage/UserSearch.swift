import Pipeline
import Portrait
import Shard
import Triggers

/// Looks for one user in one partition's state: what stands last under his key.
public struct UserSearch {
  /// What was found.
  public enum Finding: Sendable {
    case user(UserState, epoch: UInt64, position: Position)
    /// Expired or erased, and not yet forgotten.
    case gone(Position)
    case unreadable(String)
  }

  private let key: [UInt8]
  public private(set) var finding: Finding?
  /// Texts of epochs by their hash.
  public private(set) var texts: [UInt64: String] = [:]

  public init(user: String) { key = Array(user.utf8) }

  public mutating func take(key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?) {
    guard let key = unsafe key else { return }
    let isText = unsafe StateRecord.epoch(ofKey: key) != nil
    guard unsafe isText || key.elementsEqual(self.key) else { return }
    guard let value = unsafe value else {
      if !isText { finding = nil }
      return
    }
    do throws(StateError) {
      let record = try unsafe StoredRecord(key: key, value: value)
      switch record.kind {
      case .user: finding = .user(try record.user(), epoch: record.epoch, position: record.position)
      case .gone: finding = .gone(record.position)
      case .epoch: texts[record.epoch] = try record.epochText()
      }
    } catch {
      if !isText { finding = .unreadable(error.message) }
    }
  }
}
