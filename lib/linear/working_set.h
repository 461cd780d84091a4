#ifndef LINEAR_WORKING_SET_H
#define LINEAR_WORKING_SET_H

#include <mlkit/core.h>
#include <mlkit/linear/elastic_net.h>

/*
 * Elastic net problems of one table solved one after the other, each from the solution of the one
 * before: equation (1) of elastic_net.h with w alone, X and y centred.
 */
typedef struct mlk_working_set mlk_working_set;

/* Centre the data and start at w = 0. Data as mlk_centred_init() wants them. */
mlk_status mlk_working_set_new(const mlk_data *data, bool fit_intercept, const mlk_run *run,
                               mlk_working_set **ws);

/* Solve for these options (fit_intercept is that of the start). Not converging is no failure:
 * info->converged = 0. */
mlk_status mlk_working_set_solve(mlk_working_set *ws, const mlk_elastic_net_opts *opts,
                                 const mlk_run *run, mlk_fit_info *info);

mlk_cvec mlk_working_set_coef(const mlk_working_set *ws); /* w, until the next solve */
double mlk_working_set_intercept(const mlk_working_set *ws);
/* The duality gap at which a solve stops, in the units of the objective. */
double mlk_working_set_target(const mlk_working_set *ws, double tol);

/* Back to w = 0. */
void mlk_working_set_restart(mlk_working_set *ws);
void mlk_working_set_free(mlk_working_set *ws); /* NULL is allowed */

#endif
