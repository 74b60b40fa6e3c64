#include "kernels.h"

#include <math.h>
#include <string.h>

void kernel_embedding(const float *tokens, size_t stride, size_t steps, const float *table, size_t size,
                      size_t features, float *y) {
    for (size_t t = 0; t < steps; t++, y += features) {
        float token = tokens[t * stride];
        bool is_token = token >= 0 && (double)token < (double)size && token == truncf(token);
        if (is_token) {
            memcpy(y, table + (size_t)token * features, features * sizeof(float));
        } else {
            for (size_t i = 0; i < features; i++) y[i] = NAN;
        }
    }
}

void kernel_mean_steps(const float *x, size_t steps, size_t features, float *y) {
    for (size_t i = 0; i < features; i++) {
        double total = 0;
        for (size_t t = 0; t < steps; t++) total += (double)x[t * features + i];
        y[i] = (float)(total / (double)steps);
    }
}

void kernel_max_steps(const float *x, size_t steps, size_t features, float *y) {
    memcpy(y, x, features * sizeof(float));
    for (size_t t = 1; t < steps; t++) {
        for (size_t i = 0; i < features; i++) {
            float value = x[t * features + i];
            if (value > y[i] || value != value) y[i] = value;
        }
    }
}
