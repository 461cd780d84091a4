#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "core/simd.h"
#include "core/vmath.h"
#include "linalg/linalg.h"
#include "linear/logistic_model.h"
#include "linear/logistic_solve.h"
#include "model/algo.h"

/* What the problems of one fit share. */
typedef struct fit {
    const mlk_data *data;
    const mlk_logistic_opts *o;
    const mlk_run *run;
    mlk_cmat X;    /* the data's, or a copy with scaled columns */
    double *scale; /* p powers of two by which X's columns were divided, or NULL */
    double *y, *c; /* n: of the problem at hand */
    double *l1, *l2;
    double *weight;  /* n_classes: sum of s_i */
    size_t *classes; /* the classes that take part, `active` of them */
    size_t active;
    mlk_scratch scratch;
} fit;

static bool penalises_intercept(const mlk_logistic_opts *o)
{
    return o->penalize_intercept || !o->fit_intercept;
}

/* ---- columns beyond all bounds */

typedef struct extent {
    mlk_cmat X;
    uint64_t *largest; /* chunks x p */
} extent;

/* Magnitudes compare like their bits, and what is not finite is above the rest. */
MLK_VECTOR static void enlarge(const double *restrict x, size_t p, uint64_t *restrict largest)
{
    for (size_t j = 0; j < p; j++) {
        const uint64_t a = mlk_to_bits(x[j]) & (UINT64_MAX >> 1);
        largest[j] = (int64_t)a > (int64_t)largest[j] ? a : largest[j];
    }
}

static mlk_status extent_chunk(void *ctx, const mlk_chunk *c)
{
    const extent *e = ctx;
    uint64_t *largest = e->largest + c->index * e->X.cols;
    memset(largest, 0, e->X.cols * sizeof *largest);
    for (size_t i = c->begin; i < c->end; i++)
        enlarge(e->X.data + i * e->X.ld, e->X.cols, largest);
    return MLK_OK;
}

