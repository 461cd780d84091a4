#include <mlkit/model/calibration.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/sort.h"
#include "model/algo.h"

enum { ROWS = 256 }; /* of a chunk of predictions */

/* Isotonic: points (x, p), x ascending, in [starts[m], starts[m + 1]). Sigmoid: A and B of map m.
 */
struct mlk_calibrator {
    mlk_calibration_kind kind;
    mlk_decision_layout layout;
    size_t k, maps;
    double *A, *B;  /* maps; sigmoid */
    size_t *starts; /* maps + 1; isotonic */
    double *x, *p;  /* starts[maps] */
};

static size_t n_maps(size_t k, mlk_decision_layout layout)
{
    return layout == MLK_DECISIONS_BINARY ? 1 : layout == MLK_DECISIONS_CLASS ? k : k * (k - 1) / 2;
}

static mlk_calibrator *calibrator_new(mlk_calibration_kind kind, mlk_decision_layout layout,
                                      size_t k, size_t points)
{
    mlk_calibrator *c = mlk_alloc_zero(1, sizeof *c);
    if (!c)
        return NULL;
    c->kind = kind;
    c->layout = layout;
    c->k = k;
    c->maps = n_maps(k, layout);
    if (kind == MLK_CALIBRATION_SIGMOID) {
        c->A = mlk_alloc_zero(c->maps, sizeof *c->A);
        c->B = mlk_alloc_zero(c->maps, sizeof *c->B);
    } else {
        c->starts = mlk_alloc_zero(c->maps + 1, sizeof *c->starts);
        c->x = mlk_alloc(points, sizeof *c->x);
        c->p = mlk_alloc(points, sizeof *c->p);
    }
    if (kind == MLK_CALIBRATION_SIGMOID ? c->A && c->B : c->starts && c->x && c->p)
        return c;
    mlk_calibrator_free(c);
    return NULL;
}

void mlk_calibrator_free(mlk_calibrator *c)
{
    if (!c)
        return;
    mlk_free(c->A);
    mlk_free(c->B);
    mlk_free(c->starts);
    mlk_free(c->x);
    mlk_free(c->p);
    mlk_free(c);
}

/* Decision values of a map, whether each speaks for its class, weights. */
typedef struct sample {
    double *f, *positive, *w;
    size_t n;
} sample;

/* -------------------------------------------------------------------------------- sigmoid */

/* Minus log likelihood of the targets, without overflow: t z + log(1 + exp(-z)). */
static double loss_of(const sample *s, double high, double low, double A, double B)
{
    double sum = 0.0;
    for (size_t i = 0; i < s->n; i++) {
        const double z = A * s->f[i] + B, t = s->positive[i] != 0.0 ? high : low;
        sum += s->w[i] * (z >= 0.0 ? t * z + log1p(exp(-z)) : (t - 1.0) * z + log1p(exp(z)));
    }
    return sum;
}

static void fit_sigmoid(const sample *s, double *A, double *B)
{
    double plus = 0.0, minus = 0.0;
    for (size_t i = 0; i < s->n; i++)
        *(s->positive[i] != 0.0 ? &plus : &minus) += s->w[i];
    const double high = (plus + 1.0) / (plus + 2.0), low = 1.0 / (minus + 2.0);
    *A = 0.0;
    *B = log((minus + 1.0) / (plus + 1.0));
    double loss = loss_of(s, high, low, *A, *B);
    for (int iteration = 0; iteration < 200; iteration++) {
        double haa = 1e-12, hbb = 1e-12, hab = 0.0, ga = 0.0, gb = 0.0;
        for (size_t i = 0; i < s->n; i++) {
            const double z = *A * s->f[i] + *B, t = s->positive[i] != 0.0 ? high : low;
            const double e = exp(-fabs(z)), p = z >= 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
            const double d2 = s->w[i] * p * (1.0 - p), d1 = s->w[i] * (t - p);
            haa += s->f[i] * s->f[i] * d2;
            hbb += d2;
            hab += s->f[i] * d2;
            ga += s->f[i] * d1;
            gb += d1;
        }
        const double scale = (plus + minus) * 1e-10;
        if (fabs(ga) < scale && fabs(gb) < scale)
            return;
        const double det = haa * hbb - hab * hab;
        const double da = -(hbb * ga - hab * gb) / det, db = -(haa * gb - hab * ga) / det;
        const double slope = ga * da + gb * db;
        double step = 1.0, next = INFINITY;
        for (; step >= 1e-10; step *= 0.5) {
            next = loss_of(s, high, low, *A + step * da, *B + step * db);
            if (next < loss + 1e-4 * step * slope)
                break;
        }
        if (step < 1e-10)
            return;
        *A += step * da;
        *B += step * db;
        loss = next;
    }
}

