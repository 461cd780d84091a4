#include <mlkit/metrics/curves.h>

#include <math.h>

#include "core/sort.h"
#include "metrics/work.h"

/* -------------------------------------------------------------- cumulation */

/* Weights of the class and of the rest with score >= threshold, by descending threshold. */
typedef struct sweep {
    size_t n;
    double *threshold, *pos, *neg; /* n distinct scores */
    double all_pos, all_neg;
    mlk_scratch scratch;
} sweep;

static mlk_status check(const mlk_predictions *p, size_t positive, unsigned needs)
{
    if (p->task != MLK_METRIC_CLASSIFICATION)
        return MLK_FAIL(MLK_EINVAL, "curves are for classification");
    MLK_TRY(mlk_predictions_check(p, MLK_NEEDS_TRUTH | needs));
    if (positive >= p->n_classes)
        return MLK_FAIL(MLK_EINVAL, "class %zu; there are %zu", positive, p->n_classes);
    const size_t rows =
        needs & MLK_NEEDS_PROBABILITIES ? p->probabilities.rows : mlk_ranking_scores(p).rows;
    return rows ? MLK_OK : MLK_FAIL(MLK_EINVAL, "no scores given");
}

static mlk_status sweep_down(const mlk_predictions *p, size_t positive, sweep *out)
{
    *out = (sweep){.scratch = MLK_SCRATCH_INIT};
    MLK_TRY(check(p, positive, MLK_NEEDS_SCORES));
    const size_t n = p->truth.n;
    const mlk_cmat S = mlk_ranking_scores(p);
    size_t *order = mlk_scratch_take(&out->scratch, n, sizeof *order);
    double *score = mlk_scratch_vec(&out->scratch, n).data;
    out->threshold = mlk_scratch_vec(&out->scratch, n).data;
    out->pos = mlk_scratch_vec(&out->scratch, n).data;
    out->neg = mlk_scratch_vec(&out->scratch, n).data;
    if (out->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a curve of %zu rows", n);
    /* A single column of a binary task is class 1's; as a score of class 0 it counts downwards. */
    for (size_t i = 0; i < n; i++)
        score[i] = mlk_row_score(S, i, positive);
    MLK_TRY(mlk_argsort(score, n, order));
    for (size_t i = n; i-- > 0;) {
        const size_t row = order[i];
        const double w = mlk_row_weight(p, row);
        if (w == 0.0)
            continue;
        *(p->truth.data[row] == (double)positive ? &out->all_pos : &out->all_neg) += w;
        if (out->n == 0 || out->threshold[out->n - 1] != score[row])
            out->threshold[out->n++] = score[row];
        out->pos[out->n - 1] = out->all_pos;
        out->neg[out->n - 1] = out->all_neg;
    }
    return MLK_OK;
}

/* ------------------------------------------------------------------ curves */

static mlk_status new_curve(size_t n, mlk_curve *curve)
{
    double *memory = mlk_alloc(n, 3 * sizeof *memory);
    if (!memory)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a curve of %zu points", n);
    *curve = (mlk_curve){0, memory, memory + n, memory + 2 * n, memory};
    return MLK_OK;
}

static void add_point(mlk_curve *c, double x, double y, double z)
{
    c->x[c->n] = x;
    c->y[c->n] = y;
    c->z[c->n++] = z;
}

void mlk_curve_free(mlk_curve *curve)
{
    mlk_free(curve->memory);
    *curve = (mlk_curve){0};
}

/* Keep the ends and every point that is a step away from the last one kept. */
static void thin(mlk_curve *c, size_t max_points)
{
    if (!max_points || c->n <= max_points)
        return;
    const double step = 2.0 / (double)max_points;
    size_t kept = 0;
    for (size_t i = 1; i < c->n; i++) {
        const double far = fabs(c->x[i] - c->x[kept]) + fabs(c->y[i] - c->y[kept]);
        if (i + 1 < c->n && far < step)
            continue;
        kept++;
        c->x[kept] = c->x[i];
        c->y[kept] = c->y[i];
        c->z[kept] = c->z[i];
    }
    c->n = kept + 1;
}

/* Is place i of the sweep on the line between its neighbours? */
static bool straight(const sweep *s, size_t i)
{
    const double p0 = i ? s->pos[i - 1] : 0.0, n0 = i ? s->neg[i - 1] : 0.0;
    return (s->pos[i] - p0) * (s->neg[i + 1] - s->neg[i]) ==
           (s->neg[i] - n0) * (s->pos[i + 1] - s->pos[i]);
}

static mlk_status roc_of(const sweep *s, size_t max_points, mlk_curve *curve)
{
    if (!(s->all_pos > 0.0 && s->all_neg > 0.0))
        return MLK_FAIL(MLK_EINVAL, "the truth holds one class only");
    MLK_TRY(new_curve(s->n + 1, curve));
    add_point(curve, 0.0, 0.0, (double)INFINITY);
    for (size_t i = 0; i < s->n; i++)
        if (i + 1 == s->n || !straight(s, i))
            add_point(curve, s->neg[i] / s->all_neg, s->pos[i] / s->all_pos, s->threshold[i]);
    thin(curve, max_points);
    return MLK_OK;
}

static mlk_status pr_of(const sweep *s, size_t max_points, mlk_curve *curve)
{
    if (!(s->all_pos > 0.0))
        return MLK_FAIL(MLK_EINVAL, "no row of the truth is positive");
    MLK_TRY(new_curve(s->n + 1, curve));
    add_point(curve, 0.0, 1.0, (double)INFINITY);
    for (size_t i = 0; i < s->n; i++)
        add_point(curve, s->pos[i] / s->all_pos, s->pos[i] / (s->pos[i] + s->neg[i]),
                  s->threshold[i]);
    thin(curve, max_points);
    return MLK_OK;
}

mlk_status mlk_rank_curves(const mlk_predictions *p, size_t positive, size_t max_points,
                           mlk_curve *roc, mlk_curve *pr)
{
    sweep s;
    if (roc)
        *roc = (mlk_curve){0};
    if (pr)
        *pr = (mlk_curve){0};
    mlk_status st = sweep_down(p, positive, &s);
    if (st == MLK_OK && roc)
        st = roc_of(&s, max_points, roc);
    if (st == MLK_OK && pr)
        st = pr_of(&s, max_points, pr);
    mlk_scratch_release(&s.scratch);
    return st;
}

mlk_status mlk_roc_curve(const mlk_predictions *p, size_t positive, size_t max_points,
                         mlk_curve *curve)
{
    return mlk_rank_curves(p, positive, max_points, curve, NULL);
}

mlk_status mlk_pr_curve(const mlk_predictions *p, size_t positive, size_t max_points,
                        mlk_curve *curve)
{
    return mlk_rank_curves(p, positive, max_points, NULL, curve);
}

mlk_status mlk_calibration_curve(const mlk_predictions *p, size_t positive, size_t bins,
                                 mlk_curve *curve)
{
    *curve = (mlk_curve){0};
    MLK_TRY(check(p, positive, MLK_NEEDS_PROBABILITIES));
    if (!bins)
        return MLK_FAIL(MLK_EINVAL, "0 bins; expected at least 1");
    MLK_TRY(new_curve(bins, curve));
    for (size_t b = 0; b < bins; b++)
        curve->x[b] = curve->y[b] = curve->z[b] = 0.0;
    const mlk_cmat P = p->probabilities;
    for (size_t i = 0; i < P.rows; i++) {
        const double *row = P.data + i * P.ld, w = mlk_row_weight(p, i);
        const double prob = P.cols > 1 ? row[positive] : positive ? row[0] : 1.0 - row[0];
        const size_t at = (size_t)(prob * (double)bins), b = at < bins ? at : bins - 1;
        curve->x[b] += w * prob;
        curve->y[b] += p->truth.data[i] == (double)positive ? w : 0.0;
        curve->z[b] += w;
    }
    for (size_t b = 0; b < bins; b++)
        if (curve->z[b] > 0.0)
            add_point(curve, curve->x[b] / curve->z[b], curve->y[b] / curve->z[b], curve->z[b]);
    return MLK_OK;
}

/* --------------------------------------------------------------- threshold */

static mlk_status sweep_binary(const mlk_predictions *p, sweep *s)
{
    MLK_TRY(sweep_down(p, 1, s));
    return p->n_classes == 2
               ? MLK_OK
               : MLK_FAIL(MLK_EINVAL, "%zu classes; a threshold needs 2", p->n_classes);
}

mlk_status mlk_threshold_fbeta(const mlk_predictions *p, double beta, mlk_threshold *best)
{
    sweep s;
    const double b2 = beta * beta;
    *best = (mlk_threshold){(double)INFINITY, 0.0};
    mlk_status st = sweep_binary(p, &s);
    if (st == MLK_OK && !(beta > 0.0 && beta < (double)INFINITY))
        st = MLK_FAIL(MLK_EINVAL, "beta = %g is outside (0, inf)", beta);
    if (st == MLK_OK && !(s.all_pos > 0.0))
        st = MLK_FAIL(MLK_EINVAL, "no row of the truth is positive");
    for (size_t i = 0; st == MLK_OK && i < s.n; i++) {
        /* (1 + b^2) TP + b^2 FN + FP = b^2 (TP + FN) + (TP + FP) */
        const double f = (1.0 + b2) * s.pos[i] / (b2 * s.all_pos + s.pos[i] + s.neg[i]);
        if (f > best->value)
            *best = (mlk_threshold){s.threshold[i], f};
    }
    mlk_scratch_release(&s.scratch);
    return st;
}

mlk_status mlk_threshold_cost(const mlk_predictions *p, const double cost[2][2],
                              mlk_threshold *best)
{
    sweep s;
    *best = (mlk_threshold){(double)INFINITY, (double)NAN};
    mlk_status st = sweep_binary(p, &s);
    for (size_t j = 0; st == MLK_OK && j < 4; j++)
        if (!(cost[j / 2][j % 2] >= 0.0 && cost[j / 2][j % 2] < (double)INFINITY))
            st = MLK_FAIL(MLK_EINVAL, "cost [%zu][%zu] = %g is outside [0, inf)", j / 2, j % 2,
                          cost[j / 2][j % 2]);
    const double total = s.all_pos + s.all_neg;
    if (st == MLK_OK)
        best->value = (s.all_pos * cost[1][0] + s.all_neg * cost[0][0]) / total;
    for (size_t i = 0; st == MLK_OK && i < s.n; i++) {
        const double mean = (s.pos[i] * cost[1][1] + (s.all_pos - s.pos[i]) * cost[1][0] +
                             s.neg[i] * cost[0][1] + (s.all_neg - s.neg[i]) * cost[0][0]) /
                            total;
        if (mean < best->value)
            *best = (mlk_threshold){s.threshold[i], mean};
    }
    mlk_scratch_release(&s.scratch);
    return st;
}
