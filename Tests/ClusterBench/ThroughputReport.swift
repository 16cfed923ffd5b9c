import ClusterSupport
import Foundation

/// What a comparison has shown.
struct ThroughputReport {
  let contestants: [String]
  /// By contestant, then by round.
  let taken: [[Contestant.Took]]

  func print(isExactlyOnce: Bool) {
    let bare = taken.first ?? []
    let hasBare = contestants.first?.hasPrefix("bare") == true
    var rows = [["", "events/s", "CPU ns/event", "ratio", "least", "most", "start s", "end s"]]
    for (name, runs) in zip(contestants, taken) {
      let ratios = zip(runs, bare).map { $0.nanosecondsPerEvent / $1.nanosecondsPerEvent }
      func text(_ number: Double?) -> String { number.map { String(format: $0, digits: 2) } ?? "" }
      rows.append([
        name, "\(Int(runs.map(\.eventsPerSecond).median))",
        String(format: runs.map(\.nanosecondsPerEvent).median, digits: 0),
        hasBare ? text(ratios.median) : "", hasBare ? text(ratios.min()) : "",
        hasBare ? text(ratios.max()) : "", text(runs.map(\.startProcessor).median),
        text(runs.map(\.endProcessor).median),
      ])
    }
    let count = bare.count
    printTable(
      "the daemon \(isExactlyOnce ? "exactly-once" : "at-least-once") beside a bare consumer, medians of \(count) "
        + "interleaved rounds", rows)
    say(
      """
        CPU: processor time of all threads of the process, from the assignment of its partitions to the moment at \
      which its committed offsets reach the end (bare consumer: to its last record). Before that is 'start'; \
      'end' is the flush of all users when it is told to leave; neither is in the ratio.
        events/s: by the wall clock, with the brokers on the same machine if they are; the daemon's last cut waits for \
      commit.max_interval (1 s), which the rate of a short run pays for.
        ratio: of CPU per event to that of the bare consumer of the same round, median, least and most (bar: 2.0).
      """)
    scaling()
  }

  /// What two lanes are worth where the brokers are elsewhere: on this machine they share its processors, so that
  /// wall time says little, and processor time says what two of them would carry.
  private func scaling() {
    guard let one = contestants.firstIndex(of: "ebbd"), let two = contestants.firstIndex(of: "ebbd:lanes=2")
    else { return }
    let gains = zip(taken[one], taken[two]).map { 2 * $0.nanosecondsPerEvent / $1.nanosecondsPerEvent }
    let rates = zip(taken[one], taken[two]).map { $1.eventsPerSecond / $0.eventsPerSecond }
    say(
      "  two lanes on two processors against one lane on one, by processor time per event (brokers' own time left "
        + "out): \(String(format: gains.median, digits: 2)) times (bar: 1.7); by wall time, with the brokers on the "
        + "same \(ProcessInfo.processInfo.activeProcessorCount) processors: "
        + "\(String(format: rates.median, digits: 2)) times")
  }
}

extension [Double] {
  /// Of an even number the mean of the two in the middle.
  var median: Double {
    guard !isEmpty else { return .nan }
    let sorted = sorted()
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2
  }
}

/// The machine that figures are from.
enum Machine {
  static func describe() {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let model = text.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
    let info = ProcessInfo.processInfo
    say(
      "\(info.activeProcessorCount) processors,\(model.map(String.init) ?? " of an unknown kind"), "
        + "\(info.physicalMemory >> 30) GiB")
  }
}
