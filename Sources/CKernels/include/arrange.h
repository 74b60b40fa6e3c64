// Channels and pixels that go to other places, and pixels made of neighbours (arrange.c).
#pragma once

#include <stddef.h>
#include <stdint.h>

/// What each of `count` places along an axis is made of: `width` places and their weights.
typedef struct {
    const int32_t *_Nonnull places;
    const float *_Nonnull weights;
    size_t width, count;
} kernel_taps;

/// An image of `width` pixels a row, each of `lanes` numbers (1 or 16), at another size, rows first, columns then.
/// `scratch` holds a row of it. A result does not depend on the number of lanes.
void kernel_resize(const float *_Nonnull x, size_t width, size_t lanes, kernel_taps rows, kernel_taps columns,
                   float *_Nonnull scratch, float *_Nonnull y);

/// The places of images whose pixels are dealt out to the channels of smaller ones.
typedef struct {
    /// Of a cell.
    size_t cell_height, cell_width;
    /// Of a row of the small images, in pixels.
    size_t width;
    /// Of the large image.
    size_t output_height, output_width;
    /// From the image of one pixel of the cells to the next, in floats.
    size_t phase_stride;
} kernel_cells;

/// y[i, j] = x[phase (i % cell_height, j % cell_width)][i / cell_height, j / cell_width], pixels of `lanes` numbers.
void kernel_depth_to_space(const float *_Nonnull x, size_t lanes, kernel_cells cells, float *_Nonnull y);
