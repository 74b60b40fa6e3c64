#pragma once

#include <stddef.h>
#include <stdint.h>

// Selective search: colours, the graph of an image's pixels, and the histograms of its regions.
// All but the overlap of histograms is arithmetic with integers, the same on every processor. What works on rows takes
// first … last − 1 of them, so that its caller can stop between.

/// Channels from 0 to 255.
typedef enum {
    KERNEL_COLOR_HSV = 0, // 3 channels; the hue's circle is 256 long
    KERNEL_COLOR_LAB = 1, // CIE L*a*b* under D65: L* · 255 / 100, a* + 128, b* + 128
    KERNEL_COLOR_RGI = 2, // red and green over the sum of all, and the intensity
    KERNEL_COLOR_HUE = 3, // 1 channel
    KERNEL_COLOR_INTENSITY = 4, // 1 channel: ITU-R 601 luma
} kernel_color;

/// The length of the table that Lab takes.
enum { kernel_lab_table_count = 256 + (1 << 14) + 1 };

/// Fills the table that Lab takes.
void kernel_lab_table(uint16_t *_Nonnull table);

/// Converts pixels of 1 or 3 interleaved channels; planes follow each other, `stride` values apart.
void kernel_color_planes(const uint8_t *_Nonnull pixels, size_t count, size_t channels, kernel_color color,
                         const uint16_t *_Nonnull lab_table, size_t stride, uint8_t *_Nonnull planes);

/// Smooths rows of each plane by a Gaussian of σ = 0.8; the border is repeated. The result has 4 fractional bits.
/// `scratch` holds width + 8 values.
void kernel_smooth(const uint8_t *_Nonnull planes, size_t channels, size_t width, size_t height, size_t first, size_t last,
                   uint16_t *_Nonnull scratch, uint16_t *_Nonnull out);

/// The weight of an edge that leaves the image.
enum { kernel_no_edge = 0xFFFF };

/// Weighs the edges from each pixel to its neighbours at the right, below left, below, and below right: the Euclidean
/// distance of their colours, with 6 fractional bits. `planes` are smoothed, width · height values apart.
/// The weight of direction d from column x of row y is weights[(4y + d) · width + x].
void kernel_edge_weights(const uint16_t *_Nonnull planes, size_t channels, size_t width, size_t height, size_t first,
                         size_t last, uint16_t *_Nonnull weights);

/// Adds to the counts of all 65,536 weights.
void kernel_count_weights(const uint16_t *_Nonnull weights, size_t count, uint32_t *_Nonnull counts);

/// Puts the edges of rows where their weight belongs, in the order of y, d, x. `starts` has where the next edge of each
/// weight goes. An edge is its pixel, and its direction in the highest four bits.
void kernel_sort_edges(const uint16_t *_Nonnull weights, size_t width, size_t first, size_t last,
                       uint32_t *_Nonnull starts, uint32_t *_Nonnull edges);

/// A component of pixels, at its root.
typedef struct {
    uint32_t size;
    int32_t limit; // the heaviest edge that joins it to another: Int(C) + k / |C|
} kernel_component;

/// How far the joining of components has come.
typedef struct {
    size_t between; // edges that did not join
    int32_t weight; // of the next edge
} kernel_joining;

/// Goes over the sorted edges first … last − 1, joining two components when neither has its limit below the edge's weight.
///
/// `ends` says where the edges of each weight end, `scale` is k in the unit of weights. Pixels point to others of their
/// component in `parents`, the root to itself, where `components` is told of it. Edges that did not join are put into
/// `between`, in their order.
void kernel_join(const uint32_t *_Nonnull edges, const uint32_t *_Nonnull ends, size_t width, int32_t scale,
                 size_t first, size_t last, uint32_t *_Nonnull parents, kernel_component *_Nonnull components,
                 uint32_t *_Nonnull between, kernel_joining *_Nonnull joining);

/// Goes over edges first … last − 1 of those that did not join, joining two components when one has less than `least`
/// pixels; returns how many joinings there were.
size_t kernel_join_small(const uint32_t *_Nonnull between, size_t width, uint32_t least, size_t first, size_t last,
                         uint32_t *_Nonnull parents, kernel_component *_Nonnull components);

/// Numbers the components of pixels first … last − 1 in the order of their first pixels; `numbers` has, for each root,
/// its number or UINT32_MAX. Returns how many there are now that there were `count` before.
size_t kernel_label(uint32_t *_Nonnull parents, size_t first, size_t last, size_t count, uint32_t *_Nonnull numbers,
                    uint32_t *_Nonnull labels);

/// The derivatives of rows of one of several planes by a Gaussian of σ = 1 in four directions (0°, 90°, 45°, 135°), in planes
/// width · height values apart; the border is repeated. `scratch` holds 2 · (width + 8) values.
/// Returns the largest magnitude.
int kernel_derivatives(const uint8_t *_Nonnull planes, size_t channel, size_t width, size_t height, size_t first,
                       size_t last, int16_t *_Nonnull scratch, int16_t *_Nonnull out);

/// Finds the bins of a channel's derivatives at pixels first … last − 1 among 80: ten for each of eight directions, of
/// which the last four have what is negative in the first four. A pixel's bins lie together, four for each channel.
void kernel_texture_bins(const int16_t *_Nonnull derivatives, size_t count, size_t first, size_t last, int most,
                         size_t channel, size_t channels, uint8_t *_Nonnull bins);

/// Counts the colours and textures of the regions that pixels first … last − 1 belong to.
///
/// A region's counts are `stride` values: 25 bins for each channel, then from `texture` on 80 for each.
void kernel_count_bins(const uint32_t *_Nonnull labels, const uint8_t *_Nonnull planes, const uint8_t *_Nonnull bins,
                       size_t count, size_t channels, size_t first, size_t last, size_t texture, size_t stride,
                       uint32_t *_Nonnull counts);

/// Σ min(aᵢ · a_scale, bᵢ · b_scale) of a multiple of 16 values; every processor adds them in the same order.
float kernel_histogram_overlap(const float *_Nonnull a, float a_scale, const float *_Nonnull b, float b_scale,
                               size_t count);
