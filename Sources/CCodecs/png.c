#include "target.h"

#include <setjmp.h>
#include <stdlib.h>

#include <png.h>

/// Bytes that may follow the last row in the compressed stream: enough for its end and some padding, too few
/// to make the decoder inflate a bomb that no row asks for.
static const size_t max_trailing_bytes = 64 * 1024;

/// The most that one ancillary chunk may allocate; only PLTE and tRNS are kept, and both are tiny.
static const png_alloc_size_t max_chunk_bytes = 1024 * 1024;

static const png_uint_32 max_cached_chunks = 16;

/// One pass over a file. libpng finds it again through its error and read pointers.
typedef struct {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count;
    size_t position;
    size_t budget;              // how many more bytes libpng may take
    codec_header *header;       // what to fill, when probing
    const codec_target *target; // where to write, when decoding
    const codec_monitor *monitor;
    uint8_t *stored;            // a row as in the file
    uint8_t *converted;         // the same row in the target's channels
    uint8_t colours[256][3];    // of each palette index or gray value
    char warning[CODEC_MESSAGE_SIZE / 2];
    char *message;
    size_t message_size;
    codec_status status;
    jmp_buf *escape;
} reader;

_Noreturn static void fail(reader *reader, codec_status status, const char *sentence) {
    snprintf(reader->message, reader->message_size, "%s", sentence);
    reader->status = status;
    longjmp(*reader->escape, 1);
}

// libpng's callbacks

/// Whether libpng has taken every row; what it finds wrong behind the last one costs no pixel.
static bool has_all_rows(const reader *reader) {
    if (!reader->stored) return false;
    if (png_get_interlace_type(reader->png, reader->info) != PNG_INTERLACE_NONE)
        return png_get_current_pass_number(reader->png) >= PNG_INTERLACE_ADAM7_PASSES;
    return png_get_current_row_number(reader->png) >= png_get_image_height(reader->png, reader->info);
}

/// The warning before an error often says more: "Invalid IHDR data (Image width is zero in IHDR)".
_Noreturn static void on_error(png_structp png, png_const_charp sentence) {
    reader *reader = png_get_error_ptr(png);
    if (has_all_rows(reader)) longjmp(*reader->escape, 1); // a stream without its checksum, say
    char both[CODEC_MESSAGE_SIZE];
    if (reader->warning[0] != 0) snprintf(both, sizeof both, "%s (%s)", sentence, reader->warning);
    fail(reader, CODEC_CORRUPT, reader->warning[0] != 0 ? both : sentence);
}

static void on_warning(png_structp png, png_const_charp sentence) {
    reader *reader = png_get_error_ptr(png);
    snprintf(reader->warning, sizeof reader->warning, "%s", sentence);
}

static void on_read(png_structp png, png_bytep out, size_t count) {
    reader *reader = png_get_io_ptr(png);
    if (count > reader->count - reader->position)
        fail(reader, CODEC_TRUNCATED, truncated_sentence);
    if (count > reader->budget) fail(reader, CODEC_CORRUPT, "it has more compressed data than its rows need");
    memcpy(out, reader->bytes + reader->position, count);
    reader->position += count;
    reader->budget -= count;
}

// Reading

static void open_file(reader *reader) {
    png_structp png = reader->png;
    png_set_read_fn(png, reader, on_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); // the caller checks sizes between the two steps
    png_set_chunk_malloc_max(png, max_chunk_bytes);
    png_set_chunk_cache_max(png, max_cached_chunks);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); // text, profiles, …: skipped unparsed
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT);
    png_set_check_for_invalid_index(png, 0); // such an index is black here
    // Encoders are known that declare a smaller window than their data use, and that get the stream's checksum wrong.
    png_set_option(png, PNG_MAXIMUM_INFLATE_WINDOW, PNG_OPTION_ON);
    png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
    png_read_info(png, reader->info);
    png_set_crc_action(png, PNG_CRC_QUIET_USE, PNG_CRC_ERROR_QUIT); // from here on the critical chunks are pixels
}

