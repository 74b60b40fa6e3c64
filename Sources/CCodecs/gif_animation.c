#include "gif.h"

#include <stdlib.h>

codec_status codec_gif_survey(const uint8_t *bytes, size_t count, codec_animation *animation, char *message, size_t size) {
    gif_file file = {.bytes = bytes, .count = count};
    const codec_status status = gif_open(&file, message, size);
    if (status != CODEC_OK) return status;
    const size_t row_bytes = 3 * (size_t)file.width;
    *animation = (codec_animation){
        .width = file.width,
        .height = file.height,
        .frames = 1,
        .working_bytes = sizeof(gif_decoder) + row_bytes + row_bytes * file.height,
    };
    while (gif_next(&file)) animation->frames++;
    return CODEC_OK;
}

/// Gives the part of the screen that the frame covers the colour of the background.
static void clear_frame(const gif_file *file, const uint8_t *colour, uint8_t *pixels) {
    const size_t right = (size_t)file->left + file->frame_width, bottom = (size_t)file->top + file->frame_height;
    for (size_t y = file->top; y < bottom && y < file->height; y++)
        for (size_t x = file->left; x < right && x < file->width; x++)
            memcpy(pixels + 3 * (y * file->width + x), colour, 3);
}

/// Draws a frame behind the first over what is on the screen.
static codec_status draw_frame(gif_decoder *decoder, const codec_target *target, const codec_monitor *monitor, uint8_t *row,
                               char *message, size_t size) {
    const gif_file *file = decoder->file;
    if (file->frame_width == 0 || file->frame_height == 0) return CODEC_OK;
    if (file->bits > 12) return failed(CODEC_CORRUPT, "its codes begin with more than 12 bits", message, size);
    gif_canvas canvas = gif_canvas_of(file, target, monitor, target->pixels, row);
    return gif_read_frame(decoder, &canvas, message, size);
}

/// Draws all frames on a screen of `bytes` bytes, one after another; `kept` has room for another one.
static codec_status draw_frames(gif_decoder *decoder, const codec_target *target, const codec_monitor *monitor, uint8_t *row,
                                uint8_t *kept, codec_frame_sink take, void *context, char *message, size_t size) {
    gif_file *file = decoder->file;
    const size_t bytes = (size_t)target->row_step * target->height;
    uint8_t background[3];
    memcpy(background, file->colours[file->background], sizeof background);
    codec_status status = gif_read_first(decoder, target, monitor, row, message, size);
    for (bool is_first = true; status == CODEC_OK; is_first = false) {
        take(context);
        if (file->disposal == 2 || (file->disposal == 3 && is_first)) clear_frame(file, background, target->pixels);
        else if (file->disposal == 3) memcpy(target->pixels, kept, bytes);
        if (!gif_next(file)) break;
        if (file->disposal == 3) memcpy(kept, target->pixels, bytes);
        if (!monitor->should_continue(monitor->context)) return failed(CODEC_STOPPED, stopped_sentence, message, size);
        status = draw_frame(decoder, target, monitor, row, message, size);
    }
    return status;
}

codec_status codec_gif_frames(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t capacity, codec_frame_sink take,
                              void *context, const codec_monitor *monitor, char *message, size_t size) {
    gif_file file = {.bytes = bytes, .count = count};
    codec_status status = gif_open(&file, message, size);
    if (status != CODEC_OK) return status;
    const codec_target target = {
        .pixels = pixels, .capacity = capacity, .width = file.width, .height = file.height,
        .channels = 3, .column_step = 3, .row_step = 3 * (ptrdiff_t)file.width,
    };
    target_check(&target);
    if (!monitor->should_continue(monitor->context)) return failed(CODEC_STOPPED, stopped_sentence, message, size);
    gif_decoder *decoder = calloc(1, sizeof *decoder);
    uint8_t *row = malloc((size_t)target.row_step), *kept = malloc((size_t)target.row_step * file.height);
    if (decoder && row && kept) {
        decoder->file = &file, decoder->ends_with_blocks = true;
        status = draw_frames(decoder, &target, monitor, row, kept, take, context, message, size);
    } else {
        status = failed(CODEC_EXHAUSTED, exhausted_sentence, message, size);
    }
    free(decoder);
    free(row);
    free(kept);
    return status;
}
