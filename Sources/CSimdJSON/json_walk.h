// The walk over a record along the plan: one pass over simdjson's on-demand parser that validates everything and
// captures what the plan wants. Included by ebb_json.cpp alone.
#pragma once
#include "ebb_json.h"

#include <simdjson.h>

#include "json_plan.h"
#include "json_quick.h"
#include "json_text.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace simdjson;
using namespace ebb;

}  // namespace

struct ebb_json : ebb::Plan {
  ondemand::parser parser;
  size_t maximum_bytes;
  uint32_t maximum_depth;

  Found found;
  ebb_found shown = {};
  std::vector<ebb_rows> rows;
  int32_t members_captures = 0;
  bool quick = true;  // off: for tests that hold both walks to the same answer

  char *buffer = nullptr;
  size_t capacity = 0;  // of `buffer`, without padding
  size_t length = 0;
  ondemand::document document;

  static constexpr size_t padding = SIMDJSON_PADDING > 64 ? SIMDJSON_PADDING : 64;

  Frame frames[frame_limit];
  uint32_t depth = 0;

  int32_t error = EBB_OK;
  uint32_t error_offset = 0;
  char error_path[256] = {0};

  ~ebb_json() { std::free(buffer); }

  // MARK: Errors

  bool fail(int32_t code, const char *at) {
    if (error != EBB_OK) { return false; }
    error = code;
    error_offset = at && at >= buffer && at <= buffer + length ? uint32_t(at - buffer) : uint32_t(length);
    write_path();
    return false;
  }

  bool fail(error_code code) {
    const char *at = nullptr;
    if (document.current_location().get(at)) { at = nullptr; }
    int32_t kind = code_of(code);
    // An error at the very end is one of what is missing.
    if (kind == EBB_BAD_JSON && (!at || at >= buffer + length)) { kind = EBB_TRUNCATED; }
    return fail(kind, at);
  }

  // Where text follows the root object, or null. Only on the way to a refusal.
  const char *behind_root() const {
    size_t open = 0;
    bool in_string = false;
    for (const char *at = buffer; at < buffer + length; at++) {
      if (in_string) {
        if (*at == '\\') {
          at++;
        } else if (*at == '"') {
          in_string = false;
        }
      } else if (*at == '"') {
        in_string = true;
      } else if (*at == '{' || *at == '[') {
        open++;
      } else if ((*at == '}' || *at == ']') && --open == 0) {
        do { at++; } while (at < buffer + length && is_space(*at));
        return at < buffer + length ? at : nullptr;
      }
    }
    return nullptr;
  }

  // Keys come from the record: what is not printable ASCII is shown as `?`, long ones are cut.
  void write_path() {
    size_t n = 0;
    auto put = [&](char c) {
      if (n < sizeof(error_path) - 1) { error_path[n++] = c; }
    };
    put('$');
    for (uint32_t i = 0; i < depth && i < frame_limit; i++) {
      if (frames[i].index >= 0) {
        put('[');
        for (char c : std::to_string(frames[i].index)) { put(c); }
        put(']');
      } else if (frames[i].key.data()) {
        put('.');
        size_t shown = 0;
        for (char c : frames[i].key) {
          if (shown++ == 40) { break; }
          put(c > ' ' && c < 127 ? c : '?');
        }
      }
    }
    error_path[n] = 0;
  }

  // MARK: The walk

  uint32_t offset_of(const char *at) const { return uint32_t(at - buffer); }

  void store_opening(const Node &node, const char *at, uint8_t kind) {
    ebb_value value = {};
    value.offset = offset_of(at);
    value.kind = kind;
    found.store(node, value);
  }

