// Walks through recurrent layers alone and on several threads that come late, share slices and sometimes do not come, and
// compares everything with loops in double precision. Every walk must give the bits of the walk on one thread with each
// sequence alone. The shared memory starts as NaN, so that nothing unwritten is used; every array ends where its memory
// ends, so that under the sanitizers nothing beyond it is touched.
#define _GNU_SOURCE
#include "recurrent.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures, cases;

static float noise(void) { return (float)(rand() % 2001 - 1000) / 1000.0f; }

static float *floats(size_t count, float value) {
    float *memory = NULL;
    if (posix_memalign((void **)&memory, 64, count * sizeof(float) + !count) != 0) exit(2);
    for (size_t i = 0; i < count; i++) memory[i] = value;
    return memory;
}

static float *noisy(size_t count, float scale) {
    float *memory = floats(count, 0);
    for (size_t i = 0; i < count; i++) memory[i] = noise() * scale;
    return memory;
}

typedef struct {
    kernel_cell cell;
    size_t units, outputs, inputs, count, slices, most_steps;
    bool is_reverse;
} layer;

typedef struct {
    size_t gates, blocks, output_blocks, state;
    float *input, *input_bias, *first, *second, *bias;
    float *packed_input, *packed_input_bias, *packed_first, *packed_second, *packed_bias;
    size_t steps[kernel_most_sequences];
    float *inputs[kernel_most_sequences], *begin[kernel_most_sequences];
} arrays;

static size_t blocks_of(size_t count) { return (count + 15) / 16; }

/// Packs `gates` gates of a matrix whose rows are gate by gate.
static float *packed(const float *matrix, size_t units, size_t gates, size_t columns) {
    const size_t blocks = blocks_of(units);
    size_t *rows = malloc(blocks * gates * 16 * sizeof *rows);
    for (size_t i = 0; i < blocks * gates * 16; i++) {
        const size_t unit = i / 16 / gates * 16 + i % 16;
        rows[i] = unit < units ? i / 16 % gates * units + unit : SIZE_MAX;
    }
    float *target = floats(blocks * gates * 16 * columns, NAN);
    kernel_pack_rows(matrix, columns, rows, blocks * gates, target);
    free(rows);
    return target;
}

static bool is_second(const layer *l) { return l->cell == kernel_gru_early || l->outputs != l->units; }

static arrays make(const layer *l) {
    const bool is_early = l->cell == kernel_gru_early;
    arrays a = {
        .gates = kernel_recurrent_gates(l->cell),
        .blocks = blocks_of(l->units),
        .output_blocks = blocks_of(l->outputs),
        .state = l->outputs + (l->cell == kernel_lstm ? l->units : 0),
    };
    const size_t first = is_early ? 2 : a.gates;
    const float scale = 1.5f / sqrtf((float)l->units);
    a.input = noisy(a.gates * l->units * l->inputs, 1 / sqrtf((float)l->inputs));
    a.packed_input = packed(a.input, l->units, a.gates, l->inputs);
    a.input_bias = noisy(a.gates * l->units, 1);
    a.packed_input_bias = packed(a.input_bias, l->units, a.gates, 1);
    a.first = noisy(first * l->units * l->outputs, scale);
    a.packed_first = packed(a.first, l->units, first, l->outputs);
    if (is_second(l)) {
        a.second = noisy(l->outputs * l->units, scale);
        a.packed_second = packed(a.second, l->outputs, 1, l->units);
    }
    if (l->cell == kernel_gru) {
        a.bias = noisy(3 * l->units, 1);
        memset(a.bias, 0, 2 * l->units * sizeof(float));
        a.packed_bias = packed(a.bias, l->units, 3, 1);
    }
    for (size_t r = 0; r < l->count; r++) {
        a.steps[r] = r == 1 ? 1 : (size_t)rand() % l->most_steps + 1;
        // Single steps lie one behind the other, as a batch of them does.
        a.inputs[r] = l->most_steps > 1 ? noisy(a.steps[r] * l->inputs, 1)
                      : r > 0           ? a.inputs[0] + r * l->inputs
                                        : noisy(l->count * l->inputs, 1);
        a.begin[r] = noisy(a.state, 1);
    }
    return a;
}