/* ------------------------------------------------------------------------------- isotonic */

/* Pool adjacent violators over equal values first, then over falling means. The points are both
 * ends of each pool. Returns their number. */
static mlk_status fit_isotonic(const sample *s, double *x, double *p, size_t *points)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&scratch, s->n, sizeof *order);
    double *mean = mlk_scratch_vec(&scratch, s->n).data, *w = mlk_scratch_vec(&scratch, s->n).data;
    double *lo = mlk_scratch_vec(&scratch, s->n).data, *hi = mlk_scratch_vec(&scratch, s->n).data;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu values", s->n)
                                   : mlk_argsort(s->f, s->n, order);
    size_t pools = 0;
    for (size_t k = 0; st == MLK_OK && k < s->n; k++) {
        const size_t i = order[k];
        if (!(s->w[i] > 0.0))
            continue;
        lo[pools] = hi[pools] = s->f[i];
        mean[pools] = s->positive[i];
        w[pools++] = s->w[i];
        while (pools > 1 &&
               (mean[pools - 2] >= mean[pools - 1] || hi[pools - 2] == lo[pools - 1])) {
            const double sum = w[pools - 2] + w[pools - 1];
            mean[pools - 2] =
                (w[pools - 2] * mean[pools - 2] + w[pools - 1] * mean[pools - 1]) / sum;
            w[pools - 2] = sum;
            hi[pools - 2] = hi[pools - 1];
            pools--;
        }
    }
    *points = 0;
    for (size_t k = 0; st == MLK_OK && k < pools; k++)
        for (int end = 0; end <= (hi[k] > lo[k]); end++) {
            x[*points] = end ? hi[k] : lo[k];
            p[(*points)++] = mean[k];
        }
    mlk_scratch_release(&scratch);
    return st;
}

static double apply_isotonic(const double *x, const double *p, size_t n, double f)
{
    size_t lo = 0, hi = n;
    if (n == 0)
        return 0.5;
    while (hi - lo > 1) { /* x[lo] <= f < x[hi] */
        const size_t mid = lo + (hi - lo) / 2;
        if (x[mid] <= f)
            lo = mid;
        else
            hi = mid;
    }
    if (f <= x[0] || lo == n - 1)
        return f <= x[0] ? p[0] : p[n - 1];
    return p[lo] + (p[lo + 1] - p[lo]) * (f - x[lo]) / (x[lo + 1] - x[lo]);
}

static double apply_map(const mlk_calibrator *c, size_t m, double f)
{
    if (c->kind == MLK_CALIBRATION_ISOTONIC)
        return apply_isotonic(c->x + c->starts[m], c->p + c->starts[m],
                              c->starts[m + 1] - c->starts[m], f);
    const double z = c->A[m] * f + c->B[m], e = exp(-fabs(z));
    return z >= 0.0 ? e / (1.0 + e) : 1.0 / (1.0 + e);
}

/* ------------------------------------------------------------------------------------ fit */

/* Classes a and b of map m: positive for a, and only rows of these two count; b = k: all others. */
static void classes_of(const mlk_calibrator *c, size_t m, size_t *a, size_t *b)
{
    *a = c->layout == MLK_DECISIONS_BINARY ? 1 : m;
    *b = c->k;
    if (c->layout != MLK_DECISIONS_PAIR)
        return;
    for (*a = 0; m >= c->k - 1 - *a; ++*a)
        m -= c->k - 1 - *a;
    *b = *a + 1 + m;
}

static void select_rows(const mlk_calibrator *c, size_t m, mlk_cmat decisions, mlk_cvec y,
                        mlk_cvec w, sample *s)
{
    size_t a, b;
    classes_of(c, m, &a, &b);
    s->n = 0;
    for (size_t i = 0; i < y.n; i++) {
        const size_t class = (size_t)y.data[i];
        if (b < c->k && class != a && class != b)
            continue;
        s->f[s->n] = decisions.data[i * decisions.ld + m];
        s->positive[s->n] = class == a;
        s->w[s->n++] = mlk_weight(w, i);
    }
}

