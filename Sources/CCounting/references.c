// The Swift runtime calls retain, release and its allocator through pointers that may be set, which is how instruments
// look on (swift/stdlib/public/runtime/HeapObject.cpp). They are set while something is counted.
#include <stddef.h>
#include <stdint.h>

#include "counters.h"

typedef struct HeapObject HeapObject;
typedef struct HeapMetadata HeapMetadata;

extern HeapObject *(*_swift_allocObject)(const HeapMetadata *, size_t, size_t);
extern HeapObject *(*_swift_retain)(HeapObject *);
extern HeapObject *(*_swift_retain_n)(HeapObject *, uint32_t);
extern HeapObject *(*_swift_tryRetain)(HeapObject *);
extern void (*_swift_release)(HeapObject *);
extern void (*_swift_release_n)(HeapObject *, uint32_t);

// Since Swift 6.1 the runtime looks at the pointers only while this is set. Weak: older ones always look.
extern _Bool _swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly __attribute__((weak));

static struct {
  HeapObject *(*allocObject)(const HeapMetadata *, size_t, size_t);
  HeapObject *(*retain)(HeapObject *);
  HeapObject *(*retain_n)(HeapObject *, uint32_t);
  HeapObject *(*tryRetain)(HeapObject *);
  void (*release)(HeapObject *);
  void (*release_n)(HeapObject *, uint32_t);
} runtime;

// With the pointers set, the runtime hands over the bits of short strings as if they were objects: it drops the mark
// that tells them before it asks. They are told by where a program's memory can be on Linux (at most 47 bits; behind
// the program itself, or where libraries and mappings are); text does not look like that.
static _Bool is_object(const HeapObject *object) {
  uint64_t bits = (uint64_t)(uintptr_t)object;
#if defined(__x86_64__)
  uint64_t region = bits >> 40;
  return region == 0x55 || region == 0x56 || region == 0x7e || region == 0x7f;
#elif defined(__aarch64__)
  uint64_t region = bits >> 40;
  return region == 0xaa || region == 0xab || region == 0xfe || region == 0xff;
#else
  return bits != 0;
#endif
}

static HeapObject *counted_allocObject(const HeapMetadata *metadata, size_t size, size_t mask) {
  if (ebb_counters.isOn) ebb_counters.counts.objects += 1;
  return runtime.allocObject(metadata, size, mask);
}

static HeapObject *counted_retain(HeapObject *object) {
  if (!is_object(object)) return object;
  if (ebb_counters.isOn) ebb_counters.counts.retains += 1;
  return runtime.retain(object);
}

static HeapObject *counted_retain_n(HeapObject *object, uint32_t times) {
  if (!is_object(object)) return object;
  if (ebb_counters.isOn) ebb_counters.counts.retains += 1;
  return runtime.retain_n(object, times);
}

static HeapObject *counted_tryRetain(HeapObject *object) {
  if (ebb_counters.isOn) ebb_counters.counts.retains += 1;
  return runtime.tryRetain(object);
}

static void counted_release(HeapObject *object) {
  if (!is_object(object)) return;
  if (ebb_counters.isOn) ebb_counters.counts.releases += 1;
  runtime.release(object);
}

static void counted_release_n(HeapObject *object, uint32_t times) {
  if (!is_object(object)) return;
  if (ebb_counters.isOn) ebb_counters.counts.releases += 1;
  runtime.release_n(object, times);
}

static void hook(bool on) {
  if (runtime.retain == NULL) {
    runtime.allocObject = _swift_allocObject;
    runtime.retain = _swift_retain;
    runtime.retain_n = _swift_retain_n;
    runtime.tryRetain = _swift_tryRetain;
    runtime.release = _swift_release;
    runtime.release_n = _swift_release_n;
  }
  _swift_allocObject = on ? counted_allocObject : runtime.allocObject;
  _swift_retain = on ? counted_retain : runtime.retain;
  _swift_retain_n = on ? counted_retain_n : runtime.retain_n;
  _swift_tryRetain = on ? counted_tryRetain : runtime.tryRetain;
  _swift_release = on ? counted_release : runtime.release;
  _swift_release_n = on ? counted_release_n : runtime.release_n;
  _Bool *flag = &_swift_enableSwizzlingOfAllocationAndRefCountingFunctions_forInstrumentsOnly;
  if (flag != NULL) *flag = on;
}

void ebb_counting_start(void) {
  hook(true);
  ebb_counters.counts = (ebb_counts){0};
  ebb_counters.isOn = true;
}

ebb_counts ebb_counting_stop(void) {
  ebb_counters.isOn = false;
  hook(false);
  return ebb_counters.counts;
}

ebb_counts ebb_counting_now(void) { return ebb_counters.counts; }

extern HeapObject *swift_retain(HeapObject *);
extern void swift_release(HeapObject *);

void ebb_known_references(void *object, int times) {
  for (int turn = 0; turn < times; turn++) {
    swift_retain(object);
    swift_release(object);
  }
}
