// The templates on blocked images, compiled once for each instruction set, and the choice between them.
#include "blocked.h"
#include "convolve.h"
#include "isa.h"

#include <math.h>
#include <string.h>

// Every rounding is written down: with contraction left to the compiler, two tiles could round the same sum
// differently.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

// 28 accumulators, two weights and two inputs fill the 32 registers.
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), apply_to = function)
#define ISA(name) name##_avx512
#define BLOCKED_TABLE kernel_blocked_avx512
#define HAS_FMA 1
#define MOST_PIXELS 14
#define TILE_BLOCKS 2
#define GROUPED_PIXELS 8
/// y[i] = x[lanes[i]] by one shuffle; of lanes that it knows, the compiler would make two.
#define PERMUTE(y, x, lanes)                                                                                         \
    do {                                                                                                             \
        __asm__("" : "+v"(lanes));                                                                                   \
        (y) = __builtin_ia32_permvarsf512(x, lanes);                                                                 \
    } while (0)
#include "blocked.inc"
#pragma clang attribute pop

// A block is two registers: 12 accumulators of 16.
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ISA(name) name##_avx2
#define BLOCKED_TABLE kernel_blocked_avx2
#define HAS_FMA 1
#define MOST_PIXELS 6
#define TILE_BLOCKS 1
#define GROUPED_PIXELS 4
#include "blocked.inc"
#pragma clang attribute pop

#endif

// A block is four registers; NEON has 32 of them, SSE 16.
#define ISA(name) name##_portable
#define BLOCKED_TABLE kernel_blocked_portable
#if defined(__aarch64__)
#define HAS_FMA 1
#define MOST_PIXELS 6
#define GROUPED_PIXELS 4
#else
#define HAS_FMA 0
#define MOST_PIXELS 2
#define GROUPED_PIXELS 2
#endif
#define TILE_BLOCKS 1
#include "blocked.inc"

static const kernel_blocked_table *chosen(void) { return kernel_chosen()->blocked; }

void kernel_conv_run(const kernel_conv *conv, kernel_part part, float *scratch) {
    chosen()->conv(conv, part, scratch);
}

size_t kernel_fc_scratch(size_t rows, size_t panels) { return rows * (1024 + panels * kernel_panel); }

void kernel_fc_run(const kernel_fc *fc, size_t first_panel, size_t panels, float *scratch) {
    chosen()->fc(fc, first_panel, panels, scratch);
}

void kernel_pool_block(const float *x, kernel_image image, kernel_window window, kernel_pool_kind kind, size_t first,
                       size_t count, float *y) {
    chosen()->pool(x, image, window, kind, first, count, y);
}

void kernel_average_block(const float *x, kernel_image image, float *y) { chosen()->average(x, image, y); }

void kernel_affine_block(const float *x, size_t pixels, const float *scale, const float *shift,
                         kernel_activation activation, float *y) {
    chosen()->affine(x, pixels, scale, shift, activation, y);
}

void kernel_gate_block(const float *x, size_t pixels, const float *gate, float *y) {
    chosen()->gate(x, pixels, gate, y);
}

void kernel_add_block(const float *a, const float *b, size_t count, kernel_activation activation, float *y) {
    chosen()->add(a, b, count, activation, y);
}

void kernel_norm_blocks(const float *x, size_t x_stride, size_t channels, size_t first, size_t count, size_t size,
                        float alpha, float beta, float k, float *y, size_t y_stride) {
    chosen()->norm(x, x_stride, channels, first, count, size, alpha, beta, k, y, y_stride);
}

void kernel_channel_norm_blocks(const float *x, size_t x_stride, size_t channels, size_t first, size_t count,
                                const float *weight, const float *bias, float epsilon, float *y, size_t y_stride) {
    chosen()->channel_norm(x, x_stride, channels, first, count, weight, bias, epsilon, y, y_stride);
}

float kernel_multiply_adds(size_t count) { return chosen()->multiply_adds(count); }
