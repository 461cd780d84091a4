#ifndef PREPROCESS_STEPS_H
#define PREPROCESS_STEPS_H

#include <mlkit/preprocess/pipeline.h>

#include "preprocess/encode.h"
#include "preprocess/impute.h"
#include "preprocess/polynomial.h"
#include "preprocess/scale.h"

/*
 * What a pipeline learned before its last step. A row x of `p` raw columns becomes a design row:
 *
 *   x --unknown ordinal levels: NaN--> --imputer--> --encoder--> columns 0..encoder->columns-1
 *     --mlk_polynomial_row(degree)--> columns 0..columns-1 --scaler-->
 */
typedef struct mlk_steps {
    _Atomic size_t holders; /* fitted pipelines that share these steps */
    size_t p, columns;
    size_t degree;
    mlk_impute impute;
    mlk_encode encode;
    mlk_scale scale;
    mlk_imputer *imputer; /* NULL: drop or none */
    mlk_encoder *encoder;
    mlk_scaler *scaler; /* NULL: none */
} mlk_steps;

enum { MLK_STEPS_MAX_DEGREE = 16 };

/* Steps of p raw columns, nothing learned yet, with one holder; NULL without memory. */
mlk_steps *mlk_steps_new(size_t p);
void mlk_steps_hold(mlk_steps *steps); /* one holder more */
/* One holder fewer; the last one frees. */
void mlk_steps_release(mlk_steps *steps);

/* Which steps there are: by the options, else as the last step's algorithm prefers. MLK_EINVAL. */
mlk_status mlk_steps_choose(const mlk_pipeline_opts *opts, mlk_steps *steps);
/* `columns`, from the encoder and the degree. MLK_EINVAL: none, or too many. */
mlk_status mlk_steps_count(mlk_steps *steps);

/* Rows reach the last step as they are, but for imputation. */
bool mlk_steps_hand_on(const mlk_steps *steps);
/* The design of rows of X (`rows`, one per row of out; NULL: in turn). MLK_ENOMEM. */
mlk_status mlk_steps_design(const mlk_steps *steps, mlk_cmat X, const size_t *rows,
                            const mlk_run *run, mlk_mat out);

/* mlk_pipeline_columns(). */
void mlk_steps_columns(const mlk_steps *steps, const char *const *feature_names,
                       const char *const *const *level_names, mlk_doc *list);

void mlk_steps_save(const mlk_steps *steps, mlk_doc *to);
/* Into new steps. */
mlk_status mlk_steps_load(const mlk_doc *from, mlk_steps *steps);

const mlk_steps *mlk_pipeline_steps(const mlk_model *pipeline);

/* The codegen thunk of a pipeline: its x is a raw row, with level codes and NaN. */
mlk_status mlk_steps_codegen(const mlk_steps *steps, const mlk_model *inner, mlk_codegen *to);

#endif
