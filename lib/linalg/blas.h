#ifndef LINALG_BLAS_H
#define LINALG_BLAS_H

/* Included by the sources of lib/linalg only. */

#include <cblas.h>
#include <lapacke.h>

/*
 * BLAS at one thread between these two, whoever else is inside: results must not
 * depend on its own threads. The first to enter saves the caller's setting, the
 * last to leave restores it.
 */
void mlk_blas_enter(void);
void mlk_blas_leave(void);

#endif
