import Testing

@testable import Settings

@Suite struct `Two configurations are compared` {
  private func parse(_ text: String) throws -> Configuration {
    let (configuration, findings) = Configuration.parse(text: text, file: "f")
    return try #require(configuration, "\(findings)")
  }

  @Test func `Equal ones have no changes, however they are written`() throws {
    #expect(Configuration.defaults.changes(to: try parse("cart:\n  steps: [60m, 1d, 3d]\n")).isEmpty)
  }

  @Test func `Each change is told as the file would have it, with what it takes`() throws {
    let old = try parse("cart: {steps: [1h]}\nlanes: 1\n")
    let new = try parse("cart: {steps: [30m], quiet_hours: 22:00-08:00}\nlanes: 2\nlog: {level: debug}\n")
    let changes = old.changes(to: new)
    #expect(
      changes.map(\.description) == [
        "lanes 1 -> 2", "cart.steps [1h] -> [30m]", "cart.quiet_hours off -> 22:00-08:00",
        "log.level info -> debug",
      ])
    #expect(changes.map(\.needsRestart) == [true, false, false, false])
  }

  // Whatever the table says of an option is what becomes of it.
  @Test(arguments: EveryOptionTests.settable)
  func `A reload takes what it can and leaves the rest as it was`(path: String) throws {
    let value = try #require(EveryOptionTests.values[path])
    let file = try parse(EveryOptionTests.file(path, value))
    let reloaded = Configuration.defaults.reloaded(from: file)
    let option = try #require(OptionTable.byPath[path])
    #expect(option.show(reloaded) == (option.application == .reload ? value : option.defaultText))
    let left = reloaded.changes(to: file)
    let waits = EveryOptionTests.settable.filter { $0 == path || $0 == EveryOptionTests.companions[path] }
    #expect(left.map(\.path) == (option.application == .reload ? [] : waits))
    // Zones come with quiet hours, and are part of what decides.
    if option.application == .reload { #expect(reloaded == file) }
  }

  @Test func `What is told of a secret is where it is read from`() throws {
    let old = try parse(
      "kafka: {secrets: {sasl.password: {file: /etc/a}}, properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: ebb}}"
    )
    let new = try parse(
      "kafka: {secrets: {sasl.password: {file: /etc/b}}, properties: {security.protocol: sasl_ssl, sasl.mechanism: PLAIN, sasl.username: ebb}}"
    )
    #expect(
      old.changes(to: new).map(\.description) == [
        "kafka.secrets {sasl.password: {file: /etc/a}} -> {sasl.password: {file: /etc/b}}"
      ])
  }
}
