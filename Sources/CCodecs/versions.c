#include "codecs.h"

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

#ifdef LIBJPEG_TURBO_VERSION
#define JPEG_LIBRARY "libjpeg-turbo " TEXT(LIBJPEG_TURBO_VERSION)
#else
#define JPEG_LIBRARY "libjpeg " TEXT(JPEG_LIB_VERSION)
#endif

const char *codec_versions(void) { return JPEG_LIBRARY ", libpng " PNG_LIBPNG_VER_STRING; }
