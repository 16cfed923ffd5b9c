// The plan of wanted paths: a tree that the walk follows, and the rows that lists fill.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ebb_json.h"

namespace ebb {

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

// Where the walk is, for the place of an error.
struct Frame {
  std::string_view key;
  int64_t index;  // -1: a key
};

constexpr size_t maximum_members = 256;
constexpr uint32_t frame_limit = 65;

inline uint32_t hash_key(const char *key, size_t length) {
  if (length == 0) { return 0; }
  return uint32_t(length) * 31 + uint8_t(key[0]) + uint8_t(key[length - 1]) * 7 + uint8_t(key[length / 2]) * 131;
}

// The nodes, and the keys of each in a table.
struct Plan {
  std::vector<Node> nodes;

  int32_t add(int32_t group) {
    Node node;
    node.group = group;
    nodes.push_back(std::move(node));
    return int32_t(nodes.size() - 1);
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
