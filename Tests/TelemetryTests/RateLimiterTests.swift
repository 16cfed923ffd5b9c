import Telemetry
import Testing

@Suite struct RateLimiterTests {
  @Test func `So many are told in an interval, and the rest are counted`() {
    var limiter = RateLimiter(limit: 2, intervalMilliseconds: 1000)
    #expect(limiter.admit(at: 0) == .pass(suppressedBefore: 0))
    #expect(limiter.admit(at: 10) == .pass(suppressedBefore: 0))
    #expect(limiter.admit(at: 20) == .suppress)
    #expect(limiter.admit(at: 999) == .suppress)
    #expect(limiter.takeSuppressed(at: 999) == 0)
    #expect(limiter.admit(at: 1000) == .pass(suppressedBefore: 2))
    #expect(limiter.admit(at: 1001) == .pass(suppressedBefore: 0))
    #expect(limiter.admit(at: 1002) == .suppress)
  }

  @Test func `What was held back last is told when quiet returns`() {
    var limiter = RateLimiter(limit: 1, intervalMilliseconds: 1000)
    for time: Int64 in 0..<5 { _ = limiter.admit(at: time) }
    #expect(limiter.takeSuppressed(at: 1000) == 4)
    #expect(limiter.takeSuppressed() == 0)
    #expect(limiter.admit(at: 2000) == .pass(suppressedBefore: 0))
  }

  @Test func `A clock that runs backwards silences nothing for long`() {
    var limiter = RateLimiter(limit: 1, intervalMilliseconds: 1000)
    #expect(limiter.admit(at: 1_000_000) == .pass(suppressedBefore: 0))
    #expect(limiter.admit(at: 5) == .pass(suppressedBefore: 0))
    #expect(limiter.admit(at: 6) == .suppress)
  }
}
