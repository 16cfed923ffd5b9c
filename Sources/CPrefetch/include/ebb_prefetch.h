// What Swift has no word for: asking for memory before it is needed.
#ifndef EBB_PREFETCH_H
#define EBB_PREFETCH_H

/// Brings the cache line at an address nearer, if it can be had. Never traps, whatever the address.
static inline void ebb_prefetch(const void *address) { __builtin_prefetch(address, 1, 3); }

#endif
