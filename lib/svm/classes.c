#include "svm/classes.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "model/algo.h"
#include "svm/common.h"

/* -------------------------------------------------------------------- rows sorted by class */

static void sort_by_class(svc_rows *r, const mlk_data *d, const double *balance)
{
    memset(r->starts, 0, (r->k + 1) * sizeof *r->starts);
    for (size_t i = 0; i < d->X.rows; i++)
        if (mlk_weight(d->w, i) > 0.0)
            r->starts[(size_t)d->y.data[i] + 1]++;
    for (size_t c = 0; c < r->k; c++)
        r->starts[c + 1] += r->starts[c];
    r->n = r->starts[r->k];
    for (size_t i = 0; i < d->X.rows; i++)
        if (mlk_weight(d->w, i) > 0.0) {
            const size_t class = (size_t)d->y.data[i], at = r->starts[class]++;
            r->order[at] = i;
            r->weights[at] = mlk_weight(d->w, i);
            r->balanced[at] = r->weights[at] * balance[class];
        }
    for (size_t c = r->k; c > 0; c--)
        r->starts[c] = r->starts[c - 1];
    r->starts[0] = 0;
}

static void copy_sorted(svc_rows *r, mlk_cmat X, bool precomputed)
{
    const size_t cols = precomputed ? r->n : X.cols;
    for (size_t i = 0; i < r->n; i++) {
        const double *from = X.data + r->order[i] * X.ld;
        double *to = r->memory + i * cols;
        if (precomputed)
            for (size_t j = 0; j < r->n; j++)
                to[j] = from[r->order[j]];
        else
            memcpy(to, from, cols * sizeof *to);
    }
    r->X = (mlk_cmat){r->memory, r->n, cols, cols};
}

mlk_status mlk_svc_rows_init(svc_rows *r, const mlk_data *data, bool precomputed)
{
    const mlk_cmat X = data->X;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec balance = mlk_scratch_vec(&scratch, data->n_classes);
    *r = (svc_rows){.k = data->n_classes};
    r->order = mlk_alloc(X.rows, sizeof *r->order);
    r->starts = mlk_alloc(r->k + 1, sizeof *r->starts);
    r->weights = mlk_alloc(X.rows, sizeof *r->weights);
    r->balanced = mlk_alloc(X.rows, sizeof *r->balanced);
    r->memory = mlk_alloc(X.rows, X.cols * sizeof *r->memory);
    const mlk_status st =
        scratch.failed || !r->order || !r->starts || !r->weights || !r->balanced || !r->memory
            ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu sorted rows", X.rows)
            : mlk_svm_balance(data, balance.data);
    if (st == MLK_OK) {
        sort_by_class(r, data, balance.data);
        copy_sorted(r, X, precomputed);
    } else {
        mlk_svc_rows_free(r);
    }
    mlk_scratch_release(&scratch);
    return st;
}

void mlk_svc_rows_free(svc_rows *r)
{
    mlk_free(r->order);
    mlk_free(r->starts);
    mlk_free(r->weights);
    mlk_free(r->balanced);
    mlk_free(r->memory);
    *r = (svc_rows){0};
}

/* -------------------------------------------------------------------------------- training */

enum { VARIABLES = 8 }; /* doubles of a sample in work: b, bounds (two each), f, q */

/* What a machine brought; the sums over machines are taken in their order. */
typedef struct outcome {
    double bias, dual, gap, violation;
    size_t steps, n_bounded;
    bool converged;
} outcome;

typedef struct training {
    const svc_rows *rows;
    const mlk_svc_opts *const *opts;
    size_t n_opts;
    const mlk_run *run;
    mlk_kernel_set set;
    svc_solution *solutions;
    outcome *outcomes; /* n_opts x n_machines */
    size_t n_machines, largest;
    dual_cache *caches; /* a worker */
    double *memory;     /* a worker: VARIABLES * largest */
    float **own;        /* a class: its kernel matrix, of rows of own_ld floats; NULL: not shared */
    size_t *own_ld;
} training;

/* Machine m: class a (+1) against class b or, b = k, against all others. */
typedef struct machine_of {
    size_t a, b;
    dual_rows rows;
} machine_of;

static machine_of find_machine(const training *t, size_t m)
{
    const svc_rows *r = t->rows;
    machine_of p = {.a = 0, .b = 1};
    if (t->n_machines == 1) {
        p.a = 1;
        p.b = 0;
        p.rows = (dual_rows){2, {0, r->starts[1]}, {r->starts[1], r->n}};
    } else if (t->opts[0]->multi_class == MLK_SVC_OVR) {
        p.a = m;
        p.b = r->k;
        p.rows = (dual_rows){1, {0, 0}, {r->n, 0}};
    } else {
        for (; m >= r->k - 1 - p.a; p.a++)
            m -= r->k - 1 - p.a;
        p.b = p.a + 1 + m;
        p.rows = (dual_rows){
            2, {r->starts[p.a], r->starts[p.b]}, {r->starts[p.a + 1], r->starts[p.b + 1]}};
    }
    return p;
}

