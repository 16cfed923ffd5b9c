// librdkafka for Swift. Variadic functions and function-like macros do not import; what needs them
// gets a small inline function here.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
