#ifndef MODEL_PREPARED_H
#define MODEL_PREPARED_H

#include <mlkit/model.h>

/*
 * mlk_model_fit() for algorithms that work on raw designs through others: where `algo` takes no
 * missing values or no categories, or asks for a scale, it becomes the last step of a pipeline with
 * the preprocessing that it asks for (mlk_algo.prep), learned on these rows; the model is that
 * pipeline. Otherwise the design reaches it as it is.
 */
mlk_status mlk_model_fit_prepared(const mlk_algo *algo, const void *opts, const mlk_data *data,
                                  const mlk_run *run, mlk_model **model);

#endif
