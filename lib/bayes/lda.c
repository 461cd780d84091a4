#include <mlkit/bayes/lda.h>

#include <math.h>

#include "bayes/discriminant.h"
#include "core/alloc.h"
#include "core/parallel.h"
#include "linalg/linalg.h"
#include "model/algo.h"
#include "model/codegen.h"

struct mlk_lda {
    gaussians classes;
    size_t components, rank;
    mlk_mat coef;     /* k x p */
    mlk_vec centre;   /* p: m */
    mlk_mat scalings; /* p x components */
    mlk_vec ratio;    /* components */
};

static const mlk_opt opt_table[] = DISCRIMINANT_OPTS(mlk_lda_opts, "covariance");

mlk_lda_opts mlk_lda_opts_default(void)
{
    mlk_lda_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_status model_new(size_t p, size_t k, size_t components, mlk_lda **model)
{
    mlk_lda *m = mlk_alloc_zero(1, sizeof *m);
    *model = m;
    if (!m)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    gaussians_init(p, k, &m->classes);
    m->components = components;
    m->coef = mlk_scratch_mat(&m->classes.memory, k, p);
    m->centre = mlk_scratch_vec(&m->classes.memory, p);
    m->scalings = mlk_scratch_mat(&m->classes.memory, p, components);
    m->ratio = mlk_scratch_vec(&m->classes.memory, components);
    return m->classes.memory.failed
               ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu coefficients", k, p)
               : MLK_OK;
}

void mlk_lda_free(mlk_lda *m)
{
    if (m)
        mlk_scratch_release(&m->classes.memory);
    mlk_free(m);
}

/* ---------------------------------------------------------------------------- fit */

/* Weights of the rows and a ridge that make S of what is left of the rows without their means. */
static mlk_status share_covariance(const class_rows *t, const mlk_lda_opts *o, const mlk_run *run,
                                   mlk_vec found, mlk_vec target, mlk_vec ridge)
{
    double total = 0.0;
    for (size_t c = 0; c < t->k; c++)
        total += t->weight.data[c];
    for (size_t j = 0; j < t->p; j++)
        ridge.data[j] = 0.0;
    for (size_t c = 0; c < t->k; c++) {
        const mlk_cvec w = class_rows_weights(t, c);
        double factor = 1.0 / (total - (double)t->present);
        found.data[c] = 0.0;
        if (o->shrinkage != 0.0 && w.n) {
            MLK_TRY(class_shrinkage(t, c, o->shrinkage, run, &found.data[c], target));
            for (size_t j = 0; j < t->p; j++)
                ridge.data[j] += t->prior.data[c] * found.data[c] * target.data[j];
            factor = t->prior.data[c] * (1.0 - found.data[c]) / t->weight.data[c];
        }
        for (size_t i = t->start[c]; i < t->start[c + 1]; i++)
            t->w.data[i] *= factor;
    }
    return MLK_OK;
}

/* Class means off the rows, in place. */
static void centre_rows(const class_rows *t)
{
    for (size_t c = 0; c < t->k; c++)
        for (size_t i = t->start[c]; i < t->start[c + 1]; i++)
            for (size_t j = 0; j < t->p; j++) {
                double *x = t->X.data + i * t->X.ld + j;
                const bool varies = t->var.data[c * t->p + j] > 0.0;
                *x = varies ? *x - t->mean.data[c * t->p + j] : 0.0;
            }
}

/* The first coordinates of the means in which S is the identity, Z (k x r) = (mean - m) W, those of
 * the greatest spread: turn (components x r) and shares of the variance. */
static mlk_status find_turn(mlk_cmat Z, mlk_cvec prior, double tol, size_t present, mlk_mat turn,
                            mlk_vec ratio, size_t *components)
{
    const size_t k = Z.rows, r = Z.cols, least = k < r ? k : r;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat A = mlk_scratch_mat(&scratch, k, r), Vt = mlk_scratch_mat(&scratch, least, r);
    const mlk_vec s = mlk_scratch_vec(&scratch, least);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu means", k, r) : MLK_OK;
    if (st == MLK_OK) {
        for (size_t c = 0; c < k; c++)
            for (size_t j = 0; j < r; j++)
                A.data[c * r + j] = sqrt(prior.data[c]) * Z.data[c * Z.ld + j];
        st = mlk_svd(A, (mlk_mat){NULL, 0, 0, 0}, s, Vt);
    }
    const size_t most = present > 1 ? present - 1 : 1;
    double total = 0.0;
    *components = 1;
    while (st == MLK_OK && *components < least && *components < most &&
           s.data[*components] > tol * s.data[0])
        ++*components;
    for (size_t c = 0; st == MLK_OK && c < least; c++)
        total += s.data[c] * s.data[c];
    for (size_t c = 0; st == MLK_OK && c < *components; c++) {
        ratio.data[c] = total > 0.0 ? s.data[c] * s.data[c] / total : 0.0;
        for (size_t j = 0; j < r; j++)
            turn.data[c * turn.ld + j] = Vt.data[c * Vt.ld + j];
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* scalings = W turn', each column with its largest entry positive. */
static void set_scalings(mlk_cmat W, mlk_cmat turn, mlk_lda *m)
{
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, W, turn, 0.0, m->scalings);
    for (size_t c = 0; c < m->components; c++)
        mlk_fix_sign(m->scalings.data + c, m->classes.p, m->components);
}

/* From the whitening W (p x r) and the means to (1) and the projection. */
static mlk_status set_model(const class_rows *t, mlk_cmat W, const mlk_lda_opts *o, mlk_cvec found,
                            mlk_lda **model)
{
    const size_t k = t->k, r = W.cols, least = k < r ? k : r;
    size_t components = 0;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_vec centre = mlk_scratch_vec(&scratch, t->p),
                  ratio = mlk_scratch_vec(&scratch, least);
    const mlk_mat M = mlk_scratch_mat(&scratch, k, t->p), Z = mlk_scratch_mat(&scratch, k, r);
    mlk_mat turn = mlk_scratch_mat(&scratch, least, r);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu means", k, t->p) : MLK_OK;
    if (st != MLK_OK)
        goto out;
    mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(t->mean), mlk_vec_c(t->prior), 0.0, centre);
    for (size_t c = 0; c < k; c++) /* a class without rows stays where all of them are */
        for (size_t j = 0; j < t->p; j++)
            M.data[c * t->p + j] =
                t->weight.data[c] > 0.0 ? t->mean.data[c * t->p + j] - centre.data[j] : 0.0;
    mlk_gemm(MLK_NO_TRANS, MLK_NO_TRANS, 1.0, mlk_mat_c(M), W, 0.0, Z);
    st = find_turn(mlk_mat_c(Z), mlk_vec_c(t->prior), o->tol, t->present, turn, ratio, &components);
    if (st == MLK_OK)
        st = model_new(t->p, k, components, model);
    if (st == MLK_OK)
        st = gaussians_keep(t, o->shrinkage, found, &(*model)->classes);
    if (st != MLK_OK)
        goto out;
    mlk_lda *m = *model;
    turn.rows = components;
    set_scalings(W, mlk_mat_c(turn), m);
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, mlk_mat_c(Z), W, 0.0, m->coef);
    for (size_t c = 0; c < k; c++) {
        const mlk_cvec z = mlk_cmat_row(mlk_mat_c(Z), c);
        const mlk_cvec b = mlk_cmat_row(mlk_mat_c(m->coef), c);
        m->classes.constant.data[c] = -0.5 * mlk_dot(z, z) - mlk_dot(b, mlk_vec_c(centre));
    }
    for (size_t c = 0; c < components; c++)
        m->ratio.data[c] = ratio.data[c];
    for (size_t j = 0; j < t->p; j++)
        m->centre.data[j] = centre.data[j];
out:
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status check_rows(const class_rows *t, double shrinkage)
{
    double total = 0.0;
    for (size_t c = 0; c < t->k; c++)
        total += t->weight.data[c];
    if (shrinkage == 0.0 && !(total > (double)t->present))
        return MLK_FAIL(MLK_EINVAL,
                        "%zu rows of weight %g in %zu classes; expected more than one a class",
                        t->n, total, t->present);
    return MLK_OK;
}

static mlk_status fit_rows(class_rows *t, const mlk_lda_opts *o, const mlk_run *run,
                           mlk_lda **model)
{
    const size_t p = t->p;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat W = mlk_scratch_mat(&scratch, p, p);
    const mlk_vec ridge = mlk_scratch_vec(&scratch, p), target = mlk_scratch_vec(&scratch, p);
    const mlk_vec zeros = mlk_scratch_vec(&scratch, p), found = mlk_scratch_vec(&scratch, t->k);
    const mlk_run inner = mlk_run_inner(run);
    size_t rank = 0;
    double log_det;
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a %zu x %zu matrix", p, p) : MLK_OK;
    if (st == MLK_OK)
        st = share_covariance(t, o, &inner, found, target, ridge);
    if (st == MLK_OK) {
        centre_rows(t);
        for (size_t j = 0; j < p; j++)
            zeros.data[j] = 0.0;
        const mlk_cvec none = {NULL, 0};
        st = mlk_whiten(mlk_mat_c(t->X), mlk_vec_c(t->w), mlk_vec_c(zeros),
                        o->shrinkage != 0.0 ? mlk_vec_c(ridge) : none, o->tol, &inner, W, &rank,
                        &log_det);
    }
    if (st == MLK_OK && !rank)
        st = MLK_FAIL(MLK_ESINGULAR, "no column varies within the classes");
    if (st == MLK_OK)
        st = set_model(t, (mlk_cmat){W.data, p, rank, p}, o, mlk_vec_c(found), model);
    if (st == MLK_OK)
        (*model)->rank = rank;
    if (st == MLK_OK && rank < p)
        mlk_run_warn(run,
                     "lda: the %zu columns have rank %zu within the classes; what differs between "
                     "classes alone is left out (shrinkage > 0 keeps it)",
                     p, rank);
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_lda_fit(const mlk_data *data, const mlk_lda_opts *opts, const mlk_run *run,
                       mlk_lda **model)
{
    const mlk_lda_opts o = opts ? *opts : mlk_lda_opts_default();
    class_rows t;
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_CLASSES, run));
    mlk_status st = class_rows_init(data, o.priors, run, &t);
    if (st == MLK_OK)
        st = check_rows(&t, o.shrinkage);
    if (st == MLK_OK)
        st = fit_rows(&t, &o, run, model);
    class_rows_release(&t);
    if (st != MLK_OK) {
        mlk_lda_free(*model);
        *model = NULL;
    }
    return st;
}