  bool walk(ondemand::value value, int32_t at, uint32_t level, ebb_value *scalar) {
    std::string_view token = value.raw_json_token();
    switch (token[0]) {
      case '{': {
        if (level > maximum_depth) { return fail(EBB_TOO_DEEP, token.data()); }
        ondemand::object object;
        if (auto code = value.get_object().get(object)) { return fail(code); }
        if (at >= 0) { store_opening(nodes[size_t(at)], token.data(), EBB_OBJECT); }
        return walk_object(object, at, level);
      }
      case '[': {
        if (level > maximum_depth) { return fail(EBB_TOO_DEEP, token.data()); }
        ondemand::array array;
        if (auto code = value.get_array().get(array)) { return fail(code); }
        if (at >= 0) { store_opening(nodes[size_t(at)], token.data(), EBB_ARRAY); }
        return walk_array(array, at, level, offset_of(token.data()));
      }
      default: {
        ebb_value result = {};
        result.offset = offset_of(token.data());
        if (!walk_scalar(value, token, result)) { return false; }
        if (at >= 0) {
          const Node &node = nodes[size_t(at)];
          found.store(node, result);
          if (node.each_group >= 0) {
            found.groups[size_t(node.each_group)].kind = result.kind;
            found.groups[size_t(node.each_group)].offset = result.offset;
          }
        }
        if (scalar) { *scalar = result; }
        return true;
      }
    }
  }

  bool walk_scalar(ondemand::value &value, std::string_view token, ebb_value &result) {
    while (!token.empty() && is_space(token.back())) { token.remove_suffix(1); }
    switch (token[0]) {
      case '"': {
        std::string_view text = token.substr(1, token.size() - 2);
        if (token.size() < 2 || token.back() != '"') { return fail(EBB_BAD_JSON, token.data()); }
        if (std::memchr(text.data(), '\\', text.size())) {
          if (auto code = check_escapes(text)) { return fail(code, token.data()); }
          if (auto code = value.get_string().get(text)) { return fail(code == STRING_ERROR ? EBB_BAD_JSON : code_of(code), token.data()); }
        }
        result.kind = EBB_STRING;
        result.text = reinterpret_cast<const uint8_t *>(text.data());
        result.length = uint32_t(text.size());
        return true;
      }
      case 't':
        if (token != "true") { return fail(EBB_BAD_JSON, token.data()); }
        result.kind = EBB_TRUE;
        return true;
      case 'f':
        if (token != "false") { return fail(EBB_BAD_JSON, token.data()); }
        result.kind = EBB_FALSE;
        return true;
      case 'n':
        if (token != "null") { return fail(EBB_BAD_JSON, token.data()); }
        result.kind = EBB_NULL;
        return true;
      default: {
        size_t digits;
        bool exponent;
        if (!is_number(token, digits, exponent)) { return fail(EBB_BAD_JSON, token.data()); }
        result.kind = EBB_NUMBER;
        result.text = reinterpret_cast<const uint8_t *>(token.data());
        result.length = uint32_t(token.size());
        if (!exponent && digits <= 15) {
          result.number = small_decimal(token);
          return true;
        }
        // As the quick walk has it: the parser of simdjson rounds some of more than 19 digits otherwise.
        auto read = std::from_chars(token.data(), token.data() + token.size(), result.number);
        if (read.ec == std::errc() && read.ptr == token.data() + token.size()) { return true; }
        if (value.get_double().get(result.number)) {
          return fail(EBB_NUMBER_RANGE, token.data());  // the grammar holds, so what is left is the range
        }
        return true;
      }
    }
  }

  bool key_of(ondemand::field &field, const char *raw, std::string_view &key) {
    const char *end = static_cast<const char *>(std::memchr(raw, '"', size_t(buffer + length - raw)));
    if (!end) { return fail(EBB_BAD_JSON, raw); }
    key = std::string_view(raw, size_t(end - raw));
    if (!std::memchr(key.data(), '\\', key.size())) { return true; }
    while (end[-1] == '\\') {
      // An escaped quote, unless the backslash is itself escaped.
      size_t backslashes = 0;
      while (end - 1 - backslashes >= raw && end[-1 - ptrdiff_t(backslashes)] == '\\') { backslashes++; }
      if (backslashes % 2 == 0) { break; }
      end = static_cast<const char *>(std::memchr(end + 1, '"', size_t(buffer + length - end - 1)));
      if (!end) { return fail(EBB_BAD_JSON, raw); }
    }
    if (auto code = check_escapes(std::string_view(raw, size_t(end - raw)))) { return fail(code, raw); }
    if (field.unescaped_key().get(key)) { return fail(EBB_BAD_JSON, raw); }
    return true;
  }

