// Plain kernels of operations on arrays of any rank: what networks of other frameworks are made of beside convolutions
// and products.
//
// An item is one call, or a part of one, on one thread; sums are in double precision and in one order. No kernel
// allocates. Sizes and places are checked by the caller.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The most axes that windows slide along.
enum { kernel_most_axes = 3 };

// MARK: Elementwise (elementwise.c)

/// A function of one to three numbers, with constants `alpha` and `beta` where it has some.
typedef enum {
    kernel_function_abs, kernel_function_acos, kernel_function_acosh, kernel_function_asin, kernel_function_asinh,
    kernel_function_atan, kernel_function_atanh, kernel_function_ceil, kernel_function_celu, kernel_function_cos,
    kernel_function_cosh, kernel_function_elu, kernel_function_erf, kernel_function_exp, kernel_function_floor,
    kernel_function_gelu, kernel_function_gelu_tanh, kernel_function_hard_sigmoid, kernel_function_hard_swish,
    kernel_function_identity, kernel_function_is_inf, kernel_function_is_nan, kernel_function_leaky_relu,
    kernel_function_log, kernel_function_mish, kernel_function_negate, kernel_function_not,
    kernel_function_reciprocal, kernel_function_relu, kernel_function_round, kernel_function_selu,
    kernel_function_shrink, kernel_function_sigmoid, kernel_function_sign, kernel_function_silu, kernel_function_sin,
    kernel_function_sinh, kernel_function_softplus, kernel_function_softsign, kernel_function_sqrt,
    kernel_function_swish, kernel_function_tan, kernel_function_tanh, kernel_function_thresholded_relu,
    kernel_function_to_bool, kernel_function_to_half, kernel_function_to_bfloat, kernel_function_to_small,
    kernel_function_truncate,
    kernel_function_add, kernel_function_and, kernel_function_divide, kernel_function_divide_integers,
    kernel_function_equal, kernel_function_greater, kernel_function_greater_or_equal, kernel_function_less,
    kernel_function_less_or_equal, kernel_function_max, kernel_function_mean, kernel_function_min,
    kernel_function_modulo, kernel_function_fmod, kernel_function_multiply, kernel_function_or,
    kernel_function_power, kernel_function_prelu, kernel_function_subtract, kernel_function_xor,
    kernel_function_clip, kernel_function_where, kernel_function_quantize,
} kernel_function;

/// y[i] = function(a[i · a_step], b[i · b_step], c[i · c_step]); steps are 0 or 1. What a function does not take may be
/// any address. `y` may be an operand whose step is 1.
void kernel_elementwise(kernel_function function, const float *_Nonnull a, size_t a_step, const float *_Nonnull b,
                        size_t b_step, const float *_Nonnull c, size_t c_step, float alpha, float beta,
                        float *_Nonnull y, size_t count);

// MARK: Along an axis (along.c): x is outer × count × inner

typedef enum {
    kernel_reduce_sum, kernel_reduce_mean, kernel_reduce_product, kernel_reduce_max, kernel_reduce_min,
    kernel_reduce_l1, kernel_reduce_l2, kernel_reduce_sum_square, kernel_reduce_log_sum, kernel_reduce_log_sum_exp,
    kernel_reduce_arg_max, kernel_reduce_arg_min, kernel_reduce_arg_max_last, kernel_reduce_arg_min_last,
} kernel_reduction;

/// y[outer × inner], one outer after the other.
void kernel_reduce(kernel_reduction kind, const float *_Nonnull x, size_t outer, size_t count, size_t inner,
                   float *_Nonnull y);

typedef enum { kernel_softmax_plain, kernel_softmax_log, kernel_softmax_hard } kernel_softmax_kind;

/// Softmax, its logarithm, or 1 for the first of the largest and 0 for the others; y may be x.
void kernel_softmax_along(kernel_softmax_kind kind, const float *_Nonnull x, size_t outer, size_t count, size_t inner,
                          float *_Nonnull y);

/// Running sums; `exclusive` leaves the element itself out, `reverse` begins at the end. y may not be x.
void kernel_cumulate(const float *_Nonnull x, size_t outer, size_t count, size_t inner, bool exclusive, bool reverse,
                     bool product, float *_Nonnull y);

/// y[i] = Σ weights[i][t] · x[taps[i][t]]; `width` taps for each of `results` places.
void kernel_resample_along(const float *_Nonnull x, size_t outer, size_t count, size_t inner,
                           const int32_t *_Nonnull taps, const float *_Nonnull weights, size_t width, size_t results,
                           float *_Nonnull y);

/// The mean and 1/√(variance + ε), or for `is_rms` 0 and 1/√(mean square + ε), of `count` numbers.
void kernel_moments(const float *_Nonnull x, size_t count, float epsilon, bool is_rms, float *_Nonnull mean,
                    float *_Nonnull inverse);

/// y[i] = Σ over `size` channels around i: x_i / (k + alpha · Σ x²)^beta, of channels × pixels.
void kernel_response_norm(const float *_Nonnull x, size_t channels, size_t pixels, size_t size, float alpha, float beta,
                          float k, float *_Nonnull y);

// MARK: Windows along up to three axes (windows.c)

