// Sums of hostile input must not trap: they stop at the bounds of the type instead.

extension Int64 {
  /// Sum, at most `Int64.max` and at least `Int64.min`.
  @inlinable public func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    if !overflow { return sum }
    return other > 0 ? .max : .min
  }

  /// Product, at most `Int64.max` and at least `Int64.min`.
  @inlinable public func multipliedSaturated(_ other: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    if !overflow { return product }
    return (self < 0) == (other < 0) ? .max : .min
  }
}