  bool walk_object(ondemand::object &object, int32_t at, uint32_t level) {
    uint64_t visit = ++visits;
    int32_t members_of = at >= 0 ? nodes[size_t(at)].members : -1;
    Frame &frame = frames[depth];
    depth++;
    for (auto result : object) {
      ondemand::field field;
      frame = {std::string_view(), -1};
      if (auto code = std::move(result).get(field)) { return fail(code); }
      const char *raw = field.key().raw();  // not to be had once the key is unescaped
      std::string_view key;
      if (!key_of(field, raw, key)) { return false; }
      frame = {key, -1};
      int32_t child = -1;
      if (at >= 0) {
        if (Node::Key *known = find(nodes[size_t(at)], key)) {
          if (known->seen == visit) { return fail(EBB_DUPLICATE_KEY, raw); }
          known->seen = visit;
          child = known->node;
        }
      }
      ebb_value scalar = {};
      if (!walk(field.value(), child, level + 1, members_of >= 0 ? &scalar : nullptr)) { return false; }
      if (members_of >= 0 && scalar.kind > EBB_NULL && !found.add_member(members_of, key, scalar)) {
        return fail(EBB_DUPLICATE_KEY, buffer + scalar.offset);
      }
    }
    depth--;
    return true;
  }

  bool walk_array(ondemand::array &array, int32_t at, uint32_t level, uint32_t offset) {
    uint64_t visit = ++visits;
    Group *group = nullptr;
    if (at >= 0 && nodes[size_t(at)].each_group >= 0) {
      group = &found.groups[size_t(nodes[size_t(at)].each_group)];
      group->kind = EBB_ARRAY;
      group->offset = offset;
    }
    Frame &frame = frames[depth];
    depth++;
    uint32_t index = 0;
    for (auto result : array) {
      frame = {std::string_view(), int64_t(index)};
      ondemand::value element;
      if (auto code = std::move(result).get(element)) { return fail(code); }
      int32_t child = -1;
      if (group) {
        if (found.add_row(*group)) { child = nodes[size_t(at)].each; }
      } else if (at >= 0) {
        if (!child_of_element(element, at, index, visit, child)) { return false; }
      }
      if (!walk(element, child, level + 1, nullptr)) { return false; }
      if (group) { found.row = nullptr; }
      index++;
    }
    depth--;
    return true;
  }

  // Which node an element belongs to: by its index, or by the value of its selector key.
  bool child_of_element(ondemand::value &element, int32_t at, uint32_t index, uint64_t visit, int32_t &child) {
    Node &node = nodes[size_t(at)];
    for (auto &entry : node.indices) {
      if (entry.first == index) { child = entry.second; }
    }
    std::string_view opening = element.raw_json_token();
    // An empty one has no key, and simdjson, which cannot start it over, would end the process.
    if (node.selects.empty() || opening[0] != '{' || opening.data()[opening.size()] == '}') { return true; }
    // The key may stand behind what it selects: it is looked for first, raw, and the walk starts over.
    ondemand::object object;
    if (auto code = element.get_object().get(object)) { return fail(code); }
    for (auto result : object) {
      ondemand::field field;
      if (auto code = std::move(result).get(field)) { return fail(code); }
      const char *raw = field.key().raw();
      size_t size = node.select_key.size();
      if (size_t(buffer + length - raw) <= size || raw[size] != '"' || std::memcmp(raw, node.select_key.data(), size)) {
        continue;
      }
      std::string_view token = field.value().raw_json_token();
      while (!token.empty() && is_space(token.back())) { token.remove_suffix(1); }
      if (token.size() < 2 || token[0] != '"') { break; }
      token = token.substr(1, token.size() - 2);
      for (Node::Key &select : node.selects) {
        if (select.name != token) { continue; }
        if (select.seen == visit) { return fail(EBB_DUPLICATE_KEY, token.data()); }
        select.seen = visit;
        child = select.node;
      }
      break;
    }
    bool open;
    if (auto code = object.reset().get(open)) { return fail(code); }
    return true;
  }

