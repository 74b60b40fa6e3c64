#include "isa.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
static bool has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

static bool has_avx512(void) {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static const kernel_table *choose(void) {
    const char *wish = getenv("MARTLET_ISA");
    if (wish && strcmp(wish, "portable") == 0) return &kernel_portable;
    if (has_avx512() && !(wish && strcmp(wish, "avx2") == 0)) return &kernel_avx512;
    return has_avx2() ? &kernel_avx2 : &kernel_portable;
}
#else
static const kernel_table *choose(void) { return &kernel_portable; }
#endif

/// The processor's kernels. Threads that race here choose the same.
const kernel_table *kernel_chosen(void) {
    static _Atomic(const kernel_table *) chosen;
    const kernel_table *table = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!table) {
        table = choose();
        atomic_store_explicit(&chosen, table, memory_order_relaxed);
    }
    return table;
}

const char *kernel_isa(void) { return kernel_chosen()->name; }

void kernel_linear(size_t rows, size_t inputs, size_t outputs, const float *x, size_t x_stride, const float *w,
                   const float *bias, float *y, size_t y_stride) {
    kernel_chosen()->linear(rows, inputs, outputs, x, x_stride, w, bias, y, y_stride);
}

void kernel_relu(const float *x, float *y, size_t count) { kernel_chosen()->relu(x, y, count); }

void kernel_relu6(const float *x, float *y, size_t count) { kernel_chosen()->relu6(x, y, count); }

void kernel_tanh(const float *x, float *y, size_t count) { kernel_chosen()->tanh(x, y, count); }

void kernel_sigmoid(const float *x, float *y, size_t count) { kernel_chosen()->sigmoid(x, y, count); }

void kernel_hard_sigmoid(const float *x, float *y, size_t count) { kernel_chosen()->hard_sigmoid(x, y, count); }

void kernel_hard_swish(const float *x, float *y, size_t count) { kernel_chosen()->hard_swish(x, y, count); }

void kernel_silu(const float *x, float *y, size_t count) { kernel_chosen()->silu(x, y, count); }

void kernel_gelu(const float *x, float *y, size_t count) { kernel_chosen()->gelu(x, y, count); }

void kernel_gelu_tanh(const float *x, float *y, size_t count) { kernel_chosen()->gelu_tanh(x, y, count); }

void kernel_mish(const float *x, float *y, size_t count) { kernel_chosen()->mish(x, y, count); }

void kernel_add(const float *a, const float *b, float *y, size_t count) { kernel_chosen()->add(a, b, y, count); }

void kernel_scale_shift(const float *x, float *y, size_t count, float scale, float shift) {
    kernel_chosen()->scale_shift(x, y, count, scale, shift);
}

void kernel_softmax(const float *x, float *y, size_t count) { kernel_chosen()->softmax(x, y, count); }

void kernel_local_response_norm(const float *x, size_t channels, size_t pixels, size_t first, size_t count,
                                size_t size, float alpha, float beta, float k, float *y) {
    kernel_chosen()->local_response_norm(x, channels, pixels, first, count, size, alpha, beta, k, y);
}

void kernel_channel_norm(const float *x, size_t channels, size_t pixels, size_t first, size_t count,
                         const float *weight, const float *bias, float epsilon, float *y) {
    kernel_chosen()->channel_norm(x, channels, pixels, first, count, weight, bias, epsilon, y);
}
