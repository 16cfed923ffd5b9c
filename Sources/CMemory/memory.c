#include "ebb_memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/types.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static size_t rounded(size_t bytes) { return (bytes + EBB_LARGE_PAGE - 1) & ~(EBB_LARGE_PAGE - 1); }

void *ebb_allocate_large(size_t bytes) {
  size_t size = rounded(bytes);
  // Room to begin where a large page does; what is before and behind goes back.
  size_t whole = size + EBB_LARGE_PAGE;
  char *start = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    fprintf(stderr, "out of memory: %zu bytes for users' state\n", size);
    abort();
  }
  char *first = (char *)rounded((uintptr_t)start);
  if (first > start) munmap(start, (size_t)(first - start));
  if (first + size < start + whole) munmap(first + size, (size_t)(start + whole - (first + size)));
#ifdef MADV_HUGEPAGE
  madvise(first, size, MADV_HUGEPAGE);
#endif
  return first;
}

void ebb_release_large(void *memory, size_t bytes) { munmap(memory, rounded(bytes)); }

// jemalloc's, where the program is linked with it.
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size) __attribute__((weak));

void ebb_trim_allocator(void) {
  if (mallctl) {
    // Its number for all areas.
    mallctl("arena.4096.purge", NULL, NULL, NULL, 0);
    return;
  }
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void ebb_keep_no_freed_memory(void) {
  if (!mallctl) return;
  ssize_t at_once = 0;
  const char *kinds[] = {"dirty", "muzzy"};
  unsigned areas = 0;
  size_t size = sizeof areas;
  mallctl("arenas.narenas", &areas, &size, NULL, 0);
  for (int kind = 0; kind < 2; kind++) {
    char name[64];
    snprintf(name, sizeof name, "arenas.%s_decay_ms", kinds[kind]);
    mallctl(name, NULL, NULL, &at_once, sizeof at_once);
    for (unsigned area = 0; area < areas; area++) {
      // An area that nobody has used yet refuses, and will have what was said for all.
      snprintf(name, sizeof name, "arena.%u.%s_decay_ms", area, kinds[kind]);
      mallctl(name, NULL, NULL, &at_once, sizeof at_once);
    }
  }
}
