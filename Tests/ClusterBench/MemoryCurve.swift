import TestSupport

/// A process's memory over time, and whether it is flat.
struct MemoryCurve {
  private struct Sample {
    var seconds: Double
    var bytes: Double
  }

  /// Before this nothing is judged: windows fill, and users come who will be forgotten.
  let warmUpSeconds: Double
  private var samples: [Sample] = []

  /// Of the mean, in ten minutes.
  static let bar = 0.01
  private static let span = 600.0

  init(warmUpSeconds: Double) { self.warmUpSeconds = warmUpSeconds }

  mutating func note(_ bytes: Int64, at seconds: Double) {
    samples.append(Sample(seconds: seconds, bytes: Double(bytes)))
  }

  var latestMebibytes: Int { Self.mebibytes(samples.last?.bytes ?? 0) }

  private static func mebibytes(_ bytes: Double) -> Int { Int((bytes / 1_048_576).rounded()) }

  private var judged: [Sample] { samples.filter { $0.seconds >= warmUpSeconds } }

  /// Change within ten minutes as a share of the mean, by the straight line that lies closest; nil: too few samples.
  private var slope: Double? {
    let judged = judged
    guard judged.count >= 3 else { return nil }
    let count = Double(judged.count)
    let meanTime = judged.reduce(0) { $0 + $1.seconds } / count
    let meanBytes = judged.reduce(0) { $0 + $1.bytes } / count
    let spread = judged.reduce(0) { $0 + ($1.seconds - meanTime) * ($1.seconds - meanTime) }
    guard spread > 0, meanBytes > 0 else { return nil }
    let common = judged.reduce(0) { $0 + ($1.seconds - meanTime) * ($1.bytes - meanBytes) }
    return common / spread * Self.span / meanBytes
  }

  /// nil: what was measured is shorter than ten minutes, which says too little.
  var isFlat: Bool? {
    let judged = judged
    guard let slope, let first = judged.first, let last = judged.last,
      last.seconds - first.seconds >= Self.span * 0.95
    else { return nil }
    return abs(slope) <= Self.bar
  }

  var rows: [[String]] {
    let judged = judged
    guard let slope, let first = judged.first, let last = judged.last else {
      return [["memory", "too short to say anything"]]
    }
    let low = judged.map(\.bytes).min() ?? 0
    let high = judged.map(\.bytes).max() ?? 0
    let verdict = isFlat.map { $0 ? "flat" : "NOT FLAT" } ?? "measured for less than 10 minutes: not judged"
    return [
      ["memory after \(Int(warmUpSeconds)) s", "\(Self.mebibytes(first.bytes)) MiB"],
      [
        "memory at the end (least, most since then)",
        "\(Self.mebibytes(last.bytes)) (\(Self.mebibytes(low)), \(Self.mebibytes(high))) MiB",
      ],
      ["change in 10 minutes", "\(String(format: slope * 100, digits: 2)) % (bar: 1 %), \(verdict)"],
    ]
  }

  /// The curve in characters, from 0 up, the end of the warm-up marked.
  var plot: String {
    let (width, height) = (72, 12)
    guard let last = samples.last, last.seconds > 0, let most = samples.map(\.bytes).max() else { return "" }
    var columns: [Double?] = Array(repeating: nil, count: width)
    for column in 0..<width {
      let from = last.seconds * Double(column) / Double(width)
      let to = last.seconds * Double(column + 1) / Double(width)
      let inside = samples.filter { $0.seconds >= from && $0.seconds <= to }
      if !inside.isEmpty { columns[column] = inside.reduce(0) { $0 + $1.bytes } / Double(inside.count) }
    }
    let mark = Int(warmUpSeconds / last.seconds * Double(width))
    var text = "\nmemory that no file stands behind, MiB; | is the end of the warm-up\n"
    for row in (0...height).reversed() {
      let level = most * Double(row) / Double(height)
      let label = String(Self.mebibytes(level))
      text += String(repeating: " ", count: max(0, 7 - label.count)) + label + " "
      for column in 0..<width {
        let isHere = columns[column].map { Int(($0 / most * Double(height)).rounded()) == row } ?? false
        text += isHere ? "*" : column == mark ? "|" : row == 0 ? "-" : " "
      }
      text += "\n"
    }
    return text + "        0 min" + String(repeating: " ", count: width - 14)
      + "\(String(format: last.seconds / 60, digits: 1)) min\n"
  }
}
