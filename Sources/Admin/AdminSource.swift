import Triggers

/// What the server shows.
public protocol AdminSource: Sendable {
  /// In the exposition format of Prometheus.
  func metrics() -> String
  /// Why the process should be restarted, in sentences; empty: it is alive.
  func ailments() -> [String]
  /// Why it cannot be relied on yet, in sentences; empty: it is ready.
  func obstacles() -> [String]
  /// How it stands.
  func status() -> [Fact]
  /// What is known of a user.
  ///
  /// - Parameter key: `user_id`, or `anon:` and the anonymous id.
  func user(_ key: String) async -> UserLookup
  /// How the user is named in answers: by his key, or by what stands for it.
  func shownName(of key: String) -> String
}

extension AdminSource {
  public func shownName(of key: String) -> String { key }
}

/// What a look-up of a user came to.
public enum UserLookup: Sendable {
  case found([Fact])
  /// There is no such user in the partitions that this process has.
  case unknown
  /// Nobody can say at the moment, and why.
  case unavailable(String)
}
