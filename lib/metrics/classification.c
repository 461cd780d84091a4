#include "metrics/work.h"

#include <float.h>
#include <math.h>

/* ------------------------------------------------------------------ cells */

void mlk_cells_margins(cells *c)
{
    const size_t k = c->k;
    c->total = c->trace = 0.0;
    for (size_t j = 0; j < k; j++)
        c->row[j] = c->col[j] = 0.0;
    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < k; j++) {
            c->row[i] += c->count[i * k + j];
            c->col[j] += c->count[i * k + j];
        }
        c->trace += c->count[i * k + i];
        c->total += c->row[i];
    }
}

typedef struct cells_job {
    const work *k;
    double *partial; /* a k x k matrix per chunk, or two: squares behind counts */
    size_t cells, size;
} cells_job;

static mlk_status cells_body(void *ctx, const mlk_chunk *chunk)
{
    const cells_job *job = ctx;
    const mlk_predictions *p = job->k->p;
    double *count = job->partial + chunk->index * job->size, *square = count + job->cells;
    for (size_t j = 0; j < job->size; j++)
        count[j] = 0.0;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const size_t at = (size_t)p->truth.data[i] * p->n_classes + (size_t)p->predicted.data[i];
        const double w = mlk_row_weight(p, i);
        count[at] += w;
        if (p->w.n)
            square[at] += w * w;
    }
    return MLK_OK;
}

mlk_status mlk_work_cells(work *k)
{
    const size_t K = k->p->n_classes;
    const mlk_mat count = mlk_scratch_mat(&k->scratch, K, K);
    const mlk_mat square = mlk_scratch_mat(&k->scratch, k->p->w.n ? K : 0, K);
    cells *c = &k->cells;
    c->k = K;
    c->count = count.data;
    c->square = k->p->w.n ? square.data : NULL;
    c->row = mlk_scratch_take(&k->scratch, K, sizeof(double));
    c->col = mlk_scratch_take(&k->scratch, K, sizeof(double));

    /* Chunks so large that their matrices stay small beside the rows. */
    cells_job job = {k, NULL, K * K, (k->p->w.n ? 2 : 1) * K * K};
    const size_t grain = K * K < 65536 ? 65536 : K * K, chunks = mlk_chunks(k->n, grain);
    job.partial =
        k->scratch.failed ? NULL : mlk_scratch_take(&k->scratch, chunks * job.size, sizeof(double));
    if (!job.partial)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a confusion matrix of %zu classes", K);
    MLK_TRY(mlk_parallel_for(k->run, k->n, grain, cells_body, &job));
    for (size_t j = 0; j < job.size; j++) {
        double sum = 0.0;
        for (size_t b = 0; b < chunks; b++)
            sum += job.partial[b * job.size + j];
        *(j < job.cells ? &c->count[j] : &c->square[j - job.cells]) = sum;
    }
    mlk_cells_margins(c);
    return MLK_OK;
}

/* ------------------------------------------------------------------ rates */

void mlk_rate_parts(enum rate rate, const cells *c, size_t j, double beta, double *num, double *den)
{
    const double tp = c->count[j * c->k + j], b2 = beta * beta;
    const double fp = fmax(c->col[j] - tp, 0.0), fn = fmax(c->row[j] - tp, 0.0);
    switch (rate) {
    case RATE_PRECISION:
        *num = tp;
        *den = c->col[j];
        return;
    case RATE_RECALL:
        *num = tp;
        *den = c->row[j];
        return;
    case RATE_SPECIFICITY:
        *den = c->total - c->row[j];
        *num = fmax(*den - fp, 0.0);
        return;
    case RATE_F1:
        *num = 2.0 * tp;
        *den = 2.0 * tp + fp + fn;
        return;
    case RATE_FBETA:
        *num = (1.0 + b2) * tp;
        *den = *num + b2 * fn + fp;
        return;
    }
    *num = *den = 0.0;
}

/* Why a rate of class j is 0/0. */
static double no_rows(const work *k, enum rate rate, size_t j, const mlk_note *note)
{
    char buf[24];
    const char *name = mlk_class_name(k->p, j, buf);
    switch (rate) {
    case RATE_PRECISION:
        return mlk_undefined(note, "no row is predicted as class %s", name);
    case RATE_RECALL:
        return mlk_undefined(note, "no row of the truth is of class %s", name);
    case RATE_SPECIFICITY:
        return mlk_undefined(note, "every row of the truth is of class %s", name);
    case RATE_F1:
    case RATE_FBETA:
        break;
    }
    return mlk_undefined(note, "class %s is neither in the truth nor predicted", name);
}

static double micro_rate(const metric_row *row, const work *k, const cells *c)
{
    double num = 0.0, den = 0.0, a, b;
    for (size_t j = 0; j < c->k; j++) {
        mlk_rate_parts(row->rate, c, j, k->beta, &a, &b);
        num += a;
        den += b;
    }
    return num / den;
}

