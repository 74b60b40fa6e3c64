// The kernels of selective search over images of sizes and noise that are made up: what they read and write is of the size that
// they are told, every pixel has a region, and histograms count every pixel.
#include "proposals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 7;

static uint32_t drawn(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static void *zeros(size_t count, size_t size) {
    void *values = calloc(count, size);
    if (!values) abort();
    return values;
}

static void require(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static void search(size_t width, size_t height, uint32_t noise, kernel_color color, size_t depth) {
    const size_t area = width * height, channels = color < KERNEL_COLOR_HUE ? 3 : 1;
    uint8_t *pixels = zeros(area * depth, 1), *planes = zeros(area * channels, 1);
    for (size_t i = 0; i < area * depth; i++) pixels[i] = (uint8_t)(i / 97 * 41 + drawn() % (noise + 1));
    uint16_t *table = zeros(kernel_lab_table_count, sizeof *table);
    kernel_lab_table(table);
    kernel_color_planes(pixels, area, depth, color, table, area, planes);

    uint16_t *scratch = zeros(width + 8, sizeof *scratch), *smooth = zeros(area * channels, sizeof *smooth);
    uint16_t *weights = zeros(4 * area, sizeof *weights);
    kernel_smooth(planes, channels, width, height, 0, height, scratch, smooth);
    kernel_edge_weights(smooth, channels, width, height, 0, height, weights);
    uint32_t *starts = zeros(1 << 16, sizeof *starts), *edges = zeros(4 * area, sizeof *edges), sum = 0;
    kernel_count_weights(weights, 4 * area, starts);
    for (size_t weight = 0; weight < 1 << 16; weight++) {
        const uint32_t count = starts[weight];
        starts[weight] = sum;
        sum += count;
    }
    const size_t count = starts[kernel_no_edge];
    kernel_sort_edges(weights, width, 0, height, starts, edges);

    const int32_t k = (int32_t)(drawn() % 20000);
    uint32_t *parents = zeros(area, sizeof *parents), *between = zeros(count + 1, sizeof *between);
    kernel_component *components = zeros(area, sizeof *components);
    for (size_t i = 0; i < area; i++) {
        parents[i] = (uint32_t)i;
        components[i] = (kernel_component){1, k};
    }
    kernel_joining joining = {0, 0};
    kernel_join(edges, starts, width, k, 0, count / 2, parents, components, between, &joining);
    kernel_join(edges, starts, width, k, count / 2, count, parents, components, between, &joining);
    kernel_join_small(between, width, 1 + drawn() % 30, 0, joining.between, parents, components);
    uint32_t *numbers = zeros(area, sizeof *numbers), *labels = zeros(area, sizeof *labels);
    memset(numbers, 0xFF, area * sizeof *numbers);
    const size_t regions = kernel_label(parents, 0, area, 0, numbers, labels);
    for (size_t i = 0; i < area; i++) require(labels[i] < regions, "a pixel without a region");

    int16_t *rows = zeros(2 * (width + 8), sizeof *rows), *derivatives = zeros(4 * area, sizeof *derivatives);
    uint8_t *bins = zeros(4 * channels * area, 1);
    for (size_t channel = 0; channel < channels; channel++) {
        const int most = kernel_derivatives(planes, channel, width, height, 0, height, rows, derivatives);
        kernel_texture_bins(derivatives, area, 0, area, most, channel, channels, bins);
    }
    const size_t texture = (25 * channels + 15) / 16 * 16, stride = texture + 80 * channels;
    uint32_t *counts = zeros(regions * stride, sizeof *counts);
    kernel_count_bins(labels, planes, bins, area, channels, 0, area, texture, stride, counts);
    size_t total = 0;
    for (size_t i = 0; i < regions * stride; i++) total += counts[i];
    require(total == 5 * channels * area, "pixels that are not counted");
    float *histograms = zeros(regions * stride, sizeof *histograms);
    for (size_t i = 0; i < regions * stride; i++) histograms[i] = (float)counts[i];
    const float common = kernel_histogram_overlap(histograms, 1, histograms + (regions - 1) * stride, 1, stride);
    require(common >= 0 && common <= (float)total, "an overlap out of bounds");

    free(pixels), free(planes), free(table), free(scratch), free(smooth), free(weights), free(starts), free(edges);
    free(parents), free(between), free(components), free(numbers), free(labels), free(rows), free(derivatives);
    free(bins), free(counts), free(histograms);
}

int main(void) {
    for (size_t round = 0; round < 600; round++) {
        const size_t width = 1 + drawn() % (round % 3 == 0 ? 4 : 70), height = 1 + drawn() % (round % 5 == 0 ? 3 : 50);
        search(width, height, drawn() % 256, (kernel_color)(round % 5), round % 2 ? 3 : 1);
    }
    return 0;
}
