// The processor's own count of instructions, and a place for callgrind to count in.
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ebb_counting.h"

int ebb_instructions_open(void) {
  struct perf_event_attr wanted;
  memset(&wanted, 0, sizeof wanted);
  wanted.size = sizeof wanted;
  wanted.type = PERF_TYPE_HARDWARE;
  wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
  wanted.exclude_kernel = 1;
  wanted.exclude_hv = 1;
  return (int)syscall(SYS_perf_event_open, &wanted, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t ebb_instructions_read(int descriptor) {
  uint64_t count = 0;
  if (read(descriptor, &count, sizeof count) != sizeof count) return 0;
  return count;
}

__attribute__((noinline)) void ebb_measured(void (*body)(void *), void *context) {
  body(context);
  // Not a tail call: the function is left when the body is done.
  __asm__ volatile("" ::: "memory");
}