mlk_status mlk_calibrator_fit(mlk_cmat decisions, mlk_cvec y, mlk_cvec w, size_t k,
                              mlk_decision_layout layout, mlk_calibration_kind kind,
                              mlk_calibrator **out)
{
    *out = NULL;
    if (k < 2 || (layout == MLK_DECISIONS_BINARY && k != 2) || decisions.rows != y.n ||
        decisions.cols != n_maps(k, layout) || (w.n && w.n != y.n))
        return MLK_FAIL(MLK_EINVAL,
                        "%zu x %zu decision values, %zu targets and %zu weights for %zu classes "
                        "do not fit together",
                        decisions.rows, decisions.cols, y.n, w.n, k);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    sample s = {mlk_scratch_vec(&scratch, y.n).data, mlk_scratch_vec(&scratch, y.n).data,
                mlk_scratch_vec(&scratch, y.n).data, 0};
    /* A row is in k - 1 maps at most, and gives two points at most to each. */
    const size_t per_row = layout == MLK_DECISIONS_BINARY  ? 2
                           : layout == MLK_DECISIONS_CLASS ? 2 * k
                                                           : 2 * (k - 1);
    mlk_calibrator *c = calibrator_new(kind, layout, k, y.n * per_row);
    mlk_status st = scratch.failed || !c
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu decision values", y.n)
                        : MLK_OK;
    for (size_t m = 0; st == MLK_OK && m < c->maps; m++) {
        select_rows(c, m, decisions, y, w, &s);
        if (kind == MLK_CALIBRATION_SIGMOID) {
            fit_sigmoid(&s, &c->A[m], &c->B[m]);
        } else {
            size_t points;
            st = fit_isotonic(&s, c->x + c->starts[m], c->p + c->starts[m], &points);
            c->starts[m + 1] = c->starts[m] + points;
        }
    }
    if (st == MLK_OK)
        *out = c;
    else
        mlk_calibrator_free(c);
    mlk_scratch_release(&scratch);
    return st;
}

/* -------------------------------------------------------------------- values of unseen rows */

typedef struct crossing {
    const mlk_algo *algo;
    const void *algo_opts;
    const mlk_data *data;
    const mlk_calibrator_opts *opts;
    const mlk_run *run;
    size_t folds;
    size_t *fold_of;      /* n */
    size_t *train, *test; /* n */
    double *y, *w;        /* n */
    double *X;            /* n x p: rows to train on, or all (precomputed: their columns) */
    double *values;       /* n x maps: of the rows of a fold */
    mlk_mat decisions;    /* n x maps */
} crossing;

/* Rows of each class dealt to the folds in random order. Returns the number of folds: no more than
 * the smallest class has rows. */
static void deal(crossing *x)
{
    const mlk_data *d = x->data;
    mlk_rng rng = mlk_rng_stream((uint64_t)x->opts->seed, 0);
    size_t least = SIZE_MAX, next = 0;
    for (size_t c = 0; c < d->n_classes; c++) {
        size_t count = 0;
        for (size_t i = 0; i < d->X.rows; i++)
            count += (size_t)d->y.data[i] == c && mlk_weight(d->w, i) > 0.0;
        least = count < least ? count : least;
    }
    x->folds = x->opts->folds < least ? x->opts->folds : least;
    for (size_t c = 0; c < d->n_classes && x->folds > 1; c++) {
        size_t count = 0;
        for (int weighted = 1; weighted >= 0; weighted--) { /* weightless rows last */
            const size_t before = count;
            for (size_t i = 0; i < d->X.rows; i++)
                if ((size_t)d->y.data[i] == c && (mlk_weight(d->w, i) > 0.0) == weighted)
                    x->train[count++] = i;
            mlk_rng_shuffle(&rng, x->train + before, count - before);
        }
        for (size_t i = 0; i < count; i++)
            x->fold_of[x->train[i]] = next++ % x->folds;
    }
}

