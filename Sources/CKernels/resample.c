#include "resample.h"

#include "isa.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF // the weights must round as the reference's do

/// Fractional bits of a weight: 32, less 8 for the pixel and 2 for sums outside 0 … 255.
enum { precision = 22 };

static double bilinear(double x) {
    x = fabs(x);
    return x < 1 ? 1 - x : 0;
}

static double bicubic(double x) {
    const double a = -0.5;
    x = fabs(x);
    if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
    return 0;
}

static double sinc(double x) {
    if (x == 0) return 1;
    x *= 3.14159265358979323846;
    return sin(x) / x;
}

static double lanczos(double x) { return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0; }

static double value(kernel_filter filter, double x) {
    switch (filter) {
    case KERNEL_FILTER_BILINEAR: return bilinear(x);
    case KERNEL_FILTER_BICUBIC: return bicubic(x);
    case KERNEL_FILTER_LANCZOS: return lanczos(x);
    }
    __builtin_unreachable();
}

/// The distance from the centre beyond which the filter is zero, in inputs when not shrinking.
static double radius(kernel_filter filter) { return 1.0 + (double)filter; }

static double stretch(size_t from, size_t to) { return fmax((double)from / (double)to, 1); }

size_t kernel_resample_taps(kernel_filter filter, size_t from, size_t to) {
    return (size_t)ceil(radius(filter) * stretch(from, to)) * 2 + 1;
}

static int32_t fixed_point(double weight) {
    const double scaled = weight * (1 << precision);
    return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

void kernel_resample_weights(kernel_filter filter, size_t from, size_t to, size_t first, size_t count,
                             size_t *starts, size_t *counts, int32_t *weights, double *scratch) {
    const double scale = (double)from / (double)to, widening = stretch(from, to);
    const double support = radius(filter) * widening, narrowing = 1 / widening;
    const size_t taps = kernel_resample_taps(filter, from, to);
    for (size_t i = 0; i < count; i++) {
        const double centre = ((double)(first + i) + 0.5) * scale;
        const double low = centre - support + 0.5, high = centre + support + 0.5;
        const size_t start = low > 0 ? (size_t)low : 0;
        const size_t end = high < (double)from ? (size_t)high : from;
        double sum = 0;
        for (size_t x = start; x < end; x++) {
            scratch[x - start] = value(filter, ((double)x - centre + 0.5) * narrowing);
            sum += scratch[x - start];
        }
        for (size_t k = 0; k < taps; k++) {
            const double weight = k < end - start ? (sum != 0 ? scratch[k] / sum : scratch[k]) : 0;
            weights[i * taps + k] = fixed_point(weight);
        }
        starts[i] = start;
        counts[i] = end - start;
    }
}

// The template, compiled once for each instruction set

// Vectors wider than a register are passed between functions that are always inlined only.
#pragma clang diagnostic ignored "-Wpsabi"

static const int32_t half = 1 << (precision - 1);

#define TEMPLATE "resample.inc"
#include "each_isa.inc"

void kernel_resample_columns(const uint8_t *rows, size_t row_count, size_t in_width, size_t channels, size_t width,
                             size_t taps, const size_t *starts, const size_t *counts, const int32_t *weights,
                             uint8_t *out) {
    kernel_chosen()->resample->columns(rows, row_count, in_width, channels, width, taps, starts, counts, weights, out);
}

void kernel_resample_rows(const uint8_t *rows, size_t bytes, size_t stride, size_t capacity, size_t start,
                          size_t count, const int32_t *weights, uint8_t *out) {
    kernel_chosen()->resample->rows(rows, bytes, stride, capacity, start, count, weights, out);
}

void kernel_normalize(const uint8_t *pixels, size_t height, size_t width, size_t channels, const float *table,
                      bool is_mirrored, float *plane) {
    const ptrdiff_t step = is_mirrored ? -(ptrdiff_t)channels : (ptrdiff_t)channels;
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = pixels + y * width * channels + (is_mirrored ? (width - 1) * channels : 0);
        for (size_t x = 0; x < width; x++) plane[y * width + x] = table[row[(ptrdiff_t)x * step]];
    }
}
