import ArgumentParser
import CCounting

/// `ebb-bench self-check`: that known numbers of allocations and references are counted exactly. A program of its own
/// for the tests, because only this one has malloc interposed.
struct SelfCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "self-check", abstract: "Counts known numbers of allocations and references.",
    shouldDisplay: false)

  private final class Node {
    var next: Node?
  }

  func run() throws {
    var failed = false
    func check(
      _ name: String, allocations: UInt64 = 0, frees: UInt64 = 0, objects: UInt64 = 0, retains: UInt64 = 0,
      releases: UInt64 = 0, _ counted: ebb_counts
    ) {
      let wanted = [allocations, frees, objects, retains, releases]
      let found = [
        counted.allocations, counted.frees, counted.objects, counted.retains, counted.releases,
      ]
      print(wanted == found ? "ok" : "WRONG", name, "wanted", wanted, "counted", found)
      if wanted != found { failed = true }
    }

    ebb_counting_start()
    check("nothing", ebb_counting_stop())

    ebb_counting_start()
    ebb_known_allocations(100)
    check(
      "100 times malloc, calloc, realloc, posix_memalign", allocations: 400, frees: 300, ebb_counting_stop())

    let node = Node()
    let address = unsafe Unmanaged.passUnretained(node).toOpaque()
    ebb_counting_start()
    unsafe ebb_known_references(address, 1_000)
    check("1000 retains and releases", retains: 1_000, releases: 1_000, ebb_counting_stop())
    withExtendedLifetime(node) {}

    let root = Node()
    ebb_counting_start()
    for _ in 0..<10 { Self.hang(on: root) }
    // Each makes one object; the one before goes when it is replaced.
    let made = ebb_counting_stop()
    check(
      "10 objects", allocations: 10, frees: 9, objects: 10, retains: made.retains, releases: made.releases,
      made)

    let before = ebb_counting_now()
    ebb_known_allocations(10)
    let after = ebb_counting_now()
    check(
      "nothing while it is off",
      ebb_counts(
        allocations: after.allocations - before.allocations, frees: after.frees - before.frees,
        objects: after.objects - before.objects, retains: after.retains - before.retains,
        releases: after.releases - before.releases))
    if failed { throw ExitCode(1) }
  }

  @inline(never) private static func hang(on root: Node) {
    root.next = Node()
  }
}
