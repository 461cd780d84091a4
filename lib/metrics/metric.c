#include "metrics/work.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ table */

#define REG    MLK_METRIC_REGRESSION
#define CLS    MLK_METRIC_CLASSIFICATION
#define CLU    MLK_METRIC_CLUSTERING
#define BOTH   (MLK_NEEDS_TRUTH | MLK_NEEDS_PREDICTED)
#define PROBA  (MLK_NEEDS_TRUTH | MLK_NEEDS_PROBABILITIES)
#define SCORES (MLK_NEEDS_TRUTH | MLK_NEEDS_SCORES)
#define POINTS (MLK_NEEDS_POINTS | MLK_NEEDS_PREDICTED)

/* Where values lie. */
#define ERRORS       0.0, INFINITY
#define SHARES       0.0, 1.0
#define CORRELATIONS (-1.0), 1.0
#define EXPLAINED    (-INFINITY), 1.0

/* Families of rows with the same shape. */
#define SUMS_ROW(name, help, greater, domain, fn)                                                  \
    {                                                                                              \
        {name, help, REG, BOTH, MLK_CLASSES_ANY, greater, domain}, PART_SUMS, INTERVAL_BOOTSTRAP,  \
            .of_sums = fn                                                                          \
    }
#define CELLS_ROW(name, help, greater, domain, interval, fn)                                       \
    {                                                                                              \
        {name, help, CLS, BOTH, MLK_CLASSES_ANY, greater, domain}, PART_CELLS, interval,           \
            .of_cells = fn                                                                         \
    }
#define RATE_ROW(name, help, classes, interval, r, avg)                                            \
    {                                                                                              \
        {name, help, CLS, BOTH, classes, true, SHARES}, PART_CELLS, interval,                      \
            .of_cells = mlk_of_rate, .rate = r, .average = avg                                     \
    }
#define RATE_ROWS(name, of, r, one, micro)                                                         \
    RATE_ROW(name, of " of the positive class", MLK_CLASSES_BINARY, one, r, OF_POSITIVE),          \
        RATE_ROW(name "_macro", "mean " of " of the classes", MLK_CLASSES_MANY,                    \
                 INTERVAL_BOOTSTRAP, r, AVERAGE_MACRO),                                            \
        RATE_ROW(name "_micro", of " of the summed counts", MLK_CLASSES_MANY, micro, r,            \
                 AVERAGE_MICRO),                                                                   \
        RATE_ROW(name "_weighted", of " averaged by the classes' shares", MLK_CLASSES_MANY,        \
                 INTERVAL_BOOTSTRAP, r, AVERAGE_WEIGHTED)
#define RANK_ROW(name, help, classes, part, fn)                                                    \
    {                                                                                              \
        {name, help, CLS, SCORES, classes, true, SHARES}, part, INTERVAL_RANK, .of_work = fn       \
    }
#define CLUSTER_ROW(name, help, needs, greater, domain, part, fn)                                  \
    {                                                                                              \
        {name, help, CLU, needs, MLK_CLASSES_ANY, greater, domain}, part, INTERVAL_NONE,           \
            .of_work = fn                                                                          \
    }

