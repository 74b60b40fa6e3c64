#include "target.h"

#include <stdlib.h>

/// Codes have at most 12 bits.
enum { table_size = 1 << 12, palette_size = 256 };

/// A file up to the data of its first frame.
typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    uint32_t width; // of the screen, and of the frame where that is larger
    uint32_t height;
    uint32_t left;
    uint32_t top;
    uint32_t frame_width;
    uint32_t frame_height;
    bool is_interlaced;
    uint8_t background; // the index of what the frame does not cover
    unsigned bits;      // of an index, as the codes begin
    uint8_t colours[palette_size][3];
} file;

/// The next bytes; null past the end.
static const uint8_t *take(file *file, size_t count) {
    if (count > file->count - file->position) return NULL;
    file->position += count;
    return file->bytes + file->position - count;
}

/// Reads a palette of 2, 4, … 256 colours. One that counts from black upwards says that indices are grays; after a palette
/// of colours it says nothing, as to Pillow.
static bool read_palette(file *file, unsigned flags) {
    const size_t count = (size_t)2 << (flags & 7);
    const uint8_t *palette = take(file, 3 * count);
    if (!palette) return false;
    bool is_gray = true;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *colour = palette + 3 * i;
        if (colour[0] != i || colour[1] != i || colour[2] != i) is_gray = false;
    }
    if (is_gray) return true;
    for (size_t i = 0; i < palette_size; i++) {
        if (i < count) memcpy(file->colours[i], palette + 3 * i, 3);
        else memset(file->colours[i], 0, 3);
    }
    return true;
}

/// Reads an extension; the last graphic control before the frame says which index is transparent.
static bool read_extension(file *file) {
    const uint8_t *label = take(file, 1);
    if (!label) return false;
    for (bool is_first = true;; is_first = false) {
        const uint8_t *length = take(file, 1);
        const uint8_t *block = length ? take(file, *length) : NULL;
        if (!block) return false;
        if (*length == 0) return true;
        if (*label == 0xF9 && is_first && *length >= 4 && block[0] & 1) file->background = block[3];
    }
}

static bool read_descriptor(file *file) {
    const uint8_t *at = take(file, 9);
    if (!at) return false;
    file->left = little16(at), file->top = little16(at + 2);
    file->frame_width = little16(at + 4), file->frame_height = little16(at + 6);
    const uint32_t right = file->left + file->frame_width, bottom = file->top + file->frame_height;
    if (right > file->width) file->width = right;
    if (bottom > file->height) file->height = bottom;
    file->is_interlaced = at[8] & 0x40;
    if (at[8] & 0x80 && !read_palette(file, at[8])) return false;
    const uint8_t *bits = take(file, 1);
    if (bits) file->bits = *bits;
    return bits;
}

static codec_status open_file(file *file, char *message, size_t size) {
    const uint8_t *screen = take(file, 13);
    if (!screen) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    file->width = little16(screen + 6), file->height = little16(screen + 8);
    for (size_t i = 0; i < palette_size; i++) memset(file->colours[i], (int)i, 3);
    bool is_whole = !(screen[10] & 0x80) || read_palette(file, screen[10]);
    for (bool is_found = false; is_whole && !is_found;) {
        const uint8_t *kind = take(file, 1);
        if (kind && *kind == ';') return failed(CODEC_CORRUPT, "it has no frame", message, size);
        is_found = kind && *kind == ',';
        if (!kind || (*kind == '!' && !read_extension(file))) is_whole = false;
        else if (is_found) is_whole = read_descriptor(file);
    }
    if (!is_whole) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    if (file->frame_width == 0 || file->frame_height == 0)
        return failed(CODEC_CORRUPT, "its first frame has no pixels", message, size);
    if (file->bits > 12) return failed(CODEC_CORRUPT, "its codes begin with more than 12 bits", message, size);
    return CODEC_OK;
}

/// The state of LZW decoding.
typedef struct {
    file *file;
    const uint8_t *block; // what is left of the current block
    size_t block_count;
    uint32_t bits; // read ahead, and how many
    unsigned bit_count;
    unsigned code_size;
    unsigned next; // the entry that the next code makes
    int last_code; // -1 behind a clear code
    uint8_t last_first;
    uint16_t links[table_size];
    uint8_t values[table_size];
    uint8_t text[table_size + 1]; // what a code stands for, at the end
} decoder;

