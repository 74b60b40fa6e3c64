#include "gif.h"

#include <stdlib.h>

/// Reads a palette of 2, 4, … 256 colours. One that counts from black upwards says that indices are grays; after a palette
/// of colours it says nothing, as to Pillow.
static bool read_palette(gif_file *file, unsigned flags) {
    const size_t count = (size_t)2 << (flags & 7);
    const uint8_t *palette = gif_take(file, 3 * count);
    if (!palette) return false;
    bool is_gray = true;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *colour = palette + 3 * i;
        if (colour[0] != i || colour[1] != i || colour[2] != i) is_gray = false;
    }
    if (is_gray) return true;
    for (size_t i = 0; i < gif_palette_size; i++) {
        if (i < count) memcpy(file->colours[i], palette + 3 * i, 3);
        else memset(file->colours[i], 0, 3);
    }
    return true;
}

/// Reads an extension; the last graphic control before the frame says which index is transparent.
static bool read_extension(gif_file *file) {
    const uint8_t *label = gif_take(file, 1);
    if (!label) return false;
    for (bool is_first = true;; is_first = false) {
        const uint8_t *length = gif_take(file, 1);
        const uint8_t *block = length ? gif_take(file, *length) : NULL;
        if (!block) return false;
        if (*length == 0) return true;
        if (*label != 0xF9 || !is_first || *length < 4) continue;
        file->disposal = block[0] >> 2 & 7;
        if (block[0] & 1) file->transparent = block[3];
    }
}

/// How reading up to a frame ended.
typedef enum { found, none, cut } search;

/// Reads a frame's place, its palette and how its codes begin.
static bool read_descriptor(gif_file *file) {
    const uint8_t *at = gif_take(file, 9);
    if (!at) return false;
    file->left = little16(at), file->top = little16(at + 2);
    file->frame_width = little16(at + 4), file->frame_height = little16(at + 6);
    file->is_interlaced = at[8] & 0x40;
    if (at[8] & 0x80 && !read_palette(file, at[8])) return false;
    const uint8_t *bits = gif_take(file, 1);
    if (bits) file->bits = *bits;
    return bits;
}

/// Reads up to the data of the next frame.
static search find_frame(gif_file *file) {
    file->transparent = -1, file->disposal = 0;
    memcpy(file->colours, file->screen_colours, sizeof file->colours);
    for (;;) {
        const uint8_t *kind = gif_take(file, 1);
        if (!kind) return cut;
        if (*kind == ';') return none;
        if (*kind == ',') return read_descriptor(file) ? found : cut;
        if (*kind == '!' && !read_extension(file)) return cut;
    }
}

codec_status gif_open(gif_file *file, char *message, size_t size) {
    const uint8_t *screen = gif_take(file, 13);
    if (!screen) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    for (size_t i = 0; i < gif_palette_size; i++) memset(file->colours[i], (int)i, 3);
    if (screen[10] & 0x80 && !read_palette(file, screen[10]))
        return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    memcpy(file->screen_colours, file->colours, sizeof file->colours);
    const search first = find_frame(file);
    if (first == none) return failed(CODEC_CORRUPT, "it has no frame", message, size);
    if (first == cut) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    const uint32_t right = file->left + file->frame_width, bottom = file->top + file->frame_height;
    file->width = little16(screen + 6), file->height = little16(screen + 8);
    if (right > file->width) file->width = right;
    if (bottom > file->height) file->height = bottom;
    file->background = file->transparent < 0 ? 0 : (uint8_t)file->transparent;
    if (file->frame_width == 0 || file->frame_height == 0)
        return failed(CODEC_CORRUPT, "its first frame has no pixels", message, size);
    if (file->bits > 12) return failed(CODEC_CORRUPT, "its codes begin with more than 12 bits", message, size);
    return CODEC_OK;
}

bool gif_next(gif_file *file) {
    for (const uint8_t *length = gif_take(file, 1); length && *length > 0; length = gif_take(file, 1))
        if (!gif_take(file, *length)) return false;
    return find_frame(file) == found;
}

/// Writes rows that the frame does not touch.
static void write_background(gif_canvas *canvas, uint32_t from, uint32_t to) {
    if (from == to) return;
    for (size_t x = 0; x < canvas->file->width; x++) gif_put(canvas, x, canvas->file->background);
    for (size_t y = from; y < to; y++) target_write(canvas->target, canvas->row, canvas->file->width, 0, 1, y);
}

codec_status codec_gif_probe(const uint8_t *bytes, size_t count, codec_header *header, char *message, size_t size) {
    gif_file file = {.bytes = bytes, .count = count};
    const codec_status status = gif_open(&file, message, size);
    if (status != CODEC_OK) return status;
    *header = (codec_header){
        .width = file.width,
        .height = file.height,
        .scans = 1,
        .working_bytes = sizeof(gif_decoder) + 3 * (size_t)file.width,
        .is_in_order = !file.is_interlaced,
    };
    return CODEC_OK;
}

codec_status gif_read_first(gif_decoder *decoder, const codec_target *target, const codec_monitor *monitor, uint8_t *row,
                            char *message, size_t size) {
    const gif_file *file = decoder->file;
    gif_canvas canvas = gif_canvas_of(file, target, monitor, NULL, row);
    write_background(&canvas, 0, file->top);
    for (size_t x = 0; x < file->width; x++) gif_put(&canvas, x, file->background);
    const codec_status status = gif_read_frame(decoder, &canvas, message, size);
    if (status == CODEC_OK) write_background(&canvas, file->top + file->frame_height, file->height);
    return status;
}

codec_status codec_gif_decode(const uint8_t *bytes, size_t count, const codec_target *target, const codec_limits *limits,
                              const codec_monitor *monitor, char *message, size_t size) {
    (void)limits; // a GIF takes a table and a row, whatever its size
    target_check(target);
    gif_file file = {.bytes = bytes, .count = count};
    codec_status status = gif_open(&file, message, size);
    if (status != CODEC_OK) return status;
    if (file.width != target->width || file.height != target->height) __builtin_trap();
    if (!monitor->should_continue(monitor->context)) return failed(CODEC_STOPPED, stopped_sentence, message, size);
    gif_decoder *decoder = calloc(1, sizeof *decoder);
    uint8_t *row = malloc((size_t)file.width * target->channels);
    if (decoder && row) {
        decoder->file = &file;
        status = gif_read_first(decoder, target, monitor, row, message, size);
    } else {
        status = failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    }
    free(decoder);
    free(row);
    return status;
}
