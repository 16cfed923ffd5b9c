import Foundation

/// What the guards hold: the checked-in figures of what an event and a user cost, in
/// `Tests/BenchTests/figures.json`.
public struct Figures: Codable, Sendable, Hashable {
  /// Instructions per event under callgrind.
  public struct Instructions: Codable, Sendable, Hashable {
    /// In our own program's code, whatever libraries it calls.
    public var own: Double
    /// With the C library, Swift's and the JSON parser's.
    public var total: Double

    public init(own: Double, total: Double) {
      self.own = own
      self.total = total
    }
  }

  /// `Machine.toolchain` under which instructions and counts were measured.
  public var toolchain: String
  /// The libraries on which the totals of instructions depend.
  public var libraries: String
  /// Allocations, retains and releases per 1,000 events of the demo's mix, in decode and apply.
  public var perThousandEvents: [String: Double]
  /// Resident bytes per user, by population.
  public var bytesPerUser: [String: Double]
  public var instructionsPerEvent: [String: Instructions]

  public init(
    toolchain: String, libraries: String, perThousandEvents: [String: Double] = [:],
    bytesPerUser: [String: Double] = [:], instructionsPerEvent: [String: Instructions] = [:]
  ) {
    self.toolchain = toolchain
    self.libraries = libraries
    self.perThousandEvents = perThousandEvents
    self.bytesPerUser = bytesPerUser
    self.instructionsPerEvent = instructionsPerEvent
  }

  public init(path: String) throws {
    self = try JSONDecoder().decode(Self.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  public func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try (encoder.encode(self) + Data("\n".utf8)).write(to: URL(fileURLWithPath: path))
  }

  /// How far a measured number may lie above the checked-in one: what repeated measurements differ by, and room for
  /// a small change; more is to be accepted by a person.
  public enum Tolerance {
    /// Counting is exact: what is more is more. (No share: of 0 it is 0.)
    public static let counts = 0.0
    public static let bytes = 0.03
    public static let instructions = 0.03
  }

  /// One number held against its figure.
  public struct Finding: Sendable, Hashable {
    public enum Verdict: String, Sendable, Hashable {
      case holds
      case risen = "RISEN"
      /// The figure is of another toolchain, or of other libraries.
      case notCompared = "not compared"
      /// Nobody has accepted a figure yet.
      case noFigure = "NO FIGURE"
    }

    public var name: String
    public var figure: Double?
    public var measured: Double
    public var verdict: Verdict

    public init(name: String, figure: Double?, measured: Double, verdict: Verdict) {
      self.name = name
      self.figure = figure
      self.measured = measured
      self.verdict = verdict
    }

    public var isBroken: Bool { verdict == .risen || verdict == .noFigure }
  }

  /// What the finding of a population is called.
  public static func bytesName(_ population: String) -> String { "bytes per user: \(population)" }

  /// Holds what was measured against these figures.
  public func findings(_ measured: Figures) -> [Finding] {
    let isSameToolchain = toolchain == measured.toolchain
    let areSameLibraries = isSameToolchain && libraries == measured.libraries
    var findings: [Finding] = []
    func hold(_ name: String, _ figure: Double?, _ value: Double, _ tolerance: Double, _ isComparable: Bool) {
      let verdict: Finding.Verdict =
        if let figure {
          isComparable ? (value <= figure * (1 + tolerance) ? .holds : .risen) : .notCompared
        } else {
          .noFigure
        }
      findings.append(Finding(name: name, figure: figure, measured: value, verdict: verdict))
    }
    for (name, value) in measured.perThousandEvents.sorted(by: { $0.key < $1.key }) {
      // None is none under every compiler.
      let figure = perThousandEvents[name]
      hold(
        "\(name) per 1 000 events", figure, value, Tolerance.counts, isSameToolchain || figure == 0)
    }
    for (name, value) in measured.bytesPerUser.sorted(by: { $0.key < $1.key }) {
      hold(Self.bytesName(name), bytesPerUser[name], value, Tolerance.bytes, true)
    }
    for (name, value) in measured.instructionsPerEvent.sorted(by: { $0.key < $1.key }) {
      let figure = instructionsPerEvent[name]
      hold(
        "own instructions per event: \(name)", figure?.own, value.own, Tolerance.instructions, isSameToolchain
      )
      hold(
        "all instructions per event: \(name)", figure?.total, value.total, Tolerance.instructions,
        areSameLibraries)
    }
    return findings
  }

  /// Takes what was measured in the place of the figures of the same names, and leaves the others. Figures of another
  /// toolchain or of other libraries go, as they would be taken for this one's.
  public mutating func accept(_ measured: Figures) {
    if !measured.instructionsPerEvent.isEmpty || !measured.perThousandEvents.isEmpty {
      if toolchain != measured.toolchain || libraries != measured.libraries {
        instructionsPerEvent = [:]
        perThousandEvents = [:]
      }
      toolchain = measured.toolchain
      libraries = measured.libraries
    }
    perThousandEvents.merge(measured.perThousandEvents) { $1 }
    bytesPerUser.merge(measured.bytesPerUser) { $1 }
    instructionsPerEvent.merge(measured.instructionsPerEvent) { $1 }
  }
}
