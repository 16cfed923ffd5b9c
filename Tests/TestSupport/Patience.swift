import Foundation

/// A promise in seconds as a loaded machine can keep it: the promise is for one that has a core to give, and grows with
/// the number of those who want to run and cannot.
///
/// Only for what promises a time. Whatever is merely waited for has a limit so generous that no load reaches it.
public func promised(_ limit: Duration) -> Duration {
  limit * max(1, 2 * crowding)
}

/// Those who want to run, a core: the larger of this moment's and of the last minute's mean. 1 where it is not known.
private var crowding: Double {
  guard let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8) else { return 1 }
  // 2.31 1.80 1.20 3/812 4711: means over 1, 5 and 15 minutes, those who run now and all, the last process.
  let words = text.split(separator: " ")
  guard words.count > 3, let mean = Double(words[0]), let now = Double(words[3].prefix { $0 != "/" }) else {
    return 1
  }
  return max(mean, now) / Double(ProcessInfo.processInfo.activeProcessorCount)
}
