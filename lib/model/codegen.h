#ifndef MODEL_CODEGEN_H
#define MODEL_CODEGEN_H

#include <mlkit/model.h>

#include "core/strbuf.h"

/*
 * C99 source of a fitted model. The codegen thunk of an algorithm appends to `text` whatever static
 * tables it needs and one function
 *
 *     static void <name>(const double *x, double *out)
 *
 * that maps a design row to what mlk_algo.predict says: out[0] for numbers; for a classifier the
 * n_classes probabilities, or scores whose first largest is the predicted class. No allocation; no
 * other names at file scope than <name> and those that begin with <name>_. Output must compile with
 * -std=c99 -Wall -Wextra -Werror and give the bytes that the library's prediction gives wherever
 * the order of its sums allows.
 */
struct mlk_codegen {
    mlk_strbuf text;
    const char *name;
};

/* "static const double <name>_<suffix>[n] = {...};" with numbers that read back exactly. */
void mlk_codegen_reals(mlk_codegen *to, const char *suffix, const double *v, size_t n);
/* The same of integers, as "static const <type>". */
void mlk_codegen_ints(mlk_codegen *to, const char *suffix, const char *type, const int64_t *v,
                      size_t n);
/* A text as a C string literal. */
void mlk_codegen_text(mlk_codegen *to, const char *text);
/*
 * Tables, and the function <name><suffix>(x, out) with out[k] = b[k] + sum_j W[k, j] x[j]; a linear
 * model is that and no more (suffix "").
 */
void mlk_codegen_affine(mlk_codegen *to, const char *suffix, mlk_cmat W, mlk_cvec b);

#endif
