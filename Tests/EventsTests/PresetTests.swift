import Events
import Settings
import Testing

/// Every event name of every preset, by the tables of its format's documentation.
@Suite struct PresetNameTests {
  static let presets = MappingFile.presets

  @Test(arguments: presets)
  func `A preset is a valid mapping`(preset: String) throws {
    #expect(try MappingFile.preset(named: preset).name == preset)
  }

  static let segmentNames: [(String, EventType?)] = [
    ("Products Searched", .search), ("Product List Viewed", .pageView), ("Product List Filtered", .click),
    ("Promotion Viewed", nil), ("Promotion Clicked", .click), ("Product Clicked", .click),
    ("Product Viewed", .pageView), ("Product Added", .cartAdd), ("Product Removed", .cartRemove),
    ("Cart Viewed", .pageView), ("Checkout Started", .checkoutStart), ("Checkout Step Viewed", .click),
    ("Checkout Step Completed", .click), ("Payment Info Entered", .click), ("Order Completed", .purchase),
    ("Order Updated", nil), ("Order Refunded", .refund), ("Order Cancelled", nil),
    ("Coupon Entered", .click), ("Coupon Applied", .click), ("Coupon Denied", .click),
    ("Coupon Removed", .click), ("Product Added to Wishlist", .favourite),
    ("Product Removed from Wishlist", .click), ("Wishlist Product Added to Cart", .cartAdd),
    ("Product Shared", .click), ("Cart Shared", .click), ("Product Reviewed", .review),
    ("Some Event Of The Shop", nil),
  ]

  @Test(arguments: ["segment", "rudderstack"], segmentNames)
  func `A track call becomes the event that its name means`(preset: String, name: (String, EventType?)) throws
  {
    var decoding = try Decoding(preset: preset)
    let outcome = decoding.outcome(
      """
      {"type":"track","event":"\(name.0)","userId":"u1","anonymousId":"a1","messageId":"m1",
       "timestamp":"2026-03-01T10:00:00.000Z","properties":{"product_id":"p1"}}
      """)
    #expect(outcome == (name.1 == nil ? .ignored : .event))
    #expect(decoding.slot.ts == 1_772_359_200_000)
    if let type = name.1 { #expect(decoding.slot.type == type) }
  }

  @Test(arguments: segmentNames)
  func `A PostHog event becomes the event that its name means`(name: String, type: EventType?) throws {
    var decoding = try Decoding(preset: "posthog")
    let outcome = decoding.outcome(
      """
      {"event":"\(name)","distinct_id":"u1","uuid":"m1","timestamp":"2026-03-01T10:00:00.000Z",
       "properties":{"$is_identified":true,"product_id":"p1"}}
      """)
    #expect(outcome == (type == nil ? .ignored : .event))
    if let type { #expect(decoding.slot.type == type) }
  }

  @Test(arguments: [
    ("page_view", EventType.pageView), ("screen_view", .pageView), ("view_item", .pageView),
    ("view_item_list", .pageView), ("view_cart", .pageView), ("user_engagement", .pageDwell),
    ("scroll", .click), ("click", .click), ("select_item", .click), ("select_promotion", .click),
    ("view_promotion", nil), ("search", .search), ("view_search_results", .search),
    ("add_to_wishlist", .favourite), ("add_to_cart", .cartAdd), ("remove_from_cart", .cartRemove),
    ("begin_checkout", .checkoutStart), ("add_shipping_info", .click), ("add_payment_info", .click),
    ("purchase", .purchase), ("in_app_purchase", .purchase), ("refund", .refund), ("login", .click),
    ("sign_up", .click), ("session_start", nil), ("first_visit", nil), ("first_open", nil),
    ("generate_lead", nil),
  ])
  func `A Google Analytics event becomes the event that its name means`(name: String, type: EventType?) throws
  {
    var decoding = try Decoding(preset: "ga4")
    let outcome = decoding.outcome(
      """
      {"event_name":"\(name)","event_timestamp":"1772359200123456","user_pseudo_id":"1234.5678",
       "items":[{"item_id":"SKU_1"}]}
      """)
    #expect(outcome == (type == nil ? .ignored : .event))
    #expect(decoding.slot.ts == 1_772_359_200_123)
    if let type { #expect(decoding.slot.type == type) }
  }

  @Test(arguments: [
    ("$pageview", EventType.pageView), ("$AppViewScreen", .pageView), ("$MPViewScreen", .pageView),
    ("$WebPageLeave", .pageDwell), ("$AppPageLeave", .pageDwell), ("$MPPageLeave", .pageDwell),
    ("$WebClick", .click), ("$AppClick", .click), ("$MPClick", .click), ("$WebStay", nil),
    ("$AppEnd", nil), ("$AppStart", nil), ("$SignUp", nil), ("ViewProduct", .pageView),
    ("SearchProduct", .search), ("CollectProduct", .favourite), ("AddToShoppingCart", .cartAdd),
    ("RemoveFromShoppingCart", .cartRemove), ("ClearShoppingCart", .cartClear),
    ("SubmitOrder", .checkoutStart), ("PayOrder", .purchase), ("RefundOrder", .refund),
    ("CommentProduct", .review), ("NoSuchEvent", nil),
  ])
  func `A SensorsData event becomes the event that its name means`(name: String, type: EventType?) throws {
    var decoding = try Decoding(preset: "sensorsdata")
    let outcome = decoding.outcome(
      """
      {"distinct_id":"123456","time":1434556935000,"type":"track","event":"\(name)",
       "properties":{"$is_login_id":true,"product_id":12345}}
      """)
    #expect(outcome == (type == nil ? .ignored : .event))
    if let type { #expect(decoding.slot.type == type) }
  }

  @Test(arguments: EventType.allCases)
  func `A native event becomes the event that it names`(type: EventType) throws {
    var decoding = try Decoding(preset: "native")
    let event = try decoding.event(
      #"{"type":"\#(type.name)","ts":1772359200000,"user_id":"u1","item_id":"i1","items":[]}"#)
    #expect(event.type == type)
  }

  @Test(arguments: [
    ("view", EventType.pageView), ("cart", .cartAdd), ("remove_from_cart", .cartRemove),
    ("purchase", .purchase),
  ])
  func `A REES46 row becomes the event that its type means`(name: String, type: EventType) throws {
    var decoding = try Decoding(preset: "rees46")
    let event = try decoding.event(
      "2019-11-01 00:00:00 UTC,\(name),1003461,2053013555631882655,,,489.07,520088904,s")
    #expect(event.type == type)
  }

  @Test(arguments: [("pv", EventType.pageView), ("cart", .cartAdd), ("fav", .favourite), ("buy", .purchase)])
  func `A Taobao row becomes the event that its behaviour means`(name: String, type: EventType) throws {
    var decoding = try Decoding(preset: "taobao")
    #expect(try decoding.event("1,2268318,2520377,\(name),1511544070").type == type)
  }
}
