#include "kernels.h"

#include <math.h>

typedef struct {
    size_t lower, upper;
} range;

/// The taps of a window at `position` that lie in 0 ..< size.
static range inside_taps(size_t position, size_t stride, size_t pad, size_t kernel, size_t dilation, size_t size) {
    ptrdiff_t start = (ptrdiff_t)(position * stride) - (ptrdiff_t)pad;
    size_t lower = start < 0 ? ((size_t)-start + dilation - 1) / dilation : 0;
    size_t upper = 0;
    while (upper < kernel && start + (ptrdiff_t)(upper * dilation) < (ptrdiff_t)size) upper++;
    return (range){lower, upper < lower ? lower : upper};
}

/// How many taps of a window at `position` lie in the image with its padding, `size` together.
static size_t padded_taps(size_t position, size_t stride, size_t kernel, size_t dilation, size_t size) {
    size_t count = 0;
    while (count < kernel && position * stride + count * dilation < size) count++;
    return count;
}

typedef struct {
    const float *channel;
    size_t width;
    kernel_window window;
    range rows, columns;
    ptrdiff_t top, left;
} field;

static field field_at(const float *channel, kernel_image image, kernel_window window, size_t row, size_t column) {
    return (field){
        .channel = channel,
        .width = image.width,
        .window = window,
        .rows = inside_taps(row, window.stride_height, window.pad_top, window.kernel_height, window.dilation_height, image.height),
        .columns =
            inside_taps(column, window.stride_width, window.pad_left, window.kernel_width, window.dilation_width, image.width),
        .top = (ptrdiff_t)(row * window.stride_height) - (ptrdiff_t)window.pad_top,
        .left = (ptrdiff_t)(column * window.stride_width) - (ptrdiff_t)window.pad_left,
    };
}

static const float *tap_row(const field *f, size_t tap) {
    return f->channel + (f->top + (ptrdiff_t)(tap * f->window.dilation_height)) * (ptrdiff_t)f->width + f->left;
}

static float largest(const field *f) {
    float best = -INFINITY;
    for (size_t i = f->rows.lower; i < f->rows.upper; i++) {
        const float *row = tap_row(f, i);
        for (size_t j = f->columns.lower; j < f->columns.upper; j++) {
            float value = row[j * f->window.dilation_width];
            if (value > best || value != value) best = value;
        }
    }
    return best;
}

static double sum(const field *f) {
    double total = 0;
    for (size_t i = f->rows.lower; i < f->rows.upper; i++) {
        const float *row = tap_row(f, i);
        for (size_t j = f->columns.lower; j < f->columns.upper; j++) total += (double)row[j * f->window.dilation_width];
    }
    return total;
}

void kernel_max_pool(const float *x, kernel_image image, kernel_window window, float *y) {
    for (size_t c = 0; c < image.channels; c++, x += image.height * image.width) {
        for (size_t i = 0; i < image.output_height; i++) {
            for (size_t j = 0; j < image.output_width; j++) {
                field f = field_at(x, image, window, i, j);
                *y++ = largest(&f);
            }
        }
    }
}

static size_t divisor(const field *f, kernel_image image, size_t row, size_t column, bool counts_padding) {
    kernel_window w = f->window;
    if (!counts_padding) return (f->rows.upper - f->rows.lower) * (f->columns.upper - f->columns.lower);
    return padded_taps(row, w.stride_height, w.kernel_height, w.dilation_height, w.pad_top + image.height + w.pad_bottom)
           * padded_taps(column, w.stride_width, w.kernel_width, w.dilation_width, w.pad_left + image.width + w.pad_right);
}

void kernel_average_pool(const float *x, kernel_image image, kernel_window window, bool counts_padding, float *y) {
    for (size_t c = 0; c < image.channels; c++, x += image.height * image.width) {
        for (size_t i = 0; i < image.output_height; i++) {
            for (size_t j = 0; j < image.output_width; j++) {
                field f = field_at(x, image, window, i, j);
                size_t count = divisor(&f, image, i, j, counts_padding);
                *y++ = count > 0 ? (float)(sum(&f) / (double)count) : 0;
            }
        }
    }
}

void kernel_adaptive_average_pool(const float *x, kernel_image image, float *y) {
    for (size_t c = 0; c < image.channels; c++, x += image.height * image.width) {
        for (size_t i = 0; i < image.output_height; i++) {
            size_t top = i * image.height / image.output_height;
            size_t bottom = ((i + 1) * image.height + image.output_height - 1) / image.output_height;
            for (size_t j = 0; j < image.output_width; j++) {
                size_t left = j * image.width / image.output_width;
                size_t right = ((j + 1) * image.width + image.output_width - 1) / image.output_width;
                double total = 0;
                for (size_t row = top; row < bottom; row++)
                    for (size_t column = left; column < right; column++)
                        total += (double)x[row * image.width + column];
                *y++ = (float)(total / (double)((bottom - top) * (right - left)));
            }
        }
    }
}
