#include "ebb_json.h"
