import ClusterSupport
import Synchronization
import TestSupport

/// Alerts as they were seen: by id a fingerprint of each, since a long run has more of them than should be kept.
final class AlertLedger: Sendable {
  private struct State {
    var fingerprints: [String: Int] = [:]
    var doubled: [String] = []
    var unreadable: [String] = []
  }

  private let state = Mutex(State())

  var count: Int { state.withLock { $0.fingerprints.count } }
  var fingerprints: [String: Int] { state.withLock { $0.fingerprints } }

  func note(_ value: [UInt8]) {
    let text = String(decoding: value, as: UTF8.self)
    let alert = try? SeenAlert(json: text)
    state.withLock { state in
      guard let alert else { return state.unreadable.append(text) }
      if state.fingerprints.updateValue(alert.text.hashValue, forKey: alert.id) != nil {
        state.doubled.append(alert.id)
      }
    }
  }

  /// How what was seen differs from what was expected.
  struct Difference {
    var seen: Int
    var missing: [String]
    var extra: [String]
    var different: [String]
    var doubled: [String]
    var unreadable: [String]

    var isExact: Bool {
      missing.isEmpty && extra.isEmpty && different.isEmpty && doubled.isEmpty && unreadable.isEmpty
    }

    var rows: [[String]] {
      [
        ["alerts seen", "\(seen)"], ["missing", "\(missing.count)"], ["doubled", "\(doubled.count)"],
        ["extra", "\(extra.count)"], ["different in content", "\(different.count + unreadable.count)"],
      ]
    }

    /// The first of each kind.
    var examples: String {
      [
        ("missing", missing), ("doubled", doubled), ("extra", extra), ("different", different),
        ("unreadable", unreadable),
      ]
      .flatMap { name, ids in ids.prefix(3).map { "\(name): \($0)" } }.joined(separator: "\n")
    }
  }

  func difference(to expected: [String: Int]) -> Difference {
    state.withLock { state in
      let seen = state.fingerprints
      return Difference(
        seen: seen.count, missing: expected.keys.filter { seen[$0] == nil },
        extra: seen.keys.filter { expected[$0] == nil },
        different: seen.filter { expected[$0.key].map { [own = $0.value] in $0 != own } ?? false }.map(\.key),
        doubled: state.doubled, unreadable: state.unreadable)
    }
  }
}
