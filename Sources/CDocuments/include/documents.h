#pragma once

#include <stddef.h>

/// A document of the repository that was compiled in.
typedef struct {
    /// How the manual groups it; empty for a picture.
    const char *_Nonnull section;
    /// Its name in the manual: `weights`.
    const char *_Nonnull name;
    /// Where it lies in the repository: `docs/weights.md`.
    const char *_Nonnull path;
    const unsigned char *_Nonnull bytes;
    size_t count;
} document;

/// How many documents there are.
size_t document_count(void);

/// One of them, in the order of the manual; index < document_count(). What it points to is there for as long as the program.
document document_at(size_t index);
