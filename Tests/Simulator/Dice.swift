import TestSupport

/// Draws of a seeded world.
struct Dice {
  private var generator: SeededGenerator

  init(seed: UInt64) {
    generator = SeededGenerator(seed: seed &* 0x9e37_79b9 &+ 17)
    // The first numbers of neighbouring seeds are alike.
    for _ in 0..<4 { _ = generator.next() }
  }

  mutating func chance(_ percent: Double) -> Bool {
    Double(generator.next() >> 11) / Double(1 << 53) * 100 < percent
  }

  mutating func pick<T>(_ values: [T]) -> T {
    values[Int(generator.next() % UInt64(values.count))]
  }

  mutating func number(_ range: ClosedRange<Int64>) -> Int64 {
    Int64.random(in: range, using: &generator)
  }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    Int.random(in: range, using: &generator)
  }

  mutating func word() -> UInt64 { generator.next() }
}
