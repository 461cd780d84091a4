#ifndef METRICS_WORK_H
#define METRICS_WORK_H

#include <mlkit/metrics/curves.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"

/*
 * How metrics share their work. A table row says from which part of the work its value follows;
 * mlk_work_open() makes the parts that the asked metrics need, each once:
 *
 *   SUMS      weighted sums over rows: mean errors, R^2, log-loss, Brier
 *   ORDER     absolute errors: medae, max_error
 *   CELLS     the confusion matrix
 *   RANK      sorted scores of one class (binary) or of all (macro averages)
 *   POINTS    geometry of clusters
 *   PARTITION the contingency table of two partitions
 */
enum part {
    PART_SUMS = 1,
    PART_ORDER = 2,
    PART_CELLS = 4,
    PART_RANK = 8,
    PART_RANK_ALL = 16,
    PART_POINTS = 32,
    PART_PARTITION = 64
};

/* Which interval belongs to a metric; see evaluate.h. */
enum interval {
    INTERVAL_NONE,
    INTERVAL_WILSON,
    INTERVAL_BOOTSTRAP,
    INTERVAL_MEDIAN,
    INTERVAL_RANK
};

/* ---- SUMS. For regression (e = y - f, y and e of row i; c = mean of y): */
enum { SUM_W, SUM_ABS, SUM_SQ, SUM_ERR, SUM_Y, SUM_YY, SUM_REL, SUM_DEV, SUM_SIGN, N_SUMS };
/* ... of y - c, (y - c)^2, |e / y|, |y - c|, sign(c - y). For classification: */
enum { SUM_LOG = 1, SUM_BRIER, N_LOSSES };

/* ---- CELLS: a confusion matrix with its margins. */
typedef struct cells {
    size_t k;
    double *count;     /* k x k sums of weights: row truth, column prediction */
    double *square;    /* k x k sums of squared weights; NULL: all weights 1 */
    double *row, *col; /* k margins each */
    double total, trace;
} cells;

/* ---- RANK: values and, where intervals are asked for, influences of the rows. */
typedef struct ranking {
    double auc, ap;            /* of class 1 */
    double ovr, ovo, ap_macro; /* averages */
    double *phi_auc, *phi_ap;  /* n influences each; NULL: not asked for */
    double *phi_ovr, *phi_ovo, *phi_ap_macro;
    double *class_weight; /* n_classes sums of weights */
} ranking;

/* ---- POINTS and PARTITION */
typedef struct geometry {
    size_t k; /* clusters; other figures are meaningless unless 2 <= k < n */
    double n, silhouette, davies_bouldin, calinski_harabasz;
    size_t points, judged; /* rows of positive weight, and how many silhouettes were computed */
} geometry;

typedef struct partition {
    double ari, nmi, ami, homogeneity, completeness;
    bool counts; /* weights are whole numbers, so ami is defined */
} partition;

typedef struct work {
    const mlk_predictions *p;
    const mlk_run *run;
    double beta;
    bool intervals;
    size_t n;
    double total, n_eff; /* sum of weights; Kish's number of rows */

    size_t n_sums;
    double center; /* weighted mean of the truth */
    double sums[N_SUMS];
    size_t zeros; /* SUM_REL: rows with y = 0 */
    double median, median_low, median_high, max_error;
    cells cells;
    ranking rank;
    geometry geometry;
    partition partition;
    mlk_scratch scratch;
} work;

/* Why a value is not defined; NULL: nobody asks. */
typedef struct mlk_note {
    char *text;
    size_t size;
} mlk_note;
__attribute__((format(printf, 2, 3))) void mlk_note_set(const mlk_note *note, const char *fmt, ...);
/* NaN, with the reason. */
__attribute__((format(printf, 2, 3))) double mlk_undefined(const mlk_note *note, const char *fmt,
                                                           ...);
/* The name of class k, in buf where it has none. */
const char *mlk_class_name(const mlk_predictions *p, size_t k, char buf[24]);

/* What is counted for one class, and how classes are averaged. */
enum rate { RATE_PRECISION, RATE_RECALL, RATE_SPECIFICITY, RATE_FBETA, RATE_F1 };
enum average { OF_POSITIVE, AVERAGE_MACRO, AVERAGE_MICRO, AVERAGE_WEIGHTED };

/* A row of the metric table. Exactly one of the three functions is there. */
typedef struct metric_row {
    mlk_metric metric;
    enum part part;
    enum interval interval;
    double (*of_sums)(const work *k, const double *sums, const mlk_note *note);
    double (*of_cells)(const struct metric_row *row, const work *k, const cells *c,
                       const mlk_note *note);
    double (*of_work)(const work *k, const mlk_note *note);
    enum rate rate;
    enum average average;
} metric_row;

const metric_row *mlk_metric_row(const mlk_metric *metric);

