#include <mlkit/selection/threshold.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"

/* Rows with a probability, packed; `fold` is where they are tested. */
typedef struct rows {
    size_t n;
    double *truth, *p, *w;
    size_t *fold;
    bool weighted;
} rows;

/* Sums of weights, [truth][prediction]. */
typedef struct counts {
    double at[2][2];
} counts;

mlk_status mlk_threshold_parse(const char *word, double beta, mlk_threshold_rule *rule)
{
    *rule = (mlk_threshold_rule){.beta = beta};
    if (strcmp(word, "fbeta") == 0)
        return MLK_OK;
    if (strncmp(word, "cost:", 5) == 0) {
        char *colon, *end;
        const double fp = strtod(word + 5, &colon);
        const double fn = *colon == ':' ? strtod(colon + 1, &end) : (double)NAN;
        if (colon > word + 5 && *colon == ':' && end > colon + 1 && !*end && fp >= 0.0 &&
            fn >= 0.0 && fp + fn > 0.0 && fp + fn < INFINITY) {
            rule->by_cost = true;
            rule->cost[0][1] = fp;
            rule->cost[1][0] = fn;
            return MLK_OK;
        }
    }
    return MLK_FAIL(
        MLK_EINVAL,
        "threshold = '%s' is not valid; expected fbeta, or cost:FP:FN with the costs of "
        "a false positive and a false negative",
        word);
}

static mlk_status take_rows(mlk_cvec truth, mlk_cmat P, mlk_cvec w, const mlk_folds *folds,
                            mlk_scratch *scratch, rows *r)
{
    const size_t n = truth.n;
    *r = (rows){.truth = mlk_scratch_take(scratch, n, sizeof *r->truth),
                .p = mlk_scratch_take(scratch, n, sizeof *r->p),
                .w = mlk_scratch_take(scratch, n, sizeof *r->w),
                .fold = mlk_scratch_take(scratch, n, sizeof *r->fold),
                .weighted = w.n > 0};
    size_t *fold_of = mlk_scratch_take(scratch, n, sizeof *fold_of);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu probabilities", n);
    for (size_t i = 0; i < n; i++)
        fold_of[i] = SIZE_MAX;
    for (size_t s = 0; s < mlk_folds_per_repeat(folds); s++) {
        size_t m;
        const size_t *test = mlk_folds_test(folds, s, &m);
        for (size_t i = 0; i < m; i++)
            fold_of[test[i]] = s;
    }
    for (size_t i = 0; i < n; i++) {
        const double p = P.data[i * P.ld + 1];
        if (isnan(p))
            continue;
        r->truth[r->n] = truth.data[i];
        r->p[r->n] = p;
        r->w[r->n] = w.n ? w.data[i] : 1.0;
        r->fold[r->n++] = fold_of[i];
    }
    return MLK_OK;
}

static mlk_status choose(const rows *r, const mlk_threshold_rule *rule, mlk_threshold *best)
{
    const mlk_predictions p = {.task = MLK_METRIC_CLASSIFICATION,
                               .n_classes = 2,
                               .truth = {r->truth, r->n},
                               .probabilities = {r->p, r->n, 1, 1},
                               .w = {r->w, r->weighted ? r->n : 0}};
    return rule->by_cost ? mlk_threshold_cost(&p, rule->cost, best)
                         : mlk_threshold_fbeta(&p, rule->beta, best);
}

/* Rows of one fold (SIZE_MAX: all) judged by a threshold. */
static void count(const rows *r, size_t fold, double threshold, counts *c)
{
    for (size_t i = 0; i < r->n; i++)
        if (fold == SIZE_MAX || r->fold[i] == fold)
            c->at[(size_t)r->truth[i]][r->p[i] >= threshold] += r->w[i];
}

static double worth(const counts *c, const mlk_threshold_rule *rule)
{
    const double tn = c->at[0][0], fp = c->at[0][1], fn = c->at[1][0], tp = c->at[1][1];
    const double b2 = rule->beta * rule->beta;
    if (rule->by_cost)
        return (tn * rule->cost[0][0] + fp * rule->cost[0][1] + fn * rule->cost[1][0] +
                tp * rule->cost[1][1]) /
               (tn + fp + fn + tp);
    return (1.0 + b2) * tp / ((1.0 + b2) * tp + b2 * fn + fp);
}

/* The rows of all folds but one. */
static void others(const rows *r, size_t fold, rows *out)
{
    out->n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (r->fold[i] == fold)
            continue;
        out->truth[out->n] = r->truth[i];
        out->p[out->n] = r->p[i];
        out->w[out->n++] = r->w[i];
    }
}

mlk_status mlk_threshold_choose(mlk_cvec truth, mlk_cmat P, mlk_cvec w, const mlk_folds *folds,
                                const mlk_threshold_rule *rule, mlk_threshold_choice *out)
{
    const size_t n = truth.n;
    if (P.rows != n || P.cols != 2 || mlk_folds_rows(folds) != n || (w.n && w.n != n))
        return MLK_FAIL(MLK_EINVAL, "%zu x %zu probabilities for %zu rows of two classes", P.rows,
                        P.cols, n);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_threshold best;
    counts half = {{{0}}}, honest = {{{0}}};
    rows all = {0}, rest = {0};
    mlk_status st = take_rows(truth, P, w, folds, &scratch, &all);
    rest = (rows){.truth = mlk_scratch_take(&scratch, n, sizeof *rest.truth),
                  .p = mlk_scratch_take(&scratch, n, sizeof *rest.p),
                  .w = mlk_scratch_take(&scratch, n, sizeof *rest.w),
                  .weighted = all.weighted};
    if (st == MLK_OK && scratch.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu probabilities", n);
    if (st == MLK_OK)
        st = choose(&all, rule, &best);
    if (st == MLK_OK)
        *out = (mlk_threshold_choice){.threshold = best.threshold, .value = best.value};
    for (size_t s = 0; st == MLK_OK && s < mlk_folds_per_repeat(folds); s++) {
        others(&all, s, &rest);
        st = choose(&rest, rule, &best);
        if (st == MLK_OK)
            count(&all, s, best.threshold, &honest);
    }
    if (st == MLK_OK) {
        count(&all, SIZE_MAX, 0.5, &half);
        out->at_half = worth(&half, rule);
        out->honest = worth(&honest, rule);
    }
    mlk_scratch_release(&scratch);
    return st;
}
