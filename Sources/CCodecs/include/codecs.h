#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decoders of image files: bytes in, 8-bit gray or RGB pixels out. Stateless, so any thread may call them.
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
    /// How often decoding goes over the image: the scans of a progressive or not interleaved JPEG, else 1.
    uint32_t scans;
    /// The most bytes that decoding takes beside the target: a JPEG's coefficients when it has scans, and rows.
    size_t working_bytes;
    /// Whether every row is written once, from the top down: an interlaced image's are not.
    bool is_in_order;
} codec_header;

/// Where pixels go: the stored pixel (x, y) is written at pixels + origin + x·column_step + y·row_step.
///
/// The steps count bytes and may be negative, so a decoder can mirror and transpose while it writes. A target without
/// pixels has `take` instead, which gets every stored row as it comes; only for images whose rows are in order.
typedef struct {
    uint8_t *_Nullable pixels;
    size_t capacity;
    /// The stored size, as the probe reported it.
    uint32_t width;
    uint32_t height;
    /// 1 for gray, 3 for red, green, blue.
    uint32_t channels;
    size_t origin;
    ptrdiff_t column_step;
    ptrdiff_t row_step;
    /// Gets width · channels bytes of row y, which are there during the call alone. Must return, and not by a jump.
    void (*_Nullable take)(void *_Nullable context, const uint8_t *_Nonnull row, size_t y);
    void *_Nullable context;
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

/// Declares a format's two functions.
///
/// The probe reads a file's header, and counts a progressive JPEG's scans by their markers: linear in the bytes, decoding
/// nothing, and allocating nothing in proportion to the size that the file declares. After CODEC_OK of the decoder every
/// pixel of the target has been written.
#define CODEC(format)                                                                                                  \
    codec_status codec_##format##_probe(const uint8_t *_Nullable bytes, size_t count, codec_header *_Nonnull header,   \
                                        char *_Nonnull message, size_t message_size);                                 \
    codec_status codec_##format##_decode(const uint8_t *_Nullable bytes, size_t count,                                 \
                                         const codec_target *_Nonnull target, const codec_limits *_Nonnull limits,     \
                                         const codec_monitor *_Nonnull monitor, char *_Nonnull message,                \
                                         size_t message_size);

/// Accurate integer DCT, smooth chroma upsampling, CMYK taken as Adobe's inverted form.
CODEC(jpeg)
/// Palettes expanded, alpha dropped, 16-bit samples by their high byte, gamma ignored.
CODEC(png)
/// Alpha dropped; of an animation the first frame, on black.
CODEC(webp)
/// The first frame on the screen, which is the transparent colour or the first; transparency ignored.
CODEC(gif)
/// 1, 4, 8, 16, 24 and 32 bits for a pixel, run lengths, and masks of 5, 6 and 8 bits.
CODEC(bmp)

/// What an animation says of itself before its pixels.
typedef struct {
    uint32_t width;
    uint32_t height;
    /// Those of which more than the header is there.
    size_t frames;
    /// What drawing its frames takes beside the screen.
    size_t working_bytes;
} codec_animation;

/// Told that a frame is on the screen; may read it during the call alone. Must return, and not by a jump.
typedef void (*codec_frame_sink)(void *_Nullable context);

/// Counts the frames of a GIF by their headers: linear in the bytes, decoding nothing.
codec_status codec_gif_survey(const uint8_t *_Nullable bytes, size_t count, codec_animation *_Nonnull animation,
                              char *_Nonnull message, size_t message_size);

/// Draws the frames of a GIF on a screen of 3 · width · height bytes of red, green and blue, as they are seen one after
/// another: over what the frames before them leave there. What is cleared becomes the colour behind the first frame.
codec_status codec_gif_frames(const uint8_t *_Nullable bytes, size_t count, uint8_t *_Nonnull pixels, size_t capacity,
                              codec_frame_sink _Nonnull take, void *_Nullable context,
                              const codec_monitor *_Nonnull monitor, char *_Nonnull message, size_t message_size);

/// Gets `count` bytes of a file that is written, in order. Must return, and not by a jump.
typedef void (*codec_sink)(void *_Nullable context, const uint8_t *_Nonnull bytes, size_t count);

/// Writes 8-bit gray (1 channel) or RGB (3) pixels, rows from the top without padding, as a PNG that is not interlaced.
///
/// With a palette of 1 to 256 `colors`, each red, green and blue, the pixels of 1 channel are places in it.
/// The same pixels give the same bytes. Only CODEC_OK says that the file is whole.
codec_status codec_png_encode(const uint8_t *_Nonnull pixels, uint32_t width, uint32_t height, uint32_t channels,
                              const uint8_t *_Nullable palette, uint32_t colors, codec_sink _Nonnull sink,
                              void *_Nullable context, char *_Nonnull message, size_t message_size);

/// Inflates a zlib stream, as PNG keeps text in, and returns how many bytes it has: none when it is damaged or has more
/// than `capacity`. A stream that ends early gives what there is of it.
size_t codec_inflate(const uint8_t *_Nonnull bytes, size_t count, uint8_t *_Nonnull out, size_t capacity);

/// Describes the libraries in use, such as "libjpeg-turbo 2.1.5, libpng 1.6.39, libwebp 1.2.4"; lives as long as the thread.
const char *_Nonnull codec_versions(void);
