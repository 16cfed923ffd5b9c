import Shard
import TestSupport
import Testing

/// The wheel beside a sorted array of the same hints.
@Suite struct DeadlineWheelTests {
  /// Hints in order, latest first.
  struct SortedHints {
    var hints: [DeadlineHint] = []

    mutating func push(_ hint: DeadlineHint) {
      var (low, high) = (0, hints.count)
      while low < high {
        let middle = (low + high) / 2
        if hint < hints[middle] { low = middle + 1 } else { high = middle }
      }
      hints.insert(hint, at: low)
    }

    mutating func popFirst(by limit: Int64) -> DeadlineHint? {
      guard let last = hints.last, last.time <= limit else { return nil }
      return hints.removeLast()
    }
  }

  /// How far ahead of the watermark deadlines lie in a history.
  enum Reach: CaseIterable {
    case ties, moments, sessions, days, years, absurd

    func ahead(_ dice: inout SeededGenerator) -> Int64 {
      switch self {
      case .ties: Int64.random(in: 0...1, using: &dice) * 1_800_000
      case .moments: Int64.random(in: 0...300, using: &dice)
      case .sessions: 1_800_000 + Int64.random(in: 0...60_000, using: &dice)
      case .days: Int64.random(in: 0...30, using: &dice) * 86_400_000 + Int64.random(in: 0...3, using: &dice)
      case .years: 1 << Int64.random(in: 0...43, using: &dice)
      case .absurd:
        Int64.random(in: 0...Int64.max / 4, using: &dice) >> Int64.random(in: 0...62, using: &dice)
      }
    }
  }

