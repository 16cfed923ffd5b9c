import Measuring

/// Records made up here after the documentation of each format, a shop's usual mix: mostly views.
///
/// In the texts `~` stands for a digit and `@` for a small letter or digit, drawn for each record; `{ms}`, `{us}`,
/// `{s}`, `{iso}` and `{utc}` for its time in the units and forms that the formats use.
enum PresetSamples {
  /// Presets that are measured, besides `native`.
  static let presets = ["segment", "ga4", "sensorsdata", "rees46", "otto", "taobao"]

  /// So many records of a format.
  static func corpus(_ preset: String, records: Int, seed: UInt64 = 7) -> Corpus {
    let templates = templates(preset)
    var random = BenchRandom(seed: seed)
    var corpus = Corpus()
    var time: Int64 = 1_772_359_200_000
    for _ in 0..<records {
      time += Int64(random.below(1_000))
      let template = templates[random.below(templates.count)]
      corpus.append(fill(template, time, &random), clock: time)
    }
    return corpus
  }

  private static func fill(_ template: String, _ time: Int64, _ random: inout BenchRandom) -> [UInt8] {
    let letters = Array("0123456789abcdef".utf8)
    var bytes: [UInt8] = []
    var rest = template[...]
    while let character = rest.first {
      rest.removeFirst()
      switch character {
      case "~": bytes.append(UInt8(ascii: "1") + UInt8(random.below(9)))
      case "@": bytes.append(letters[random.below(letters.count)])
      case "{":
        if let end = rest.firstIndex(of: "}"), let text = form(rest[..<end], time) {
          bytes.append(contentsOf: text.utf8)
          rest = rest[rest.index(after: end)...]
        } else {
          bytes.append(UInt8(ascii: "{"))
        }
      default: bytes.append(contentsOf: String(character).utf8)
      }
    }
    return bytes
  }

  /// All of one day, so that only the time of day is to be written.
  private static func form(_ name: Substring, _ time: Int64) -> String? {
    let day = time % 86_400_000
    let clock = [day / 3_600_000, day / 60_000 % 60, day / 1_000 % 60].map(twoDigits).joined(separator: ":")
    return switch name {
    case "ms": "\(time)"
    case "us": "\(time)123"
    case "s": "\(time / 1_000)"
    case "iso": "2026-03-01T\(clock).\(String("\(1_000 + time % 1_000)".dropFirst()))Z"
    case "utc": "2026-03-01 \(clock) UTC"
    default: nil
    }
  }

