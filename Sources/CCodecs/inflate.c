#include "codecs.h"

#define ZLIB_CONST
#include <zlib.h>

size_t codec_inflate(const uint8_t *bytes, size_t count, uint8_t *out, size_t capacity) {
    if (count > UINT32_MAX || capacity > UINT32_MAX) return 0;
    z_stream stream = {
        .next_in = bytes, .avail_in = (uInt)count, .next_out = out, .avail_out = (uInt)capacity,
    };
    if (inflateInit(&stream) != Z_OK) return 0;
    const int status = inflate(&stream, Z_SYNC_FLUSH);
    inflateEnd(&stream);
    const bool is_whole = status == Z_STREAM_END || (status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0);
    return is_whole ? stream.total_out : 0;
}