/// The most that decoding allocates: libpng's structures and zlib's window, the rows of libpng, and ours.
static size_t working_bytes(const reader *reader) {
    enum { structures = 128 * 1024, rows = 4, padding = 64 };
    const size_t width = png_get_image_width(reader->png, reader->info);
    return structures + rows * (png_get_rowbytes(reader->png, reader->info) + padding) + 3 * width;
}

static void read_header(reader *reader) {
    *reader->header = (codec_header){
        .width = png_get_image_width(reader->png, reader->info),
        .height = png_get_image_height(reader->png, reader->info),
        .scans = 1,
        .working_bytes = working_bytes(reader),
        .is_in_order = png_get_interlace_type(reader->png, reader->info) == PNG_INTERLACE_NONE,
    };
}

/// Fills the table of colours: the palette, black past its end; or grays that spread over 0 … 255.
static void read_colours(reader *reader) {
    png_colorp palette = NULL;
    int count = 0;
    if (png_get_color_type(reader->png, reader->info) == PNG_COLOR_TYPE_PALETTE) {
        if (!png_get_PLTE(reader->png, reader->info, &palette, &count))
            fail(reader, CODEC_CORRUPT, "the palette is missing");
        for (int i = 0; i < count && i < 256; i++)
            memcpy(reader->colours[i], (uint8_t[]){palette[i].red, palette[i].green, palette[i].blue}, 3);
        return;
    }
    const unsigned depth = png_get_bit_depth(reader->png, reader->info);
    const unsigned last = depth < 8 ? (1u << depth) - 1 : 255;
    for (unsigned i = 0; i <= last; i++) memset(reader->colours[i], (int)(i * (255 / last)), 3);
}

/// Converts `count` pixels of one value each (and perhaps alpha) through the table of colours.
static void convert_indexed(reader *reader, size_t count) {
    const unsigned depth = png_get_bit_depth(reader->png, reader->info);
    const size_t stride = (size_t)png_get_channels(reader->png, reader->info) * (depth / 8);
    const unsigned mask = (1u << (depth < 8 ? depth : 8)) - 1;
    const uint8_t *stored = reader->stored;
    uint8_t *out = reader->converted;
    for (size_t i = 0; i < count; i++) {
        const size_t bit = i * depth;
        const unsigned index =
            depth < 8 ? (stored[bit / 8] >> (8 - depth - bit % 8)) & mask : stored[i * stride];
        const uint8_t *colour = reader->colours[index];
        if (reader->target->channels == 1) out[i] = luma(colour[0], colour[1], colour[2]);
        else memcpy(out + 3 * i, colour, 3);
    }
}

/// Converts `count` pixels of red, green, blue (and perhaps alpha), 8 or 16 bits each.
static void convert_rgb(reader *reader, size_t count) {
    const size_t step = png_get_bit_depth(reader->png, reader->info) / 8;
    const size_t stride = step * png_get_channels(reader->png, reader->info);
    uint8_t *out = reader->converted;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *pixel = reader->stored + i * stride;
        const uint8_t colour[3] = {pixel[0], pixel[step], pixel[2 * step]};
        if (reader->target->channels == 1) out[i] = luma(colour[0], colour[1], colour[2]);
        else memcpy(out + 3 * i, colour, 3);
    }
}

/// Reads the last row. libpng then looks for the end of the stream; where it fails at that, the row is there all the same.
static void read_last_row(reader *reader) {
    reader->budget = max_trailing_bytes + 2 * png_get_rowbytes(reader->png, reader->info);
    jmp_buf here, *outer = reader->escape;
    reader->escape = &here;
    if (setjmp(here) == 0) png_read_row(reader->png, reader->stored, NULL);
    reader->escape = outer;
    if (reader->status != CODEC_OK) longjmp(*outer, 1);
}

