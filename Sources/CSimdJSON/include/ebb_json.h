// One pass over a JSON record: a plan of wanted paths is given once, every record then fills their values.
//
// The whole record is validated, also where nothing is wanted: UTF-8, escapes (lone surrogates are refused),
// numbers (also those beyond a double), atoms, nesting, what follows the root object. Not thread-safe: one
// reader a thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum ebb_kind {
  EBB_ABSENT = 0,
  EBB_NULL = 1,
  EBB_FALSE = 2,
  EBB_TRUE = 3,
  EBB_NUMBER = 4,  // text: its characters; number: the nearest double
  EBB_STRING = 5,  // text: unescaped UTF-8
  EBB_OBJECT = 6,
  EBB_ARRAY = 7,
};

enum ebb_error_code {
  EBB_OK = 0,
  EBB_EMPTY = 1,
  EBB_TOO_LARGE = 2,
  EBB_BAD_JSON = 3,
  EBB_TRUNCATED = 4,
  EBB_BAD_UTF8 = 5,
  EBB_LONE_SURROGATE = 6,
  EBB_TOO_DEEP = 7,
  EBB_DUPLICATE_KEY = 8,
  EBB_NUMBER_RANGE = 9,
  EBB_ROOT_NOT_OBJECT = 10,
  EBB_ROOT_NULL = 11,
  EBB_NO_MEMORY = 12,
};

// Text points into the reader and is valid until its next extract.
typedef struct ebb_value {
  const uint8_t *_Nullable text;
  double number;
  uint64_t digits;  // the number is digits × 10^-scale, exactly, if has_decimal
  uint32_t length;
  uint32_t offset;  // of the value in the record, bytes
  uint8_t kind;
  uint8_t scale;
  bool has_decimal;
  bool is_negative;
} ebb_value;

typedef struct ebb_member {
  const uint8_t *_Nullable name;
  uint32_t name_length;
  uint32_t members;  // which members capture it belongs to
  ebb_value value;
} ebb_member;

static inline const ebb_value *_Nonnull ebb_member_value(const ebb_member *_Nonnull member) { return &member->value; }

// The elements of an array `[*]`: `count` rows of `width` values each.
typedef struct ebb_rows {
  const ebb_value *_Nullable values;
  uint32_t count;  // rows kept, at most the limit
  uint32_t total;  // elements in the record
  uint32_t width;
  uint32_t offset;  // of the array
  uint8_t kind;     // EBB_ABSENT, EBB_NULL, EBB_ARRAY, or what stood there instead
} ebb_rows;

// What an extract has found.
typedef struct ebb_found {
  const ebb_value *_Nullable values;
  uint64_t present;  // a bit for each value that was found, the last for all beyond 63
  const ebb_rows *_Nullable rows;
  const ebb_member *_Nullable members;
  uint32_t value_count;
  uint32_t row_lists;
  uint32_t member_count;
} ebb_found;

typedef struct ebb_failure {
  int32_t code;
  uint32_t offset;
  const char *_Nonnull path;  // such as $.properties.products[2].price, printable ASCII, bounded
} ebb_failure;

typedef struct ebb_json ebb_json;

// nil without memory.
ebb_json *_Nullable ebb_json_create(size_t maximum_bytes, uint32_t maximum_depth);
void ebb_json_destroy(ebb_json *_Nonnull reader);

// The plan: nodes are numbers, 0 is the root object. Each call finds or adds; -1: not possible here (an
// `each` inside an `each`, or an array that is taken both by index or selector and by `each`).
int32_t ebb_json_key(ebb_json *_Nonnull, int32_t parent, const uint8_t *_Nullable key, size_t length);
int32_t ebb_json_index(ebb_json *_Nonnull, int32_t parent, uint32_t index);
int32_t ebb_json_select(
    ebb_json *_Nonnull, int32_t parent, const uint8_t *_Nullable key, size_t key_length,
    const uint8_t *_Nullable value, size_t value_length);
int32_t ebb_json_each(ebb_json *_Nonnull, int32_t parent, uint32_t limit);
// The group of rows that a node stands in; -1: it stands in none.
int32_t ebb_json_group_of(ebb_json *_Nonnull, int32_t node);
// Wants the node's value; returns its place among the values, or its column if it stands in a group.
int32_t ebb_json_capture(ebb_json *_Nonnull, int32_t node);
// Wants the scalar members of the node's object; returns their number for `ebb_member.members`.
int32_t ebb_json_members(ebb_json *_Nonnull, int32_t node);

// Reads one record; false: `ebb_json_failure` says why.
bool ebb_json_extract(ebb_json *_Nonnull, const void *_Nullable bytes, size_t length);
ebb_failure ebb_json_failure(const ebb_json *_Nonnull);
// Always the same place; filled by each extract. 32 bytes can be read at every text.
const ebb_found *_Nonnull ebb_json_found(const ebb_json *_Nonnull);
// On unless said otherwise. Without it every record is walked by the parser: tests hold both to the same answer.
void ebb_json_use_quick_walk(ebb_json *_Nonnull, bool uses);

// Whether the bytes are UTF-8.
bool ebb_is_utf8(const void *_Nullable bytes, size_t length);

#ifdef __cplusplus
}
#endif
