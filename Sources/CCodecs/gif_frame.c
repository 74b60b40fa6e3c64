#include "gif.h"

/// Reads a code into `code`; only whole blocks are read.
static bool read_code(gif_decoder *decoder, unsigned *code) {
    while (decoder->bit_count < decoder->code_size) {
        while (decoder->block_count == 0) {
            const uint8_t *length = gif_take(decoder->file, 1);
            decoder->block = length ? gif_take(decoder->file, *length) : NULL;
            if (!decoder->block || (*length == 0 && decoder->ends_with_blocks)) return false;
            decoder->block_count = *length;
        }
        decoder->bits |= (uint32_t)*decoder->block++ << decoder->bit_count;
        decoder->block_count--;
        decoder->bit_count += 8;
    }
    *code = decoder->bits & ((1u << decoder->code_size) - 1);
    decoder->bits >>= decoder->code_size;
    decoder->bit_count -= decoder->code_size;
    return true;
}

static void clear(gif_decoder *decoder) {
    decoder->next = (1u << decoder->file->bits) + 2;
    decoder->code_size = decoder->file->bits + 1;
    decoder->last_code = -1;
}

/// Expands a code to the indices it stands for, at the end of `text`, and makes the next entry; returns how many indices,
/// 0 for a code that cannot be.
static size_t expand(gif_decoder *decoder, unsigned code) {
    const unsigned first_code = 1u << decoder->file->bits;
    uint8_t *end = decoder->text + sizeof decoder->text, *start = end;
    if (decoder->last_code < 0) {
        if (code >= first_code) return 0;
        *--start = (uint8_t)code;
        decoder->last_code = (int)code;
        decoder->last_first = (uint8_t)code;
        return 1;
    }
    if (code > decoder->next) return 0;
    unsigned at = code;
    if (code == decoder->next) { // the last text and its own first index
        *--start = decoder->last_first;
        at = (unsigned)decoder->last_code;
    }
    for (; at >= first_code; at = decoder->links[at]) {
        if (at >= gif_table_size || start == decoder->text) return 0;
        *--start = decoder->values[at];
    }
    if (start == decoder->text) return 0;
    *--start = (uint8_t)at;
    decoder->last_first = (uint8_t)at;
    if (decoder->next < gif_table_size) {
        decoder->values[decoder->next] = (uint8_t)at;
        decoder->links[decoder->next] = (uint16_t)decoder->last_code;
        if (decoder->next == (1u << decoder->code_size) - 1 && decoder->code_size < 12) decoder->code_size++;
        decoder->next++;
    }
    decoder->last_code = (int)code;
    return (size_t)(end - start);
}

/// The rows of each pass of an interlaced frame; all rows in the last, the only one of other frames.
enum { single_pass = 4 };
static const uint32_t first_rows[] = {0, 4, 2, 1, 0}, row_steps[] = {8, 8, 4, 2, 1};

/// Takes what is below the row that comes.
static void begin_row(gif_canvas *canvas) {
    const gif_file *file = canvas->file;
    const size_t y = (size_t)file->top + canvas->y;
    if (canvas->below && canvas->y < file->frame_height && y < file->height)
        memcpy(canvas->row, canvas->below + 3 * y * file->width, 3 * (size_t)file->width);
}

/// Writes the row that is full and goes to the next one, which is past the frame after the last; returns whether to go on.
static bool end_row(gif_canvas *canvas) {
    const gif_file *file = canvas->file;
    const uint32_t y = file->top + canvas->y;
    if (y < file->height) target_write(canvas->target, canvas->row, file->width, 0, 1, y);
    canvas->x = 0;
    canvas->y += row_steps[canvas->pass];
    while (canvas->y >= file->frame_height && canvas->pass + 1 < single_pass) canvas->y = first_rows[++canvas->pass];
    begin_row(canvas);
    return canvas->monitor->should_continue(canvas->monitor->context);
}

/// Writes the next index of a frame; what lies outside the screen, and what lets through what is below, is left.
static void put_next(gif_canvas *canvas, uint8_t index) {
    const gif_file *file = canvas->file;
    const size_t x = (size_t)file->left + canvas->x;
    if (x < file->width && !(canvas->below && index == file->transparent)) gif_put(canvas, x, index);
}

codec_status gif_read_frame(gif_decoder *decoder, gif_canvas *canvas, char *message, size_t size) {
    const gif_file *file = canvas->file;
    const unsigned clear_code = 1u << file->bits;
    decoder->block_count = decoder->bit_count = decoder->bits = 0;
    clear(decoder);
    begin_row(canvas);
    while (canvas->y < file->frame_height) {
        unsigned code;
        if (!read_code(decoder, &code)) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
        if (code == clear_code) {
            clear(decoder);
            continue;
        }
        if (code == clear_code + 1) return failed(CODEC_CORRUPT, "its data end before its last row", message, size);
        const size_t count = expand(decoder, code);
        if (count == 0) return failed(CODEC_CORRUPT, "it has a code that stands for nothing", message, size);
        const uint8_t *text = decoder->text + sizeof decoder->text - count;
        for (size_t i = 0; i < count && canvas->y < file->frame_height; i++) {
            put_next(canvas, text[i]);
            if (++canvas->x == file->frame_width && !end_row(canvas))
                return failed(CODEC_STOPPED, stopped_sentence, message, size);
        }
    }
    return CODEC_OK;
}

