/// Which known name was probably meant.
enum NearMiss {
  /// The nearest of `candidates`, if near enough; the first of equals.
  static func find(_ name: String, among candidates: some Sequence<String>) -> String? {
    let plain = normal(name)
    guard plain.count <= 64 else { return nil }
    let limit = max(1, min(3, plain.count / 3))
    var best: (name: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(plain, normal(candidate))
      if distance <= limit, distance < (best?.distance ?? .max) { best = (candidate, distance) }
    }
    return best?.name
  }

  /// Hyphens and capitals are the commonest misses.
  private static func normal(_ name: String) -> [UInt8] {
    name.lowercased().utf8.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
  }

  /// Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var rows = [[Int]](repeating: Array(0...right.count), count: left.count + 1)
    for i in rows.indices { rows[i][0] = i }
    for i in 1..<(left.count + 1) {
      for j in 1..<(right.count + 1) {
        let same = left[i - 1] == right[j - 1] ? 0 : 1
        var value = min(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + same)
        if i > 1, j > 1, left[i - 1] == right[j - 2], left[i - 2] == right[j - 1] {
          value = min(value, rows[i - 2][j - 2] + 1)
        }
        rows[i][j] = value
      }
    }
    return rows[left.count][right.count]
  }
}
