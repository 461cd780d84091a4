#include <mlkit/bayes/qda.h>

#include <math.h>

#include "bayes/discriminant.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "model/codegen.h"

struct mlk_qda {
    gaussians classes; /* constant: -log det S_k / 2 */
    size_t rank;
    mlk_mat scalings; /* k p x rank: W_k one below the other */
};

static const mlk_opt opt_table[] = DISCRIMINANT_OPTS(mlk_qda_opts, "covariances");

mlk_qda_opts mlk_qda_opts_default(void)
{
    mlk_qda_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_status model_new(size_t p, size_t k, size_t rank, mlk_qda **model)
{
    mlk_qda *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    gaussians_init(p, k, &m->classes);
    m->rank = rank;
    size_t rows;
    if (__builtin_mul_overflow(k, p, &rows))
        m->classes.memory.failed = true;
    else
        m->scalings = mlk_scratch_mat(&m->classes.memory, rows, rank);
    return m->classes.memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu x %zu values", k, p, rank)
               : MLK_OK;
}

void mlk_qda_free(mlk_qda *m)
{
    if (m)
        mlk_scratch_release(&m->classes.memory);
    mlk_free(m);
}

static mlk_mat scalings_of(const mlk_qda *m, size_t c)
{
    return mlk_mat_rows(m->scalings, c * m->classes.p, (c + 1) * m->classes.p);
}

/* ---------------------------------------------------------------------------- fit */

/* W_c and its log-determinant from the rows of a class, X (n x q) about shift, which are those of t
 * or a projection of them. */
typedef struct class_fit {
    const class_rows *t;
    const mlk_qda_opts *o;
    mlk_vec w, target; /* n, q */
} class_fit;

static mlk_status whiten_class(const class_fit *f, size_t c, mlk_cmat X, mlk_cvec shift,
                               const mlk_run *run, mlk_mat W, size_t *rank, double *log_det,
                               double *found)
{
    const class_rows *t = f->t;
    const double total = t->weight.data[c];
    const mlk_cvec given = class_rows_weights(t, c);
    mlk_cvec ridge = {NULL, 0};
    double factor = 1.0 / (total - 1.0);
    *found = 0.0;
    if (f->o->shrinkage != 0.0) {
        MLK_TRY(class_shrinkage(t, c, f->o->shrinkage, run, found, f->target));
        for (size_t j = 0; j < f->target.n; j++)
            f->target.data[j] *= *found;
        ridge = mlk_vec_c(f->target);
        factor = (1.0 - *found) / total;
    }
    for (size_t i = 0; i < given.n; i++)
        f->w.data[i] = given.data[i] * factor;
    return mlk_whiten(X, (mlk_cvec){f->w.data, given.n}, shift, ridge, f->o->tol, run, W, rank,
                      log_det);
}

/* All classes in the coordinates X (the rows of t, q columns), means likewise; W: k q x q. *bad: a
 * class whose rank is less than q, or k. */
static mlk_status whiten_classes(const class_fit *f, mlk_cmat X, mlk_cmat mean, const mlk_run *run,
                                 mlk_mat W, mlk_vec log_det, mlk_vec found, size_t *bad,
                                 size_t *rank)
{
    const class_rows *t = f->t;
    const size_t q = X.cols;
    *bad = t->k;
    for (size_t c = 0; c < t->k && *bad == t->k; c++) {
        const mlk_mat mine = mlk_mat_rows(W, c * q, (c + 1) * q);
        log_det.data[c] = 0.0;
        found.data[c] = 0.0;
        for (size_t i = 0; i < q * q; i++)
            mine.data[i] = 0.0;
        if (t->start[c] == t->start[c + 1])
            continue;
        MLK_TRY(mlk_run_poll(run, -1.0));
        MLK_TRY(whiten_class(f, c, mlk_cmat_rows(X, t->start[c], t->start[c + 1]),
                             mlk_cmat_row(mean, c), run, mine, rank, &log_det.data[c],
                             &found.data[c]));
        if (*rank < q)
            *bad = c;
    }
    return MLK_OK;
}

/* Coordinates in which the rows of all classes, less their means, vary: B (p x *rank, in p x p). */
static mlk_status common_space(const class_rows *t, double tol, const mlk_run *run, mlk_mat B,
                               size_t *rank)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat E = mlk_scratch_mat(&scratch, t->n, t->p);
    const mlk_vec zeros = mlk_scratch_vec(&scratch, t->p);
    double log_det;
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", t->n, t->p)
                        : MLK_OK;
    if (st == MLK_OK) {
        for (size_t c = 0; c < t->k; c++)
            for (size_t i = t->start[c]; i < t->start[c + 1]; i++)
                for (size_t j = 0; j < t->p; j++)
                    E.data[i * t->p + j] =
                        t->var.data[c * t->p + j] > 0.0
                            ? t->X.data[i * t->X.ld + j] - t->mean.data[c * t->p + j]
                            : 0.0;
        for (size_t j = 0; j < t->p; j++)
            zeros.data[j] = 0.0;
        st = mlk_whiten(mlk_mat_c(E), mlk_vec_c(t->w), mlk_vec_c(zeros), (mlk_cvec){NULL, 0}, tol,
                        run, B, rank, &log_det);
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* The model from W in the coordinates of B (p x q; none: those of X). */
static mlk_status set_model(const class_fit *f, mlk_cmat B, mlk_cmat W, mlk_cvec log_det,
                            mlk_cvec found, mlk_qda **model)
{
    const class_rows *t = f->t;
    const size_t q = W.cols;
    MLK_TRY(model_new(t->p, t->k, q, model));
    mlk_qda *m = *model;
    MLK_TRY(gaussians_keep(t, f->o->shrinkage, found, &m->classes));
    for (size_t c = 0; c < t->k; c++) {
        const mlk_cmat mine = mlk_cmat_rows(W, c * q, (c + 1) * q);
        if (B.data)
            mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, B, mine, 0.0, scalings_of(m, c));
        else
            mlk_copy(mine, scalings_of(m, c));
        m->classes.constant.data[c] = -0.5 * log_det.data[c];
    }
    return MLK_OK;
}

static mlk_status singular(const class_rows *t, size_t c, size_t rank, size_t q)
{
    return MLK_FAIL(MLK_ESINGULAR,
                    "the covariance of class %zu (%zu rows) has rank %zu of %zu; expected full "
                    "rank, or shrinkage > 0",
                    c, t->start[c + 1] - t->start[c], rank, q);
}

/* Memory of fit_rows(). */
typedef struct room {
    mlk_scratch memory;
    mlk_mat B, W, Z, mean;  /* p x p, k p x p; n x p, k x p in the coordinates of B */
    mlk_vec log_det, found; /* k */
} room;

/* Again in the common space of the classes, where class `bad` was found to be singular. */
static mlk_status fit_common(const class_fit *f, const mlk_run *run, size_t bad, size_t rank,
                             room *r, mlk_qda **model)
{
    const class_rows *t = f->t;
    const mlk_run inner = mlk_run_inner(run);
    size_t q;
    MLK_TRY(common_space(t, f->o->tol, &inner, r->B, &q));
    if (q == t->p || q == 0 || f->o->shrinkage != 0.0)
        return singular(t, bad, rank, t->p);
    const mlk_cmat B = {r->B.data, t->p, q, t->p};
    r->Z = mlk_scratch_mat(&r->memory, t->n, q);
    r->mean = mlk_scratch_mat(&r->memory, t->k, q);
    if (r->memory.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", t->n, q);
    MLK_TRY(mlk_gemm_rows(mlk_mat_c(t->X), MLK_NO_TRANS, B, &inner, r->Z));
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(t->mean), B, 0.0, r->mean);
    const mlk_mat W = {r->W.data, t->k * q, q, q};
    MLK_TRY(whiten_classes(f, mlk_mat_c(r->Z), mlk_mat_c(r->mean), &inner, W, r->log_det, r->found,
                           &bad, &rank));
    if (bad < t->k)
        return singular(t, bad, rank, q);
    MLK_TRY(set_model(f, B, mlk_mat_c(W), mlk_vec_c(r->log_det), mlk_vec_c(r->found), model));
    mlk_run_warn(run, "qda: the %zu columns have rank %zu within the classes", t->p, q);
    return MLK_OK;
}

static mlk_status fit_rows(const class_rows *t, const mlk_qda_opts *o, const mlk_run *run,
                           mlk_qda **model)
{
    room r = {.memory = MLK_SCRATCH_INIT};
    class_fit f = {t, o, mlk_scratch_vec(&r.memory, t->n), mlk_scratch_vec(&r.memory, t->p)};
    const mlk_run inner = mlk_run_inner(run);
    size_t bad, rank = 0, rows;
    r.B = mlk_scratch_mat(&r.memory, t->p, t->p);
    if (__builtin_mul_overflow(t->k, t->p, &rows))
        r.memory.failed = true;
    else
        r.W = mlk_scratch_mat(&r.memory, rows, t->p);
    r.log_det = mlk_scratch_vec(&r.memory, t->k);
    r.found = mlk_scratch_vec(&r.memory, t->k);
    mlk_status st = r.memory.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", t->k, t->p)
                        : whiten_classes(&f, mlk_mat_c(t->X), mlk_mat_c(t->mean), &inner, r.W,
                                         r.log_det, r.found, &bad, &rank);
    if (st == MLK_OK && bad < t->k)
        st = fit_common(&f, run, bad, rank, &r, model);
    else if (st == MLK_OK)
        st = set_model(&f, (mlk_cmat){NULL, 0, 0, 0}, mlk_mat_c(r.W), mlk_vec_c(r.log_det),
                       mlk_vec_c(r.found), model);
    mlk_scratch_release(&r.memory);
    return st;
}

static mlk_status check_rows(const class_rows *t)
{
    for (size_t c = 0; c < t->k; c++) {
        const size_t rows = t->start[c + 1] - t->start[c];
        if (t->weight.data[c] > 0.0 && !(t->weight.data[c] > 1.0))
            return MLK_FAIL(MLK_EINVAL,
                            "class %zu has %zu row%s of weight %g; expected more than 1", c, rows,
                            rows == 1 ? "" : "s", t->weight.data[c]);
    }
    return MLK_OK;
}

mlk_status mlk_qda_fit(const mlk_data *data, const mlk_qda_opts *opts, const mlk_run *run,
                       mlk_qda **model)
{
    const mlk_qda_opts o = opts ? *opts : mlk_qda_opts_default();
    class_rows t;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_CLASSES, run));
    mlk_status st = class_rows_init(data, o.priors, run, &t);
    if (st == MLK_OK)
        st = check_rows(&t);
    if (st == MLK_OK)
        st = fit_rows(&t, &o, run, model);
    class_rows_release(&t);
    if (st != MLK_OK) {
        mlk_qda_free(*model);
        *model = NULL;
    }
    return st;
}

