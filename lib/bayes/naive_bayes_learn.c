#include "bayes/naive_bayes.h"

#include <float.h>
#include <math.h>

#include "core/parallel.h"
#include "model/algo.h"

enum {
    CHUNKS = 16,   /* of rows at most: each has its own sums */
    WORK = 1 << 15 /* values of X a chunk */
};

static const double LEAST_ALPHA = 1e-10;
static const double LOG_2PI = 1.8378770664093453; /* log(2 pi) */

/* -------------------------------------------------------------------- sums */

/*
 * Sums over rows, laid out as the parameters are. First pass: of counts and levels the weights
 * N_jk; of gaussian columns the weight and the sum of x - origin. Second pass, gaussian columns
 * alone: the sum of squares about the mean.
 */
typedef struct pass {
    const mlk_data *data;
    const mlk_naive_bayes *m;
    const double *origin; /* like par, first row of gaussian columns: a value of the class */
    const double *mean;   /* NULL: the first pass */
    double *sums;         /* one array a chunk */
} pass;

static void add_first(const pass *t, size_t j, size_t c, double x, double w, double *at)
{
    const mlk_naive_bayes *m = t->m;
    const size_t k = m->k;
    switch (m->kind[j]) {
    case GAUSSIAN:
        at[c] += w;
        at[k + c] += w * (x - t->origin[m->offset[j] + c]);
        break;
    case COUNT:
        at[c] += w * x;
        break;
    case LEVELS:
        at[(size_t)x * k + c] += w;
        break;
    case BINARY:
        at[(x > 0.0 ? k : 0) + c] += w;
        break;
    }
}

static mlk_status sum_rows(void *ctx, const mlk_chunk *chunk)
{
    const pass *t = ctx;
    const mlk_naive_bayes *m = t->m;
    const mlk_cmat X = t->data->X;
    double *sums = t->sums + chunk->index * n_par(m);
    for (size_t i = 0; i < n_par(m); i++)
        sums[i] = 0.0;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const double *row = X.data + i * X.ld, w = mlk_weight(t->data->w, i);
        const size_t c = (size_t)t->data->y.data[i];
        for (size_t j = 0; j < m->p; j++) {
            if (!known(row[j]) || (m->kind[j] == LEVELS && row[j] == MLK_UNSEEN))
                continue;
            if (!t->mean) {
                add_first(t, j, c, row[j], w, sums + m->offset[j]);
            } else if (m->kind[j] == GAUSSIAN) {
                const double e = row[j] - t->mean[m->offset[j] + c];
                sums[m->offset[j] + c] += w * e * e;
            }
        }
    }
    return MLK_OK;
}

/* One pass over the rows, its chunks' sums added in their order into the first. */
static mlk_status run_pass(const pass *t, const mlk_run *run)
{
    const size_t n = t->data->X.rows, fewest = (n + CHUNKS - 1) / CHUNKS;
    const size_t work = mlk_grain(t->m->p, WORK), grain = work > fewest ? work : fewest;
    pass shared = *t;
    MLK_TRY(mlk_parallel_for(run, n, grain, sum_rows, &shared));
    for (size_t c = 1; c < mlk_chunks(n, grain); c++)
        for (size_t i = 0; i < n_par(t->m); i++)
            t->sums[i] += t->sums[c * n_par(t->m) + i];
    return MLK_OK;
}

/* Some value of each class and gaussian column, so that what does not vary has variance 0. */
static void find_origins(const mlk_data *d, const mlk_naive_bayes *m, double *origin)
{
    size_t left = 0;
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < m->k; c++, left++)
            origin[m->offset[j] + c] = NAN;
    for (size_t i = 0; left && i < d->X.rows; i++) {
        const size_t c = (size_t)d->y.data[i];
        for (size_t j = 0; mlk_weight(d->w, i) > 0.0 && j < m->p; j++) {
            double *at = origin + m->offset[j] + c;
            if (m->kind[j] == GAUSSIAN && isnan(*at) && known(d->X.data[i * d->X.ld + j])) {
                *at = d->X.data[i * d->X.ld + j];
                left--;
            }
        }
    }
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < m->k; c++)
            if (isnan(origin[m->offset[j] + c]))
                origin[m->offset[j] + c] = 0.0;
}

/* -------------------------------------------------------------- parameters */

/* Mean and variance of gaussian column j over all rows from those of its classes (their weights);
 * classes without a value take them. Returns the variance. */
static double pool_classes(mlk_naive_bayes *m, size_t j, const double *weight)
{
    double *mean = m->par + m->offset[j], *var = mean + m->k;
    double total = 0.0, centre = 0.0, spread = 0.0;
    for (size_t c = 0; c < m->k; c++)
        total += weight[c];
    for (size_t c = 0; c < m->k && total > 0.0; c++)
        centre += weight[c] / total * mean[c];
    for (size_t c = 0; c < m->k && total > 0.0; c++) {
        const double e = mean[c] - centre;
        if (weight[c] > 0.0)
            spread += weight[c] / total * (var[c] + e * e);
    }
    for (size_t c = 0; c < m->k; c++)
        if (!(weight[c] > 0.0)) {
            mean[c] = centre;
            var[c] = spread;
        }
    return spread;
}

