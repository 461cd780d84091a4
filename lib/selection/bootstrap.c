#include <mlkit/selection/bootstrap.h>

#include <math.h>
#include <string.h>

#include <mlkit/data/dataset.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/status.h"

/* Predictions of B fits for m rows: row b of f is what fit b says, NaN where it may not judge. */
typedef struct replicates {
    const mlk_candidate *candidate;
    const mlk_data *data, *test; /* test NULL: data's own rows, out of the bag */
    int64_t seed;
    mlk_run run;
    mlk_mat f;
} replicates;

mlk_bootstrap_opts mlk_bootstrap_opts_default(void)
{
    return (mlk_bootstrap_opts){.replicates = 100};
}

/* Fit b's sample into rows, which of the n were drawn into drawn. */
static void draw(const replicates *r, size_t b, size_t *rows, unsigned char *drawn)
{
    const size_t n = r->data->X.rows;
    mlk_rng rng = mlk_rng_stream((uint64_t)r->seed, b);
    memset(drawn, 0, n);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (size_t)mlk_rng_below(&rng, n);
        drawn[rows[i]] = 1;
    }
}

static mlk_status fit_replicate(const replicates *r, size_t b, size_t *rows, unsigned char *drawn)
{
    const size_t n = r->data->X.rows;
    const mlk_vec out = {r->f.data + b * r->f.ld, r->f.cols};
    mlk_subset sample;
    mlk_model *model;
    draw(r, b, rows, drawn);
    MLK_TRY(mlk_subset_new(r->data, rows, n, &r->run, &sample));
    mlk_status st =
        mlk_model_fit(r->candidate->algo, r->candidate->opts, &sample.data, &r->run, &model);
    mlk_subset_free(&sample);
    MLK_TRY(st);
    st = mlk_model_predict(model, r->test ? r->test->X : r->data->X, &r->run, out);
    mlk_model_free(model);
    for (size_t i = 0; !r->test && i < n; i++)
        if (drawn[i])
            out.data[i] = (double)NAN;
    return st;
}

