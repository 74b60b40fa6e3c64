#include "codecs.h"

#include <setjmp.h>
#include <stdio.h>

#include <png.h>

/// Room for the longest line of zlib's output at once; the sink gets so many bytes at a time at most.
static const size_t buffer_bytes = 64 * 1024;

/// One file that is written. libpng finds it again through its error and write pointers.
typedef struct {
    codec_sink sink;
    void *context;
    char *message;
    size_t message_size;
    codec_status status;
    jmp_buf escape;
} writer;

_Noreturn static void on_error(png_structp png, png_const_charp sentence) {
    writer *writer = png_get_error_ptr(png);
    snprintf(writer->message, writer->message_size, "%s", sentence);
    writer->status = CODEC_EXHAUSTED; // the arguments are checked: what is left to fail is memory
    longjmp(writer->escape, 1);
}

static void on_warning(png_structp png, png_const_charp sentence) {
    (void)png;
    (void)sentence;
}

static void on_write(png_structp png, png_bytep bytes, size_t count) {
    writer *writer = png_get_io_ptr(png);
    writer->sink(writer->context, bytes, count);
}

static void on_flush(png_structp png) { (void)png; }

static void write_image(png_structp png, png_infop info, const uint8_t *pixels, uint32_t width, uint32_t height,
                        uint32_t channels, const uint8_t *palette, uint32_t colors) {
    int type = palette ? PNG_COLOR_TYPE_PALETTE : channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB;
    png_set_compression_buffer_size(png, buffer_bytes);
    png_set_compression_level(png, 6);
    png_set_IHDR(png, info, width, height, 8, type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (palette) {
        png_color table[256];
        for (uint32_t i = 0; i < colors; i++)
            table[i] = (png_color){.red = palette[3 * i], .green = palette[3 * i + 1], .blue = palette[3 * i + 2]};
        png_set_PLTE(png, info, table, (int)colors);
    }
    png_write_info(png, info);
    for (uint32_t y = 0; y < height; y++) png_write_row(png, pixels + (size_t)y * width * channels);
    png_write_end(png, info);
}

codec_status codec_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                              const uint8_t *palette, uint32_t colors, codec_sink sink, void *context, char *message,
                              size_t message_size) {
    if (width == 0 || height == 0 || width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX ||
        (channels != 1 && channels != 3) || (palette && (channels != 1 || colors == 0 || colors > 256)))
        __builtin_trap(); // a caller's mistake
    writer writer = {.sink = sink, .context = context, .message = message, .message_size = message_size};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &writer, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        snprintf(message, message_size, "there is no memory for an encoder");
        png_destroy_write_struct(&png, NULL);
        return CODEC_EXHAUSTED;
    }
    if (setjmp(writer.escape) == 0) {
        png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
        png_set_write_fn(png, &writer, on_write, on_flush);
        write_image(png, info, pixels, width, height, channels, palette, colors);
    }
    png_destroy_write_struct(&png, &info);
    return writer.status;
}
