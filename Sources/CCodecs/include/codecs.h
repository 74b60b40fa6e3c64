#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decoders of JPEG and PNG: bytes in, 8-bit gray or RGB pixels out. Stateless, so any thread may call them.
// Call the probe first, check the size it reports, allocate, then decode into a target of that size.
// Every function returns a status; any other than CODEC_OK comes with a zero-terminated sentence in `message`.

/// The size of a buffer that holds every message.
#define CODEC_MESSAGE_SIZE 256

/// How a call ended.
typedef enum {
    CODEC_OK = 0,
    /// The bytes end before the image does.
    CODEC_TRUNCATED = 1,
    /// The bytes break the format, or use a part of it that is not supported.
    CODEC_CORRUPT = 2,
    /// Decoding needs more memory than there is, or than `codec_limits` allows.
    CODEC_EXHAUSTED = 3,
    /// `codec_monitor` said so.
    CODEC_STOPPED = 4,
} codec_status;

/// What a file says of itself before its pixels.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// Values per pixel as stored: JPEG 1, 3 or 4; PNG 1 to 4, a palette counting as 3.
    uint32_t components;
    /// How often decoding goes over the image: the scans of a progressive or not interleaved JPEG, else 1.
    uint32_t scans;
    /// The most bytes that decoding takes beside the target: a JPEG's coefficients when it has scans, and rows.
    size_t working_bytes;
} codec_header;

/// Where pixels go: the stored pixel (x, y) is written at pixels + origin + x·column_step + y·row_step.
///
/// The steps count bytes and may be negative, so a decoder can mirror and transpose while it writes.
typedef struct {
    uint8_t *_Nonnull pixels;
    size_t capacity;
    /// The stored size, as the probe reported it.
    uint32_t width;
    uint32_t height;
    /// 1 for gray, 3 for red, green, blue.
    uint32_t channels;
    size_t origin;
    ptrdiff_t column_step;
    ptrdiff_t row_step;
} codec_target;

/// What decoding may use beside the target.
typedef struct {
    /// Bytes of working memory.
    size_t max_memory;
    /// Scans of a JPEG.
    uint32_t max_scans;
} codec_limits;

/// Asked again and again while a decoder works: for each row, and in each scan of a JPEG for each row of blocks.
typedef struct {
    /// Whether to go on; false ends the decoding with CODEC_STOPPED. Must return, and not by a jump.
    bool (*_Nonnull should_continue)(void *_Nullable context);
    void *_Nullable context;
} codec_monitor;

/// Reads the header of a JPEG file, and when it has several scans, counts them by their markers: linear in the bytes,
/// decoding nothing. Allocates nothing in proportion to the size the file declares.
codec_status codec_jpeg_probe(const uint8_t *_Nullable bytes, size_t count, codec_header *_Nonnull header,
                              char *_Nonnull message, size_t message_size);

/// Decodes a JPEG file: accurate integer DCT, smooth chroma upsampling, CMYK taken as Adobe's inverted form.
/// On CODEC_OK every pixel of the target has been written.
codec_status codec_jpeg_decode(const uint8_t *_Nullable bytes, size_t count, const codec_target *_Nonnull target,
                               const codec_limits *_Nonnull limits, const codec_monitor *_Nonnull monitor,
                               char *_Nonnull message, size_t message_size);

/// Reads the header of a PNG file. Allocates nothing in proportion to the size the file declares.
codec_status codec_png_probe(const uint8_t *_Nullable bytes, size_t count, codec_header *_Nonnull header,
                             char *_Nonnull message, size_t message_size);

/// Decodes a PNG file: palettes expanded, alpha dropped, 16-bit samples by their high byte, gamma ignored.
/// On CODEC_OK every pixel of the target has been written.
codec_status codec_png_decode(const uint8_t *_Nullable bytes, size_t count, const codec_target *_Nonnull target,
                              const codec_limits *_Nonnull limits, const codec_monitor *_Nonnull monitor,
                              char *_Nonnull message, size_t message_size);

/// Inflates a zlib stream, as PNG keeps text in, and returns how many bytes it has: none when it is damaged or has more
/// than `capacity`. A stream that ends early gives what there is of it.
size_t codec_inflate(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nonnull out, size_t capacity);

/// Describes the libraries in use, such as "libjpeg-turbo 2.1.5, libpng 1.6.39"; lives as long as the process.
const char *_Nonnull codec_versions(void);