static void release(const layer *l, arrays *a) {
    for (size_t r = 0; r < l->count; r++) {
        if (r == 0 || l->most_steps > 1) free(a->inputs[r]);
        free(a->begin[r]);
    }
    free(a->input), free(a->input_bias), free(a->packed_input), free(a->packed_input_bias);
    free(a->first), free(a->second), free(a->bias), free(a->packed_first), free(a->packed_second), free(a->packed_bias);
}

// MARK: The formulas

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static double product(const float *matrix, size_t row, size_t columns, const double *vector) {
    double sum = 0;
    for (size_t i = 0; i < columns; i++) sum += (double)matrix[row * columns + i] * vector[i];
    return sum;
}

static double input(const layer *l, const arrays *a, size_t r, size_t t, size_t row) {
    double sum = (double)a->input_bias[row];
    for (size_t i = 0; i < l->inputs; i++)
        sum += (double)a->input[row * l->inputs + i] * (double)a->inputs[r][t * l->inputs + i];
    return sum;
}

/// The outputs of a sequence, steps × outputs, and its state.
static void expect(const layer *l, const arrays *a, size_t r, double *outputs, double *state) {
    const size_t n = l->units, h_count = l->outputs;
    double *made = calloc(n, sizeof *made), *reset = calloc(n, sizeof *reset), *next = calloc(h_count, sizeof *next);
    for (size_t i = 0; i < a->state; i++) state[i] = (double)a->begin[r][i];
    double *h = state, *c = state + h_count;
    for (size_t step = 0; step < a->steps[r]; step++) {
        const size_t t = l->is_reverse ? a->steps[r] - 1 - step : step;
#define SUM(gate) (input(l, a, r, t, (gate) * n + u) + product(a->first, (gate) * n + u, h_count, h))
        for (size_t u = 0; l->cell == kernel_gru_early && u < n; u++) reset[u] = sigmoid(SUM(0)) * h[u];
        for (size_t u = 0; u < n; u++) {
            switch (l->cell) {
                case kernel_rnn: made[u] = tanh(SUM(0)); break;
                case kernel_rnn_relu: made[u] = fmax(SUM(0), 0); break;
                case kernel_lstm:
                    c[u] = sigmoid(SUM(1)) * c[u] + sigmoid(SUM(0)) * tanh(SUM(2));
                    made[u] = sigmoid(SUM(3)) * tanh(c[u]);
                    break;
                case kernel_gru: {
                    const double under = product(a->first, 2 * n + u, h_count, h) + (double)a->bias[2 * n + u];
                    const double candidate = tanh(input(l, a, r, t, 2 * n + u) + sigmoid(SUM(0)) * under);
                    made[u] = (1 - sigmoid(SUM(1))) * candidate + sigmoid(SUM(1)) * h[u];
                    break;
                }
                case kernel_gru_early: {
                    const double candidate = tanh(input(l, a, r, t, 2 * n + u) + product(a->second, u, n, reset));
                    made[u] = (1 - sigmoid(SUM(1))) * candidate + sigmoid(SUM(1)) * h[u];
                    break;
                }
            }
        }
        const bool is_projected = l->cell == kernel_lstm && l->outputs != l->units;
        for (size_t i = 0; i < h_count; i++) next[i] = is_projected ? product(a->second, i, n, made) : made[i];
        memcpy(h, next, h_count * sizeof *h);
        memcpy(outputs + t * h_count, h, h_count * sizeof *h);
    }
    free(made), free(reset), free(next);
}

// MARK: Walks

typedef struct {
    const kernel_recurrence *recurrence;
    size_t slice;
    unsigned delay;
} visit;

static void *walk(void *argument) {
    const visit *v = argument;
    if (v->delay) usleep(v->delay);
    float *scratch = floats(kernel_recurrent_scratch, NAN);
    kernel_recurrent(v->recurrence, v->slice, scratch);
    free(scratch);
    return NULL;
}

