import Measuring
import TestSupport
import Testing

/// How measured numbers are held against the checked-in ones.
@Suite struct `Figures are held` {
  private func figures(
    toolchain: String = "t", libraries: String = "l", allocations: Double = 0, bytes: Double = 200,
    own: Double = 1_000, total: Double = 1_500
  ) -> Figures {
    Figures(
      toolchain: toolchain, libraries: libraries, perThousandEvents: ["apply: allocations": allocations],
      bytesPerUser: ["demo": bytes], instructionsPerEvent: ["apply": .init(own: own, total: total)])
  }

  private func broken(_ known: Figures, _ measured: Figures) -> [String] {
    known.findings(measured).filter(\.isBroken).map(\.name)
  }

  @Test func `What has not risen holds`() {
    #expect(broken(figures(), figures()).isEmpty)
    #expect(broken(figures(), figures(bytes: 150, own: 500, total: 700)).isEmpty)
  }

  @Test func `One allocation in 1,000 events is more than none`() {
    #expect(
      broken(figures(), figures(allocations: 0.001)) == ["apply: allocations per 1 000 events"])
  }

  @Test func `None is none under every compiler, other counts are the compiler's`() {
    #expect(broken(figures(), figures(toolchain: "other", allocations: 1)).count == 1)
    #expect(broken(figures(allocations: 5), figures(toolchain: "other", allocations: 7)).isEmpty)
  }

  @Test func `Memory and instructions may rise by a few percent and no more`() {
    #expect(broken(figures(), figures(bytes: 205, own: 1_029, total: 1_540)).isEmpty)
    #expect(broken(figures(), figures(bytes: 207)) == ["bytes per user: demo"])
    #expect(broken(figures(), figures(own: 1_031)) == ["own instructions per event: apply"])
    #expect(broken(figures(), figures(total: 1_546)) == ["all instructions per event: apply"])
  }

  @Test func `Totals are compared under the same libraries only, and that is said`() {
    let findings = figures().findings(figures(libraries: "newer", own: 1_031, total: 9_000))
    #expect(findings.map(\.verdict) == [.holds, .holds, .risen, .notCompared])
  }

  @Test func `What has no figure yet has to be accepted`() {
    var known = Figures(toolchain: "t", libraries: "l")
    #expect(broken(known, figures()).count == 4)
    known.accept(figures())
    #expect(known == figures())
  }

  @Test func `Accepting some figures leaves the others, but for those of another toolchain`() {
    var known = figures()
    known.accept(Figures(toolchain: "t", libraries: "l", bytesPerUser: ["demo": 190]))
    #expect(known == figures(bytes: 190))
    known.accept(Figures(toolchain: "t2", libraries: "l", perThousandEvents: ["x": 1]))
    #expect(known.perThousandEvents == ["x": 1])
    #expect(known.instructionsPerEvent.isEmpty)
    #expect(known.bytesPerUser == ["demo": 190])
  }

  @Test func `Figures are read as they were written`() async throws {
    try await withTemporaryDirectory { directory in
      try figures(own: 12.5).write(to: directory + "/figures.json")
      #expect(try Figures(path: directory + "/figures.json") == figures(own: 12.5))
    }
  }
}
