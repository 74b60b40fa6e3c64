#include "target.h"

#include <stdlib.h>

#include <webp/decode.h>

/// A file up to the data of its first frame.
typedef struct {
    const uint8_t *bytes; // of the file, or in an animation of the frame
    size_t count;
    uint32_t width; // of the canvas
    uint32_t height;
    uint32_t left; // of the frame on it
    uint32_t top;
    WebPBitstreamFeatures frame;
} file;

static uint32_t little24(const uint8_t *at) { return little16(at) | (uint32_t)at[2] << 16; }

static codec_status read_features(const uint8_t *bytes, size_t count, WebPBitstreamFeatures *features, char *message,
                                  size_t size) {
    const VP8StatusCode status = WebPGetFeatures(bytes, count, features);
    if (status == VP8_STATUS_NOT_ENOUGH_DATA) return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    if (status != VP8_STATUS_OK) return failed(CODEC_CORRUPT, "its header is not that of an image", message, size);
    return CODEC_OK;
}

/// Goes to the data of an animation's first frame. libwebp's own demultiplexer would make a node for every frame.
static codec_status find_frame(file *file, char *message, size_t size) {
    enum { riff_header = 12, chunk_header = 8, frame_header = 16 };
    size_t at = riff_header;
    while (at <= file->count && file->count - at >= chunk_header) {
        const uint8_t *chunk = file->bytes + at;
        const size_t length = little32(chunk + 4);
        at += chunk_header;
        if (memcmp(chunk, "ANMF", 4) == 0) {
            if (length < frame_header) return failed(CODEC_CORRUPT, "its first frame has no header", message, size);
            if (length > file->count - at) break;
            file->left = 2 * little24(file->bytes + at), file->top = 2 * little24(file->bytes + at + 3);
            file->bytes += at + frame_header;
            file->count = length - frame_header;
            return read_features(file->bytes, file->count, &file->frame, message, size);
        }
        if (length > file->count - at) break;
        at += length + length % 2;
    }
    return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
}

static codec_status open_file(file *file, char *message, size_t size) {
    codec_status status = read_features(file->bytes, file->count, &file->frame, message, size);
    if (status != CODEC_OK) return status;
    file->width = (uint32_t)file->frame.width, file->height = (uint32_t)file->frame.height;
    if (!file->frame.has_animation) return CODEC_OK;
    status = find_frame(file, message, size);
    if (status != CODEC_OK) return status;
    if (file->frame.has_animation || file->left + (uint32_t)file->frame.width > file->width ||
        file->top + (uint32_t)file->frame.height > file->height)
        return failed(CODEC_CORRUPT, "its first frame does not lie on its canvas", message, size);
    return CODEC_OK;
}

/// What libwebp allocates, about: for lossy data a few rows of blocks, and planes of the alpha channel; for lossless data the
/// pixels, three images of its blocks, and tables of codes for as many groups as encoders make. And ours: the pixels and a row.
static size_t working_bytes(const file *file) {
    enum { structures = 256 * 1024, bytes_across = 256, most_groups = 2600, group_bytes = 6 * 1024, is_lossless = 2 };
    const size_t width = (size_t)file->frame.width, pixels = width * (size_t)file->frame.height;
    size_t bytes = structures + 3 * pixels + 3 * (size_t)file->width;
    if (file->frame.format == is_lossless) {
        const size_t groups = pixels / 16 < most_groups ? pixels / 16 : most_groups;
        return bytes + 4 * (pixels + 17 * width) + pixels + groups * group_bytes;
    }
    if (file->frame.has_alpha) bytes += 6 * pixels;
    return bytes + bytes_across * width;
}

