#pragma once

#include <stddef.h>

/// A file that was compiled in.
typedef struct {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t count;
} asset;

/// How many files there are.
size_t asset_count(void);

/// One of them; index < asset_count(). What it points to is there for as long as the program.
asset asset_at(size_t index);
