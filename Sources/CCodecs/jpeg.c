#include "target.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include <jerror.h>

/// One pass over a file. libjpeg finds it again through `info.client_data`.
typedef struct {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_source_mgr source;
    struct jpeg_progress_mgr progress;
    const uint8_t *bytes;
    size_t count;
    codec_header *header;       // what to fill, when probing
    const codec_target *target; // where to write, when decoding
    const codec_limits *limits;
    const codec_monitor *monitor;
    char *message;
    size_t message_size;
    codec_status status;
    jmp_buf escape;
} reader;

_Noreturn static void fail(reader *reader, codec_status status, const char *sentence) {
    snprintf(reader->message, reader->message_size, "%s", sentence);
    reader->status = status;
    longjmp(reader->escape, 1);
}

// libjpeg's callbacks

static void on_error(j_common_ptr info) {
    char sentence[JMSG_LENGTH_MAX];
    info->err->format_message(info, sentence);
    const int code = info->err->msg_code;
    const bool is_memory = code == JERR_NO_BACKING_STORE || code == JERR_OUT_OF_MEMORY;
    if (is_memory) fail(info->client_data, CODEC_EXHAUSTED, "decoding needs more working memory than is allowed");
    fail(info->client_data, CODEC_CORRUPT, sentence);
}

/// Warnings that mean lost pixels end the decoding; the rest (stray bytes between segments, odd markers) do not.
static void on_message(j_common_ptr info, int level) {
    if (level >= 0) return;
    switch (info->err->msg_code) {
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE:
    case JWRN_MUST_RESYNC: on_error(info);
    default: return;
    }
}

/// Called for each row, and within a scan for each row of blocks.
static void on_progress(j_common_ptr info) {
    reader *reader = info->client_data;
    if (reader->info.input_scan_number > (int)reader->limits->max_scans)
        fail(reader, CODEC_CORRUPT, "it has more scans than its markers say");
    if (!reader->monitor->should_continue(reader->monitor->context))
        fail(reader, CODEC_STOPPED, stopped_sentence);
}

static void on_source(j_decompress_ptr info) { (void)info; }

static boolean on_end_of_bytes(j_decompress_ptr info) {
    fail(info->client_data, CODEC_TRUNCATED, truncated_sentence);
}

static void on_skip(j_decompress_ptr info, long count) {
    if (count <= 0) return;
    if ((size_t)count > info->src->bytes_in_buffer) on_end_of_bytes(info);
    info->src->next_input_byte += count;
    info->src->bytes_in_buffer -= (size_t)count;
}

// Reading

static void open_file(reader *reader) {
    j_decompress_ptr info = &reader->info;
    jpeg_create_decompress(info);
    reader->source = (struct jpeg_source_mgr){
        .next_input_byte = reader->bytes,
        .bytes_in_buffer = reader->count,
        .init_source = on_source,
        .fill_input_buffer = on_end_of_bytes,
        .skip_input_data = on_skip,
        .resync_to_restart = jpeg_resync_to_restart,
        .term_source = on_source,
    };
    info->src = &reader->source;
    jpeg_read_header(info, TRUE);
    if (info->num_components == 1 || info->num_components == 3 || info->num_components == 4) return;
    fail(reader, CODEC_CORRUPT, "it has a number of colour components other than 1, 3 and 4");
}

/// Counts the scans whose markers lie between `at` and the end of the image, by libjpeg's own rule: a segment is as
/// long as it says, and in what is no segment every 0xFF before anything but 0 and 0xFF is a marker.
static uint32_t count_scans(const uint8_t *at, const uint8_t *end) {
    enum { first_restart = 0xD0, start_of_image = 0xD8, end_of_image = 0xD9, start_of_scan = 0xDA, temporary = 0x01 };
    uint32_t scans = 0;
    while (at < end && (at = memchr(at, 0xFF, (size_t)(end - at)))) {
        while (at < end && *at == 0xFF) at++;
        if (at == end) break;
        const uint8_t code = *at++;
        if (code == end_of_image) break;
        if (code == 0 || code == temporary || (code >= first_restart && code <= start_of_image)) continue;
        if (code == start_of_scan) scans++;
        if (end - at < 2) break;
        const ptrdiff_t length = at[0] << 8 | at[1];
        at = length < end - at ? at + length : end;
    }
    return scans;
}

static size_t round_up(size_t value, int step) {
    const size_t unit = (size_t)step;
    return (value + unit - 1) / unit * unit;
}

/// The most that libjpeg allocates: tables, the coefficients of every block when there are several scans, the rows
/// of blocks that it holds around the one it puts out, one such row in full size, and the band of `read_rows`.
static size_t working_bytes(const struct jpeg_decompress_struct *info, bool has_scans) {
    enum { tables = 128 * 1024, row_groups = DCTSIZE + 2, padding = 64, band = 16 };
    const size_t width = info->image_width;
    size_t bytes = tables + band * (width * 4 + padding);
    for (int i = 0; i < info->num_components; i++) {
        const jpeg_component_info *component = &info->comp_info[i];
        const size_t across = round_up(component->width_in_blocks, component->h_samp_factor);
        const size_t down = round_up(component->height_in_blocks, component->v_samp_factor);
        if (has_scans) bytes += down * (across * sizeof(JBLOCK) + sizeof(JBLOCKROW));
        bytes += (across * DCTSIZE + padding) * (size_t)component->v_samp_factor * row_groups;
        bytes += (round_up(width, info->max_h_samp_factor) + padding) * (size_t)info->max_v_samp_factor;
    }
    return bytes;
}

