#pragma once

#include "kernels.h"

// Kernels on blocked images: [ceil(c/16)][h][w][16] floats, a cache line for 16 channels of a pixel, zeros in the
// channels beyond the last. A value may be part of a larger one along the channels, so the floats from one channel
// block to the next are given with every pointer. Sizes are checked by the caller; nothing allocates.
//
// Each number is one sum in one order, whatever part of the image a call computes and whatever tiles it uses.

/// Channels in a block.
enum { kernel_block = 16 };
/// Output channels whose weights lie together.
enum { kernel_panel = 32 };
/// The most taps a window may have.
enum { kernel_most_taps = 256 };

/// What happens to a number before it is stored.
typedef enum { kernel_activation_none, kernel_activation_relu, kernel_activation_relu6 } kernel_activation;

// MARK: Convolution (conv.inc, tile.inc, grouped.inc)

/// The sizes of a convolution.
typedef struct {
    /// Channels are those of all groups.
    kernel_image image;
    kernel_window window;
    size_t groups;
    /// Channel blocks that go in and come out of a group.
    size_t input_blocks, output_blocks;
    /// Channels in the last block that goes in, rounded up to a multiple of 4; zeros lie behind them.
    size_t last_lanes;
    /// Channels of the groups that share a block, each group in lanes of its own: 2, 4 or 8, as many in as out; each
    /// block then counts as a group. 0 where groups fill blocks of their own.
    size_t lane_channels;
    /// Floats from one channel block (planar: channel) of the input to the next.
    size_t input_stride;
    /// The input is planar, [c][h][w] with at most four channels; columns have stride 1, 2 or 4; one group, no dilation.
    bool is_planar;
    /// Something is done to the input first.
    bool has_scale;
    /// Every channel has a filter of its own. One block is input at a time, and panels are channel blocks.
    bool is_depthwise;
} kernel_conv_geometry;

/// One convolution over one item: y = activation(conv(x) + bias + residual).
typedef struct {
    kernel_conv_geometry geometry;
    const float *_Nonnull input;
    float *_Nonnull output;
    size_t output_stride;
    const float *_Nullable residual;
    size_t residual_stride;
    /// As kernel_pack_conv, kernel_pack_planar_conv or kernel_pack_lanes has written them.
    const float *_Nonnull weight;
    /// One for each channel that comes out, padded to whole blocks with zeros.
    const float *_Nonnull bias;
    /// What is done to the input first, y = max(x · scale + shift, 0), padded to whole blocks; null when nothing is.
    const float *_Nullable scale;
    const float *_Nullable shift;
    kernel_activation activation;
    /// What is done to the results behind that, while they are near; null when nothing is. It keeps zeros, or there are
    /// none behind the last channel.
    kernel_vector_function _Nullable function;
} kernel_conv;

/// What one task of a convolution computes: output rows (pixels when the window is 1×1 without padding) of some
/// panels; groups have panels of their own.
typedef struct {
    size_t first, count;
    size_t first_panel, panels;
} kernel_part;

/// Whether rows mean pixels in a part.
bool kernel_is_pointwise(const kernel_conv_geometry *_Nonnull conv);

/// Panels of all groups.
size_t kernel_conv_panels(const kernel_conv_geometry *_Nonnull conv);

/// Floats of scratch that a part with so many rows (or pixels) needs.
size_t kernel_conv_scratch(const kernel_conv_geometry *_Nonnull conv, size_t count);

/// Computes a part.
void kernel_conv_run(const kernel_conv *_Nonnull conv, kernel_part part, float *_Nonnull scratch);

// MARK: Packing (pack.c)

/// The weights of a convolution: outputs × inputs/groups × height × width, each output times its scale (1 when null).
typedef struct {
    const float *_Nonnull weight;
    const double *_Nullable scale;
    size_t outputs, inputs, groups, height, width;
} kernel_filters;