static double sign_of(const training *t, const machine_of *p, size_t row)
{
    return row >= t->rows->starts[p->a] && row < t->rows->starts[p->a + 1] ? 1.0 : -1.0;
}

/* Column of the coefficients of a row in this machine. */
static size_t column_of(const training *t, const machine_of *p, size_t m, size_t row)
{
    if (t->n_machines == 1)
        return 0;
    if (p->b == t->rows->k)
        return m;
    return sign_of(t, p, row) > 0.0 ? p->b - 1 : p->a;
}

/* Bounds and linear term of one options struct. The nu form has a group of variables a sign:
 * the second is that of the negative class. */
static void set_problem(const training *t, const mlk_svc_opts *o, const machine_of *p, size_t n,
                        dual *d, double *lo, double *hi, double *q)
{
    const svc_rows *r = t->rows;
    const double *weights = o->class_weight == MLK_SVM_BALANCED ? r->balanced : r->weights;
    const bool nu = o->nu != MLK_SVM_NO_NU;
    *d = (dual){.groups = nu ? 2 : 1, .lo = lo, .hi = hi, .q = nu ? NULL : q};
    d->tol = o->tol;
    d->max_steps = mlk_svm_cap(o->max_iter, n);
    d->shrinking = o->shrinking;
    memset(lo, 0, d->groups * n * sizeof *lo);
    memset(hi, 0, d->groups * n * sizeof *hi);
    for (size_t i = 0; i < n; i++) {
        const size_t row = dual_rows_at(&p->rows, i);
        const double y = sign_of(t, p, row);
        const double bound = (nu ? 1.0 : o->C) * weights[row];
        if (y > 0.0)
            hi[i] = bound;
        else
            lo[(nu ? n : 0) + i] = -bound;
        q[i] = -y;
    }
}

/* nu form: both groups sum to nu/2 of all bounds, filled up in the order of the rows. */
static mlk_status start_nu(const mlk_svc_opts *o, const machine_of *p, size_t n, const dual *d)
{
    double group[2] = {0.0, 0.0};
    for (size_t i = 0; i < n; i++) {
        group[0] += d->hi[i];
        group[1] -= d->lo[n + i];
    }
    const double total = group[0] + group[1], most = 2.0 * fmin(group[0], group[1]) / total;
    if (!(o->nu <= most))
        return MLK_FAIL(MLK_EINVAL,
                        "nu = %g is infeasible for classes %zu and %zu; expected at most %g", o->nu,
                        p->a, p->b, most);
    double left[2] = {0.5 * o->nu * total, 0.5 * o->nu * total};
    for (size_t i = 0; i < n; i++) {
        d->beta[i] = fmin(left[0], d->hi[i]);
        d->beta[n + i] = -fmin(left[1], -d->lo[n + i]);
        left[0] -= d->beta[i];
        left[1] += d->beta[n + i];
    }
    return MLK_OK;
}

static outcome outcome_of(const dual *d)
{
    return (outcome){.bias = d->bias[0],
                     .dual = -d->objective,
                     .gap = d->gap,
                     .violation = d->violation,
                     .steps = d->steps,
                     .n_bounded = d->n_bounded,
                     .converged = d->converged};
}

/* The nu form's solution, one variable a sample again, scaled so that the margin is 1. The biases
 * of its groups are -rho - r for the positive class and -rho + r for the other. Where the classes
 * overlap, a small nu has no solution but w = 0, r = 0 [Crisp and Burges 1999]; what is left is
 * rounding. */
static mlk_status finish_nu(const mlk_svc_opts *o, dual *d, size_t n, const machine_of *p,
                            outcome *out)
{
    const double r = 0.5 * (d->bias[1] - d->bias[0]);
    if (!(r > d->violation))
        return MLK_FAIL(MLK_ESINGULAR,
                        "nu = %g leaves classes %zu and %zu no margin: they overlap; raise nu, or "
                        "give C instead",
                        o->nu, p->a, p->b);
    for (size_t i = 0; i < n; i++)
        d->beta[i] = (d->beta[i] + d->beta[n + i]) / r;
    out->bias = 0.5 * (d->bias[0] + d->bias[1]) / r;
    out->dual = -d->objective / (r * r);
    out->gap = d->gap / (r * r);
    return MLK_OK;
}

