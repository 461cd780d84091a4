#ifndef PREPROCESS_PIPELINE_H
#define PREPROCESS_PIPELINE_H

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

const mlk_steps *mlk_pipeline_steps(const mlk_model *pipeline);

/* The codegen thunk of a pipeline: its x is a raw row, with level codes and NaN. */
mlk_status mlk_steps_codegen(const mlk_steps *steps, const mlk_model *inner, mlk_codegen *to);

#endif