/* --------------------------------------------------------------------- prediction */

static void score(const void *state, mlk_cmat X, double *room, mlk_mat out)
{
    const mlk_lda *m = state;
    (void)room;
    mlk_gemm(MLK_NO_TRANS, MLK_TRANS, 1.0, X, mlk_mat_c(m->coef), 0.0, out);
    for (size_t c = 0; c < m->classes.k; c++) {
        const double b = gaussians_constant(&m->classes, c);
        for (size_t i = 0; i < out.rows; i++)
            out.data[i * out.ld + c] += b;
    }
}

static discriminant scorer(const mlk_lda *m) { return (discriminant){&m->classes, 0, score, m}; }

mlk_status mlk_lda_predict(const mlk_lda *m, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const discriminant d = scorer(m);
    return discriminant_predict(&d, X, run, out);
}

mlk_status mlk_lda_predict_proba(const mlk_lda *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const discriminant d = scorer(m);
    return discriminant_proba(&d, X, run, out);
}

mlk_status mlk_lda_decision(const mlk_lda *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    const discriminant d = scorer(m);
    return discriminant_decision(&d, X, run, out);
}

mlk_status mlk_lda_transform(const mlk_lda *m, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, m->classes.p, out.rows));
    mlk_vec shift = {mlk_alloc(m->components, sizeof(double)), m->components};
    if (!shift.data)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu components", m->components);
    mlk_gemv(MLK_TRANS, 1.0, mlk_mat_c(m->scalings), mlk_vec_c(m->centre), 0.0, shift);
    const mlk_status st = mlk_gemm_rows(X, MLK_NO_TRANS, mlk_mat_c(m->scalings), run, out);
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        for (size_t c = 0; c < m->components; c++)
            out.data[i * out.ld + c] -= shift.data[c];
    mlk_free(shift.data);
    return st;
}

