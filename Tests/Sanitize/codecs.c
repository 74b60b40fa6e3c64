// Decodes and resamples files: whole, cut short, mutated by a seed, and stopped at each question; the sanitizers it
// is built with are the judges.
// Every size is allocated exactly, so that a byte too many is caught.
#include "codecs.h"
#include "resample.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { max_pixels = 1 << 18 };

static uint64_t state = 0x5EED1E55;
static size_t decoded, refused, stopped;

static uint64_t next(void) {
    uint64_t z = state += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static void *allocate(size_t count) {
    void *memory = malloc(count);
    if (!memory) abort();
    return memory;
}

/// Resamples an image once in each direction, with every filter.
static void resample(const uint8_t *pixels, size_t width, size_t height, size_t channels) {
    for (kernel_filter filter = KERNEL_FILTER_BILINEAR; filter <= KERNEL_FILTER_LANCZOS; filter++) {
        const size_t to = 1 + next() % 40, first = next() % to, count = to - first;
        const size_t longest = width > height ? width : height;
        const size_t most = kernel_resample_taps(filter, longest, to);
        size_t *starts = allocate(count * sizeof *starts), *counts = allocate(count * sizeof *counts);
        int32_t *weights = allocate(count * most * sizeof *weights);
        double *scratch = allocate(most * sizeof *scratch);
        uint8_t *columns = allocate(height * count * channels), *rows = allocate(width * channels);
        kernel_resample_weights(filter, width, to, first, count, starts, counts, weights, scratch);
        const size_t taps = kernel_resample_taps(filter, width, to);
        kernel_resample_columns(pixels, height, width, channels, count, taps, starts, counts, weights, columns);
        float table[256] = {0}, *plane = allocate(height * count * sizeof *plane);
        kernel_normalize(columns + channels - 1, height, count, channels, table, next() % 2, plane);
        kernel_resample_weights(filter, height, to, first, count, starts, counts, weights, scratch);
        const size_t step = kernel_resample_taps(filter, height, to);
        for (size_t i = 0; i < count; i++)
            kernel_resample_rows(pixels, width * channels, width * channels, height, starts[i], counts[i], weights + i * step, rows);
        free(starts), free(counts), free(weights), free(scratch), free(columns), free(rows), free(plane);
    }
}

/// Places the stored image in one of the eight orientations.
static codec_target target_of(uint8_t *pixels, size_t width, size_t height, size_t channels, unsigned orientation) {
    const ptrdiff_t w = (ptrdiff_t)width, h = (ptrdiff_t)height, c = (ptrdiff_t)channels;
    const ptrdiff_t column = orientation & 4 ? h : 1, row = orientation & 4 ? 1 : w;
    const bool left = orientation & 1, up = orientation & 2;
    const ptrdiff_t origin = (left ? (w - 1) * column : 0) + (up ? (h - 1) * row : 0);
    return (codec_target){
        .pixels = pixels, .capacity = width * height * channels,
        .width = (uint32_t)width, .height = (uint32_t)height, .channels = (uint32_t)channels,
        .origin = (size_t)(origin * c), .column_step = left ? -column * c : column * c,
        .row_step = up ? -row * c : row * c,
    };
}

/// Counts the questions of a decoder; the one numbered `last` is answered with no.
typedef struct {
    size_t asked;
    size_t last;
} questions;

static bool should_continue(void *context) {
    questions *questions = context;
    return ++questions->asked != questions->last;
}

typedef codec_status probe_function(const uint8_t *, size_t, codec_header *, char *, size_t);
typedef codec_status decode_function(const uint8_t *, size_t, const codec_target *, const codec_limits *, const codec_monitor *,
                                     char *, size_t);

/// The codec that a file's first byte asks for.
static void codec_of(uint8_t first, probe_function **probe, decode_function **decode) {
    switch (first) {
    case 0x89: *probe = codec_png_probe, *decode = codec_png_decode; return;
    case 'R': *probe = codec_webp_probe, *decode = codec_webp_decode; return;
    case 'G': *probe = codec_gif_probe, *decode = codec_gif_decode; return;
    case 'B': *probe = codec_bmp_probe, *decode = codec_bmp_decode; return;
    default: *probe = codec_jpeg_probe, *decode = codec_jpeg_decode;
    }
}

static codec_status decode_until(const uint8_t *bytes, size_t count, const codec_target *target,
                                 const codec_limits *limits, questions *questions) {
    char message[CODEC_MESSAGE_SIZE] = {0};
    const codec_monitor monitor = {.should_continue = should_continue, .context = questions};
    probe_function *probe;
    decode_function *decode;
    codec_of(bytes[0], &probe, &decode);
    const codec_status status = decode(bytes, count, target, limits, &monitor, message, sizeof message);
    if (status != CODEC_OK && message[0] == 0) abort();
    if (questions->last > 0 && status == CODEC_STOPPED && questions->asked != questions->last) abort();
    return status;
}

/// What the rows that a decoder hands over are put into.
typedef struct {
    uint8_t *pixels;
    size_t row_bytes;
    size_t next;
} gathered_rows;

static void gather(void *context, const uint8_t *row, size_t y) {
    gathered_rows *rows = context;
    if (y != rows->next++) abort();
    memcpy(rows->pixels + y * rows->row_bytes, row, rows->row_bytes);
}

/// Decodes row by row, which must give the pixels of the whole image.
static void decode_rows(const uint8_t *bytes, size_t count, const codec_target *upright, const codec_limits *limits) {
    const size_t row_bytes = (size_t)upright->width * upright->channels;
    gathered_rows rows = {.pixels = allocate(row_bytes * upright->height), .row_bytes = row_bytes};
    const codec_target target = {
        .width = upright->width, .height = upright->height, .channels = upright->channels, .take = gather, .context = &rows,
    };
    questions all = {0};
    if (decode_until(bytes, count, &target, limits, &all) != CODEC_OK || rows.next != upright->height) abort();
    if (memcmp(rows.pixels, upright->pixels, row_bytes * upright->height) != 0) abort();
    free(rows.pixels);
}

/// Decodes the bytes if their header allows it: whole, and then until a few of the questions it asked, or each.
static void decode(const uint8_t *bytes, size_t count, bool stop_everywhere) {
    char message[CODEC_MESSAGE_SIZE] = {0};
    codec_header header;
    probe_function *probe;
    decode_function *decode;
    codec_of(bytes[0], &probe, &decode);
    const codec_status probed = probe(bytes, count, &header, message, sizeof message);
    if (probed != CODEC_OK || (uint64_t)header.width * header.height > max_pixels || header.scans > 20) {
        refused++;
        return;
    }
    const size_t channels = next() % 2 ? 1 : 3;
    uint8_t *pixels = allocate((size_t)header.width * header.height * channels);
    const unsigned orientation = next() % 8;
    const codec_target target = target_of(pixels, header.width, header.height, channels, orientation);
    const codec_limits limits = {.max_memory = header.working_bytes, .max_scans = header.scans};
    questions whole = {0};
    const codec_status status = decode_until(bytes, count, &target, &limits, &whole);
    if (status == CODEC_EXHAUSTED) abort(); // the header said what it takes
    if (status == CODEC_OK) {
        decoded++;
        if (orientation == 0 && header.is_in_order) decode_rows(bytes, count, &target, &limits);
        if (decoded % 16 == 0) resample(pixels, header.width, header.height, channels);
    } else {
        refused++;
    }
    for (size_t last = 1; last <= whole.asked; last += stop_everywhere ? 1 : 1 + next() % whole.asked) {
        questions some = {.last = last};
        if (decode_until(bytes, count, &target, &limits, &some) != CODEC_STOPPED) abort();
        stopped++;
    }
    free(pixels);
}

static uint32_t checksum(const uint8_t *bytes, size_t count) {
    uint32_t sum = ~0u;
    for (size_t i = 0; i < count; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320 : 0);
    }
    return ~sum;
}

