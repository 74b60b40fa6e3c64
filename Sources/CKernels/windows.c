// Convolutions and pools along up to three axes, from their definitions.
#include "general.h"

#include <math.h>
#include <string.h>

/// Where a tap is along an axis; false when it is in the padding.
static bool tap(const kernel_slide *s, int axis, size_t position, size_t index, size_t *place) {
    const size_t at = position * s->stride[axis] + index * s->dilation[axis];
    if (at < s->pad[axis] || at - s->pad[axis] >= s->input[axis]) return false;
    *place = at - s->pad[axis];
    return true;
}

void kernel_convolve_plain(const float *x, size_t channels, kernel_slide s, const float *weight, float bias, float *y) {
    const size_t plane = s.input[0] * s.input[1] * s.input[2];
    for (size_t d = 0; d < s.output[0]; d++)
        for (size_t h = 0; h < s.output[1]; h++)
            for (size_t w = 0; w < s.output[2]; w++) {
                double sum = bias;
                const float *filter = weight;
                for (size_t c = 0; c < channels; c++)
                    for (size_t i = 0; i < s.window[0]; i++)
                        for (size_t j = 0; j < s.window[1]; j++)
                            for (size_t k = 0; k < s.window[2]; k++, filter++) {
                                size_t a, b, e;
                                if (tap(&s, 0, d, i, &a) && tap(&s, 1, h, j, &b) && tap(&s, 2, w, k, &e)) {
                                    const size_t place = c * plane + (a * s.input[1] + b) * s.input[2] + e;
                                    sum += (double)x[place] * *filter;
                                }
                            }
                *y++ = (float)sum;
            }
}

/// Where a tap of a transposed convolution writes along an axis; false when that is cut off.
static bool target(const kernel_slide *s, int axis, size_t position, size_t index, size_t *place) {
    const size_t at = position * s->stride[axis] + index * s->dilation[axis];
    if (at < s->pad[axis] || at - s->pad[axis] >= s->output[axis]) return false;
    *place = at - s->pad[axis];
    return true;
}

void kernel_deconvolve_plain(const float *x, size_t channels, kernel_slide s, const float *weight, size_t weight_step,
                             float bias, float *y) {
    const size_t count = s.output[0] * s.output[1] * s.output[2];
    for (size_t i = 0; i < count; i++) y[i] = bias;
    for (size_t c = 0; c < channels; c++)
        for (size_t d = 0; d < s.input[0]; d++)
            for (size_t h = 0; h < s.input[1]; h++)
                for (size_t w = 0; w < s.input[2]; w++, x++) {
                    const float *filter = weight + c * weight_step;
                    for (size_t i = 0; i < s.window[0]; i++)
                        for (size_t j = 0; j < s.window[1]; j++)
                            for (size_t k = 0; k < s.window[2]; k++, filter++) {
                                size_t a, b, e;
                                if (target(&s, 0, d, i, &a) && target(&s, 1, h, j, &b) && target(&s, 2, w, k, &e))
                                    y[(a * s.output[1] + b) * s.output[2] + e] += *x * *filter;
                            }
                }
}

/// The zeros and the pixels that an average counts along an axis.
static size_t counted(const kernel_slide *s, int axis, size_t position) {
    const size_t limit = s->input[axis] + s->pad[axis] + s->pad_end[axis];
    size_t count = 0;
    for (size_t i = 0; i < s->window[axis]; i++)
        count += position * s->stride[axis] + i * s->dilation[axis] < limit;
    return count;
}

void kernel_pool_plain(kernel_window_kind kind, float p, const float *x, kernel_slide s, float *y, float *indices,
                       bool columns_first) {
    size_t result = 0;
    for (size_t d = 0; d < s.output[0]; d++)
        for (size_t h = 0; h < s.output[1]; h++)
            for (size_t w = 0; w < s.output[2]; w++, result++) {
                double sum = 0;
                float most = -INFINITY;
                size_t inside = 0, best[3] = {0, 0, 0};
                for (size_t i = 0; i < s.window[0]; i++)
                    for (size_t j = 0; j < s.window[1]; j++)
                        for (size_t k = 0; k < s.window[2]; k++) {
                            size_t a, b, e;
                            if (!tap(&s, 0, d, i, &a) || !tap(&s, 1, h, j, &b) || !tap(&s, 2, w, k, &e)) continue;
                            const float value = x[(a * s.input[1] + b) * s.input[2] + e];
                            if (inside == 0 || value > most || value != value) {
                                most = value;
                                best[0] = a, best[1] = b, best[2] = e;
                            }
                            sum += kind == kernel_window_lp ? pow(fabs((double)value), p) : value;
                            inside++;
                        }
                switch (kind) {
                case kernel_window_max: most = inside ? most : -INFINITY; break;
                case kernel_window_average:
                    most = (float)(sum / (double)(counted(&s, 0, d) * counted(&s, 1, h) * counted(&s, 2, w)));
                    break;
                case kernel_window_average_inside: most = inside ? (float)(sum / (double)inside) : 0; break;
                case kernel_window_lp: most = (float)pow(sum, 1 / (double)p); break;
                }
                if (y) y[result] = most;
                if (indices)
                    indices[result] =
                        columns_first ? (float)((best[2] * s.input[1] + best[1]) * s.input[0] + best[0])
                                      : (float)((best[0] * s.input[1] + best[1]) * s.input[2] + best[2]);
            }
}
