// Bytes in, events out. A `MappingDefinition` says where a shop's own records keep what Ebb needs; `Mapping` is that,
// checked and compiled; `Decoder` takes a record's bytes through it into an `EventSlot`, or refuses it with a
// `Rejection` that names reason and place. JSON goes through one walk over simdjson behind a C shim (`JSONReader`),
// rows through `RowScanner`. `Event` is the same as an owned value, for edges and tests.
//
// Not obvious:
// - Ranges in a slot point into that slot's bytes and die with the next `clear`.
// - What is not mapped is validated all the same: a broken record is refused wherever it is broken.
// - Money is converted from its text, never through a binary fraction.
// - `StableHash` values are stored and sent: it never changes.
