#pragma once

#include "blocked.h"
#include "proposals.h"
#include "recurrent.h"
#include "resample.h"

// The kernels on 8-bit images; resample.inc has their bodies.
typedef struct {
    void (*columns)(const uint8_t *, size_t, size_t, size_t, size_t, size_t, const size_t *, const size_t *,
                    const int32_t *, uint8_t *);
    void (*rows)(const uint8_t *, size_t, size_t, size_t, size_t, size_t, const int32_t *, uint8_t *);
} kernel_resample_table;

// The kernels of selective search; proposals.inc has their bodies.
typedef struct {
    void (*smooth)(const uint8_t *, size_t, size_t, size_t, size_t, uint16_t *, uint16_t *);
    void (*edge_weights)(const uint16_t *, size_t, size_t, size_t, size_t, size_t, uint16_t *);
    int (*derivatives)(const uint8_t *, size_t, size_t, size_t, size_t, int16_t *, int16_t *);
    void (*texture_bins)(const int16_t *, size_t, size_t, size_t, int, size_t, uint8_t *);
    float (*histogram_overlap)(const float *, float, const float *, float, size_t);
} kernel_proposal_table;

// The kernels on blocked images; blocked.inc has their bodies.
typedef struct {
    void (*conv)(const kernel_conv *, kernel_part, float *);
    void (*fc)(const kernel_fc *, size_t, size_t, float *);
    void (*pool)(const float *, kernel_image, kernel_window, kernel_pool_kind, size_t, size_t, float *);
    void (*average)(const float *, kernel_image, float *);
    void (*affine)(const float *, size_t, const float *, const float *, kernel_activation, float *);
    void (*gate)(const float *, size_t, const float *, float *);
    void (*add)(const float *, const float *, size_t, kernel_activation, float *);
    void (*norm)(const float *, size_t, size_t, size_t, size_t, size_t, float, float, float, float *, size_t);
    void (*channel_norm)(const float *, size_t, size_t, size_t, size_t, const float *, const float *, float, float *,
                         size_t);
    float (*multiply_adds)(size_t);
} kernel_blocked_table;

// The kernels that exist once for each instruction set; vector.inc has their bodies.
typedef struct {
    const char *name;
    const kernel_resample_table *resample;
    const kernel_proposal_table *proposals;
    const kernel_blocked_table *blocked;
    void (*linear)(size_t, size_t, size_t, const float *, size_t, const float *, const float *, float *, size_t);
    void (*small_gemm)(size_t, size_t, size_t, const float *, const float *, size_t, const float *, float *, size_t);
    void (*relu)(const float *, float *, size_t);
    void (*relu6)(const float *, float *, size_t);
    void (*tanh)(const float *, float *, size_t);
    void (*sigmoid)(const float *, float *, size_t);
    void (*hard_sigmoid)(const float *, float *, size_t);
    void (*hard_swish)(const float *, float *, size_t);
    void (*silu)(const float *, float *, size_t);
    void (*gelu)(const float *, float *, size_t);
    void (*gelu_tanh)(const float *, float *, size_t);
    void (*mish)(const float *, float *, size_t);
    void (*add)(const float *, const float *, float *, size_t);
    void (*scale_shift)(const float *, float *, size_t, float, float);
    void (*softmax)(const float *, float *, size_t);
    void (*local_response_norm)(const float *, size_t, size_t, size_t, size_t, size_t, float, float, float, float *);
    void (*channel_norm)(const float *, size_t, size_t, size_t, size_t, const float *, const float *, float, float *);
    void (*recurrent)(const kernel_recurrence *, size_t, float *);
} kernel_table;

/// The table in use.
const kernel_table *kernel_chosen(void);

extern const kernel_table kernel_portable;
extern const kernel_resample_table kernel_resample_portable;
extern const kernel_proposal_table kernel_proposal_portable;
extern const kernel_blocked_table kernel_blocked_portable;
#if defined(__x86_64__)
extern const kernel_table kernel_avx2;
extern const kernel_table kernel_avx512;
extern const kernel_resample_table kernel_resample_avx2;
extern const kernel_resample_table kernel_resample_avx512;
extern const kernel_proposal_table kernel_proposal_avx2;
extern const kernel_proposal_table kernel_proposal_avx512;
extern const kernel_blocked_table kernel_blocked_avx2;
extern const kernel_blocked_table kernel_blocked_avx512;
#endif
