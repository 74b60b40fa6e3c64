// Runs the kernels on blocked images over a table of shapes and compares them with loops in double precision. Under the
// sanitizers it shows that nothing is read or written outside; the scratch starts as NaN, so that nothing unwritten is
// used. Every convolution runs whole and in parts, which must agree to the bit.
#include "blocked.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures, cases;

static float noise(void) { return (float)(rand() % 2001 - 1000) / 1000.0f; }

static size_t blocks_of(size_t channels) { return (channels + 15) / 16; }

static float *floats(size_t count, float value) {
    float *memory = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64 + 64);
    for (size_t i = 0; i < count; i++) memory[i] = value;
    return memory;
}

static float *noisy(size_t count, size_t capacity) {
    float *memory = floats(capacity, 0);
    for (size_t i = 0; i < count; i++) memory[i] = noise();
    return memory;
}

typedef struct {
    size_t inputs, outputs, height, width, groups;
    kernel_window window;
    kernel_activation activation;
    bool has_residual, has_scale, is_planar;
    /// Groups are merged though they could share blocks.
    bool is_merged;
    /// The hard swish follows.
    bool has_function;
} layer;

typedef struct {
    float *x, *weight, *bias, *residual, *scale, *shift;
    double *output_scale;
} arrays;

static size_t positions(size_t padded, size_t kernel, size_t dilation, size_t stride) {
    return (padded - ((kernel - 1) * dilation + 1)) / stride + 1;
}

static kernel_image image_of(const layer *l) {
    const kernel_window w = l->window;
    return (kernel_image){
        l->inputs, l->height, l->width,
        positions(l->height + w.pad_top + w.pad_bottom, w.kernel_height, w.dilation_height, w.stride_height),
        positions(l->width + w.pad_left + w.pad_right, w.kernel_width, w.dilation_width, w.stride_width)};
}

static double pixel(const layer *l, const arrays *a, size_t channel, ptrdiff_t row, ptrdiff_t column) {
    if (row < 0 || column < 0 || row >= (ptrdiff_t)l->height || column >= (ptrdiff_t)l->width) return 0;
    double value = (double)a->x[(channel * l->height + (size_t)row) * l->width + (size_t)column];
    if (!l->has_scale) return value;
    value = value * (double)a->scale[channel] + (double)a->shift[channel];
    return value > 0 ? value : 0;
}

/// One number from the definition, and the sum of its terms' sizes.
static double expected(const layer *l, const arrays *a, kernel_image image, size_t o, size_t i, size_t j, double *size) {
    const kernel_window w = l->window;
    const size_t inputs = l->inputs / l->groups, outputs = l->outputs / l->groups;
    double sum = (double)a->bias[o];
    *size = fabs(sum);
    for (size_t c = 0; c < inputs; c++) {
        for (size_t p = 0; p < w.kernel_height; p++) {
            for (size_t q = 0; q < w.kernel_width; q++) {
                ptrdiff_t row = (ptrdiff_t)(i * w.stride_height + p * w.dilation_height) - (ptrdiff_t)w.pad_top;
                ptrdiff_t column = (ptrdiff_t)(j * w.stride_width + q * w.dilation_width) - (ptrdiff_t)w.pad_left;
                size_t tap = ((o * inputs + c) * w.kernel_height + p) * w.kernel_width + q;
                double term = pixel(l, a, o / outputs * inputs + c, row, column) * (double)a->weight[tap]
                              * a->output_scale[o];
                sum += term;
                *size += fabs(term);
            }
        }
    }
    if (l->has_residual) sum += (double)a->residual[(o * image.output_height + i) * image.output_width + j];
    if (l->activation != kernel_activation_none && sum < 0) sum = 0;
    if (l->activation == kernel_activation_relu6 && sum > 6) sum = 6;
    return l->has_function ? sum * fmin(fmax(sum + 3, 0), 6) / 6 : sum;
}

static void compare(const layer *l, const arrays *a, kernel_image image, const float *y, size_t stride) {
    for (size_t o = 0; o < blocks_of(l->outputs) * 16; o++) {
        for (size_t i = 0; i < image.output_height; i++) {
            for (size_t j = 0; j < image.output_width; j++) {
                float found = y[o / 16 * stride + (i * image.output_width + j) * 16 + o % 16];
                double size = 0, right = o < l->outputs ? expected(l, a, image, o, i, j, &size) : 0;
                if (fabs((double)found - right) <= 1e-6 * size + 1e-6) continue;
                printf("%zu -> %zu, %zux%zu, window %zux%zu/%zux%zu, %zu groups: [%zu,%zu,%zu] is %g, not %g\n", l->inputs,
                       l->outputs, l->height, l->width, l->window.kernel_height, l->window.kernel_width,
                       l->window.stride_height, l->window.stride_width, l->groups, o, i, j, (double)found, right);
                failures++;
                return;
            }
        }
    }
}

