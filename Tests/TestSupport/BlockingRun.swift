import Glibc

/// Runs a program to its end on this thread, without input and with its output thrown away; its exit status, or
/// 128 + signal as shells tell it.
///
/// For where nothing can be awaited. Foundation's `waitUntilExit` is no help there: it hears of the end by a descriptor
/// that whatever is started meanwhile may inherit.
public func runBlocking(_ executable: String, _ arguments: [String]) throws -> Int32 {
  var actions = unsafe posix_spawn_file_actions_t()
  unsafe posix_spawn_file_actions_init(&actions)
  defer { unsafe posix_spawn_file_actions_destroy(&actions) }
  for descriptor in Int32(0)...2 {
    unsafe posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
  }
  var words: [UnsafeMutablePointer<CChar>?] = unsafe ([executable] + arguments).map { unsafe strdup($0) }
  unsafe words.append(nil)
  defer { unsafe words.forEach { unsafe free($0) } }
  var child = pid_t()
  let failure = unsafe posix_spawn(&child, executable, &actions, nil, words, environ)
  guard failure == 0 else { throw TestSupportError("\(executable) does not start: errno \(failure)") }
  var status: Int32 = 0
  while unsafe waitpid(child, &status, 0) == -1 {
    guard errno == EINTR else {
      throw TestSupportError("no word of the end of \(executable): errno \(errno)")
    }
  }
  let signal = status & 0x7F
  return signal == 0 ? status >> 8 & 0xFF : 128 + signal
}