/* The largest magnitude of each column; not finite where some value is not. */
static mlk_status column_extents(mlk_cmat X, const mlk_run *run, double *largest)
{
    const size_t grain = mlk_grain(X.cols, 1 << 17), chunks = mlk_chunks(X.rows, grain);
    const mlk_run inner = mlk_run_inner(run);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    extent e = {X, mlk_scratch_take(&scratch, chunks * X.cols, sizeof *e.largest)};
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", X.cols)
                                   : mlk_parallel_for(&inner, X.rows, grain, extent_chunk, &e);
    for (size_t j = 0; st == MLK_OK && j < X.cols; j++) {
        uint64_t most = 0;
        for (size_t c = 0; c < chunks; c++)
            most = e.largest[c * X.cols + j] > most ? e.largest[c * X.cols + j] : most;
        largest[j] = mlk_from_bits(most);
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* A copy of X with its columns divided by powers of two, where squares of them would overflow or
 * vanish; the penalties follow, so that the minimiser is that of the columns as given. */
static mlk_status tame_columns(fit *f)
{
    const double huge = 1e100;
    /* With a penalty, weights of tiny columns are all but 0 as they should be. */
    const double tiny = f->o->penalty == MLK_LOGISTIC_NONE ? 1e-100 : 0.0;
    const mlk_cmat X = f->data->X;
    bool wild = false;
    f->X = X;
    double *largest = mlk_scratch_vec(&f->scratch, X.cols).data;
    if (!largest)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", X.cols);
    MLK_TRY(column_extents(X, f->run, largest));
    for (size_t j = 0; j < X.cols; j++) {
        if (!isfinite(largest[j]))
            return mlk_data_check(f->data, MLK_CAP_WEIGHTS, MLK_NEED_CLASSES, f->run);
        wild = wild || largest[j] > huge || (largest[j] > 0.0 && largest[j] < tiny);
    }
    if (!wild)
        return MLK_OK;
    const mlk_mat copy = mlk_scratch_mat(&f->scratch, X.rows, X.cols);
    if (!copy.data)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", X.rows, X.cols);
    for (size_t j = 0; j < X.cols; j++) {
        int exponent = 0;
        if (largest[j] > huge || largest[j] < tiny)
            (void)frexp(largest[j], &exponent);
        largest[j] = ldexp(1.0, exponent > 1022 ? 1022 : exponent < -1021 ? -1021 : exponent);
    }
    for (size_t i = 0; i < X.rows; i++)
        for (size_t j = 0; j < X.cols; j++)
            copy.data[i * copy.ld + j] = X.data[i * X.ld + j] / largest[j];
    f->X = mlk_mat_c(copy);
    f->scale = largest;
    return MLK_OK;
}

/* ---- classes and weights */

static mlk_status count_classes(fit *f)
{
    const mlk_data *d = f->data;
    size_t present = 0;
    for (size_t c = 0; c < d->n_classes; c++)
        f->weight[c] = 0.0;
    for (size_t i = 0; i < d->y.n; i++)
        f->weight[(size_t)d->y.data[i]] += mlk_weight(d->w, i);
    /* Only a free intercept can go to minus infinity. */
    f->active = 0;
    for (size_t c = 0; c < d->n_classes; c++) {
        present += f->weight[c] > 0.0;
        if (f->weight[c] > 0.0 || penalises_intercept(f->o))
            f->classes[f->active++] = c;
    }
    if (present < 2)
        return MLK_FAIL(MLK_EINVAL, "y holds %zu class; expected rows of at least 2", present);
    return MLK_OK;
}

/* y and c of the problem whose class numbers are number[0..k-1] for the data's classes; -1: none.
 */
static void set_targets(fit *f, const double *number, size_t k)
{
    const mlk_data *d = f->data;
    const double C = f->o->penalty == MLK_LOGISTIC_NONE ? 1.0 : f->o->C;
    double total = 0.0, share[2] = {0.0, 0.0};
    size_t present = 0;
    for (size_t c = 0; c < d->n_classes; c++) {
        total += f->weight[c];
        if (k == 1)
            share[number[c] > 0.0] += f->weight[c];
        else
            present += f->weight[c] > 0.0;
    }
    if (k == 1)
        present = (size_t)(share[0] > 0.0) + (share[1] > 0.0);
    for (size_t i = 0; i < d->y.n; i++) {
        const size_t c = (size_t)d->y.data[i];
        const double own = k == 1 ? share[number[c] > 0.0] : f->weight[c];
        f->y[i] = fmax(number[c], 0.0);
        f->c[i] = C * mlk_weight(d->w, i);
        if (f->o->class_weight == MLK_LOGISTIC_BALANCED && own > 0.0)
            f->c[i] *= total / ((double)present * own);
    }
}

static void set_penalties(fit *f)
{
    const mlk_logistic_opts *o = f->o;
    const size_t p = f->X.cols;
    const double share = o->penalty == MLK_LOGISTIC_L1           ? 1.0
                         : o->penalty == MLK_LOGISTIC_ELASTICNET ? o->l1_ratio
                                                                 : 0.0;
    const double all = o->penalty == MLK_LOGISTIC_NONE ? 0.0 : 1.0;
    for (size_t j = 0; j <= p; j++) {
        const double unit = j < p && f->scale ? 1.0 / f->scale[j] : 1.0;
        const double on = j < p || o->penalize_intercept ? all : 0.0;
        f->l1[j] = on * share * unit;
        f->l2[j] = on * (1.0 - share) * unit * unit;
    }
}

/* ---- one problem */

static bool has_l1(const mlk_logistic_opts *o)
{
    return o->penalty == MLK_LOGISTIC_L1 || o->penalty == MLK_LOGISTIC_ELASTICNET;
}

static mlk_logistic_solver choose(const fit *f, size_t k)
{
    const double n = (double)f->X.rows, size = (double)(k * (f->X.cols + 1));
    const double most = f->o->penalty == MLK_LOGISTIC_NONE ? 1e11 : 1e9, largest = 1024.0;
    if (f->o->solver != MLK_LOGISTIC_AUTO)
        return (mlk_logistic_solver)f->o->solver;
    if (has_l1(f->o))
        return MLK_LOGISTIC_PROX_NEWTON;
    return size <= largest && n * size * size <= most ? MLK_LOGISTIC_NEWTON_CHOLESKY
                                                      : MLK_LOGISTIC_LBFGS;
}

static void warn_about(const fit *f, const logistic_problem *p, const logistic_end *end,
                       const mlk_fit_info *info)
{
    double total = 0.0;
    for (size_t i = 0; i < p->X.rows; i++)
        total += p->c[i];
    if (end->separated && p->margin > 0.0)
        mlk_run_warn(f->run, "the classes are perfectly separated; weights grow without bound; "
                             "use a penalty");
    else if (end->separated)
        mlk_run_warn(f->run, "the classes are separated but for ties; weights grow without bound; "
                             "use a penalty");
    else if (p->penalised && p->margin > 0.0 && end->f < 1e-6 * total)
        mlk_run_warn(f->run, "the classes are perfectly separated; the weights are bounded by the "
                             "penalty alone; use a smaller C");
    if (!end->separated && end->singular)
        mlk_run_warn(f->run, "the design is rank-deficient; the weights are not unique without a "
                             "penalty");
    if (!end->converged && !end->separated)
        mlk_run_warn(f->run,
                     "logistic did not converge in %zu iterations: violation %.3g > tol = %g; "
                     "raise max_iter or scale the columns",
                     end->iterations, info->kkt_violation, f->o->tol);
}

/* Minimise for the targets as set, over theta (k x q). */
static mlk_status solve(const fit *f, size_t k, double *theta, mlk_fit_info *info)
{
    const logistic_settings settings = {f->o->tol, (size_t)f->o->max_iter};
    logistic_problem p = {.X = f->X,
                          .y = f->y,
                          .c = f->c,
                          .k = k,
                          .q = f->X.cols + f->o->fit_intercept,
                          .intercept = f->o->fit_intercept,
                          .l1 = f->l1,
                          .l2 = f->l2,
                          .penalised = f->o->penalty != MLK_LOGISTIC_NONE,
                          .run = f->run};
    MLK_TRY(logistic_problem_prepare(&p));
    logistic_end end = {.g = mlk_scratch_vec(&p.scratch, logistic_size(&p)).data};
    mlk_status st = MLK_OK;
    if (!end.g)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", logistic_size(&p));
    else if (choose(f, k) == MLK_LOGISTIC_PROX_NEWTON)
        st = logistic_proximal(&p, &settings, theta, &end);
    else if (choose(f, k) == MLK_LOGISTIC_NEWTON_CHOLESKY)
        st = logistic_newton(&p, &settings, theta, &end);
    else
        st = logistic_lbfgs(&p, &settings, theta, &end);
    if (st == MLK_OK)
        st = logistic_certify(&p, settings.tol, theta, &end, info);
    if (st == MLK_OK)
        warn_about(f, &p, &end, info);
    logistic_problem_release(&p);
    return st;
}

/* Rows of theta are those of the scaled columns; the model's are of the columns as given. */
static void to_model(const fit *f, const double *theta, size_t row, mlk_logistic *model)
{
    const size_t p = model->p;
    for (size_t j = 0; j < p; j++)
        model->w[row * p + j] = f->scale ? theta[j] / f->scale[j] : theta[j];
    logistic_b(model)[row] = f->o->fit_intercept ? theta[p] : 0.0;
}

static void from_model(const fit *f, const mlk_logistic *model, size_t row, double *theta)
{
    const size_t p = f->X.cols;
    for (size_t j = 0; j < p; j++)
        theta[j] = f->scale ? model->w[row * p + j] * f->scale[j] : model->w[row * p + j];
    if (f->o->fit_intercept)
        theta[p] = model->w[model->rows * p + row];
}

/* The figures of independent problems add up; their convergence is that of the worst. */
static void add_info(mlk_fit_info *to, const mlk_fit_info *one)
{
    to->iterations += one->iterations;
    to->converged = to->converged && one->converged;
    to->objective += one->objective;
    to->duality_gap += one->duality_gap;
    to->kkt_violation = fmax(to->kkt_violation, one->kkt_violation);
}

static mlk_status solve_all(fit *f, const mlk_logistic *start, double *theta, double *number,
                            mlk_logistic *model)
{
    const size_t K = f->data->n_classes, q = f->X.cols + f->o->fit_intercept;
    const bool joint = !model->ovr && K > 2;
    const size_t problems = model->ovr ? f->active : 1, k = joint ? f->active : 1;
    model->info = (mlk_fit_info){.converged = 1};
    for (size_t t = 0; t < problems; t++) {
        mlk_fit_info info;
        memset(theta, 0, k * q * sizeof *theta);
        for (size_t c = 0; c < K; c++)
            number[c] = K == 2 ? (double)c : model->ovr ? c == f->classes[t] : -1.0;
        for (size_t a = 0; joint && a < k; a++)
            number[f->classes[a]] = (double)a;
        for (size_t a = 0; start && a < k; a++)
            from_model(f, start,
                       joint        ? f->classes[a]
                       : model->ovr ? f->classes[t]
                                    : 0,
                       theta + a * q);
        set_targets(f, number, k);
        MLK_TRY(solve(f, k, theta, &info));
        for (size_t a = 0; a < k; a++)
            to_model(f, theta + a * q,
                     joint        ? f->classes[a]
                     : model->ovr ? f->classes[t]
                                  : 0,
                     model);
        add_info(&model->info, &info);
    }
    return MLK_OK;
}

static mlk_status fit_take(fit *f)
{
    const size_t n = f->data->X.rows, p = f->data->X.cols, K = f->data->n_classes;
    f->y = mlk_scratch_vec(&f->scratch, n).data;
    f->c = mlk_scratch_vec(&f->scratch, n).data;
    f->l1 = mlk_scratch_vec(&f->scratch, p + 1).data;
    f->l2 = mlk_scratch_vec(&f->scratch, p + 1).data;
    f->weight = mlk_scratch_vec(&f->scratch, K).data;
    f->classes = mlk_scratch_take(&f->scratch, K, sizeof *f->classes);
    return f->scratch.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for a logistic regression of %zu rows", n)
               : MLK_OK;
}

mlk_status logistic_fit_from(const mlk_data *data, const mlk_logistic_opts *opts,
                             const mlk_logistic *start, const mlk_run *run, mlk_logistic **model)
{
    *model = NULL;
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_CLASSES | MLK_FINITE_LATER, run));
    const size_t p = data->X.cols, K = data->n_classes;
    fit f = {.data = data, .o = opts, .run = run, .scratch = MLK_SCRATCH_INIT};
    mlk_logistic *fitted = NULL;
    double *theta = NULL, *number = NULL;
    mlk_status st;
    if ((st = fit_take(&f)) != MLK_OK || (st = tame_columns(&f)) != MLK_OK ||
        (st = count_classes(&f)) != MLK_OK)
        goto out;
    set_penalties(&f);
    fitted = logistic_new(p, K, opts->multi_class == MLK_LOGISTIC_OVR && K > 2);
    theta = mlk_scratch_mat(&f.scratch, K, p + 1).data;
    number = mlk_scratch_vec(&f.scratch, K).data;
    if (f.scratch.failed || !fitted) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", K * (p + 1));
        goto out;
    }
    for (size_t j = 0; j < fitted->rows * p; j++)
        fitted->w[j] = 0.0;
    for (size_t a = 0; a < fitted->rows; a++)
        logistic_b(fitted)[a] = LOGISTIC_ABSENT;
    if ((st = solve_all(&f, start, theta, number, fitted)) != MLK_OK)
        goto out;
    *model = fitted;
    fitted = NULL;
