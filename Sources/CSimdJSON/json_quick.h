// The quick walk: one pass over a padded copy of the record, along the same plan as `json_walk.h`, that reads what is
// well-formed and gives up on anything else. Whatever it gives up on is walked again by the parser, which alone says
// what is wrong and where: a record is never refused here, and never accepted here when it would be refused there.
// Included by ebb_json.h's implementation alone.
//
//   record ─► copy + ASCII? ─► quick walk ──► values
//                  │ no            │ gives up
//                  ▼               ▼
//              UTF-8 valid?     parser's walk ──► values, or the error and its place
#pragma once
#include <charconv>

#include "json_bytes.h"
#include "json_plan.h"
#include "json_text.h"

namespace ebb {

struct QuickWalk {
  Plan &plan;
  Found &found;
  char *buffer;
  uint32_t maximum_depth;

  static const char *skip(const char *at) {
    while (__builtin_expect(uint8_t(*at) <= ' ', 0) && is_space(*at)) { at++; }
    return at;
  }

  // The record from its first character on; whether all of it was read.
  bool run(size_t length) {
    const char *at = skip(buffer);
    if (*at != '{') { return false; }
    at = object(at + 1, 0, 1);
    if (!at) { return false; }
    return skip(at) == buffer + length;
  }

  const char *object(const char *at, int32_t node, uint32_t level) {
    at = skip(at);
    if (*at == '}') { return at + 1; }
    return node >= 0 ? wanted_object(at, plan.nodes[size_t(node)], level) : other_object(at, level);
  }

  // An object of which nothing is wanted.
  const char *other_object(const char *at, uint32_t level) {
    for (;;) {
      if (*at != '"') { return nullptr; }
      const char *key = ++at;
      bool escaped = false;
      at = string_end(at, escaped);
      if (!at) { return nullptr; }
      if (__builtin_expect(escaped, 0) && check_escapes(std::string_view(key, size_t(at - key)))) { return nullptr; }
      at = skip(at + 1);
      if (*at != ':') { return nullptr; }
      at = other_value(skip(at + 1), level + 1);
      if (!at) { return nullptr; }
      at = skip(at);
      if (*at == ',') {
        at = skip(at + 1);
      } else {
        return *at == '}' ? at + 1 : nullptr;
      }
    }
  }

  const char *wanted_object(const char *at, Node &wanted, uint32_t level) {
    uint64_t visit = ++plan.visits;
    bool has_members = wanted.members >= 0;
    // Where the wanted key is noted that comes next: it is expected there in the next record.
    QuickKey **expected = &wanted.quick.first;
    for (;;) {
      if (*at != '"') { return nullptr; }
      const char *key = ++at;
      size_t length;
      QuickKey *known = *expected;
      if (__builtin_expect(known && known->text.stands_at(key), 1)) {
        length = known->length;
        at += length + 2;
      } else {
        bool escaped = false;
        at = string_end(at, escaped);
        // An escaped key may be a wanted one in disguise.
        if (!at || escaped) { return nullptr; }
        length = size_t(at - key);
        known = wanted.quick.find(key, length);
        at = skip(at + 1);
        if (*at != ':') { return nullptr; }
        at++;
      }
      int32_t child = -1;
      if (known) {
        if (known->seen == visit) { return nullptr; }
        known->seen = visit;
        child = known->node;
        // Only what can be compared in one go is expected.
        if (known->text.wanted) { *expected = known; }
        expected = &known->next;
      }
      at = skip(at);
      if (known && known->place && *at != '{' && *at != '[') {
        found.present |= known->bit;
        at = read(at, true, *known->place);
      } else if (__builtin_expect(has_members, 0)) {
        ebb_value scalar;
        scalar.kind = EBB_ABSENT;
        at = member_value(at, child, level + 1, scalar);
        if (at && scalar.kind > EBB_NULL && !found.add_member(wanted.members, {key, length}, scalar)) { return nullptr; }
      } else {
        at = value(at, child, level + 1);
      }
      if (!at) { return nullptr; }
      at = skip(at);
      if (*at == ',') {
        at = skip(at + 1);
      } else {
        return *at == '}' ? at + 1 : nullptr;
      }
    }
  }

  inline __attribute__((always_inline)) const char *other_value(const char *at, uint32_t level) {
    if (*at == '{' || *at == '[') { return inner(at, -1, level); }
    ebb_value ignored;
    return read(at, false, ignored);
  }

