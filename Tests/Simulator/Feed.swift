import Events
import LogModel

/// The shop: few users on few partitions, so that everything happens to each of them.
struct Feed {
  private let world: World
  private var session: ProducerSession?
  private var orders = 0
  private var ordinal = 0
  /// Values sent, to be sent once more.
  private var past: [(user: Int, value: [UInt8])] = []
  private(set) var sent = 0

  init(_ world: World) {
    self.world = world
    if world.plan.hasTransactionalInput {
      world.cluster.caller = Self.caller
      session = try? world.cluster.initProducerID("shop", timeout: 900_000)
    }
  }

  /// Requests of the shop's own producer bear this.
  static let caller = -7

  static func partition(of user: Int, _ plan: Plan) -> Int32 { Int32(user % plan.partitions) }

  /// A user and what he is called.
  private func name(_ user: Int) -> (field: String, id: String) {
    user % 4 == 3 ? ("anonymous_id", "a\(user)") : ("user_id", "u\(user)")
  }

  /// Sends so many records, in a transaction if the shop writes so; some of those are aborted.
  mutating func send(_ count: Int) {
    guard count > 0 else { return }
    // Faults are the lanes'; the shop's producer has its own patience.
    let faults = world.cluster.faults
    world.cluster.faults = Faults()
    defer { world.cluster.faults = faults }
    let isAborted = session != nil && world.dice.chance(15)
    for _ in 0..<count { send(isAborted: isAborted) }
    guard let session else { return }
    world.cluster.caller = Self.caller
    try? world.cluster.endTransaction(session, isAborted ? .aborted : .committed)
    if isAborted { world.hit(.abortedInput) }
    world.cluster.deliverMarkers(of: "shop")
  }

  private mutating func send(isAborted: Bool) {
    let user = world.dice.number(0...(world.plan.users - 1))
    if !past.isEmpty, world.dice.chance(4) {
      let again = world.dice.pick(past)
      return append(again.user, again.value, isAborted)
    }
    let value = value(of: user)
    append(user, value, isAborted)
    if let value, !isAborted { past.append((user, value)) }
  }

  private mutating func append(_ user: Int, _ value: [UInt8]?, _ isAborted: Bool) {
    let key = world.dice.chance(3) ? nil : Array(name(user).id.utf8)
    let record = LogRecord(
      key: key, value: value, headers: world.dice.chance(5) ? [RecordHeader("trace", [1, 2])] : [],
      timestamp: world.dice.chance(3) ? -1 : world.trueWall)
    world.cluster.caller = Self.caller
    let place = Names.input(Self.partition(of: user, world.plan))
    do {
      let offset = try world.cluster.produce([record], to: place, session: session)
      if !isAborted { world.ends[Int32(place.partition)] = offset }
    } catch {
      preconditionFailure("the shop cannot write: \(error)")
    }
    sent += 1
  }

  private mutating func value(of user: Int) -> [UInt8]? {
    let unit = max(1_000, 1_000 * world.plan.speed)
    ordinal += 1
    var ts = world.trueWall - world.dice.pick([0, 0, 0, 0, unit / 3, unit])
    if world.dice.chance(5) { ts -= world.dice.pick([3, 8, 30, 300]) * unit }
    let name = name(user)
    var fields = ["\"\(name.field)\":\"\(name.id)\"", "\"ts\":\(ts)"]
    if world.dice.chance(60) { fields.append("\"event_id\":\"e\(ordinal)\"") }
    switch world.dice.number(0...99) {
    case 0: return nil
    case 1: return Array("{\"user_id\":\"\(name.id)\",\"ts\":".utf8)
    case 2: return Array("{\"type\":\"page_view\",\"ts\":\(ts)}".utf8)
    case 3: fields = fields.map { $0.hasPrefix("\"ts\"") ? "\"ts\":\(ts + 900 * unit)" : $0 }
    case 4:
      return Array(
        ("{\"type\":\"page_view\",\"url\":\"" + String(repeating: "x", count: 2_100) + "\"}").utf8)
    case 5...6: fields.append("\"type\":\"something_else\"")
    case 7...9: fields.append("\"type\":\"forget\"")
    case 10...44: fields += cart()
    case 45...56: fields += purchase()
    default: fields += visit()
    }
    return Array(("{" + fields.joined(separator: ",") + "}").utf8)
  }

  private mutating func cart() -> [String] {
    let item = "\"item_id\":\"i\(world.dice.number(0...3))\""
    let price = "\"price_minor\":\(world.dice.pick([100, 250, 999])),\"currency\":\"EUR\""
    switch world.dice.number(0...11) {
    case 0...6: return ["\"type\":\"cart_add\"", item, price]
    case 7: return ["\"type\":\"cart_remove\"", item]
    case 8: return ["\"type\":\"cart_clear\""]
    case 9: return ["\"type\":\"checkout_start\""]
    default:
      return [
        "\"type\":\"cart_set\"",
        "\"items\":[{\(item),\"price_minor\":300},{\"item_id\":\"i4\",\"price_minor\":500,\"quantity\":2}]",
        "\"currency\":\"EUR\"",
      ]
    }
  }

  private mutating func purchase() -> [String] {
    orders += 1
    var fields = ["\"type\":\"purchase\"", "\"currency\":\"EUR\""]
    fields.append("\"item_id\":\"i\(world.dice.number(0...3))\"")
    fields.append("\"price_minor\":\(world.dice.pick([100, 250, 999]))")
    if world.dice.chance(60) { fields.append("\"order_id\":\"o\(orders)\"") }
    return fields
  }

  private mutating func visit() -> [String] {
    switch world.dice.number(0...5) {
    case 0: ["\"type\":\"click\"", "\"element\":\"e\""]
    case 1: ["\"type\":\"page_dwell\"", "\"url\":\"/d\"", "\"dwell_ms\":\(world.dice.number(1...90) * 100)"]
    case 2: ["\"type\":\"search\""]
    case 3: ["\"type\":\"profile\"", "\"traits\":{\"n\":\(world.dice.number(0...9))}"]
    default: ["\"type\":\"page_view\"", "\"url\":\"/\(world.dice.number(0...5))\""]
    }
  }
}
