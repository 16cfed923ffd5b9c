import Events
import Foundation
import Portrait
import Triggers

extension ModelUser {
  func cartDeadlines() -> [Deadline] {
    guard let cart else { return [] }
    var all = [Deadline(time: cart.anchor + rules.cart.forgottenMilliseconds, kind: .cartForgotten)]
    if cart.episode.expiredAt == nil {
      var expiry = cart.anchor + rules.cart.expiryMilliseconds
      if rules.cart.enabled, let due = stepDue(cart.episode.handled) {
        all.append(Deadline(time: max(due, cart.episode.deferredTo ?? due), kind: .step))
        expiry = max(expiry, cart.episode.deferredTo ?? expiry)
      }
      all.append(Deadline(time: expiry, kind: .expiry))
    }
    return all
  }

  /// Anchor + age of the step (from 0), deferral apart; nil: there is no such step.
  private func stepDue(_ step: Int) -> Int64? {
    let steps = rules.cart.stepsMilliseconds
    return step < steps.count ? cart!.anchor + steps[step] : nil
  }

  func fireStep(at t: Int64) {
    let step = cart!.episode.handled + 1
    if let limit = limit(at: t) {
      skip(step, limit, at: t)
      return
    }
    if let end = endOfQuietHours(at: t) {
      if let next = stepDue(step), next <= end {
        skip(step, .quietHours, at: t)
      } else {
        cart!.episode.deferredTo = end
        world.census.count("step deferred")
        if end > cart!.anchor + rules.cart.expiryMilliseconds {
          world.census.count("step deferred past the expiry")
        }
      }
      return
    }
    let alert = abandonment(step, at: t)
    guard case .cartAbandoned(let body) = alert.body else { return }
    let number = cart!.episode.number
    cart!.record.handledOtherwise += 1
    handled(at: t)
    guard world.emit(alert) else {
      world.tally[stale: step] += 1
      return
    }
    world.tally[fired: step] += 1
    world.census.count("fired: step \(step)")
    cart!.episode.hasFired = true
    cart!.record.fired = true
    if let last = waiting.map(\.time).max(), t > last + rules.cart.recoveryMilliseconds { waiting = [] }
    let emitted = ModelAlert(alert, body, episodeNumber: number, cart: cart!.record)
    fired.append(emitted)
    waiting.append(emitted)
  }

  private func skip(_ step: Int, _ limit: Limit, at t: Int64) {
    world.tally[limited: step, limit] += 1
    world.census.count("limited: step \(min(step, 3)) \(limit.name)")
    if limit == .belowMinimum {
      cart!.record.limitedBelowMinimum += 1
    } else {
      cart!.record.handledOtherwise += 1
    }
    handled(at: t)
  }

  private func handled(at t: Int64) {
    cart!.episode.handled += 1
    cart!.episode.lastHandled = t
    cart!.episode.deferredTo = nil
  }

  private func limit(at t: Int64) -> Limit? {
    let cart = cart!
    if optedOut { return .optedOut }
    if !identified && !rules.alerts.anonymous { return .anonymous }
    let value = cart.value
    let minimum =
      value.currency.flatMap { rules.cart.minimumValueMinor[$0] } ?? rules.cart.defaultMinimumValueMinor
    let isBelow = value.minor.map { $0 < minimum } ?? (minimum > 0)
    if isBelow { return .belowMinimum }
    if let lastPurchase, t < lastPurchase + rules.cart.silenceAfterPurchaseMilliseconds {
      return .afterPurchase
    }
    let others = fired.filter { $0.episodeNumber != cart.episode.number }.map(\.time)
    if !cart.episode.hasFired, let last = others.max(), t < last + rules.cart.betweenEpisodesMilliseconds {
      return .betweenEpisodes
    }
    let recent = fired.count { $0.time > t - rules.cart.capWithinMilliseconds }
    return recent >= rules.cart.capAlerts ? .cap : nil
  }

  /// When the quiet hours that hold at `t` end; nil: none do.
  private func endOfQuietHours(at t: Int64) -> Int64? {
    guard let quiet = rules.cart.quietHours else { return nil }
    let zone = Zones.named(zoneName)
    let local = t + Zones.offset(zone, at: t)
    let minute = Int((local - Milliseconds.floor(local, to: Milliseconds.day)) / Milliseconds.minute)
    let isQuiet =
      quiet.startMinute < quiet.endMinute
      ? minute >= quiet.startMinute && minute < quiet.endMinute
      : minute >= quiet.startMinute || minute < quiet.endMinute
    guard isQuiet else { return nil }
    var end = Milliseconds.floor(local, to: Milliseconds.day) + Int64(quiet.endMinute) * Milliseconds.minute
    if end <= local { end += Milliseconds.day }
    let guess = end - Zones.offset(zone, at: t)
    return end - Zones.offset(zone, at: guess)
  }

  private var zoneName: String {
    if case .text(let name)? = traits["timezone"]?.value, rules.shop.zones.names.contains(name) {
      return name
    }
    return rules.shop.timezone
  }

  private func abandonment(_ step: Int, at t: Int64) -> Alert {
    let cart = cart!
    let value = cart.value
    let body = CartAbandoned(
      step: step, first: !cart.episode.hasFired, episode: cart.episode.armedAt,
      stage: cart.inCheckout ? .checkout : .cart, cartID: cartID,
      lines: cart.lines.map {
        .init(itemID: $0.item, quantity: $0.quantity, priceMinor: $0.price, currency: $0.currency)
      },
      uncountedLines: cart.uncounted, valueMinor: value.minor, currency: value.currency,
      valueComplete: value.complete, cartVersion: 0, firstAdd: cart.firstAdd, lastActivity: lastActivity!,
      idleMilliseconds: max(0, t - lastActivity!),
      session: cart.session.map {
        SessionSummary(start: $0.start, lastEvent: $0.last, pages: $0.pages, dwellMilliseconds: $0.dwell)
      },
      priorCarts: cartsOpened - 1, priorCartsBought: cartsBought, features: features(at: t),
      dwellInferred: hasInferredDwell)
    return Alert(
      id: AlertID(type: .cartAbandoned, user: key, episode: cart.episode.armedAt, step: step), user: key,
      identified: identified, time: t, body: .cartAbandoned(body))
  }
}

/// Foundation's zones, so that the engine's table is held to something else.
enum Zones {
  static func named(_ name: String) -> TimeZone {
    TimeZone(identifier: name) ?? TimeZone(secondsFromGMT: 0)!
  }

  /// Milliseconds east of UTC.
  static func offset(_ zone: TimeZone, at ms: Int64) -> Int64 {
    Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(ms) / 1000))) * 1000
  }
}
