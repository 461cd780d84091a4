#include "model/prepared.h"

#include <mlkit/preprocess/pipeline.h>

#include <string.h>

static bool takes_raw_designs(const mlk_algo *algo)
{
    const unsigned raw = MLK_CAP_MISSING | MLK_CAP_CATEGORICAL;
    return (algo->caps & raw) == raw &&
           (!algo->prep.scale || strcmp(algo->prep.scale, "none") == 0);
}

mlk_status mlk_model_fit_prepared(const mlk_algo *algo, const void *opts, const mlk_data *data,
                                  const mlk_run *run, mlk_model **model)
{
    if (takes_raw_designs(algo))
        return mlk_model_fit(algo, opts, data, run, model);
    mlk_pipeline_opts around = mlk_pipeline_opts_default(algo);
    around.algo_opts = opts;
    return mlk_model_fit(&mlk_pipeline_algo, &around, data, run, model);
}
