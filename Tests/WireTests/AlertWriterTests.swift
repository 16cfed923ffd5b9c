import Events
import Foundation
import Testing
import Triggers

@Suite struct AlertWriterTests {
  let writer = AlertWriter(context: WireContext(source: "/ebb/shop", configVersion: "c0ffee"))

  func object(_ alert: Alert) throws -> [String: Any] {
    let value = Data(writer.value(alert))
    return try #require(JSONSerialization.jsonObject(with: value) as? [String: Any])
  }

  @Test func `A retraction is this record, byte for byte`() {
    let record = writer.record(Specimen.full(.cartRetracted))
    #expect(record.key == Array("u123".utf8))
    #expect(
      record.value.map { String(decoding: $0, as: UTF8.self) }
        == #"{"alert_id":"0123456789abcdef00000000000000ff","type":"ebb.cart.retracted","user_id":"u123","#
        + #""anonymous_id":null,"identified":true,"fired_at":"2019-10-01T10:42:07.123Z","#
        + #""fired_at_ms":1569926527123,"config_version":"c0ffee","#
        + #""reason":"alert of step 1 taken back: a purchase at 10:32 UTC, before it, was seen only after it","#
        + #""about_alert_id":"fedcba98765432100000000000000001","episode_at_ms":1569926527123,"step":1,"#
        + #""purchase_at_ms":1569925927123,"order_id":"o-1"}"#)
    #expect(
      record.headers.map { "\($0.name)=\($0.text)" } == [
        "ce_specversion=1.0", "ce_id=0123456789abcdef00000000000000ff", "ce_source=/ebb/shop",
        "ce_type=ebb.cart.retracted", "ce_time=2019-10-01T10:42:07.123Z",
        "ce_dataschema=urn:ebb:schema:cart.retracted:1", "ce_subject=u123", "content-type=application/json",
      ])
  }

  @Test(arguments: Specimen.all)
  func `The same alert is the same bytes, on one line`(specimen: Specimen) {
    let first = writer.record(specimen.alert)
    #expect(writer.record(specimen.alert) == first)
    let controls = (first.value ?? []).filter { $0 < 0x20 || $0 == 0x7F }
    #expect(controls.isEmpty)
  }

  @Test(arguments: Specimen.all)
  func `Text comes back as it went in`(specimen: Specimen) throws {
    let value = try object(specimen.alert)
    let user = specimen.alert.user
    if specimen.alert.identified {
      #expect((value["user_id"] as? String)?.unicodeScalars.elementsEqual(user.unicodeScalars) == true)
      #expect(value["anonymous_id"] is NSNull)
    } else {
      #expect(value["user_id"] is NSNull)
      #expect(value["anonymous_id"] as? String == "visitor 7")
    }
    #expect(writer.record(specimen.alert).key == Array(user.utf8))
  }

  @Test(arguments: [
    ("", false), ("u\n1", false), ("u\u{1b}[2J", false), ("u\u{85}", false), (Specimen.scalar(0xFFFE), false),
    (Specimen.scalar(0x1FFFE), false), (Specimen.scalar(0xFDD0), false), ("ümlaut 漢 👩‍👩‍👧", true),
    ("a\"b<c>", true),
  ])
  func `A subject that CloudEvents does not allow is left out`(user: String, isThere: Bool) {
    let record = writer.record(Specimen.full(.churnWarning, user: user))
    #expect(record.header("ce_subject") == (isThere ? user : nil))
  }

  @Test func `A cart with a price unknown says so with null`() throws {
    let value = try object(
      Specimen.all.first { $0.name == "cart.abandoned, all absent" }!.alert)
    for name in ["value_minor", "currency", "session", "cart_id"] { #expect(value[name] is NSNull) }
    #expect(value["features"] as? [[String: Int]] == [])
  }

  @Test func `Churn components are rounded to four decimals`() throws {
    let value = try object(Specimen.full(.churnWarning))
    let components = try #require(value["components"] as? [[String: Any]])
    #expect(components.map { $0["name"] as? String } == ChurnComponent.allCases.map(\.rawValue))
    #expect(components[1]["value"] as? Double == 0.3333)
    #expect(value["reasons"] as? [String] == ["overdue", "dwell_drop", "visit_drop"])
    let text = String(decoding: writer.value(Specimen.full(.churnWarning)), as: UTF8.self)
    #expect(text.contains(#""value":0.3333,"weight":0.35,"recent":0.2,"baseline":0.3"#))
  }

  @Test func `What JSON cannot say of a number is null`() throws {
    let text = String(
      decoding: writer.value(Specimen.all.first { $0.name == "churn.warning, hostile" }!.alert), as: UTF8.self
    )
    #expect(text.contains(#""recent":null,"baseline":null"#))
    #expect(text.contains(#""mean_gap_days":null"#))
  }
}
