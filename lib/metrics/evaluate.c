#include <mlkit/metrics/evaluate.h>

#include <math.h>
#include <string.h>

#include "metrics/work.h"

struct mlk_evaluation {
    size_t n_scores;
    mlk_score *scores;
    mlk_mat confusion, per_class;
    mlk_curve roc, pr, calibration;
    mlk_scratch memory; /* of the above but the curves */
};

mlk_evaluate_opts mlk_evaluate_opts_default(void)
{
    return (mlk_evaluate_opts){.beta = 1.0,
                               .intervals = true,
                               .curves = true,
                               .replicates = 1000,
                               .seed = 0,
                               .max_points = 1000};
}

/* ---------------------------------------------------------------- baseline */

mlk_status mlk_baseline_of(mlk_cvec y, mlk_cvec w, size_t n_classes, mlk_vec out)
{
    const mlk_predictions p = {.task =
                                   n_classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                               .n_classes = n_classes,
                               .truth = y,
                               .w = w};
    double total = 0.0;
    MLK_TRY(mlk_predictions_check(&p, MLK_NEEDS_TRUTH));
    if (out.n != (n_classes ? n_classes : 1))
        return MLK_FAIL(MLK_EINVAL, "out has %zu values; expected %zu", out.n,
                        n_classes ? n_classes : 1);
    for (size_t j = 0; j < out.n; j++)
        out.data[j] = 0.0;
    for (size_t i = 0; i < y.n; i++) {
        const double wi = mlk_row_weight(&p, i);
        out.data[n_classes ? (size_t)y.data[i] : 0] += n_classes ? wi : wi * y.data[i];
        total += wi;
    }
    for (size_t j = 0; j < out.n; j++)
        out.data[j] /= total;
    return MLK_OK;
}

static mlk_status check_baseline(const mlk_predictions *p, mlk_cvec b)
{
    const size_t n = p->n_classes ? p->n_classes : 1;
    if (b.n != n)
        return MLK_FAIL(MLK_EINVAL, "the baseline has %zu values; expected %zu", b.n, n);
    double sum = 0.0;
    for (size_t j = 0; j < n; j++) {
        if (!(p->n_classes ? b.data[j] >= 0.0 && b.data[j] <= 1.0 : isfinite(b.data[j])))
            return MLK_FAIL(MLK_EINVAL, "baseline[%zu] = %g is out of its domain", j, b.data[j]);
        sum += b.data[j];
    }
    return p->n_classes && !(fabs(sum - 1.0) <= 1e-6)
               ? MLK_FAIL(MLK_EINVAL, "the baseline's shares sum to %g; expected 1", sum)
               : MLK_OK;
}

/* The same metrics of the constant prediction. */
static mlk_status judge_baseline(const mlk_predictions *p, const mlk_evaluate_opts *o,
                                 const mlk_metric *const *metrics, const mlk_run *run,
                                 mlk_evaluation *e)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const size_t n = p->truth.n;
    const mlk_vec own = mlk_scratch_vec(&s, p->n_classes ? p->n_classes : 1);
    const mlk_vec predicted = mlk_scratch_vec(&s, p->predicted.n);
    mlk_score *scores = mlk_scratch_take(&s, e->n_scores, sizeof *scores);
    mlk_cvec b = o->baseline.n ? o->baseline : mlk_vec_c(own);
    mlk_status st = MLK_OK;
    if (s.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the baseline of %zu rows", n);
        goto out;
    }
    st = o->baseline.n ? check_baseline(p, b) : mlk_baseline_of(p->truth, p->w, p->n_classes, own);
    if (st != MLK_OK)
        goto out;
    double constant = b.data[0];
    if (p->n_classes) {
        size_t most = 0;
        for (size_t j = 1; j < b.n; j++)
            most = b.data[j] > b.data[most] ? j : most;
        constant = (double)most;
    }
    for (size_t i = 0; i < predicted.n; i++)
        predicted.data[i] = constant;
    mlk_predictions q = *p;
    q.predicted = mlk_vec_c(predicted);
    q.scores = (mlk_cmat){NULL, 0, 0, 0};
    if (p->scores.rows || p->probabilities.rows) /* one row, read n times */
        q.probabilities = (mlk_cmat){b.data, n, b.n, 0};
    const mlk_run inner = mlk_run_inner(run);
    st = mlk_metrics_compute(&q, metrics, e->n_scores, o->beta, &inner, scores);
    for (size_t i = 0; st == MLK_OK && i < e->n_scores; i++)
        e->scores[i].baseline = scores[i].value;
out:
    mlk_scratch_release(&s);
    return st;
}

/* ------------------------------------------------------------------ tables */

