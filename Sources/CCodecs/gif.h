#pragma once

#include "target.h"

/// Codes have at most 12 bits.
enum { gif_table_size = 1 << 12, gif_palette_size = 256 };

/// A file up to the data of one of its frames.
typedef struct {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    uint32_t width; // of the screen, and of the first frame where that is larger
    uint32_t height;
    uint32_t left;
    uint32_t top;
    uint32_t frame_width;
    uint32_t frame_height;
    bool is_interlaced;
    int transparent;    // the index that shows what is below it; -1 for none
    unsigned disposal;  // what becomes of the frame before the next: 2, it is cleared; 3, what was there comes back
    uint8_t background; // the index of what the first frame does not cover
    unsigned bits;      // of an index, as the codes begin
    uint8_t colours[gif_palette_size][3];
    uint8_t screen_colours[gif_palette_size][3]; // of frames that have none of their own
} gif_file;

/// The next bytes; null past the end.
static inline const uint8_t *gif_take(gif_file *file, size_t count) {
    if (count > file->count - file->position) return NULL;
    file->position += count;
    return file->bytes + file->position - count;
}

/// Reads up to the data of the first frame.
codec_status gif_open(gif_file *file, char *message, size_t size);

/// Passes what is left of a frame's data, and reads up to the data of the next; false where there is none.
bool gif_next(gif_file *file);

/// The state of LZW decoding.
typedef struct {
    gif_file *file;
    bool ends_with_blocks; // whether an empty block ends the data, behind which another frame may come; Pillow passes it
    const uint8_t *block;  // what is left of the current block
    size_t block_count;
    uint32_t bits; // read ahead, and how many
    unsigned bit_count;
    unsigned code_size;
    unsigned next; // the entry that the next code makes
    int last_code; // -1 behind a clear code
    uint8_t last_first;
    uint16_t links[gif_table_size];
    uint8_t values[gif_table_size];
    uint8_t text[gif_table_size + 1]; // what a code stands for, at the end
} gif_decoder;

/// Where the rows of a frame go.
typedef struct {
    const gif_file *file;
    const codec_target *target;
    const codec_monitor *monitor;
    const uint8_t *below; // the whole screen in red, green, blue, on which the frame is drawn; null for the background
    uint8_t *row;         // of the whole screen, in the target's channels
    uint32_t x;           // the place on the frame
    uint32_t y;
    unsigned pass;
} gif_canvas;

/// Decodes the data of the frame that the file is at.
codec_status gif_read_frame(gif_decoder *decoder, gif_canvas *canvas, char *message, size_t size);

/// Decodes the first frame, on a screen of the background; `row` has room for one of the screen in the target's channels.
codec_status gif_read_first(gif_decoder *decoder, const codec_target *target, const codec_monitor *monitor, uint8_t *row,
                            char *message, size_t size);

/// A canvas of the frame that a file is at.
static inline gif_canvas gif_canvas_of(const gif_file *file, const codec_target *target, const codec_monitor *monitor,
                                       const uint8_t *below, uint8_t *row) {
    return (gif_canvas){.file = file, .target = target, .monitor = monitor, .below = below, .row = row,
                        .pass = file->is_interlaced ? 0 : 4};
}

/// Writes the colour of an index at column x of a row.
static inline void gif_put(gif_canvas *canvas, size_t x, uint8_t index) {
    const uint8_t *colour = canvas->file->colours[index];
    put_pixel(canvas->target, canvas->row, x, colour[0], colour[1], colour[2]);
}
