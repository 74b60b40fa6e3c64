#include "documents.h"

#include <assert.h>

// C23 has #embed; clang takes it in C11, and says so.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char overview[] = {
#embed "../../README.md"
};
static const unsigned char start[] = {
#embed "../../docs/start.md"
};
#if __has_embed("../../docs/playground.md")
#define HAS_PLAYGROUND
static const unsigned char playground[] = {
#embed "../../docs/playground.md"
};
#endif
#if __has_embed("../../docs/commands.md")
#define HAS_COMMANDS
static const unsigned char commands[] = {
#embed "../../docs/commands.md"
};
#endif
static const unsigned char weights[] = {
#embed "../../docs/weights.md"
};
#if __has_embed("../../docs/pull.md")
#define HAS_PULL
static const unsigned char pull[] = {
#embed "../../docs/pull.md"
};
#endif
#if __has_embed("../../docs/onnx.md")
#define HAS_ONNX
static const unsigned char onnx[] = {
#embed "../../docs/onnx.md"
};
#endif
static const unsigned char augmentation[] = {
#embed "../../docs/augmentation.md"
};
#if __has_embed("../../docs/explain.md")
#define HAS_EXPLAIN
static const unsigned char explain[] = {
#embed "../../docs/explain.md"
};
#endif
#if __has_embed("../../docs/features.md")
#define HAS_FEATURES
static const unsigned char features[] = {
#embed "../../docs/features.md"
};
#endif
static const unsigned char recipes[] = {
#embed "../../weights/recipes/README.md"
};
static const unsigned char http[] = {
#embed "../../docs/http.md"
};
static const unsigned char serving[] = {
#embed "../../docs/serving.md"
};
static const unsigned char operations[] = {
#embed "../../deploy/README.md"
};
static const unsigned char performance[] = {
#embed "../../docs/performance.md"
};
static const unsigned char architecture[] = {
#embed "../../Sources/README.md"
};
static const unsigned char add_a_network[] = {
#embed "../../docs/add-a-network.md"
};
static const unsigned char contributing[] = {
#embed "../../CONTRIBUTING.md"
};
static const unsigned char changelog[] = {
#embed "../../CHANGELOG.md"
};
#if __has_embed("../../docs/playground.png")
#define HAS_PICTURE
static const unsigned char playground_png[] = {
#embed "../../docs/playground.png"
};
#endif
static const unsigned char manual_css[] = {
#embed "manual.css"
};

static const document documents[] = {
    {"Begin", "overview", "README.md", overview, sizeof overview},
    {"Begin", "start", "docs/start.md", start, sizeof start},
#ifdef HAS_PLAYGROUND
    {"Begin", "playground", "docs/playground.md", playground, sizeof playground},
#endif
#ifdef HAS_COMMANDS
    {"Begin", "commands", "docs/commands.md", commands, sizeof commands},
#endif
    {"Models", "weights", "docs/weights.md", weights, sizeof weights},
#ifdef HAS_PULL
    {"Models", "pull", "docs/pull.md", pull, sizeof pull},
#endif
#ifdef HAS_ONNX
    {"Models", "onnx", "docs/onnx.md", onnx, sizeof onnx},
#endif
    {"Models", "augmentation", "docs/augmentation.md", augmentation, sizeof augmentation},
#ifdef HAS_EXPLAIN
    {"Models", "explain", "docs/explain.md", explain, sizeof explain},
#endif
#ifdef HAS_FEATURES
    {"Models", "features", "docs/features.md", features, sizeof features},
#endif
    {"Models", "recipes", "weights/recipes/README.md", recipes, sizeof recipes},
    {"Serve", "http", "docs/http.md", http, sizeof http},
    {"Serve", "serving", "docs/serving.md", serving, sizeof serving},
    {"Serve", "operations", "deploy/README.md", operations, sizeof operations},
    {"Serve", "performance", "docs/performance.md", performance, sizeof performance},
    {"Source", "architecture", "Sources/README.md", architecture, sizeof architecture},
    {"Source", "add-a-network", "docs/add-a-network.md", add_a_network, sizeof add_a_network},
    {"Source", "contributing", "CONTRIBUTING.md", contributing, sizeof contributing},
    {"Source", "changelog", "CHANGELOG.md", changelog, sizeof changelog},
#ifdef HAS_PICTURE
    {"", "playground.png", "docs/playground.png", playground_png, sizeof playground_png},
#endif
    {"", "manual.css", "", manual_css, sizeof manual_css},
};

size_t document_count(void) { return sizeof documents / sizeof *documents; }

document document_at(size_t index) {
    assert(index < document_count());
    return documents[index];
}
