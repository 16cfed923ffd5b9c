import Replay
import Testing
import Triggers

@Suite struct AlertLineTests {
  let writer = AlertWriter(context: WireContext(source: "/ebb/shop", configVersion: "1"))

  func line(_ alert: Alert) throws -> AlertLine {
    try #require(AlertLine(value: writer.value(alert)))
  }

  @Test func `A reader of the topic sees one line an alert`() throws {
    #expect(
      try line(Specimen.full(.cartAbandoned)).text()
        == "10:42:07  cart abandoned   u123          step 2    checkout with 3 items (EUR 59.90) untouched for "
        + "1 h 02 min since 09:40 UTC")
    #expect(
      try line(Specimen.full(.churnRecovered)).text(withDate: true)
        == "2019-10-01 10:42:07  churn recovered  u123          critical  score down to 42 3 d after the warning"
    )
  }

  @Test(arguments: Specimen.all)
  func `Nothing in a line moves the terminal`(specimen: Specimen) throws {
    let text = try line(specimen.alert).text(withDate: true)
    for scalar in text.unicodeScalars {
      #expect(scalar.value >= 0x20 && !(0x7F...0x9F ~= scalar.value))
      #expect(scalar != "\u{202e}" && scalar != "\u{2028}")
    }
    #expect(text.count < 500)
  }

  @Test func `A line keeps the ids that tie it to its alert`() throws {
    let line = try line(Specimen.full(.churnWarning))
    #expect(line.alertID == "0123456789abcdef00000000000000ff")
    #expect(line.type == "ebb.churn.warning")
    #expect(line.firedAt == Specimen.time)
    #expect(line.band == "warning")
  }

  @Test func `An anonymous user is shown as one`() throws {
    let alert = try #require(Specimen.all.first { $0.name == "cart.recovered, anonymous" }).alert
    #expect(try line(alert).user == "anon:visitor 7")
  }

  @Test func `A long user is cut off`() throws {
    let text = try line(Specimen.full(.cartRetracted, user: String(repeating: "x", count: 500))).text()
    #expect(text.contains(String(repeating: "x", count: AlertLine.maximumUser - 1) + "…  step 1"))
  }

  @Test(arguments: ["", "null", "{}", "[1]", "{\"type\":1}", "{\"type\":\"ebb.cart.abandoned\"", "\u{0}"])
  func `What is no alert makes no line`(text: String) {
    #expect(AlertLine(value: Array(text.utf8)) == nil)
  }
}
