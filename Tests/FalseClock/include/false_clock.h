// A wall clock that a test sets for one process: a library to be preloaded, with no function to call.
#ifndef EBB_FALSE_CLOCK_H
#define EBB_FALSE_CLOCK_H
#endif