/// Reads a code into `code`; only whole blocks are read.
static bool read_code(decoder *decoder, unsigned *code) {
    while (decoder->bit_count < decoder->code_size) {
        while (decoder->block_count == 0) {
            const uint8_t *length = take(decoder->file, 1);
            decoder->block = length ? take(decoder->file, *length) : NULL;
            if (!decoder->block) return false;
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

static void clear(decoder *decoder) {
    decoder->next = (1u << decoder->file->bits) + 2;
    decoder->code_size = decoder->file->bits + 1;
    decoder->last_code = -1;
}

/// Expands a code to the indices it stands for, at the end of `text`, and makes the next entry; returns how many indices,
/// 0 for a code that cannot be.
static size_t expand(decoder *decoder, unsigned code) {
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
        if (at >= table_size || start == decoder->text) return 0;
        *--start = decoder->values[at];
    }
    if (start == decoder->text) return 0;
    *--start = (uint8_t)at;
    decoder->last_first = (uint8_t)at;
    if (decoder->next < table_size) {
        decoder->values[decoder->next] = (uint8_t)at;
        decoder->links[decoder->next] = (uint16_t)decoder->last_code;
        if (decoder->next == (1u << decoder->code_size) - 1 && decoder->code_size < 12) decoder->code_size++;
        decoder->next++;
    }
    decoder->last_code = (int)code;
    return (size_t)(end - start);
}

/// Where the rows of a frame go.
typedef struct {
    const file *file;
    const codec_target *target;
    const codec_monitor *monitor;
    uint8_t *row; // of the whole screen, in the target's channels
    uint32_t x;   // the place on the frame
    uint32_t y;
    unsigned pass;
} canvas;

/// The rows of each pass of an interlaced frame; all rows in the last, the only one of other frames.
enum { single_pass = 4 };
static const uint32_t first_rows[] = {0, 4, 2, 1, 0}, row_steps[] = {8, 8, 4, 2, 1};

static void put_index(canvas *canvas, size_t x, uint8_t index) {
    const uint8_t *colour = canvas->file->colours[index];
    put_pixel(canvas->target, canvas->row, x, colour[0], colour[1], colour[2]);
}

/// Writes rows that the frame does not touch.
static void write_background(canvas *canvas, uint32_t from, uint32_t to) {
    if (from == to) return;
    for (size_t x = 0; x < canvas->file->width; x++) put_index(canvas, x, canvas->file->background);
    for (size_t y = from; y < to; y++) target_write(canvas->target, canvas->row, canvas->file->width, 0, 1, y);
}

/// Writes the row that is full and goes to the next one, which is past the frame after the last; returns whether to go on.
static bool end_row(canvas *canvas) {
    const file *file = canvas->file;
    target_write(canvas->target, canvas->row, file->width, 0, 1, file->top + canvas->y);
    canvas->x = 0;
    canvas->y += row_steps[canvas->pass];
    while (canvas->y >= file->frame_height && canvas->pass + 1 < single_pass) canvas->y = first_rows[++canvas->pass];
    return canvas->monitor->should_continue(canvas->monitor->context);
}

static codec_status read_frame(decoder *decoder, canvas *canvas, char *message, size_t size) {
    const file *file = canvas->file;
    const unsigned clear_code = 1u << file->bits;
    clear(decoder);
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
            put_index(canvas, file->left + canvas->x, text[i]);
            if (++canvas->x == file->frame_width && !end_row(canvas))
                return failed(CODEC_STOPPED, stopped_sentence, message, size);
        }
    }
    return CODEC_OK;
}

codec_status codec_gif_probe(const uint8_t *bytes, size_t count, codec_header *header, char *message, size_t size) {
    file file = {.bytes = bytes, .count = count};
    const codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    *header = (codec_header){
        .width = file.width,
        .height = file.height,
        .scans = 1,
        .working_bytes = sizeof(decoder) + 3 * (size_t)file.width,
        .is_in_order = !file.is_interlaced,
    };
    return CODEC_OK;
}

codec_status codec_gif_decode(const uint8_t *bytes, size_t count, const codec_target *target, const codec_limits *limits,
                              const codec_monitor *monitor, char *message, size_t size) {
    (void)limits; // a GIF takes a table and a row, whatever its size
    target_check(target);
    file file = {.bytes = bytes, .count = count};
    codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    if (file.width != target->width || file.height != target->height) __builtin_trap();
    if (!monitor->should_continue(monitor->context)) return failed(CODEC_STOPPED, stopped_sentence, message, size);
    decoder *decoder = calloc(1, sizeof *decoder);
    uint8_t *row = malloc((size_t)file.width * target->channels);
    if (decoder && row) {
        decoder->file = &file;
        canvas canvas = {
            .file = &file, .target = target, .monitor = monitor, .row = row, .pass = file.is_interlaced ? 0 : single_pass,
        };
        write_background(&canvas, 0, file.top);
        for (size_t x = 0; x < file.width; x++) put_index(&canvas, x, file.background);
        status = read_frame(decoder, &canvas, message, size);
        if (status == CODEC_OK) write_background(&canvas, file.top + file.frame_height, file.height);
    } else {
        status = failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    }
    free(decoder);
    free(row);
    return status;
}
