#pragma once

#include "winograd.h"

enum {
    /// The most tiles in one task.
    winograd_max_tiles = 64,
    /// Blocks of input channels in one partial sum: the transforms amplify the rounding of long sums.
    winograd_chunk = 4,
    /// The most points of one axis.
    winograd_max_points = 10,
    winograd_max_pairs = (winograd_max_points - 2) / 2,
};

/// The interpolation points of an axis that makes `points` products: 0, ∞ and ±a for each of (points − 2)/2 numbers a.
/// Products are in the order 0, +a₀, −a₀, +a₁, −a₁, …, ∞.
static const double winograd_points_4[winograd_max_pairs] = {1};
static const double winograd_points_6[winograd_max_pairs] = {0.70710678118654752440, 1.41421356237309504880};
static const double winograd_points_8[winograd_max_pairs] = {1, 2, 0.5};
static const double winograd_points_10[winograd_max_pairs] = {0.4, 0.8, 1.25, 2.5};

/// One task, with its numbers worked out.
typedef struct {
    const kernel_winograd_shape *shape;
    const kernel_winograd_call *call;
    kernel_winograd_form form;
    size_t tiles_across, tiles_per_item;
    /// The tiles and output blocks of this task, and all blocks.
    size_t first_tile, tiles, first_block, blocks, in_blocks, out_blocks;
    float *scratch;
} winograd_task;

void winograd_run_portable(const winograd_task *task);
#if defined(__x86_64__)
void winograd_run_avx2(const winograd_task *task);
void winograd_run_avx512(const winograd_task *task);
#endif