/// Makes the checksums of a PNG file right again, so that mutations reach what lies behind them.
static void repair(uint8_t *bytes, size_t count) {
    for (size_t at = 8; at + 12 <= count;) {
        const size_t length = (size_t)bytes[at] << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
        if (length > count - at - 12) return;
        const uint32_t sum = checksum(bytes + at + 4, length + 4);
        for (size_t i = 0; i < 4; i++) bytes[at + 8 + length + i] = (uint8_t)(sum >> (24 - 8 * i));
        at += 12 + length;
    }
}

static void mutate(const uint8_t *file, size_t count) {
    const size_t length = next() % 4 ? count : 1 + next() % count;
    uint8_t *bytes = allocate(length);
    memcpy(bytes, file, length);
    for (size_t i = 1 + next() % 4; i > 0; i--) {
        const size_t at = next() % length;
        bytes[at] = next() % 2 ? (uint8_t)(bytes[at] ^ 1 << next() % 8) : (uint8_t)next();
    }
    if (bytes[0] == 0x89 && next() % 2) repair(bytes, length);
    decode(bytes, length, false);
    free(bytes);
}

int main(int argc, char **argv) {
    const long mutations = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file || fseek(file, 0, SEEK_END) != 0) return perror(argv[i]), 1;
        const long count = ftell(file);
        if (count <= 0) return fprintf(stderr, "%s: empty\n", argv[i]), 1;
        uint8_t *bytes = allocate((size_t)count);
        rewind(file);
        if (fread(bytes, 1, (size_t)count, file) != (size_t)count) return perror(argv[i]), 1;
        fclose(file);
        for (int orientation = 0; orientation < 8; orientation++) decode(bytes, (size_t)count, orientation == 0);
        for (size_t length = 1; length < (size_t)count && count < 4096; length++) {
            uint8_t *start = allocate(length);
            memcpy(start, bytes, length);
            decode(start, length, false);
            free(start);
        }
        for (long round = 0; round < mutations; round++) mutate(bytes, (size_t)count);
        free(bytes);
    }
    printf("%zu decoded, %zu refused, %zu stopped, nothing found\n", decoded, refused, stopped);
}
