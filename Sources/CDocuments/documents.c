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
static const unsigned char playground[] = {
#embed "../../docs/playground.md"
};
static const unsigned char commands[] = {
#embed "../../docs/commands.md"
};
static const unsigned char weights[] = {
#embed "../../docs/weights.md"
};
static const unsigned char pull[] = {
#embed "../../docs/pull.md"
};
static const unsigned char onnx[] = {
#embed "../../docs/onnx.md"
};
static const unsigned char tasks[] = {
#embed "../../docs/tasks.md"
};
static const unsigned char augmentation[] = {
#embed "../../docs/augmentation.md"
};
static const unsigned char explain[] = {
#embed "../../docs/explain.md"
};
static const unsigned char features[] = {
#embed "../../docs/features.md"
};
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
static const unsigned char playground_png[] = {
#embed "../../docs/playground.png"
};
static const unsigned char manual_css[] = {
#embed "manual.css"
};

static const document documents[] = {
    {"Begin", "overview", "README.md", overview, sizeof overview},
    {"Begin", "start", "docs/start.md", start, sizeof start},
    {"Begin", "playground", "docs/playground.md", playground, sizeof playground},
    {"Begin", "commands", "docs/commands.md", commands, sizeof commands},
    {"Models", "weights", "docs/weights.md", weights, sizeof weights},
    {"Models", "pull", "docs/pull.md", pull, sizeof pull},
    {"Models", "onnx", "docs/onnx.md", onnx, sizeof onnx},
    {"Models", "tasks", "docs/tasks.md", tasks, sizeof tasks},
    {"Models", "augmentation", "docs/augmentation.md", augmentation, sizeof augmentation},
    {"Models", "explain", "docs/explain.md", explain, sizeof explain},
    {"Models", "features", "docs/features.md", features, sizeof features},
    {"Models", "recipes", "weights/recipes/README.md", recipes, sizeof recipes},
    {"Serve", "http", "docs/http.md", http, sizeof http},
    {"Serve", "serving", "docs/serving.md", serving, sizeof serving},
    {"Serve", "operations", "deploy/README.md", operations, sizeof operations},
    {"Serve", "performance", "docs/performance.md", performance, sizeof performance},
    {"Source", "architecture", "Sources/README.md", architecture, sizeof architecture},
    {"Source", "add-a-network", "docs/add-a-network.md", add_a_network, sizeof add_a_network},
    {"Source", "contributing", "CONTRIBUTING.md", contributing, sizeof contributing},
    {"Source", "changelog", "CHANGELOG.md", changelog, sizeof changelog},
    {"", "playground.png", "docs/playground.png", playground_png, sizeof playground_png},
    {"", "manual.css", "", manual_css, sizeof manual_css},
};

size_t document_count(void) { return sizeof documents / sizeof *documents; }

document document_at(size_t index) {
    assert(index < document_count());
    return documents[index];
}
