// Recurrent layers in full generality, and the largest of some numbers.
#include "general.h"

#include <math.h>
#include <string.h>

static float dot(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)a[i] * b[i];
    return (float)sum;
}

static float activated(const kernel_plain_recurrence *layer, int index, float x) {
    if (layer->clip > 0) x = x < -layer->clip ? -layer->clip : x > layer->clip ? layer->clip : x;
    float y;
    kernel_elementwise(layer->functions[index], &x, 0, &x, 0, &x, 0, layer->alphas[index], layer->betas[index], &y, 1);
    return y;
}

/// h of an RNN: f(W·x + R·h + b).
static void step_rnn(const kernel_plain_recurrence *l, const float *in, const float *re, float *h) {
    for (size_t u = 0; u < l->hidden; u++) h[u] = activated(l, 0, in[u] + re[u]);
}

/// Gates i, o, f, c of an LSTM.
static void step_lstm(const kernel_plain_recurrence *l, const float *in, const float *re, const float *p, float *h,
                      float *c) {
    const size_t n = l->hidden;
    for (size_t u = 0; u < n; u++) {
        const float i = activated(l, 0, in[u] + re[u] + (p ? p[u] * c[u] : 0));
        const float f = l->couples_input_forget
                            ? 1 - i
                            : activated(l, 0, in[2 * n + u] + re[2 * n + u] + (p ? p[2 * n + u] * c[u] : 0));
        const float g = activated(l, 1, in[3 * n + u] + re[3 * n + u]);
        c[u] = f * c[u] + i * g;
        const float o = activated(l, 0, in[n + u] + re[n + u] + (p ? p[n + u] * c[u] : 0));
        kernel_plain_recurrence free = *l;
        free.clip = 0;
        h[u] = o * activated(&free, 2, c[u]);
    }
}

/// Gates z, r, h of a GRU; `next` is room for a hidden state.
static void step_gru(const kernel_plain_recurrence *l, const float *in, float *re, const float *r,
                     const float *b, float *h, float *next) {
    const size_t n = l->hidden;
    if (!l->linear_before_reset)
        for (size_t u = 0; u < n; u++) next[u] = h[u] * activated(l, 0, in[n + u] + re[n + u]);
    for (size_t u = 0; u < n; u++) {
        const float bias = b ? b[3 * n + 2 * n + u] : 0;
        const float candidate = l->linear_before_reset
                                    ? activated(l, 0, in[n + u] + re[n + u]) * re[2 * n + u]
                                    : dot(r + (2 * n + u) * n, next, n) + bias;
        re[2 * n + u] = activated(l, 1, in[2 * n + u] + candidate);
    }
    for (size_t u = 0; u < n; u++) {
        const float z = activated(l, 0, in[u] + re[u]);
        h[u] = (1 - z) * re[2 * n + u] + z * h[u];
    }
}

void kernel_recurrent_plain(const kernel_plain_recurrence *l, size_t valid, const float *x, size_t x_stride,
                            const float *w, const float *r, const float *b, const float *p, float *h, float *c,
                            float *y, size_t y_stride, float *scratch) {
    const size_t gates = l->cell == 0 ? 1 : l->cell == 1 ? 4 : 3, rows = gates * l->hidden;
    float *in = scratch, *re = scratch + rows, *next = scratch + 2 * rows;
    if (valid > l->steps) valid = l->steps;
    for (size_t t = 0; y && t < l->steps; t++)
        if (t >= valid) memset(y + t * y_stride, 0, l->hidden * sizeof *y);
    for (size_t s = 0; s < valid; s++) {
        const size_t t = l->is_reverse ? valid - 1 - s : s;
        for (size_t row = 0; row < rows; row++) {
            in[row] = dot(w + row * l->inputs, x + t * x_stride, l->inputs) + (b ? b[row] : 0);
            re[row] = dot(r + row * l->hidden, h, l->hidden) + (b ? b[rows + row] : 0);
        }
        if (l->cell == 0) step_rnn(l, in, re, h);
        else if (l->cell == 1) step_lstm(l, in, re, p, h, c);
        else step_gru(l, in, re, r, b, h, next);
        if (y) memcpy(y + t * y_stride, h, l->hidden * sizeof *h);
    }
}

void kernel_top(const float *x, size_t count, size_t step, size_t k, bool largest, float *values, float *indices,
                float *taken) {
    memset(taken, 0, count * sizeof *taken);
    for (size_t place = 0; place < k; place++) {
        size_t best = count;
        for (size_t i = 0; i < count; i++) {
            if (taken[i] != 0) continue;
            if (best == count || (largest ? x[i * step] > x[best * step] : x[i * step] < x[best * step])) best = i;
        }
        taken[best] = 1;
        values[place * step] = x[best * step];
        indices[place * step] = (float)best;
    }
}