static void run_parts(const kernel_conv *conv, size_t rows, size_t row_step, size_t panel_step) {
    const size_t panels = kernel_conv_panels(&conv->geometry);
    for (size_t row = 0; row < rows; row += row_step) {
        for (size_t panel = 0; panel < panels; panel += panel_step) {
            kernel_part part = {row, rows - row < row_step ? rows - row : row_step, panel,
                                panels - panel < panel_step ? panels - panel : panel_step};
            float *scratch = floats(kernel_conv_scratch(&conv->geometry, part.count), NAN);
            kernel_conv_run(conv, part, scratch);
            free(scratch);
        }
    }
}

/// The fewest neighbouring groups whose channels fill blocks.
static size_t merged_groups(const layer *l) {
    for (size_t m = 1; m < l->groups; m++)
        if (l->groups % m == 0 && l->inputs / l->groups * m % 16 == 0 && l->outputs / l->groups * m % 16 == 0) return m;
    return l->groups;
}

/// Channels of the groups that share blocks in lanes of their own; 0 when they do not.
static size_t lane_channels(const layer *l) {
    const size_t inputs = l->inputs / l->groups;
    const bool fits = l->groups > 1 && l->inputs == l->outputs && (inputs == 2 || inputs == 4 || inputs == 8);
    return fits && !l->is_merged ? inputs : 0;
}

static void check(layer l) {
    const kernel_window w = l.window;
    if (l.height + w.pad_top + w.pad_bottom < (w.kernel_height - 1) * w.dilation_height + 1) return;
    if (l.width + w.pad_left + w.pad_right < (w.kernel_width - 1) * w.dilation_width + 1) return;
    cases++;
    const kernel_image image = image_of(&l);
    const size_t pixels = image.output_height * image.output_width, taps = w.kernel_height * w.kernel_width;
    const size_t weights = l.outputs * (l.inputs / l.groups) * taps, x_pixels = l.height * l.width;
    const size_t in = blocks_of(l.inputs) * 16, out = blocks_of(l.outputs) * 16;
    arrays a = {noisy(l.inputs * x_pixels, l.inputs * x_pixels), noisy(weights, weights), noisy(l.outputs, out),
                noisy(l.outputs * pixels, l.outputs * pixels),   noisy(l.inputs, in),     noisy(l.inputs, in),
                malloc(l.outputs * sizeof(double))};
    for (size_t o = 0; o < l.outputs; o++) a.output_scale[o] = 1 + 0.3 * (double)noise();
    float *x = floats(in * x_pixels, NAN), *residual = floats(out * pixels, NAN);
    kernel_to_blocked(a.x, l.inputs, x_pixels, x, x_pixels * 16);
    kernel_to_blocked(a.residual, l.outputs, pixels, residual, pixels * 16);

    const bool is_depthwise = l.groups > 1 && l.groups == l.inputs && l.groups == l.outputs;
    const size_t lanes = lane_channels(&l), merged = merged_groups(&l);
    const size_t groups = is_depthwise ? 1 : lanes > 0 ? in / 16 : l.groups / merged;
    kernel_filters filters = {a.weight, a.output_scale, l.outputs, l.inputs, l.groups, w.kernel_height, w.kernel_width};
    float *packed = floats(l.is_planar                 ? kernel_packed_planar_conv_count(&filters)
                           : is_depthwise || lanes > 0 ? kernel_packed_lanes_count(&filters)
                                                       : kernel_packed_conv_count(&filters, merged), NAN);
    if (l.is_planar)
        kernel_pack_planar_conv(&filters, packed);
    else if (is_depthwise || lanes > 0)
        kernel_pack_lanes(&filters, packed);
    else
        kernel_pack_conv(&filters, merged, packed);

    // Blocks lie further apart than they must, as in a part of a larger image.
    const size_t stride = (pixels + 3) * 16;
    float *whole = floats(out / 16 * stride, NAN), *parts = floats(out / 16 * stride, NAN);
    kernel_conv conv = {
        .geometry = {image, w, groups, is_depthwise || lanes > 0 ? 1 : blocks_of(l.inputs / groups),
                     lanes > 0 ? 1 : blocks_of(l.outputs / groups), (l.inputs / groups - 1) % 16 / 4 * 4 + 4, lanes, x_pixels * (l.is_planar ? 1 : 16),
                     l.is_planar, l.has_scale, is_depthwise},
        .input = l.is_planar ? a.x : x, .output = whole, .output_stride = stride,
        .residual = l.has_residual ? residual : NULL, .residual_stride = pixels * 16, .weight = packed, .bias = a.bias,
        .scale = l.has_scale ? a.scale : NULL, .shift = l.has_scale ? a.shift : NULL, .activation = l.activation,
        .function = l.has_function ? kernel_hard_swish : NULL,
    };
    const size_t rows = kernel_is_pointwise(&conv.geometry) ? pixels : image.output_height;
    run_parts(&conv, rows, rows, 1000);
    compare(&l, &a, image, whole, stride);
    conv.output = parts;
    run_parts(&conv, rows, (rows + 2) / 3, 2);
    for (size_t b = 0; b < out / 16; b++) {
        if (memcmp(whole + b * stride, parts + b * stride, pixels * 64) == 0) continue;
        printf("%zu -> %zu: parts differ from the whole\n", l.inputs, l.outputs);
        failures++;
    }
    float *all[] = {a.x, a.weight, a.bias, a.residual, a.scale, a.shift, x, residual, packed, whole, parts};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    free(a.output_scale);
}