static const metric_row table[] = {
    SUMS_ROW("mae", "mean absolute error", false, ERRORS, mlk_of_mae),
    SUMS_ROW("mse", "mean squared error", false, ERRORS, mlk_of_mse),
    SUMS_ROW("rmse", "root of the mean squared error", false, ERRORS, mlk_of_rmse),
    {{"medae", "median absolute error", REG, BOTH, MLK_CLASSES_ANY, false, ERRORS},
     PART_ORDER,
     INTERVAL_MEDIAN,
     .of_work = mlk_of_medae},
    {{"max_error", "largest absolute error", REG, BOTH, MLK_CLASSES_ANY, false, ERRORS},
     PART_ORDER,
     INTERVAL_NONE,
     .of_work = mlk_of_max_error},
    SUMS_ROW("mape", "mean absolute error relative to the truth", false, ERRORS, mlk_of_mape),
    SUMS_ROW("rae", "absolute error relative to the mean's", false, ERRORS, mlk_of_rae),
    SUMS_ROW("rse", "squared error relative to the mean's", false, ERRORS, mlk_of_rse),
    SUMS_ROW("rrse", "root of the relative squared error", false, ERRORS, mlk_of_rrse),
    SUMS_ROW("r2", "coefficient of determination", true, EXPLAINED, mlk_of_r2),
    SUMS_ROW("explained_variance", "share of the variance explained", true, EXPLAINED,
             mlk_of_explained),

    CELLS_ROW("accuracy", "share of rows predicted right", true, SHARES, INTERVAL_WILSON,
              mlk_of_accuracy),
    CELLS_ROW("balanced_accuracy", "mean recall of the classes in the truth", true, SHARES,
              INTERVAL_BOOTSTRAP, mlk_of_balanced),
    CELLS_ROW("error", "share of rows predicted wrong", false, SHARES, INTERVAL_WILSON,
              mlk_of_error),
    RATE_ROWS("precision", "precision", RATE_PRECISION, INTERVAL_WILSON, INTERVAL_WILSON),
    RATE_ROWS("recall", "recall", RATE_RECALL, INTERVAL_WILSON, INTERVAL_WILSON),
    RATE_ROWS("specificity", "specificity", RATE_SPECIFICITY, INTERVAL_WILSON, INTERVAL_BOOTSTRAP),
    RATE_ROWS("f1", "F1", RATE_F1, INTERVAL_BOOTSTRAP, INTERVAL_WILSON),
    RATE_ROWS("fbeta", "F-beta", RATE_FBETA, INTERVAL_BOOTSTRAP, INTERVAL_WILSON),
    CELLS_ROW("mcc", "Matthews correlation", true, CORRELATIONS, INTERVAL_BOOTSTRAP, mlk_of_mcc),
    CELLS_ROW("kappa", "Cohen's kappa", true, CORRELATIONS, INTERVAL_BOOTSTRAP, mlk_of_kappa),
    {{"log_loss", "mean negative log-likelihood", CLS, PROBA, MLK_CLASSES_ANY, false, ERRORS},
     PART_SUMS,
     INTERVAL_BOOTSTRAP,
     .of_sums = mlk_of_log_loss},
    {{"brier", "mean squared error of the probabilities", CLS, PROBA, MLK_CLASSES_ANY, false, 0.0,
      2.0},
     PART_SUMS,
     INTERVAL_BOOTSTRAP,
     .of_sums = mlk_of_brier},
    RANK_ROW("roc_auc", "area under the ROC curve", MLK_CLASSES_BINARY, PART_RANK, mlk_of_auc),
    RANK_ROW("average_precision", "area under the precision-recall curve", MLK_CLASSES_BINARY,
             PART_RANK, mlk_of_ap),
    RANK_ROW("average_precision_macro", "mean average precision of the classes", MLK_CLASSES_MANY,
             PART_RANK_ALL, mlk_of_ap_macro),
    RANK_ROW("roc_auc_ovr_macro", "mean ROC AUC of each class against the rest", MLK_CLASSES_MANY,
             PART_RANK_ALL, mlk_of_auc_ovr),
    RANK_ROW("roc_auc_ovo_macro", "mean ROC AUC of the pairs of classes", MLK_CLASSES_MANY,
             PART_RANK_ALL, mlk_of_auc_ovo),

    CLUSTER_ROW("silhouette", "mean silhouette of the rows", POINTS, true, CORRELATIONS,
                PART_POINTS, mlk_of_silhouette),
    CLUSTER_ROW("davies_bouldin", "mean similarity of a cluster to its nearest", POINTS, false,
                ERRORS, PART_POINTS, mlk_of_davies_bouldin),
    CLUSTER_ROW("calinski_harabasz", "variance between over within clusters", POINTS, true, ERRORS,
                PART_POINTS, mlk_of_calinski_harabasz),
    CLUSTER_ROW("ari", "Rand index adjusted for chance", BOTH, true, CORRELATIONS, PART_PARTITION,
                mlk_of_ari),
    CLUSTER_ROW("nmi", "normalised mutual information", BOTH, true, SHARES, PART_PARTITION,
                mlk_of_nmi),
    CLUSTER_ROW("ami", "mutual information adjusted for chance", BOTH, true, CORRELATIONS,
                PART_PARTITION, mlk_of_ami),
    CLUSTER_ROW("homogeneity", "each cluster holds one class", BOTH, true, SHARES, PART_PARTITION,
                mlk_of_homogeneity),
    CLUSTER_ROW("completeness", "each class lies in one cluster", BOTH, true, SHARES,
                PART_PARTITION, mlk_of_completeness),
    CLUSTER_ROW("v_measure", "harmonic mean of homogeneity and completeness", BOTH, true, SHARES,
                PART_PARTITION, mlk_of_v_measure),
};