static void store(const training *t, const machine_of *p, size_t m, const double *beta, size_t n,
                  svc_solution *s)
{
    for (size_t i = 0; i < n; i++) {
        const size_t row = dual_rows_at(&p->rows, i);
        s->coef[row * s->width + column_of(t, p, m, row)] = beta[i];
    }
}

/* One machine, for all options in turn. */
static mlk_status train_machine(const training *t, size_t m, unsigned worker, const mlk_run *run)
{
    const machine_of p = find_machine(t, m);
    const size_t n = dual_rows_n(&p.rows);
    dual_cache *cache = &t->caches[worker];
    double *memory = t->memory + (size_t)worker * VARIABLES * t->largest;
    double *beta = memory, *lo = beta + 2 * n, *hi = lo + 2 * n, *f = hi + 2 * n, *q = f + n;
    double last_C = 0.0;
    dual_path path = {0};

    if (p.b != t->rows->k || m == 0) /* one-versus-rest machines share all their rows */
        mlk_dual_cache_reset(cache, &p.rows);
    if (t->own) {
        const float *const own[] = {t->own[p.a], t->own[p.b]};
        mlk_dual_cache_fill(cache, own, (const size_t[]){t->own_ld[p.a], t->own_ld[p.b]});
    }
    for (size_t k = 0; k < t->n_opts; k++) {
        const mlk_svc_opts *o = t->opts[k];
        outcome *out = &t->outcomes[k * t->n_machines + m];
        dual d;
        set_problem(t, o, &p, n, &d, lo, hi, q);
        d.beta = beta;
        d.f = f;
        d.path = &path;
        if (d.groups > 1) {
            MLK_TRY(start_nu(o, &p, n, &d));
            MLK_TRY(mlk_dual_exact(&d, cache, run));
        } else {
            mlk_svm_rescale(k ? o->C / last_C : 0.0, n, n, lo, hi, beta, f, &path);
        }
        MLK_TRY(mlk_dual_solve(&d, cache, run));
        *out = outcome_of(&d);
        if (d.groups > 1)
            MLK_TRY(finish_nu(o, &d, n, &p, out));
        store(t, &p, m, beta, n, &t->solutions[k]);
        last_C = o->C;
    }
    return MLK_OK;
}

static mlk_status train_chunk(void *ctx, const mlk_chunk *c)
{
    const training *t = ctx;
    const mlk_run inner = mlk_run_inner(t->run);
    return train_machine(t, c->begin, c->worker, &inner);
}

static mlk_status solution_init(svc_solution *s, const training *t)
{
    const svc_rows *r = t->rows;
    s->n_machines = t->n_machines;
    s->width = svc_width(r->k, t->opts[0]->multi_class);
    s->coef = mlk_alloc_zero(r->n, s->width * sizeof *s->coef);
    s->bias = mlk_alloc(s->n_machines, sizeof *s->bias);
    return s->coef && s->bias ? MLK_OK
                              : MLK_FAIL(MLK_ENOMEM, "no memory for %zu machines", s->n_machines);
}

void mlk_svc_solution_free(svc_solution *s)
{
    mlk_free(s->coef);
    mlk_free(s->bias);
    *s = (svc_solution){0};
}

static void summarise(const training *t, size_t k)
{
    svc_solution *s = &t->solutions[k];
    mlk_svm_info info = {.machines = t->n_machines, .converged = true};
    for (size_t m = 0; m < t->n_machines; m++) {
        const outcome *out = &t->outcomes[k * t->n_machines + m];
        s->bias[m] = out->bias;
        info.iterations += (int64_t)out->steps;
        info.converged &= out->converged;
        info.dual += out->dual;
        info.gap += out->gap;
        info.violation = fmax(info.violation, out->violation);
        info.n_bounded += out->n_bounded;
    }
    info.primal = info.dual + info.gap;
    for (size_t i = 0; i < t->rows->n; i++) {
        bool any = false;
        for (size_t c = 0; c < s->width; c++)
            any |= s->coef[i * s->width + c] != 0.0;
        info.n_sv += any;
    }
    s->info = info;
}

/* -------------------------------------------------------- what the pairs of classes share */

static mlk_status own_block(void *ctx, const mlk_chunk *chunk)
{
    const training *t = ctx;
    const size_t c = chunk->begin, *starts = t->rows->starts;
    mlk_dual_own_block(&t->set, starts[c], starts[c + 1], t->own[c], t->own_ld[c]);
    return MLK_OK;
}

static double megabytes_of(size_t rows, size_t ld)
{
    return (double)rows * (double)ld * sizeof(float) / 1048576.0;
}