static void check_fc(size_t rows, size_t channels, size_t pixels, size_t outputs) {
    cases++;
    const size_t inputs = blocks_of(channels) * 16 * pixels, panels = (blocks_of(outputs) + 1) / 2;
    float *x = floats(rows * inputs, 0), *weight = noisy(outputs * channels * pixels, outputs * channels * pixels);
    float *bias = noisy(outputs, blocks_of(outputs) * 16), *packed = floats(blocks_of(outputs) * 16 * inputs, NAN);
    float *y = floats(rows * outputs, NAN), *alone = floats(outputs, NAN);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < pixels; p++) x[r * inputs + (c / 16 * pixels + p) * 16 + c % 16] = noise();
    kernel_filters filters = {weight, NULL, outputs, channels, 1, pixels, 1};
    kernel_pack_conv(&filters, 1, packed);
    kernel_fc fc = {x, inputs, rows, blocks_of(channels), pixels, packed, bias, y, outputs, outputs, kernel_activation_none};
    for (size_t p = 0; p < panels; p += 3) {
        size_t count = panels - p < 3 ? panels - p : 3;
        float *scratch = floats(kernel_fc_scratch(rows, count), NAN);
        kernel_fc_run(&fc, p, count, scratch);
        free(scratch);
    }
    float *scratch = floats(kernel_fc_scratch(1, panels), NAN);
    for (size_t r = 0; r < rows; r++) {
        kernel_fc row = fc;
        row.x = x + r * inputs;
        row.rows = 1;
        row.y = alone;
        kernel_fc_run(&row, 0, panels, scratch);
        bool is_right = memcmp(alone, y + r * outputs, outputs * sizeof(float)) == 0;
        for (size_t o = 0; o < outputs; o++) {
            double sum = (double)bias[o], size = fabs(sum);
            for (size_t i = 0; i < inputs; i++) {
                size_t channel = i / (16 * pixels) * 16 + i % 16;
                if (channel >= channels) continue;
                double term = (double)row.x[i]
                              * (double)weight[(o * channels + channel) * pixels + i / 16 % pixels];
                sum += term;
                size += fabs(term);
            }
            is_right = is_right && fabs((double)alone[o] - sum) <= 1e-6 * size;
        }
        if (is_right) continue;
        printf("fc %zu rows, %zux%zu -> %zu\n", rows, channels, pixels, outputs);
        failures++;
    }
    float *all[] = {x, weight, bias, packed, y, alone, scratch};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

/// A window with equal steps both ways and equal padding on opposite sides.
#define EVEN(height, width, stride, pad_height, pad_width, dilation) \
    {height, width, stride, stride, pad_height, pad_width, pad_height, pad_width, dilation, dilation}