/* Smoothing of the variances, in place: at least something where nothing varies at all. */
static mlk_status smooth_variances(const mlk_data *d, double smoothing, double largest,
                                   mlk_naive_bayes *m)
{
    char name[MLK_LABEL];
    const double extra = smoothing * (largest > 0.0 ? largest : 1.0);
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < m->k; c++) {
            double *var = m->par + m->offset[j] + m->k + c;
            *var += extra;
            if (!(*var < INFINITY && isfinite(var[-(ptrdiff_t)m->k])))
                return MLK_FAIL(MLK_ESINGULAR, "the variance of %s overflows",
                                mlk_column_label(d, j, name, sizeof name));
            if (!(*var >= DBL_MIN))
                return MLK_FAIL(MLK_ESINGULAR,
                                "%s does not vary in class %zu; expected var_smoothing > 0",
                                mlk_column_label(d, j, name, sizeof name), c);
        }
    return MLK_OK;
}

/* Means and variances: the second pass over the rows. */
static mlk_status fit_gaussian(const mlk_data *d, const mlk_naive_bayes_opts *o, pass *t,
                               const mlk_run *run, double *weight, mlk_naive_bayes *m)
{
    const size_t k = m->k;
    double largest = 0.0;
    bool any = false;
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < k; c++) {
            const size_t at = m->offset[j] + c;
            weight[at] = t->sums[at];
            m->par[at] = t->origin[at] + (t->sums[at] > 0.0 ? t->sums[at + k] / t->sums[at] : 0.0);
            any = true;
        }
    if (!any)
        return MLK_OK;
    t->data = d;
    t->mean = m->par;
    MLK_TRY(run_pass(t, run));
    for (size_t j = 0; j < m->p; j++)
        if (m->kind[j] == GAUSSIAN) {
            double *var = m->par + m->offset[j] + k;
            const double *w = weight + m->offset[j];
            for (size_t c = 0; c < k; c++)
                var[c] = w[c] > 0.0 ? t->sums[m->offset[j] + c] / w[c] : 0.0;
            largest = fmax(largest, pool_classes(m, j, w));
        }
    return smooth_variances(d, o->var_smoothing, largest, m);
}

/* log (N + alpha) / (n + alpha L) of a column of levels. */
static void fit_levels(mlk_naive_bayes *m, size_t j, double alpha, const double *sums)
{
    const size_t rows = rows_of(m->kind[j], m->levels[j]), k = m->k;
    double *par = m->par + m->offset[j];
    for (size_t c = 0; c < k; c++) {
        double n = 0.0;
        for (size_t l = 0; l < rows; l++)
            n += sums[m->offset[j] + l * k + c];
        const double scale = log(n + alpha * (double)rows);
        for (size_t l = 0; l < rows; l++)
            par[l * k + c] = log(sums[m->offset[j] + l * k + c] + alpha) - scale;
    }
}

/* log t_jk of multinomial; for complement from the other classes' counts, with a minus. */
static mlk_status fit_counts(mlk_naive_bayes *m, double alpha, double *sums)
{
    const size_t k = m->k;
    const bool complement = m->variant == MLK_NAIVE_BAYES_COMPLEMENT;
    for (size_t j = 0; complement && j < m->p; j++) {
        double all = 0.0;
        for (size_t c = 0; c < k; c++)
            all += sums[j * k + c];
        for (size_t c = 0; c < k; c++)
            sums[j * k + c] = fmax(all - sums[j * k + c], 0.0);
    }
    for (size_t c = 0; c < k; c++) {
        double total = 0.0;
        for (size_t j = 0; j < m->p; j++)
            total += sums[j * k + c] + alpha;
        if (!(total < INFINITY))
            return MLK_FAIL(MLK_ESINGULAR, "the counts of class %zu overflow", c);
        for (size_t j = 0; j < m->p; j++) {
            const double t = log(sums[j * k + c] + alpha) - log(total);
            m->par[j * k + c] = complement ? -t : t;
        }
    }
    return MLK_OK;
}

void naive_bayes_prepare(mlk_naive_bayes *m)
{
    for (size_t j = 0; j < m->p; j++)
        for (size_t c = 0; m->kind[j] == GAUSSIAN && c < m->k; c++) {
            const double var = m->par[m->offset[j] + m->k + c];
            m->fast[m->offset[j] + c] = -0.5 / var;
            m->fast[m->offset[j] + m->k + c] = -0.5 * (LOG_2PI + log(var));
        }
}

mlk_status naive_bayes_learn(const mlk_data *d, const mlk_naive_bayes_opts *o, const mlk_run *run,
                             mlk_naive_bayes *m)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const double alpha = fmax(o->alpha, LEAST_ALPHA);
    double *origin = mlk_scratch_take(&scratch, n_par(m), sizeof *origin);
    double *weight = mlk_scratch_take(&scratch, n_par(m), sizeof *weight);
    double *sums = NULL;
    if (!scratch.failed)
        sums = mlk_scratch_mat(&scratch, CHUNKS, n_par(m)).data;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the sums of %zu parameters", n_par(m));
        goto out;
    }
    pass t = {.data = d, .m = m, .origin = origin, .sums = sums};
    find_origins(d, m, origin);
    st = run_pass(&t, run);
    for (size_t j = 0; st == MLK_OK && j < m->p; j++)
        if (m->kind[j] == LEVELS || m->kind[j] == BINARY)
            fit_levels(m, j, alpha, sums);
    if (st == MLK_OK && m->kind[0] == COUNT)
        st = fit_counts(m, alpha, sums);
    if (st == MLK_OK)
        st = fit_gaussian(d, o, &t, run, weight, m);
    naive_bayes_prepare(m);
out:
    mlk_scratch_release(&scratch);
    return st;
}
