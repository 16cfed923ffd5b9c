import Foundation
import Supervision
import TestSupport
import Testing

/// The service manager's side of sd_notify(3): a socket that takes datagrams.
@Suite struct ServiceManagerTests {
  @Test func `What is told arrives as lines, in one datagram`() throws {
    let socket = try NotifySocket()
    let service = try #require(try ServiceManager.named(in: ["NOTIFY_SOCKET": socket.name]))
    #expect(service.tell(.ready, .status("all\nis\r\nwell")))
    #expect(socket.next() == "READY=1\nSTATUS=all is well")
    service.tell(.alive)
    #expect(socket.next() == "WATCHDOG=1")
    service.tell(.moreTime(milliseconds: 1_500))
    #expect(socket.next() == "EXTEND_TIMEOUT_USEC=1500000")
    service.tell(.stopping)
    #expect(socket.next() == "STOPPING=1")
    service.tell(.reloading)
    let reloading = try #require(socket.next()).split(separator: "\n")
    #expect(reloading.first == "RELOADING=1" && reloading.last?.hasPrefix("MONOTONIC_USEC=") == true)
  }

  @Test func `An abstract name is reached as well as a path`() throws {
    let socket = try NotifySocket(isAbstract: true)
    let service = try #require(try ServiceManager.named(in: ["NOTIFY_SOCKET": socket.name]))
    #expect(service.tell(.ready))
    #expect(socket.next() == "READY=1")
  }

  @Test func `Without a socket nobody listens, and one that is not there is an error`() throws {
    #expect(try ServiceManager.named(in: [:]) == nil)
    #expect(try ServiceManager.named(in: ["NOTIFY_SOCKET": ""]) == nil)
    for place in ["/nowhere/notify", "relative", "/" + String(repeating: "x", count: 200)] {
      let error = #expect(throws: SupervisionError.self) {
        try ServiceManager.named(in: ["NOTIFY_SOCKET": place])
      }
      #expect(error?.code == .notification)
      #expect(error?.description.contains("NOTIFY_SOCKET '\(place)'") == true)
    }
  }

  @Test func `Somebody who has gone, or does not read, holds nobody up`() throws {
    var socket: NotifySocket? = try NotifySocket()
    let service = try #require(try ServiceManager.named(in: ["NOTIFY_SOCKET": socket!.name]))
    let began = ContinuousClock.now
    var isSent = true
    for _ in 0..<10_000 where isSent { isSent = service.tell(.alive) }
    #expect(!isSent, "a socket that nobody reads took ten thousand datagrams")
    socket = nil
    #expect(!service.tell(.alive))
    #expect(ContinuousClock.now - began < promised(.seconds(5)))
  }

  @Test func `The limit of the watchdog counts for this process alone`() throws {
    let socket = try NotifySocket()
    func limit(_ more: [String: String]) throws -> Int? {
      try ServiceManager.named(in: more.merging(["NOTIFY_SOCKET": socket.name]) { $1 })?.watchdogMilliseconds
    }
    #expect(try limit([:]) == nil)
    #expect(try limit(["WATCHDOG_USEC": "30000000"]) == 30_000)
    #expect(try limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getpid())"]) == 30_000)
    #expect(try limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "\(getppid())"]) == nil)
    #expect(try limit(["WATCHDOG_USEC": "soon"]) == nil)
  }

  @Test func `A worker is stuck when it has been silent for longer than the patience, and not before`() {
    var watchdog = Watchdog(patienceMilliseconds: 1_000)
    #expect(watchdog.stuck([5, 7], now: 0) == [])
    #expect(watchdog.stuck([5, 8], now: 1_000) == [])
    #expect(watchdog.stuck([5, 8], now: 1_001) == [0])
    #expect(watchdog.stuck([5, 8], now: 2_001) == [0, 1])
    #expect(watchdog.stuck([6, 8], now: 2_002) == [1])
    #expect(watchdog.stuck([6, 9], now: 2_003) == [])
  }
}
