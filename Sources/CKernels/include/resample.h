#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Antialiased resampling of 8-bit images in Pillow's fixed point, bit for bit, and their normalisation.
// An axis of `from` pixels becomes `to` pixels; each output is a weighted sum of neighbouring inputs. Weights are
// integers with 22 fractional bits; sums are rounded to 8 bits after each axis, so the order of the axes matters.

/// The interpolating function; its support is widened by the scale when shrinking.
typedef enum {
    KERNEL_FILTER_BILINEAR = 0,
    KERNEL_FILTER_BICUBIC = 1, // a = −0.5
    KERNEL_FILTER_LANCZOS = 2, // three lobes
} kernel_filter;

/// The most inputs that one output draws on. `from` and `to` are positive.
size_t kernel_resample_taps(kernel_filter filter, size_t from, size_t to);

/// Computes the weights of the outputs first … first + count − 1 of an axis.
///
/// Output first + i is the sum of `counts[i]` inputs from `starts[i]` on, times `weights[i · taps]` and following;
/// `taps` is kernel_resample_taps(filter, from, to). `weights` holds count · taps values, `scratch` holds taps.
/// Starts never decrease, and starts[i] + counts[i] ≤ from.
void kernel_resample_weights(kernel_filter filter, size_t from, size_t to, size_t first, size_t count,
                             size_t *_Nonnull starts, size_t *_Nonnull counts, int32_t *_Nonnull weights,
                             double *_Nonnull scratch);

/// Resamples along `row_count` rows of `in_width` pixels with `channels` (1 or 3) interleaved values: `width` outputs
/// a row, weighted as above. Rows follow each other without padding, in and out.
void kernel_resample_columns(const uint8_t *_Nonnull rows, size_t row_count, size_t in_width, size_t channels,
                             size_t width, size_t taps, const size_t *_Nonnull starts,
                             const size_t *_Nonnull counts, const int32_t *_Nonnull weights,
                             uint8_t *_Nonnull out);

/// Makes one output row of `bytes` values as the weighted sum of the rows start … start + count − 1.
///
/// Row y lies at rows + (y mod capacity) · stride: a ring, or an image or a part of it when capacity is its height.
void kernel_resample_rows(const uint8_t *_Nonnull rows, size_t bytes, size_t stride, size_t capacity, size_t start,
                          size_t count, const int32_t *_Nonnull weights, uint8_t *_Nonnull out);

/// Looks the pixels of one channel up in a table of 256 values: a plane of height × width floats, row by row.
///
/// `pixels` points to the channel's first value; `channels` are interleaved. Mirrored, each row is turned around.
void kernel_normalize(const uint8_t *_Nonnull pixels, size_t height, size_t width, size_t channels,
                      const float *_Nonnull table, bool is_mirrored, float *_Nonnull plane);