const mlk_metric *mlk_metric_at(size_t i) { return i < MLK_COUNT(table) ? &table[i].metric : NULL; }

/* A metric is the first member of its row, and there are no others. */
const metric_row *mlk_metric_row(const mlk_metric *metric) { return (const metric_row *)metric; }

static const mlk_metric *by_name(const char *name)
{
    for (size_t i = 0; i < MLK_COUNT(table); i++)
        if (strcmp(table[i].metric.name, name) == 0)
            return &table[i].metric;
    return NULL;
}

const mlk_metric *mlk_metric_default(mlk_metric_task task)
{
    return by_name(task == REG ? "r2" : task == CLS ? "accuracy" : "silhouette");
}

static const char *task_name(mlk_metric_task task)
{
    return task == REG ? "regression" : task == CLS ? "classification" : "clustering";
}

static bool fits_classes(const mlk_metric *m, size_t n_classes)
{
    return m->classes != MLK_CLASSES_BINARY || n_classes <= 2;
}

mlk_status mlk_metric_find(const char *name, mlk_metric_task task, size_t n_classes,
                           const mlk_metric **metric)
{
    *metric = NULL;
    const mlk_metric *m = by_name(name);
    if (m && m->task == task && fits_classes(m, n_classes)) {
        *metric = m;
        return MLK_OK;
    }
    if (m && m->task == task) {
        const bool auc = strcmp(name, "roc_auc") == 0;
        return MLK_FAIL(MLK_EINVAL, "metric '%s' is for two classes, not %zu; see '%s%s'", name,
                        n_classes, name, auc ? "_ovr_macro" : "_macro");
    }
    if (m)
        return MLK_FAIL(MLK_EINVAL, "metric '%s' is for %s", name, task_name(m->task));
    const char *names[MLK_COUNT(table)];
    size_t n = 0;
    for (size_t i = 0; i < MLK_COUNT(table); i++)
        if (table[i].metric.task == task && fits_classes(&table[i].metric, n_classes))
            names[n++] = table[i].metric.name;
    const char *near = mlk_nearest(name, names, n);
    return near ? MLK_FAIL(MLK_EINVAL, "unknown metric '%s'; did you mean '%s'?", name, near)
                : MLK_FAIL(MLK_EINVAL, "unknown metric '%s' of %s", name, task_name(task));
}

static unsigned given(const mlk_predictions *p)
{
    return (p->truth.n ? MLK_NEEDS_TRUTH : 0u) | (p->predicted.n ? MLK_NEEDS_PREDICTED : 0u) |
           (p->probabilities.rows ? MLK_NEEDS_PROBABILITIES | MLK_NEEDS_SCORES : 0u) |
           (p->scores.rows ? MLK_NEEDS_SCORES : 0u) | (p->X.rows ? MLK_NEEDS_POINTS : 0u);
}

