// Counts what a piece of code costs beside time: allocations, retains, releases, instructions.
//
// Only the calling thread is counted, and only between ebb_counting_start and ebb_counting_stop. Whatever links this
// has malloc and its family interposed, and the hooks of the Swift runtime set while counting: that slows the
// program down a little, so only ebb-bench does.
#ifndef EBB_COUNTING_H
#define EBB_COUNTING_H

#include <stdbool.h>
#include <stdint.h>

/// What happened while counting.
typedef struct {
  /// Calls that gave memory: malloc, calloc, posix_memalign and their like, and realloc, which may move.
  uint64_t allocations;
  /// Calls that gave memory back.
  uint64_t frees;
  /// Objects that the Swift runtime made; each is among the allocations too.
  uint64_t objects;
  uint64_t retains;
  uint64_t releases;
} ebb_counts;

/// Begins to count on this thread, from zero.
void ebb_counting_start(void);
/// Ends it, and tells what was counted.
ebb_counts ebb_counting_stop(void);
/// What was counted so far on this thread.
ebb_counts ebb_counting_now(void);

/// The user-mode instructions of this thread by the processor's own counter; -1 where the kernel does not allow it or
/// the (virtual) machine has none. The descriptor is never closed.
int ebb_instructions_open(void);
/// Instructions so far. Two system calls' difference is exact to a few dozen instructions.
uint64_t ebb_instructions_read(int descriptor);

/// Calls `body` with the path of each shared library of this process, as the loader knows it, and `context`.
void ebb_loaded_libraries(void (*_Nonnull body)(const char *_Nullable path, void *_Nullable context),
                          void *_Nullable context);

/// Calls `body` with `context`. A function of its own with C's name, so that callgrind can be told to collect in it and
/// nowhere else (`--toggle-collect=ebb_measured`).
void ebb_measured(void (*_Nonnull body)(void *_Nullable context), void *_Nullable context);

/// Known numbers, for the counting's own check: `times` times malloc, calloc, realloc and posix_memalign, of which three
/// blocks are freed; and so many retains and releases of a Swift object. No compiler leaves them out.
void ebb_known_allocations(int times);
void ebb_known_references(void *_Nonnull object, int times);

/// Gives free pages back to the kernel, as far as the allocator can.
void ebb_trim(void);

#endif