/// Decodes the frame into `pixels`, feeding libwebp a part at a time so that it can be stopped between them.
static codec_status read_frame(const file *file, const codec_monitor *monitor, uint8_t *pixels, char *message, size_t size) {
    enum { pixels_a_part = 128 * 1024, least_part = 64 };
    const size_t width = (size_t)file->frame.width, height = (size_t)file->frame.height;
    WebPDecBuffer buffer;
    if (!WebPInitDecBuffer(&buffer)) return failed(CODEC_CORRUPT, "libwebp is of another version", message, size);
    buffer.colorspace = MODE_RGB;
    buffer.is_external_memory = 1;
    buffer.u.RGBA = (WebPRGBABuffer){.rgba = pixels, .stride = (int)(3 * width), .size = 3 * width * height};
    WebPIDecoder *decoder = WebPINewDecoder(&buffer);
    if (!decoder) return failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    const size_t part = file->count / (1 + width * height / pixels_a_part) + least_part;
    VP8StatusCode status = VP8_STATUS_SUSPENDED;
    bool is_stopped = false;
    for (size_t given = 0; status == VP8_STATUS_SUSPENDED && given < file->count && !is_stopped;) {
        is_stopped = !monitor->should_continue(monitor->context);
        given = part < file->count - given ? given + part : file->count;
        if (!is_stopped) status = WebPIUpdate(decoder, file->bytes, given);
    }
    WebPIDelete(decoder);
    if (is_stopped) return failed(CODEC_STOPPED, stopped_sentence, message, size);
    switch (status) {
    case VP8_STATUS_OK: return CODEC_OK;
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA: return failed(CODEC_TRUNCATED, truncated_sentence, message, size);
    case VP8_STATUS_OUT_OF_MEMORY: return failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    default: return failed(CODEC_CORRUPT, "its data are not those of an image", message, size);
    }
}

/// Writes the canvas: black, and on it the frame.
static codec_status write_canvas(const file *file, const codec_target *target, const codec_monitor *monitor,
                                 const uint8_t *pixels, uint8_t *row, char *message, size_t size) {
    const uint32_t right = file->left + (uint32_t)file->frame.width, bottom = file->top + (uint32_t)file->frame.height;
    memset(row, 0, (size_t)file->width * target->channels);
    for (uint32_t y = 0; y < file->height; y++) {
        if (!monitor->should_continue(monitor->context)) return failed(CODEC_STOPPED, stopped_sentence, message, size);
        const bool is_framed = y >= file->top && y < bottom;
        for (uint32_t x = file->left; x < right; x++, pixels += is_framed ? 3 : 0) {
            if (is_framed) put_pixel(target, row, x, pixels[0], pixels[1], pixels[2]);
            else put_pixel(target, row, x, 0, 0, 0);
        }
        target_write(target, row, file->width, 0, 1, y);
    }
    return CODEC_OK;
}

codec_status codec_webp_probe(const uint8_t *bytes, size_t count, codec_header *header, char *message, size_t size) {
    file file = {.bytes = bytes, .count = count};
    const codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    *header = (codec_header){
        .width = file.width,
        .height = file.height,
        .scans = 1,
        .working_bytes = working_bytes(&file),
        .is_in_order = true,
    };
    return CODEC_OK;
}

codec_status codec_webp_decode(const uint8_t *bytes, size_t count, const codec_target *target, const codec_limits *limits,
                               const codec_monitor *monitor, char *message, size_t size) {
    (void)limits; // libwebp cannot be told any
    target_check(target);
    file file = {.bytes = bytes, .count = count};
    codec_status status = open_file(&file, message, size);
    if (status != CODEC_OK) return status;
    if (file.width != target->width || file.height != target->height) __builtin_trap();
    uint8_t *pixels = malloc(3 * (size_t)file.frame.width * (size_t)file.frame.height);
    uint8_t *row = malloc((size_t)file.width * target->channels);
    status = pixels && row ? read_frame(&file, monitor, pixels, message, size)
                           : failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    if (status == CODEC_OK) status = write_canvas(&file, target, monitor, pixels, row, message, size);
    free(pixels);
    free(row);
    return status;
}
