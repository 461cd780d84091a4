#include "linalg/linalg.h"

#include "core/status.h"
#include "linalg/blas.h"

/*
 * A row-major band whose row i ends with the diagonal element is LAPACK's column-major storage of
 * the upper triangle of the transpose: column i there, the diagonal in its last place.
 */

mlk_status mlk_band_chol(mlk_mat band)
{
    const size_t n = band.rows, width = band.cols - 1;
    mlk_blas_enter();
    const lapack_int info = LAPACKE_dpbtrf_work(LAPACK_COL_MAJOR, 'U', (lapack_int)n,
                                                (lapack_int)width, band.data, (lapack_int)band.ld);
    mlk_blas_leave();
    return info == 0 ? MLK_OK
                     : MLK_FAIL(MLK_ESINGULAR, "the %zu x %zu band matrix is not positive definite",
                                n, n);
}

void mlk_band_solve(mlk_cmat band, mlk_mat B)
{
    const int n = (int)band.rows, width = (int)band.cols - 1, ld = (int)band.ld;
    mlk_blas_enter();
    for (size_t c = 0; c < B.cols; c++)
        for (int half = 0; half < 2; half++)
            cblas_dtbsv(CblasColMajor, CblasUpper, half == 0 ? CblasTrans : CblasNoTrans,
                        CblasNonUnit, n, width, band.data, ld, B.data + c, (int)B.ld);
    mlk_blas_leave();
}