int main(void) {
    static const kernel_window windows[] = {
        EVEN(1, 1, 1, 0, 0, 1), EVEN(3, 3, 1, 1, 1, 1), EVEN(3, 3, 2, 1, 1, 1), EVEN(1, 1, 2, 0, 0, 1),
        EVEN(3, 3, 1, 0, 0, 1), EVEN(5, 5, 1, 2, 2, 1), EVEN(7, 7, 2, 3, 3, 1), EVEN(3, 3, 2, 0, 0, 1),
        EVEN(3, 3, 1, 2, 2, 2), EVEN(3, 3, 2, 3, 3, 3), EVEN(2, 2, 2, 0, 0, 1), EVEN(1, 7, 1, 0, 3, 1),
        EVEN(7, 1, 1, 3, 0, 1), EVEN(1, 3, 2, 0, 1, 1), EVEN(11, 11, 4, 2, 2, 1), EVEN(1, 1, 1, 1, 1, 1),
        EVEN(1, 1, 3, 1, 1, 1),
        // Uneven: strides, pads (top, left, bottom, right), dilations.
        {1, 1, 2, 1, 0, 0, 0, 0, 1, 1}, {1, 1, 1, 2, 0, 0, 0, 0, 1, 1}, {1, 1, 1, 1, 0, 0, 1, 2, 1, 1},
        {3, 3, 2, 1, 1, 0, 0, 1, 1, 1}, {3, 3, 1, 2, 0, 1, 2, 0, 1, 1}, {3, 3, 2, 2, 0, 0, 1, 1, 1, 1},
        {3, 2, 1, 3, 2, 1, 0, 0, 2, 3}, {2, 3, 1, 1, 0, 0, 0, 2, 4, 1}, {3, 3, 1, 1, 6, 1, 6, 1, 6, 1},
        {3, 3, 3, 2, 9, 8, 9, 8, 9, 8}, {1, 3, 1, 1, 0, 2, 0, 0, 1, 1}, {5, 3, 4, 2, 3, 0, 0, 3, 1, 1},
        {3, 3, 1, 1, 0, 0, 3, 3, 1, 1}, {3, 3, 2, 1, 0, 0, 0, 0, 1, 1}, {4, 4, 1, 1, 1, 1, 2, 2, 1, 1},
    };
    static const size_t sizes[][2] = {{1, 1}, {7, 7}, {5, 17}, {14, 14}, {15, 29}, {1, 40}};
    static const size_t channels[] = {1, 7, 16, 17, 32, 48, 65};
    static const size_t grouped[][3] = {{32, 32, 8}, {64, 64, 16}, {32, 64, 2}, {64, 32, 2}, {8, 12, 2}, {48, 48, 3},
                                        {6, 6, 3}, {40, 40, 20}, {36, 36, 9}, {72, 72, 9}, {16, 16, 2}};
    const size_t grouped_count = sizeof grouped / sizeof *grouped;
    const size_t window_count = sizeof windows / sizeof *windows;
    for (size_t w = 0; w < window_count; w++) {
        for (size_t s = 0; s < 6; s++) {
            // Every pair of channels with some window and size; all of them would take minutes.
            size_t in = channels[rand() % 7], out = channels[rand() % 7];
            int kind = rand();
            check((layer){in, out, sizes[s][0], sizes[s][1], 1, windows[w], (kernel_activation)(kind % 3), kind / 3 % 2,
                          kind / 6 % 2, false, false, kind / 12 % 2});
            check((layer){in, in, sizes[s][0], sizes[s][1], in, windows[w], (kernel_activation)(kind % 3), kind / 3 % 2,
                          false, false, false, kind / 12 % 2});
        }
        // So deep that the parts, though not the whole, may make their sums in stretches.
        check((layer){400, 70, 11, 13, 1, windows[w], (kernel_activation)(w % 3), w % 2, w / 2 % 2, false, false, w / 4 % 2});
        // So wide that a depthwise convolution copies its rows a few at a time.
        check((layer){20, 20, 31, 300, 20, windows[w], (kernel_activation)(w % 3), w % 2, false, false, false, w / 4 % 2});
        for (size_t g = 0; g < grouped_count; g++) {
            layer l = {grouped[g][0], grouped[g][1], 14, 15 + g % 4, grouped[g][2], windows[w],
                       (kernel_activation)(g % 3), g % 2, g / 2 % 2, false, false, g / 4 % 2};
            check(l);
            l.is_merged = true;
            if (g < 2) check(l);
        }
        if (windows[w].dilation_height > 1 || windows[w].dilation_width > 1 || windows[w].stride_width == 3) continue;
        for (size_t c = 1; c <= 4; c++)
            check((layer){c, 5 + 14 * (size_t)(rand() % 6), 33, 37, 1, windows[w], kernel_activation_relu, false, false,
                          true, false, c % 2});
    }
    for (size_t rows = 1; rows < 34; rows += 8) {
        check_fc(rows, 40, 9, 97);
        check_fc(rows, 1100, 1, 33);
        check_fc(rows, 7, 1, 1);
    }
    printf("%s: %d cases, %d failures\n", kernel_isa(), cases, failures);
    return failures > 0;
}
