#include "convolve.h"

#include <assert.h>

/// Whether a tap may lie outside the image.
static bool has_padding(const kernel_conv_geometry *conv) {
    const kernel_window w = conv->window;
    const kernel_image image = conv->image;
    return w.pad_top > 0 || w.pad_left > 0
           || (image.output_height - 1) * w.stride_height + (w.kernel_height - 1) * w.dilation_height >= image.height
           || (image.output_width - 1) * w.stride_width + (w.kernel_width - 1) * w.dilation_width >= image.width;
}

bool kernel_is_pointwise(const kernel_conv_geometry *conv) {
    kernel_window w = conv->window;
    return !conv->is_planar && !conv->is_depthwise && w.kernel_height == 1 && w.kernel_width == 1
           && !has_padding(conv);
}

size_t kernel_conv_panels(const kernel_conv_geometry *conv) {
    return conv->is_depthwise ? conv->output_blocks : conv->groups * kernel_group_panels(conv);
}

kernel_band kernel_conv_band(const kernel_conv_geometry *conv, size_t count) {
    const kernel_window w = conv->window;
    const size_t blocks = conv->is_planar ? conv->image.channels : conv->input_blocks;
    if (kernel_is_pointwise(conv)) {
        bool is_direct = !conv->has_scale && w.stride_height == 1 && w.stride_width == 1;
        return (kernel_band){.is_direct = is_direct,
                             .rows = 1,
                             .phases = 1,
                             .columns = count,
                             .row_stride = count * 16,
                             .block_stride = is_direct ? conv->input_stride : count * 16};
    }
    if (!conv->has_scale && (w.stride_width == 1 || conv->is_planar) && !has_padding(conv)) {
        return (kernel_band){.is_direct = true,
                             .tap_rows = w.dilation_height,
                             .phases = 1,
                             .row_stride = conv->image.width * (conv->is_planar ? 1 : 16),
                             .block_stride = conv->input_stride};
    }
    const size_t rows_of_tap = (count - 1) * w.stride_height + 1;
    kernel_band band = {.tap_rows = w.dilation_height < rows_of_tap ? w.dilation_height : rows_of_tap};
    band.rows = (w.kernel_height - 1) * band.tap_rows + rows_of_tap;
    band.phases = conv->is_planar ? 1 : w.stride_width;
    if (conv->is_planar) {
        band.columns = (conv->image.output_width - 1) * w.stride_width + w.kernel_width;
        band.row_stride = (band.columns + 15) / 16 * 16;
        band.block_stride = band.rows * band.row_stride;
    } else {
        // A row holds the same channel block of all columns; blocks of one row lie together, as the sums read them.
        band.columns = conv->image.output_width + (w.kernel_width - 1) * w.dilation_width / w.stride_width;
        band.block_stride = band.phases * band.columns * 16;
        band.row_stride = blocks * band.block_stride;
    }
    return band;
}

size_t kernel_conv_taps(const kernel_conv_geometry *conv, const kernel_band *band, ptrdiff_t *taps) {
    const kernel_window w = conv->window;
    size_t count = 0;
    if (conv->is_planar) {
        for (size_t c = 0; c < conv->image.channels; c++)
            for (size_t i = 0; i < w.kernel_height; i++)
                taps[count++] = (ptrdiff_t)(c * band->block_stride + i * band->tap_rows * band->row_stride);
        return count;
    }
    for (size_t i = 0; i < w.kernel_height; i++) {
        for (size_t j = 0; j < w.kernel_width; j++) {
            size_t column = j * w.dilation_width;
            size_t place = column % band->phases * band->columns + column / band->phases;
            taps[count++] = (ptrdiff_t)(i * band->tap_rows * band->row_stride + place * 16);
        }
    }
    assert(count <= kernel_most_taps);
    return count;
}

size_t kernel_band_floats(const kernel_conv_geometry *conv, const kernel_band *band) {
    if (band->is_direct) return 0;
    const size_t blocks = conv->is_planar ? conv->image.channels : conv->input_blocks;
    return conv->is_planar ? blocks * band->block_stride : band->rows * blocks * band->phases * band->columns * 16;
}

enum {
    /// The most pixels that make their sums in stretches.
    stretch_pixels = 112,
    /// Blocks of inputs in a stretch: 32 KB of a panel's weights.
    stretch_blocks = 16,
};

size_t kernel_conv_stretches(const kernel_conv_geometry *conv, size_t count) {
    const size_t all = conv->window.kernel_height * conv->window.kernel_width * conv->input_blocks;
    const size_t pixels = kernel_is_pointwise(conv) ? count : count * conv->image.output_width;
    if (conv->is_planar || conv->is_depthwise || conv->lane_channels > 0 || pixels > stretch_pixels || all <= stretch_blocks * 3 / 2) return 1;
    return (all + stretch_blocks - 1) / stretch_blocks;
}

enum {
    /// The most floats of a band of one block: half of a small second-level cache, the rows of a window in the first.
    depthwise_floats = 32 * 1024,
};

size_t kernel_depthwise_rows(const kernel_conv_geometry *conv, size_t count) {
    const kernel_band band = kernel_conv_band(conv, count);
    if (band.is_direct) return count;
    const size_t rows = depthwise_floats / band.row_stride, window = (conv->window.kernel_height - 1) * band.tap_rows;
    const size_t fitting = rows > window ? (rows - window) / conv->window.stride_height : 0;
    return fitting < 4 ? (count < 4 ? count : 4) : fitting < count ? fitting : count;
}

size_t kernel_conv_scratch(const kernel_conv_geometry *conv, size_t count) {
    if (conv->is_depthwise) {
        const kernel_band band = kernel_conv_band(conv, kernel_depthwise_rows(conv, count));
        return kernel_band_floats(conv, &band);
    }
    const kernel_band band = kernel_conv_band(conv, count);
    // The sums of a panel between stretches, should there be any.
    return kernel_band_floats(conv, &band) + (size_t)stretch_pixels * kernel_panel;
}
