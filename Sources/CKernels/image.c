#include "kernels.h"

#include <string.h>

/// Output columns whose tap at `offset` (in input columns, before the stride) lies in 0 ..< width: lower and upper bound.
static void valid_range(ptrdiff_t offset, size_t stride, size_t width, size_t *lower, size_t *upper) {
    *lower = offset < 0 ? ((size_t)-offset + stride - 1) / stride : 0;
    ptrdiff_t last = (ptrdiff_t)width - 1 - offset;
    *upper = last < 0 ? 0 : (size_t)last / stride + 1;
}

/// Copies taps of output columns from ..< to of one output row; `row` is null above and below the image.
static void copy_taps(const float *row, ptrdiff_t offset, size_t stride, size_t width, size_t from, size_t to,
                      float *target) {
    size_t lower, upper;
    valid_range(offset, stride, width, &lower, &upper);
    if (!row || lower >= to || upper <= from || lower >= upper) {
        memset(target, 0, (to - from) * sizeof(float));
        return;
    }
    if (lower < from) lower = from;
    if (upper > to) upper = to;
    memset(target, 0, (lower - from) * sizeof(float));
    const float *source = row + (ptrdiff_t)(lower * stride) + offset;
    float *inside = target + (lower - from);
    if (stride == 1) {
        memcpy(inside, source, (upper - lower) * sizeof(float));
    } else {
        for (size_t i = 0; i < upper - lower; i++) inside[i] = source[i * stride];
    }
    memset(target + (upper - from), 0, (to - upper) * sizeof(float));
}

/// One row of the matrix: one tap of one channel over all positions.
static void copy_row(const float *channel, kernel_image image, kernel_window window, ptrdiff_t tap_row,
                     ptrdiff_t tap_column, size_t first, size_t count, float *target) {
    size_t end = first + count;
    for (size_t position = first; position < end;) {
        size_t row = position / image.output_width;
        size_t from = position % image.output_width;
        size_t to = from + (end - position);
        if (to > image.output_width) to = image.output_width;
        ptrdiff_t y = (ptrdiff_t)(row * window.stride_height) + tap_row;
        bool is_inside = y >= 0 && y < (ptrdiff_t)image.height;
        copy_taps(is_inside ? channel + (size_t)y * image.width : NULL, tap_column, window.stride_width, image.width, from,
                  to, target);
        target += to - from;
        position += to - from;
    }
}

void kernel_im2col(const float *x, kernel_image image, kernel_window window, size_t first, size_t count,
                   float *columns) {
    for (size_t c = 0; c < image.channels; c++) {
        for (size_t i = 0; i < window.kernel_height; i++) {
            for (size_t j = 0; j < window.kernel_width; j++) {
                ptrdiff_t tap_row = (ptrdiff_t)(i * window.dilation_height) - (ptrdiff_t)window.pad_top;
                ptrdiff_t tap_column = (ptrdiff_t)(j * window.dilation_width) - (ptrdiff_t)window.pad_left;
                copy_row(x + c * image.height * image.width, image, window, tap_row, tap_column, first, count, columns);
                columns += count;
            }
        }
    }
}

void kernel_subsample(const float *x, kernel_image image, size_t stride, float *y) {
    for (size_t c = 0; c < image.channels; c++)
        for (size_t i = 0; i < image.output_height; i++)
            for (size_t j = 0; j < image.output_width; j++)
                *y++ = x[(c * image.height + i * stride) * image.width + j * stride];
}
