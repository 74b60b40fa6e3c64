// Channels and pixels that go to other places, and pixels made of neighbours.
#include "arrange.h"

#include <stdbool.h>
#include <string.h>

/// y = Σ weight · x[place · step ..], `count` numbers of each.
static inline void blend(const float *x, size_t step, const int32_t *places, const float *weights, size_t width,
                         size_t count, float *y) {
    const float *first = x + (size_t)places[0] * step;
    if (width == 1 && weights[0] == 1) {
        for (size_t i = 0; i < count; i++) y[i] = first[i];
        return;
    }
    for (size_t i = 0; i < count; i++) y[i] = weights[0] * first[i];
    for (size_t t = 1; t < width; t++) {
        const float weight = weights[t];
        if (weight == 0) continue;
        const float *source = x + (size_t)places[t] * step;
        for (size_t i = 0; i < count; i++) y[i] += weight * source[i];
    }
}

/// Whether two results along an axis are made of the same.
static bool repeats(kernel_taps taps, size_t result) {
    const size_t last = (result - 1) * taps.width, own = result * taps.width;
    const size_t width = taps.width;
    return memcmp(taps.places + own, taps.places + last, width * sizeof *taps.places) == 0
        && memcmp(taps.weights + own, taps.weights + last, width * sizeof *taps.weights) == 0;
}

void kernel_resize(const float *x, size_t width, size_t lanes, kernel_taps rows, kernel_taps columns, float *scratch,
                   float *y) {
    const size_t row = width * lanes, result = columns.count * lanes;
    for (size_t r = 0; r < rows.count; r++, y += result) {
        if (r > 0 && repeats(rows, r)) {
            memcpy(y, y - result, result * sizeof *y);
            continue;
        }
        const int32_t *places = rows.places + r * rows.width;
        const float *weights = rows.weights + r * rows.width;
        const float *source = x + (size_t)places[0] * row;
        if (rows.width > 1 || weights[0] != 1) {
            blend(x, row, places, weights, rows.width, row, scratch);
            source = scratch;
        }
        for (size_t c = 0; c < columns.count; c++) {
            const int32_t *place = columns.places + c * columns.width;
            const float *weight = columns.weights + c * columns.width;
            // The number of lanes is written out so that the compiler knows it.
            if (lanes == 16) blend(source, 16, place, weight, columns.width, 16, y + c * 16);
            else blend(source, lanes, place, weight, columns.width, lanes, y + c * lanes);
        }
    }
}

void kernel_depth_to_space(const float *x, size_t lanes, kernel_cells cells, float *y) {
    for (size_t i = 0; i < cells.output_height; i++) {
        const float *row = x + i % cells.cell_height * cells.cell_width * cells.phase_stride
            + i / cells.cell_height * cells.width * lanes;
        for (size_t phase = 0; phase < cells.cell_width; phase++) {
            const float *source = row + phase * cells.phase_stride;
            for (size_t j = phase; j < cells.output_width; j += cells.cell_width, source += lanes) {
                float *target = y + (i * cells.output_width + j) * lanes;
                if (lanes == 16) memcpy(target, source, 16 * sizeof *y);
                else memcpy(target, source, lanes * sizeof *y);
            }
        }
    }
}