bool mlk_metric_applies(const mlk_metric *metric, const mlk_predictions *p)
{
    if (metric->task != p->task || (metric->needs & ~given(p)))
        return false;
    return metric->classes == MLK_CLASSES_ANY ||
           (metric->classes == MLK_CLASSES_BINARY) == (p->n_classes == 2);
}

/* ------------------------------------------------------------------ notes */

__attribute__((format(printf, 2, 0))) static void set_note(const mlk_note *note, const char *fmt,
                                                           va_list args)
{
    if (note)
        vsnprintf(note->text, note->size, fmt, args);
}

void mlk_note_set(const mlk_note *note, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_note(note, fmt, args);
    va_end(args);
}

double mlk_undefined(const mlk_note *note, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_note(note, fmt, args);
    va_end(args);
    return (double)NAN;
}

const char *mlk_class_name(const mlk_predictions *p, size_t k, char buf[24])
{
    if (p->classes)
        return p->classes[k];
    snprintf(buf, 24, "%zu", k);
    return buf;
}

/* ----------------------------------------------------------------- checks */

static mlk_status check_shape(const char *what, size_t rows, size_t n)
{
    return rows == n ? MLK_OK
                     : MLK_FAIL(MLK_EINVAL, "%s has %zu rows; expected %zu", what, rows, n);
}

static mlk_status check_values(const char *what, mlk_cvec v)
{
    for (size_t i = 0; i < v.n; i++)
        if (!isfinite(v.data[i]))
            return MLK_FAIL(MLK_EINVAL, "%s[%zu] = %g; expected a finite value", what, i,
                            v.data[i]);
    return MLK_OK;
}

static mlk_status check_labels(const char *what, mlk_cvec v, const mlk_predictions *p)
{
    if (p->task == REG)
        return check_values(what, v);
    const bool any = p->task == CLU;
    const double lo = any ? -0x1p53 : 0.0, hi = any ? 0x1p53 : (double)p->n_classes - 1.0;
    for (size_t i = 0; i < v.n; i++)
        if (!(v.data[i] >= lo && v.data[i] <= hi && v.data[i] == floor(v.data[i])))
            return any ? MLK_FAIL(MLK_EINVAL, "%s[%zu] = %g; expected a whole number", what, i,
                                  v.data[i])
                       : MLK_FAIL(MLK_EINVAL, "%s[%zu] = %g; expected a class number 0..%zu", what,
                                  i, v.data[i], p->n_classes - 1);
    return MLK_OK;
}

static mlk_status check_weights(mlk_cvec w)
{
    double sum = 0.0;
    for (size_t i = 0; i < w.n; i++) {
        if (!(w.data[i] >= 0.0 && w.data[i] < (double)INFINITY))
            return MLK_FAIL(MLK_EINVAL, "weight %zu = %g is outside [0, inf)", i, w.data[i]);
        sum += w.data[i];
    }
    if (w.n && !(sum > 0.0))
        return MLK_FAIL(MLK_EINVAL, "the weights sum to 0");
    return isfinite(sum) ? MLK_OK : MLK_FAIL(MLK_EINVAL, "the sum of the weights overflows");
}

static mlk_status check_columns(const char *what, mlk_cmat A, size_t n_classes)
{
    if (A.cols == n_classes || (n_classes == 2 && A.cols == 1))
        return MLK_OK;
    return MLK_FAIL(MLK_EINVAL, "%s has %zu columns; expected %zu", what, A.cols, n_classes);
}

/* Rows may be rounded when written, so their sums get some room. */
static const double sum_room = 0.01;

