import CCounting
import Glibc
import Measuring

/// Counts what pieces of code take: processor time of this thread, so that a busy machine disturbs less, and its
/// instructions where they can be counted.
struct Meter {
  /// -1: instructions cannot be counted here.
  /// Whether callgrind is to collect what is measured; set once, before the run that counts.
  nonisolated(unsafe) static var isCollected = false

  private static let counter = ebb_instructions_open()
  static var countsInstructions: Bool { counter >= 0 }

  private var nanoseconds: UInt64 = 0
  private var instructions: UInt64 = 0

  /// Adds what `body` takes.
  mutating func measure(_ body: () -> Void) {
    guard unsafe Self.isCollected else {
      let counted = Self.counter >= 0 ? ebb_instructions_read(Self.counter) : 0
      let began = Self.now()
      body()
      nanoseconds += Self.now() - began
      if Self.counter >= 0 { instructions += ebb_instructions_read(Self.counter) - counted }
      return
    }
    withoutActuallyEscaping(body) { body in
      var body = body
      unsafe withUnsafeMutablePointer(to: &body) { place in
        unsafe ebb_measured(
          { context in unsafe context!.assumingMemoryBound(to: (() -> Void).self).pointee() }, place)
      }
    }
  }

  /// What was measured, for each of so many events.
  func sample(perEach events: Int) -> Sample {
    let events = Double(max(1, events))
    return Sample(
      nanoseconds: Double(nanoseconds) / events,
      instructions: Self.countsInstructions ? Double(instructions) / events : nil)
  }

  private static func now() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
