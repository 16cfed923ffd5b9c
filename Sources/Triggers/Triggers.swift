// What Ebb says, and why. One user's state (`UserState`) is a portrait and two state machines over it:
// `CartTrigger` (cart abandonment; `CartAnswers` holds purchases against the alerts that wait) and `ChurnTrigger`
// (over `ChurnScore`). Events come in by `UserState.apply`, deadlines by `UserState.fire` in the order that
// `UserState.deadline` gives; alerts, counts and, for one user, decisions leave in `TriggerOutput`. `Rules` is what
// operators tune. `Wire…` writes alerts as records and describes them: the same declarations do both.
//
// Not obvious:
// - A deadline is computed as of its own time and sees every event applied so far; it may be found days late.
// - Limits look at alert times that may lie *after* the deadline at hand, for the same reason.
// - A stale alert is handled and neither fired nor limited; nothing waits for it.
// - Alerts wait for their answer across carts and episodes: they belong to the user, not to the cart.