static mlk_status check_probabilities(mlk_cmat A)
{
    for (size_t i = 0; i < A.rows; i++) {
        const double *row = A.data + i * A.ld;
        double sum = 0.0;
        for (size_t j = 0; j < A.cols; sum += row[j++])
            if (!(row[j] >= 0.0 && row[j] <= 1.0))
                return MLK_FAIL(MLK_EINVAL, "probability [%zu, %zu] = %g is outside [0, 1]", i, j,
                                row[j]);
        if (A.cols > 1 && !(fabs(sum - 1.0) <= sum_room))
            return MLK_FAIL(MLK_EINVAL, "the probabilities of row %zu sum to %g; expected 1", i,
                            sum);
    }
    return MLK_OK;
}

bool mlk_are_probabilities(mlk_cmat scores)
{
    for (size_t i = 0; i < scores.rows; i++) {
        const double *row = scores.data + i * scores.ld;
        double sum = 0.0;
        for (size_t j = 0; j < scores.cols; sum += row[j++])
            if (!(row[j] >= 0.0 && row[j] <= 1.0))
                return false;
        if (scores.cols > 1 && !(fabs(sum - 1.0) <= sum_room))
            return false;
    }
    return scores.rows > 0;
}

static mlk_status check_scores(mlk_cmat A)
{
    for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < A.cols; j++)
            if (isnan(A.data[i * A.ld + j]))
                return MLK_FAIL(MLK_EINVAL, "score [%zu, %zu] is not a number", i, j);
    return MLK_OK;
}

mlk_status mlk_predictions_check(const mlk_predictions *p, unsigned needs)
{
    const size_t n = p->truth.n ? p->truth.n : p->predicted.n;
    const bool proba = p->probabilities.rows, scores = p->scores.rows;
    if (p->task != REG && p->task != CLS && p->task != CLU)
        return MLK_FAIL(MLK_EINVAL, "task %d is none that has metrics", (int)p->task);
    if (p->task == CLS ? p->n_classes < 2 : p->n_classes != 0)
        return MLK_FAIL(MLK_EINVAL, "%zu classes do not suit %s", p->n_classes, task_name(p->task));
    if (!n)
        return MLK_FAIL(MLK_EINVAL, "no rows to judge");
    if (p->w.n)
        MLK_TRY(check_shape("w", p->w.n, n));
    MLK_TRY(check_weights(p->w));
    if (needs & MLK_NEEDS_TRUTH)
        MLK_TRY(check_labels("truth", p->truth, p));
    if (needs & MLK_NEEDS_PREDICTED) {
        MLK_TRY(check_shape("predicted", p->predicted.n, n));
        MLK_TRY(check_labels("predicted", p->predicted, p));
    }
    if ((needs & MLK_NEEDS_PROBABILITIES) || ((needs & MLK_NEEDS_SCORES) && !scores && proba)) {
        MLK_TRY(check_shape("probabilities", p->probabilities.rows, n));
        MLK_TRY(check_columns("probabilities", p->probabilities, p->n_classes));
        MLK_TRY(check_probabilities(p->probabilities));
    }
    if ((needs & MLK_NEEDS_SCORES) && scores) {
        MLK_TRY(check_shape("scores", p->scores.rows, n));
        MLK_TRY(check_columns("scores", p->scores, p->n_classes));
        MLK_TRY(check_scores(p->scores));
    }
    if (needs & MLK_NEEDS_POINTS) {
        MLK_TRY(check_shape("X", p->X.rows, n));
        for (size_t i = 0; i < n; i++)
            MLK_TRY(check_values("X", mlk_cmat_row(p->X, i)));
    }
    return MLK_OK;
}