mlk_cmat mlk_lda_coef(const mlk_lda *m) { return mlk_mat_c(m->coef); }
mlk_cmat mlk_lda_means(const mlk_lda *m) { return mlk_mat_c(m->classes.mean); }
mlk_cvec mlk_lda_priors(const mlk_lda *m) { return mlk_vec_c(m->classes.prior); }
mlk_cmat mlk_lda_scalings(const mlk_lda *m) { return mlk_mat_c(m->scalings); }
mlk_cvec mlk_lda_ratio(const mlk_lda *m) { return mlk_vec_c(m->ratio); }
size_t mlk_lda_rank(const mlk_lda *m) { return m->rank; }

/* --------------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_lda *m;
    const mlk_status st = mlk_lda_fit(data, opts, run, &m);
    *state = m;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_lda_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_lda_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_lda_decision(state, X, run, out);
}

static mlk_status algo_transform(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_lda_transform(state, X, run, out);
}

static size_t algo_n_components(const void *state) { return ((const mlk_lda *)state)->components; }

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_lda *m = state;
    gaussians_save(&m->classes, to);
    mlk_doc_put_mat(to, "coef", mlk_mat_c(m->coef));
    mlk_doc_put_vec(to, "xbar", mlk_vec_c(m->centre));
    mlk_doc_put_mat(to, "scalings", mlk_mat_c(m->scalings));
    mlk_doc_put_vec(to, "explained_variance_ratio", mlk_vec_c(m->ratio));
}

static mlk_status load_values(const mlk_doc *from, mlk_lda *m)
{
    mlk_cmat coef, scalings;
    mlk_cvec centre, ratio;
    MLK_TRY(gaussians_load(from, &m->classes));
    MLK_TRY(mlk_doc_get_mat(from, "coef", m->classes.k, m->classes.p, &coef));
    MLK_TRY(mlk_doc_get_vec(from, "xbar", m->classes.p, &centre));
    MLK_TRY(mlk_doc_get_mat(from, "scalings", m->classes.p, m->components, &scalings));
    MLK_TRY(mlk_doc_get_vec(from, "explained_variance_ratio", m->components, &ratio));
    mlk_copy(coef, m->coef);
    mlk_copy(scalings, m->scalings);
    for (size_t j = 0; j < m->classes.p; j++)
        m->centre.data[j] = centre.data[j];
    for (size_t c = 0; c < m->components; c++)
        m->ratio.data[c] = ratio.data[c];
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_doc_array shape;
    mlk_cmat coef;
    mlk_lda *m;
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "lda without classes");
    /* The sizes of what is there bound what is allocated. */
    MLK_TRY(mlk_doc_get_mat(from, "coef", n_classes, n_features, &coef));
    MLK_TRY(mlk_doc_get_array(from, "scalings", MLK_F64, &shape));
    if (shape.rows != n_features || shape.cols < 1 || shape.cols > n_classes)
        return MLK_FAIL(MLK_EFORMAT, "'scalings' is %zu x %zu", shape.rows, shape.cols);
    mlk_status st = model_new(n_features, n_classes, shape.cols, &m);
    if (st == MLK_OK)
        st = load_values(from, m);
    if (st == MLK_OK)
        *state = m;
    else
        mlk_lda_free(m);
    return st;
}

