import Testing

@testable import Admin

@Suite struct `Who is let in` {
  let admission = Admission(token: nil, names: ["Ebb.shop.example"])

  @Test(arguments: [
    "localhost", "localhost:9322", "LOCALHOST", "127.0.0.1", "127.0.0.1:9322", "10.1.2.3:80", "[::1]",
    "[::1]:9322",
    "[fe80::1]:80", "ebb.shop.example", "EBB.SHOP.EXAMPLE:8443",
  ])
  func `An address may stand in Host, and a name that is listed`(host: String) {
    #expect(admission.admits(host: host))
  }

  // A web page that wants a browser to read us has a name of its own.
  @Test(arguments: [
    "", "evil.example", "evil.example:9322", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:",
    "localhost:x",
    "localhost:99999", "256.1.1.1", "1.2.3", "[::1", "[evil]", "[::1]x", "[::1]:", "::1",
    "localhost@evil.example",
    "shop.example",
  ])
  func `Any other name is refused`(host: String) {
    #expect(!admission.admits(host: host))
  }

  @Test func `Without a token nobody is asked for one`() {
    #expect(admission.admits(authorization: nil))
    #expect(admission.admits(authorization: "Basic abc"))
  }

  @Test(arguments: [
    ("Bearer s3cret", true), ("bearer s3cret", true), (nil, false), ("", false), ("Bearer", false),
    ("Bearer ", false),
    ("Bearer s3cre", false), ("Bearer s3crets", false), ("Bearer S3CRET", false), ("Basic s3cret", false),
    ("s3cret", false), ("Bearer  s3cret", false),
  ])
  func `With one, it must be the whole of it`(authorization: String?, isRight: Bool) {
    #expect(Admission(token: "s3cret", names: []).admits(authorization: authorization) == isRight)
  }
}
