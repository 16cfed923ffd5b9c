import Logging
import Synchronization
import Telemetry
import Testing

@Suite struct LogOutputTests {
  final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  func logger(_ format: LogOutput.Format, _ level: Logger.Level = .trace) -> (Logger, Lines) {
    let lines = Lines()
    let handler = LogOutput(
      LogControl(level: level, format: format), clock: { 1_569_926_527 },
      write: { line in lines.all.withLock { $0.append(line) } })
    return (Logger(label: "ebb", factory: { _ in handler }), lines)
  }

  @Test func `Level and format change under loggers that are there, but for one that has its own`() {
    let lines = Lines()
    let control = LogControl(level: .info, format: .journal)
    let logger = Logger(label: "ebb") { _ in
      LogOutput(control, clock: { 0 }, write: { line in lines.all.withLock { $0.append(line) } })
    }
    var quiet = logger
    quiet.logLevel = .error
    logger.debug("a")
    control.level = .debug
    logger.debug("b")
    quiet.warning("c")
    control.level = .warning
    control.format = .terminal
    logger.info("d")
    logger.warning("e")
    let told = lines.all.withLock { $0 }
    #expect(told.count == 2)
    #expect(told[0] == "<7>b\n")
    #expect(told[1].hasSuffix(" warning  e\n"))
  }

  @Test func `The journal gets a priority and no time`() {
    let (logger, lines) = logger(.journal)
    logger.critical("a")
    logger.error("b")
    logger.warning("c", metadata: ["topic": "clickstream", "place": "byte 7", "partition": "3"])
    logger.notice("d")
    logger.info("e")
    logger.debug("f")
    #expect(
      lines.all.withLock { $0 } == [
        "<2>a\n", "<3>b\n", "<4>c partition=3 place=\"byte 7\" topic=clickstream\n", "<5>d\n", "<6>e\n",
        "<7>f\n",
      ])
  }

  @Test func `A terminal gets the time and the level`() throws {
    let (logger, lines) = logger(.terminal)
    logger.warning("Topic is missing", metadata: ["topic": "clicks"])
    let line = try #require(lines.all.withLock { $0.first })
    // The hour is local; minute and second are the same nearly everywhere.
    #expect(line.wholeMatch(of: /[0-9]{2}:[0-9]{2}:07 warning  Topic is missing  topic=clicks\n/) != nil)
  }

  @Test(arguments: LogOutput.Format.allCases)
  func `Nothing from outside breaks a line or moves the terminal`(format: LogOutput.Format) throws {
    let (logger, lines) = logger(format)
    let hostile = "a\nb\u{1b}[31m\r\u{0}\u{9b}2J\u{202e}\u{2028}"
    logger.error("\(hostile)", metadata: ["key\n": "\(hostile)", "quote": "say \"x\\y\""])
    let line = try #require(lines.all.withLock { $0.first })
    #expect(line.hasSuffix("\n"))
    for scalar in line.dropLast().unicodeScalars {
      #expect(
        scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value) && scalar != "\u{202e}" && scalar != "\u{2028}"
      )
    }
    #expect(line.contains("a?b?[31m???2J??"))
    #expect(line.contains(#"quote="say \"x\\y\"""#))
  }

  @Test func `Below its level it says nothing`() {
    let (logger, lines) = logger(.journal, .warning)
    logger.info("quiet")
    logger.warning("loud")
    #expect(lines.all.withLock { $0 } == ["<4>loud\n"])
  }

  @Test func `A long message is cut off`() throws {
    let (logger, lines) = logger(.journal)
    logger.info(
      "\(String(repeating: "x", count: 10_000))", metadata: ["v": "\(String(repeating: "y", count: 999))"])
    let line = try #require(lines.all.withLock { $0.first })
    #expect(line.count < LogOutput.maximumMessage + LogOutput.maximumValue + 10)
  }

  @Test(arguments: [
    ("plain", "plain"), ("日本 \u{e9}👩‍👩‍👧", "日本 \u{e9}👩‍👩‍👧"), ("\u{1b}]0;x\u{7}", "?]0;x?"), ("", ""),
    ("123456789", "123456789"), ("1234567890", "12345678…"), ("tab\there", "tab?here"),
  ])
  func `Text is made printable and cut off at its limit`(text: String, shown: String) {
    #expect(Printable.text(text, limit: 9) == shown)
  }

  @Test func `Of several lines only their ends stay`() {
    #expect(Printable.lines("user: a\u{1B}[2Jb\r\nseen: 7\n") == "user: a?[2Jb?\nseen: 7\n")
    #expect(Printable.lines("abc\n\ndef", limit: 2) == "a…\n\nd…")
  }
}
