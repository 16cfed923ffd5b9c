import Events
import SideBySide
import Testing
import Triggers

/// A deferred step is dated at the end of the quiet hours and looked at anew.
@Suite struct QuietHoursTests {
  /// 22:00 to 08:00; the stories begin at midnight UTC.
  static let night: @Sendable (inout Rules) -> Void = {
    $0.cart.quietHours = QuietHours(startMinute: 22 * 60, endMinute: 8 * 60)
    $0.shop.zones = .foundation(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"])
  }

  @Test(arguments: [
    Story(
      "A step in the night waits for its end", ["0h add A", "9h tick"], alerts: ["8h abandoned 1"],
      rules: night),
    Story(
      "At the end itself it is not quiet", ["7h add A", "8h tick"], alerts: ["8h abandoned 1"], rules: night),
    Story(
      "At the start it is", ["21h add A", "1d9h tick"], alerts: ["1d8h abandoned 1"], rules: night),
    Story(
      "A minute before it is not", ["20h59m add A", "23h tick"], alerts: ["21h59m abandoned 1"], rules: night),
    Story(
      "The user's zone decides", ["0h profile timezone=Asia/Kolkata", "0h add A", "9h tick"],
      alerts: ["2h30m abandoned 1"], rules: night),
    Story(
      "An unknown zone is the shop's", ["0h profile timezone=Mars/Olympus", "0h add A", "9h tick"],
      alerts: ["7h abandoned 1"],
      rules: {
        night(&$0)
        $0.shop.timezone = "Europe/Berlin"
      }),
    Story(
      "The end follows the change to summer time", ["28d add A", "28d9h tick"], alerts: ["28d6h abandoned 1"],
      rules: {
        night(&$0)
        $0.shop.timezone = "Europe/Berlin"
      }),
    Story(
      "A purchase during the wait keeps it quiet", ["0h add A", "5h buy A", "9d tick"], alerts: [],
      rules: night),
    Story(
      "A step whose next is due by the end is dropped", ["0h add A", "9h tick"], alerts: ["8h abandoned 3"],
      rules: {
        night(&$0)
        $0.cart.stepsMilliseconds = [1, 2, 5].map { $0 * Milliseconds.hour }
      }),
    Story(
      "A step deferred past the expiry fires before it", ["22h add A", "4d9h tick"],
      alerts: ["2d8h abandoned 1", "4d8h abandoned 2 not first"],
      rules: {
        night(&$0)
        $0.cart.stepsMilliseconds = [24, 72].map { $0 * Milliseconds.hour }
      }),
  ])
  func `Quiet hours`(story: Story) {
    story.tell()
  }
}
