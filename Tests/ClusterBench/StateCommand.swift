import ArgumentParser
import ClusterSupport
import Events
import Settings
import Shard
import Shop
import Triggers

/// How many bytes of state are written for each input event, beside what flushing every changed user every 100 ms
/// would write. On the demo's traffic, through a shard, without a broker and without waiting.
struct StateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "state",
    abstract: "State topic bytes per input event, against one flush per changed user per 100 ms.")

  @ArgumentParser.Option(help: "Seconds of the demo, each 12 h of the shop's time.")
  var seconds: Int64 = 300

  @ArgumentParser.Option(help: "Users of the simulated shop, as in the demo.")
  var users = 400

  @ArgumentParser.Option(help: "The simulated shop is the same for the same seed.")
  var seed: UInt64 = 1

  /// What one way of flushing has written.
  struct Written {
    var records = 0
    var tombstones = 0
    var keysAndValues = 0
    /// With what a record takes beside them, as cuts are bounded by it.
    var bytes = 0
  }

  func run() throws {
    let defaults = Settings.Configuration.defaults
    let lazy = measure(
      cutEveryMilliseconds: defaults.commit.maxIntervalMilliseconds,
      flushAfterMilliseconds: defaults.state.flushAfterMilliseconds)
    let eager = measure(cutEveryMilliseconds: 100, flushAfterMilliseconds: 0)
    precondition(lazy.events == eager.events)
    let events = Double(lazy.events)
    func row(_ name: String, _ written: Written) -> [String] {
      [
        name, "\(written.records)", "\(written.tombstones)", "\(written.keysAndValues)",
        String(format: Double(written.bytes) / events, digits: 1),
      ]
    }
    printTable(
      "state of \(users) users over \(seconds) s of the demo (seed \(seed)), \(lazy.events) events",
      [
        ["", "records", "tombstones", "bytes of keys and values", "bytes per event"],
        row("flushed after \(defaults.state.flushAfterMilliseconds / 1_000) s", lazy.written),
        row("every changed user every 100 ms", eager.written),
      ])
    let share = Double(lazy.written.bytes) / Double(eager.written.bytes)
    say("  share: \(String(format: share * 100, digits: 1)) % (bar: at most 25 %)")
    if share > 0.25 { throw ExitCode.failure }
  }

  private func measure(
    cutEveryMilliseconds: Int64, flushAfterMilliseconds: Int64
  ) -> (written: Written, events: Int) {
    let speed: Int64 = 43_200
    let start: Int64 = 1_735_689_600_000
    var rules = Rules()
    // As the demo sets it for its speed.
    rules.time.allowedLatenessMilliseconds = 200 * speed
    var shop = ShopSimulator(seed: seed, users: users, startMilliseconds: start, options: .demonstration)
    var shard = Shard(partition: 0, epoch: Epoch(hash: 1, text: "demo", rules: rules), isJournaled: true)
    var slot = EventSlot()
    var output = TriggerOutput()
    var written = Written()
    var changes: [StateChange] = []
    var events = 0
    var nextCut: Int64 = 0
    /// How many users had ever been queued, by the time of the cut.
    var queued: [(time: Int64, ordinal: UInt64)] = []
    var first = 0

    func take(_ changes: inout [StateChange]) {
      for change in changes {
        if change.value == nil { written.tombstones += 1 } else { written.records += 1 }
        written.keysAndValues += change.key.count + (change.value?.count ?? 0)
        written.bytes += change.bytes
      }
      changes.removeAll(keepingCapacity: true)
    }

    while case let item = shop.next(), case let now = (item.arrivalMilliseconds - start) / speed,
      now < seconds * 1_000
    {
      while nextCut <= now {
        queued.append((nextCut, shard.queuedCount))
        while first + 1 < queued.count, queued[first + 1].time <= nextCut - flushAfterMilliseconds {
          first += 1
        }
        if queued[first].time <= nextCut - flushAfterMilliseconds {
          _ = shard.flush(
            FlushLimit(ordinal: queued[first].ordinal, users: .max, bytes: .max), into: &changes)
          shard.bury(upTo: shard.recoveryPoint, limit: .max, into: &changes)
          take(&changes)
        }
        nextCut += cutEveryMilliseconds
      }
      slot.set(item.event)
      shard.apply(slot, recordClock: item.arrivalMilliseconds, into: &output)
      output.alerts.removeAll(keepingCapacity: true)
      shard.trimClockLog()
      events += 1
    }
    // What still waits is written in the end, so that neither way owes anything.
    _ = shard.flush(FlushLimit(ordinal: .max, users: .max, bytes: .max), into: &changes)
    take(&changes)
    return (written, events)
  }
}

extension String {
  /// A number with so many digits behind the point.
  init(format number: Double, digits: Int) {
    var scale = 1
    for _ in 0..<digits { scale *= 10 }
    let scaled = Int((number * Double(scale)).rounded())
    let fraction = digits == 0 ? "" : "." + String("\(scale + scaled % scale)".dropFirst())
    self = "\(scaled / scale)\(fraction)"
  }
}