  /// Runs a random history through both; what differs, or nil.
  static func difference(seed: UInt64, steps: Int) -> String? {
    var dice = SeededGenerator(seed: seed)
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &dice) < percent }
    let reaches = Reach.allCases.filter { _ in chance(40) } + [.sessions]
    // Of 100 pushes: those at or before what was popped.
    let late = chance(50) ? 0 : Int.random(in: 1...60, using: &dice)
    let looksAhead = chance(50)
    // Now and again all times that there are, the ends included.
    var watermark: Int64 =
      chance(80) ? 1_700_000_000_000 : [0, .min, .max - 5, 1 << 40 - 3].randomElement(using: &dice)!
    let growth = Int.random(in: 35...75, using: &dice)
    let appearanceStart = UInt64.random(in: 0...1 << UInt64.random(in: 0...46, using: &dice), using: &dice)
    var wheel = DeadlineWheel()
    var model = SortedHints()
    for step in 0..<steps {
      let crowd = chance(2) ? Int.random(in: 1...700, using: &dice) : 1
      if chance(growth) {
        let isLate = chance(late)
        let reach = reaches.randomElement(using: &dice)!
        for member in 0..<crowd {
          let ahead = reach.ahead(&dice)
          let (sum, overflow) =
            isLate
            ? watermark.subtractingReportingOverflow(ahead) : watermark.addingReportingOverflow(ahead)
          // Each hint has an appearance of its own, so that the order is total.
          let hint = DeadlineHint(
            time: overflow ? (isLate ? .min : .max) : sum,
            appearance: appearanceStart + UInt64(step * 1000 + member) * 0x1_0001 % (1 << 47),
            index: UInt32.random(in: 0...UInt32.max, using: &dice))
          wheel.push(hint)
          model.push(hint)
        }
      } else {
        let ahead = reaches.randomElement(using: &dice)!.ahead(&dice)
        var limit = watermark.addingReportingOverflow(chance(70) ? ahead / 4 : ahead)
        if looksAhead, chance(10) { limit = (.max, false) }
        let mark = limit.overflow ? Int64.max : limit.partialValue
        for _ in 0..<(chance(20) ? 1000 : crowd) {
          let seen = wheel.first(by: mark)
          let (popped, expected) = (wheel.popFirst(by: mark), model.popFirst(by: mark))
          if seen != expected || popped != expected {
            return "step \(step): \(String(describing: popped)) for \(String(describing: expected)), seen "
              + "\(String(describing: seen)), by \(mark)"
          }
          guard popped != nil else { break }
        }
        // A look into the future does not move time.
        if mark < .max, chance(80) { watermark = max(watermark, mark) }
      }
      if wheel.count != model.hints.count { return "step \(step): \(wheel.count) for \(model.hints.count)" }
    }
    while let expected = model.popFirst(by: .max) {
      if wheel.popFirst(by: .max) != expected { return "at the end: not \(expected)" }
    }
    return wheel.count == 0 && wheel.popFirst(by: .max) == nil ? nil : "hints are left over"
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func `Hints come out as from a sorted array`(seed: UInt64) {
    let found = Self.difference(seed: seed, steps: 600)
    #expect(found == nil)
  }

  @Test func `Hints come out as from a sorted array, in histories never seen before`() {
    var dice = SeededGenerator(announcedAs: "DeadlineWheelTests")
    for _ in 0..<40 {
      let seed = dice.next()
      let found = Self.difference(seed: seed, steps: 600)
      #expect(found == nil, "seed \(seed)")
    }
  }

  @Test func `A million who are due in the same millisecond come in the order of their appearance`() {
    var wheel = DeadlineWheel()
    let count: UInt64 = 1 << 20
    for number in 0..<count {
      // Odd factors permute the numbers below a power of two.
      let appearance = number &* 0x9E37_79B1 % count
      wheel.push(DeadlineHint(time: 1_700_000_000_000, appearance: appearance, index: UInt32(appearance)))
    }
    var next: UInt64 = 0
    while let hint = wheel.popFirst(by: 1_700_000_000_000) {
      guard hint.appearance == next else { break }
      next += 1
    }
    #expect(next == count)
  }

  @Test func `A million pending take at most 16 bytes each, and a second million no more`() {
    var wheel = DeadlineWheel()
    var dice = SeededGenerator(seed: 5)
    let count = 1_000_000
    var start: Int64 = 1_700_000_000_000
    var appearance: UInt64 = 0
    var bytes: [Int] = []
    for _ in 0..<3 {
      for _ in 0..<count {
        appearance += 1
        let ahead = Int64.random(in: 0..<86_400_000, using: &dice)
        wheel.push(DeadlineHint(time: start + ahead, appearance: appearance, index: 1))
      }
      #expect(wheel.bucketBytes <= 16 * count)
      var fired = 0
      // As an event a second moves time.
      for mark in stride(from: start, through: start + 86_400_000, by: 1000) {
        while wheel.popFirst(by: mark) != nil { fired += 1 }
      }
      #expect(fired == count)
      bytes.append(wheel.bucketBytes)
      start += 40 * 86_400_000
    }
    #expect(bytes[1] <= bytes[0] * 102 / 100 && bytes[2] <= bytes[0] * 102 / 100, "\(bytes)")
  }

  @Test func `A look into the future costs the hints before it no more than once`() {
    var wheel = DeadlineWheel()
    wheel.push(DeadlineHint(time: 1 << 55, appearance: 0, index: 0))
    #expect(wheel.first(by: .max)?.time == 1 << 55)
    let start: Int64 = 1_700_000_000_000
    for number in 1...100_000 as ClosedRange<Int64> {
      wheel.push(DeadlineHint(time: start + number * 37 % 100_003, appearance: UInt64(number), index: 0))
    }
    // They have found buckets, rather than a place in a heap.
    #expect(wheel.bucketBytes >= 14 * 99_000)
    var last = Int64.min
    var count = 0
    while let hint = wheel.popFirst(by: start + 200_000) {
      #expect(hint.time >= last)
      last = hint.time
      count += 1
    }
    #expect(count == 100_000 && wheel.count == 1)
  }
}
