import Glibc

/// One direction of a connection: what has come in and is no whole frame yet, and what waits to go out.
struct ProxyStream {
  struct Packet {
    var due: ContinuousClock.Instant
    var bytes: [UInt8]
    /// What happens to the connection when it is out.
    var ending: ProxyConnection.Ending?
  }

  var incoming: [UInt8] = []
  var packets: [Packet] = []
  /// Bytes of the first packet that are out.
  var done = 0
  private var isFreeAt = ContinuousClock.now
  private(set) var waitingBytes = 0

  /// Nothing more is read while so much waits, bytes.
  static let maximumWaiting = 8 << 20
  /// No frame of a test is longer, bytes.
  static let maximumFrame = 64 << 20

  mutating func send(_ bytes: [UInt8], _ weather: Weather, ending: ProxyConnection.Ending? = nil) {
    let now = ContinuousClock.now
    var due = now + .milliseconds(weather.delayMilliseconds)
    if let rate = weather.bytesPerSecond {
      due = max(due, isFreeAt) + .microseconds(bytes.count * 1_000_000 / max(1, rate))
      isFreeAt = due
    }
    // What was sent first arrives first, also when the weather has become better meanwhile.
    if let last = packets.last { due = max(due, last.due) }
    packets.append(Packet(due: due, bytes: bytes, ending: ending))
    waitingBytes += bytes.count
  }

  /// Takes the first packet away.
  mutating func sent() -> ProxyConnection.Ending? {
    let packet = packets.removeFirst()
    waitingBytes -= packet.bytes.count
    done = 0
    return packet.ending
  }

  /// The next whole frame, its length in front; nil: there is none yet.
  mutating func nextFrame() throws -> [UInt8]? {
    guard incoming.count >= 4 else { return nil }
    let length = incoming[..<4].reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumFrame else { throw TestSupportError("a frame of \(length) bytes") }
    guard incoming.count >= 4 + length else { return nil }
    let frame = Array(incoming[..<(4 + length)])
    incoming.removeFirst(4 + length)
    return frame
  }
}

/// A client and its broker. Lives on the proxy's thread alone.
final class ProxyConnection {
  enum Ending: Sendable {
    case finish, reset
  }

  let client: Int32
  let broker: Int32
  var requests = ProxyStream()
  var answers = ProxyStream()
  /// What each request that is not answered yet was for.
  private var kinds: [Int32: Int16] = [:]
  /// Whether nothing goes through any more.
  var isSilent = false
  private(set) var isOver = false

  init(client: Int32, broker: Int32) {
    self.client = client
    self.broker = broker
  }

  deinit { end(.finish) }

  /// A client that has vanished is not waited for.
  func end(_ ending: Ending) {
    guard !isOver else { return }
    isOver = true
    if ending == .reset {
      var lingering = linger(l_onoff: 1, l_linger: 0)
      unsafe setsockopt(client, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
    }
    close(client)
    close(broker)
  }

  /// Takes what has come from the client.
  func readRequests(_ weather: Weather) {
    guard read(client, into: &requests) else { return }
    do {
      while let frame = try requests.nextFrame() {
        // int32 length, int16 what is asked, int16 version, int32 number.
        guard frame.count >= 12 else { return end(.reset) }
        kinds[Self.number(in: frame, at: 8)] = Int16(frame[4]) << 8 | Int16(frame[5])
        requests.send(frame, weather)
      }
    } catch {
      end(.reset)
    }
  }

  /// Takes what has come from the broker; `blow` is asked for each answer what befalls it.
  func readAnswers(_ weather: Weather, _ addresses: BrokerAddresses, _ blow: () -> Weather.Blow?) {
    guard read(broker, into: &answers) else { return }
    do {
      while !isOver, !isSilent, var frame = try answers.nextFrame() {
        guard frame.count >= 8 else { return end(.reset) }
        let kind = kinds.removeValue(forKey: Self.number(in: frame, at: 4))
        if let kind, BrokerAddresses.requests.contains(kind) { frame = addresses.replaced(in: frame) }
        switch blow() {
        case nil: answers.send(frame, weather)
        case .reset: answers.send(Array(frame.prefix(frame.count / 2)), weather, ending: .reset)
        case .cut: answers.send(Array(frame.prefix(frame.count / 2)), weather, ending: .finish)
        case .garbage(let bytes): answers.send(bytes, weather)
        case .silence: isSilent = true
        }
      }
    } catch {
      end(.reset)
    }
  }

  private static func number(in frame: [UInt8], at place: Int) -> Int32 {
    frame[place..<place + 4].reduce(0) { $0 << 8 | Int32($1) }
  }

  /// Whether anything came. The end of either side is the end of both.
  private func read(_ descriptor: Int32, into stream: inout ProxyStream) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = unsafe Glibc.read(descriptor, &buffer, buffer.count)
    if count < 0, errno == EAGAIN || errno == EINTR { return false }
    guard count > 0 else {
      end(.finish)
      return false
    }
    // Who is silent takes everything and keeps nothing, so that the peer's own buffers never fill.
    guard !isSilent else { return false }
    stream.incoming += buffer[..<count]
    return true
  }

  /// Hands on what is due.
  func write(_ now: ContinuousClock.Instant) {
    guard !isSilent else { return }
    write(&requests, to: broker, now)
    write(&answers, to: client, now)
  }

  private func write(_ stream: inout ProxyStream, to descriptor: Int32, _ now: ContinuousClock.Instant) {
    while !isOver, let packet = stream.packets.first, packet.due <= now {
      while stream.done < packet.bytes.count {
        let done = stream.done
        let written = unsafe packet.bytes.withUnsafeBytes {
          unsafe Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done)
        }
        if written < 0, errno == EAGAIN || errno == EINTR { return }
        guard written > 0 else { return end(.finish) }
        stream.done += written
      }
      if let ending = stream.sent() { return end(ending) }
    }
  }
}