static mlk_status fit_chunk(void *ctx, const mlk_chunk *chunk)
{
    const replicates *r = ctx;
    const size_t n = r->data->X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *rows = mlk_scratch_take(&scratch, n, sizeof *rows);
    unsigned char *drawn = mlk_scratch_take(&scratch, n, 1);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a sample of %zu rows", n) : MLK_OK;
    for (size_t b = chunk->begin; st == MLK_OK && b < chunk->end; b++)
        st = fit_replicate(r, b, rows, drawn);
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status check(const mlk_data *d, const mlk_bootstrap_opts *o)
{
    if (d->X.rows == 0 || d->y.n != d->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", d->X.rows, d->y.n);
    if (o->replicates < 2)
        return MLK_FAIL(MLK_EINVAL, "replicates = %zu; expected at least 2", o->replicates);
    return MLK_OK;
}

static double loss(const mlk_data *d, double y, double f)
{
    return d->n_classes ? (double)(y != f) : (y - f) * (y - f);
}

/* Fits that judge row i: their number, and the mean loss against y. */
static size_t judge_row(const mlk_data *d, mlk_mat f, size_t i, double y, double *mean_loss)
{
    size_t n = 0;
    *mean_loss = 0.0;
    for (size_t b = 0; b < f.rows; b++) {
        const double v = f.data[b * f.ld + i];
        if (isnan(v))
            continue;
        *mean_loss += loss(d, y, v);
        n++;
    }
    *mean_loss /= (double)n;
    return n;
}

static mlk_status nobody(size_t i, size_t fits)
{
    return MLK_FAIL(MLK_EINVAL,
                    "none of the %zu fits has a prediction for row %zu; expected more "
                    "replicates, or no missing values",
                    fits, i);
}

/* ------------------------------------------------------------------- .632+ */

/* Mean loss of all pairs of a truth and a prediction: O(n) for squares and for classes. */
static mlk_status no_information(const mlk_data *d, mlk_vec f, double *gamma)
{
    const double n = (double)d->y.n;
    double my = 0.0, mf = 0.0, vy = 0.0, vf = 0.0;
    if (!d->n_classes) {
        for (size_t i = 0; i < f.n; i++) {
            my += d->y.data[i] / n;
            mf += f.data[i] / n;
        }
        for (size_t i = 0; i < f.n; i++) {
            vy += (d->y.data[i] - my) * (d->y.data[i] - my) / n;
            vf += (f.data[i] - mf) * (f.data[i] - mf) / n;
        }
        *gamma = vy + vf + (my - mf) * (my - mf);
        return MLK_OK;
    }
    double *share = mlk_alloc_zero(2 * d->n_classes, sizeof *share);
    if (!share)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", d->n_classes);
    for (size_t i = 0; i < f.n; i++) {
        share[(size_t)d->y.data[i]] += 1.0 / n;
        share[d->n_classes + (size_t)f.data[i]] += 1.0 / n;
    }
    *gamma = 1.0;
    for (size_t c = 0; c < d->n_classes; c++)
        *gamma -= share[c] * share[d->n_classes + c];
    mlk_free(share);
    return MLK_OK;
}

static mlk_status apparent_error(const replicates *r, mlk_vec f, mlk_bootstrap_error *out)
{
    const mlk_data *d = r->data;
    mlk_model *model;
    MLK_TRY(mlk_model_fit(r->candidate->algo, r->candidate->opts, d, &r->run, &model));
    const mlk_status st = mlk_model_predict(model, d->X, &r->run, f);
    mlk_model_free(model);
    MLK_TRY(st);
    out->apparent = 0.0;
    for (size_t i = 0; i < f.n; i++) {
        if (isnan(f.data[i]))
            return nobody(i, 1);
        out->apparent += loss(d, d->y.data[i], f.data[i]) / (double)f.n;
    }
    return no_information(d, f, &out->no_information);
}

static void combine(mlk_bootstrap_error *e)
{
    const double room = e->no_information - e->apparent, err1 = e->out_of_bag;
    const double capped = fmin(err1, e->no_information);
    e->overfitting = 0.0;
    if (room > 0.0 && capped > e->apparent)
        e->overfitting = (capped - e->apparent) / room;
    const double w = 0.632 / (1.0 - 0.368 * e->overfitting);
    e->e632 = 0.368 * e->apparent + 0.632 * err1;
    e->e632_plus = (1.0 - w) * e->apparent + w * capped;
}

/* err1, and its standard error from the spread of the rows' mean losses. */
static mlk_status out_of_bag(const replicates *r, mlk_vec per_row, mlk_bootstrap_error *out)
{
    const double n = (double)per_row.n;
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < per_row.n; i++) {
        if (!judge_row(r->data, r->f, i, r->data->y.data[i], &per_row.data[i]))
            return nobody(i, r->f.rows);
        sum += per_row.data[i];
    }
    out->out_of_bag = sum / n;
    for (size_t i = 0; i < per_row.n; i++)
        squares += (per_row.data[i] - out->out_of_bag) * (per_row.data[i] - out->out_of_bag);
    out->se = sqrt(squares / (n * (n - 1.0)));
    return MLK_OK;
}

/* -------------------------------------------------------- bias and variance */

static void add_regression(const replicates *r, size_t i, double y, double t, mlk_bias_variance *s)
{
    double mean = 0.0, square = 0.0;
    size_t n = 0;
    for (size_t b = 0; b < r->f.rows; b++) {
        const double v = r->f.data[b * r->f.ld + i];
        if (isnan(v))
            continue;
        n++;
        const double step = v - mean; /* Welford */
        mean += step / (double)n;
        square += step * (v - mean);
    }
    const double noise = (y - t) * (y - t);
    s->variance += square / (double)n;
    s->noise += noise;
    s->bias2 += (y - mean) * (y - mean) - noise;
}

/* votes: a place per class, zeroed. */
static void add_classes(const replicates *r, size_t i, double y, double *votes, size_t k,
                        mlk_bias_variance *s)
{
    size_t main = 0;
    double n = 0.0;
    memset(votes, 0, k * sizeof *votes);
    for (size_t b = 0; b < r->f.rows; b++) {
        const double v = r->f.data[b * r->f.ld + i];
        if (isnan(v))
            continue;
        votes[(size_t)v] += 1.0;
        n += 1.0;
    }
    for (size_t c = 1; c < k; c++)
        if (votes[c] > votes[main])
            main = c;
    if ((double)main == y) {
        s->variance_unbiased += 1.0 - votes[main] / n;
    } else {
        s->bias2 += 1.0;
        s->variance_biased += votes[(size_t)y] / n;
    }
}

static mlk_status decompose(const replicates *r, mlk_cvec noiseless, double *votes,
                            mlk_bias_variance *s)
{
    const mlk_data *d = r->test ? r->test : r->data;
    const double m = (double)d->y.n;
    *s = (mlk_bias_variance){0};
    for (size_t i = 0; i < d->y.n; i++) {
        const double y = d->y.data[i];
        double mean_loss;
        if (!judge_row(d, r->f, i, y, &mean_loss))
            return nobody(i, r->f.rows);
        s->error += mean_loss / m;
        if (d->n_classes)
            add_classes(r, i, y, votes, d->n_classes, s);
        else
            add_regression(r, i, y, noiseless.n ? noiseless.data[i] : y, s);
    }
    s->noise /= m;
    s->bias2 /= m;
    s->variance /= m;
    s->variance_unbiased /= m;
    s->variance_biased /= m;
    if (d->n_classes)
        s->variance = s->variance_unbiased - s->variance_biased;
    else
        s->variance_unbiased = s->variance_biased = (double)NAN;
    return MLK_OK;
}

static mlk_status check_test(const mlk_data *d, const mlk_data *test, mlk_cvec noiseless)
{
    const mlk_data *judged = test ? test : d;
    if (test && (test->X.cols != d->X.cols || test->n_classes != d->n_classes))
        return MLK_FAIL(MLK_EINVAL, "test has %zu columns and %zu classes; expected %zu and %zu",
                        test->X.cols, test->n_classes, d->X.cols, d->n_classes);
    if (judged->y.n != judged->X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", judged->X.rows,
                        judged->y.n);
    if (noiseless.n && (noiseless.n != judged->y.n || judged->n_classes))
        return MLK_FAIL(MLK_EINVAL,
                        "there are %zu noiseless targets; expected %zu, of a regression",
                        noiseless.n, judged->y.n);
    return MLK_OK;
}

mlk_status mlk_bias_variance_estimate(const mlk_candidate *candidate, const mlk_data *data,
                                      const mlk_data *test, mlk_cvec noiseless,
                                      const mlk_bootstrap_opts *opts, const mlk_run *run,
                                      mlk_bias_variance *out)
{
    const mlk_bootstrap_opts o = opts ? *opts : mlk_bootstrap_opts_default();
    MLK_TRY(check(data, &o));
    MLK_TRY(check_test(data, test, noiseless));
    const size_t m = test ? test->X.rows : data->X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec votes = mlk_scratch_vec(&scratch, data->n_classes);
    replicates r = {candidate,
                    data,
                    test,
                    o.seed,
                    mlk_run_inner(run),
                    mlk_scratch_mat(&scratch, o.replicates, m)};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu predictions",
                                              o.replicates, m)
                                   : mlk_parallel_for(run, o.replicates, 1, fit_chunk, &r);
    if (st == MLK_OK)
        st = decompose(&r, noiseless, votes.data, out);
    mlk_scratch_release(&scratch);
    return st;
}

