/// How often each thing that the rules can do happened, by name. A test that is green because nothing happened
/// is no test; so the random histories print this and fail when something is rare.
public struct Census: Sendable {
  public private(set) var counts: [String: Int] = [:]

  public init() {}

  public mutating func count(_ name: String, _ times: Int = 1) {
    counts[name, default: 0] += times
  }

  public static func += (left: inout Census, right: Census) {
    left.counts.merge(right.counts, uniquingKeysWith: +)
  }

  public subscript(name: String) -> Int { counts[name, default: 0] }
}
