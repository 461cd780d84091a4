#include "linalg/linalg.h"

#include "linalg/blas.h"

void mlk_gemm_f32(size_t m, size_t n, size_t k, const float *A, size_t lda, const float *B,
                  size_t ldb, float *C, size_t ldc)
{
    mlk_blas_enter();
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1.0F, A, (int)lda,
                B, (int)ldb, 0.0F, C, (int)ldc);
    mlk_blas_leave();
}
