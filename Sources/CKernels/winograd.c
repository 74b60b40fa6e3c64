#include "winograd_task.h"

#include "isa.h"

#include <string.h>

typedef double lanes[16];

static size_t ceiling(size_t count, size_t unit) { return (count + unit - 1) / unit; }

kernel_winograd_form kernel_winograd_form_of(kernel_winograd_algorithm algorithm) {
    static const kernel_winograd_form forms[kernel_winograd_algorithms] = {
        [kernel_winograd_2x2_3x3] = {2, 2, 3, 3, 16}, [kernel_winograd_4x4_3x3] = {4, 4, 3, 3, 36},
        [kernel_winograd_6x6_3x3] = {6, 6, 3, 3, 64}, [kernel_winograd_2x2_5x5] = {2, 2, 5, 5, 36},
        [kernel_winograd_4x4_5x5] = {4, 4, 5, 5, 64}, [kernel_winograd_1x4_1x3] = {1, 4, 1, 3, 6},
        [kernel_winograd_4x1_3x1] = {4, 1, 3, 1, 6},  [kernel_winograd_1x4_1x7] = {1, 4, 1, 7, 10},
        [kernel_winograd_4x1_7x1] = {4, 1, 7, 1, 10},
    };
    return forms[algorithm];
}

// MARK: Weights

size_t kernel_winograd_weights(kernel_winograd_algorithm algorithm, size_t in_channels, size_t out_channels) {
    return kernel_winograd_form_of(algorithm).elements * ceiling(out_channels, 16) * ceiling(in_channels, 16) * 256;
}

static const double *pairs_of(size_t points) {
    switch (points) {
    case 4: return winograd_points_4;
    case 6: return winograd_points_6;
    case 8: return winograd_points_8;
    default: return winograd_points_10;
    }
}

/// G of one axis, points × taps: the row of p is p^k over the product of its distances to the other points, that of ∞
/// is 0 … 0 1. An axis of one point is left alone.
static void filter_matrix(size_t points, size_t taps, double g[winograd_max_points][winograd_max_points]) {
    const double *pairs = pairs_of(points);
    double at[winograd_max_points] = {0};
    for (size_t p = 1; p + 1 < points; p++) at[p] = p % 2 ? pairs[(p - 1) / 2] : -pairs[(p - 1) / 2];
    for (size_t p = 0; p + 1 < points; p++) {
        double power = 1;
        for (size_t q = 0; q + 1 < points; q++) power /= q == p ? 1 : at[p] - at[q];
        for (size_t k = 0; k < taps; k++, power *= at[p]) g[p][k] = power;
    }
    for (size_t k = 0; k < taps; k++) g[points - 1][k] = k + 1 == taps;
}

/// out[p][c] = Σ g[p][k] · in[k][c] for sixteen filters at once.
static void transform_filters(const double g[winograd_max_points][winograd_max_points], size_t points, size_t taps,
                              size_t columns, const lanes *in, lanes *out) {
    for (size_t p = 0; p < points; p++) {
        for (size_t c = 0; c < columns; c++) {
            lanes sum = {0};
            for (size_t k = 0; k < taps; k++) {
                for (size_t i = 0; i < 16; i++) sum[i] += g[p][k] * in[k * columns + c][i];
            }
            memcpy(out[p * columns + c], sum, sizeof sum);
        }
    }
}

static void transpose(size_t rows, size_t columns, const lanes *in, lanes *out) {
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < columns; c++) memcpy(out[c * rows + r], in[r * columns + c], sizeof(lanes));
    }
}