static void read_header(reader *reader) {
    const struct jpeg_decompress_struct *info = &reader->info;
    const bool has_scans = jpeg_has_multiple_scans(&reader->info);
    const uint8_t *first = reader->source.next_input_byte; // behind the header of the first scan
    *reader->header = (codec_header){
        .width = info->image_width,
        .height = info->image_height,
        .scans = has_scans ? 1 + count_scans(first, reader->bytes + reader->count) : 1,
        .working_bytes = working_bytes(info, has_scans),
        .is_in_order = true,
    };
}

/// Turns inverted CMYK into RGB, in place: each colour is (255 − ink) · (255 − black) / 255, rounded.
static void cmyk_to_rgb(uint8_t *row, size_t width) {
    for (size_t x = 0; x < width; x++) {
        const uint32_t white = row[4 * x + 3];
        for (size_t c = 0; c < 3; c++) {
            const uint32_t product = (255 - row[4 * x + c]) * white + 128;
            row[3 * x + c] = (uint8_t)(white - ((product + (product >> 8)) >> 8));
        }
    }
}

static void rgb_to_gray(uint8_t *row, size_t width) {
    for (size_t x = 0; x < width; x++) row[x] = luma(row[3 * x], row[3 * x + 1], row[3 * x + 2]);
}

/// Reads the next rows and converts them to the target's channels; returns how many, at most `count`.
static size_t read_band(reader *reader, JSAMPARRAY rows, size_t count) {
    j_decompress_ptr info = &reader->info;
    size_t read = 0;
    for (; read < count && info->output_scanline < info->output_height; read++) {
        JSAMPROW row = rows[read];
        if (jpeg_read_scanlines(info, &row, 1) != 1) fail(reader, CODEC_CORRUPT, "a row is missing");
        if (info->output_components == 4) cmyk_to_rgb(row, info->output_width);
        if (info->output_components != 1 && reader->target->channels == 1) rgb_to_gray(row, info->output_width);
    }
    return read;
}

/// Reads all rows: into their place when they need no conversion and stay rows, else through a band of a few.
static void read_rows(reader *reader) {
    j_decompress_ptr info = &reader->info;
    const codec_target *target = reader->target;
    if (info->output_components == (int)target->channels && target_rows_are_contiguous(target)) {
        while (info->output_scanline < info->output_height) {
            JSAMPROW row = target_pixel(target, 0, info->output_scanline);
            read_band(reader, &row, 1);
        }
        return;
    }
    enum { band = 16 };
    const JDIMENSION row_bytes = (JDIMENSION)(info->output_width * (JDIMENSION)info->output_components);
    JSAMPARRAY rows = info->mem->alloc_sarray((j_common_ptr)info, JPOOL_IMAGE, row_bytes, band);
    while (info->output_scanline < info->output_height) {
        const size_t y = info->output_scanline;
        const size_t count = read_band(reader, rows, band);
        target_write_rows(target, rows, count, y);
    }
}

static void read_pixels(reader *reader) {
    j_decompress_ptr info = &reader->info;
    const codec_target *target = reader->target;
    if (info->image_width != target->width || info->image_height != target->height) __builtin_trap();
    const bool is_gray = info->num_components == 1 && target->channels == 1;
    info->out_color_space = info->num_components == 4 ? JCS_CMYK : is_gray ? JCS_GRAYSCALE : JCS_RGB;
    info->dct_method = JDCT_ISLOW;
    info->do_fancy_upsampling = TRUE;
    reader->progress.progress_monitor = on_progress;
    info->progress = &reader->progress;
    const size_t max_memory = reader->limits->max_memory;
    info->mem->max_memory_to_use = max_memory < LONG_MAX ? (long)max_memory : LONG_MAX;
    jpeg_start_decompress(info);
    read_rows(reader);
}

/// Runs the pass; the one place where libjpeg's errors land.
static codec_status run(reader *reader) {
    reader->info.err = jpeg_std_error(&reader->errors);
    reader->errors.error_exit = on_error;
    reader->errors.emit_message = on_message;
    reader->info.client_data = reader;
    if (setjmp(reader->escape) == 0) {
        open_file(reader);
        if (reader->header) read_header(reader);
        else read_pixels(reader);
    }
    jpeg_destroy_decompress(&reader->info);
    return reader->status;
}

codec_status codec_jpeg_probe(const uint8_t *bytes, size_t count, codec_header *header,
                              char *message, size_t message_size) {
    reader reader = {
        .bytes = bytes, .count = count, .header = header, .message = message, .message_size = message_size,
    };
    return run(&reader);
}

codec_status codec_jpeg_decode(const uint8_t *bytes, size_t count, const codec_target *target,
                               const codec_limits *limits, const codec_monitor *monitor,
                               char *message, size_t message_size) {
    target_check(target);
    reader reader = {
        .bytes = bytes, .count = count, .target = target, .limits = limits, .monitor = monitor,
        .message = message, .message_size = message_size,
    };
    return run(&reader);
}
