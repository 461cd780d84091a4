#include "linalg/blas.h"

#include <stdatomic.h>

/* OpenBLAS's, in every build of it; other BLAS libraries have no such threads to stop. */
extern void openblas_set_num_threads(int n);
extern int openblas_get_num_threads(void);

static atomic_flag lock = ATOMIC_FLAG_INIT;
static int inside, saved; /* guarded by lock */

void mlk_blas_enter(void)
{
    while (atomic_flag_test_and_set(&lock))
        ;
    if (inside++ == 0 && (saved = openblas_get_num_threads()) != 1)
        openblas_set_num_threads(1);
    atomic_flag_clear(&lock);
}

void mlk_blas_leave(void)
{
    while (atomic_flag_test_and_set(&lock))
        ;
    if (--inside == 0 && saved != 1)
        openblas_set_num_threads(saved);
    atomic_flag_clear(&lock);
}