/// Floats that kernel_pack_conv writes when `merged` neighbouring groups become one with zeros between them.
size_t kernel_packed_conv_count(const kernel_filters *_Nonnull filters, size_t merged);
/// Packs as [group][panel][tap][input block][16][32], or [16] for a last panel of one block.
void kernel_pack_conv(const kernel_filters *_Nonnull filters, size_t merged, float *_Nonnull packed);
size_t kernel_packed_planar_conv_count(const kernel_filters *_Nonnull filters);
/// Packs as [panel][input][tap][32].
void kernel_pack_planar_conv(const kernel_filters *_Nonnull filters, float *_Nonnull packed);
size_t kernel_packed_lanes_count(const kernel_filters *_Nonnull filters);
/// Packs as [channel block][tap][input of the group][16]; as many outputs as inputs, 1 (depthwise), 2, 4 or 8 a group.
void kernel_pack_lanes(const kernel_filters *_Nonnull filters, float *_Nonnull packed);

/// Planar to blocked, zeros in the channels beyond the last.
void kernel_to_blocked(const float *_Nonnull x, size_t channels, size_t pixels, float *_Nonnull y, size_t y_stride);
/// Blocked to planar.
void kernel_to_planar(const float *_Nonnull x, size_t x_stride, size_t channels, size_t pixels, float *_Nonnull y);

// MARK: Fully connected (fc.inc)

/// Some rows times a packed matrix: y[r] = activation(W · x[r] + bias), rows `x_stride` and `y_stride` floats apart.
/// A row of x is a blocked image, or a vector of whole blocks; the weights are packed as those of a convolution whose
/// window is the image.
typedef struct {
    const float *_Nonnull x;
    size_t x_stride, rows, blocks, pixels;
    const float *_Nonnull weight;
    const float *_Nonnull bias;
    float *_Nonnull y;
    size_t y_stride, outputs;
    kernel_activation activation;
} kernel_fc;

size_t kernel_fc_scratch(size_t rows, size_t panels);
/// Computes `panels` panels of 32 outputs for all rows.
void kernel_fc_run(const kernel_fc *_Nonnull fc, size_t first_panel, size_t panels, float *_Nonnull scratch);

// MARK: Windows and channels (window.inc, channels.inc)

typedef enum { kernel_pool_max, kernel_pool_average, kernel_pool_average_inside } kernel_pool_kind;

/// Pools rows first ..< first + count of one channel block.
void kernel_pool_block(const float *_Nonnull x, kernel_image image, kernel_window window, kernel_pool_kind kind,
                       size_t first, size_t count, float *_Nonnull y);
/// kernel_adaptive_average_pool of one channel block.
void kernel_average_block(const float *_Nonnull x, kernel_image image, float *_Nonnull y);
/// y = activation(x · scale + shift) for the pixels of one channel block; 16 scales and shifts.
void kernel_affine_block(const float *_Nonnull x, size_t pixels, const float *_Nonnull scale,
                         const float *_Nonnull shift, kernel_activation activation, float *_Nonnull y);
/// y = x · gate for the pixels of one channel block; a number for each of the 16 channels; `y` may be `x`.
void kernel_gate_block(const float *_Nonnull x, size_t pixels, const float *_Nonnull gate, float *_Nonnull y);
/// y = activation(a + b); `y` may be either; count is a multiple of 16. `b` may be null: y = activation(a).
void kernel_add_block(const float *_Nonnull a, const float *_Nullable b, size_t count, kernel_activation activation,
                      float *_Nonnull y);
/// kernel_local_response_norm of pixels first ..< first + count of all channels; `size` is at most 32.
void kernel_norm_blocks(const float *_Nonnull x, size_t x_stride, size_t channels, size_t first, size_t count,
                        size_t size, float alpha, float beta, float k, float *_Nonnull y, size_t y_stride);

/// kernel_channel_norm of pixels first ..< first + count of all channels; weight and bias padded to whole blocks with
/// zeros; `y` may be `x`.
void kernel_channel_norm_blocks(const float *_Nonnull x, size_t x_stride, size_t channels, size_t first, size_t count,
                                const float *_Nonnull weight, const float *_Nonnull bias, float epsilon,
                                float *_Nonnull y, size_t y_stride);

// MARK: Measuring (peak.inc)

/// Does `count` multiply-adds, rounded up to whole tiles, on what the registers hold; their speed is the processor's
/// peak. Returns a number that depends on them.
float kernel_multiply_adds(size_t count);
