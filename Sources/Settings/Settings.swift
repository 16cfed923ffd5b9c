// What the operator writes, read and judged.
//
// In: the text of one YAML file. Out: a `Configuration` (plain values) and every `Finding` about it at once,
// each with its place. One declarative table (`OptionTable`) names every option with its unit, default,
// bounds and reason; parsing, the defaults file, the reference and the configuration's version come from it.
//
//   Finding              one thing to tell about a file, with its place
//   Configuration        the values; Configuration+Load reads a file
//   Examination          a file with its findings and places; others may add theirs
//   Option, OptionTable  the schema
//   EpochText            everything that decides results as one text, and back; its name is config_version
//   Contradictions       what no single option can see
//   KafkaProperties      librdkafka properties that are refused, with the reason
//   Zones                offsets of time zones for quiet hours
//   Reference            the generated reference and defaults file
//   Mapping*             mappings from a shop's own event formats