  __attribute__((noinline)) const char *value(const char *at, int32_t node, uint32_t level) {
    if (node < 0) { return other_value(at, level); }
    if (*at == '{' || *at == '[') { return inner(at, node, level); }
    const Node &wanted = plan.nodes[size_t(node)];
    // Read where it belongs; what is given up on is cleared with the rest.
    ebb_value aside;
    ebb_value *place = found.place(wanted);
    ebb_value &result = place ? *place : aside;
    at = read(at, true, result);
    if (at && wanted.each_group >= 0) { note_no_list(wanted, result); }
    return at;
  }

  void note_no_list(const Node &wanted, const ebb_value &instead) {
    found.groups[size_t(wanted.each_group)].kind = instead.kind;
    found.groups[size_t(wanted.each_group)].offset = instead.offset;
  }

  // A value that is a member of an object whose scalars are all wanted.
  __attribute__((noinline)) const char *member_value(const char *at, int32_t node, uint32_t level, ebb_value &scalar) {
    if (*at == '{' || *at == '[') { return inner(at, node, level); }
    at = read(at, true, scalar);
    if (at && node >= 0) {
      const Node &wanted = plan.nodes[size_t(node)];
      found.store(wanted, scalar);
      if (wanted.each_group >= 0) { note_no_list(wanted, scalar); }
    }
    return at;
  }

  __attribute__((noinline)) const char *inner(const char *at, int32_t node, uint32_t level) {
    if (level > maximum_depth) { return nullptr; }
    uint32_t offset = uint32_t(at - buffer);
    bool is_object = *at == '{';
    if (node >= 0 && plan.nodes[size_t(node)].capture >= 0) {
      ebb_value result = {};
      result.offset = offset;
      result.kind = is_object ? EBB_OBJECT : EBB_ARRAY;
      found.store(plan.nodes[size_t(node)], result);
    }
    return is_object ? object(at + 1, node, level) : array(at + 1, node, level, offset);
  }

  const char *array(const char *at, int32_t node, uint32_t level, uint32_t offset) {
    uint64_t visit = ++plan.visits;
    Node *wanted = node >= 0 ? &plan.nodes[size_t(node)] : nullptr;
    Group *group = wanted && wanted->each_group >= 0 ? &found.groups[size_t(wanted->each_group)] : nullptr;
    if (group) {
      group->kind = EBB_ARRAY;
      group->offset = offset;
    }
    at = skip(at);
    if (*at == ']') { return at + 1; }
    for (uint32_t index = 0;; index++) {
      int32_t child = -1;
      if (group) {
        if (found.add_row(*group)) { child = wanted->each; }
      } else if (wanted) {
        for (auto &entry : wanted->indices) {
          if (entry.first == index) { child = entry.second; }
        }
        if (!wanted->selects.empty() && *at == '{' && !select(at + 1, *wanted, level + 1, visit, child)) { return nullptr; }
      }
      at = value(at, child, level + 1);
      if (!at) { return nullptr; }
      if (group) { found.row = nullptr; }
      at = skip(at);
      if (*at == ',') {
        at = skip(at + 1);
      } else {
        return *at == ']' ? at + 1 : nullptr;
      }
    }
  }

  // Looks for the selector key in an element before the element is walked: it may stand behind what it selects.
  bool select(const char *at, Node &wanted, uint32_t level, uint64_t visit, int32_t &child) {
    at = skip(at);
    while (*at == '"') {
      const char *key = ++at;
      bool escaped = false;
      at = string_end(at, escaped);
      if (!at || escaped) { return false; }
      bool is_selector = std::string_view(key, size_t(at - key)) == wanted.select_key;
      at = skip(at + 1);
      if (*at != ':') { return false; }
      at = skip(at + 1);
      if (is_selector) {
        if (*at != '"') { return true; }
        const char *text = at + 1;
        at = string_end(text, escaped);
        if (!at || escaped) { return false; }
        std::string_view token(text, size_t(at - text));
        for (Node::Key &select : wanted.selects) {
          if (select.name != token) { continue; }
          if (select.seen == visit) { return false; }
          select.seen = visit;
          child = select.node;
        }
        return true;
      }
      at = other_value(at, level + 1);
      if (!at) { return false; }
      at = skip(at);
      if (*at != ',') { break; }
      at = skip(at + 1);
    }
    // Whether the element is well-formed is for the walk to say.
    return true;
  }

  // MARK: Scalars

