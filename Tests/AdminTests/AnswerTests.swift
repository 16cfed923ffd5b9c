import Foundation
import Testing
import Triggers

@testable import Admin

@Suite struct `What is answered` {
  private func ask(
    _ path: String, of source: StandIn = StandIn(), method: String = "GET", host: String = "localhost",
    token: String? = nil, authorization: String? = nil, query: String = ""
  ) async -> AdminAnswers.Answer {
    await AdminAnswers(source: source, admission: Admission(token: token, names: []))
      .answer(
        AdminAnswers.Question(
          method: method, path: path, host: host, authorization: authorization, query: query))
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get"])
  func `Only GET is answered`(method: String) async {
    #expect(await ask("/", method: method).status == 405)
  }

  @Test(arguments: ["/", "/metrics", "/healthz", "/v1/users/ada"])
  func `A name that is not ours is answered nothing`(path: String) async {
    let answer = await ask(path, of: StandIn(users: ["ada": []]), host: "evil.example")
    #expect(answer.status == 421)
    #expect(answer.body.contains("http.names"))
  }

  @Test func `Alive and ready are told with the reasons why not`() async {
    #expect(await ask("/healthz") == .init(status: 200, type: "text/plain; charset=utf-8", body: "alive\n"))
    #expect(await ask("/readyz").body == "ready\n")
    let source = StandIn(ailing: ["lane 1 is stuck"], hindered: ["lane 0 recovers", "partition 3 is behind"])
    #expect(
      await ask("/healthz", of: source)
        == .init(status: 503, type: "text/plain; charset=utf-8", body: "lane 1 is stuck\n"))
    #expect(await ask("/readyz", of: source).body == "lane 0 recovers\npartition 3 is behind\n")
  }

  @Test func `A token is wanted for everything but health`() async {
    for path in ["/", "/metrics", "/style.css", "/v1/status", "/v1/users/ada", "/user", "/nowhere"] {
      #expect(await ask(path, token: "s3cret").status == 401, "\(path)")
    }
    for path in ["/healthz", "/readyz"] { #expect(await ask(path, token: "s3cret").status == 200) }
    let answer = await ask("/metrics", token: "s3cret", authorization: "Bearer s3cret")
    #expect(answer.status == 200)
    #expect(answer.body == "ebb_users 7\n")
    #expect(answer.type == "text/plain; version=0.0.4; charset=utf-8")
  }

  @Test(arguments: [
    ("/v1/users/ada", "ada"), ("/v1/users/%61da", "ada"), ("/v1/users/a%2Fb", "a/b"),
    ("/v1/users/a/b", "a/b"),
    ("/v1/users/a+b", "a+b"), ("/v1/users/%E5%BC%A0", "张"), ("/v1/users/anon:x", "anon:x"),
    ("/v1/users/a%00b", "a\0b"),
  ])
  func `A user is found by his id, percent-encoded`(path: String, key: String) async throws {
    let answer = await ask(path, of: StandIn(users: [key: [Fact("user", .text(key))]]))
    #expect(answer.status == 200)
    #expect(answer.type == "application/json")
    let read = try JSONDecoder().decode([String: String].self, from: Data(answer.body.utf8))
    #expect(read == ["user": key])
  }

  @Test(arguments: ["/v1/users/", "/v1/users/%", "/v1/users/%4", "/v1/users/%zz", "/v1/users/%FF", "/user"])
  func `What is no id is refused`(path: String) async {
    #expect(await ask(path).status == 400)
  }

  @Test func `An id has an end`() async {
    #expect(await ask("/v1/users/" + String(repeating: "a", count: 1_024)).status == 404)
    #expect(await ask("/v1/users/" + String(repeating: "a", count: 1_025)).status == 400)
    #expect(await ask("/user", query: "id=" + String(repeating: "%61", count: 1_025)).status == 400)
  }

  @Test func `A user whom nobody knows, and one whom nobody can look up`() async {
    #expect(await ask("/v1/users/ada").status == 404)
    #expect(await ask("/v1/users/ada").body.contains("no such user"))
    #expect(await ask("/v1/users/ada", of: StandIn(isAway: true)).status == 503)
    #expect(await ask("/user", query: "id=ada").status == 404)
    #expect(await ask("/user", of: StandIn(isAway: true), query: "id=ada").body.contains("nobody is at home"))
  }

  @Test func `Terminals are answered in lines and tables`() async {
    let text = await ask("/v1/status", query: "format=text").body
    #expect(
      text == """
        state: ready
        started: 2026-03-02T10:01:30.000Z
        alerts:
          ebb.cart.abandoned: 2
        lanes:
          lane  users
          0     0
          1     100

        """)
  }

  @Test func `Programs are answered in JSON`() async throws {
    let answer = await ask("/v1/status")
    let read = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any])
    #expect(read["started"] as? Int64 == 1_772_445_690_000)
    #expect((read["lanes"] as? [[String: Int]])?.map { $0["users"] } == [0, 100])
  }

  @Test func `Nothing from outside is markup on a page`() async {
    let hostile = "<script>alert('1')</script>\" onload=\"x & y\u{1B}[31m"
    let users = [
      hostile: [Fact("cart_id", .text(hostile)), Fact("lines", .list([.facts([Fact("a", .text(hostile))])]))]
    ]
    let id = AdminClient.encoded(hostile)
    for source in [StandIn(users: users), StandIn(), StandIn(isAway: true)] {
      let page = await ask("/user", of: source, query: "id=\(id)").body
      #expect(!page.contains("<script"))
      #expect(!page.contains("onload=\""))
      #expect(!page.contains("\u{1B}"))
    }
    #expect(await ask("/", of: StandIn(hindered: [hostile])).body.contains("&lt;script&gt;"))
  }

  @Test func `What is encoded is decoded to the same`() {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<500 {
      let scalars = (0..<Int.random(in: 1...20, using: &generator)).compactMap { _ in
        Unicode.Scalar(UInt32.random(in: 1...0x2FFFF, using: &generator))
      }
      let text = String(String.UnicodeScalarView(scalars))
      #expect(AdminAnswers.decoded(AdminClient.encoded(text)[...], plusIsSpace: true) == text)
    }
    #expect(AdminAnswers.parameter("id", of: "x=1&id=a+b%2B&id=2") == "a b+")
    #expect(AdminAnswers.parameter("id", of: "id") == nil)
  }
}
