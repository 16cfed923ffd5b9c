import Events
import Portrait
import SideBySide
import Testing
import Triggers

/// What follows an alert, and how carts end.
@Suite struct AnswerTests {
  @Test(arguments: [
    Story(
      "A purchase after an alert recovers it", ["0h add A", "2h buy A"],
      alerts: ["1h abandoned 1", "2h recovered 1 after 1h"]),
    Story(
      "A late purchase dated before the alert retracts it", ["0h add A", "2h tick", "30m buy A late=2h"],
      alerts: ["1h abandoned 1", "1h retracted 1"]),
    Story(
      "A purchase between two alerts recovers the one and retracts the other",
      ["0h add A", "1d1h tick", "2h buy A late=1d1h"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "1d retracted 2", "2h recovered 1 after 1h"]),
    Story(
      "A purchase at the alert's own time recovers it", ["0h add A", "1h tick", "1h buy A"],
      alerts: ["1h abandoned 1", "1h recovered 1 after 0m"]),
    Story(
      "One purchase answers all steps with one record", ["0h add A", "1d1h tick", "1d2h buy A"],
      alerts: ["1h abandoned 1", "1d abandoned 2 not first", "1d2h recovered 2 after 2h of 2"]),
    Story(
      "72 h after the last step exactly is still a recovery", ["0h add A", "3d1h buy A"],
      alerts: ["1h abandoned 1", "3d1h recovered 1 after 3d"],
      rules: { $0.cart.stepsMilliseconds = [Milliseconds.hour] }),
    Story(
      "A millisecond later it is not", ["0h add A", "3d1h1ms buy A"], alerts: ["1h abandoned 1"],
      rules: { $0.cart.stepsMilliseconds = [Milliseconds.hour] }),
    Story(
      "No alert is answered twice", ["0h add A", "2h buy A", "3h buy A"],
      alerts: ["1h abandoned 1", "2h recovered 1 after 1h"]),
    Story(
      "An alert waits across arming again", ["0h add A", "2h add B", "3h buy B"],
      alerts: ["1h abandoned 1", "3h recovered 1 after 2h"]),
    Story(
      "Under item a purchase of something else answers nothing", ["0h add A", "2h buy Z", "3h buy A"],
      alerts: ["1h abandoned 1", "3h recovered 1 after 2h"], rules: { $0.cart.purchaseScope = .item }),
    Story(
      "Under item a shared cart id is the whole cart", ["0h add A cart=c", "2h buy Z cart=c"],
      alerts: ["1h abandoned 1", "2h recovered 1 after 1h"], rules: { $0.cart.purchaseScope = .item }),
    Story(
      "Under item a shared order id is the whole cart", ["0h checkout A order=o", "2h buy Z order=o"],
      alerts: ["1h abandoned 1", "2h recovered 1 after 1h"], rules: { $0.cart.purchaseScope = .item }),
    Story(
      "A cart cleared within the gap of the purchase is recovered", ["0h add A", "2h clear", "2h30m buy A"],
      alerts: ["1h abandoned 1", "2h30m recovered 1 after 1h30m"]),
    Story(
      "A cart cleared earlier is not", ["0h add A", "2h clear", "2h30m1ms buy A"],
      alerts: ["1h abandoned 1"]),
    Story(
      "Retractions are never stale", ["0h add A", "1h tick", "30m buy A late=9d"],
      alerts: ["1h abandoned 1", "1h retracted 1"], rules: { $0.alerts.maxAgeMilliseconds = Milliseconds.day }
    ),
    Story(
      "A recovery can be stale", ["0h add A", "1h tick", "2h buy A late=9d"], alerts: ["1h abandoned 1"],
      rules: { $0.alerts.maxAgeMilliseconds = Milliseconds.day }),
    Story(
      "Under item an alert outside the silence that still lists a line goes on waiting",
      ["0h add A", "1h add B", "1d1h tick", "30m buy A late=1d2h", "1d3h buy B"],
      alerts: [
        "1h abandoned 1", "1d1h abandoned 2 not first", "1h retracted 1", "1d3h recovered 2 after 2h",
      ],
      rules: { $0.cart.purchaseScope = .item }),
  ])
  func `Answers`(story: Story) {
    story.tell()
  }

  @Test(
    arguments: [
      (["0h add A", "10m buy A"], CartEnding.bought), (["0h add A", "2h buy A"], .recovered),
      (["0h add A", "2h tick", "30m buy A late=2h"], .retracted), (["0h add A", "8d buy A"], .boughtLate),
      (["0h add A", "10m clear"], .cleared), (["0h add A", "10m clear", "40m buy A"], .bought),
      (["0h add A", "10m clear", "40m1ms buy A"], .cleared),
      (["0h buy Z", "10m add A", "30m clear"], .bought), (["0h add A", "10m forget"], .erased),
      (["0h add A", "4d tick"], .expiredAlerted), (["0h add A", "40d tick"], .expiredAlerted),
      (["0h profile ebb_opt_out=1", "0h add A", "4d tick"], .expiredLimited),
      (["0h add A 1 CHF", "4d tick"], .expiredBelowMinimum),
    ] as [([String], CartEnding)])
  func `Each opened cart ends once`(lines: [String], ending: CartEnding) {
    var both = SideBySide(
      rules: Story(
        "", [], alerts: [],
        rules: { if let franc = Currency("CHF") { $0.cart.minimumValueMinor = [franc: 100] } }
      ).fullRules)
    for line in lines {
      if let difference = both.take(Story.step(line)).difference { Issue.record("\(line): \(difference)") }
    }
    let carts = both.accounting()
    #expect(carts.opened == 1)
    #expect(carts.endings.filter { $0.value != 0 } == [ending: 1])
    #expect(carts.isBalanced)
  }

  @Test func `Rows of one order are one purchase, and a stated value counts once`() throws {
    let story = Story(
      "order",
      ["0h buy A 100 order=o value=250 EUR", "1m buy B 150 order=o value=250 EUR", "1d add C", "1d1h tick"],
      alerts: ["1d1h abandoned 1"], rules: { $0.cart.silenceAfterPurchaseMilliseconds = 0 })
    guard case .cartAbandoned(let body) = try #require(story.tell().alerts.first).body else { return }
    let week = try #require(body.features.first { $0.name == "recent" }).sums
    #expect(week.purchases == 1)
    #expect(week.itemsBought == 2)
    #expect(week.revenueMinor == 250)
  }

  @Test func `Rows of one instant are one purchase, and their prices add`() throws {
    let story = Story(
      "instant",
      ["0h buy A 100 EUR", "0h buy B 150 x2 EUR", "1h refund value=30 EUR", "1d add C", "1d1h tick"],
      alerts: ["1d1h abandoned 1"], rules: { $0.cart.silenceAfterPurchaseMilliseconds = 0 })
    guard case .cartAbandoned(let body) = try #require(story.tell().alerts.first).body else { return }
    let week = try #require(body.features.first { $0.name == "recent" }).sums
    #expect(week.purchases == 1)
    #expect(week.itemsBought == 3)
    #expect(week.revenueMinor == 370)
  }
}