/* The kernel matrix of each class with itself, which serves k - 1 pairs: half of all values that
 * the pairs need when each is computed once. Takes up to `megabytes`, else there are none. */
static mlk_status share_blocks(training *t, double *megabytes, mlk_scratch *scratch)
{
    const svc_rows *r = t->rows;
    double needed = 0.0;
    t->own_ld = mlk_scratch_take(scratch, r->k, sizeof *t->own_ld);
    float **own = mlk_scratch_take(scratch, r->k, sizeof *own);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", r->k);
    for (size_t c = 0; c < r->k; c++) {
        const size_t n = r->starts[c + 1] - r->starts[c];
        t->own_ld[c] = (n + 15) / 16 * 16;
        needed += megabytes_of(n, t->own_ld[c]);
    }
    if (needed > *megabytes)
        return MLK_OK;
    *megabytes -= needed;
    for (size_t c = 0; c < r->k; c++)
        own[c] =
            mlk_scratch_take(scratch, r->starts[c + 1] - r->starts[c], t->own_ld[c] * sizeof **own);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the kernel matrices of %zu classes", r->k);
    t->own = own;
    return mlk_parallel_for(&(mlk_run){.threads = t->run ? t->run->threads : 0}, r->k, 1, own_block,
                            t);
}

/* Small machines one a thread, no more at a time than the cache holds; others each by all threads.
 * What decides is the problem and the cache, not the number of threads. */
static mlk_status train_all(training *t, mlk_scratch *scratch)
{
    double megabytes = t->opts[0]->cache_mb;
    const double whole = 1.1 * megabytes_of(t->largest, t->largest); /* and a little */
    const bool apart = t->n_machines > 1 && t->largest <= DUAL_WHOLE &&
                       t->opts[0]->multi_class == MLK_SVC_OVO && 2.0 * whole < megabytes;
    mlk_run run = t->run ? *t->run : (mlk_run){0};
    unsigned workers = apart ? mlk_workers(&run, t->n_machines, 1) : 1;
    if (apart && !t->set.wide) {
        double left = megabytes - 2.0 * whole;
        MLK_TRY(share_blocks(t, &left, scratch));
        megabytes = left + 2.0 * whole;
    }
    if (workers > megabytes / whole)
        workers = megabytes > whole ? (unsigned)(megabytes / whole) : 1;
    run.threads = apart ? (int)workers : run.threads;
    t->caches = mlk_scratch_take(scratch, workers, sizeof *t->caches);
    t->memory = mlk_scratch_mat(scratch, workers, VARIABLES * t->largest).data;
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for machines of %zu rows", t->largest);
    mlk_status st = MLK_OK;
    unsigned ready = 0;
    while (ready < workers) {
        st = mlk_dual_cache_init(&t->caches[ready], &t->set, t->largest, megabytes);
        if (st != MLK_OK)
            break;
        ready++;
    }
    if (st == MLK_OK && apart)
        st = mlk_parallel_for(&run, t->n_machines, 1, train_chunk, t);
    for (size_t m = 0; st == MLK_OK && !apart && m < t->n_machines; m++)
        st = train_machine(t, m, 0, t->run);
    while (ready > 0)
        mlk_dual_cache_free(&t->caches[--ready]);
    return st;
}

mlk_status mlk_svc_train(const svc_rows *rows, const mlk_svc_opts *const *opts, size_t n_opts,
                         const mlk_kernel *kernel, const mlk_run *run, svc_solution *solutions)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    training t = {.rows = rows, .opts = opts, .n_opts = n_opts, .run = run, .solutions = solutions};
    t.n_machines = svc_n_machines(rows->k, opts[0]->multi_class);
    for (size_t j = 0; j < n_opts; j++)
        solutions[j] = (svc_solution){0};
    t.outcomes = mlk_scratch_take(&scratch, n_opts * t.n_machines, sizeof *t.outcomes);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu machines", t.n_machines)
                        : mlk_kernel_set_init(&t.set, kernel, rows->X, run);
    if (st == MLK_OK) {
        for (size_t m = 0; m < t.n_machines; m++) {
            const machine_of p = find_machine(&t, m);
            const size_t n = dual_rows_n(&p.rows);
            t.largest = n > t.largest ? n : t.largest;
        }
        for (size_t j = 0; st == MLK_OK && j < n_opts; j++)
            st = solution_init(&solutions[j], &t);
        if (st == MLK_OK)
            st = train_all(&t, &scratch);
        mlk_kernel_set_free(&t.set);
    }
    for (size_t j = 0; j < n_opts; j++) {
        if (st == MLK_OK)
            summarise(&t, j);
        else
            mlk_svc_solution_free(&solutions[j]);
    }
    mlk_scratch_release(&scratch);
    return st;
}
