#include "ebb_memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
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

void ebb_trim_allocator(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void ebb_keep_freed_memory(size_t bytes) {
#ifdef __GLIBC__
  // What is larger than any fetch goes back to the kernel at once, as tables do that have grown.
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, bytes > (1 << 30) ? 1 << 30 : (int)bytes);
#else
  (void)bytes;
#endif
}
