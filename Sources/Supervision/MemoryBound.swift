import Glibc

/// Steps that are taken, one after the other, as a process comes near the bound of its memory.
public enum MemoryStep: Int, Sendable, Hashable, Comparable, CaseIterable {
  case ample
  /// From 70 % on: somebody is told.
  case warning
  /// From 80 % on: input is held back, the more the nearer the next step is.
  case heldBack
  /// From 90 % on: nothing is read.
  case stopped

  /// Share of the bound from which on the step holds.
  public var share: Double {
    switch self {
    case .ample: 0
    case .warning: 0.7
    case .heldBack: 0.8
    case .stopped: 0.9
    }
  }

  /// In names of metrics.
  public var name: String {
    switch self {
    case .ample: "ample"
    case .warning: "warning"
    case .heldBack: "held_back"
    case .stopped: "stopped"
    }
  }

  public static func < (left: MemoryStep, right: MemoryStep) -> Bool { left.rawValue < right.rawValue }
}

/// Judges how near a process is to the bound of its memory. No clock and no machine of its own: whoever asks brings the
/// numbers.
public struct MemoryBound: Sendable, Hashable {
  /// Bytes.
  public var maximum: Int64
  /// The step that holds now.
  public private(set) var step = MemoryStep.ample
  /// How often each step was entered from below.
  public private(set) var entered: [MemoryStep: Int64] = [:]

  /// A step is left when so much of the bound, as a share, has become free below it: what is freed by stopping must not
  /// start it again at once.
  static let slack = 0.05

  /// - Parameter maximum: bytes, at least 1.
  public init(maximum: Int64) {
    precondition(maximum > 0)
    self.maximum = maximum
  }

  /// The step that so much memory would mean.
  public func step(using used: Int64) -> MemoryStep {
    let share = Double(used) / Double(maximum)
    return MemoryStep.allCases.last { share >= $0.share - ($0 <= step ? Self.slack : 0) } ?? .ample
  }

  /// Takes note of a measurement.
  ///
  /// - Returns: the step before, if it is another one now.
  public mutating func note(_ used: Int64) -> MemoryStep? {
    let next = step(using: used)
    guard next != step else { return nil }
    defer { step = next }
    for passed in MemoryStep.allCases where passed > step && passed <= next {
      entered[passed, default: 0] += 1
    }
    return step
  }

  /// How long a lane is to rest for each record while input is held back, nanoseconds: 20 µs at 80 % of the bound, ten
  /// times as long every 5 %, which is 50,000 records a second and lane at first and 500 in the end.
  public func restPerRecord(using used: Int64) -> Int64 {
    let share = Double(used) / Double(maximum)
    let way = min(max((share - MemoryStep.heldBack.share) / 0.1, 0), 1)
    return Int64((20_000 * pow(100, way)).rounded())
  }
}
