// The parts of Winograd convolution that run for every input, compiled once for each instruction set.
#include "winograd_task.h"

#include <stdint.h>
#include <string.h>

// Every rounding is written down: with contraction left to the compiler, two places could round the same sum differently.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), apply_to = function)
#define ISA(name) name##_avx512
#define LANES 16
#define HAS_FMA 1
#define TILE_ROWS 14
#define TILE_BLOCKS 2
#include "winograd.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ISA(name) name##_avx2
#define LANES 8
#define HAS_FMA 1
#define TILE_ROWS 6
#define TILE_BLOCKS 1
#include "winograd.inc"
#pragma clang attribute pop

#endif

#define ISA(name) name##_portable
#define LANES 4
#define TILE_BLOCKS 1
#if defined(__aarch64__)
#define HAS_FMA 1
#define TILE_ROWS 6
#else
#define HAS_FMA 0
#define TILE_ROWS 2
#endif
#include "winograd.inc"
