#include "assets.h"

#include <assert.h>

// C23 has it; clang takes it in C11, and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char page_html[] = {
#embed "playground/page.html"
};
static const unsigned char page_css[] = {
#embed "playground/page.css"
};

// The script, in the order in which its files are put together.
static const unsigned char basics_js[] = {
#embed "playground/basics.js"
};
static const unsigned char client_js[] = {
#embed "playground/client.js"
};
static const unsigned char results_js[] = {
#embed "playground/results.js"
};
static const unsigned char pictures_js[] = {
#embed "playground/pictures.js"
};
static const unsigned char clips_js[] = {
#embed "playground/clips.js"
};
static const unsigned char finders_js[] = {
#embed "playground/finders.js"
};
static const unsigned char captions_js[] = {
#embed "playground/captions.js"
};
static const unsigned char explanation_js[] = {
#embed "playground/explanation.js"
};
static const unsigned char texts_js[] = {
#embed "playground/texts.js"
};
static const unsigned char series_js[] = {
#embed "playground/series.js"
};
static const unsigned char models_js[] = {
#embed "playground/models.js"
};
static const unsigned char monitor_js[] = {
#embed "playground/monitor.js"
};
static const unsigned char page_js[] = {
#embed "playground/page.js"
};

// The pictures that the page offers to try.
static const unsigned char pagoda_jpg[] = {
#embed "../../weights/examples/pagoda.jpg"
};
static const unsigned char horse_jpg[] = {
#embed "../../weights/examples/horse.jpg"
};
static const unsigned char automobile_jpg[] = {
#embed "../../weights/examples/automobile.jpg"
};
static const unsigned char digit_3_png[] = {
#embed "../../weights/examples/digit-3.png"
};
static const unsigned char digit_7_png[] = {
#embed "../../weights/examples/digit-7.png"
};
static const unsigned char clip_gif[] = {
#embed "../../weights/examples/clip.gif"
};
static const unsigned char scene_1_jpg[] = {
#embed "../../weights/examples/scene-1.jpg"
};
static const unsigned char scene_2_jpg[] = {
#embed "../../weights/examples/scene-2.jpg"
};

#define ASSET(name, array) {name, array, sizeof array}

static const asset assets[] = {
    ASSET("page.html", page_html),
    ASSET("page.css", page_css),
    ASSET("basics.js", basics_js),
    ASSET("client.js", client_js),
    ASSET("results.js", results_js),
    ASSET("pictures.js", pictures_js),
    ASSET("clips.js", clips_js),
    ASSET("finders.js", finders_js),
    ASSET("captions.js", captions_js),
    ASSET("explanation.js", explanation_js),
    ASSET("texts.js", texts_js),
    ASSET("series.js", series_js),
    ASSET("models.js", models_js),
    ASSET("monitor.js", monitor_js),
    ASSET("page.js", page_js),
    ASSET("pagoda.jpg", pagoda_jpg),
    ASSET("horse.jpg", horse_jpg),
    ASSET("automobile.jpg", automobile_jpg),
    ASSET("digit-3.png", digit_3_png),
    ASSET("digit-7.png", digit_7_png),
    ASSET("clip.gif", clip_gif),
    ASSET("scene-1.jpg", scene_1_jpg),
    ASSET("scene-2.jpg", scene_2_jpg),
};

size_t asset_count(void) { return sizeof assets / sizeof *assets; }

asset asset_at(size_t index) {
    assert(index < asset_count());
    return assets[index];
}
