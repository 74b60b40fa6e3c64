#include "target.h"

#include <stdlib.h>

enum { file_header_size = 14, palette_size = 256 };

/// How the values of a pixel are stored.
enum compression { uncompressed = 0, run_lengths_8 = 1, run_lengths_4 = 2, masks = 3 };

/// A file up to its pixels.
typedef struct {
    const uint8_t *bytes;
    size_t count;
    uint32_t width;
    uint32_t height;
    bool is_top_down;
    uint32_t bits;
    uint32_t compression;
    uint32_t mask[3]; // of red, green, blue
    size_t offset;    // of the pixels
    size_t stride;
    uint8_t colours[palette_size][3];
} file;

/// Reads the palette: of `count` entries those that are there, blue first. One that counts from black upwards says that
/// indices are grays, and one of black and white is that, whatever its length.
static void read_palette(file *file, size_t at, size_t count, size_t entry_size) {
    bool is_gray = true;
    for (size_t i = 0; i < count; i++, at += entry_size) {
        const bool is_there = file->count >= 3 && at <= file->count - 3;
        const uint8_t *entry = is_there ? file->bytes + at : NULL;
        const uint8_t gray = count == 2 && i == 1 ? 255 : (uint8_t)i;
        is_gray = is_gray && entry && entry[0] == gray && entry[1] == gray && entry[2] == gray;
        if (!entry || (i >= palette_size && !is_gray)) break;
        if (i < palette_size) memcpy(file->colours[i], (uint8_t[]){entry[2], entry[1], entry[0]}, 3);
    }
    if (!is_gray) return;
    for (size_t i = 0; i < palette_size; i++) memset(file->colours[i], count > 2 ? (int)i : i == 1 ? 255 : 0, 3);
}

/// Whether a mask is one whole byte of a pixel.
static bool is_byte(uint32_t mask) {
    return mask == 0xFF || mask == 0xFF00 || mask == 0xFF0000 || mask == 0xFF000000;
}

/// The masks of files that state none, and whether those of files that do are known.
static bool read_masks(file *file, const uint8_t *stated) {
    static const uint32_t bytes[] = {0xFF0000, 0xFF00, 0xFF}, fives[] = {0x7C00, 0x3E0, 0x1F}, sixes[] = {0xF800, 0x7E0, 0x1F};
    memcpy(file->mask, file->bits == 16 ? fives : bytes, sizeof file->mask);
    if (!stated) return true;
    const uint32_t mask[3] = {little32(stated), little32(stated + 4), little32(stated + 8)};
    if (file->bits == 32 && (mask[0] | mask[1] | mask[2]) == 0) return true;
    memcpy(file->mask, mask, sizeof mask);
    if (file->bits == 16) return memcmp(mask, fives, sizeof mask) == 0 || memcmp(mask, sixes, sizeof mask) == 0;
    if (file->bits == 24) return memcmp(mask, bytes, sizeof mask) == 0;
    return file->bits == 32 && is_byte(mask[0]) && is_byte(mask[1]) && is_byte(mask[2]);
}

