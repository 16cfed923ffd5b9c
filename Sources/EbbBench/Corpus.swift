import Events
import Shop

/// Records, one after the other in one piece of memory, each with its clock.
struct Corpus {
  private(set) var bytes: [UInt8] = []
  /// Where each record begins, and at the end where the last one ends.
  private(set) var starts: [Int] = [0]
  /// Milliseconds since 1970 UTC.
  private(set) var clocks: [Int64] = []

  var count: Int { clocks.count }

  mutating func append(_ text: some Sequence<UInt8>, clock: Int64) {
    bytes.append(contentsOf: text)
    starts.append(bytes.count)
    clocks.append(clock)
  }

  /// Mean length, bytes.
  var meanBytes: Double { Double(bytes.count) / Double(max(1, count)) }

  /// Calls `body` with every record, in order.
  func forEach(_ body: (_ index: Int, _ record: UnsafeRawBufferPointer) -> Void) {
    unsafe bytes.withUnsafeBytes { all in
      for index in 0..<count {
        let start = starts[index]
        let length = starts[index + 1] - start
        unsafe body(index, UnsafeRawBufferPointer(start: all.baseAddress! + start, count: length))
      }
    }
  }

  /// The first events of the demo's simulated shop, in the native form.
  static func demo(events: Int, users: Int = DemoShop.users, seed: UInt64 = 1) -> Corpus {
    var shop = DemoShop.simulator(users: users, seed: seed)
    var corpus = Corpus()
    for _ in 0..<events {
      let item = shop.next()
      corpus.append(NativeJSON.bytes(of: item.event), clock: item.arrivalMilliseconds)
    }
    return corpus
  }
}

/// What `ebbd demo` simulates, and its rules.
enum DemoShop {
  static let users = 400
  /// Milliseconds of the shop in one of the demo.
  static let speed: Int64 = 43_200
  /// 2025-01-01 UTC, milliseconds.
  static let start: Int64 = 1_735_689_600_000

  static func simulator(users: Int, seed: UInt64 = 1) -> ShopSimulator {
    ShopSimulator(seed: seed, users: users, startMilliseconds: start, options: .demonstration)
  }
}
