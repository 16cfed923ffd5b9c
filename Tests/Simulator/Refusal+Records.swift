import Shard

extension Refusal {
  /// A state record of a format that is not known yet, with a checksum that fits.
  static let later: [UInt8] = {
    let body = [9, StateRecord.Kind.gone.rawValue] + [UInt8](repeating: 0, count: 10)
    let checksum = StateRecord.checksum(Array("u0".utf8), body)
    return body + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> (8 * $0)) }
  }()
}
