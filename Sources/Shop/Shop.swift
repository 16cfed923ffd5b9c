// The simulated shop: an endless, seeded stream of what a shop's users do, as a demonstration's traffic and as
// a test's.
//
// `ShopSimulator.next()` gives one event after the other in the order in which they arrive. An event's own time
// (`ts`) is earlier: the network delays it, some events come late, twice, or hours later from an app that was
// offline. The stream is a function of seed, number of users, start and options: no clock, no threads, and
// arithmetic that is the same everywhere.
//
//   Agenda          what comes next: visits to plan and events that arrive, in one heap
//   Shopper         one user between visits: how often, the cart left behind, drifting away and coming back
//   Visit(Cart)     one visit, planned as a whole when it begins
//   Catalogue       goods and countries
//   NativeJSON      an event as the bytes that the preset `native` reads
//
// At the defaults a user makes about 12 events a day. For people to watch, take `ShopOptions.demonstration`, 400
// users and the default rules, and let 12 hours of the shop pass in a second (a test holds these numbers): about
// 3,000 events a second, the first cart alert within 5 seconds (the first reminder is due after an hour), the
// first churn warnings at about second 30, which is day 15: nobody can be warned before day 11, and a drift that
// begins on day 7 takes a week to show. Then about 6 cart alerts and 3 churn alerts a second, in proportion to
// the users. At another speed everything keeps its place in shop time.
//
// Not obvious: an event of a visit is planned when the visit begins, so an arrival is never earlier than the
// agenda's present; that is what keeps arrivals in order.
