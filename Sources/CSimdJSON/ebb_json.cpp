// The C surface: building a plan, walking a record along it, reading what was found. See ebb_json.h for the contract.
#include "ebb_json.h"

#include "json_walk.h"

#include <new>

// MARK: The C surface

ebb_json *ebb_json_create(size_t maximum_bytes, uint32_t maximum_depth) {
  auto *reader = new (std::nothrow) ebb_json();
  if (!reader) { return nullptr; }
  reader->maximum_bytes = maximum_bytes;
  // Every level, and the level that is refused, needs a frame.
  reader->maximum_depth = maximum_depth < frame_limit - 1 ? maximum_depth : frame_limit - 1;
  reader->found.members.reserve(maximum_members);
  reader->add(-1);
  return reader;
}

void ebb_json_destroy(ebb_json *reader) { delete reader; }

int32_t ebb_json_key(ebb_json *reader, int32_t parent, const uint8_t *key, size_t length) {
  reader->is_settled = false;
  std::string_view name(reinterpret_cast<const char *>(key), length);
  if (Node::Key *known = reader->find(reader->nodes[size_t(parent)], name)) { return known->node; }
  if (reader->nodes[size_t(parent)].keys.size() >= 1024) { return -1; }
  int32_t child = reader->add(reader->nodes[size_t(parent)].group);
  Node &node = reader->nodes[size_t(parent)];
  node.keys.push_back({std::string(name), child, 0});
  reader->index_keys(node);
  return child;
}

int32_t ebb_json_index(ebb_json *reader, int32_t parent, uint32_t index) {
  reader->is_settled = false;
  if (reader->nodes[size_t(parent)].each >= 0) { return -1; }
  for (auto &entry : reader->nodes[size_t(parent)].indices) {
    if (entry.first == index) { return entry.second; }
  }
  int32_t child = reader->add(reader->nodes[size_t(parent)].group);
  reader->nodes[size_t(parent)].indices.push_back({index, child});
  return child;
}

int32_t ebb_json_select(
    ebb_json *reader, int32_t parent, const uint8_t *key, size_t key_length, const uint8_t *value,
    size_t value_length) {
  reader->is_settled = false;
  std::string name(reinterpret_cast<const char *>(key), key_length);
  std::string wanted(reinterpret_cast<const char *>(value), value_length);
  Node &node = reader->nodes[size_t(parent)];
  if (node.each >= 0 || !node.indices.empty() || (!node.selects.empty() && node.select_key != name)) { return -1; }
  for (auto &select : node.selects) {
    if (select.name == wanted) { return select.node; }
  }
  int32_t child = reader->add(node.group);
  reader->nodes[size_t(parent)].select_key = name;
  reader->nodes[size_t(parent)].selects.push_back({wanted, child, 0});
  return child;
}

int32_t ebb_json_each(ebb_json *reader, int32_t parent, uint32_t limit) {
  reader->is_settled = false;
  const Node &node = reader->nodes[size_t(parent)];
  if (node.each >= 0) { return node.each; }
  if (node.group >= 0 || !node.indices.empty() || !node.selects.empty()) { return -1; }
  Group group;
  group.limit = limit;
  reader->found.groups.push_back(std::move(group));
  int32_t number = int32_t(reader->found.groups.size() - 1);
  int32_t child = reader->add(number);
  reader->nodes[size_t(parent)].each = child;
  reader->nodes[size_t(parent)].each_group = number;
  return child;
}

int32_t ebb_json_group_of(ebb_json *reader, int32_t node) { return reader->nodes[size_t(node)].group; }

int32_t ebb_json_capture(ebb_json *reader, int32_t at) {
  reader->is_settled = false;
  Node &node = reader->nodes[size_t(at)];
  if (node.capture >= 0) { return node.capture; }
  if (node.group >= 0) {
    node.capture = int32_t(reader->found.groups[size_t(node.group)].width++);
  } else {
    node.capture = reader->found.add_value();
  }
  return node.capture;
}

int32_t ebb_json_members(ebb_json *reader, int32_t at) {
  reader->is_settled = false;
  Node &node = reader->nodes[size_t(at)];
  if (node.group >= 0) { return -1; }
  if (node.members < 0) { node.members = reader->members_captures++; }
  return node.members;
}

bool ebb_json_extract(ebb_json *reader, const void *bytes, size_t length) { return reader->extract(bytes, length); }

ebb_failure ebb_json_failure(const ebb_json *reader) {
  return {reader->error, reader->error_offset, reader->error_path};
}

const ebb_found *ebb_json_found(const ebb_json *reader) { return &reader->shown; }

void ebb_json_use_quick_walk(ebb_json *reader, bool uses) { reader->quick = uses; }

bool ebb_is_utf8(const void *bytes, size_t length) {
  return length == 0 || validate_utf8(static_cast<const char *>(bytes), length);
}
