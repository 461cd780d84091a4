#include <mlkit/selection/comparison.h>

#include <string.h>

#include <mlkit/metrics/evaluate.h>

#include "core/alloc.h"
#include "core/status.h"
#include "model/algo.h"

typedef struct baseline {
    size_t k;       /* classes; 0: regression */
    double label;   /* the most frequent class, or the mean */
    double share[]; /* of the classes */
} baseline;

typedef struct baseline_opts {
    char none;
} baseline_opts;

static const mlk_opt opt_table[] = {MLK_OPT_END};

enum { CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL };

static mlk_status algo_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    const size_t n = d->n_classes ? d->n_classes : 1;
    (void)opts;
    *state = NULL;
    MLK_TRY(mlk_data_check(d, CAPS, MLK_NEED_TARGET, run));
    baseline *b = mlk_alloc_flex(sizeof *b, n, sizeof b->share[0]);
    if (!b)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a baseline");
    const mlk_status st = mlk_baseline_of(d->y, d->w, d->n_classes, (mlk_vec){b->share, n});
    if (st != MLK_OK) {
        mlk_free(b);
        return st;
    }
    size_t most = 0;
    for (size_t k = 1; k < n; k++)
        if (b->share[k] > b->share[most])
            most = k;
    b->k = d->n_classes;
    b->label = b->k ? (double)most : b->share[0];
    *state = b;
    return MLK_OK;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const baseline *b = state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++)
        out.data[i] = b->label;
    return MLK_OK;
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const baseline *b = state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++)
        memcpy(out.data + i * out.ld, b->share, b->k * sizeof b->share[0]);
    return MLK_OK;
}

static void algo_free(void *state) { mlk_free(state); }

const mlk_algo mlk_baseline_algo = {
    .name = "baseline",
    .help = "the mean of the target, or its most frequent class",
    .tasks = MLK_REGRESSION | MLK_CLASSIFICATION,
    .caps = CAPS,
    .opts_size = sizeof(baseline_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .free = algo_free,
};