/* As scikit-learn has them: for two classes the difference. */
static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_lda *m = state;
    const size_t rows = m->classes.k == 2 ? 1 : m->classes.k;
    double *coef = mlk_doc_put_room(to, "coef", MLK_F64, rows, m->classes.p);
    double *intercept = mlk_doc_put_room(to, "intercept", MLK_F64, rows, 0);
    for (size_t c = 0; coef && intercept && c < rows; c++) {
        const size_t of = m->classes.k == 2 ? 1 : c;
        intercept[c] = gaussians_constant(&m->classes, of);
        if (m->classes.k == 2)
            intercept[c] -= gaussians_constant(&m->classes, 0);
        for (size_t j = 0; j < m->classes.p; j++)
            coef[c * m->classes.p + j] =
                m->coef.data[of * m->classes.p + j] - (m->classes.k == 2 ? m->coef.data[j] : 0.0);
    }
    gaussians_learned(&m->classes, to);
    mlk_doc_put_vec(to, "xbar", mlk_vec_c(m->centre));
    mlk_doc_put_mat(to, "scalings", mlk_mat_c(m->scalings));
    mlk_doc_put_vec(to, "explained_variance_ratio", mlk_vec_c(m->ratio));
}

static mlk_status algo_codegen(const void *state, mlk_codegen *to)
{
    const mlk_lda *m = state;
    double *b = mlk_alloc(m->classes.k, sizeof *b);
    if (!b)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", m->classes.k);
    for (size_t c = 0; c < m->classes.k; c++)
        b[c] = gaussians_constant(&m->classes, c);
    mlk_codegen_affine(to, "", mlk_mat_c(m->coef), (mlk_cvec){b, m->classes.k});
    mlk_free(b);
    return MLK_OK;
}

static void algo_free(void *state) { mlk_lda_free(state); }

const mlk_algo mlk_lda_algo = {
    .name = "lda",
    .help = "linear discriminant analysis: gaussian classes of one covariance",
    .tasks = MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS,
    .opts_size = sizeof(mlk_lda_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .transform = algo_transform,
    .n_components = algo_n_components,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .codegen = algo_codegen,
    .free = algo_free,
};
