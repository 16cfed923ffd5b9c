/// Every option there is, in the order of the reference and of the defaults file.
enum OptionTable {
  static let all: [Option] = serviceOptions + rulesOptions + outputOptions

  static let byPath: [String: Option] = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

  /// A group of options, with what they have in common.
  struct Group: Sendable {
    /// Such as `cart`, or `churn.weights`.
    let path: String
    let reason: String
  }

  /// In the order of the table.
  static let groups: [Group] = [
    Group(path: "kafka", reason: "The cluster and how to reach it."),
    Group(path: "topics", reason: "`ebbd topics` creates or checks them."),
    Group(path: "input", reason: "What the input topic holds."),
    Group(
      path: "commit",
      reason:
        "When a cut closes: what it holds, alerts, dead letters, state and offsets, is then written together."
    ),
    Group(path: "time", reason: "Event time, and how it moves on when nothing comes in."),
    Group(path: "sessions", reason: "Visits: runs of one user's events without a long silence."),
    Group(
      path: "cart",
      reason:
        "Cart abandonment. Spans count from the last cart or checkout event, or as `activity_extends` says."),
    Group(
      path: "churn",
      reason: "Churn warning: a score of 0 to 100, evaluated once a day for users with a baseline."),
    Group(
      path: "churn.weights",
      reason:
        "What the score is made of. Scaled to a sum of 1 over the components that a user has inputs for."),
    Group(path: "churn.bands", reason: "The lowest score of each band."),
    Group(path: "alerts", reason: "All alerts, of carts and of churn."),
    Group(path: "state", reason: "What is remembered of users, and how it survives."),
    Group(path: "shop", reason: "The shop itself."),
    Group(path: "memory", reason: "How much of it the process may take, and what happens before that."),
    Group(
      path: "http",
      reason:
        "What the program shows of itself on HTTP: /metrics for Prometheus, /healthz and /readyz for whoever watches "
        + "it, a page for people at /, and users by name. Read only."),
    Group(path: "log", reason: "What the program tells of itself. Never payloads, never secrets."),
    Group(path: "privacy", reason: "What is shown of users to those who watch over the program."),
  ]

  /// `cart` for `cart.steps`, `churn.weights` for `churn.weights.overdue`, empty for `lanes`.
  static func group(of path: String) -> String {
    path.lastIndex(of: ".").map { String(path[..<$0]) } ?? ""
  }

  /// Whether `path` is a group: options lie beneath it.
  static func isGroup(_ path: String) -> Bool {
    groupPaths.contains(path)
  }

  private static let groupPaths = Set(groups.map(\.path).filter { !$0.isEmpty })

  /// Names that may stand directly beneath a group (empty: at the top), in the order of the table.
  static func names(in group: String) -> [String] {
    let prefix = group.isEmpty ? "" : group + "."
    var seen = Set<String>()
    return all.compactMap { option in
      guard option.path.hasPrefix(prefix) else { return nil }
      let name = String(option.path.dropFirst(prefix.count).prefix { $0 != "." })
      return seen.insert(name).inserted ? name : nil
    }
  }
}
