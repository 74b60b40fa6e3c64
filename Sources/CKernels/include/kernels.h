#pragma once

// Numeric kernels on rows of 32-bit floats, and the threads that run them. Sizes are checked by the caller.
// No kernel allocates, locks or keeps state; every result depends on the item's numbers and sizes alone, never on
// its neighbours, its address or the thread. The kernels on images in blocks of channels are in blocked.h and winograd.h.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// y = f(x) for `count` numbers, one by one; `y` may be `x`.
typedef void (*kernel_vector_function)(const float *_Nonnull x, float *_Nonnull y, size_t count);

// MARK: Threads (pool.c)

/// A fixed set of threads that run the tasks of one job at a time together with the calling thread.
typedef struct kernel_pool kernel_pool;

/// One task of a job: `thread` is 0 for the caller and below the pool's thread count.
typedef void (*kernel_task)(void *_Nonnull context, size_t task, size_t thread);

/// Starts `threads` − 1 threads; null when the system has no memory or thread left.
kernel_pool *_Nullable kernel_pool_create(size_t threads);

/// Runs tasks 0 ..< `tasks` and returns when all are done. One job at a time; a task must not start another.
void kernel_pool_run(kernel_pool *_Nonnull pool, size_t tasks, kernel_task _Nonnull task, void *_Nonnull context);

/// Stops and joins the threads.
void kernel_pool_destroy(kernel_pool *_Nonnull pool);

// MARK: Dispatch (dispatch.c)

/// The instruction set in use: `avx512`, `avx2` or `portable`. The best that the processor has, or the one that the
/// environment variable MARTLET_ISA names when the processor has it.
const char *_Nonnull kernel_isa(void);

// MARK: Matrix products (blas.c, vector.inc)

/// Loads OpenBLAS; null when it is there, else why it is not. Call it before `kernel_gemm`.
const char *_Nullable kernel_load_blas(void);

/// c[m×n] = a[m×k] · b[k×n] + bias[m], row-major with `ldb` and `ldc` floats from row to row.
/// OpenBLAS on this thread, or an own kernel when the product is small; which one follows from m, n and k.
void kernel_gemm(size_t m, size_t n, size_t k, const float *_Nonnull a, const float *_Nonnull b, size_t ldb,
                 const float *_Nullable bias, float *_Nonnull c, size_t ldc);

/// y[r][o] = Σ x[r][i] · w[o][i] + bias[o]. Rows are `x_stride` and `y_stride` floats apart, `w` is outputs × inputs.
/// The order of the sum is the same for every row, output and block.
void kernel_linear(size_t rows, size_t inputs, size_t outputs, const float *_Nonnull x, size_t x_stride,
                   const float *_Nonnull w, const float *_Nullable bias, float *_Nonnull y, size_t y_stride);

// MARK: Elementwise functions (vector.inc); `y` may be `x`

/// y = max(x, 0); NaN stays.
void kernel_relu(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = min(max(x, 0), 6); NaN stays.
void kernel_relu6(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = tanh(x), within 3 units in the last place.
void kernel_tanh(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = 1 / (1 + e⁻ˣ), within 4 units in the last place (absolutely within 1e-38 below x = −87).
void kernel_sigmoid(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = min(max(x + 3, 0), 6) / 6; NaN stays.
void kernel_hard_sigmoid(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = x · min(max(x + 3, 0), 6) / 6; NaN stays.
void kernel_hard_swish(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = x / (1 + e⁻ˣ), within 5 units in the last place (absolutely within 1e-35 below x = −87).
void kernel_silu(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = x · (1 + erf(x/√2)) / 2, within |x| · 2e-7 absolutely.
void kernel_gelu(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y[i] = x[i] · (1 + tanh(√(2/π)·(x[i] + 0.044715x[i]³))) / 2, within 2e-7 of |x[i]|.
void kernel_gelu_tanh(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y[i] = x[i] · tanh(ln(1 + e^x[i])), within 8 units in the last place from −87 on, and nearly 0 below.
void kernel_mish(const float *_Nonnull x, float *_Nonnull y, size_t count);
/// y = a + b; `y` may be either.
void kernel_add(const float *_Nonnull a, const float *_Nonnull b, float *_Nonnull y, size_t count);
/// y = x · scale + shift.
void kernel_scale_shift(const float *_Nonnull x, float *_Nonnull y, size_t count, float scale, float shift);
/// y = e^(x − max) / Σ e^(x − max) over one row.
void kernel_softmax(const float *_Nonnull x, float *_Nonnull y, size_t count);

// MARK: Images, channels × height × width (image.c, pooling.c, vector.inc)

/// A window that slides over an image; what lies outside of the image and its padding, as below and to the right of it
/// some may, counts for nothing.
typedef struct {
    size_t kernel_height, kernel_width, stride_height, stride_width;
    size_t pad_top, pad_left, pad_bottom, pad_right, dilation_height, dilation_width;
} kernel_window;

/// An image and the count of window positions over it.
typedef struct {
    size_t channels, height, width, output_height, output_width;
} kernel_image;

/// Copies the pixels under window positions first ..< first + count (row-major) into the columns of a matrix of
/// channels·kernel_height·kernel_width rows and `count` columns; outside the image they are 0.
void kernel_im2col(const float *_Nonnull x, kernel_image image, kernel_window window, size_t first, size_t count,
                   float *_Nonnull columns);

/// The largest value under each window position, per channel; NaN wins.
void kernel_max_pool(const float *_Nonnull x, kernel_image image, kernel_window window, float *_Nonnull y);

/// The mean under each window position. `counts_padding`: the padding (but nothing beyond it) counts as zeros.
void kernel_average_pool(const float *_Nonnull x, kernel_image image, kernel_window window, bool counts_padding,
                         float *_Nonnull y);

/// The mean over rows ⌊i·h/H⌋ ..< ⌈(i+1)·h/H⌉ and columns likewise, for each of H × W cells.
void kernel_adaptive_average_pool(const float *_Nonnull x, kernel_image image, float *_Nonnull y);

/// Every `stride`-th row and column of each channel.
void kernel_subsample(const float *_Nonnull x, kernel_image image, size_t stride, float *_Nonnull y);

/// y_c = x_c / (k + alpha · Σ x_j²)^beta over channels j within size/2 of c, for pixels first ..< first + count.
void kernel_local_response_norm(const float *_Nonnull x, size_t channels, size_t pixels, size_t first, size_t count,
                                size_t size, float alpha, float beta, float k, float *_Nonnull y);

/// y_c = (x_c − mean) / √(variance + epsilon) · weight_c + bias_c, with the mean and variance of the channels of each
/// pixel, for pixels first ..< first + count; `y` may be `x`.
void kernel_channel_norm(const float *_Nonnull x, size_t channels, size_t pixels, size_t first, size_t count,
                         const float *_Nonnull weight, const float *_Nonnull bias, float epsilon, float *_Nonnull y);

// MARK: Sequences, steps × features (sequence.c, vector.inc)

/// y[t] = table[tokens[t · stride]]; a number that is no token (negative, ≥ size, broken, NaN) gives a row of NaN.
void kernel_embedding(const float *_Nonnull tokens, size_t stride, size_t steps, const float *_Nonnull table,
                      size_t size, size_t features, float *_Nonnull y);
/// The mean over the steps of each feature.
void kernel_mean_steps(const float *_Nonnull x, size_t steps, size_t features, float *_Nonnull y);
/// The largest of each feature over the steps; NaN wins.
void kernel_max_steps(const float *_Nonnull x, size_t steps, size_t features, float *_Nonnull y);
