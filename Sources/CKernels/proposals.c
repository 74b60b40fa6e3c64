#include "proposals.h"

#include "isa.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF // every processor is to round alike

// Colours

enum { linear_bits = 14, linear_one = 1 << linear_bits };

void kernel_lab_table(uint16_t *table) {
    // The light of each value of sRGB, then CIE's f of each light, with 14 fractional bits.
    for (int value = 0; value < 256; value++) {
        const double v = value / 255.0;
        const double light = v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
        table[value] = (uint16_t)lround(light * linear_one);
    }
    for (int light = 0; light <= linear_one; light++) {
        const double t = (double)light / linear_one;
        const double f = t > 216.0 / 24389 ? cbrt(t) : (24389.0 / 27 * t + 16) / 116;
        table[256 + light] = (uint16_t)lround(f * linear_one);
    }
}

static uint8_t byte(int32_t x) { return (uint8_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

static void lab(const uint8_t *rgb, const uint16_t *table, uint8_t *out, size_t stride) {
    const int32_t r = table[rgb[0]], g = table[rgb[1]], b = table[rgb[2]];
    // Rows of sRGB's matrix over the white D65, with 15 fractional bits; each sums to one.
    const int32_t x = (14219 * r + 12328 * g + 6221 * b + (1 << 14)) >> 15;
    const int32_t y = (6968 * r + 23434 * g + 2366 * b + (1 << 14)) >> 15;
    const int32_t z = (582 * r + 3587 * g + 28599 * b + (1 << 14)) >> 15;
    const uint16_t *f = table + 256;
    const int32_t half = 1 << (linear_bits - 1);
    out[0] = byte(((116 * f[y] - 16 * linear_one) * 51 / 20 + half) >> linear_bits);
    out[stride] = byte(((500 * (f[x] - f[y]) + half) >> linear_bits) + 128);
    out[2 * stride] = byte(((200 * (f[y] - f[z]) + half) >> linear_bits) + 128);
}

static int32_t larger(int32_t a, int32_t b) { return a > b ? a : b; }
static int32_t smaller(int32_t a, int32_t b) { return a < b ? a : b; }

static uint8_t hue(int32_t r, int32_t g, int32_t b) {
    const int32_t most = larger(larger(r, g), b), range = most - smaller(smaller(r, g), b);
    if (range == 0) return 0;
    // Sixths of the circle, once around before red so that nothing is below zero.
    const int32_t sixth = most == r ? 6 : most == g ? 8 : 10;
    const int32_t part = most == r ? g - b : most == g ? b - r : r - g;
    const int32_t turn = (256 * (sixth * range + part) / range + 3) / 6;
    return (uint8_t)(turn & 255);
}

static uint8_t intensity(int32_t r, int32_t g, int32_t b) {
    return (uint8_t)((19595 * r + 38470 * g + 7471 * b + (1 << 15)) >> 16);
}

void kernel_color_planes(const uint8_t *pixels, size_t count, size_t channels, kernel_color color,
                         const uint16_t *lab_table, size_t stride, uint8_t *planes) {
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = pixels + i * channels;
        const uint8_t rgb[3] = {pixel[0], pixel[channels / 2], pixel[channels - 1]};
        const int32_t r = rgb[0], g = rgb[1], b = rgb[2];
        uint8_t *out = planes + i;
        switch (color) {
        case KERNEL_COLOR_HSV: {
            const int32_t most = larger(larger(r, g), b), least = smaller(smaller(r, g), b);
            out[0] = hue(r, g, b);
            out[stride] = (uint8_t)(most == 0 ? 0 : (255 * (most - least) + most / 2) / most);
            out[2 * stride] = (uint8_t)most;
            break;
        }
        case KERNEL_COLOR_LAB: lab(rgb, lab_table, out, stride); break;
        case KERNEL_COLOR_RGI: {
            const int32_t sum = r + g + b;
            // Black has no colour, as white has none.
            out[0] = (uint8_t)(sum == 0 ? 85 : (255 * r + sum / 2) / sum);
            out[stride] = (uint8_t)(sum == 0 ? 85 : (255 * g + sum / 2) / sum);
            out[2 * stride] = intensity(r, g, b);
            break;
        }
        case KERNEL_COLOR_HUE: out[0] = hue(r, g, b); break;
        case KERNEL_COLOR_INTENSITY: out[0] = intensity(r, g, b); break;
        }
    }
}

// The graph of the pixels

void kernel_count_weights(const uint16_t *weights, size_t count, uint32_t *counts) {
    for (size_t i = 0; i < count; i++) counts[weights[i]]++;
}

void kernel_sort_edges(const uint16_t *weights, size_t width, size_t first, size_t last, uint32_t *starts,
                       uint32_t *edges) {
    for (size_t y = first; y < last; y++) {
        for (uint32_t direction = 0; direction < 4; direction++) {
            const uint16_t *row = weights + (4 * y + direction) * width;
            const uint32_t edge = (direction << 28) + (uint32_t)(y * width);
            for (size_t x = 0; x < width; x++) edges[starts[row[x]]++] = edge + (uint32_t)x;
        }
    }
}

static inline uint32_t root(uint32_t *parents, uint32_t pixel) {
    while (parents[pixel] != pixel) {
        parents[pixel] = parents[parents[pixel]];
        pixel = parents[pixel];
    }
    return pixel;
}

/// The roots of an edge's two pixels.
static inline void find(uint32_t *parents, uint32_t edge, uint32_t width, uint32_t *a, uint32_t *b) {
    const uint32_t steps[4] = {1, width - 1, width, width + 1};
    const uint32_t pixel = edge & 0x0FFFFFFF;
    *a = root(parents, pixel);
    *b = root(parents, pixel + steps[edge >> 28]);
}

/// Hangs the smaller of two trees below the larger, of equals the second below the first; returns the root.
static inline uint32_t join(uint32_t *parents, kernel_component *components, uint32_t a, uint32_t b) {
    const bool is_first = components[a].size >= components[b].size;
    const uint32_t top = is_first ? a : b, below = is_first ? b : a;
    parents[below] = top;
    components[top].size += components[below].size;
    return top;
}

void kernel_join(const uint32_t *edges, const uint32_t *ends, size_t width, int32_t scale, size_t first, size_t last,
                 uint32_t *parents, kernel_component *components, uint32_t *between, kernel_joining *joining) {
    size_t left = joining->between;
    int32_t weight = joining->weight;
    for (size_t i = first; i < last; i++) {
        while (i >= ends[weight]) weight++;
        uint32_t a, b;
        find(parents, edges[i], (uint32_t)width, &a, &b);
        if (a == b) continue;
        if (weight <= components[a].limit && weight <= components[b].limit) {
            const uint32_t top = join(parents, components, a, b);
            components[top].limit = weight + scale / (int32_t)components[top].size;
        } else {
            between[left++] = edges[i];
        }
    }
    joining->between = left;
    joining->weight = weight;
}

size_t kernel_join_small(const uint32_t *between, size_t width, uint32_t least, size_t first, size_t last,
                         uint32_t *parents, kernel_component *components) {
    size_t count = 0;
    for (size_t i = first; i < last; i++) {
        uint32_t a, b;
        find(parents, between[i], (uint32_t)width, &a, &b);
        if (a == b || (components[a].size >= least && components[b].size >= least)) continue;
        join(parents, components, a, b);
        count++;
    }
    return count;
}

size_t kernel_label(uint32_t *parents, size_t first, size_t last, size_t count, uint32_t *numbers, uint32_t *labels) {
    for (size_t i = first; i < last; i++) {
        const uint32_t top = root(parents, (uint32_t)i);
        if (numbers[top] == UINT32_MAX) numbers[top] = (uint32_t)count++;
        labels[i] = numbers[top];
    }
    return count;
}

// Regions

void kernel_count_bins(const uint32_t *labels, const uint8_t *planes, const uint8_t *bins, size_t count,
                       size_t channels, size_t first, size_t last, size_t texture, size_t stride, uint32_t *counts) {
    for (size_t i = first; i < last; i++) {
        uint32_t *region = counts + labels[i] * stride;
        for (size_t c = 0; c < channels; c++) {
            region[c * 25 + planes[c * count + i] * 25 / 256]++;
            uint32_t *textures = region + texture + c * 80;
            const uint8_t *bin = bins + (i * channels + c) * 4;
            for (size_t d = 0; d < 4; d++) textures[bin[d]]++;
        }
    }
}

// The template, compiled once for each instruction set

// Vectors wider than a register are passed between functions that are always inlined only.
#pragma clang diagnostic ignored "-Wpsabi"

static inline size_t clamped(ptrdiff_t place, size_t count) {
    return place < 0 ? 0 : place >= (ptrdiff_t)count ? count - 1 : (size_t)place;
}

#define TEMPLATE "proposals.inc"
#include "each_isa.inc"

void kernel_smooth(const uint8_t *planes, size_t channels, size_t width, size_t height, size_t first, size_t last,
                   uint16_t *scratch, uint16_t *out) {
    const size_t area = width * height;
    for (size_t c = 0; c < channels; c++)
        kernel_chosen()->proposals->smooth(planes + c * area, width, height, first, last, scratch, out + c * area);
}

void kernel_edge_weights(const uint16_t *planes, size_t channels, size_t width, size_t height, size_t first,
                         size_t last, uint16_t *weights) {
    kernel_chosen()->proposals->edge_weights(planes, channels, width, height, first, last, weights);
}

int kernel_derivatives(const uint8_t *planes, size_t channel, size_t width, size_t height, size_t first, size_t last,
                       int16_t *scratch, int16_t *out) {
    const uint8_t *plane = planes + channel * width * height;
    return kernel_chosen()->proposals->derivatives(plane, width, height, first, last, scratch, out);
}

void kernel_texture_bins(const int16_t *derivatives, size_t count, size_t first, size_t last, int most,
                         size_t channel, size_t channels, uint8_t *bins) {
    kernel_chosen()->proposals->texture_bins(derivatives, count, first, last, most, 4 * channels, bins + 4 * channel);
}

float kernel_histogram_overlap(const float *a, float a_scale, const float *b, float b_scale, size_t count) {
    return kernel_chosen()->proposals->histogram_overlap(a, a_scale, b, b_scale, count);
}
