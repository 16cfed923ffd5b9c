import Foundation
import Supervision
import TestSupport
import Testing

/// How near a process is to the bound of its memory, and what the kernel says of both.
@Suite struct MemoryBoundTests {
  @Test
  func `Each step begins at its share, and ends when a twentieth of the bound has become free below it`() {
    var bound = MemoryBound(maximum: 1_000)
    var steps: [MemoryStep] = []
    for used in [0, 699, 700, 799, 800, 751, 899, 900, 1_200, 851, 850, 849, 751, 749, 651, 649] as [Int64] {
      _ = bound.note(used)
      steps.append(bound.step)
    }
    #expect(
      steps == [
        .ample, .ample, .warning, .warning, .heldBack, .heldBack, .heldBack, .stopped, .stopped, .stopped,
        .stopped,
        .heldBack, .heldBack, .warning, .warning, .ample,
      ])
    #expect(bound.entered == [.warning: 1, .heldBack: 1, .stopped: 1])
  }

  @Test func `A leap takes every step on its way, and another bound is judged at once`() {
    var bound = MemoryBound(maximum: 1_000)
    #expect(bound.note(950) == .ample)
    #expect(bound.entered == [.warning: 1, .heldBack: 1, .stopped: 1])
    bound.maximum = 2_000
    #expect(bound.note(950) == .stopped)
    #expect(bound.step == .ample)
    bound.maximum = 1_000
    #expect(bound.note(760) == .ample)
    #expect(bound.entered[.warning] == 2 && bound.entered[.heldBack] == 1)
  }

  @Test func `Rests are longer the nearer the end is`() {
    let bound = MemoryBound(maximum: 10_000)
    #expect(bound.restPerRecord(using: 8_000) == 20_000)
    #expect((195_000...205_000).contains(bound.restPerRecord(using: 8_500)))
    #expect(bound.restPerRecord(using: 9_000) == 2_000_000)
    // Left by the slack, or passed: no shorter and no longer than these.
    #expect(bound.restPerRecord(using: 7_600) == 20_000)
    #expect(bound.restPerRecord(using: 20_000) == 2_000_000)
  }

  @Test func `The least limit of the groups around counts`() async throws {
    try await withTemporaryDirectory { root in
      func put(_ text: String, at path: String) throws {
        let url = URL(fileURLWithPath: "\(root)/\(path)")
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
      }
      func limit(_ membership: String) -> Int64? {
        ProcessMemory.groupLimit(root: root, membership: membership)
      }
      try put("max\n", at: "system.slice/ebbd.service/memory.max")
      #expect(limit("0::/system.slice/ebbd.service\n") == nil)
      try put("4000000000\n", at: "system.slice/memory.max")
      #expect(limit("0::/system.slice/ebbd.service\n") == 4_000_000_000)
      try put("3000000000\n", at: "system.slice/ebbd.service/memory.max")
      #expect(limit("0::/system.slice/ebbd.service\n") == 3_000_000_000)
      // In a container the path is another's, and the limit stands at the root.
      try put("2000000000\n", at: "memory.max")
      #expect(limit("0::/not/here\n") == 2_000_000_000)
      // Version 1: a tree for each controller, and a number beyond all memory.
      try put("9223372036854771712\n", at: "memory/jobs/memory.limit_in_bytes")
      #expect(limit("9:name=systemd:/\n4:cpu,memory:/jobs\n") == nil)
      try put("1000000000\n", at: "memory/memory.limit_in_bytes")
      #expect(limit("9:name=systemd:/\n4:cpu,memory:/jobs\n0::/\n") == 1_000_000_000)
      #expect(limit("nonsense\n1:2\n") == nil)
    }
    #expect(ProcessMemory.automaticMaximum(limit: 1_000, machine: 2_000) == 900)
    #expect(ProcessMemory.automaticMaximum(limit: 1_800, machine: 2_000) == 1_500)
    #expect(ProcessMemory.automaticMaximum(limit: nil, machine: 2_000) == 1_500)
  }

  @Test func `What this process takes is measured, and what it frees is given back`() throws {
    let size: Int64 = 400 << 20
    // What others freed before is not to be taken for room that nobody takes.
    ProcessMemory.trim()
    let before = try #require(ProcessMemory.anonymousBytes())
    #expect(before > 0 && before < ProcessMemory.machineBytes)
    // Blocks that the allocator does not map one by one.
    var blocks = (0..<size / 65_536).map { _ in [UInt8](repeating: 1, count: 65_000) }
    let full = try #require(ProcessMemory.anonymousBytes())
    // Other tests run beside it.
    #expect(full - before > size / 4 * 3)
    blocks.removeAll()
    ProcessMemory.trim()
    let after = try #require(ProcessMemory.anonymousBytes())
    #expect(full - after > size / 4 * 3)
  }
}
