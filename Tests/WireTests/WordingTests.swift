import Events
import Testing
import Triggers

@Suite struct WordingTests {
  @Test(arguments: [
    (Int64(0), "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_569_926_527_123, "2019-10-01T10:42:07.123Z"),
    (4_107_542_400_000, "2100-03-01T00:00:00.000Z"), (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    (Int64.max, "9999-12-31T23:59:59.999Z"), (Int64.min, "0000-01-01T00:00:00.000Z"),
  ])
  func `An instant is written as RFC 3339`(time: Int64, text: String) {
    #expect(WireText.instant(time) == text)
  }

  @Test(arguments: [
    (Int64(0), "0 s"), (59_999, "59 s"), (60_000, "1 min"), (3_599_999, "59 min"), (3_600_000, "1 h"),
    (3_720_000, "1 h 02 min"), (86_399_999, "23 h 59 min"), (86_400_000, "1 d"), (104_400_000, "1 d 5 h"),
    (-5, "0 s"), (Int64.max, "106751991167 d 7 h"),
  ])
  func `A span is told in its two largest parts`(milliseconds: Int64, text: String) {
    #expect(WireText.span(milliseconds) == text)
  }

  @Test(arguments: [
    (Int64(5990), "EUR", "EUR 59.90"), (5, "EUR", "EUR 0.05"), (-5, "EUR", "EUR -0.05"),
    (5990, "JPY", "JPY 5990"), (5990, "KWD", "KWD 5.990"), (5990, nil, "59.90"),
    (Int64.min, "EUR", "EUR -92233720368547758.08"),
  ])
  func `Money is told with the digits of its currency`(minor: Int64, currency: String?, text: String) {
    #expect(WireText.money(minor, currency.flatMap { Currency($0) }) == text)
  }

  static let sentences: [(AlertType, String)] = [
    (.cartAbandoned, "checkout with 3 items (EUR 59.90) untouched for 1 h 02 min since 09:40 UTC"),
    (.cartRecovered, "bought 2 h 10 min after the alert of step 2, order of EUR 64.80"),
    (
      .cartRetracted,
      "alert of step 1 taken back: a purchase at 10:32 UTC, before it, was seen only after it"
    ),
    (
      .churnWarning,
      "score 78 of 100: 40 days since the last purchase, usually 12.3, time on site 1 min a day, was 2, "
        + "1.4 visits a week, was 2.1"
    ),
    (.churnRecovered, "score down to 42 3 d after the warning"),
  ]

  @Test(arguments: sentences)
  func `An alert explains itself in one sentence`(type: AlertType, sentence: String) {
    #expect(Specimen.full(type).reasonSentence == sentence)
  }

  @Test func `The date is told when it is another day`() throws {
    guard case .cartAbandoned(var cart) = Specimen.full(.cartAbandoned).body else { return }
    cart.lastActivity = Specimen.time - 86_400_000
    cart.idleMilliseconds = 86_400_000
    cart.stage = .cart
    cart.lines = [cart.lines[1]]
    cart.valueComplete = false
    var alert = Specimen.full(.cartAbandoned)
    alert.body = .cartAbandoned(cart)
    #expect(
      alert.reasonSentence
        == "cart of 1 item (EUR 59.90 and more) untouched for 1 d since 2019-09-30 10:42 UTC")
    cart.idleMilliseconds = 0
    cart.valueMinor = nil
    cart.uncountedLines = 2
    alert.body = .cartAbandoned(cart)
    #expect(alert.reasonSentence == "cart of more than 1 item, not bought")
  }

  @Test(arguments: Specimen.all)
  func `A sentence never repeats what a shopper or shop wrote`(specimen: Specimen) {
    let sentence = specimen.alert.reasonSentence
    #expect(!sentence.contains("script") && sentence.allSatisfy(\.isASCII))
  }
}
