#include "codecs.h"

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/decode.h>

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

#ifdef LIBJPEG_TURBO_VERSION
#define JPEG_LIBRARY "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION)
#else
#define JPEG_LIBRARY "libjpeg " TEXT(JPEG_LIB_VERSION)
#endif

const char *codec_versions(void) {
    static _Thread_local char text[96];
    const int webp = WebPGetDecoderVersion();
    snprintf(text, sizeof text, "%s, libpng %s, libwebp %d.%d.%d", JPEG_LIBRARY, PNG_LIBPNG_VER_STRING, webp >> 16,
             webp >> 8 & 255, webp & 255);
    return text;
}
