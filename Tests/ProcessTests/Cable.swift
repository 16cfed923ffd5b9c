import ClusterSupport
import Foundation
import TestSupport

/// A network cable between this machine and an instance in a network of its own: it can be pulled, and then packets
/// vanish and nobody is told.
///
/// One end is here, the other goes into the network namespace that the instance is started in. That has no name, so it
/// and the cable are gone with the instance; the cable of an instance that never came goes with this object, or with
/// the process of the tests.
final class Cable: Sendable {
  /// This machine's address on it, nine characters.
  let host: String
  private let near: String
  private let far: String
  private let keeper: RunningProcess

  /// Why there can be none on this machine; nil: there can.
  static func obstacle() async -> String? {
    guard getuid() == 0 else { return "only root may lay a cable between networks" }
    for tool in ["ip", "unshare", "nsenter"] where Binaries.tool(tool) == nil {
      return "there is no \(tool) on this machine"
    }
    do {
      _ = try await Cable()
      return nil
    } catch {
      return "no network can be made here: \(error)"
    }
  }

  /// Lays one.
  init() async throws {
    let number = Int.random(in: 64...99)
    let name = "ebb" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    near = name + "a"
    far = name + "b"
    host = "10.\(number).0.1"
    keeper = try RunningProcess(
      "/bin/sh",
      [
        "-c",
        """
        ip link add \(near) type veth peer name \(far) && ip addr add \(host)/30 dev \(near) &&
          ip link set \(near) up && echo laid
        cat > /dev/null
        ip link del \(near) 2> /dev/null
        """,
      ], keepsInputOpen: true)
    try await keeper.wait(for: .output, containing: "laid", within: .seconds(20))
  }

  deinit {
    // Not the end of its input alone: this object's process is ended with it.
    _ = try? runBlocking(Binaries.tool("ip") ?? "/sbin/ip", ["link", "del", near])
  }

  /// Starts a program at the other end. What moves the cable's end goes on until that is gone from here.
  var wrapper: [String] {
    [
      "/bin/sh", "-c",
      """
      (while ip link show \(far); do ip link set \(far) netns $$; sleep 0.1; done) > /dev/null 2>&1 &
      exec unshare -n /bin/sh -c '
        until ip link show \(far) > /dev/null 2>&1; do sleep 0.05; done
        ip link set lo up && ip addr add \(host.dropLast())2/30 dev \(far) && ip link set \(far) up && exec "$@"
      ' sh "$@"
      """, "sh",
    ]
  }

  /// Runs a program beside the instance.
  static func beside(_ instance: Instance) -> [String] {
    ["nsenter", "-t", "\(instance.processIdentifier ?? 0)", "-n"]
  }

  func pull() async throws { try await set("down") }
  func plugIn() async throws { try await set("up") }

  private func set(_ state: String) async throws {
    let done = try await run(Binaries.tool("ip") ?? "ip", ["link", "set", near, state])
    guard done.status == 0 else { throw TestSupportError("ip link set \(near) \(state): \(done.error)") }
  }
}
