#pragma once

#include "blocked.h"

// The geometry of a convolution's scratch: the input rows of a part with their padding, so that tiles need no bounds.

/// Rows and columns that a part reads, padding included, as they lie in the scratch. Columns of one remainder by the
/// stride lie together, so that neighbouring pixels of the output are always neighbours in the input.
typedef struct {
    /// Whether the input can be read where it is.
    bool is_direct;
    size_t rows;
    /// Rows from one tap's to the next one's, which are fewer than in the image where taps are so far apart that there are
    /// rows between them that no tap of the part needs.
    size_t tap_rows;
    /// Remainders of columns, and the columns of each.
    size_t phases, columns;
    /// Floats from row to row and from channel block (planar: channel) to channel block.
    size_t row_stride, block_stride;
} kernel_band;

kernel_band kernel_conv_band(const kernel_conv_geometry *conv, size_t count);

/// Floats of a band in the scratch.
size_t kernel_band_floats(const kernel_conv_geometry *conv, const kernel_band *band);

/// How many stretches a part with so many rows makes its sums in: 1, unless there are so few pixels that a panel's
/// weights are used up as fast as they can be fetched. All pixels then take turns at one stretch of the weights, which
/// stays near, while the next one comes. The sums between two stretches are as they were.
size_t kernel_conv_stretches(const kernel_conv_geometry *conv, size_t count);

/// The places of the taps in a band, in floats; returns how many there are.
size_t kernel_conv_taps(const kernel_conv_geometry *conv, const kernel_band *band, ptrdiff_t *taps);

/// The most rows of `count` that a depthwise convolution copies at once.
size_t kernel_depthwise_rows(const kernel_conv_geometry *conv, size_t count);

/// The panels of one group.
static inline size_t kernel_group_panels(const kernel_conv_geometry *conv) { return (conv->output_blocks + 1) / 2; }