/// Reads the second header, whose size tells its version.
static codec_status read_header(file *file, uint32_t header_size, char *message, size_t size) {
    const uint8_t *header = file->bytes + file_header_size;
    const bool is_old = header_size == 12;
    uint32_t colours = 0;
    if (is_old) {
        file->width = little16(header + 4), file->height = little16(header + 6);
        file->bits = little16(header + 10);
    } else {
        file->is_top_down = header[11] == 0xFF; // a negative height
        file->width = little32(header + 4), file->height = little32(header + 8);
        if (file->is_top_down) file->height = -file->height;
        file->bits = little16(header + 14), file->compression = little32(header + 16);
        colours = little32(header + 32);
    }
    const bool has_palette = file->bits == 1 || file->bits == 4 || file->bits == 8;
    if (!has_palette && file->bits != 16 && file->bits != 24 && file->bits != 32)
        return failed(CODEC_CORRUPT, "its pixels have a number of bits other than 1, 4, 8, 16, 24 and 32", message, size);
    const bool is_run = file->compression == run_lengths_8 || file->compression == run_lengths_4;
    if (file->compression > masks || (has_palette ? file->compression == masks : is_run))
        return failed(CODEC_CORRUPT, "its compression is not one that is known for its pixels", message, size);
    size_t end = file_header_size + (size_t)header_size;
    const uint8_t *stated = file->compression == masks ? header + 40 : NULL;
    if (stated && header_size < 52) end += 12;
    if (end > file->count) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    if (!read_masks(file, stated)) return failed(CODEC_CORRUPT, "its masks of colours are not known", message, size);
    file->offset = little32(file->bytes + 10);
    if (!has_palette) {
        if (file->offset == 0) file->offset = end;
        return CODEC_OK;
    }
    if (colours == 0) colours = 1u << file->bits;
    if (colours > 65536) return failed(CODEC_CORRUPT, "its palette is too large", message, size);
    read_palette(file, end, colours, is_old ? 3 : 4);
    // Files are known whose pixels begin, as they say, at the palette.
    if (file->offset == 0 || file->offset == end) file->offset = end + (is_old ? 3 : 4) * (size_t)colours;
    return CODEC_OK;
}

static bool has_runs(const file *file) {
    return file->compression == run_lengths_8 || file->compression == run_lengths_4;
}

/// Whether all rows are there; of run lengths that cannot be told.
static bool has_all_rows(const file *file) {
    if (has_runs(file)) return file->offset <= file->count;
    const uint64_t last_row = ((uint64_t)file->width * file->bits + 7) / 8;
    uint64_t rows;
    if (__builtin_mul_overflow((uint64_t)(file->height - 1), (uint64_t)file->stride, &rows)) return false;
    return rows <= file->count && file->offset <= file->count && last_row <= file->count &&
           rows + file->offset + last_row <= file->count;
}

static codec_status open_file(file *file, char *message, size_t size) {
    if (file->count < file_header_size + 12) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    const uint32_t header_size = little32(file->bytes + file_header_size);
    static const uint32_t known[] = {12, 40, 52, 56, 64, 108, 124};
    bool is_known = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) is_known = is_known || header_size == known[i];
    if (!is_known) return failed(CODEC_CORRUPT, "its header is of no known size", message, size);
    if (file->count - file_header_size < header_size) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    const codec_status status = read_header(file, header_size, message, size);
    if (status != CODEC_OK) return status;
    if (file->width == 0 || file->height == 0) return failed(CODEC_CORRUPT, "it has no pixels", message, size);
    file->stride = (size_t)(((uint64_t)file->width * file->bits + 31) / 32 * 4);
    return CODEC_OK;
}

/// Expands run lengths to the indices of all pixels, row by row as they are stored.
static codec_status read_runs(const file *file, const codec_monitor *monitor, uint8_t *indices, char *message, size_t size) {
    const size_t width = file->width, all = width * file->height;
    const bool is_4 = file->compression == run_lengths_4;
    size_t done = 0, x = 0, at = file->offset;
    for (unsigned turn = 0; done < all; turn++) {
        if (turn % 4096 == 0 && !monitor->should_continue(monitor->context))
            return failed(CODEC_STOPPED, stopped_sentence, message, size);
        if (file->count - at < 2) break;
        size_t count = file->bytes[at];
        const uint8_t value = file->bytes[at + 1];
        at += 2;
        if (count > 0) { // a run
            if (count > width - (x < width ? x : width)) count = x < width ? width - x : 0;
            for (size_t i = 0; i < count && done < all; i++)
                indices[done++] = !is_4 ? value : i % 2 == 0 ? value >> 4 : value & 15;
            x += count;
        } else if (value == 0) { // the end of a row
            while (done < all && done % width != 0) indices[done++] = 0;
            x = 0;
        } else if (value == 1) { // the end of the image
            break;
        } else if (value == 2) { // a jump
            if (file->count - at < 2) break;
            size_t skipped = file->bytes[at] + file->bytes[at + 1] * width;
            at += 2;
            if (skipped > all - done) skipped = all - done;
            memset(indices + done, 0, skipped);
            done += skipped;
            x = done % width;
        } else { // so many indices as they are
            const size_t pixels = value < all - done ? value : all - done;
            const size_t bytes = is_4 ? (pixels + 1) / 2 : pixels;
            if (file->count - at < bytes) break;
            for (size_t i = 0; i < pixels; i++) {
                const uint8_t byte = file->bytes[at + (is_4 ? i / 2 : i)];
                indices[done++] = !is_4 ? byte : i % 2 == 0 ? byte >> 4 : byte & 15;
            }
            at += bytes;
            x += value;
            if (at % 2 != 0 && at < file->count) at++;
        }
    }
    return done == all ? CODEC_OK : failed(CODEC_TRUNCATED, truncated_sentence, message, size);
}

