// What Swift has no word for: asking for memory before it is needed, for memory in large pages, and
// for giving memory back.
#ifndef EBB_MEMORY_H
#define EBB_MEMORY_H

#include <stddef.h>

/// Brings the cache line at an address nearer, if it can be had. Never traps, whatever the address.
static inline void ebb_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

/// The size of the kernel's large pages, bytes.
#define EBB_LARGE_PAGE ((size_t)2 << 20)

/// Memory that begins with a large page and has no content yet; given back by `ebb_release_large`. The kernel is asked
/// to back it by large pages, which it may or may not do. Ends the process where there is none, as Swift's own does.
///
/// - bytes: more than 0.
void *ebb_allocate_large(size_t bytes);

/// Gives back what `ebb_allocate_large` gave for so many bytes.
void ebb_release_large(void *memory, size_t bytes);

/// Gives memory back to the kernel that was freed and that the allocator keeps for later, where it can be asked to.
void ebb_trim_allocator(void);

/// Has the allocator give back what is freed at once, where it can be told so, instead of keeping it for some seconds.
void ebb_keep_no_freed_memory(void);

#endif
