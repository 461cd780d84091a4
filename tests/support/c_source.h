#ifndef SUPPORT_C_SOURCE_H
#define SUPPORT_C_SOURCE_H

#include <mlkit/model.h>

/* What the C source of a model says about X: it is compiled with -std=c99 -Wall -Wextra -Werror and
 * run. X.rows x n_out, the outputs of the function that mlk_algo.codegen writes. */
mlk_mat test_run_c_source(const mlk_model *model, mlk_cmat X, size_t n_out);

#endif
