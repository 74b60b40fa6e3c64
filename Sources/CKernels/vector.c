// One template, compiled once for each instruction set.
#include "isa.h"
#include "walk.h"

#include <math.h>
#include <string.h>

// Every rounding is written down: with contraction left to the compiler, two blocks of one kernel could round the same
// sum differently.
#pragma STDC FP_CONTRACT OFF

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), apply_to = function)
#define ISA(name) name##_avx512
#define TABLE kernel_avx512
#define LABEL "avx512"
#define LANES 16
#define HAS_FMA 1
#define BLOCK_ROWS 4
#define BLOCK_OUTPUTS 4
#define MOST_ROWS 12
#define BLOCKS_OF(rows) ((rows) < 7 ? 4 : 2)
#include "vector.inc"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define ISA(name) name##_avx2
#define TABLE kernel_avx2
#define LABEL "avx2"
#define LANES 8
#define HAS_FMA 1
#define BLOCK_ROWS 4
#define BLOCK_OUTPUTS 2
#define MOST_ROWS 6
#define BLOCKS_OF(rows) ((rows) == 1 ? 4 : (rows) < 4 ? 2 : 1)
#include "vector.inc"
#pragma clang attribute pop

#endif

#define ISA(name) name##_portable
#define TABLE kernel_portable
#define LABEL "portable"
#define LANES 4
#if defined(__aarch64__)
#define HAS_FMA 1
#else
#define HAS_FMA 0
#endif
#define BLOCK_ROWS 4
#define BLOCK_OUTPUTS 2
#define MOST_ROWS 3
#define BLOCKS_OF(rows) ((rows) == 1 ? 2 : 1)
#include "vector.inc"