/// The value that a mask cuts out of a pixel, spread over 0 … 255.
static uint8_t masked(uint32_t pixel, uint32_t mask) {
    const int shift = __builtin_ctz(mask);
    const uint32_t most = mask >> shift;
    return (uint8_t)((pixel >> shift & most) * 255 / most);
}

/// Converts a stored row of indices of `bits` bits, or of pixels.
static void convert(const file *file, const codec_target *target, const uint8_t *stored, uint32_t bits, uint8_t *row) {
    const size_t step = bits / 8;
    for (size_t x = 0; x < file->width; x++) {
        if (bits <= 8) {
            const size_t bit = x * bits;
            const unsigned index = stored[bit / 8] >> (8 - bits - bit % 8) & ((1u << bits) - 1);
            const uint8_t *colour = file->colours[index];
            put_pixel(target, row, x, colour[0], colour[1], colour[2]);
            continue;
        }
        uint32_t pixel = 0;
        for (size_t i = 0; i < step; i++) pixel |= (uint32_t)stored[x * step + i] << (8 * i);
        put_pixel(target, row, x, masked(pixel, file->mask[0]), masked(pixel, file->mask[1]), masked(pixel, file->mask[2]));
    }
}

codec_status codec_bmp_probe(const uint8_t *bytes, size_t count, codec_header *header, char *message, size_t size) {
    file file = {.bytes = bytes, .count = count};
    const codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    const uint64_t pixels = (uint64_t)file.width * file.height;
    *header = (codec_header){
        .width = file.width,
        .height = file.height,
        .scans = 1,
        .working_bytes = 3 * (size_t)file.width + (has_runs(&file) ? pixels : 0),
        .is_in_order = true,
    };
    return CODEC_OK;
}

codec_status codec_bmp_decode(const uint8_t *bytes, size_t count, const codec_target *target, const codec_limits *limits,
                              const codec_monitor *monitor, char *message, size_t size) {
    (void)limits; // a BMP takes a row, and where it has run lengths an index for each pixel
    target_check(target);
    file file = {.bytes = bytes, .count = count};
    codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    if (file.width != target->width || file.height != target->height) __builtin_trap();
    if (!has_all_rows(&file)) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    const size_t pixels = (size_t)file.width * file.height;
    uint8_t *indices = has_runs(&file) ? malloc(pixels) : NULL;
    uint8_t *row = malloc((size_t)file.width * target->channels);
    if (!row || (has_runs(&file) && !indices)) status = failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    else if (indices) status = read_runs(&file, monitor, indices, message, size);
    for (size_t y = 0; y < file.height && status == CODEC_OK; y++) {
        if (!monitor->should_continue(monitor->context)) {
            status = failed(CODEC_STOPPED, stopped_sentence, message, size);
            break;
        }
        const size_t stored = file.is_top_down ? y : file.height - 1 - y;
        if (indices) convert(&file, target, indices + stored * file.width, 8, row);
        else convert(&file, target, bytes + file.offset + stored * file.stride, file.bits, row);
        target_write(target, row, file.width, 0, 1, y);
    }
    free(indices);
    free(row);
    return status;
}