static void gather(const crossing *x, const size_t *rows, size_t n, const size_t *cols, size_t p)
{
    const mlk_cmat X = x->data->X;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++)
            x->X[i * p + j] = X.data[rows[i] * X.ld + (cols ? cols[j] : j)];
}

/* Fit on the rows outside fold `out` (out = folds: on all), decide on those inside (on all). */
static mlk_status cross(crossing *x, size_t out)
{
    const mlk_data *d = x->data;
    const mlk_run inner = mlk_run_inner(x->run);
    const size_t maps = x->decisions.cols;
    size_t n_train = 0, n_test = 0;
    for (size_t i = 0; i < d->X.rows; i++) {
        if (out == x->folds || x->fold_of[i] != out) {
            x->y[n_train] = d->y.data[i];
            x->w[n_train] = mlk_weight(d->w, i);
            x->train[n_train++] = i;
        }
        if (out == x->folds || x->fold_of[i] == out)
            x->test[n_test++] = i;
    }
    const size_t *cols = x->opts->precomputed ? x->train : NULL;
    const size_t p = cols ? n_train : d->X.cols;
    mlk_model *model;
    gather(x, x->train, n_train, cols, p);
    mlk_data part = {.X = {x->X, n_train, p, p}, .y = {x->y, n_train}, .n_classes = d->n_classes};
    if (d->w.n)
        part.w = (mlk_cvec){x->w, n_train};
    MLK_TRY(mlk_model_fit(x->algo, x->algo_opts, &part, &inner, &model));
    gather(x, x->test, n_test, cols, p);
    const mlk_status st = mlk_model_n_decisions(model) == maps
                              ? mlk_model_decision(model, (mlk_cmat){x->X, n_test, p, p}, &inner,
                                                   (mlk_mat){x->values, n_test, maps, maps})
                              : MLK_FAIL(MLK_EINVAL, "%s gives %zu decision values; expected %zu",
                                         x->algo->name, mlk_model_n_decisions(model), maps);
    mlk_model_free(model);
    for (size_t i = 0; st == MLK_OK && i < n_test; i++)
        memcpy(x->decisions.data + x->test[i] * maps, x->values + i * maps, maps * sizeof(double));
    return st;
}

static mlk_status cross_all(crossing *x)
{
    deal(x);
    if (x->folds > 1) {
        for (size_t f = 0; f < x->folds; f++)
            MLK_TRY(cross(x, f));
        return MLK_OK;
    }
    mlk_run_warn(x->run, "a class has a single row: probabilities are calibrated on rows that the "
                         "classifier has seen");
    return cross(x, x->folds);
}

mlk_status mlk_calibrator_fit_algo(const mlk_algo *algo, const void *algo_opts,
                                   const mlk_data *data, const mlk_calibrator_opts *opts,
                                   const mlk_run *run, mlk_calibrator **out)
{
    const size_t n = data->X.rows, maps = n_maps(data->n_classes, opts->layout);
    *out = NULL;
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NEED_CLASSES, run));
    if (opts->folds < 2)
        return MLK_FAIL(MLK_EINVAL, "%zu folds; expected at least 2", opts->folds);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    crossing x = {algo, algo_opts, data, opts, run};
    x.fold_of = mlk_scratch_take(&scratch, n, sizeof *x.fold_of);
    x.train = mlk_scratch_take(&scratch, n, sizeof *x.train);
    x.test = mlk_scratch_take(&scratch, n, sizeof *x.test);
    x.y = mlk_scratch_vec(&scratch, n).data;
    x.w = mlk_scratch_vec(&scratch, n).data;
    x.X = mlk_scratch_mat(&scratch, n, data->X.cols).data;
    x.values = mlk_scratch_mat(&scratch, n, maps).data;
    x.decisions = mlk_scratch_mat(&scratch, n, maps);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows of a fold", n)
                                   : cross_all(&x);
    if (st == MLK_OK)
        st = mlk_calibrator_fit(mlk_mat_c(x.decisions), data->y, data->w, data->n_classes,
                                opts->layout, opts->kind, out);
    mlk_scratch_release(&scratch);
    return st;
}

/* -------------------------------------------------------------------------- probabilities */

/* p_t <- (p'Qp - sum over j != t of Q_tj p_j) / Q_tt in turn, normalised [Wu et al., algorithm 2].
 * Qp and p'Qp are kept current. */
