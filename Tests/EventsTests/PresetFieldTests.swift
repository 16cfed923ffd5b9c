import Events
import Settings
import Testing

/// Units, arrays and missing fields of the formats, on fixtures made after their documentation.
@Suite struct PresetFieldTests {
  @Test func `A native event keeps every field`() throws {
    var decoding = try Decoding(preset: "native")
    let event = try decoding.event(
      """
      {"type":"purchase","ts":1772359200000,"event_id":"e1","user_id":"u1","anonymous_id":"a1","session_id":"s1",
       "dwell_ms":1500,"item_id":"i1","category":"c","brand":"b","price_minor":1999,"currency":"eur","quantity":2,
       "cart_id":"k1","order_id":"o1","value_minor":3998,"url":"https://shop/x","element":"#buy",
       "referrer":"https://r/","rating":4.5,"text":"good","lang":"de",
       "items":[{"item_id":"i1","price_minor":1999,"quantity":2},{"item_id":7}]}
      """)
    var expected = Event(
      type: .purchase, ts: 1_772_359_200_000, userID: "u1", anonymousID: "a1", eventID: "e1", sessionID: "s1",
      dwellMilliseconds: 1500, itemID: "i1", category: "c", brand: "b", priceMinor: 1999,
      currency: Currency("EUR"), quantity: 2, cartID: "k1", orderID: "o1", valueMinor: 3998,
      url: "https://shop/x", element: "#buy", referrer: "https://r/", rating: 4.5, text: "good",
      language: "de")
    expected.items = [
      Event.Item(itemID: "i1", priceMinor: 1999, quantity: 2), Event.Item(itemID: "7"),
    ]
    #expect(event == expected)
  }

