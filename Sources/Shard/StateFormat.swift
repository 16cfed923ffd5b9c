import Portrait
import Triggers

/// How a state record's bytes are laid out. A release reads its own format and the one before, and writes the one
/// before until it is told otherwise, so that it can be taken back.
public enum StateFormat: UInt8, Sendable, Hashable, CaseIterable, Comparable {
  case one = 1

  /// The newest that this release reads and writes.
  public static let current = StateFormat.one

  public static func < (left: StateFormat, right: StateFormat) -> Bool { left.rawValue < right.rawValue }

  /// What this release reads, for people.
  static var readable: String {
    allCases.count == 1 ? "format \(current.rawValue)" : "formats \(allCases.map { "\($0.rawValue)" })"
  }

  func encode(_ user: borrowing UserState, key: UnsafeRawBufferPointer, into writer: inout StateWriter) {
    switch self {
    case .one:
      unsafe user.encode(of: Identity(key: key, isIdentified: user.isIdentified), into: &writer)
    }
  }

  func user(key: UnsafeRawBufferPointer, from reader: inout StateReader) throws(StateError) -> UserState {
    switch self {
    case .one: unsafe try UserState(key: key, from: &reader)
    }
  }
}
