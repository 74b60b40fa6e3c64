#define _GNU_SOURCE
#include "isa.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// OpenBLAS reads its settings while it is being loaded, so it is loaded after they are made and not linked:
// - One thread. Our pool splits the work; threads of its own would fight it for the same cores, and its results would
//   depend on how many there are.
// - The processor's kernels by name. A version that is older than the processor takes it for one without AVX, and is
//   five times slower there.
// The settings are made before main, while there is no thread that could be reading the environment. A processor that
// the user has named stays.
//
// Swift's runtime finds the program's arguments by walking back from the environment's place on the stack. Linked
// statically it does so after this, and `setenv` has moved the environment; so it is told, where it can be.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count) __attribute__((weak));

__attribute__((constructor)) static void set_environment(int count, char **arguments) {
    if (_swift_stdlib_overrideUnsafeArgvArgc) _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
#if defined(__x86_64__)
    const char *isa = kernel_isa();
    if (strcmp(isa, "avx512") == 0) setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    if (strcmp(isa, "avx2") == 0) setenv("OPENBLAS_CORETYPE", "Haswell", 0);
#endif
}

// The values of CBLAS's enumerations.
enum { row_major = 101, as_it_is = 111 };

typedef void (*sgemm_function)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                               const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
typedef void (*set_threads_function)(int count);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static sgemm_function sgemm;
static const char *problem;

static void load(void) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        problem = dlerror();
        return;
    }
    sgemm = (sgemm_function)dlsym(library, "cblas_sgemm");
    set_threads_function set_threads = (set_threads_function)dlsym(library, "openblas_set_num_threads");
    if (!sgemm || !set_threads) {
        problem = "libopenblas.so.0 lacks cblas_sgemm or openblas_set_num_threads";
        return;
    }
    set_threads(1);
}

const char *kernel_load_blas(void) {
    pthread_once(&once, load);
    return problem;
}

// Up to a million multiplications OpenBLAS takes a path for small matrices that allocates memory; beyond, packing pays.
static const size_t small_product = 1 << 20;

void kernel_gemm(size_t m, size_t n, size_t k, const float *a, const float *b, size_t ldb, const float *bias, float *c,
                 size_t ldc) {
    if (m * n * k <= small_product) {
        kernel_chosen()->small_gemm(m, n, k, a, b, ldb, bias, c, ldc);
        return;
    }
    if (bias) {
        for (size_t row = 0; row < m; row++)
            for (size_t column = 0; column < n; column++) c[row * ldc + column] = bias[row];
    }
    sgemm(row_major, as_it_is, as_it_is, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)ldb, bias ? 1 : 0, c, (int)ldc);
}
