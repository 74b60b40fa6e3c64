// Layouts: weights in the order in which the kernels read them, images planar and blocked.
#include "blocked.h"

#include <string.h>

/// A weight times its output's scale, rounded once.
static float scaled(const kernel_filters *filters, size_t output, size_t place) {
    float weight = filters->weight[place];
    return filters->scale ? (float)((double)weight * filters->scale[output]) : weight;
}

static size_t blocks_of(size_t channels) { return (channels + 15) / 16; }

/// The channels of one of `groups / merged` groups, in blocks.
static size_t merged_blocks(size_t channels, size_t groups, size_t merged) {
    return blocks_of(channels / groups * merged);
}

size_t kernel_packed_conv_count(const kernel_filters *f, size_t merged) {
    return f->groups / merged * merged_blocks(f->outputs, f->groups, merged)
           * merged_blocks(f->inputs, f->groups, merged) * 256 * f->height * f->width;
}

/// The weights between an input block and some outputs of one tap: 16 rows of `width` floats.
static void pack_tap(const kernel_filters *f, size_t merged, size_t group, size_t first_output, size_t width,
                     size_t input_block, size_t tap, float *packed) {
    const size_t inputs = f->inputs / f->groups, outputs = f->outputs / f->groups, taps = f->height * f->width;
    for (size_t i = 0; i < 16; i++, packed += width) {
        const size_t input = input_block * 16 + i, own_group = input / inputs, own_input = input % inputs;
        // Merged groups do not see each other's inputs.
        const size_t first_filter = own_group * outputs, end_filter = own_group < merged ? first_filter + outputs : 0;
        for (size_t o = 0; o < width; o++) {
            const size_t local = first_output + o, output = group * merged * outputs + local;
            const bool is_filter = local >= first_filter && local < end_filter;
            packed[o] = is_filter ? scaled(f, output, (output * inputs + own_input) * taps + tap) : 0;
        }
    }
}

void kernel_pack_conv(const kernel_filters *f, size_t merged, float *packed) {
    const size_t input_blocks = merged_blocks(f->inputs, f->groups, merged);
    const size_t output_blocks = merged_blocks(f->outputs, f->groups, merged);
    for (size_t group = 0; group < f->groups / merged; group++) {
        for (size_t first = 0; first < output_blocks; first += 2) {
            const size_t width = output_blocks - first < 2 ? 16 : 32;
            for (size_t tap = 0; tap < f->height * f->width; tap++) {
                for (size_t b = 0; b < input_blocks; b++, packed += 16 * width)
                    pack_tap(f, merged, group, first * 16, width, b, tap, packed);
            }
        }
    }
}

size_t kernel_packed_planar_conv_count(const kernel_filters *f) {
    return blocks_of(f->outputs) * 16 * f->inputs * f->height * f->width;
}

void kernel_pack_planar_conv(const kernel_filters *f, float *packed) {
    const size_t depth = f->inputs * f->height * f->width, blocks = blocks_of(f->outputs);
    for (size_t first = 0; first < blocks; first += 2) {
        const size_t width = blocks - first < 2 ? 16 : 32;
        for (size_t k = 0; k < depth; k++) {
            for (size_t o = 0; o < width; o++) {
                const size_t output = first * 16 + o;
                *packed++ = output < f->outputs ? scaled(f, output, output * depth + k) : 0;
            }
        }
    }
}

size_t kernel_packed_lanes_count(const kernel_filters *f) {
    return blocks_of(f->outputs) * 16 * f->height * f->width * (f->inputs / f->groups);
}

void kernel_pack_lanes(const kernel_filters *f, float *packed) {
    const size_t taps = f->height * f->width, inputs = f->inputs / f->groups;
    for (size_t b = 0; b < blocks_of(f->outputs); b++) {
        for (size_t tap = 0; tap < taps; tap++) {
            for (size_t i = 0; i < inputs; i++) {
                for (size_t o = b * 16; o < b * 16 + 16; o++)
                    *packed++ = o < f->outputs ? scaled(f, o, (o * inputs + i) * taps + tap) : 0;
            }
        }
    }
}

void kernel_to_blocked(const float *x, size_t channels, size_t pixels, float *y, size_t y_stride) {
    for (size_t b = 0; b < blocks_of(channels); b++) {
        const size_t count = channels - b * 16 < 16 ? channels - b * 16 : 16;
        float *target = y + b * y_stride;
        for (size_t p = 0; p < pixels; p++, target += 16) {
            for (size_t c = 0; c < count; c++) target[c] = x[(b * 16 + c) * pixels + p];
            for (size_t c = count; c < 16; c++) target[c] = 0;
        }
    }
}

void kernel_to_planar(const float *x, size_t x_stride, size_t channels, size_t pixels, float *y) {
    for (size_t c = 0; c < channels; c++) {
        const float *source = x + c / 16 * x_stride + c % 16;
        for (size_t p = 0; p < pixels; p++) y[c * pixels + p] = source[p * 16];
    }
}