/* --------------------------------------------------------------------- prediction */

static void score(const void *state, mlk_cmat X, double *space, mlk_mat out)
{
    const mlk_qda *m = state;
    const mlk_mat E = {space, X.rows, m->classes.p, m->classes.p};
    const mlk_mat Z = {space + X.rows * m->classes.p, X.rows, m->rank, m->rank};
    for (size_t c = 0; c < m->classes.k; c++) {
        const double *mean = m->classes.mean.data + c * m->classes.p;
        for (size_t i = 0; i < X.rows; i++)
            for (size_t j = 0; j < m->classes.p; j++)
                E.data[i * m->classes.p + j] = X.data[i * X.ld + j] - mean[j];
        mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(E), mlk_mat_c(scalings_of(m, c)), 0.0,
                 Z);
        const double b = gaussians_constant(&m->classes, c);
        for (size_t i = 0; i < X.rows; i++) {
            const mlk_cvec z = mlk_cmat_row(mlk_mat_c(Z), i);
            out.data[i * out.ld + c] = b - 0.5 * mlk_dot(z, z);
        }
    }
}

static discriminant scorer(const mlk_qda *m)
{
    return (discriminant){&m->classes, m->classes.p + m->rank, score, m};
}

mlk_status mlk_qda_predict(const mlk_qda *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const discriminant d = scorer(m);
    return discriminant_predict(&d, X, run, out);
}

