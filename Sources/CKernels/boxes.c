// Boxes of a detector.
#include "general.h"

/// Two opposite corners, the smaller coordinates first.
typedef struct {
    float top, left, bottom, right;
} corners;

static corners box_corners(const float *box, bool is_centred) {
    if (is_centred) {
        const float x = box[0], y = box[1], width = box[2] / 2, height = box[3] / 2;
        return (corners){y - height, x - width, y + height, x + width};
    }
    const bool is_flipped = box[0] > box[2], is_mirrored = box[1] > box[3];
    return (corners){is_flipped ? box[2] : box[0], is_mirrored ? box[3] : box[1], is_flipped ? box[0] : box[2],
                     is_mirrored ? box[1] : box[3]};
}

/// Whether the intersection is more than a part of the union; what has no area overlaps nothing.
static bool overlap(corners a, corners b, float part) {
    const float left = a.left > b.left ? a.left : b.left, right = a.right < b.right ? a.right : b.right;
    const float top = a.top > b.top ? a.top : b.top, bottom = a.bottom < b.bottom ? a.bottom : b.bottom;
    if (!(right > left) || !(bottom > top)) return false;
    const float shared = (right - left) * (bottom - top);
    const float areas = (a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top);
    return areas - shared > 0 && shared / (areas - shared) > part;
}

size_t kernel_suppress(const float *boxes, const float *scores, size_t count, kernel_suppression rule, float *kept,
                       float *scratch) {
    // The candidates left, in the order of their places; floats hold these exactly up to 2^24.
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        const bool is_wanted = rule.has_threshold ? scores[i] > rule.threshold : scores[i] == scores[i];
        if (is_wanted) scratch[left++] = (float)i;
    }
    size_t found = 0;
    while (found < rule.limit && left > 0) {
        size_t best = 0;
        for (size_t i = 1; i < left; i++)
            if (scores[(size_t)scratch[i]] > scores[(size_t)scratch[best]]) best = i;
        const size_t place = (size_t)scratch[best];
        const corners chosen = box_corners(boxes + 4 * place, rule.is_centred);
        kept[found++] = (float)place;
        size_t next = 0;
        for (size_t i = 0; i < left; i++) {
            const size_t other = (size_t)scratch[i];
            if (other == place) continue;
            if (overlap(chosen, box_corners(boxes + 4 * other, rule.is_centred), rule.overlap)) continue;
            scratch[next++] = scratch[i];
        }
        left = next;
    }
    return found;
}