/// Runs some sequences on some threads; outputs and states lie behind each other, sequence by sequence.
static void run(const layer *l, const arrays *a, size_t first, size_t count, size_t threads, float **outputs,
                float **states) {
    kernel_sequence sequences[kernel_most_sequences];
    for (size_t i = 0; i < count; i++) {
        const size_t r = first + i;
        outputs[r] = floats(a->steps[r] * l->outputs, NAN);
        states[r] = floats(a->state, NAN);
        memcpy(states[r], a->begin[r], a->state * sizeof(float));
        sequences[i] = (kernel_sequence){a->steps[r], a->inputs[r], outputs[r], states[r]};
    }
    size_t steps = 0;
    for (size_t i = 0; i < count; i++) steps = a->steps[first + i] > steps ? a->steps[first + i] : steps;
    float *shared = floats(kernel_recurrent_shared(l->cell, l->units, l->outputs, steps, count), NAN);
    kernel_recurrent_begin(shared);
    const kernel_recurrence recurrence = {
        .cell = l->cell,
        .is_reverse = l->is_reverse,
        .units = l->units,
        .outputs = l->outputs,
        .inputs = l->inputs,
        .input_weight = a->packed_input,
        .input_bias = a->packed_input_bias,
        .weight = a->packed_first,
        .second = a->packed_second,
        .bias = a->packed_bias,
        .output_stride = l->outputs,
        .sequences = sequences,
        .count = count,
        .slices = threads == 1 ? 1 : l->slices,
        .shared = shared,
    };
    pthread_t handles[8];
    visit visits[8];
    for (size_t t = 0; t < threads; t++) {
        visits[t] = (visit){&recurrence, t % recurrence.slices, t % 3 == 2 ? 60 : 0};
        if (pthread_create(&handles[t], NULL, walk, &visits[t]) != 0) exit(2);
    }
    for (size_t t = 0; t < threads; t++) pthread_join(handles[t], NULL);
    free(shared);
}

static void compare(const layer *l, const arrays *a, size_t r, const float *outputs, const float *state) {
    double *expected = calloc(a->steps[r] * l->outputs, sizeof *expected), *end = calloc(a->state, sizeof *end);
    expect(l, a, r, expected, end);
    double worst = 0;
    for (size_t i = 0; i < a->steps[r] * l->outputs; i++) worst = fmax(worst, fabs((double)outputs[i] - expected[i]));
    for (size_t i = 0; i < a->state; i++) worst = fmax(worst, fabs((double)state[i] - end[i]));
    if (!(worst < 2e-5)) {
        failures++;
        printf("cell %d, %zu units, %zu outputs, sequence %zu: off by %g\n", l->cell, l->units, l->outputs, r, worst);
    }
    free(expected), free(end);
}

static void check(layer l) {
    cases++;
    arrays a = make(&l);
    float *alone[kernel_most_sequences], *alone_states[kernel_most_sequences];
    for (size_t r = 0; r < l.count; r++) {
        run(&l, &a, r, 1, 1, alone, alone_states);
        compare(&l, &a, r, alone[r], alone_states[r]);
    }
    for (size_t threads = 1; threads <= 4; threads++) {
        float *outputs[kernel_most_sequences], *states[kernel_most_sequences];
        run(&l, &a, 0, l.count, threads, outputs, states);
        for (size_t r = 0; r < l.count; r++) {
            if (memcmp(outputs[r], alone[r], a.steps[r] * l.outputs * sizeof(float)) != 0
                || memcmp(states[r], alone_states[r], a.state * sizeof(float)) != 0) {
                failures++;
                printf("cell %d, %zu units, sequence %zu of %zu: other bits on %zu threads\n", l.cell, l.units, r,
                       l.count, threads);
            }
            free(outputs[r]), free(states[r]);
        }
    }
    for (size_t r = 0; r < l.count; r++) free(alone[r]), free(alone_states[r]);
    release(&l, &a);
}

int main(void) {
    const size_t sizes[] = {1, 15, 16, 17, 70, 130}, counts[] = {1, 2, 3, 5, 7, 13, 32};
    const size_t inputs[] = {1, 3, 16, 41}, most_steps[] = {1, 6, 2 * kernel_most_ahead + 5};
    for (kernel_cell cell = kernel_rnn; cell <= kernel_gru_early; cell++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                const size_t n = sizes[s];
                layer l = {
                    .cell = cell,
                    .units = n,
                    .outputs = n,
                    .inputs = inputs[(s + c) % 4],
                    .count = counts[c],
                    .slices = 1 + (s + c) % 5,
                    .most_steps = most_steps[(s + 2 * c) % 3],
                    .is_reverse = c % 2 == 1,
                };
                check(l);
                if (cell != kernel_lstm || n == 1) continue;
                l.outputs = n / 2;
                check(l);
            }
        }
    }
    printf("recurrent: %d cases, %d failures\n", cases, failures);
    return failures > 0;
}
