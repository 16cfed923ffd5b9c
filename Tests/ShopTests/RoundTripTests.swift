import Events
import Settings
import Shop
import TestSupport
import Testing

@Suite struct RoundTripTests {
  @Test func `What the shop writes, the native mapping reads back unchanged`() throws {
    let mapping = try MappingFile.load(path: Binaries.packageRoot + "/Config/mappings/native.yaml")
    var decoder = Events.Decoder(mapping: mapping)
    var slot = EventSlot()
    var options = ShopOptions()
    options.driftAfterDays = 2...10
    for item in StreamTests.stream(seed: 5, users: 300, count: 100_000, options: options) {
      let outcome = decoder.decode(
        NativeJSON.bytes(of: item.event), key: NativeJSON.key(of: item.event),
        recordTimestamp: item.arrivalMilliseconds, into: &slot)
      guard case .event = outcome else {
        Issue.record("\(outcome) for \(item.event)")
        return
      }
      guard slot.event() == item.event else {
        Issue.record("read \(slot.event()) for \(item.event)")
        return
      }
    }
  }
}
