import Glibc

/// The proxy's thread: waits until something comes or is due, and hands it on.
///
/// `@unchecked`: handed to its thread before that starts, and touched by nobody else.
final class ProxyLoop: @unchecked Sendable {
  private let doors: [ProxyDoor]
  private let addresses: BrokerAddresses
  private let shared: FaultProxy.Shared
  private var connections: [ProxyConnection] = []
  private var nextBlow = 0

  /// How long a change of the weather may go unseen, milliseconds.
  private static let turnMilliseconds: Int32 = 10

  init(_ doors: [ProxyDoor], _ addresses: BrokerAddresses, _ shared: FaultProxy.Shared) {
    self.doors = doors
    self.addresses = addresses
    self.shared = shared
  }

  func start() throws {
    let argument = unsafe Unmanaged.passRetained(self).toOpaque()
    var thread = pthread_t()
    let status = unsafe pthread_create(
      &thread, nil,
      { argument in
        unsafe Unmanaged<ProxyLoop>.fromOpaque(argument!).takeRetainedValue().run()
        return nil
      }, argument)
    guard status == 0 else { throw TestSupportError("no thread for the proxy: error \(status)") }
    pthread_detach(thread)
  }

  private func run() {
    while let weather = shared.state.withLock({ $0.isStopped ? nil : $0.weather }) {
      turn(weather)
      connections.removeAll(where: \.isOver)
    }
    connections.removeAll()
  }

  private func turn(_ weather: Weather) {
    if weather.isSilent { for connection in connections { connection.isSilent = true } }
    var watched = doors.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    for connection in connections {
      watched.append(Self.watch(connection.client, connection.requests, connection.answers))
      watched.append(Self.watch(connection.broker, connection.answers, connection.requests))
    }
    unsafe poll(&watched, nfds_t(watched.count), wait())
    // Those who came meanwhile are not watched yet.
    let known = connections
    for (index, door) in doors.enumerated() where watched[index].revents != 0 { accept(door, weather) }
    let now = ContinuousClock.now
    for (index, connection) in known.enumerated() {
      let place = doors.count + 2 * index
      if Self.hasCome(watched[place]) { connection.readRequests(weather) }
      if !connection.isOver, Self.hasCome(watched[place + 1]) {
        connection.readAnswers(weather, addresses) { befalls(weather) }
      }
      if !connection.isOver { connection.write(now) }
    }
  }

  private static func hasCome(_ entry: pollfd) -> Bool {
    entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0
  }

  private static func watch(_ descriptor: Int32, _ incoming: ProxyStream, _ outgoing: ProxyStream) -> pollfd {
    var events: Int16 = 0
    if incoming.waitingBytes < ProxyStream.maximumWaiting { events |= Int16(POLLIN) }
    // Only what is stuck half-way: all else is tried when it is due.
    if outgoing.done > 0 { events |= Int16(POLLOUT) }
    return pollfd(fd: descriptor, events: events, revents: 0)
  }

  /// Until the next packet is due, milliseconds.
  private func wait() -> Int32 {
    let now = ContinuousClock.now
    var wait = Self.turnMilliseconds
    for connection in connections where !connection.isSilent {
      for stream in [connection.requests, connection.answers] where stream.done == 0 {
        guard let due = stream.packets.first?.due else { continue }
        wait = min(wait, max(0, Int32((due - now) / .milliseconds(1)) + 1))
      }
    }
    return wait
  }

  private func accept(_ door: ProxyDoor, _ weather: Weather) {
    let client = Glibc.accept(door.descriptor, nil, nil)
    guard client >= 0 else { return }
    // A process that is started meanwhile must not keep it open.
    _ = fcntl(client, F_SETFD, FD_CLOEXEC)
    shared.state.withLock { $0.newcomers += 1 }
    SocketAddress.unblock(client)
    guard let broker = door.connectToBroker() else {
      close(client)
      return
    }
    let connection = ProxyConnection(client: client, broker: broker)
    connection.isSilent = weather.isSilent
    connections.append(connection)
  }

  /// What befalls the next answer.
  private func befalls(_ weather: Weather) -> Weather.Blow? {
    shared.state.withLock { state in
      state.answers += 1
      guard !weather.blows.isEmpty, state.answers % max(1, weather.everyAnswers) == 0 else { return nil }
      state.hits += 1
      nextBlow += 1
      return weather.blows[nextBlow % weather.blows.count]
    }
  }
}
