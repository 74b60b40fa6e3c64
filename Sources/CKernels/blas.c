#include "kernels.h"

#include <cblas.h>
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

// Our pool splits the work; a library that started threads of its own would fight it for the same cores, and its
// results would depend on how many there are.
static void use_one_thread(void) { openblas_set_num_threads(1); }

void kernel_gemm(size_t m, size_t n, size_t k, const float *a, const float *b, size_t ldb, const float *bias, float *c,
                 size_t ldc) {
    pthread_once(&once, use_one_thread);
    if (bias) {
        for (size_t row = 0; row < m; row++)
            for (size_t column = 0; column < n; column++) c[row * ldc + column] = bias[row];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)k, b,
                (blasint)ldb, bias ? 1 : 0, c, (blasint)ldc);
}