static void read_row(reader *reader, size_t count, bool is_last) {
    if (!reader->monitor->should_continue(reader->monitor->context))
        fail(reader, CODEC_STOPPED, stopped_sentence);
    if (is_last) read_last_row(reader);
    else png_read_row(reader->png, reader->stored, NULL);
    const bool is_rgb = (png_get_color_type(reader->png, reader->info) & ~PNG_COLOR_MASK_ALPHA) == PNG_COLOR_TYPE_RGB;
    if (is_rgb) convert_rgb(reader, count);
    else convert_indexed(reader, count);
}

/// Reads the rows of one pass of Adam7, which are smaller images spread over the whole one.
static void read_pass(reader *reader, int pass, bool is_last) {
    const codec_target *target = reader->target;
    const size_t columns = PNG_PASS_COLS(target->width, pass), rows = PNG_PASS_ROWS(target->height, pass);
    if (columns == 0) return;
    for (size_t row = 0; row < rows; row++) {
        const size_t y = ((size_t)row << PNG_PASS_ROW_SHIFT(pass)) + PNG_PASS_START_ROW(pass);
        read_row(reader, columns, is_last && row + 1 == rows);
        target_write(target, reader->converted, columns, PNG_PASS_START_COL(pass),
                     (size_t)1 << PNG_PASS_COL_SHIFT(pass), y);
    }
}

/// The last pass that has any pixel; libpng reads the end of the data with that pass's last row.
static int last_pass(const codec_target *target) {
    int pass = 6;
    while (PNG_PASS_COLS(target->width, pass) == 0 || PNG_PASS_ROWS(target->height, pass) == 0) pass--;
    return pass;
}

static void read_plain(reader *reader) {
    const codec_target *target = reader->target;
    for (size_t y = 0; y < target->height; y++) {
        read_row(reader, target->width, y + 1 == target->height);
        target_write(target, reader->converted, target->width, 0, 1, y);
    }
}

static void read_pixels(reader *reader) {
    const codec_target *target = reader->target;
    if (png_get_image_width(reader->png, reader->info) != target->width ||
        png_get_image_height(reader->png, reader->info) != target->height) __builtin_trap();
    read_colours(reader);
    reader->stored = malloc(png_get_rowbytes(reader->png, reader->info));
    reader->converted = malloc((size_t)target->width * target->channels);
    if (!reader->stored || !reader->converted)
        fail(reader, CODEC_EXHAUSTED, exhausted_sentence);
    if (png_get_interlace_type(reader->png, reader->info) == PNG_INTERLACE_NONE) {
        read_plain(reader);
        return;
    }
    const int last = last_pass(target);
    for (int pass = 0; pass <= last; pass++) read_pass(reader, pass, pass == last);
}

/// Runs the pass; the one place where libpng's errors land.
static codec_status run(reader *reader) {
    jmp_buf escape;
    reader->budget = SIZE_MAX;
    reader->escape = &escape;
    if (setjmp(escape) == 0) {
        reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
        reader->info = reader->png ? png_create_info_struct(reader->png) : NULL;
        if (!reader->info) fail(reader, CODEC_EXHAUSTED, exhausted_sentence);
        open_file(reader);
        if (reader->header) read_header(reader);
        else read_pixels(reader);
    }
    png_destroy_read_struct(&reader->png, &reader->info, NULL);
    free(reader->stored);
    free(reader->converted);
    return reader->status;
}

codec_status codec_png_probe(const uint8_t *bytes, size_t count, codec_header *header,
                             char *message, size_t message_size) {
    reader reader = {
        .bytes = bytes, .count = count, .header = header, .message = message, .message_size = message_size,
    };
    return run(&reader);
}

codec_status codec_png_decode(const uint8_t *bytes, size_t count, const codec_target *target,
                              const codec_limits *limits, const codec_monitor *monitor,
                              char *message, size_t message_size) {
    (void)limits; // a PNG needs a few rows and zlib's window, whatever its size
    target_check(target);
    reader reader = {
        .bytes = bytes, .count = count, .target = target, .monitor = monitor, .message = message, .message_size = message_size,
    };
    return run(&reader);
}
