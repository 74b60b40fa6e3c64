// Plain kernels of arrays of any rank over shapes and numbers that are made up, extremes among them: what they read and
// write is of the size that they are told, and what they give is within its bounds.
#include "general.h"
#include "kernels.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 7;

static uint32_t drawn(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static float number(void) {
    static const float extremes[] = {0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 3.4e38f, -3.4e38f, 1e-45f, 1e9f, -1e9f};
    if (drawn() % 8 == 0) return extremes[drawn() % (sizeof extremes / sizeof *extremes)];
    return (float)(int32_t)(drawn() % 4001 - 2000) / 500;
}

static float *numbers(size_t count) {
    float *values = malloc((count ? count : 1) * sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = number();
    return values;
}

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void sample(void) {
    const size_t axes = 1 + drawn() % 3, points = 1 + drawn() % 9;
    kernel_sampling s = {.extents = {1, 1, 1}, .axes = axes, .kind = drawn() % 3, .outside = drawn() % 3,
                         .aligns_corners = drawn() % 2};
    size_t count = 1;
    for (size_t axis = 0; axis < axes; axis++) count *= s.extents[2 - axis] = 1 + drawn() % 5;
    float *x = numbers(count), *grid = numbers(points * axes), *y = numbers(points);
    kernel_sample_grid(x, s, grid, points, y);
    free(x), free(grid), free(y);
}

static void suppress(void) {
    const size_t count = drawn() % 20, limit = 1 + drawn() % 20;
    const kernel_suppression rule = {.limit = limit, .overlap = number(), .threshold = number(),
                                     .has_threshold = drawn() % 2, .is_centred = drawn() % 2};
    float *boxes = numbers(4 * count), *scores = numbers(count), *kept = numbers(limit), *scratch = numbers(count);
    const size_t found = kernel_suppress(boxes, scores, count, rule, kept, scratch);
    require(found <= limit && found <= count, "more boxes than there are");
    for (size_t i = 0; i < found; i++) {
        require(kept[i] >= 0 && kept[i] < (float)count, "a box that is none");
        require(i == 0 || scores[(size_t)kept[i]] <= scores[(size_t)kept[i - 1]], "a better box behind a worse one");
    }
    free(boxes), free(scores), free(kept), free(scratch);
}

static void elementwise(void) {
    const size_t count = 1 + drawn() % 70;
    float *a = numbers(count), *b = numbers(count), *c = numbers(count), *y = numbers(count);
    const kernel_function function = drawn() % (kernel_function_quantize + 1);
    const float alpha = function == kernel_function_to_small ? (float)(drawn() % 8) : number();
    kernel_elementwise(function, a, drawn() % 2, b, drawn() % 2, c, drawn() % 2, alpha, (float)(drawn() % 2), y, count);
    free(a), free(b), free(c), free(y);
}

static double hard_swish(double x) { return x * fmin(fmax(x + 3, 0), 6) / 6; }
static double silu(double x) { return x / (1 + exp(-x)); }
static double gelu(double x) { return x * (1 + erf(x / sqrt(2))) / 2; }
static double gelu_tanh(double x) { return x / (1 + exp(-1.5957691216057308 * (x + 0.044715 * x * x * x))); }
static double mish(double x) { return x > 40 ? x : x * tanh(log1p(exp(x))); }

// The functions that are computed a vector at a time.
static void vectors(void) {
    static void (*const kernels[])(const float *, float *, size_t) = {kernel_hard_swish, kernel_silu, kernel_gelu,
                                                                      kernel_gelu_tanh, kernel_mish};
    static double (*const exact[])(double) = {hard_swish, silu, gelu, gelu_tanh, mish};
    const size_t count = drawn() % 70, which = drawn() % 5;
    float *x = numbers(count), *y = numbers(count);
    kernels[which](x, y, count);
    for (size_t i = 0; i < count; i++) {
        if (isnan(x[i])) require(isnan(y[i]), "a number where there was none");
        if (!isfinite(x[i]) || fabsf(x[i]) > 100) continue;
        require(fabs(y[i] - exact[which](x[i])) <= 1e-6 * (fabs(x[i]) + 1e-30), "a function that is another");
    }
    free(x), free(y);
}

int main(void) {
    for (int round = 0; round < 200000; round++) {
        sample();
        suppress();
        elementwise();
        vectors();
    }
    return 0;
}