static double mean_rate(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    double sum = 0.0, weights = 0.0, num, den;
    size_t empty = 0, last = 0;
    char buf[24];
    for (size_t j = 0; j < c->k; j++) {
        const double share = row->average == AVERAGE_MACRO ? 1.0 : c->row[j];
        mlk_rate_parts(row->rate, c, j, k->beta, &num, &den);
        weights += share;
        if (den > 0.0) {
            sum += share * (num / den);
        } else if (share > 0.0) {
            empty++;
            last = j;
        }
    }
    if (empty == 1)
        mlk_note_set(note, "class %s is 0/0 and counts as 0", mlk_class_name(k->p, last, buf));
    else if (empty)
        mlk_note_set(note, "%zu classes are 0/0 and count as 0", empty);
    return sum / weights;
}

double mlk_of_rate(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    if (row->average == AVERAGE_MICRO)
        return micro_rate(row, k, c);
    if (row->average != OF_POSITIVE)
        return mean_rate(row, k, c, note);
    double num, den;
    mlk_rate_parts(row->rate, c, 1, k->beta, &num, &den);
    return den > 0.0 ? num / den : no_rows(k, row->rate, 1, note);
}

double mlk_of_accuracy(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    (void)row, (void)k, (void)note;
    return c->trace / c->total;
}

double mlk_of_error(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    (void)row, (void)k, (void)note;
    return fmax(c->total - c->trace, 0.0) / c->total;
}

double mlk_of_balanced(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    (void)row;
    double sum = 0.0;
    size_t present = 0, absent = 0;
    char buf[24];
    for (size_t j = 0; j < c->k; j++) {
        if (c->row[j] > 0.0) {
            sum += c->count[j * c->k + j] / c->row[j];
            present++;
        } else {
            absent = j;
        }
    }
    if (present < 2)
        return mlk_undefined(note, "the truth holds one class only");
    if (present + 1 == c->k)
        mlk_note_set(note, "class %s is not in the truth and left out",
                     mlk_class_name(k->p, absent, buf));
    else if (present < c->k)
        mlk_note_set(note, "%zu classes are not in the truth and left out", c->k - present);
    return sum / (double)present;
}

double mlk_of_mcc(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    (void)row, (void)k;
    double truth = 1.0, predicted = 1.0, agree = c->trace / c->total;
    for (size_t j = 0; j < c->k; j++) { /* in shares, so that nothing overflows */
        const double r = c->row[j] / c->total, s = c->col[j] / c->total;
        truth -= r * r;
        predicted -= s * s;
        agree -= r * s;
    }
    for (size_t j = 0; j < c->k; j++) {
        if (c->row[j] == c->total)
            return mlk_undefined(note, "the truth holds one class only");
        if (c->col[j] == c->total)
            return mlk_undefined(note, "all rows are predicted as one class");
    }
    return agree / sqrt(truth * predicted);
}

double mlk_of_kappa(const metric_row *row, const work *k, const cells *c, const mlk_note *note)
{
    (void)row, (void)k;
    double chance = 0.0;
    for (size_t j = 0; j < c->k; j++) {
        if (c->row[j] == c->total && c->col[j] == c->total)
            return mlk_undefined(note, "truth and predictions hold one and the same class only");
        chance += c->row[j] / c->total * (c->col[j] / c->total);
    }
    return (c->trace / c->total - chance) / (1.0 - chance);
}

/* ----------------------------------------------------------------- losses */

void mlk_loss_terms(const work *k, size_t i, double *t)
{
    const mlk_cmat P = k->p->probabilities;
    const double w = mlk_row_weight(k->p, i), *p = P.data + i * P.ld;
    const size_t y = (size_t)k->p->truth.data[i];
    double own, brier = 0.0;
    if (P.cols == 1) {
        own = y ? p[0] : 1.0 - p[0];
        brier = (1.0 - own) * (1.0 - own);
    } else {
        double sum = 0.0;
        for (size_t c = 0; c < P.cols; c++) {
            const double d = p[c] - (c == y);
            brier += d * d;
            sum += p[c];
        }
        own = p[y] / sum;
        if (P.cols == 2) /* scikit-learn's and the contract's: of the positive class alone */
            brier = (p[1] - (double)y) * (p[1] - (double)y);
    }
    t[SUM_W] = w;
    t[SUM_LOG] = -w * log(fmin(fmax(own, DBL_EPSILON), 1.0));
    t[SUM_BRIER] = w * brier;
}

double mlk_of_log_loss(const work *k, const double *s, const mlk_note *note)
{
    const mlk_cmat P = k->p->probabilities;
    size_t none = 0;
    for (size_t i = 0; note && i < k->n; i++) {
        const double y = k->p->truth.data[i], *p = P.data + i * P.ld;
        const double own = P.cols > 1 ? p[(size_t)y] : y != 0.0 ? p[0] : 1.0 - p[0];
        none += own == 0.0 && mlk_row_weight(k->p, i) > 0.0;
    }
    if (none)
        mlk_note_set(note, "%zu rows have probability 0 for their class; it counts as 2^-52", none);
    return s[SUM_LOG] / s[SUM_W];
}

double mlk_of_brier(const work *k, const double *s, const mlk_note *note)
{
    (void)k, (void)note;
    return s[SUM_BRIER] / s[SUM_W];
}
