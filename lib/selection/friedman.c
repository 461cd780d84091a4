#include <mlkit/selection/compare.h>

#include <math.h>

#include <mlkit/stats/distribution.h>
#include <mlkit/stats/studentized_range.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "core/status.h"

struct mlk_friedman {
    size_t tables, models;
    double alpha, chi2; /* corrected for ties */
    double rank[];      /* mean ranks */
};

/* Ranks of one table are added to `sum`, its ties (t^3 - t) to *ties. */
static mlk_status add_ranks(const double *scores, size_t k, double sign, double *key, size_t *order,
                            double *sum, double *ties)
{
    for (size_t j = 0; j < k; j++)
        key[j] = sign * scores[j];
    MLK_TRY(mlk_argsort(key, k, order));
    for (size_t i = 0, t; i < k; i += t) {
        for (t = 1; i + t < k && key[order[i + t]] == key[order[i]];)
            t++;
        for (size_t j = i; j < i + t; j++)
            sum[order[j]] += (double)i + 0.5 * (double)(t + 1);
        *ties += (double)(t * t * t - t);
    }
    return MLK_OK;
}

static mlk_status check(mlk_cmat S, double alpha)
{
    if (S.rows < 2 || S.cols < 2)
        return MLK_FAIL(MLK_EINVAL, "scores are %zu x %zu; expected at least 2 tables and 2 models",
                        S.rows, S.cols);
    if (!(alpha > 0.0 && alpha < 1.0))
        return MLK_FAIL(MLK_EINVAL, "alpha = %g is outside (0, 1)", alpha);
    for (size_t i = 0; i < S.rows; i++)
        for (size_t j = 0; j < S.cols; j++)
            if (!isfinite(S.data[i * S.ld + j]))
                return MLK_FAIL(MLK_EINVAL, "scores[%zu, %zu] = %g; expected a finite value", i, j,
                                S.data[i * S.ld + j]);
    return MLK_OK;
}

mlk_status mlk_friedman_new(mlk_cmat scores, bool greater_is_better, double alpha,
                            mlk_friedman **friedman)
{
    const size_t k = scores.cols, n = scores.rows;
    *friedman = NULL;
    MLK_TRY(check(scores, alpha));
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *key = mlk_scratch_take(&scratch, k, sizeof *key), ties = 0.0, squares = 0.0;
    size_t *order = mlk_scratch_take(&scratch, k, sizeof *order);
    mlk_friedman *f = mlk_alloc_flex(sizeof *f, k, sizeof f->rank[0]);
    mlk_status st =
        scratch.failed || !f ? MLK_FAIL(MLK_ENOMEM, "no memory to rank %zu models", k) : MLK_OK;
    for (size_t j = 0; st == MLK_OK && j < k; j++)
        f->rank[j] = 0.0;
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        st = add_ranks(scores.data + i * scores.ld, k, greater_is_better ? -1.0 : 1.0, key, order,
                       f->rank, &ties);
    mlk_scratch_release(&scratch);
    if (st != MLK_OK) {
        mlk_free(f);
        return st;
    }
    const double N = (double)n, K = (double)k;
    f->tables = n;
    f->models = k;
    f->alpha = alpha;
    for (size_t j = 0; j < k; j++) {
        squares += pow(f->rank[j] - N * (K + 1.0) / 2.0, 2.0);
        f->rank[j] /= N;
    }
    f->chi2 = squares == 0.0 ? 0.0 : 12.0 * squares / (N * K * (K + 1.0) - ties / (K - 1.0));
    *friedman = f;
    return MLK_OK;
}

mlk_test mlk_friedman_chi2(const mlk_friedman *f)
{
    const double nan = (double)NAN, df = (double)(f->models - 1);
    return (mlk_test){f->chi2, df, nan, mlk_chi2_sf(f->chi2, df), nan, nan, nan, nan};
}

mlk_test mlk_friedman_f(const mlk_friedman *f)
{
    const double nan = (double)NAN, n = (double)f->tables, df = (double)(f->models - 1);
    const double rest = n * df - f->chi2; /* 0: the same order in every table */
    const double value = rest > 1e-12 * n * df ? (n - 1.0) * f->chi2 / rest : INFINITY;
    return (mlk_test){value, df,  df * (n - 1.0),    mlk_f_sf(value, df, df * (n - 1.0)), nan,
                      nan,   nan, f->chi2 / (n * df)};
}

mlk_cvec mlk_friedman_ranks(const mlk_friedman *f) { return (mlk_cvec){f->rank, f->models}; }

/* Standard error of a difference of mean ranks. */
static double rank_error(const mlk_friedman *f)
{
    const double k = (double)f->models;
    return sqrt(k * (k + 1.0) / (6.0 * (double)f->tables));
}

double mlk_friedman_critical_difference(const mlk_friedman *f)
{
    return mlk_nemenyi_q(f->alpha, f->models) * rank_error(f);
}

double mlk_friedman_p(const mlk_friedman *f, size_t i, size_t j)
{
    return mlk_range_sf(sqrt(2.0) * fabs(f->rank[i] - f->rank[j]) / rank_error(f), f->models);
}

double mlk_nemenyi_q(double alpha, size_t k) { return mlk_range_upper(alpha, k) / sqrt(2.0); }

void mlk_friedman_report(const mlk_friedman *f, mlk_doc *to)
{
    const mlk_test chi2 = mlk_friedman_chi2(f), F = mlk_friedman_f(f);
    mlk_doc_put_real(to, "chi2", chi2.statistic);
    mlk_doc_put_real(to, "df", chi2.df);
    mlk_doc_put_real(to, "p", chi2.p);
    mlk_doc_put_real(to, "f", F.statistic);
    mlk_doc_put_real(to, "f_df", F.df);
    mlk_doc_put_real(to, "f_df2", F.df2);
    mlk_doc_put_real(to, "f_p", F.p);
    mlk_doc_put_real(to, "kendall_w", F.effect);
    mlk_doc_put_vec(to, "ranks", mlk_friedman_ranks(f));
    mlk_doc_put_real(to, "alpha", f->alpha);
    mlk_doc_put_real(to, "critical_difference", mlk_friedman_critical_difference(f));
    mlk_doc *rows = mlk_doc_put_list(to, "nemenyi");
    for (size_t i = 0; i < f->models; i++) {
        mlk_doc *row = mlk_doc_put_list(rows, NULL);
        for (size_t j = 0; j < f->models; j++)
            mlk_doc_put_real(row, NULL, i == j ? 1.0 : mlk_friedman_p(f, i, j));
    }
}

void mlk_friedman_free(mlk_friedman *f) { mlk_free(f); }
