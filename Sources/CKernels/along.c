// Reductions, softmax, running sums and resampling along one axis.
#include "general.h"

#include <math.h>
#include <string.h>

static double reduce_arg(kernel_reduction kind, const float *x, size_t count, size_t step) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++) {
        const float value = x[i * step], known = x[best * step];
        const bool wins = kind == kernel_reduce_arg_max        ? value > known
                          : kind == kernel_reduce_arg_min      ? value < known
                          : kind == kernel_reduce_arg_max_last ? value >= known
                                                               : value <= known;
        if (wins) best = i;
    }
    return (double)best;
}

static double reduce_extreme(kernel_reduction kind, const float *x, size_t count, size_t step) {
    float best = x[0];
    for (size_t i = 1; i < count; i++) {
        const float value = x[i * step];
        if (kind == kernel_reduce_max ? value > best || value != value : value < best || value != value) best = value;
    }
    return best;
}

static double reduce_sum(kernel_reduction kind, const float *x, size_t count, size_t step) {
    double sum = kind == kernel_reduce_product ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        const double value = x[i * step];
        switch (kind) {
        case kernel_reduce_product: sum *= value; break;
        case kernel_reduce_l1: sum += fabs(value); break;
        case kernel_reduce_l2:
        case kernel_reduce_sum_square: sum += value * value; break;
        default: sum += value;
        }
    }
    switch (kind) {
    case kernel_reduce_mean: return sum / (double)count;
    case kernel_reduce_l2: return sqrt(sum);
    case kernel_reduce_log_sum: return log(sum);
    default: return sum;
    }
}

static double reduce_log_sum_exp(const float *x, size_t count, size_t step) {
    const double most = reduce_extreme(kernel_reduce_max, x, count, step);
    if (isinf(most)) return most;
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += exp(x[i * step] - most);
    return log(sum) + most;
}

void kernel_reduce(kernel_reduction kind, const float *x, size_t outer, size_t count, size_t inner, float *y) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            const float *row = x + o * count * inner + i;
            double result;
            switch (kind) {
            case kernel_reduce_arg_max:
            case kernel_reduce_arg_min:
            case kernel_reduce_arg_max_last:
            case kernel_reduce_arg_min_last: result = reduce_arg(kind, row, count, inner); break;
            case kernel_reduce_max:
            case kernel_reduce_min: result = reduce_extreme(kind, row, count, inner); break;
            case kernel_reduce_log_sum_exp: result = reduce_log_sum_exp(row, count, inner); break;
            default: result = reduce_sum(kind, row, count, inner);
            }
            y[o * inner + i] = (float)result;
        }
    }
}

void kernel_softmax_along(kernel_softmax_kind kind, const float *x, size_t outer, size_t count, size_t inner,
                          float *y) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            const float *row = x + o * count * inner + i;
            float *result = y + o * count * inner + i;
            if (kind == kernel_softmax_hard) {
                const size_t best = (size_t)reduce_arg(kernel_reduce_arg_max, row, count, inner);
                for (size_t n = 0; n < count; n++) result[n * inner] = n == best;
                continue;
            }
            const float most = (float)reduce_extreme(kernel_reduce_max, row, count, inner);
            double sum = 0;
            if (kind == kernel_softmax_log) {
                for (size_t n = 0; n < count; n++) sum += exp((double)row[n * inner] - most);
                const double shift = log(sum) + most;
                for (size_t n = 0; n < count; n++) result[n * inner] = (float)(row[n * inner] - shift);
                continue;
            }
            for (size_t n = 0; n < count; n++) {
                const float value = expf(row[n * inner] - most);
                sum += value;
                result[n * inner] = value;
            }
            for (size_t n = 0; n < count; n++) result[n * inner] = (float)(result[n * inner] / sum);
        }
    }
}

void kernel_cumulate(const float *x, size_t outer, size_t count, size_t inner, bool exclusive, bool reverse,
                     bool product, float *y) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t i = 0; i < inner; i++) {
            double total = product ? 1 : 0;
            for (size_t n = 0; n < count; n++) {
                const size_t place = (o * count + (reverse ? count - 1 - n : n)) * inner + i;
                const double before = total;
                total = product ? total * x[place] : total + x[place];
                y[place] = (float)(exclusive ? before : total);
            }
        }
    }
}

void kernel_resample_along(const float *x, size_t outer, size_t count, size_t inner, const int32_t *taps,
                           const float *weights, size_t width, size_t results, float *y) {
    for (size_t o = 0; o < outer; o++) {
        for (size_t r = 0; r < results; r++) {
            float *row = y + (o * results + r) * inner;
            memset(row, 0, inner * sizeof *row);
            for (size_t t = 0; t < width; t++) {
                const float weight = weights[r * width + t];
                if (weight == 0) continue;
                const float *source = x + (o * count + (size_t)taps[r * width + t]) * inner;
                for (size_t i = 0; i < inner; i++) row[i] += weight * source[i];
            }
        }
    }
}

void kernel_moments(const float *x, size_t count, float epsilon, bool is_rms, float *mean, float *inverse) {
    double sum = 0;
    if (!is_rms) {
        for (size_t i = 0; i < count; i++) sum += x[i];
    }
    const double middle = sum / (double)count;
    double squares = 0;
    for (size_t i = 0; i < count; i++) squares += (x[i] - middle) * (x[i] - middle);
    *mean = (float)middle;
    *inverse = (float)(1 / sqrt(squares / (double)count + epsilon));
}

void kernel_response_norm(const float *x, size_t channels, size_t pixels, size_t size, float alpha, float beta, float k,
                          float *y) {
    for (size_t c = 0; c < channels; c++) {
        const size_t before = (size - 1) / 2, behind = size - 1 - before;
        const size_t first = c > before ? c - before : 0;
        const size_t last = c + behind < channels ? c + behind : channels - 1;
        for (size_t p = 0; p < pixels; p++) {
            double sum = 0;
            for (size_t j = first; j <= last; j++) sum += (double)x[j * pixels + p] * x[j * pixels + p];
            y[c * pixels + p] = (float)(x[c * pixels + p] / pow(k + alpha * sum, beta));
        }
    }
}
