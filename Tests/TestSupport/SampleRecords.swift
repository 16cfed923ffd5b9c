/// Records of the input topic to damage.
public enum SampleRecords {
  /// Records, at least one of each preset.
  public static let texts: [(preset: String, text: String)] = [
    (
      "native",
      #"{"type":"purchase","ts":1772359200000,"user_id":"u1","currency":"EUR","items":[{"item_id":"a\n\ud83d\ude00","price_minor":1999,"quantity":2},{"item_id":7}],"value_minor":3998,"traits":{"a":true,"b":1.5e3}}"#
    ),
    (
      "native",
      #" { "type" : "cart_add" , "ts" : 1772359200000 , "user_id" : "\u00e9\ud83d\ude00\/x" , "item_id" : -7 , "price_minor" : 19.0 , "rating" : 4.333333333333333333 , "nothing" : [ 1 , { "a" : [ ] } , null , "\n" ] } "#
    ),
    (
      "segment",
      #"{"type":"track","event":"Order Completed","userId":"u1","timestamp":"2026-03-01T12:00:00.123+02:00","properties":{"revenue":25.00,"currency":"USD","products":[{"product_id":"x","price":19.99,"quantity":1},{"sku":"y"}]}}"#
    ),
    (
      "ga4",
      #"{"event_name":"purchase","event_timestamp":"1772359200123456","user_pseudo_id":"1.2","event_params":[{"key":"value","value":{"double_value":3000.5}},{"value":{"string_value":"x"},"key":"page_location"}],"items":[{"item_id":"S","price":1e1,"quantity":"3"}]}"#
    ),
    (
      "sensorsdata",
      #"{"distinct_id":"123456","time":1434556935000,"type":"profile_set","properties":{"$is_login_id":true,"age":33,"名":"王","x":null}}"#
    ),
    (
      "posthog",
      #"{"event":"Product Added","distinct_id":"u","timestamp":"2026-03-01T12:00:00.5Z","properties":{"product_id":"a","price":"12.50","quantity":2,"currency":"EUR"}}"#
    ),
    (
      "otto",
      #"{"session":42,"events":[{"aid":0,"ts":1661200010000,"type":"clicks"},{"aid":1,"ts":1661200020000,"type":"carts"}]}"#
    ),
    (
      "rees46",
      #"2019-10-01 00:00:00 UTC,cart,44600062,2103807459595387724,"a ""b"", c",shiseido,35.79,541312140,72d76fde"#
    ),
    ("taobao", "520403,1715,1464116,pv,1511658000"),
  ]

  /// What means something to JSON, to CSV, or to what is written in them, and what parsers have stumbled over.
  public static let pieces = [
    "{", "}", "[", "]", "\"", "\\", ":", ",", "\\u", "\\ud800", "\\udc00", "null", "true", "NaN", "1e400",
    "-", "0",
    "1e-400", "99999999999999999999", String(repeating: "[", count: 200),
    String(repeating: "{\"a\":", count: 100), "\"\"",
    "\u{FEFF}", "\n", "\r\n", "\0", "9223372036854775808", "-1", "1.", "\"key\":\"value\"", "\"user_id\":",
    "\"ts\":",
    "\"items\":[", "\"\"\"", ",,,,,,,,,,", "2019-10-01 00:00:00 UTC",
  ]
}
