// Images sampled at any places.
#include "general.h"

#include <math.h>

/// A place mirrored at the ends of a range until it is within.
static float reflected(float x, float low, float high) {
    const float range = high - low;
    if (!(range > 0)) return low;
    const float distance = x < low ? low - x : x > high ? x - high : 0;
    if (distance == 0) return x;
    const float turns = floorf(distance / range), rest = distance - turns * range;
    const bool is_even = fmodf(turns, 2) == 0;
    return (x < low) == is_even ? low + rest : high - rest;
}

/// One axis of a sampling: the places that a result is made of, -1 for those outside, and their weights.
typedef struct {
    ptrdiff_t places[4];
    float weights[4];
    size_t count;
} taps;

/// The number at a whole place; -1 where it is outside.
static ptrdiff_t inside(float place, size_t extent, kernel_outside outside, float low, float high) {
    const float last = (float)extent - 1;
    if (outside == kernel_outside_reflection) place = truncf(reflected(place, low, high));
    if (outside != kernel_outside_zeros) place = place < 0 ? 0 : place > last ? last : place;
    return place >= 0 && place <= last ? (ptrdiff_t)place : -1;
}

/// Keys' weights of the four numbers around a place, with -0.75.
static void cubic(float x, float *weights) {
    const float a = -0.75f;
    weights[0] = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a;
    weights[1] = ((a + 2) * x - (a + 3)) * x * x + 1;
    weights[2] = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1;
    weights[3] = ((a * (2 - x) - 5 * a) * (2 - x) + 8 * a) * (2 - x) - 4 * a;
}

static taps axis_taps(float coordinate, size_t extent, const kernel_sampling *s) {
    const float low = s->aligns_corners ? 0 : -0.5f, high = (float)extent + (s->aligns_corners ? -1 : -0.5f);
    float x = s->aligns_corners ? (coordinate + 1) / 2 * ((float)extent - 1)
                                : ((coordinate + 1) * (float)extent - 1) / 2;
    if (!(fabsf(x) < 1e9f)) x = x > 0 ? 1e9f : -1e9f; // also what is no number
    if (s->kind == kernel_sample_nearest) x = rintf(x);
    if (s->outside == kernel_outside_border && (x < low || x > high))
        x = x < 0 ? 0 : x > (float)extent - 1 ? (float)extent - 1 : x;
    if (s->outside == kernel_outside_reflection) x = reflected(x, low, high);
    taps t = {.count = 1, .weights = {1}};
    if (s->kind == kernel_sample_nearest) {
        t.places[0] = inside(truncf(x), extent, s->outside, low, high);
        return t;
    }
    const float first = floorf(x), rest = x - first;
    const bool is_cubic = s->kind == kernel_sample_cubic;
    t.count = is_cubic ? 4 : 2;
    for (size_t i = 0; i < t.count; i++)
        t.places[i] = inside(first + (float)i - (is_cubic ? 1 : 0), extent, s->outside, low, high);
    if (is_cubic) cubic(rest, t.weights);
    else t.weights[0] = 1 - rest, t.weights[1] = rest;
    return t;
}

void kernel_sample_grid(const float *x, kernel_sampling s, const float *grid, size_t points, float *y) {
    const size_t height = s.extents[1], width = s.extents[2];
    for (size_t point = 0; point < points; point++) {
        taps along[kernel_most_axes] = {{.count = 1, .weights = {1}}, {.count = 1, .weights = {1}}};
        for (size_t axis = 0; axis < s.axes; axis++) {
            const size_t place = kernel_most_axes - 1 - axis;
            along[place] = axis_taps(grid[point * s.axes + axis], s.extents[place], &s);
        }
        float sum = 0;
        for (size_t i = 0; i < along[0].count; i++)
            for (size_t j = 0; j < along[1].count; j++)
                for (size_t k = 0; k < along[2].count; k++) {
                    const ptrdiff_t a = along[0].places[i], b = along[1].places[j], c = along[2].places[k];
                    if (a < 0 || b < 0 || c < 0) continue;
                    const float weight = along[0].weights[i] * along[1].weights[j] * along[2].weights[k];
                    sum += weight * x[((size_t)a * height + (size_t)b) * width + (size_t)c];
                }
        y[point] = sum;
    }
}