/* ------------------------------------------------------------------ together */

mlk_status mlk_bootstrap_study(const mlk_candidate *candidate, const mlk_data *data,
                               const mlk_bootstrap_opts *opts, const mlk_run *run,
                               mlk_bootstrap_error *error, mlk_bias_variance *parts)
{
    const mlk_bootstrap_opts o = opts ? *opts : mlk_bootstrap_opts_default();
    MLK_TRY(check(data, &o));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec f = mlk_scratch_vec(&scratch, data->X.rows);
    const mlk_vec votes = mlk_scratch_vec(&scratch, data->n_classes);
    replicates r = {candidate,
                    data,
                    NULL,
                    o.seed,
                    mlk_run_inner(run),
                    mlk_scratch_mat(&scratch, o.replicates, data->X.rows)};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu predictions",
                                              o.replicates, data->X.rows)
                                   : apparent_error(&r, f, error);
    if (st == MLK_OK)
        st = mlk_parallel_for(run, o.replicates, 1, fit_chunk, &r);
    if (st == MLK_OK)
        st = out_of_bag(&r, f, error);
    if (st == MLK_OK)
        combine(error);
    if (st == MLK_OK && parts)
        st = decompose(&r, (mlk_cvec){NULL, 0}, votes.data, parts);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_bootstrap_estimate(const mlk_candidate *candidate, const mlk_data *data,
                                  const mlk_bootstrap_opts *opts, const mlk_run *run,
                                  mlk_bootstrap_error *out)
{
    return mlk_bootstrap_study(candidate, data, opts, run, out, NULL);
}
