#ifndef PREPROCESS_PREPARE_H
#define PREPROCESS_PREPARE_H

#include "core/alloc.h"
#include "preprocess/steps.h"

/* What the last step is fitted on, with the steps that made it. */
typedef struct mlk_prepared {
    mlk_data data;
    mlk_steps *steps;
    mlk_scratch memory; /* behind data */
    size_t *rows;       /* of the given data, when some are dropped; else NULL */
} mlk_prepared;

/* Learn the steps from the data and make the design, or hand X on where there is nothing to do.
 * Release with mlk_prepared_release(), also after a failure. */
mlk_status mlk_prepare(const mlk_data *data, const mlk_pipeline_opts *opts, const mlk_run *run,
                       mlk_prepared *prepared);
void mlk_prepared_release(mlk_prepared *prepared);

#endif