static mlk_status keep_tables(const work *k, mlk_evaluation *e)
{
    const cells *c = &k->cells;
    if (!c->k)
        return MLK_OK;
    e->confusion = mlk_scratch_mat(&e->memory, c->k, c->k);
    e->per_class = mlk_scratch_mat(&e->memory, c->k, 4);
    if (e->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a confusion matrix of %zu classes", c->k);
    for (size_t i = 0; i < c->k * c->k; i++)
        e->confusion.data[i] = c->count[i];
    static const enum rate rates[] = {RATE_PRECISION, RATE_RECALL, RATE_F1};
    for (size_t j = 0; j < c->k; j++) {
        double *to = e->per_class.data + j * 4, num, den;
        for (size_t r = 0; r < MLK_COUNT(rates); r++) {
            mlk_rate_parts(rates[r], c, j, 1.0, &num, &den);
            to[r] = den > 0.0 ? num / den : (double)NAN;
        }
        to[3] = c->row[j];
    }
    return MLK_OK;
}

static mlk_status make_curves(const mlk_predictions *p, size_t max_points, mlk_evaluation *e)
{
    enum { BINS = 10 };
    const mlk_score *auc = mlk_evaluation_find(e, "roc_auc");
    const mlk_score *ap = mlk_evaluation_find(e, "average_precision");
    if (p->task != MLK_METRIC_CLASSIFICATION || p->n_classes != 2)
        return MLK_OK;
    mlk_curve *roc = auc && !isnan(auc->value) ? &e->roc : NULL;
    mlk_curve *pr = ap && !isnan(ap->value) ? &e->pr : NULL;
    if (roc || pr)
        MLK_TRY(mlk_rank_curves(p, 1, max_points, roc, pr));
    if (p->probabilities.rows && p->truth.n)
        MLK_TRY(mlk_calibration_curve(p, 1, BINS, &e->calibration));
    return MLK_OK;
}

/* ---------------------------------------------------------------- evaluate */

static void say_notes(const mlk_evaluation *e, const mlk_run *run)
{
    for (size_t i = 0; i < e->n_scores; i++) {
        const mlk_score *s = &e->scores[i];
        if (isnan(s->value))
            mlk_run_warn(run, "%s is not defined: %s", s->metric->name, s->note);
        else if (s->note[0])
            mlk_run_warn(run, "%s: %s", s->metric->name, s->note);
    }
}

static void compare_with_baseline(const mlk_evaluation *e, mlk_metric_task task, const mlk_run *run)
{
    const mlk_score *s = mlk_evaluation_find(e, mlk_metric_default(task)->name);
    if (s && s->value <= s->baseline)
        mlk_run_warn(run, "the model is no better than its baseline: %s %.6g, baseline %.6g",
                     s->metric->name, s->value, s->baseline);
}

static mlk_status check_opts(const mlk_evaluate_opts *o)
{
    if (o->intervals && (o->replicates < 100 || o->replicates > 1000000))
        return MLK_FAIL(MLK_EINVAL, "replicates = %lld is outside [100, 1000000]",
                        (long long)o->replicates);
    return MLK_OK;
}

static mlk_status evaluate(const mlk_predictions *p, const mlk_evaluate_opts *o,
                           const mlk_metric *const *metrics, const mlk_run *run, mlk_evaluation *e)
{
    work k;
    mlk_status st = mlk_work_open(&k, p, metrics, e->n_scores, o->beta, o->intervals, run);
    if (st == MLK_OK) {
        mlk_work_scores(&k, metrics, e->n_scores, e->scores);
        if (o->intervals)
            st = mlk_work_intervals(&k, o->replicates, o->seed, e->scores, e->n_scores);
        if (st == MLK_OK)
            st = keep_tables(&k, e);
    }
    mlk_work_close(&k);
    MLK_TRY(st);
    if (p->task != MLK_METRIC_CLUSTERING)
        MLK_TRY(judge_baseline(p, o, metrics, run, e));
    return o->curves ? make_curves(p, o->max_points, e) : MLK_OK;
}

mlk_status mlk_evaluate(const mlk_predictions *p, const mlk_evaluate_opts *opts, const mlk_run *run,
                        mlk_evaluation **evaluation)
{
    const mlk_evaluate_opts o = opts ? *opts : mlk_evaluate_opts_default();
    const mlk_metric *metrics[64], *m;
    mlk_evaluation *e;
    size_t n = 0;

    *evaluation = NULL;
    MLK_TRY(check_opts(&o));
    for (size_t i = 0; (m = mlk_metric_at(i)) && n < MLK_COUNT(metrics); i++)
        if (mlk_metric_applies(m, p))
            metrics[n++] = m;
    if (!n)
        return MLK_FAIL(MLK_EINVAL, "nothing to judge: truth and predictions or scores are needed");
    if (!(e = mlk_alloc_zero(1, sizeof *e)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for an evaluation");
    e->n_scores = n;
    e->scores = mlk_scratch_take(&e->memory, n, sizeof *e->scores);
    const mlk_status st = e->scores ? evaluate(p, &o, metrics, run, e)
                                    : MLK_FAIL(MLK_ENOMEM, "no memory for %zu metrics", n);
    if (st != MLK_OK) {
        mlk_evaluation_free(e);
        return st;
    }
    say_notes(e, run);
    compare_with_baseline(e, p->task, run);
    *evaluation = e;
    return MLK_OK;
}

void mlk_evaluation_free(mlk_evaluation *e)
{
    if (!e)
        return;
    mlk_curve_free(&e->roc);
    mlk_curve_free(&e->pr);
    mlk_curve_free(&e->calibration);
    mlk_scratch_release(&e->memory);
    mlk_free(e);
}

/* --------------------------------------------------------------- accessors */

size_t mlk_evaluation_size(const mlk_evaluation *e) { return e->n_scores; }

const mlk_score *mlk_evaluation_at(const mlk_evaluation *e, size_t i)
{
    return i < e->n_scores ? &e->scores[i] : NULL;
}

const mlk_score *mlk_evaluation_find(const mlk_evaluation *e, const char *name)
{
    for (size_t i = 0; i < e->n_scores; i++)
        if (strcmp(e->scores[i].metric->name, name) == 0)
            return &e->scores[i];
    return NULL;
}

mlk_cmat mlk_evaluation_confusion(const mlk_evaluation *e) { return mlk_mat_c(e->confusion); }
mlk_cmat mlk_evaluation_per_class(const mlk_evaluation *e) { return mlk_mat_c(e->per_class); }
mlk_curve mlk_evaluation_roc(const mlk_evaluation *e) { return e->roc; }
mlk_curve mlk_evaluation_pr(const mlk_evaluation *e) { return e->pr; }
mlk_curve mlk_evaluation_calibration(const mlk_evaluation *e) { return e->calibration; }

/* ------------------------------------------------------------------ report */

void mlk_evaluation_metrics(const mlk_evaluation *e, mlk_doc *to)
{
    mlk_doc *map = mlk_doc_put_map(to, "metrics");
    for (size_t i = 0; i < e->n_scores; i++)
        mlk_doc_put_real(map, e->scores[i].metric->name, e->scores[i].value);
}

static void put_intervals(const mlk_evaluation *e, mlk_doc *to)
{
    mlk_doc *intervals = mlk_doc_put_map(to, "intervals");
    for (size_t i = 0; i < e->n_scores; i++) {
        const mlk_score *s = &e->scores[i];
        if (isnan(s->low)) {
            mlk_doc_put_null(intervals, s->metric->name);
            continue;
        }
        mlk_doc *pair = mlk_doc_put_list(intervals, s->metric->name);
        mlk_doc_put_real(pair, NULL, s->low);
        mlk_doc_put_real(pair, NULL, s->high);
    }
    mlk_doc *baseline = mlk_doc_put_map(to, "baseline");
    for (size_t i = 0; i < e->n_scores; i++)
        mlk_doc_put_real(baseline, e->scores[i].metric->name, e->scores[i].baseline);
}

static void put_classes(const mlk_evaluation *e, const char *const *classes, mlk_doc *to)
{
    static const char *const names[] = {"precision", "recall", "f1", "support"};
    char buf[24];
    if (!e->confusion.rows) {
        mlk_doc_put_null(to, "confusion_matrix");
        mlk_doc_put_null(to, "classes");
        mlk_doc_put_null(to, "per_class");
        return;
    }
    mlk_doc_put_mat(to, "confusion_matrix", mlk_mat_c(e->confusion));
    mlk_doc *list = mlk_doc_put_list(to, "classes"), *map = mlk_doc_put_map(to, "per_class");
    for (size_t j = 0; j < e->per_class.rows; j++) {
        const mlk_predictions p = {.classes = classes};
        const char *name = mlk_class_name(&p, j, buf);
        mlk_doc_put_text(list, NULL, name);
        mlk_doc *one = mlk_doc_put_map(map, name);
        for (size_t r = 0; r < MLK_COUNT(names); r++)
            mlk_doc_put_real(one, names[r], e->per_class.data[j * 4 + r]);
    }
}

static void put_curve(mlk_doc *to, const char *name, const mlk_curve *c, const char *const keys[3])
{
    if (!c->n)
        return;
    mlk_doc *map = mlk_doc_put_map(to, name);
    mlk_doc_put_vec(map, keys[0], (mlk_cvec){c->x, c->n});
    mlk_doc_put_vec(map, keys[1], (mlk_cvec){c->y, c->n});
    mlk_doc_put_vec(map, keys[2], (mlk_cvec){c->z, c->n});
}

mlk_doc *mlk_evaluation_report(const mlk_evaluation *e, const char *const *classes, mlk_doc *to)
{
    mlk_evaluation_metrics(e, to);
    put_intervals(e, to);
    put_classes(e, classes, to);
    mlk_doc *curves = mlk_doc_put_map(to, "curves");
    put_curve(curves, "roc", &e->roc, (const char *const[]){"fpr", "tpr", "threshold"});
    const mlk_curve pr = {e->pr.n, e->pr.y, e->pr.x, e->pr.z, NULL};
    put_curve(curves, "pr", &pr, (const char *const[]){"precision", "recall", "threshold"});
    put_curve(curves, "calibration", &e->calibration,
              (const char *const[]){"predicted", "observed", "count"});
    return curves;
}