/// Sizes along each axis; those that are not there are 1, with steps 1 and pads 0.
typedef struct {
    size_t input[kernel_most_axes];
    size_t output[kernel_most_axes];
    size_t window[kernel_most_axes];
    size_t stride[kernel_most_axes];
    size_t dilation[kernel_most_axes];
    size_t pad[kernel_most_axes];
    /// The pad behind, up to which an average counts zeros.
    size_t pad_end[kernel_most_axes];
} kernel_slide;

/// y = one output channel: the window over `channels` input channels times `weight`, channels × window, plus bias.
void kernel_convolve_plain(const float *_Nonnull x, size_t channels, kernel_slide slide, const float *_Nonnull weight,
                           float bias, float *_Nonnull y);
/// y = one output channel of the transposed convolution; `weight` of an input channel is `weight_step` floats on.
/// `input` and `output` are those of the transposed convolution, pads are cut off from its result.
void kernel_deconvolve_plain(const float *_Nonnull x, size_t channels, kernel_slide slide,
                             const float *_Nonnull weight, size_t weight_step, float bias, float *_Nonnull y);

typedef enum {
    kernel_window_max, kernel_window_average, kernel_window_average_inside, kernel_window_lp,
} kernel_window_kind;

/// One channel; `p` is the norm's. `indices` may be null, else the flat place of each maximum in the input, rows first
/// or, with `columns_first`, columns first.
void kernel_pool_plain(kernel_window_kind kind, float p, const float *_Nonnull x, kernel_slide slide,
                       float *_Nullable y, float *_Nullable indices, bool columns_first);

// MARK: Images at any places (sampling.c)

typedef enum { kernel_sample_nearest, kernel_sample_linear, kernel_sample_cubic } kernel_sample_kind;
/// What is outside of an image: zeros, its border, or its mirror image.
typedef enum { kernel_outside_zeros, kernel_outside_border, kernel_outside_reflection } kernel_outside;

/// How an image of up to three axes is sampled; of those that are not there the first extents are 1.
typedef struct {
    size_t extents[kernel_most_axes];
    /// How many axes there are: 1 to 3.
    size_t axes;
    kernel_sample_kind kind;
    kernel_outside outside;
    /// Whether -1 and 1 are the middles of the first and the last number, not their outer edges.
    bool aligns_corners;
} kernel_sampling;

/// y[i] = the image `x` at `grid[i]`, `axes` coordinates from -1 to 1 of which the last axis' comes first.
void kernel_sample_grid(const float *_Nonnull x, kernel_sampling sampling, const float *_Nonnull grid, size_t points,
                        float *_Nonnull y);

// MARK: Boxes (boxes.c)

/// What non-maximum suppression is to keep.
typedef struct {
    /// At most so many boxes.
    size_t limit;
    /// Boxes that overlap a better one by more than this part of their union are dropped.
    float overlap;
    /// Boxes must have more than this, where `has_threshold` is set.
    float threshold;
    bool has_threshold;
    /// Boxes are centre, width and height; else two corners, y before x.
    bool is_centred;
} kernel_suppression;

/// Writes the places of the best boxes of `count`, best first, to `kept`, which has room for `limit`, and returns how
/// many there are. Of equal scores the lower place comes first. scratch: `count` floats.
size_t kernel_suppress(const float *_Nonnull boxes, const float *_Nonnull scores, size_t count,
                       kernel_suppression rule, float *_Nonnull kept, float *_Nonnull scratch);

// MARK: Recurrences and the first of many (sequential.c)

/// One direction of a recurrent layer with everything that ONNX lets it have.
typedef struct {
    /// 0 RNN, 1 LSTM, 2 GRU.
    int cell;
    size_t steps, inputs, hidden;
    bool is_reverse, linear_before_reset, couples_input_forget;
    /// Functions of the gates as `kernel_function`, and their constants.
    kernel_function functions[3];
    float alphas[3], betas[3];
    /// The bound of what goes into the functions; 0 for none.
    float clip;
} kernel_plain_recurrence;

/// x: steps rows `x_stride` apart; w: gates·hidden × inputs; r: gates·hidden × hidden; b: 2·gates·hidden or null;
/// p: 3·hidden or null. h and c are the states, changed in place. y: steps rows `y_stride` apart, or null. `steps` of
/// the layer are walked, `valid` of them count and the others give zeros. scratch: (2·gates + 1)·hidden floats.
void kernel_recurrent_plain(const kernel_plain_recurrence *_Nonnull layer, size_t valid, const float *_Nonnull x,
                            size_t x_stride, const float *_Nonnull w, const float *_Nonnull r,
                            const float *_Nullable b, const float *_Nullable p, float *_Nonnull h, float *_Nonnull c,
                            float *_Nullable y, size_t y_stride, float *_Nonnull scratch);

/// The `k` largest (or smallest) of `count` numbers `step` apart, in order, equal ones by their place; values and
/// indices are written `step` apart too. taken: `count` floats of scratch.
void kernel_top(const float *_Nonnull x, size_t count, size_t step, size_t k, bool largest, float *_Nonnull values,
                float *_Nonnull indices, float *_Nonnull taken);
