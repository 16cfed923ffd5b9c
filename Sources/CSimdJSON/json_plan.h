// The plan of wanted paths: a tree that the walk follows, and the rows that lists fill.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ebb_json.h"
#include "json_bytes.h"

namespace ebb {

// A wanted key as the quick walk looks it up: its first 16 bytes as two words, in one cache line with its node.
struct QuickKey {
  KeyHead head;
  uint64_t seen = 0;  // the object visit that saw this key last
  const char *name = nullptr;
  uint32_t length = 0;
  int32_t node = -1;  // -1: the place is empty
  // The wanted key that followed this one in the record before: producers write one order all day.
  QuickKey *next = nullptr;
  // Where its value belongs if that is all that is wanted of a scalar here; null: the node says more.
  ebb_value *place = nullptr;
  uint64_t bit = 0;  // of `Found::present`
  KeyText text;  // the name as records spell it, its closing quote and the colon
};

// Open addressing over the keys of a node, a power of two, at most half full; the seed is chosen so that no two keys
// meet, where one is found.
struct QuickTable {
  std::vector<QuickKey> places;
  uint64_t seed = 0;
  size_t mask = 0;
  QuickKey *first = nullptr;  // the wanted key that stood first in the record before

  QuickKey *find(const char *key, size_t length) {
    if (places.empty()) { return nullptr; }
    KeyHead head = KeyHead::of(key, length);
    QuickKey *all = places.data();
    for (size_t place = head.hash(length, seed) & mask;; place = (place + 1) & mask) {
      QuickKey &known = all[place];
      if (known.node < 0) { return nullptr; }
      if (known.length == length && known.head == head &&
          (length <= 16 || std::memcmp(known.name + 16, key + 16, length - 16) == 0)) {
        return &known;
      }
    }
  }

  // Adds keys to an empty table; whether each found its own place at once.
  template <typename Keys> bool fill(const Keys &keys, size_t size, uint64_t with) {
    places.assign(size, QuickKey());
    first = nullptr;
    mask = size - 1;
    seed = with;
    bool direct = true;
    for (const auto &key : keys) {
      // Short names are copied, for the words are read beyond their end.
      char padded[16] = {0};
      std::memcpy(padded, key.name.data(), key.name.size() < 16 ? key.name.size() : 16);
      QuickKey entry;
      entry.head = KeyHead::of(padded, key.name.size());
      entry.name = key.name.data();
      entry.length = uint32_t(key.name.size());
      entry.node = key.node;
      entry.text = KeyText(key.name);
      size_t place = entry.head.hash(key.name.size(), seed) & mask;
      for (; places[place].node >= 0; place = (place + 1) & mask) { direct = false; }
      places[place] = entry;
    }
    return direct;
  }

  template <typename Keys> void build(const Keys &keys) {
    size_t size = 8;
    while (size < keys.size() * 2) { size *= 2; }
    for (uint64_t seed = 0; seed < 256; seed++) {
      if (fill(keys, size, seed * 0xD6E8FEB86659FD93ull)) { return; }
    }
  }
};

constexpr size_t maximum_members = 256;

// A node of the plan: what is wanted of the value that stands here, and of the values inside it.
struct Node {
  struct Key {
    std::string name;
    int32_t node;
    uint64_t seen;  // the object visit that saw this key last: a second time in one visit is a duplicate
  };
  int32_t capture = -1;
  int32_t members = -1;
  int32_t group = -1;       // the group of rows this node stands in
  int32_t each = -1;        // node of every element
  int32_t each_group = -1;  // the group its elements fill
  std::vector<std::pair<uint32_t, int32_t>> indices;
  std::string select_key;
  std::vector<Key> selects;
  std::vector<Key> keys;
  std::vector<int16_t> table;  // open addressing over `keys`, a power of two, at most half full
  QuickTable quick;            // the same for the quick walk
};

struct Group {
  std::vector<ebb_value> values;
  uint32_t limit = 0;
  uint32_t width = 0;
  uint32_t count = 0;
  uint32_t total = 0;
  uint32_t offset = 0;
  uint8_t kind = EBB_ABSENT;
};

// What was found in a record: values, rows of lists, members.
struct Found {
  std::vector<ebb_value> values;
  std::vector<Group> groups;
  std::vector<ebb_member> members;
  uint64_t present = 0;          // a bit for each value that was found, the last for all beyond 63
  ebb_value *row = nullptr;      // of the group element the walk is in

  int32_t add_value() {
    values.push_back({});
    return int32_t(values.size() - 1);
  }

