// What the loader knows.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <link.h>
#include <stddef.h>

#include "ebb_counting.h"

struct listener {
  void (*body)(const char *, void *);
  void *context;
};

static int tell(struct dl_phdr_info *info, size_t size, void *data) {
  (void)size;
  const struct listener *listener = data;
  listener->body(info->dlpi_name, listener->context);
  return 0;
}

void ebb_loaded_libraries(void (*body)(const char *, void *), void *context) {
  struct listener listener = {body, context};
  dl_iterate_phdr(tell, &listener);
}
