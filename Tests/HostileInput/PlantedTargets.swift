import Foundation
import Glibc

/// Faults made on purpose: whoever tries inputs must find them.
enum PlantedTargets {
  static let all = [
    planted("planted-crash") { _ in fatalError("planted") },
    planted("planted-hang") { _ in while true { usleep(100_000) } },
    planted("planted-memory") { _ in
      var hoard: [[UInt8]] = []
      while true { hoard.append([UInt8](repeating: 1, count: 64 << 20)) }
    },
    planted("planted-lie") { _ in throw HostileFault("planted") },
    HostileTarget(
      "planted-first", "nothing: a fault made on purpose, at the first input", pieces: ["!"],
      seeds: { [Array("quiet".utf8)] }, makeCheck: { PlainCheck { _ in while true { usleep(100_000) } } }),
  ]

  /// Reads anything, but for inputs with a certain beginning that no seed has.
  private static func planted(
    _ name: String, _ fault: @escaping @Sendable ([UInt8]) throws -> Void
  ) -> HostileTarget {
    HostileTarget(name, "nothing: a fault made on purpose", pieces: ["!"], seeds: { [Array("quiet".utf8)] }) {
      PlainCheck { input in
        if input.starts(with: "!q".utf8) { try fault(input) }
        return true
      }
    }
  }
}