out:
    mlk_free(fitted);
    mlk_scratch_release(&f.scratch);
    return st;
}

/* ---- the grid of C */

/* Below 1 / this, an L1 penalty of share 1 leaves all weights 0 at C = 1: the largest gradient of
 * the loss at the best constant probabilities. */
static mlk_status largest_null_gradient(fit *f, double *largest)
{
    const mlk_data *d = f->data;
    const size_t n = d->X.rows, p = d->X.cols, K = d->n_classes;
    const mlk_vec r = mlk_scratch_vec(&f->scratch, n), v = mlk_scratch_vec(&f->scratch, p);
    double *number = mlk_scratch_vec(&f->scratch, K).data;
    if (f->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", n);
    *largest = 0.0;
    for (size_t a = K == 2; a < K; a++) {
        double total = 0.0, own = 0.0;
        for (size_t c = 0; c < K; c++)
            number[c] = K == 2 || f->o->multi_class == MLK_LOGISTIC_OVR ? c == a : (double)c;
        set_targets(f, number, K == 2 || f->o->multi_class == MLK_LOGISTIC_OVR ? 1 : K);
        for (size_t i = 0; i < n; i++) {
            total += f->c[i];
            own += (size_t)d->y.data[i] == a ? f->c[i] : 0.0;
        }
        const double even = K == 2 || f->o->multi_class == MLK_LOGISTIC_OVR ? 0.5 : 1.0 / (double)K;
        const double share = penalises_intercept(f->o) ? even : own / total;
        for (size_t i = 0; i < n; i++)
            r.data[i] = f->c[i] * (share - ((size_t)d->y.data[i] == a));
        MLK_TRY(mlk_gemv_t(d->X, mlk_vec_c(r), f->run, v));
        for (size_t j = 0; j < p; j++)
            *largest = fmax(*largest, fabs(v.data[j]));
    }
    return MLK_OK;
}

mlk_status logistic_path(const mlk_data *data, const mlk_logistic_opts *opts, const mlk_run *run,
                         size_t cap, double *values, size_t *n)
{
    const bool sparse = has_l1(opts) && (opts->penalty == MLK_LOGISTIC_L1 || opts->l1_ratio > 0.0);
    mlk_logistic_opts o = *opts;
    fit f = {.data = data, .o = &o, .run = run, .scratch = MLK_SCRATCH_INIT};
    double first = 1e-4, largest;
    o.C = 1.0;
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_CLASSES, run));
    mlk_status st = fit_take(&f);
    if (st == MLK_OK)
        st = count_classes(&f);
    if (st == MLK_OK && sparse && (st = largest_null_gradient(&f, &largest)) == MLK_OK)
        first = (o.penalty == MLK_LOGISTIC_L1 ? 1.0 : o.l1_ratio) / largest;
    if (st == MLK_OK && !(isfinite(first) && first > 0.0))
        first = 1e-4; /* no column tells anything: any C gives the same model */
    mlk_scratch_release(&f.scratch);
    /* From all weights 0 on over four decades; for l2 over the eight about 1. */
    const double decades = sparse ? 4.0 : 8.0;
    *n = cap < 50 ? cap : 50;
    for (size_t i = 0; st == MLK_OK && i < *n; i++)
        values[i] = first * pow(10.0, *n > 1 ? decades * (double)i / (double)(*n - 1) : 0.0);
    return st;
}
