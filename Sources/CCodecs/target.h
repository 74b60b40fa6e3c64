#pragma once

#include "codecs.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/// Traps unless every pixel of the target lies inside its buffer: a caller's mistake, not a file's.
static inline void target_check(const codec_target *target) {
    if (target->take && target->width > 0 && (target->channels == 1 || target->channels == 3)) return;
    const int64_t right = target->width - (int64_t)1, bottom = target->height - (int64_t)1;
    int64_t across, down, corner;
    bool fits = target->pixels && target->width > 0 && target->height > 0 && target->capacity <= PTRDIFF_MAX &&
                target->origin <= target->capacity && (target->channels == 1 || target->channels == 3) &&
                !__builtin_mul_overflow(right, (int64_t)target->column_step, &across) &&
                !__builtin_mul_overflow(bottom, (int64_t)target->row_step, &down) &&
                !__builtin_add_overflow(across, down, &corner);
    if (!fits) __builtin_trap();
    int64_t low = (across < 0 ? across : 0) + (down < 0 ? down : 0);
    int64_t high = (across > 0 ? across : 0) + (down > 0 ? down : 0);
    int64_t origin = (int64_t)target->origin, last = (int64_t)target->capacity - target->channels;
    if (low < -origin || high > last - origin) __builtin_trap();
}

/// The address of the stored pixel (x, y).
static inline uint8_t *target_pixel(const codec_target *target, size_t x, size_t y) {
    return target->pixels + (ptrdiff_t)target->origin + (ptrdiff_t)x * target->column_step +
           (ptrdiff_t)y * target->row_step;
}

/// Whether a stored row is contiguous in the target.
static inline bool target_rows_are_contiguous(const codec_target *target) {
    return !target->take && target->column_step == (ptrdiff_t)target->channels;
}

/// Writes `count` pixels of `row` to row y of the target, at the columns x, x + stride, x + 2·stride, …
static inline void target_write(const codec_target *target, const uint8_t *row, size_t count,
                                size_t x, size_t stride, size_t y) {
    if (count == 0) return;
    if (target->take) {
        if (count != target->width || stride != 1) __builtin_trap(); // the rows do not come in order
        target->take(target->context, row, y);
        return;
    }
    uint8_t *out = target_pixel(target, x, y);
    const ptrdiff_t step = (ptrdiff_t)stride * target->column_step;
    if (step == (ptrdiff_t)target->channels) {
        memcpy(out, row, count * target->channels);
    } else if (target->channels == 1) {
        for (size_t i = 0; i < count; i++) out[(ptrdiff_t)i * step] = row[i];
    } else {
        for (size_t i = 0; i < count; i++) memcpy(out + (ptrdiff_t)i * step, row + 3 * i, 3);
    }
}

/// Writes whole rows y, y + 1, … of the target. Where they become columns, pixel by pixel across the rows, so
/// that each stretch of memory is touched once for all of them.
static inline void target_write_rows(const codec_target *target, uint8_t *const *rows, size_t count, size_t y) {
    if (target->take || (target->row_step != (ptrdiff_t)target->channels && target->row_step != -(ptrdiff_t)target->channels)) {
        for (size_t i = 0; i < count; i++) target_write(target, rows[i], target->width, 0, 1, y + i);
        return;
    }
    for (size_t x = 0; x < target->width; x++) {
        uint8_t *out = target_pixel(target, x, y);
        for (size_t i = 0; i < count; i++) {
            uint8_t *pixel = out + (ptrdiff_t)i * target->row_step;
            if (target->channels == 1) *pixel = rows[i][x];
            else memcpy(pixel, rows[i] + 3 * x, 3);
        }
    }
}

/// A number of two bytes, the lower first.
static inline uint32_t little16(const uint8_t *at) { return at[0] | (uint32_t)at[1] << 8; }

/// A number of four bytes, the lowest first.
static inline uint32_t little32(const uint8_t *at) { return little16(at) | little16(at + 2) << 16; }

/// The luma of ITU-R 601 in 16-bit fixed point, rounded: (19595·r + 38470·g + 7471·b) / 65536.
static inline uint8_t luma(uint32_t r, uint32_t g, uint32_t b) {
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

/// Writes one pixel of a row in the target's channels.
static inline void put_pixel(const codec_target *target, uint8_t *row, size_t x, uint8_t r, uint8_t g, uint8_t b) {
    if (target->channels == 1) {
        row[x] = luma(r, g, b);
    } else {
        row[3 * x] = r;
        row[3 * x + 1] = g;
        row[3 * x + 2] = b;
    }
}

/// Keeps the sentence and gives the status.
static inline codec_status failed(codec_status status, const char *sentence, char *message, size_t message_size) {
    snprintf(message, message_size, "%s", sentence);
    return status;
}

static const char *const stopped_sentence = "the decoding was stopped";
static const char *const truncated_sentence = "the bytes end before the image does";
static const char *const exhausted_sentence = "decoding needs more working memory than there is";