void mlk_couple_pairs(size_t k, const double *r, double *p)
{
    const size_t rounds = 100 + 10 * k;
    for (size_t t = 0; t < k; t++)
        p[t] = 1.0 / (double)k;
    for (size_t round = 0; round < rounds; round++) {
        double worst = 0.0, pQp = 0.0;
        for (size_t t = 0; t < k; t++) {
            double Qp = 0.0;
            for (size_t j = 0; j < k; j++)
                if (j != t)
                    Qp += r[j * k + t] * (r[j * k + t] * p[t] - r[t * k + j] * p[j]);
            pQp += p[t] * Qp;
        }
        for (size_t t = 0; t < k; t++) {
            double Qtt = 0.0, off = 0.0;
            for (size_t j = 0; j < k; j++)
                if (j != t) {
                    Qtt += r[j * k + t] * r[j * k + t];
                    off -= r[j * k + t] * r[t * k + j] * p[j];
                }
            const double gap = Qtt * p[t] + off - pQp, d = -gap / Qtt;
            worst = fmax(worst, fabs(gap));
            pQp = (pQp + d * (d * Qtt + 2.0 * (Qtt * p[t] + off))) / (1.0 + d) / (1.0 + d);
            p[t] += d;
            for (size_t j = 0; j < k; j++)
                p[j] /= 1.0 + d;
        }
        if (worst < 1e-13)
            return;
    }
}

/* One row; work holds k x k. */
static void row_proba(const mlk_calibrator *c, const double *f, double *work, double *p)
{
    const size_t k = c->k;
    double sum = 0.0;
    if (c->layout == MLK_DECISIONS_BINARY) {
        p[1] = apply_map(c, 0, f[0]);
        p[0] = 1.0 - p[1];
        return;
    }
    if (c->layout == MLK_DECISIONS_PAIR) {
        const double least = 1e-7; /* as LIBSVM's: coupling needs both sides */
        for (size_t a = 0, m = 0; a < k; a++)
            for (size_t b = a + 1; b < k; b++, m++) {
                const double v = fmin(fmax(apply_map(c, m, f[m]), least), 1.0 - least);
                work[a * k + b] = v;
                work[b * k + a] = 1.0 - v;
            }
        mlk_couple_pairs(k, work, p);
    } else {
        for (size_t m = 0; m < k; m++)
            p[m] = apply_map(c, m, f[m]);
    }
    for (size_t m = 0; m < k; m++)
        sum += p[m];
    for (size_t m = 0; m < k; m++)
        p[m] = sum > 0.0 ? p[m] / sum : 1.0 / (double)k;
}

typedef struct prediction {
    const mlk_calibrator *c;
    mlk_cmat decisions;
    mlk_mat out;
    double *work; /* a worker: k x k */
} prediction;

static mlk_status proba_chunk(void *ctx, const mlk_chunk *chunk)
{
    const prediction *q = ctx;
    double *work = q->work + (size_t)chunk->worker * q->c->k * q->c->k;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        row_proba(q->c, q->decisions.data + i * q->decisions.ld, work, q->out.data + i * q->out.ld);
    return MLK_OK;
}

mlk_status mlk_calibrator_proba(const mlk_calibrator *c, mlk_cmat decisions, const mlk_run *run,
                                mlk_mat out)
{
    if (decisions.cols != c->maps || decisions.rows != out.rows || out.cols != c->k)
        return MLK_FAIL(MLK_EINVAL,
                        "%zu x %zu decision values and %zu x %zu probabilities do not "
                        "fit %zu classes",
                        decisions.rows, decisions.cols, out.rows, out.cols, c->k);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    prediction q = {c, decisions, out, NULL};
    const size_t pairs = c->layout == MLK_DECISIONS_PAIR ? c->k : 0;
    q.work = mlk_scratch_mat(&scratch, mlk_workers(&inner, out.rows, ROWS) * pairs, pairs).data;
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu pairs", c->maps)
                              : mlk_parallel_for(&inner, out.rows, ROWS, proba_chunk, &q);
    mlk_scratch_release(&scratch);
    return st;
}

bool mlk_calibrator_sigmoid(const mlk_calibrator *c, size_t m, double *A, double *B)
{
    if (c->kind != MLK_CALIBRATION_SIGMOID)
        return false;
    *A = c->A[m];
    *B = c->B[m];
    return true;
}