/* Check p and the metrics, and make the parts. Close it whatever the outcome. */
mlk_status mlk_work_open(work *k, const mlk_predictions *p, const mlk_metric *const *metrics,
                         size_t n_metrics, double beta, bool intervals, const mlk_run *run);
void mlk_work_close(work *k);
/* Values and notes of the metrics it was opened for; the rest of the scores NaN. */
void mlk_work_scores(const work *k, const mlk_metric *const *metrics, size_t n, mlk_score *scores);
/* Shapes and domains of p, as far as `needs` asks. */
mlk_status mlk_predictions_check(const mlk_predictions *p, unsigned needs);

static inline double mlk_row_weight(const mlk_predictions *p, size_t i)
{
    return p->w.n ? p->w.data[i] : 1.0;
}
/* Score of row i for class c against the rest; high = c. */
static inline double mlk_row_score(mlk_cmat scores, size_t i, size_t c)
{
    const double *row = scores.data + i * scores.ld;
    return scores.cols > 1 ? row[c] : c ? row[0] : -row[0];
}
/* What ranks the rows: the scores, else the probabilities. With more than two classes it is the
 * other way round: scores of one class can lack what all classes of a row have in common (as those
 * of lda do), and then do not compare from row to row. */
static inline mlk_cmat mlk_ranking_scores(const mlk_predictions *p)
{
    const bool by_scores = p->scores.rows && (p->n_classes <= 2 || !p->probabilities.rows);
    return by_scores ? p->scores : p->probabilities;
}

/* regression.c */
mlk_status mlk_work_sums(work *k);
mlk_status mlk_work_order(work *k);
/* The terms of row i in the sums, weighted. */
void mlk_row_terms(const work *k, size_t i, double *terms);
double mlk_of_mae(const work *k, const double *s, const mlk_note *note);
double mlk_of_mse(const work *k, const double *s, const mlk_note *note);
double mlk_of_rmse(const work *k, const double *s, const mlk_note *note);
double mlk_of_mape(const work *k, const double *s, const mlk_note *note);
double mlk_of_rae(const work *k, const double *s, const mlk_note *note);
double mlk_of_rse(const work *k, const double *s, const mlk_note *note);
double mlk_of_rrse(const work *k, const double *s, const mlk_note *note);
double mlk_of_r2(const work *k, const double *s, const mlk_note *note);
double mlk_of_explained(const work *k, const double *s, const mlk_note *note);
double mlk_of_medae(const work *k, const mlk_note *note);
double mlk_of_max_error(const work *k, const mlk_note *note);

/* classification.c */
mlk_status mlk_work_cells(work *k);
void mlk_loss_terms(const work *k, size_t i, double *terms);
void mlk_cells_margins(cells *c);
/* Numerator and denominator of a rate of class j. */
void mlk_rate_parts(enum rate rate, const cells *c, size_t j, double beta, double *num,
                    double *den);
double mlk_of_accuracy(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_error(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_balanced(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_mcc(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_kappa(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_rate(const metric_row *row, const work *k, const cells *c, const mlk_note *note);
double mlk_of_log_loss(const work *k, const double *s, const mlk_note *note);
double mlk_of_brier(const work *k, const double *s, const mlk_note *note);

/* ranking.c */
mlk_status mlk_work_rank(work *k, bool positive, bool all);
/* Variance of a statistic from the influences of its rows: within the classes (AUC), or overall. */
double mlk_variance_by_class(const work *k, const double *phi);
double mlk_variance_overall(const work *k, const double *phi);
double mlk_of_auc(const work *k, const mlk_note *note);
double mlk_of_ap(const work *k, const mlk_note *note);
double mlk_of_auc_ovr(const work *k, const mlk_note *note);
double mlk_of_auc_ovo(const work *k, const mlk_note *note);
double mlk_of_ap_macro(const work *k, const mlk_note *note);

/* clustering.c */
mlk_status mlk_work_points(work *k);
mlk_status mlk_work_partition(work *k);
double mlk_of_silhouette(const work *k, const mlk_note *note);
double mlk_of_davies_bouldin(const work *k, const mlk_note *note);
double mlk_of_calinski_harabasz(const work *k, const mlk_note *note);
double mlk_of_ari(const work *k, const mlk_note *note);
double mlk_of_nmi(const work *k, const mlk_note *note);
double mlk_of_ami(const work *k, const mlk_note *note);
double mlk_of_homogeneity(const work *k, const mlk_note *note);
double mlk_of_completeness(const work *k, const mlk_note *note);
double mlk_of_v_measure(const work *k, const mlk_note *note);

/* curves.c */
/* Either may be NULL; both from one sort. On failure the caller frees them. */
mlk_status mlk_rank_curves(const mlk_predictions *p, size_t positive, size_t max_points,
                           mlk_curve *roc, mlk_curve *pr);

/* intervals.c */
/* 95 % intervals into the scores' low and high. */
mlk_status mlk_work_intervals(const work *k, int64_t replicates, int64_t seed, mlk_score *scores,
                              size_t n_scores);

#endif
