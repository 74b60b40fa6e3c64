#pragma once

#include "recurrent.h"

// How threads walk through a recurrent layer together (recurrent.c). What a stage computes is in recurrent.inc.

/// y[r][b] = W[b] · a[r] + bias[b] for some rows of numbers and blocks of a packed matrix.
typedef struct {
    const float *a;
    /// Floats from one row of `a` to the next, rows, and numbers in a row.
    size_t a_stride, rows, count;
    /// [block][count][16] and, unless there is none, [block][16].
    const float *weight;
    const float *bias;
    size_t blocks;
    float *y;
    /// Floats from one row to the next, backwards if negative, and from one block to the next.
    ptrdiff_t y_stride;
    size_t y_block_stride;
} kernel_rows_product;

/// Some blocks: first ..< end.
typedef struct {
    size_t first, end;
} kernel_slice;

/// The blocks of one of `slices` nearly equal parts.
kernel_slice kernel_slice_of(size_t blocks, size_t slice, size_t slices);

/// A thread's view of a walk.
typedef struct {
    const kernel_recurrence *layer;
    /// The longest first, so that those that still go on are the first `active` ones.
    kernel_sequence rows[kernel_most_sequences];
    size_t active;
    size_t unit_blocks, output_blocks, p_gates;
    /// Steps whose inputs are multiplied together.
    size_t ahead;
    /// Floats from one sequence to the next in what is shared, for outputs and for units.
    size_t h_stride, u_stride;
    /// The hidden state before even and before odd steps.
    float *hidden[2];
    /// W_ih·x + b of the steps ahead: [unit block][step ahead][sequence][gate][16].
    float *products;
    /// The cell state; what is multiplied second; the update gates of the early GRU.
    float *cell, *between, *update;
} kernel_walk;

/// Computes one slice of one stage of a step.
typedef void kernel_walk_stage(kernel_walk *walk, size_t step, size_t stage, size_t slice, float *scratch);

/// kernel_recurrent with an instruction set's stages.
void kernel_walk_through(const kernel_recurrence *layer, size_t slice, kernel_walk_stage *stage, float *scratch);
