import ClusterSupport
import Foundation
import TestSupport
import Testing

/// Disks that are full, or that can only be read: of the state directory, and of the log. Each is a small file system of
/// its own, which nobody but the daemon sees.
@Suite(.serialized, .timeLimit(.minutes(10)), .daemonLogs) struct `Disks are full` {
  /// A directory that is a file system of its own for one instance.
  struct Disk: Sendable {
    var path: String
    var kilobytes: Int

    /// Starts a program that has it; `redirection` is the shell's.
    func wrapper(_ redirection: String = "") -> [String] {
      [
        "unshare", "-m", "/bin/sh", "-c",
        "mount -t tmpfs -o mode=0755,size=\(kilobytes)k ebb-test '\(path)' && exec \"$@\" \(redirection)",
        "sh",
      ]
    }

    /// The directory as the instance sees it.
    func seen(by instance: Instance) -> String { "/proc/\(instance.processIdentifier ?? 0)/root\(path)" }

    /// Leaves no room.
    func fill(of instance: Instance) throws {
      let handle = FileManager.default.createFile(atPath: seen(by: instance) + "/filler", contents: nil)
      guard handle, let file = FileHandle(forWritingAtPath: seen(by: instance) + "/filler") else {
        throw TestSupportError("no file in \(seen(by: instance))")
      }
      // Until it throws: there is no more room.
      for _ in 0..<kilobytes * 2 {
        do { try file.write(contentsOf: Data(repeating: 1, count: 1_024)) } catch { return try file.close() }
      }
      throw TestSupportError("\(path) does not become full")
    }

    func makeRoom(of instance: Instance) throws {
      try FileManager.default.removeItem(atPath: seen(by: instance) + "/filler")
    }
  }

  /// Why there can be none on this machine; nil: there can.
  static func obstacle() async throws -> String? {
    guard getuid() == 0 else { return "only root may mount a file system" }
    guard let unshare = Binaries.tool("unshare"), Binaries.tool("nsenter") != nil else {
      return "there is no unshare on this machine"
    }
    let tried = try await run(
      unshare, ["-m", "/bin/sh", "-c", "mount -t tmpfs -o size=64k ebb-test /mnt"])
    return tried.status == 0 ? nil : "no file system can be mounted here: \(tried.error)"
  }

  private static func disk(_ kilobytes: Int) throws -> Disk {
    let path = NSTemporaryDirectory() + "/ebb-disk-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return Disk(path: path, kilobytes: kilobytes)
  }

  @Test func `Snapshots and log lines that cannot be written are missed, and no alert is`() async throws {
    if let obstacle = try await Self.obstacle() { return print("skipped: \(obstacle)") }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await Self.loseStateDirectory("state directory full", saying: "No space left on device") {
          disk, instance in
          try disk.fill(of: instance)
        } mend: { disk, instance in
          try disk.makeRoom(of: instance)
        }
      }
      group.addTask {
        try await Self.loseStateDirectory("state directory read-only", saying: "Read-only file system") {
          disk, instance in
          try await Self.mount(instance, "mount", "-t", "tmpfs", "-o", "ro,mode=0755", "ebb-test", disk.path)
        } mend: { disk, instance in
          try await Self.mount(instance, "umount", disk.path)
        }
      }
      group.addTask { try await Self.fullLog() }
      group.addTask { try await Self.neverALog() }
      try await group.waitForAll()
    }
  }

  /// Runs a command where the instance sees its disk. One that files are open on does not become read-only, so another
  /// that is stands in front of it.
  private static func mount(_ instance: Instance, _ command: String...) async throws {
    let done = try await run(
      Binaries.tool("nsenter") ?? "nsenter", ["-t", "\(instance.processIdentifier ?? 0)", "-m"] + command)
    guard done.status == 0 else { throw TestSupportError("\(command): \(done.error)") }
  }

  /// The snapshots' directory fails and is mended.
  private static func loseStateDirectory(
    _ title: String, saying words: String, spoil: @escaping @Sendable (Disk, Instance) async throws -> Void,
    mend: @escaping @Sendable (Disk, Instance) async throws -> Void
  ) async throws {
    let disk = try disk(4_096)
    defer { try? FileManager.default.removeItem(atPath: disk.path) }
    var plan = Trial.Plan(eventsPerSecond: 150)
    plan.surroundings.wrapper = disk.wrapper()
    plan.state = ["directory": disk.path, "snapshot_every": "10s"]
    try await Trial.play(title, plan) { trial, rows in
      let instance = trial.instances[0]
      try await trial.until("a snapshot is there") { instance.log.contains("snapshot of partition") }
      let length = instance.log.count
      try await spoil(disk, instance)
      try await trial.until("it says so") { instance.log.contains(words) }
      // Time for another round of all partitions.
      try await Task.sleep(for: .seconds(12))
      let complaints = instance.complaints(after: length)
      #expect(complaints.count == 1, "\(title): \(complaints.joined(separator: "\n"))")
      #expect(complaints.first?.contains("state.directory") == true, "\(complaints)")
      let standing = try await instance.readiness()
      #expect(standing.isReady, "\(title): a snapshot is no more than a short cut: \(standing.reasons)")
      try await mend(disk, instance)
      try await trial.until("it says that snapshots are written again") {
        instance.log.dropFirst(length).contains("snapshots are written again")
      }
      // What it finds then, after a blow, is whole or is not used.
      instance.kill9()
      try instance.start()
      try await trial.until("the next process has recovered") {
        instance.log.components(separatedBy: "recovered partition ").count > Trial.partitions
      }
      rows += complaints.map { ["complaint", String($0.prefix(240))] }
    }
  }

  /// The log's file system is full, and then has room again.
  private static func fullLog() async throws {
    let disk = try disk(64)
    defer { try? FileManager.default.removeItem(atPath: disk.path) }
    var plan = Trial.Plan(eventsPerSecond: 150)
    plan.surroundings.wrapper = disk.wrapper("2>> '\(disk.path)/log'")
    try await Trial.play("log on a full disk", plan) { trial, _ in
      let instance = trial.instances[0]
      let log = disk.seen(by: instance) + "/log"
      try disk.fill(of: instance)
      // SIGHUP has it say something, which there is no room for.
      for _ in 0..<200 { instance.hangUp() }
      try await Task.sleep(for: .seconds(5))
      let full = try String(contentsOfFile: log, encoding: .utf8)
      #expect(instance.isRunning)
      try disk.makeRoom(of: instance)
      instance.hangUp()
      try await trial.until("lines come again") {
        try String(contentsOfFile: log, encoding: .utf8).count > full.count
      }
    }
  }

  /// Not one line is ever taken.
  private static func neverALog() async throws {
    var plan = Trial.Plan(eventsPerSecond: 150)
    plan.surroundings.wrapper = ["/bin/sh", "-c", "exec \"$@\" 2> /dev/full", "sh"]
    try await Trial.play("log on a device that is always full", plan) { trial, _ in
      try await Task.sleep(for: .seconds(5))
      let ends = try await trial.witness.edges().map(\.high)
      try await trial.until("what was written by then is committed") {
        zip(try await trial.witness.committed(), ends).allSatisfy { $0.nextOffset >= $1 }
      }
      #expect(trial.instances[0].log.isEmpty)
    }
  }
}