/* --------------------------------------------------------------------------- model files */

void mlk_calibrator_save(const mlk_calibrator *c, mlk_doc *to)
{
    if (c->kind == MLK_CALIBRATION_SIGMOID) {
        mlk_doc_put_vec(to, "A", (mlk_cvec){c->A, c->maps});
        mlk_doc_put_vec(to, "B", (mlk_cvec){c->B, c->maps});
        return;
    }
    mlk_doc *counts = mlk_doc_put_list(to, "points");
    for (size_t m = 0; m < c->maps; m++)
        mlk_doc_put_int(counts, NULL, (int64_t)(c->starts[m + 1] - c->starts[m]));
    mlk_doc_put_vec(to, "x", (mlk_cvec){c->x, c->starts[c->maps]});
    mlk_doc_put_vec(to, "p", (mlk_cvec){c->p, c->starts[c->maps]});
}

static mlk_status load_sigmoid(const mlk_doc *from, size_t k, mlk_decision_layout layout,
                               mlk_calibrator **out)
{
    mlk_cvec A, B;
    MLK_TRY(mlk_doc_get_vec(from, "A", n_maps(k, layout), &A));
    MLK_TRY(mlk_doc_get_vec(from, "B", n_maps(k, layout), &B));
    mlk_calibrator *c = calibrator_new(MLK_CALIBRATION_SIGMOID, layout, k, 0);
    if (!c)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu maps", A.n);
    memcpy(c->A, A.data, A.n * sizeof *c->A);
    memcpy(c->B, B.data, B.n * sizeof *c->B);
    *out = c;
    return MLK_OK;
}

/* Points of each map: x rises, p in [0, 1] does not fall. */
static mlk_status check_points(const mlk_calibrator *c)
{
    for (size_t m = 0; m < c->maps; m++)
        for (size_t i = c->starts[m]; i < c->starts[m + 1]; i++) {
            const bool first = i == c->starts[m];
            if (!(c->p[i] >= 0.0 && c->p[i] <= 1.0) ||
                (!first && !(c->x[i] > c->x[i - 1] && c->p[i] >= c->p[i - 1])))
                return MLK_FAIL(MLK_EFORMAT, "point %zu of an isotonic map does not rise", i);
        }
    return MLK_OK;
}

static mlk_status load_isotonic(const mlk_doc *from, size_t k, mlk_decision_layout layout,
                                mlk_calibrator **out)
{
    const mlk_doc *counts;
    mlk_cvec x, p;
    size_t total = 0;
    MLK_TRY(mlk_doc_get_list(from, "points", &counts));
    if (mlk_doc_size(counts) != n_maps(k, layout))
        return MLK_FAIL(MLK_EFORMAT, "'points' has %zu entries; expected %zu", mlk_doc_size(counts),
                        n_maps(k, layout));
    for (size_t m = 0; m < mlk_doc_size(counts); m++) {
        const int64_t count = mlk_doc_int(mlk_doc_at(counts, m));
        if (count < 0 || count > UINT32_MAX)
            return MLK_FAIL(MLK_EFORMAT, "'points' holds %lld; expected a count", (long long)count);
        total += (size_t)count;
    }
    MLK_TRY(mlk_doc_get_vec(from, "x", total, &x));
    MLK_TRY(mlk_doc_get_vec(from, "p", total, &p));
    mlk_calibrator *c = calibrator_new(MLK_CALIBRATION_ISOTONIC, layout, k, total);
    if (!c)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu points", total);
    for (size_t m = 0; m < c->maps; m++)
        c->starts[m + 1] = c->starts[m] + (size_t)mlk_doc_int(mlk_doc_at(counts, m));
    memcpy(c->x, x.data, total * sizeof *c->x);
    memcpy(c->p, p.data, total * sizeof *c->p);
    const mlk_status st = check_points(c);
    if (st == MLK_OK)
        *out = c;
    else
        mlk_calibrator_free(c);
    return st;
}

mlk_status mlk_calibrator_load(const mlk_doc *from, size_t k, mlk_decision_layout layout,
                               mlk_calibrator **out)
{
    *out = NULL;
    if (mlk_doc_find(from, "A"))
        return load_sigmoid(from, k, layout, out);
    return load_isotonic(from, k, layout, out);
}
