#pragma once

#include <stddef.h>

/// How often the calling thread has asked for memory since it began. Linking this target replaces the C library's
/// allocation functions by ones that count and pass on.
size_t allocation_count(void);
