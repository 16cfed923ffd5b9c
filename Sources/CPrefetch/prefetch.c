#include "ebb_prefetch.h"
