#ifndef EBB_GUIDED_H
#define EBB_GUIDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether libFuzzer is in this program. It is where scripts/guided.sh has built it, and nowhere else.
bool ebb_guided_is_there(void);

/// Runs libFuzzer with its own arguments. Returns its exit status; ends the process where an input fails.
int ebb_guided_run(int count, char **arguments, int (*take)(const uint8_t *bytes, size_t count));

#endif
