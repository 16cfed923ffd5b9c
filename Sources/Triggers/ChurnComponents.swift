/// The components of a score, in the order of `ChurnComponent`: all of them, or none where there is no baseline.
/// A list of fixed size in place, so that an evaluation, which every user has daily, allocates nothing.
public struct ChurnComponents: Sendable, Hashable, MutableCollection, RandomAccessCollection {
  private var dwellDrop: ChurnComponentValue
  private var visitDrop: ChurnComponentValue
  private var cartUnboughtRise: ChurnComponentValue
  private var overdue: ChurnComponentValue
  private let isThere: Bool

  /// None.
  public init() {
    let nothing = ChurnComponentValue(component: .dwellDrop, value: nil, weight: 0, recent: 0, baseline: 0)
    self.init(
      dwellDrop: nothing, visitDrop: nothing, cartUnboughtRise: nothing, overdue: nothing, isThere: false)
  }

  init(
    dwellDrop: ChurnComponentValue, visitDrop: ChurnComponentValue, cartUnboughtRise: ChurnComponentValue,
    overdue: ChurnComponentValue, isThere: Bool = true
  ) {
    self.dwellDrop = dwellDrop
    self.visitDrop = visitDrop
    self.cartUnboughtRise = cartUnboughtRise
    self.overdue = overdue
    self.isThere = isThere
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { isThere ? 4 : 0 }

  public subscript(index: Int) -> ChurnComponentValue {
    get {
      precondition(indices.contains(index))
      return switch index {
      case 0: dwellDrop
      case 1: visitDrop
      case 2: cartUnboughtRise
      default: overdue
      }
    }
    set {
      precondition(indices.contains(index))
      switch index {
      case 0: dwellDrop = newValue
      case 1: visitDrop = newValue
      case 2: cartUnboughtRise = newValue
      default: overdue = newValue
      }
    }
  }
}
