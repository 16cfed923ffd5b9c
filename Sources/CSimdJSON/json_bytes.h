// Sixteen bytes at a time: what the quick walk asks of text. With SSE2 in registers, elsewhere byte by byte.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ebb {

inline uint64_t load64(const void *from) {
  uint64_t word;
  std::memcpy(&word, from, 8);
  return word;
}

// Copies text and puts 64 zeros behind it; says whether it is ASCII. The target has the room.
inline bool copy_padded(char *to, const char *from, size_t count) {
#if defined(__SSE2__)
  __m128i seen = _mm_setzero_si128();
  size_t at = 0;
  for (; at + 64 <= count; at += 64) {
    __m128i pieces[4];
    for (size_t i = 0; i < 4; i++) {
      pieces[i] = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + at + 16 * i));
      _mm_storeu_si128(reinterpret_cast<__m128i *>(to + at + 16 * i), pieces[i]);
    }
    seen = _mm_or_si128(seen, _mm_or_si128(_mm_or_si128(pieces[0], pieces[1]), _mm_or_si128(pieces[2], pieces[3])));
  }
  for (; at + 16 <= count; at += 16) {
    __m128i piece = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + at));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + at), piece);
    seen = _mm_or_si128(seen, piece);
  }
  if (at < count && count >= 16) {
    __m128i piece = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + count - 16));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + count - 16), piece);
    seen = _mm_or_si128(seen, piece);
    at = count;
  }
  uint8_t rest = 0;
  for (; at < count; at++) {
    to[at] = from[at];
    rest |= uint8_t(from[at]);
  }
  for (size_t i = 0; i < 64; i += 16) {
    _mm_storeu_si128(reinterpret_cast<__m128i *>(to + count + i), _mm_setzero_si128());
  }
  return _mm_movemask_epi8(seen) == 0 && rest < 0x80;
#else
  uint8_t seen = 0;
  for (size_t at = 0; at < count; at++) {
    to[at] = from[at];
    seen |= uint8_t(from[at]);
  }
  std::memset(to + count, 0, 64);
  return seen < 0x80;
#endif
}

// The closing quote of the string whose text begins at `at`; null: a control character (or the padding) comes first.
// An escape is stepped over, to be checked afterwards.
inline const char *string_end(const char *at, bool &escaped) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
  for (;;) {
    __m128i piece = _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
    __m128i found = _mm_or_si128(
        _mm_or_si128(_mm_cmpeq_epi8(piece, quote), _mm_cmpeq_epi8(piece, backslash)),
        _mm_cmpeq_epi8(_mm_min_epu8(piece, control), piece));
    unsigned places = unsigned(_mm_movemask_epi8(found));
    if (__builtin_expect(places == 0, 0)) {
      at += 16;
      continue;
    }
    at += __builtin_ctz(places);
    if (__builtin_expect(*at == '"', 1)) { return at; }
    if (*at != '\\') { return nullptr; }
    escaped = true;
    at += 2;
  }
#else
  for (;; at++) {
    if (*at == '"') { return at; }
    if (*at == '\\') {
      escaped = true;
      at++;
    } else if (uint8_t(*at) < 0x20) {
      return nullptr;
    }
  }
#endif
}

// The first 16 bytes of a key, zeros behind its end: told apart in two words.
struct KeyHead {
  uint64_t low = 0, high = 0;

  // 16 bytes can be read at `key`, whatever its length.
  static KeyHead of(const char *key, size_t length) {
    KeyHead head;
    head.low = load64(key);
    if (length < 8) {
      head.low = length == 0 ? 0 : head.low & (~uint64_t(0) >> (64 - 8 * length));
    } else if (length < 16) {
      head.high = length == 8 ? 0 : load64(key + 8) & (~uint64_t(0) >> (128 - 8 * length));
    } else {
      head.high = load64(key + 8);
    }
    return head;
  }

  bool operator==(const KeyHead &other) const { return ((low ^ other.low) | (high ^ other.high)) == 0; }

  uint64_t hash(size_t length, uint64_t seed) const {
    uint64_t mixed = (low ^ seed) * 0x9E3779B97F4A7C15ull + (high + length) * 0xC2B2AE3D27D4EB4Full;
    return mixed ^ mixed >> 32;
  }
};

// A key as almost all producers spell it: its name, the closing quote and the colon, compared in one go.
struct KeyText {
  char text[32] = {0};
  uint32_t wanted = 0;  // a bit for each byte; 0: too long, or a name that is never spelt as it is

  KeyText() = default;
  explicit KeyText(const std::string &name) {
    size_t length = name.size();
    if (length > 30) { return; }
    for (char c : name) {
      if (c == '"' || c == '\\' || uint8_t(c) < 0x20) { return; }
    }
    std::memcpy(text, name.data(), length);
    text[length] = '"';
    text[length + 1] = ':';
    wanted = uint32_t((uint64_t(1) << (length + 2)) - 1);
  }

  // Only if anything is wanted. 32 bytes can be read at `at`.
  bool stands_at(const char *at) const {
#if defined(__SSE2__)
    auto equal = [&](size_t from) {
      __m128i mine = _mm_loadu_si128(reinterpret_cast<const __m128i *>(text + from));
      return unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(mine, _mm_loadu_si128(reinterpret_cast<const __m128i *>(at + from)))));
    };
    return (wanted & ~(equal(0) | equal(16) << 16)) == 0;
#else
    return std::memcmp(text, at, size_t(__builtin_popcount(wanted))) == 0;
#endif
  }
};

// The high bit of each byte that is no digit. Bytes behind the first of them may be marked wrongly.
inline uint64_t not_digits(uint64_t word) {
  uint64_t digits = word ^ 0x3030303030303030ull;
  return (digits | (digits + 0x7676767676767676ull)) & 0x8080808080808080ull;
}

// Eight digits at once, little-endian machines only (Johnny Lee's construction, as simdjson uses it).
inline uint32_t eight_digits(uint64_t word) {
  word = (word & 0x0F0F0F0F0F0F0F0Full) * 2561 >> 8;
  word = (word & 0x00FF00FF00FF00FFull) * 6553601 >> 16;
  return uint32_t((word & 0x0000FFFF0000FFFFull) * 42949672960001ull >> 32);
}

// Reads on over digits, as many as there are; beyond 19 the number is of no use. 8 bytes can be read behind the last.
inline const char *read_digits(const char *at, uint64_t &number) {
  static constexpr uint32_t powers[] = {1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};
  for (;;) {
    uint64_t word = load64(at);
    uint64_t others = not_digits(word);
    if (others) {
      unsigned count = unsigned(__builtin_ctzll(others)) >> 3;
      if (count == 0) { return at; }
      number = number * powers[count] + eight_digits(word << (64 - 8 * count));
      return at + count;
    }
    number = number * 100'000'000 + eight_digits(word);
    at += 8;
  }
}

}  // namespace ebb
