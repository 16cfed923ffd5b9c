// malloc and its family, counted and handed on to whoever would have got the call.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"

__thread struct ebb_counters ebb_counters;

static struct {
  void *(*malloc)(size_t);
  void (*free)(void *);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
  void *(*aligned_alloc)(size_t, size_t);
  void *(*memalign)(size_t, size_t);
} next;

// dlsym may ask for memory before it can tell where malloc is: it gets some of this, which is never given back.
static _Alignas(16) char early[65536];
static size_t early_used;
static bool resolving;

static void *early_memory(size_t size) {
  size = (size + 31) & ~(size_t)15;
  if (size > sizeof early - early_used) return NULL;
  char *block = early + early_used;
  early_used += size;
  *(size_t *)block = size - 16;
  return block + 16;
}

static bool is_early(const void *block) {
  return (const char *)block >= early && (const char *)block < early + sizeof early;
}

// The first call comes from the loader, on the only thread.
__attribute__((noinline)) static void resolve(void) {
  resolving = true;
  next.free = (void (*)(void *))dlsym(RTLD_NEXT, "free");
  next.calloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "calloc");
  next.realloc = (void *(*)(void *, size_t))dlsym(RTLD_NEXT, "realloc");
  next.posix_memalign = (int (*)(void **, size_t, size_t))dlsym(RTLD_NEXT, "posix_memalign");
  next.aligned_alloc = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "aligned_alloc");
  next.memalign = (void *(*)(size_t, size_t))dlsym(RTLD_NEXT, "memalign");
  next.malloc = (void *(*)(size_t))dlsym(RTLD_NEXT, "malloc");
  resolving = false;
}

static inline bool ready(void) {
  if (__builtin_expect(next.malloc != NULL, 1)) return true;
  if (resolving) return false;
  resolve();
  return true;
}

static inline void count(void) {
  if (__builtin_expect(ebb_counters.isOn, 0)) ebb_counters.counts.allocations += 1;
}

void *malloc(size_t size) {
  if (!ready()) return early_memory(size);
  count();
  return next.malloc(size);
}

void free(void *block) {
  if (block == NULL || is_early(block)) return;
  if (!ready()) return;
  if (__builtin_expect(ebb_counters.isOn, 0)) ebb_counters.counts.frees += 1;
  next.free(block);
}

void *calloc(size_t number, size_t size) {
  if (!ready()) {
    size_t bytes;
    return __builtin_mul_overflow(number, size, &bytes) ? NULL : early_memory(bytes);
  }
  count();
  return next.calloc(number, size);
}

void *realloc(void *block, size_t size) {
  if (!ready()) return block == NULL ? early_memory(size) : NULL;
  count();
  if (is_early(block)) {
    void *moved = next.malloc(size);
    size_t old = *(size_t *)((char *)block - 16);
    if (moved != NULL) memcpy(moved, block, old < size ? old : size);
    return moved;
  }
  return next.realloc(block, size);
}

int posix_memalign(void **place, size_t alignment, size_t size) {
  if (!ready()) return ENOMEM;
  count();
  return next.posix_memalign(place, alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  if (!ready()) return NULL;
  count();
  return next.aligned_alloc(alignment, size);
}

void *memalign(size_t alignment, size_t size) {
  if (!ready()) return NULL;
  count();
  return next.memalign(alignment, size);
}

void ebb_trim(void) { malloc_trim(0); }

void ebb_known_allocations(int times) {
  for (int turn = 0; turn < times; turn++) {
    // Through memory that the compiler does not see into, or it would leave out what is freed at once.
    void *volatile first = malloc(24);
    void *volatile second = calloc(3, 16);
    first = realloc(first, 4096);
    void *third = NULL;
    if (posix_memalign(&third, 64, 128) == 0) free(third);
    free(first);
    free(second);
  }
}