  bool reserve(size_t wanted) {
    if (buffer && wanted <= capacity) { return true; }
    size_t next = capacity ? capacity : 4096;
    while (next < wanted) { next *= 2; }
    char *grown = static_cast<char *>(std::malloc(next + padding));
    if (!grown) { return false; }
    std::free(buffer);
    buffer = grown;
    capacity = next;
    return parser.allocate(next) == SUCCESS;
  }

  // What stands at the root instead of an object.
  bool refuse_root(const char *first) {
    std::string_view text(first, size_t(buffer + length - first));
    while (!text.empty() && is_space(text.back())) { text.remove_suffix(1); }
    size_t digits;
    bool exponent;
    if (text == "null") { return fail(EBB_ROOT_NULL, first); }
    bool other = text[0] == '[' || text[0] == '"' || text == "true" || text == "false" || is_number(text, digits, exponent);
    return fail(other ? EBB_ROOT_NOT_OBJECT : EBB_BAD_JSON, first);
  }

  bool extract(const void *bytes, size_t count) {
    error = EBB_OK;
    error_path[0] = 0;
    depth = 0;
    length = 0;
    found.clear();
    if (!is_settled) {
      settle(found);
      show_plan();
    }
    if (count == 0) { return fail(EBB_EMPTY, nullptr); }
    if (count > maximum_bytes) { return fail(EBB_TOO_LARGE, nullptr); }
    if (!reserve(count)) { return fail(EBB_NO_MEMORY, nullptr); }
    length = count;
    bool is_read = (quick && read_quickly(static_cast<const char *>(bytes))) || read_slowly(bytes);
    show();
    return is_read;
  }

  bool read_quickly(const char *bytes) {
    bool is_ascii = copy_padded(buffer, bytes, length);
    if (!is_ascii && !simdjson::validate_utf8(buffer, length)) { return false; }
    return QuickWalk{*this, found, buffer, maximum_depth}.run(length);
  }

  bool read_slowly(const void *bytes) {
    found.clear();
    std::memcpy(buffer, bytes, length);
    std::memset(buffer + length, 0, SIMDJSON_PADDING);

    const char *first = buffer;
    while (first < buffer + length && is_space(*first)) { first++; }
    if (first == buffer + length) { return fail(EBB_EMPTY, nullptr); }
    if (*first != '{') { return refuse_root(first); }

    if (auto code = parser.iterate(padded_string_view(buffer, length, length + SIMDJSON_PADDING)).get(document)) {
      return fail(code_of(code), code == UTF8_ERROR ? first_bad_utf8(buffer, length) : nullptr);
    }
    ondemand::object object;
    if (auto code = document.get_object().get(object)) {
      // The parser looks at the last character first: tell a text that was cut off from one that goes on.
      const char *rest = behind_root();
      return rest ? fail(EBB_BAD_JSON, rest) : fail(code_of(code), nullptr);
    }
    if (!walk_object(object, 0, 1)) { return false; }
    // At the end of the record there is no location left.
    const char *rest = nullptr;
    if (!document.current_location().get(rest)) { return fail(EBB_BAD_JSON, rest); }
    return true;
  }

  // What the caller reads in place.
  void show() {
    shown.present = found.present;
    shown.member_count = uint32_t(found.members.size());
    for (size_t i = 0; i < rows.size(); i++) {
      const Group &group = found.groups[i];
      rows[i] = {group.values.data(), group.count, group.total, group.width, group.offset, group.kind};
    }
  }

  // What only a change of the plan moves.
  void show_plan() {
    shown.values = found.values.data();
    shown.members = found.members.data();
    rows.resize(found.groups.size());
    shown.rows = rows.data();
    shown.row_lists = uint32_t(rows.size());
    shown.value_count = uint32_t(found.values.size());
  }
};
