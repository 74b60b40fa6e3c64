#pragma once
#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own loop (`FuzzerInterface.h`), which `-sanitize=fuzzer` links: reads its options and corpora from the
/// arguments, calls `test` with one input after another, and returns the status to exit with.
int LLVMFuzzerRunDriver(int *_Nonnull count, char *_Nullable *_Nonnull *_Nonnull arguments,
                        int (*_Nonnull test)(const uint8_t *_Nullable bytes, size_t size));
