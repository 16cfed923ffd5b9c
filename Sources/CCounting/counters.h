#ifndef EBB_COUNTERS_H
#define EBB_COUNTERS_H

#include "ebb_counting.h"

// In an executable this is a fixed offset from the thread's pointer: reading it never allocates, so that malloc can.
struct ebb_counters {
  bool isOn;
  ebb_counts counts;
};
extern __thread struct ebb_counters ebb_counters;

#endif
