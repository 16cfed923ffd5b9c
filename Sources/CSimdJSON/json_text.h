// What makes a text a JSON number or a JSON string, checked here because the parser leaves it open; what its refusals are
// called.
#pragma once
#include <simdjson.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "ebb_json.h"

namespace ebb {

inline bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The grammar of JSON numbers (RFC 8259); says how many digits there are and whether there is an exponent.
inline bool is_number(std::string_view text, size_t &digits, bool &exponent) {
  size_t i = 0, n = text.size();
  digits = 0;
  exponent = false;
  if (i < n && text[i] == '-') { i++; }
  if (i >= n || !is_digit(text[i])) { return false; }
  if (text[i] == '0') {
    i++, digits++;
  } else {
    while (i < n && is_digit(text[i])) { i++, digits++; }
  }
  if (i < n && text[i] == '.') {
    size_t start = ++i;
    while (i < n && is_digit(text[i])) { i++, digits++; }
    if (i == start) { return false; }
  }
  if (i < n && (text[i] == 'e' || text[i] == 'E')) {
    exponent = true;
    i++;
    if (i < n && (text[i] == '+' || text[i] == '-')) { i++; }
    size_t start = i;
    while (i < n && is_digit(text[i])) { i++; }
    if (i == start) { return false; }
  }
  return i == n;
}

// A decimal of at most 15 digits without exponent: both the digits and the power of ten are exact doubles,
// so that one division rounds correctly.
inline double small_decimal(std::string_view text) {
  static constexpr double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  uint64_t mantissa = 0;
  size_t scale = 0;
  bool fraction = false;
  for (char c : text) {
    if (c == '.') {
      fraction = true;
    } else if (c != '-') {
      mantissa = mantissa * 10 + uint64_t(c - '0');
      scale += fraction;
    }
  }
  double result = double(mantissa) / powers[scale];
  return text[0] == '-' ? -result : result;
}

inline int hex4(const char *text) {
  int result = 0;
  for (int i = 0; i < 4; i++) {
    char c = text[i];
    int digit = is_digit(c) ? c - '0' : (c >= 'a' && c <= 'f') ? c - 'a' + 10 : (c >= 'A' && c <= 'F') ? c - 'A' + 10 : -1;
    if (digit < 0) { return -1; }
    result = result << 4 | digit;
  }
  return result;
}

// Checks the escapes of a raw string. Its closing quote follows `text`, so that one byte may be looked ahead.
inline int32_t check_escapes(std::string_view text) {
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != '\\') { continue; }
    if (++i >= text.size()) { return EBB_BAD_JSON; }
    if (std::memchr("\"\\/bfnrt", text[i], 8)) { continue; }
    if (text[i] != 'u' || i + 5 > text.size()) { return EBB_BAD_JSON; }
    int unit = hex4(text.data() + i + 1);
    if (unit < 0) { return EBB_BAD_JSON; }
    i += 4;
    if (unit >= 0xDC00 && unit <= 0xDFFF) { return EBB_LONE_SURROGATE; }
    if (unit < 0xD800 || unit > 0xDBFF) { continue; }
    if (i + 7 > text.size() || text[i + 1] != '\\' || text[i + 2] != 'u') { return EBB_LONE_SURROGATE; }
    int low = hex4(text.data() + i + 3);
    if (low < 0) { return EBB_BAD_JSON; }
    if (low < 0xDC00 || low > 0xDFFF) { return EBB_LONE_SURROGATE; }
    i += 6;
  }
  return EBB_OK;
}

// Halves the text until the place is found; only on the way to a refusal.
inline const char *first_bad_utf8(const char *buffer, size_t length) {
  size_t good = 0, bad = length;
  while (bad - good > 1) {
    size_t middle = good + (bad - good) / 2;
    // A cut inside a character is not an error of the text before it.
    size_t cut = middle;
    while (cut > good && (uint8_t(buffer[cut]) & 0xC0) == 0x80) { cut--; }
    if (cut == good) { break; }
    if (simdjson::validate_utf8(buffer + good, cut - good)) { good = cut; } else { bad = cut; }
  }
  return buffer + good;
}

// What a refusal of the parser is called here.
inline int32_t code_of(simdjson::error_code error) {
  switch (error) {
    case simdjson::SUCCESS: return EBB_OK;
    case simdjson::EMPTY: return EBB_EMPTY;
    case simdjson::UTF8_ERROR: return EBB_BAD_UTF8;
    case simdjson::UNCLOSED_STRING:
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT: return EBB_TRUNCATED;
    case simdjson::MEMALLOC: return EBB_NO_MEMORY;
    case simdjson::CAPACITY: return EBB_TOO_LARGE;
    default: return EBB_BAD_JSON;
  }
}

}  // namespace ebb
