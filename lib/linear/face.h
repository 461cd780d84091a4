#ifndef LINEAR_FACE_H
#define LINEAR_FACE_H

#include <mlkit/core.h>

#include "linear/coordinate_descent.h"

/*
 * Newton steps on a face. With the nonzero coordinates A of w and their signs s held, P of
 * coordinate_descent.h is the quadratic whose minimiser is w_A + d,
 *
 *     (G_AA + l2 I) d = g_A - l1 s - l2 w_A.                                              (1)
 *
 * One step ends what coordinate descent, having found the right face, would take thousands of
 * passes for when columns correlate. The Cholesky factor is kept from step to step: coordinates
 * stand in the order in which they came, and only from the first one that has left on is it
 * computed anew.
 */
typedef struct mlk_face {
    size_t n;     /* coordinates factored */
    size_t cap;   /* room in the next two */
    size_t *list; /* cap: the coordinates in the order of the factor */
    double *L;    /* cap x cap */
    double l2;    /* of the factor */
} mlk_face;

/*
 * From w, with g up to date, go towards the minimiser (1) as far as P falls; coordinates that
 * change sign on the way become 0. If that was not all the way, the same on the face that is left,
 * and so on. Where a column depends on others, first go along the combination of them that changes
 * w but not Z w, down the L1 norm until one weight is 0. P never rises beyond rounding. The problem
 * has a Gram matrix. Nothing happens, and *taken is false, where the factor would need more than
 * `budget` multiplications. MLK_ENOMEM.
 */
mlk_status mlk_face_step(mlk_face *face, const mlk_cd_problem *p, const mlk_cd_penalty *q,
                         double budget, bool *taken);
/* Coordinate j is number place[j] from now on; those that have gone had no weight. */
void mlk_face_renumber(mlk_face *face, const size_t *place);
/* Forget the factor, keep the memory. */
void mlk_face_reset(mlk_face *face);
void mlk_face_release(mlk_face *face);

#endif