  void clear() {
    uint64_t set = present;
    if (__builtin_expect(set >> 63, 0)) {
      for (size_t place = 63; place < values.size(); place++) { values[place].kind = EBB_ABSENT; }
      set &= ~(uint64_t(1) << 63);
    }
    for (; set; set &= set - 1) { values[size_t(__builtin_ctzll(set))].kind = EBB_ABSENT; }
    present = 0;
    members.clear();
    row = nullptr;
    for (Group &group : groups) {
      group.count = group.total = group.offset = 0;
      group.kind = EBB_ABSENT;
    }
  }

  // Where a node's value belongs, noted as found; null: it is not wanted.
  inline __attribute__((always_inline)) ebb_value *place(const Node &node) {
    if (node.capture < 0) { return nullptr; }
    if (__builtin_expect(node.group >= 0, 0)) { return row ? row + node.capture : nullptr; }
    present |= uint64_t(1) << (node.capture < 63 ? node.capture : 63);
    return values.data() + node.capture;
  }

  void store(const Node &node, const ebb_value &value) {
    if (ebb_value *to = place(node)) { *to = value; }
  }

  // Counts an element of a list and makes its row; false: the list has its limit.
  bool add_row(Group &group) {
    group.total++;
    if (group.count >= group.limit) { return false; }
    size_t start = size_t(group.count) * group.width;
    if (group.values.size() < start + group.width) { group.values.resize((start + group.width) * 2); }
    row = group.values.data() + start;
    std::memset(static_cast<void *>(row), 0, group.width * sizeof(ebb_value));
    group.count++;
    return true;
  }

  // false: this object had the key already.
  bool add_member(int32_t of, std::string_view key, const ebb_value &value) {
    for (const ebb_member &member : members) {
      if (member.members == uint32_t(of) && member.name_length == key.size() &&
          std::memcmp(member.name, key.data(), key.size()) == 0) {
        return false;
      }
    }
    if (members.size() < maximum_members) {
      members.push_back({reinterpret_cast<const uint8_t *>(key.data()), uint32_t(key.size()), uint32_t(of), value});
    }
    return true;
  }
};

// Where the walk is, for the place of an error.
struct Frame {
  std::string_view key;
  int64_t index;  // -1: a key
};

constexpr uint32_t frame_limit = 65;

inline uint32_t hash_key(const char *key, size_t length) {
  if (length == 0) { return 0; }
  return uint32_t(length) * 31 + uint8_t(key[0]) + uint8_t(key[length - 1]) * 7 + uint8_t(key[length / 2]) * 131;
}

// The nodes, and the keys of each in a table.
struct Plan {
  std::vector<Node> nodes;
  bool is_settled = false;  // nothing was added since `settle`
  uint64_t visits = 0;  // of objects and lists, all records together: what `seen` compares

  int32_t add(int32_t group) {
    Node node;
    node.group = group;
    nodes.push_back(std::move(node));
    return int32_t(nodes.size() - 1);
  }

  // Looks up once what no record changes: where the values of plain keys belong.
  void settle(Found &found) {
    is_settled = true;
    for (Node &node : nodes) {
      for (QuickKey &key : node.quick.places) {
        if (key.node < 0) { continue; }
        const Node &child = nodes[size_t(key.node)];
        bool is_plain = node.members < 0 && child.capture >= 0 && child.capture < 63 && child.group < 0 && child.each_group < 0;
        key.place = is_plain ? found.values.data() + child.capture : nullptr;
        key.bit = is_plain ? uint64_t(1) << child.capture : 0;
      }
    }
  }

  void index_keys(Node &node) {
    size_t size = 4;
    while (size < node.keys.size() * 2) { size *= 2; }
    node.table.assign(size, -1);
    for (size_t i = 0; i < node.keys.size(); i++) {
      size_t slot = hash_key(node.keys[i].name.data(), node.keys[i].name.size()) & (size - 1);
      while (node.table[slot] >= 0) { slot = (slot + 1) & (size - 1); }
      node.table[slot] = int16_t(i);
    }
    node.quick.build(node.keys);
  }

  Node::Key *find(Node &node, std::string_view key) {
    if (node.table.empty()) { return nullptr; }
    size_t mask = node.table.size() - 1;
    size_t slot = hash_key(key.data(), key.size()) & mask;
    while (node.table[slot] >= 0) {
      Node::Key &candidate = node.keys[size_t(node.table[slot])];
      if (candidate.name.size() == key.size() && std::memcmp(candidate.name.data(), key.data(), key.size()) == 0) {
        return &candidate;
      }
      slot = (slot + 1) & mask;
    }
    return nullptr;
  }
};

}  // namespace ebb
