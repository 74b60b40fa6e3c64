#include "walk.h"

#include "isa.h"
#include "pause.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

// A walk is a row of turns: the first readies the states, one or two for each step compute it, the last hands the states
// back. Every turn has a task for each slice, and begins when all tasks of the turn before are done. Threads take the
// tasks of the turn that is on, each its own slice first, whose weights lie in its cache, then those that nobody has
// taken: so a thread that the system has not woken, or has put to sleep, leaves its slice to the others.

#define SPINS 4000

/// The head of the shared memory; a cache line for whatever different threads write.
typedef struct {
    /// Tasks that are done.
    _Alignas(64) _Atomic size_t done;
    struct {
        /// Turns whose task in this slice was taken.
        _Alignas(64) _Atomic size_t taken;
    } slices[kernel_most_slices];
} walk_progress;

enum { progress_floats = sizeof(walk_progress) / sizeof(float) };

void kernel_pack_rows(const float *matrix, size_t columns, const size_t *rows, size_t blocks, float *packed) {
    for (size_t b = 0; b < blocks; b++, rows += 16) {
        for (size_t i = 0; i < columns; i++) {
            for (size_t l = 0; l < 16; l++) *packed++ = rows[l] == SIZE_MAX ? 0 : matrix[rows[l] * columns + i];
        }
    }
}

size_t kernel_recurrent_gates(kernel_cell cell) {
    switch (cell) {
        case kernel_rnn:
        case kernel_rnn_relu: return 1;
        case kernel_lstm: return 4;
        case kernel_gru:
        case kernel_gru_early: return 3;
    }
}

static size_t blocks_of(size_t count) { return (count + 15) / 16; }

/// Whole blocks, and one more so that the rows of large powers of two do not compete for the same cache lines.
static size_t stride_of(size_t count) { return (blocks_of(count) + 1) * 16; }

/// Floats of the input products of a step.
static size_t width_of(kernel_cell cell, size_t units) { return blocks_of(units) * kernel_recurrent_gates(cell) * 16; }

static size_t ahead_of(size_t steps) { return steps < kernel_most_ahead ? steps : kernel_most_ahead; }

size_t kernel_recurrent_shared(kernel_cell cell, size_t units, size_t outputs, size_t steps, size_t count) {
    const size_t of_units = cell == kernel_lstm || cell == kernel_gru_early ? 2 : 0;
    const size_t states = 2 * stride_of(outputs) + of_units * stride_of(units);
    return progress_floats + (states + ahead_of(steps) * width_of(cell, units)) * count;
}

void kernel_recurrent_begin(float *shared) {
    walk_progress *progress = (walk_progress *)(void *)shared;
    atomic_init(&progress->done, 0);
    for (size_t slice = 0; slice < kernel_most_slices; slice++) atomic_init(&progress->slices[slice].taken, 0);
}

void kernel_recurrent(const kernel_recurrence *recurrence, size_t slice, float *scratch) {
    kernel_chosen()->recurrent(recurrence, slice, scratch);
}

kernel_slice kernel_slice_of(size_t blocks, size_t slice, size_t slices) {
    return (kernel_slice){blocks * slice / slices, blocks * (slice + 1) / slices};
}

static kernel_walk walk_of(const kernel_recurrence *layer) {
    kernel_walk w = {
        .layer = layer,
        .active = layer->count,
        .unit_blocks = blocks_of(layer->units),
        .output_blocks = blocks_of(layer->outputs),
        .p_gates = kernel_recurrent_gates(layer->cell),
        .h_stride = stride_of(layer->outputs),
        .u_stride = stride_of(layer->units),
    };
    for (size_t i = 0; i < layer->count; i++) {
        size_t place = i;
        for (; place > 0 && w.rows[place - 1].steps < layer->sequences[i].steps; place--)
            w.rows[place] = w.rows[place - 1];
        w.rows[place] = layer->sequences[i];
    }
    w.ahead = ahead_of(w.rows[0].steps);
    w.hidden[0] = layer->shared + progress_floats;
    w.hidden[1] = w.hidden[0] + layer->count * w.h_stride;
    w.products = w.hidden[1] + layer->count * w.h_stride;
    // An LSTM has a cell state, an early GRU update gates, and only these two have something between two products.
    w.cell = w.update = w.products + layer->count * w.ahead * width_of(layer->cell, layer->units);
    w.between = w.cell + layer->count * w.u_stride;
    return w;
}

/// Copies a slice of a row of numbers into blocks whose rest is zeros, or back.
static void copy_slice(float *blocks, float *numbers, size_t count, kernel_slice part, bool is_back) {
    const size_t first = part.first * 16, end = part.end * 16 < count ? part.end * 16 : count;
    if (first >= end) return;
    if (is_back) {
        memcpy(numbers + first, blocks + first, (end - first) * sizeof(float));
        return;
    }
    memset(blocks + first, 0, (part.end * 16 - first) * sizeof(float));
    memcpy(blocks + first, numbers + first, (end - first) * sizeof(float));
}

/// Copies a slice of the states in before the first step, or out after each sequence's last.
static void copy_states(const kernel_walk *w, size_t slice, bool is_back) {
    const kernel_recurrence *layer = w->layer;
    for (size_t r = 0; r < layer->count; r++) {
        float *hidden = w->hidden[is_back ? w->rows[r].steps % 2 : 0] + r * w->h_stride, *state = w->rows[r].state;
        copy_slice(hidden, state, layer->outputs, kernel_slice_of(w->output_blocks, slice, layer->slices), is_back);
        if (layer->cell == kernel_lstm) {
            copy_slice(w->cell + r * w->u_stride, state + layer->outputs, layer->units,
                       kernel_slice_of(w->unit_blocks, slice, layer->slices), is_back);
        }
    }
}

/// Takes a task of a turn, the preferred slice before others; `kernel_most_slices` when all are taken.
static size_t take_slice(walk_progress *progress, size_t turn, size_t preferred, size_t slices) {
    for (size_t i = 0; i < slices; i++) {
        const size_t slice = (preferred + i) % slices;
        size_t taken = atomic_load_explicit(&progress->slices[slice].taken, memory_order_relaxed);
        if (taken == turn && atomic_compare_exchange_strong(&progress->slices[slice].taken, &taken, turn + 1))
            return slice;
    }
    return kernel_most_slices;
}

void kernel_walk_through(const kernel_recurrence *layer, size_t preferred, kernel_walk_stage *stage, float *scratch) {
    walk_progress *progress = (walk_progress *)(void *)layer->shared;
    kernel_walk w = walk_of(layer);
    const size_t stages = layer->second ? 2 : 1, last = 1 + w.rows[0].steps * stages;
    size_t turn, spins = 0;
    while ((turn = atomic_load_explicit(&progress->done, memory_order_acquire) / layer->slices) <= last) {
        const size_t slice = take_slice(progress, turn, preferred, layer->slices);
        if (slice == kernel_most_slices) {
            if (++spins % SPINS == 0)
                sched_yield();
            else
                pause_briefly();
            continue;
        }
        if (turn == 0 || turn == last) {
            copy_states(&w, slice, turn == last);
        } else {
            const size_t step = (turn - 1) / stages;
            while (w.rows[w.active - 1].steps <= step) w.active--;
            stage(&w, step, (turn - 1) % stages, slice, scratch);
        }
        spins = 0;
        atomic_fetch_add_explicit(&progress->done, 1, memory_order_release);
    }
}