static mlk_status check_metric(const mlk_metric *m, const mlk_predictions *p)
{
    static const char *const what[] = {"the truth", "predictions", "probabilities", "scores",
                                       "the rows themselves"};
    if (m->task != p->task)
        return MLK_FAIL(MLK_EINVAL, "metric '%s' is for %s", m->name, task_name(m->task));
    if (!fits_classes(m, p->n_classes))
        return MLK_FAIL(MLK_EINVAL, "metric '%s' is for two classes, not %zu", m->name,
                        p->n_classes);
    const unsigned missing = m->needs & ~given(p);
    for (size_t b = 0; b < MLK_COUNT(what); b++)
        if (missing >> b & 1u)
            return MLK_FAIL(MLK_EINVAL, "metric '%s' needs %s; none given", m->name, what[b]);
    return MLK_OK;
}

/* ---------------------------------------------------------------- compute */

/* Sum of weights, and of rows by Kish: (sum w)^2 / sum w^2. */
static void count_rows(work *k)
{
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < k->p->w.n; i++) {
        sum += k->p->w.data[i];
        squares += k->p->w.data[i] * k->p->w.data[i];
    }
    k->total = k->p->w.n ? sum : (double)k->n;
    k->n_eff = k->p->w.n ? sum / squares * sum : (double)k->n;
}

static mlk_status make_parts(work *k, unsigned parts)
{
    if (parts & PART_SUMS)
        MLK_TRY(mlk_work_sums(k));
    if (parts & PART_ORDER)
        MLK_TRY(mlk_work_order(k));
    if (parts & PART_CELLS)
        MLK_TRY(mlk_work_cells(k));
    if (parts & (PART_RANK | PART_RANK_ALL))
        MLK_TRY(mlk_work_rank(k, parts & PART_RANK, parts & PART_RANK_ALL));
    if (parts & PART_POINTS)
        MLK_TRY(mlk_work_points(k));
    if (parts & PART_PARTITION)
        MLK_TRY(mlk_work_partition(k));
    return MLK_OK;
}

mlk_status mlk_work_open(work *k, const mlk_predictions *p, const mlk_metric *const *metrics,
                         size_t n_metrics, double beta, bool intervals, const mlk_run *run)
{
    unsigned parts = 0, needs = 0;
    *k = (work){.p = p,
                .run = run,
                .beta = beta,
                .intervals = intervals,
                .n = p->truth.n ? p->truth.n : p->predicted.n,
                .scratch = MLK_SCRATCH_INIT};
    if (!(beta > 0.0 && beta < (double)INFINITY))
        return MLK_FAIL(MLK_EINVAL, "beta = %g is outside (0, inf)", beta);
    for (size_t i = 0; i < n_metrics; i++) {
        MLK_TRY(check_metric(metrics[i], p));
        needs |= metrics[i]->needs;
        parts |= mlk_metric_row(metrics[i])->part;
    }
    MLK_TRY(mlk_predictions_check(p, needs));
    count_rows(k);
    return make_parts(k, parts);
}

void mlk_work_close(work *k) { mlk_scratch_release(&k->scratch); }

static double value_of(const metric_row *row, const work *k, const mlk_note *note)
{
    return row->of_sums    ? row->of_sums(k, k->sums, note)
           : row->of_cells ? row->of_cells(row, k, &k->cells, note)
                           : row->of_work(k, note);
}

void mlk_work_scores(const work *k, const mlk_metric *const *metrics, size_t n, mlk_score *scores)
{
    for (size_t i = 0; i < n; i++) {
        mlk_score *s = &scores[i];
        *s = (mlk_score){metrics[i], NAN, NAN, NAN, NAN, ""};
        const mlk_note note = {s->note, sizeof s->note};
        s->value = value_of(mlk_metric_row(metrics[i]), k, &note);
    }
}

mlk_status mlk_metrics_compute(const mlk_predictions *p, const mlk_metric *const *metrics,
                               size_t n_metrics, double beta, const mlk_run *run, mlk_score *scores)
{
    work k;
    const mlk_status st = mlk_work_open(&k, p, metrics, n_metrics, beta, false, run);
    if (st == MLK_OK)
        mlk_work_scores(&k, metrics, n_metrics, scores);
    mlk_work_close(&k);
    return st;
}