void kernel_winograd_pack(kernel_winograd_algorithm algorithm, size_t in_channels, size_t out_channels, size_t block,
                          const float *weight, float *packed) {
    const kernel_winograd_form form = kernel_winograd_form_of(algorithm);
    const size_t high = form.tile_height + form.taps_height - 1, wide = form.tile_width + form.taps_width - 1;
    const size_t taps = form.taps_height * form.taps_width, rows = ceiling(in_channels, 16) * 16;
    const size_t first = block * 16, lanes_used = out_channels - first < 16 ? out_channels - first : 16;
    double down[winograd_max_points][winograd_max_points], across[winograd_max_points][winograd_max_points];
    filter_matrix(high, form.taps_height, down);
    filter_matrix(wide, form.taps_width, across);
    lanes a[64] = {{0}}, b[64] = {{0}};
    for (size_t in = 0; in < rows; in++) {
        memset(a, 0, sizeof a);
        for (size_t i = 0; in < in_channels && i < lanes_used; i++) {
            const float *filter = weight + ((first + i) * in_channels + in) * taps;
            for (size_t k = 0; k < taps; k++) a[k][i] = (double)filter[k];
        }
        transform_filters(down, high, form.taps_height, form.taps_width, a, b);
        transpose(high, form.taps_width, b, a);
        transform_filters(across, wide, form.taps_width, high, a, b);
        transpose(wide, high, b, a);
        for (size_t e = 0; e < form.elements; e++) {
            float *to = packed + ((e * ceiling(out_channels, 16) + block) * rows + in) * 16;
            for (size_t i = 0; i < 16; i++) to[i] = (float)a[e][i];
        }
    }
}

// MARK: Tasks

static size_t tiles_of(const kernel_winograd_shape *shape) {
    const kernel_winograd_form form = kernel_winograd_form_of(shape->algorithm);
    return ceiling(shape->out_height, form.tile_height) * ceiling(shape->out_width, form.tile_width);
}

void kernel_winograd_count(const kernel_winograd_shape *shape, size_t items, kernel_winograd_cut *cut) {
    const size_t elements = kernel_winograd_form_of(shape->algorithm).elements;
    const size_t in_blocks = ceiling(shape->in_channels, 16);
    cut->tasks = ceiling(items * tiles_of(shape), cut->tiles) * ceiling(ceiling(shape->out_channels, 16), cut->blocks);
    cut->scratch = elements * ((in_blocks + cut->blocks) * cut->tiles * 16 + 32);
}

kernel_winograd_cut kernel_winograd_cut_for(const kernel_winograd_shape *shape, size_t items, size_t threads) {
    const size_t elements = kernel_winograd_form_of(shape->algorithm).elements, all = items * tiles_of(shape);
    const size_t in_blocks = ceiling(shape->in_channels, 16), out_blocks = ceiling(shape->out_channels, 16);
    // One or two register tiles of pixels, as L2 allows, unless it's the weights that must come from further away.
    const size_t fitting = (768 << 10) / (elements * (in_blocks + out_blocks) * 64);
    const bool are_weights_far = elements * in_blocks * out_blocks * 1024 > 4 << 20;
    const size_t most = are_weights_far ? 32 : fitting < 14 ? 14 : fitting > 28 ? 28 : fitting;
    const size_t parts = ceiling(all, most);
    size_t groups = 1;
    while (parts * groups * 10 < ceiling(parts * groups, threads) * threads * 9 && groups * 2 < out_blocks) groups++;
    kernel_winograd_cut cut = {.tiles = ceiling(all, parts), .blocks = ceiling(ceiling(out_blocks, groups), 2) * 2};
    if (cut.blocks > out_blocks) cut.blocks = out_blocks;
    kernel_winograd_count(shape, items, &cut);
    return cut;
}

void kernel_winograd_run(const kernel_winograd_shape *shape, size_t items, const kernel_winograd_cut *cut,
                         const kernel_winograd_call *call, size_t task, float *scratch) {
    const size_t all = items * tiles_of(shape), parts = ceiling(all, cut->tiles);
    const size_t first_tile = task % parts * cut->tiles, first_block = task / parts * cut->blocks;
    winograd_task work = {
        .shape = shape, .call = call, .form = kernel_winograd_form_of(shape->algorithm), .scratch = scratch,
        .first_tile = first_tile, .first_block = first_block, .tiles_per_item = tiles_of(shape),
        .tiles = all - first_tile < cut->tiles ? all - first_tile : cut->tiles,
        .in_blocks = ceiling(shape->in_channels, 16), .out_blocks = ceiling(shape->out_channels, 16),
    };
    work.tiles_across = ceiling(shape->out_width, work.form.tile_width);
    const size_t left = work.out_blocks - first_block;
    work.blocks = left < cut->blocks ? left : cut->blocks;
#if defined(__x86_64__)
    if (kernel_chosen() == &kernel_avx512) return winograd_run_avx512(&work);
    if (kernel_chosen() == &kernel_avx2) return winograd_run_avx2(&work);
#endif
    winograd_run_portable(&work);
}
