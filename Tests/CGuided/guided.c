#include "CGuided.h"

// Absent from every other build, which must link all the same.
extern int LLVMFuzzerRunDriver(int *, char ***, int (*)(const uint8_t *, size_t)) __attribute__((weak));

bool ebb_guided_is_there(void) { return LLVMFuzzerRunDriver != NULL; }

int ebb_guided_run(int count, char **arguments, int (*take)(const uint8_t *, size_t)) {
  return LLVMFuzzerRunDriver(&count, &arguments, take);
}
