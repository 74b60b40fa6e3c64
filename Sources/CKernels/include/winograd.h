#pragma once

// Convolution by Winograd's minimal filtering: stride 1, dilation 1, one group, any padding and size.
//
// F(m, r) makes m outputs of an r-tap filter from m + r − 1 products: y = Aᵀ[(G·g) ⊙ (Bᵀ·d)], in two dimensions with
// each matrix on both sides. Over many channels the products become m + r − 1 (squared) independent matrix products.
//
// Layout: activations are blocks of 16 channels, [channels/16][height][width][16] floats on a 64-byte boundary;
// channels behind the last are zero on input and become zero (plus the residual) on output.
// Source: Lavin and Gray 2015, arXiv:1509.09308, §4; the matrices are Toom and Cook's for the points in winograd.inc.

#include "kernels.h"

/// F(outputs, taps), height × width. With each its bound on the largest error, relative to the largest output, for
/// random weights and rectified inputs; the tests hold all instruction sets to it.
typedef enum {
    kernel_winograd_2x2_3x3, // 1e-6
    kernel_winograd_4x4_3x3, // 3e-6
    kernel_winograd_6x6_3x3, // 2e-5
    kernel_winograd_2x2_5x5, // 3e-6
    kernel_winograd_4x4_5x5, // 2e-5
    kernel_winograd_1x4_1x3, // 2e-6
    kernel_winograd_4x1_3x1, // 2e-6
    kernel_winograd_1x4_1x7, // 1e-5
    kernel_winograd_4x1_7x1, // 1e-5
    kernel_winograd_algorithms,
} kernel_winograd_algorithm;

/// What one algorithm computes: output tiles of `tile_height` × `tile_width`, filters of `taps_height` × `taps_width`,
/// `elements` products for each tile and pair of channels.
typedef struct {
    size_t tile_height, tile_width, taps_height, taps_width, elements;
} kernel_winograd_form;

kernel_winograd_form kernel_winograd_form_of(kernel_winograd_algorithm algorithm);

/// One layer. Output (y, x) is under the taps from input (y − pad_top, x − pad_left) on; inputs outside the image are 0.
typedef struct {
    kernel_winograd_algorithm algorithm;
    size_t in_channels, out_channels;
    size_t height, width, out_height, out_width;
    size_t pad_top, pad_left;
} kernel_winograd_shape;

/// Floats of the packed weights: elements · ⌈out/16⌉ · 16 · ⌈in/16⌉ · 16.
size_t kernel_winograd_weights(kernel_winograd_algorithm algorithm, size_t in_channels, size_t out_channels);

/// Transforms and packs the filters of output channels 16·block … 16·block + 15, in double precision.
///
/// - Shape: `weight` is the whole out × in × taps_height × taps_width.
/// - Layout: `packed`, on a 64-byte boundary, is [element][out/16][in][16]. Blocks may be packed at the same time.
void kernel_winograd_pack(kernel_winograd_algorithm algorithm, size_t in_channels, size_t out_channels, size_t block,
                          const float *_Nonnull weight, float *_Nonnull packed);

/// How the work on some items is cut. No result depends on it.
typedef struct {
    /// Tiles, counted through all items, that one task transforms, and blocks of 16 output channels it makes of them.
    size_t tiles, blocks;
    /// Tasks, and floats of scratch that a thread needs.
    size_t tasks, scratch;
} kernel_winograd_cut;

/// Cuts a layer so that a task's transformed tiles fit a core's L2 cache and `threads` threads have work.
kernel_winograd_cut kernel_winograd_cut_for(const kernel_winograd_shape *_Nonnull shape, size_t items, size_t threads);

/// Fills in `tasks` and `scratch` from the other numbers of a cut, of which `tiles` is at most 64.
void kernel_winograd_count(const kernel_winograd_shape *_Nonnull shape, size_t items, kernel_winograd_cut *_Nonnull cut);

/// Where activations lie: `block` floats from one block of 16 channels to the next, `item` floats between items.
typedef struct {
    float *_Nullable data;
    size_t block, item;
} kernel_winograd_tensor;

/// One convolution: output = min(max(Σ weights·input + bias + residual, lower), upper).
typedef struct {
    kernel_winograd_tensor input, output;
    /// Added before the clamp when its `data` is not null; may be the output itself.
    kernel_winograd_tensor residual;
    const float *_Nonnull weights;
    /// ⌈out/16⌉ · 16 numbers, zeros behind the last channel.
    const float *_Nullable bias;
    /// −∞ and ∞ for no activation, 0 and ∞ for ReLU, 0 and 6 for ReLU6. NaN stays.
    float lower, upper;
    /// What is done to the results behind that; null when nothing is. It keeps zeros, or there are none behind the last
    /// channel.
    kernel_vector_function _Nullable function;
} kernel_winograd_call;

/// Runs one of the `cut->tasks` tasks. Tasks are independent; each output is the same whichever cut, batch and thread
/// it is made in. `scratch` is the calling thread's own, on a 64-byte boundary.
void kernel_winograd_run(const kernel_winograd_shape *_Nonnull shape, size_t items,
                         const kernel_winograd_cut *_Nonnull cut, const kernel_winograd_call *_Nonnull call,
                         size_t task, float *_Nonnull scratch);
