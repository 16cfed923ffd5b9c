import Events

extension QuietHours {
  /// When the quiet hours that `time` lies in end; nil if it lies in none. `offset` gives local time less UTC,
  /// milliseconds, at an instant.
  func end(at time: Int64, offset: (Int64) -> Int64) -> Int64? {
    let local = time + offset(time)
    let midnight = Milliseconds.floor(local, to: Milliseconds.day)
    let minute = Int((local - midnight) / Milliseconds.minute)
    let isOvernight = startMinute > endMinute
    let isInside =
      isOvernight
      ? minute >= startMinute || minute < endMinute : minute >= startMinute && minute < endMinute
    guard isInside else { return nil }
    var end = midnight + Int64(endMinute) * Milliseconds.minute
    if isOvernight, minute >= startMinute { end += Milliseconds.day }
    let estimate = end - offset(time)
    // The offset in force at the end decides; never an end that is not later.
    let exact = end - offset(estimate)
    return max(exact, time + 1)
  }
}
