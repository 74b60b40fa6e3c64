// Compares every Winograd algorithm with a naive convolution in double precision over a table of shapes, and checks
// that neither the cut into tasks, nor their order, nor the batch changes a bit. Built with the sanitizers; the
// instruction set is the one MARTLET_ISA names. Every buffer is allocated exactly, so that a float too many is caught.
#include "kernels.h"
#include "winograd.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 0x5EED1E55;

/// Normally distributed; the sum of twelve uniform numbers is near enough.
static float normal(void) {
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        state = state * 6364136223846793005 + 1442695040888963407;
        sum += (double)(state >> 11) * 0x1p-53;
    }
    return (float)sum;
}

static float *floats(size_t count) {
    float *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!memory) abort();
    return memory;
}

typedef struct {
    size_t in, out, height, width, pad;
    bool has_bias, has_residual;
    float lower, upper;
} row;

static const row rows[] = {
    { 16,  16,  1,  1, 1, false, false, -INFINITY, INFINITY},
    {  3,  20,  2,  5, 1, true,  false, 0, INFINITY},
    { 17,  33,  5,  2, 2, true,  true,  0, 6},
    { 32,  48,  7,  7, 1, true,  true,  0, INFINITY},
    { 40,  64, 13,  7, 0, false, true,  -INFINITY, INFINITY},
    { 64,  32, 14, 14, 3, true,  false, -1, 1},
    { 16,  96, 28, 13, 2, true,  true,  0, INFINITY},
    {128, 100,  9, 28, 1, true,  false, -INFINITY, INFINITY},
    {512,  16,  8, 14, 1, false, false, -INFINITY, INFINITY},
};

static size_t blocks(size_t channels) { return (channels + 15) / 16; }

/// items × blocks × pixels × 16 normal numbers, rectified if asked; channels behind the last are 0.
static float *activations(size_t items, size_t channels, size_t pixels, bool is_rectified) {
    float *x = floats(items * blocks(channels) * pixels * 16);
    for (size_t i = 0; i < items * blocks(channels) * pixels * 16; i++) {
        const size_t channel = i / (pixels * 16) % blocks(channels) * 16 + i % 16;
        const float value = normal();
        x[i] = channel >= channels || (is_rectified && value < 0) ? 0 : value;
    }
    return x;
}

typedef struct {
    kernel_winograd_shape shape;
    const float *x, *weight, *bias, *residual;
    float lower, upper;
} problem;

/// Before the clamp.
static double expected(const problem *p, size_t item, size_t out, size_t y, size_t x) {
    const kernel_winograd_shape *s = &p->shape;
    const kernel_winograd_form form = kernel_winograd_form_of(s->algorithm);
    const size_t pixels = s->height * s->width, at = (y * s->out_width + x) * 16 + out % 16;
    double sum = p->bias ? (double)p->bias[out] : 0;
    for (size_t i = 0; i < form.taps_height; i++) {
        for (size_t j = 0; j < form.taps_width; j++) {
            const size_t row = y + i - s->pad_top, column = x + j - s->pad_left;
            if (row >= s->height || column >= s->width) continue; // below 0 wraps
            const float *pixel = p->x + (item * blocks(s->in_channels) * pixels + row * s->width + column) * 16;
            const float *taps = p->weight + out * s->in_channels * form.taps_height * form.taps_width;
            for (size_t c = 0; c < s->in_channels; c++)
                sum += (double)pixel[c / 16 * pixels * 16 + c % 16]
                       * (double)taps[(c * form.taps_height + i) * form.taps_width + j];
        }
    }
    if (p->residual)
        sum += (double)p->residual[(item * blocks(s->out_channels) + out / 16) * s->out_height * s->out_width * 16 + at];
    return sum;
}

/// Runs all tasks, from the last to the first if asked, into a new buffer.
static float *run(const problem *p, size_t items, const float *packed, kernel_winograd_cut cut, bool backwards) {
    const kernel_winograd_shape *s = &p->shape;
    const size_t in = s->height * s->width * 16, out = s->out_height * s->out_width * 16;
    float *y = floats(items * blocks(s->out_channels) * out), *scratch = floats(cut.scratch);
    memset(y, 0xFF, items * blocks(s->out_channels) * out * sizeof *y);
    memset(scratch, 0xFF, cut.scratch * sizeof *scratch);
    const kernel_winograd_call call = {
        .input = {(float *)p->x, in, blocks(s->in_channels) * in},
        .output = {y, out, blocks(s->out_channels) * out},
        .residual = {(float *)p->residual, out, blocks(s->out_channels) * out},
        .weights = packed, .bias = p->bias, .lower = p->lower, .upper = p->upper,
    };
    for (size_t i = 0; i < cut.tasks; i++)
        kernel_winograd_run(s, items, &cut, &call, backwards ? cut.tasks - 1 - i : i, scratch);
    free(scratch);
    return y;
}

static void fail(const char *what, kernel_winograd_algorithm algorithm, const row *r) {
    fprintf(stderr, "algorithm %d, %zu to %zu channels, %zu × %zu, pad %zu: %s\n", (int)algorithm, r->in, r->out,
            r->height, r->width, r->pad, what);
    exit(1);
}

