import Triggers

/// Pages for people: HTML without scripts, readable on a phone.
enum AdminPages {
  /// How the service stands.
  static func status(_ facts: [Fact], obstacles: [String]) -> String {
    var body =
      "<p class=\"\(obstacles.isEmpty ? "good" : "bad")\">\(obstacles.isEmpty ? "Ready" : "Not ready")</p>\n"
    if !obstacles.isEmpty {
      body += "<ul>\n\(obstacles.map { "<li>\(escaped($0))</li>\n" }.joined())</ul>\n"
    }
    body += look + html(facts)
    // Who looks at it wants to see it move.
    return page("Ebb", body, refresh: "<meta http-equiv=\"refresh\" content=\"5\">")
  }

  /// What is known of a user.
  /// - Parameter key: how he is named.
  static func user(_ key: String, _ lookup: UserLookup) -> String {
    var body = "<p><a href=\"/\">Ebb</a></p>\n" + look
    switch lookup {
    case .found(let facts): body += html(facts)
    case .unknown:
      body += "<p>No user <q>\(escaped(key))</q> in the partitions of this process.</p>\n"
    case .unavailable(let why): body += "<p class=\"bad\">\(escaped(why))</p>\n"
    }
    return page("User \(key)", body)
  }

  private static let look = """
    <form action="/user"><label>User <input name="id" maxlength="1024" required></label> <button>Look up</button></form>

    """

  static let style = """
    :root{color-scheme:light dark}
    body{font:16px/1.45 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}
    h1{font-size:1.4rem}
    h2{font-size:1.05rem;margin:1.2rem 0 .3rem}
    dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.15rem 1rem;margin:0}
    dt{opacity:.7}
    dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
    dd dl{grid-template-columns:minmax(6rem,max-content) 1fr}
    .scroll{overflow-x:auto}
    table{border-collapse:collapse;font-variant-numeric:tabular-nums}
    th,td{text-align:left;padding:.15rem .8rem .15rem 0;border-bottom:1px solid #8884;vertical-align:top}
    .good{color:#187a30;font-weight:bold}
    .bad{color:#b3261e;font-weight:bold}
    input,button{font:inherit}

    """

  private static func page(_ title: String, _ body: String, refresh: String = "") -> String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">\(refresh)
    <title>\(escaped(title))</title><link rel="stylesheet" href="/style.css"></head><body>
    <h1>\(escaped(title))</h1>
    \(body)</body></html>

    """
  }

  /// Facts that have facts of their own become sections at the top, lists of like facts tables.
  private static func html(_ facts: [Fact]) -> String {
    let single = facts.filter { !$0.value.isSection }
    var html = single.isEmpty ? "" : list(single)
    for fact in facts where fact.value.isSection {
      html += "<h2>\(words(fact.name))</h2>\n" + value(fact.value) + "\n"
    }
    return html
  }

  private static func list(_ facts: [Fact]) -> String {
    "<dl>\n"
      + facts.map { "<dt>\(words($0.name))</dt><dd>\(value($0.value))</dd>\n" }.joined() + "</dl>\n"
  }

  private static func value(_ value: Fact.Value) -> String {
    switch value {
    case .facts(let facts): return facts.isEmpty ? "none" : list(facts)
    case .list(let values):
      if values.isEmpty { return "none" }
      let rows = values.compactMap { value -> [Fact]? in
        if case .facts(let facts) = value { facts } else { nil }
      }
      if rows.count < values.count { return values.map { escaped($0.text) }.joined(separator: ", ") }
      return table(rows)
    default: return escaped(value.text)
    }
  }

  private static func table(_ rows: [[Fact]]) -> String {
    var columns: [String] = []
    for name in rows.joined().map(\.name) where !columns.contains(name) { columns.append(name) }
    var html = "<div class=\"scroll\"><table><tr>\(columns.map { "<th>\(words($0))</th>" }.joined())</tr>\n"
    for row in rows {
      let cells = columns.map { column in
        row.first { $0.name == column }.map { value($0.value) } ?? ""
      }
      html += "<tr>\(cells.map { "<td>\($0)</td>" }.joined())</tr>\n"
    }
    return html + "</table></div>\n"
  }

  private static func words(_ name: String) -> String {
    escaped(name.split(separator: "_").joined(separator: " "))
  }

  /// Nothing from outside is ever markup.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F: escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

extension Fact.Value {
  fileprivate var isSection: Bool {
    switch self {
    case .facts: true
    case .list(let values):
      values.contains { value in
        if case .facts = value { true } else { false }
      }
    default: false
    }
  }
}