  private static func twoDigits(_ number: Int64) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }

  private static func templates(_ preset: String) -> [String] {
    switch preset {
    case "segment": segment
    case "ga4": ga4
    case "sensorsdata": sensorsData
    case "rees46":
      [
        "{utc},view,~~~~~~~~,2053013555631882655,electronics.smartphone,brand@@,4~~.07,5~~~~~~~~,@@@@@@@@-@@@@",
        "{utc},view,~~~~~~~~,2053013555631882655,,,1~.99,5~~~~~~~~,@@@@@@@@-@@@@-@@@@",
        "{utc},view,~~~~~~~~,2053013561092866779,computers.notebook,brand@@,8~~.00,5~~~~~~~~,@@@@@@@@-@@@@",
        "{utc},cart,~~~~~~~~,2053013555631882655,electronics.smartphone,brand@@,4~~.07,5~~~~~~~~,@@@@@@@@-@@@@",
      ]
    case "otto":
      [
        #"{"session":~~~~~~,"events":[{"aid":~~~~~~,"ts":{ms},"type":"clicks"},"#
          + #"{"aid":~~~~~~,"ts":{ms},"type":"clicks"},{"aid":~~~~~~,"ts":{ms},"type":"carts"},"#
          + #"{"aid":~~~~~~,"ts":{ms},"type":"clicks"},{"aid":~~~~~~,"ts":{ms},"type":"orders"}]}"#,
        #"{"session":~~~~~~,"events":[{"aid":~~~~~~,"ts":{ms},"type":"clicks"},"#
          + #"{"aid":~~~~~~,"ts":{ms},"type":"clicks"}]}"#,
      ]
    case "taobao":
      [
        "~~~~~~,~~~~~~~,~~~~~~~,pv,{s}", "~~~~~~~,~~~~~~~,~~~~~~~,pv,{s}", "~~~~~~,~~~~~~~,~~~~~~~,cart,{s}",
        "~~~~~~,~~~~~~~,~~~~~~~,fav,{s}",
      ]
    default: preconditionFailure("no samples of \(preset)")
    }
  }

  private static let segmentContext =
    #""context":{"ip":"192.0.2.~~","library":{"name":"analytics.js","version":"2.11.1"},"locale":"en-GB","#
    + #""page":{"path":"/p/~~~~","referrer":"https://search.example/","title":"Shop","url":"https://shop.example/p/~~~~"},"#
    + #""userAgent":"Mozilla/5.0 (X11; Linux x86_64) Chrome/120.0"},"#

  private static let segment = [
    #"{"type":"page","name":"Product","userId":"u~~~~~~","anonymousId":"@@@@@@@@-@@@@","messageId":"ajs-@@@@@@@@@@@@","#
      + segmentContext
      + #""timestamp":"{iso}","properties":{"url":"https://shop.example/p/~~~~","title":"Shop"}}"#,
    #"{"type":"track","event":"Product Viewed","userId":"u~~~~~~","anonymousId":"@@@@@@@@-@@@@","#
      + #""messageId":"ajs-@@@@@@@@@@@@","# + segmentContext
      + #""timestamp":"{iso}","properties":{"product_id":"507f1f77@@@@","sku":"G-~~~~","category":"Games","#
      + #""name":"A game","brand":"Maker","price":18.99,"quantity":1,"currency":"EUR","position":3}}"#,
    #"{"type":"track","event":"Product Added","userId":"u~~~~~~","anonymousId":"@@@@@@@@-@@@@","#
      + #""messageId":"ajs-@@@@@@@@@@@@","# + segmentContext
      + #""timestamp":"{iso}","properties":{"cart_id":"k@@@@@@","product_id":"507f1f77@@@@","sku":"G-~~~~","#
      + #""category":"Games","brand":"Maker","price":18.99,"quantity":1,"currency":"EUR"}}"#,
  ]

  private static let ga4 = [
    #"{"event_date":"20260301","event_timestamp":"{us}","event_name":"page_view","event_params":["#
      + #"{"key":"page_location","value":{"string_value":"https://shop.example/p/~~~~"}},"#
      + #"{"key":"page_title","value":{"string_value":"Shop"}},"#
      + #"{"key":"ga_session_id","value":{"int_value":"177235~~~~"}},"#
      + #"{"key":"engagement_time_msec","value":{"int_value":"1~00"}}],"user_pseudo_id":"1~~~~~~~~.177~~~~~~~","#
      + #""device":{"category":"mobile","language":"en-gb"},"geo":{"country":"Germany"},"platform":"WEB","items":[]}"#,
    #"{"event_date":"20260301","event_timestamp":"{us}","event_name":"view_item","event_params":["#
      + #"{"key":"page_location","value":{"string_value":"https://shop.example/p/~~~~"}},"#
      + #"{"key":"currency","value":{"string_value":"EUR"}},"#
      + #"{"key":"ga_session_id","value":{"int_value":"177235~~~~"}}],"user_pseudo_id":"1~~~~~~~~.177~~~~~~~","#
      + #""device":{"category":"desktop"},"platform":"WEB","items":[{"item_id":"SKU_~~~~","item_name":"Tee","#
      + #""item_brand":"Maker","item_category":"Apparel","price":1~.5,"quantity":"1"}]}"#,
    #"{"event_date":"20260301","event_timestamp":"{us}","event_name":"add_to_cart","event_params":["#
      + #"{"key":"currency","value":{"string_value":"EUR"}},{"key":"value","value":{"double_value":1~.5}},"#
      + #"{"key":"ga_session_id","value":{"int_value":"177235~~~~"}}],"user_pseudo_id":"1~~~~~~~~.177~~~~~~~","#
      + #""platform":"WEB","items":[{"item_id":"SKU_~~~~","item_name":"Tee","price":1~.5,"quantity":"2"}]}"#,
  ]

  private static let sensorsData = [
    #"{"distinct_id":"~~~~~~~~","time":{ms},"type":"track","event":"$pageview","_track_id":~~~~~~~~~,"#
      + #""lib":{"$lib":"js","$lib_version":"1.25.3"},"properties":{"$is_login_id":true,"$timezone_offset":-480,"#
      + #""$screen_height":1080,"$screen_width":1920,"$url":"https://shop.example/p/~~~~","$title":"商店","#
      + #""$referrer":"https://search.example/","$province":"湖南","$is_first_day":false}}"#,
    #"{"distinct_id":"~~~~~~~~","time":{ms},"type":"track","event":"$WebPageLeave","_track_id":~~~~~~~~~,"#
      + #""lib":{"$lib":"js","$lib_version":"1.25.3"},"properties":{"$is_login_id":true,"#
      + #""$url":"https://shop.example/p/~~~~","$title":"商店","event_duration":1~.345}}"#,
    #"{"distinct_id":"~~~~~~~~","time":{ms},"type":"track","event":"AddToShoppingCart","_track_id":~~~~~~~~~,"#
      + #""properties":{"$is_login_id":true,"$wifi":true,"$province":"湖南","product_id":12~~~,"product_name":"苹果","#
      + #""product_classify":"水果","product_price":14.0}}"#,
  ]
}
