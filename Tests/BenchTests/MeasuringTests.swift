import Measuring
import TestSupport
import Testing

/// What the benchmarks' numbers are made with.
@Suite struct `Numbers are made as they are said to be` {
  private static let middles: [([Double], Double)] = [
    ([3], 3), ([1, 2], 1.5), ([5, 1, 3], 3), ([4, 1, 3, 2], 2.5), ([7, 7, 7, 1_000], 7),
  ]

  @Test(arguments: middles)
  func `The median is the number in the middle`(numbers: [Double], middle: Double) {
    #expect(median(numbers) == middle)
  }

  @Test func `Nothing has no median`() {
    #expect(median([]) == nil)
    #expect([Sample]().medians == nil)
  }

  @Test func `Runs whose instructions are unknown have a median of time alone`() {
    let runs = [3.0, 9, 4].map { Sample(nanoseconds: $0, instructions: nil) }
    #expect(runs.medians == Sample(nanoseconds: 4, instructions: nil))
    #expect(runs.spread == 3...9)
  }

  @Test(arguments: [1, 2, 3, 10, 1_000, 4_097])
  func `The table of Zipf's law gives each rank the probability that the law does`(count: Int) {
    let harmonic = (1...count).reduce(0.0) { $0 + 1 / Double($1) }
    for (rank, probability) in AliasTable.zipf(count).probabilities.enumerated() {
      #expect(abs(probability * harmonic * Double(rank + 1) - 1) < 1e-9, "rank \(rank)")
    }
  }

  @Test func `Any weights are drawn as often as they weigh`() {
    var random = SeededGenerator(announcedAs: "weights")
    for _ in 0..<50 {
      let weights = (0..<Int.random(in: 1...40, using: &random)).map { _ in
        Bool.random(using: &random) ? Double.random(in: 0...3, using: &random) : 0.25
      }
      let sum = weights.reduce(0, +)
      let table = AliasTable(weights: weights)
      for (probability, weight) in zip(table.probabilities, weights) {
        #expect(abs(probability - weight / sum) < 1e-9)
      }
    }
  }

  @Test func `What is drawn follows the law`() {
    // 200,000 draws of 100 ranks: with a fixed seed, so that chance is the same every time.
    let count = 100
    let draws = 200_000
    var random = BenchRandom(seed: 1)
    let table = AliasTable.zipf(count)
    var seen = [Int](repeating: 0, count: count)
    for _ in 0..<draws { seen[table.draw(&random)] += 1 }
    let harmonic = (1...count).reduce(0.0) { $0 + 1 / Double($1) }
    var chiSquare = 0.0
    for rank in 0..<count {
      let expected = Double(draws) / (harmonic * Double(rank + 1))
      chiSquare += (Double(seen[rank]) - expected) * (Double(seen[rank]) - expected) / expected
    }
    // 99 degrees of freedom: beyond 149 once in a thousand seeds.
    #expect(chiSquare < 149)
  }

  @Test(arguments: Access.allCases, [1, 7, 1_000])
  func `A sequence names only users that there are, the same for the same seed`(access: Access, users: Int) {
    let sequence = access.sequence(5_000, users: users, seed: 3)
    #expect(sequence.allSatisfy { $0 < users })
    #expect(sequence == access.sequence(5_000, users: users, seed: 3))
    if users == 7 { #expect(Set(sequence).count == 7) }
  }

  @Test func `Frequent users lie apart from one another`() {
    let users = 1_000
    let sequence = Access.zipf.sequence(100_000, users: users, seed: 3)
    var seen = [Int](repeating: 0, count: users)
    for user in sequence { seen[Int(user)] += 1 }
    let frequent = seen.indices.sorted { seen[$0] > seen[$1] }.prefix(5).sorted()
    for (one, other) in zip(frequent, frequent.dropFirst()) { #expect(other - one > 10) }
    // The most frequent of a thousand has 1 / 7.485 of all.
    #expect((12_000...14_700).contains(seen.max()!))
  }

  private static let written: [(Double, Int, String)] = [
    (1_234_567.891, 1, "1 234 567.9"), (0, 0, "0"), (0.05, 1, "0.1"), (-3.14159, 3, "-3.142"),
    (999.99, 1, "1 000.0"),
  ]

  @Test(arguments: written)
  func `A number is written for people`(number: Double, digits: Int, text: String) {
    #expect(number.text(digits: digits) == text)
  }

  @Test func `Columns of a table stand below one another`() {
    var table = TextTable(["", "ns"])
    table.add(heading: "Decode")
    table.add(["native", "150.0"])
    table.add(["ga4", "1 150.0"])
    #expect(table.text == "               ns\n\nDecode\n  native    150.0\n  ga4     1 150.0\n")
  }

  @Test func `A profile's instructions belong to the object whose code they are`() {
    let profile = CallgrindProfile(
      parsing: """
        # callgrind format
        version: 1
        events: Ir

        ob=(1) /x/ebb-bench
        fl=(1) ???
        fn=(1) decode
        0 100
        cob=(2) /lib/libc.so.6
        cfn=(2) memcpy
        calls=3 0
        0 999
        +4 20

        ob=(2)
        fn=(2)
        0 999
        * 1

        ob=(1)
        fn=(3) apply
        -4 7
        totals: 1127
        """)
    #expect(profile.byObject == ["/x/ebb-bench": 127, "/lib/libc.so.6": 1_000])
    #expect(profile.own("ebb-bench") == 127)
    #expect(profile.total == 1_127)
  }
}