  @Test func `Traits are texts and numbers, and booleans are texts`() throws {
    var decoding = try Decoding(preset: "native")
    let event = try decoding.event(
      """
      {"type":"profile","ts":1772359200000,"user_id":"u1",
       "traits":{"timezone":"Asia/Shanghai","age":41,"ebb_opt_out":true,"vip":false,"none":null,"a":{"b":1},"l":[1]}}
      """)
    #expect(
      event.traits == [
        "timezone": .text("Asia/Shanghai"), "age": .number(41), "ebb_opt_out": .text("true"),
        "vip": .text("false"),
      ])
  }

  @Test(arguments: ["segment", "rudderstack"])
  func `An order lists its products, with decimal prices`(preset: String) throws {
    var decoding = try Decoding(preset: preset)
    let event = try decoding.event(
      """
      {"type":"track","event":"Order Completed","userId":"u1","anonymousId":"a1","messageId":"m1",
       "timestamp":"2026-03-01T12:00:00.123+02:00",
       "context":{"page":{"url":"https://shop/thanks","referrer":"https://shop/pay"},"locale":"en-GB"},
       "properties":{"checkout_id":"fksd","order_id":"50314b8e","affiliation":"Google Store","total":27.50,
        "subtotal":22.50,"revenue":25.00,"shipping":3,"tax":2,"discount":2.5,"coupon":"hasbros","currency":"USD",
        "products":[{"product_id":"507f1f77bcf86cd799439011","sku":"45790-32","name":"Monopoly","price":19,"quantity":1},
                    {"sku":"46493-32","name":"Uno","price":"3.35","quantity":2}]}}
      """)
    #expect(event.ts == 1_772_359_200_123)
    #expect(event.eventID == "m1")
    #expect(event.userID == "u1")
    #expect(event.orderID == "50314b8e")
    #expect(event.valueMinor == 2500)
    #expect(event.currency == Currency("USD"))
    #expect(event.url == "https://shop/thanks")
    #expect(event.referrer == "https://shop/pay")
    #expect(event.language == "en-GB")
    #expect(
      event.items == [
        Event.Item(itemID: "507f1f77bcf86cd799439011", priceMinor: 1900, quantity: 1),
        Event.Item(itemID: "46493-32", priceMinor: 335, quantity: 2),
      ])
  }

  @Test func `A Segment call without a user belongs to the anonymous one`() throws {
    var decoding = try Decoding(preset: "segment")
    let event = try decoding.event(
      """
      {"type":"track","event":"Product Added","userId":null,"anonymousId":"507f191e810c19729de860ea",
       "timestamp":"2026-03-01T10:00:00Z","properties":{"cart_id":"k","product_id":"507f1f77","sku":"G-32",
       "category":"Games","brand":"Hasbro","price":18.99,"quantity":1,"position":3}}
      """)
    #expect(event.userKey == "anon:507f191e810c19729de860ea")
    #expect(event.type == .cartAdd)
    #expect(event.itemID == "507f1f77")
    #expect(event.priceMinor == 1899)
    #expect(event.quantity == 1)
    #expect(event.cartID == "k")
    #expect(event.category == "Games")
    #expect(event.brand == "Hasbro")
    #expect(event.items == nil)
    #expect(event.currency == nil)
  }

  @Test func `A rating is a text in Segment's reviews`() throws {
    var decoding = try Decoding(preset: "segment")
    let event = try decoding.event(
      """
      {"type":"track","event":"Product Reviewed","userId":"u","timestamp":"2026-03-01T10:00:00Z",
       "properties":{"product_id":"507f","review_id":"kdfjrj39fj39jf3","review_body":"I love this","rating":"5"}}
      """)
    #expect(event.type == .review)
    #expect(event.rating == 5)
    #expect(event.text == "I love this")
  }

  @Test func `A page call is a view, and identify brings traits`() throws {
    var decoding = try Decoding(preset: "segment")
    let page = try decoding.event(
      """
      {"type":"page","name":"Home","userId":"u","timestamp":"2026-03-01T10:00:00Z",
       "properties":{"url":"https://shop/","referrer":"https://r/","title":"Shop"}}
      """)
    #expect(page.type == .pageView)
    #expect(page.url == "https://shop/")
    let identify = try decoding.event(
      """
      {"type":"identify","userId":"u","timestamp":"2026-03-01T10:00:00Z",
       "traits":{"email":"p@example.com","logins":5,"address":{"city":"Rome"}}}
      """)
    #expect(identify.type == .profile)
    #expect(identify.traits == ["email": .text("p@example.com"), "logins": .number(5)])
  }

  @Test func `RudderStack keeps traits in the context, and numbers its sessions`() throws {
    var decoding = try Decoding(preset: "rudderstack")
    let event = try decoding.event(
      """
      {"type":"identify","userId":"u","originalTimestamp":"2026-03-01T10:00:00.000Z",
       "context":{"sessionId":1772359200,"traits":{"plan":"gold"}}}
      """)
    #expect(event.traits == ["plan": .text("gold")])
    #expect(event.sessionID == "1772359200")
    #expect(event.ts == 1_772_359_200_000)
  }

  @Test func `A PostHog event knows whether its person is identified`() throws {
    var decoding = try Decoding(preset: "posthog")
    let visitor = try decoding.event(
      """
      {"event":"$pageview","distinct_id":"d1","uuid":"x","timestamp":"2026-03-01T10:00:00Z",
       "properties":{"$is_identified":false,"$device_id":"d1","$session_id":"s1","$current_url":"https://shop/",
       "$prev_pageview_duration":2.5}}
      """)
    #expect(visitor.userID == nil)
    #expect(visitor.anonymousID == "d1")
    #expect(visitor.sessionID == "s1")
    #expect(visitor.url == "https://shop/")
    #expect(visitor.dwellMilliseconds == 2500)
    let person = try decoding.event(
      """
      {"event":"$identify","distinct_id":"u9","timestamp":"2026-03-01T10:00:00Z",
       "properties":{"$is_identified":true,"$device_id":"d1","$set":{"plan":"gold"}}}
      """)
    #expect(person.userID == "u9")
    #expect(person.type == .profile)
    #expect(person.traits == ["plan": .text("gold")])
  }

  @Test func `Google's parameters are found under their keys, wherever the key stands`() throws {
    var decoding = try Decoding(preset: "ga4")
    let event = try decoding.event(
      """
      {"event_date":"20260301","event_timestamp":"1772359200123456","event_name":"purchase","user_pseudo_id":"1.2",
       "user_id":"u1",
       "event_params":[{"key":"ga_session_id","value":{"int_value":"1772359000"}},
         {"value":{"string_value":"https://shop/thanks","int_value":null},"key":"page_location"},
         {"key":"currency","value":{"string_value":"JPY"}},
         {"key":"engagement_time_msec","value":{"int_value":"1200"}},
         {"key":"value","value":{"double_value":3000.0}}],
       "ecommerce":{"transaction_id":"T_12345","purchase_revenue":3000.0},
       "items":[{"item_id":"SKU_12345","item_name":"Tee","item_brand":"Google","item_category":"Apparel","price":1000,"quantity":"3"},
                {"item_id":"(not set)","item_name":"Mug","price":null}]}
      """)
    #expect(event.ts == 1_772_359_200_123)
    #expect(event.sessionID == "1772359000")
    #expect(event.url == "https://shop/thanks")
    #expect(event.currency == Currency("JPY"))
    #expect(event.dwellMilliseconds == 1200)
    #expect(event.valueMinor == 3000)
    #expect(event.orderID == "T_12345")
    #expect(event.brand == "Google")
    #expect(event.category == "Apparel")
    #expect(
      event.items == [
        Event.Item(itemID: "SKU_12345", priceMinor: 1000, quantity: 3), Event.Item(itemID: "Mug"),
      ])
  }

  @Test func `A list that a page shows may have any length, a purchase's may not`() throws {
    var decoding = try Decoding(preset: "ga4")
    let items = (0..<201).map { #"{"item_id":"i\#($0)"}"# }.joined(separator: ",")
    let record = { (name: String) in
      #"{"event_name":"\#(name)","event_timestamp":1772359200123456,"user_id":"u","items":[\#(items)]}"#
    }
    #expect(try decoding.event(record("view_item_list")).items == nil)
    #expect(decoding.rejection(record("purchase"))?.reason == .tooManyItems)
  }

  @Test func `SensorsData tells how long a page was open in seconds, and 3_14 means nothing`() throws {
    var decoding = try Decoding(preset: "sensorsdata")
    let record = { (duration: String) in
      """
      {"distinct_id":"0f485d4daaadedae5f","anonymous_id":"0f485d4daaadedae5f","time":1434556935000,"type":"track",
       "event":"$WebPageLeave","_track_id":884563921,"properties":{"$url":"https://shop/","event_duration":\(duration)}}
      """
    }
    let event = try decoding.event(record("12.345"))
    #expect(event.type == .pageDwell)
    #expect(event.dwellMilliseconds == 12_345)
    #expect(event.anonymousID == "0f485d4daaadedae5f")
    #expect(event.userID == nil)
    #expect(event.eventID == "884563921")
    #expect(try decoding.event(record("3.14")).dwellMilliseconds == nil)
    #expect(try decoding.event(record("3.140")).dwellMilliseconds == nil)
    #expect(try decoding.event(record("3.141")).dwellMilliseconds == 3141)
  }

  @Test func `A SensorsData product has a number, and a profile its properties`() throws {
    var decoding = try Decoding(preset: "sensorsdata")
    let event = try decoding.event(
      """
      {"distinct_id":"123456","time":1434556935000,"type":"track","event":"ViewProduct","project":"ebiz_test",
       "properties":{"$is_login_id":true,"$wifi":true,"$province":"湖南","product_id":12345,"product_name":"苹果",
       "product_classify":"水果","product_price":14.0}}
      """)
    #expect(event.userID == "123456")
    #expect(event.itemID == "12345")
    #expect(event.category == "水果")
    #expect(event.priceMinor == 1400)
    #expect(event.currency == Currency("CNY"))
    let profile = try decoding.event(
      """
      {"distinct_id":"12345","login_id":"12345","type":"profile_set","time":1435290195610,
       "properties":{"age":33,"$name":"王","vip":true}}
      """)
    #expect(profile.type == .profile)
    #expect(profile.traits == ["age": .number(33), "$name": .text("王"), "vip": .text("true")])
    let once = decoding.outcome(
      #"{"distinct_id":"1","type":"profile_set_once","time":1435290195610,"properties":{}}"#)
    #expect(once == .ignored)
  }
}