/// The largest error relative to the largest output before the clamp.
static double compare(const problem *p, size_t items, const float *y) {
    const kernel_winograd_shape *s = &p->shape;
    const size_t pixels = s->out_height * s->out_width;
    double worst = 0, largest = 0;
    for (size_t i = 0; i < items * blocks(s->out_channels) * pixels * 16; i++) {
        const size_t item = i / (blocks(s->out_channels) * pixels * 16);
        const size_t out = i / (pixels * 16) % blocks(s->out_channels) * 16 + i % 16, at = i / 16 % pixels;
        const double want = out < s->out_channels ? expected(p, item, out, at / s->out_width, at % s->out_width) : 0;
        const double error = fabs((double)y[i] - fmin(fmax(want, (double)p->lower), (double)p->upper));
        worst = error <= worst ? worst : error; // NaN stays
        largest = fmax(largest, fabs(want));
    }
    return worst / largest;
}

static double check(kernel_winograd_algorithm algorithm, const row *r) {
    const kernel_winograd_form form = kernel_winograd_form_of(algorithm);
    const size_t taps = form.taps_height * form.taps_width, items = 2;
    problem p = {.lower = r->lower, .upper = r->upper};
    p.shape = (kernel_winograd_shape){
        .algorithm = algorithm, .in_channels = r->in, .out_channels = r->out, .height = r->height, .width = r->width,
        .pad_top = form.taps_height > 1 ? r->pad : 0, .pad_left = form.taps_width > 1 ? r->pad : 0,
    };
    const size_t high = r->height + 2 * p.shape.pad_top, wide = r->width + 2 * p.shape.pad_left;
    if (high < form.taps_height || wide < form.taps_width) return 0;
    p.shape.out_height = high - form.taps_height + 1, p.shape.out_width = wide - form.taps_width + 1;
    const size_t pixels = p.shape.out_height * p.shape.out_width;

    float *x = activations(items, r->in, r->height * r->width, true);
    float *residual = r->has_residual ? activations(items, r->out, pixels, false) : NULL;
    float *bias = r->has_bias ? activations(1, r->out, 1, false) : NULL;
    float *weight = floats(r->out * r->in * taps);
    for (size_t i = 0; i < r->out * r->in * taps; i++) weight[i] = normal() / sqrtf((float)(r->in * taps) / 2);
    float *packed = floats(kernel_winograd_weights(algorithm, r->in, r->out));
    for (size_t b = blocks(r->out); b-- > 0;) kernel_winograd_pack(algorithm, r->in, r->out, b, weight, packed);
    p.x = x, p.residual = residual, p.bias = bias, p.weight = weight;

    const size_t bytes = blocks(r->out) * pixels * 16 * sizeof(float);
    float *y = run(&p, items, packed, kernel_winograd_cut_for(&p.shape, items, 1), false);
    const double error = compare(&p, items, y);
    for (size_t tiles = 1; tiles <= 64; tiles = tiles * 2 + 3) {
        kernel_winograd_cut cut = {.tiles = tiles, .blocks = 1 + tiles % 4};
        kernel_winograd_count(&p.shape, items, &cut);
        float *other = run(&p, items, packed, cut, true);
        if (memcmp(y, other, items * bytes) != 0) fail("the cut changes bits", algorithm, r);
        free(other);
    }
    float *alone = run(&p, 1, packed, kernel_winograd_cut_for(&p.shape, 1, 2), true);
    if (memcmp(y, alone, bytes) != 0) fail("the batch changes bits", algorithm, r);
    free(alone), free(y), free(packed), free(weight), free(bias), free(residual), free(x);
    return error;
}

int main(void) {
    static const struct { const char *name; double bound; } algorithms[kernel_winograd_algorithms] = {
        [kernel_winograd_2x2_3x3] = {"2x2, 3x3", 1e-6}, [kernel_winograd_4x4_3x3] = {"4x4, 3x3", 3e-6},
        [kernel_winograd_6x6_3x3] = {"6x6, 3x3", 2e-5}, [kernel_winograd_2x2_5x5] = {"2x2, 5x5", 3e-6},
        [kernel_winograd_4x4_5x5] = {"4x4, 5x5", 2e-5}, [kernel_winograd_1x4_1x3] = {"1x4, 1x3", 2e-6},
        [kernel_winograd_4x1_3x1] = {"4x1, 3x1", 2e-6}, [kernel_winograd_1x4_1x7] = {"1x4, 1x7", 1e-5},
        [kernel_winograd_4x1_7x1] = {"4x1, 7x1", 1e-5},
    };
    for (kernel_winograd_algorithm a = 0; a < kernel_winograd_algorithms; a++) {
        double worst = 0;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            const double error = check(a, &rows[i]);
            if (!(error <= algorithms[a].bound)) {
                fprintf(stderr, "error %g, allowed %g\n", error, algorithms[a].bound);
                fail("too inexact", a, &rows[i]);
            }
            worst = fmax(worst, error);
        }
        printf("%-8s F(%s) largest error %.2g\n", kernel_isa(), algorithms[a].name, worst);
    }
}