  inline __attribute__((always_inline)) const char *read(const char *at, bool wanted, ebb_value &result) {
    result.offset = uint32_t(at - buffer);
    if (*at == '"') {
      const char *text = at + 1;
      bool escaped = false;
      at = string_end(text, escaped);
      if (!at) { return nullptr; }
      result.kind = EBB_STRING;
      result.text = reinterpret_cast<const uint8_t *>(text);
      result.length = uint32_t(at - text);
      if (__builtin_expect(escaped, 0)) {
        if (check_escapes(std::string_view(text, result.length))) { return nullptr; }
        if (wanted) { result.length = uint32_t(unescape(buffer + (text - buffer), result.length)); }
      }
      return at + 1;
    }
    if (*at == '-' || is_digit(*at)) { return number(at, result); }
    switch (*at) {
      case 't': return atom(at, "true", 4, EBB_TRUE, result);
      case 'f': return atom(at, "false", 5, EBB_FALSE, result);
      case 'n': return atom(at, "null", 4, EBB_NULL, result);
      default: return nullptr;
    }
  }

  // What follows a scalar is checked by who asked for it: nothing but white space, a comma or a bracket goes on.
  static const char *atom(const char *at, const char *name, size_t length, uint8_t kind, ebb_value &result) {
    if (std::memcmp(at, name, length) != 0) { return nullptr; }
    result.kind = kind;
    result.text = nullptr;
    result.length = 0;
    return at + length;
  }

  static const char *number(const char *at, ebb_value &result) {
    static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                        1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    const char *start = at;
    bool negative = *at == '-';
    at += negative;
    const char *digits = at;
    uint64_t mantissa = 0;
    at = read_digits(at, mantissa);
    size_t count = size_t(at - digits);
    if (count == 0 || (*digits == '0' && count > 1)) { return nullptr; }
    size_t scale = 0;
    if (*at == '.') {
      const char *fraction = ++at;
      at = read_digits(at, mantissa);
      scale = size_t(at - fraction);
      if (scale == 0) { return nullptr; }
      count += scale;
    }
    bool exponent = *at == 'e' || *at == 'E';
    if (exponent) {
      at++;
      at += *at == '+' || *at == '-';
      const char *written = at;
      while (is_digit(*at)) { at++; }
      if (at == written) { return nullptr; }
    }
    result.kind = EBB_NUMBER;
    result.text = reinterpret_cast<const uint8_t *>(start);
    result.length = uint32_t(at - start);
    result.has_decimal = !exponent && count <= 18;
    if (result.has_decimal && (mantissa < (uint64_t(1) << 53) || scale == 0)) {
      result.is_negative = negative;
      result.digits = mantissa;
      result.scale = uint8_t(scale);
      // At most one rounding, of exact numbers.
      double number = double(mantissa);
      if (scale) { number /= powers[scale]; }
      result.number = negative ? -number : number;
      return at;
    }
    result.has_decimal = false;
    auto read = std::from_chars(start, at, result.number);
    // Beyond a double, or too small for one: for the parser to judge.
    return read.ec == std::errc() && read.ptr == at ? at : nullptr;
  }

  // Resolves escapes that were checked, in place: the text only gets shorter.
  static size_t unescape(char *text, size_t length) {
    size_t from = 0, to = 0;
    while (from < length) {
      char c = text[from++];
      if (c != '\\') {
        text[to++] = c;
        continue;
      }
      c = text[from++];
      switch (c) {
        case 'b': text[to++] = '\b'; break;
        case 'f': text[to++] = '\f'; break;
        case 'n': text[to++] = '\n'; break;
        case 'r': text[to++] = '\r'; break;
        case 't': text[to++] = '\t'; break;
        case 'u': {
          uint32_t code = uint32_t(hex4(text + from));
          from += 4;
          if (code >= 0xD800 && code <= 0xDBFF) {
            code = 0x10000 + ((code - 0xD800) << 10) + (uint32_t(hex4(text + from + 2)) - 0xDC00);
            from += 6;
          }
          to += put_utf8(text + to, code);
          break;
        }
        default: text[to++] = c;
      }
    }
    return to;
  }

  static size_t put_utf8(char *to, uint32_t code) {
    if (code < 0x80) {
      to[0] = char(code);
      return 1;
    }
    if (code < 0x800) {
      to[0] = char(0xC0 | code >> 6);
      to[1] = char(0x80 | (code & 0x3F));
      return 2;
    }
    if (code < 0x10000) {
      to[0] = char(0xE0 | code >> 12);
      to[1] = char(0x80 | (code >> 6 & 0x3F));
      to[2] = char(0x80 | (code & 0x3F));
      return 3;
    }
    to[0] = char(0xF0 | code >> 18);
    to[1] = char(0x80 | (code >> 12 & 0x3F));
    to[2] = char(0x80 | (code >> 6 & 0x3F));
    to[3] = char(0x80 | (code & 0x3F));
    return 4;
  }
};

}  // namespace ebb