mlk_status mlk_qda_predict_proba(const mlk_qda *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const discriminant d = scorer(m);
    return discriminant_proba(&d, X, run, out);
}

mlk_status mlk_qda_decision(const mlk_qda *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const discriminant d = scorer(m);
    return discriminant_decision(&d, X, run, out);
}

mlk_cmat mlk_qda_means(const mlk_qda *m) { return mlk_mat_c(m->classes.mean); }
mlk_cvec mlk_qda_priors(const mlk_qda *m) { return mlk_vec_c(m->classes.prior); }
mlk_cmat mlk_qda_scalings(const mlk_qda *m, size_t k) { return mlk_mat_c(scalings_of(m, k)); }

/* --------------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_qda *m;
    const mlk_status st = mlk_qda_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_qda_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_qda_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_qda_decision(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_qda *m = state;
    gaussians_save(&m->classes, to);
    mlk_doc_put_mat(to, "scalings", mlk_mat_c(m->scalings));
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_doc_array shape;
    mlk_cmat scalings;
    mlk_qda *m;
    size_t rows;
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "qda without classes");
    MLK_TRY(mlk_doc_get_array(from, "scalings", MLK_F64, &shape));
    if (shape.cols < 1 || shape.cols > n_features ||
        __builtin_mul_overflow(n_classes, n_features, &rows))
        return MLK_FAIL(MLK_EFORMAT, "'scalings' is %zu x %zu", shape.rows, shape.cols);
    MLK_TRY(mlk_doc_get_mat(from, "scalings", rows, shape.cols, &scalings));
    mlk_status st = model_new(n_features, n_classes, shape.cols, &m);
    if (st == MLK_OK)
        st = gaussians_load(from, &m->classes);
    if (st != MLK_OK) {
        mlk_qda_free(m);
        return st;
    }
    mlk_copy(scalings, m->scalings);
    *state = m;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_qda *m = state;
    gaussians_learned(&m->classes, to);
    mlk_doc *list = mlk_doc_put_list(to, "scalings");
    for (size_t c = 0; c < m->classes.k; c++)
        mlk_doc_put_mat(list, NULL, mlk_qda_scalings(m, c));
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_qda *m = state;
    double *b = mlk_alloc(m->classes.k, sizeof *b);
    if (!b)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", m->classes.k);
    for (size_t c = 0; c < m->classes.k; c++)
        b[c] = gaussians_constant(&m->classes, c);
    mlk_codegen_reals(to, "constant", b, m->classes.k);
    mlk_codegen_reals(to, "means", m->classes.mean.data, m->classes.k * m->classes.p);
    mlk_codegen_reals(to, "scalings", m->scalings.data, m->classes.k * m->classes.p * m->rank);
    mlk_free(b);
    mlk_strbuf_printf(&to->text,
                      "static void %s(const double *x, double *out)\n{\n"
                      "    for (int k = 0; k < %zu; k++) {\n"
                      "        const double *mean = %s_means + k * %zu;\n"
                      "        const double *w = %s_scalings + k * %zu;\n"
                      "        double square = 0.0;\n"
                      "        for (int r = 0; r < %zu; r++) {\n"
                      "            double z = 0.0;\n"
                      "            for (int j = 0; j < %zu; j++)\n"
                      "                z += (x[j] - mean[j]) * w[j * %zu + r];\n"
                      "            square += z * z;\n        }\n"
                      "        out[k] = %s_constant[k] - 0.5 * square;\n    }\n}\n",
                      to->name, m->classes.k, to->name, m->classes.p, to->name,
                      m->classes.p * m->rank, m->rank, m->classes.p, m->rank, to->name);
    return MLK_OK;
}

static void algo_free(void *state) { mlk_qda_free(state); }

const mlk_algo mlk_qda_algo = {
    .name = "qda",
    .help = "quadratic discriminant analysis: gaussian classes, a covariance each",
    .tasks = MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS,
    .opts_size = sizeof(mlk_qda_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .codegen = algo_codegen,
    .free = algo_free,
};
