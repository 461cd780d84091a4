#include <mlkit/svm/svc.h>

#include <mlkit/model/calibration.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "core/status.h"
#include "model/algo.h"
#include "svm/classes.h"
#include "svm/common.h"
#include "svm/libsvm.h"
#include "svm/machine.h"

struct mlk_svc {
    mlk_machine machine;
    int multi_class;
    size_t k, n_machines;
    double *bias;               /* n_machines */
    size_t *support;            /* n_sv: training rows; NULL when loaded */
    mlk_calibrator *calibrator; /* NULL: no probabilities */
    mlk_svm_info info;
};

static const mlk_word multi_words[] = {{"ovo", MLK_SVC_OVO}, {"ovr", MLK_SVC_OVR}, {NULL, 0}};
static const mlk_word calibration_words[] = {
    {"sigmoid", MLK_SVM_SIGMOID}, {"isotonic", MLK_SVM_ISOTONIC}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    SVM_KERNEL_OPTIONS(mlk_svc_opts),
    MLK_OPT_REAL_OPEN(mlk_svc_opts, C, 1.0, 0.0, INFINITY, "weight of the losses"),
    MLK_OPT_REAL_WORDS(mlk_svc_opts, nu, MLK_SVM_NO_NU, 0.0, 1.0, true, mlk_svm_nu_words,
                       "share of support vectors at least, of margin errors at most; C unused"),
    SVM_SOLVER_OPTIONS(mlk_svc_opts),
    MLK_OPT_WORD(mlk_svc_opts, class_weight, MLK_SVM_UNIFORM, mlk_svm_class_weight_words,
                 "balanced: the same total weight for each class"),
    MLK_OPT_BOOL(mlk_svc_opts, probability, false, "calibrate class probabilities"),
    MLK_OPT_WORD(mlk_svc_opts, calibration, MLK_SVM_SIGMOID, calibration_words,
                 "from decision values to probabilities"),
    MLK_OPT_WORD(mlk_svc_opts, multi_class, MLK_SVC_OVO, multi_words,
                 "a machine a pair of classes, or a class"),
    MLK_OPT_INT(mlk_svc_opts, seed, 0, -INFINITY, INFINITY, "of the calibration's folds"),
    MLK_OPT_END,
};

mlk_svc_opts mlk_svc_opts_default(void)
{
    mlk_svc_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* --------------------------------------------------------------------------------- model */

/* One-versus-one keeps the vectors of each class apart. */
static size_t n_blocks_of(size_t k, int multi_class)
{
    return k > 2 && multi_class == MLK_SVC_OVO ? k : 1;
}

static bool any_nonzero(const double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] != 0.0)
            return true;
    return false;
}

/* The vectors with a coefficient, in order of class and row. */
static mlk_status fill_machine(mlk_svc *fit, const svc_rows *rows, const svc_solution *s,
                               const mlk_kernel *kernel, mlk_cmat X)
{
    mlk_machine *m = &fit->machine;
    const size_t blocks = n_blocks_of(fit->k, fit->multi_class);
    MLK_TRY(mlk_machine_init(m, kernel, X.cols, s->info.n_sv, blocks, s->width));
    fit->support = mlk_alloc(s->info.n_sv, sizeof *fit->support);
    if (!fit->support)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu support vectors", s->info.n_sv);
    size_t at = 0;
    for (size_t c = 0; c < fit->k; c++) {
        if (blocks > 1)
            m->starts[c] = at;
        for (size_t i = rows->starts[c]; i < rows->starts[c + 1]; i++) {
            const double *coef = s->coef + i * s->width;
            if (!any_nonzero(coef, s->width))
                continue;
            mlk_machine_set_vector(m, at, X, rows->order[i]);
            memcpy(m->coef + at * s->width, coef, s->width * sizeof *coef);
            fit->support[at++] = rows->order[i];
        }
    }
    mlk_machine_finish(m);
    return MLK_OK;
}

static mlk_status build(const svc_rows *rows, const svc_solution *s, const mlk_svc_opts *o,
                        const mlk_kernel *kernel, mlk_cmat X, mlk_svc **model)
{
    mlk_svc *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    fit->k = rows->k;
    fit->multi_class = o->multi_class;
    fit->n_machines = s->n_machines;
    fit->info = s->info;
    fit->bias = mlk_alloc(s->n_machines, sizeof *fit->bias);
    const mlk_status st = fit->bias ? fill_machine(fit, rows, s, kernel, X)
                                    : MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    if (st != MLK_OK) {
        mlk_svc_free(fit);
        return st;
    }
    memcpy(fit->bias, s->bias, s->n_machines * sizeof *fit->bias);
    *model = fit;
    return MLK_OK;
}

/* Options that share kernel and machines, in the order in which C rises. */
static mlk_status fit_alike(const mlk_data *data, const mlk_svc_opts *const *opts, size_t n,
                            const mlk_kernel *kernel, const mlk_run *run, mlk_svc **models)
{
    svc_rows rows;
    svc_solution *solutions = mlk_alloc_zero(n, sizeof *solutions);
    if (!solutions)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu solutions", n);
    mlk_status st = mlk_svc_rows_init(&rows, data, kernel->kind == MLK_KERNEL_PRECOMPUTED);
    if (st == MLK_OK) {
        st = mlk_svc_train(&rows, opts, n, kernel, run, solutions);
        for (size_t j = 0; st == MLK_OK && j < n; j++) {
            st = build(&rows, &solutions[j], opts[j], kernel, data->X, &models[j]);
            if (st == MLK_OK)
                mlk_svm_warn(&solutions[j].info, opts[j]->tol, data->X, run);
        }
    }
    for (size_t j = 0; j < n; j++)
        mlk_svc_solution_free(&solutions[j]);
    mlk_svc_rows_free(&rows);
    mlk_free(solutions);
    return st;
}

static mlk_status check(const mlk_data *data, const mlk_svc_opts *o, const mlk_run *run)
{
    MLK_TRY(mlk_opts_check(opt_table, o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_WEIGHTS, MLK_NEED_TARGET | MLK_NEED_CLASSES, run));
    if (o->nu != MLK_SVM_NO_NU && o->multi_class == MLK_SVC_OVR && data->n_classes > 2)
        return MLK_FAIL(MLK_EINVAL, "nu with multi_class = ovr; expected ovo");
    return MLK_OK;
}

static mlk_decision_layout layout_of(size_t k, int multi_class)
{
    return k == 2                       ? MLK_DECISIONS_BINARY
           : multi_class == MLK_SVC_OVR ? MLK_DECISIONS_CLASS
                                        : MLK_DECISIONS_PAIR;
}

/* The maps to probabilities, if they are wanted; gamma as on all rows. */
static mlk_status calibrate(const mlk_data *data, const mlk_svc_opts *o, const mlk_kernel *kernel,
                            const mlk_run *run, mlk_svc *fit)
{
    mlk_svc_opts inner = *o;
    if (!o->probability)
        return MLK_OK;
    inner.probability = false;
    inner.gamma = kernel->gamma;
    const mlk_calibrator_opts how = {.layout = layout_of(fit->k, fit->multi_class),
                                     .kind = o->calibration == MLK_SVM_ISOTONIC
                                                 ? MLK_CALIBRATION_ISOTONIC
                                                 : MLK_CALIBRATION_SIGMOID,
                                     .folds = 5,
                                     .seed = o->seed,
                                     .precomputed = o->kernel == MLK_KERNEL_PRECOMPUTED};
    return mlk_calibrator_fit_algo(&mlk_svc_algo, &inner, data, &how, run, &fit->calibrator);
}

/* Can both be trained in one go? */
static bool alike(const mlk_svc_opts *a, const mlk_kernel *ka, const mlk_svc_opts *b,
                  const mlk_kernel *kb)
{
    return memcmp(ka, kb, sizeof *ka) == 0 && a->multi_class == b->multi_class &&
           (a->nu == MLK_SVM_NO_NU) == (b->nu == MLK_SVM_NO_NU) &&
           a->class_weight == b->class_weight && a->cache_mb == b->cache_mb;
}

/* What one training takes: options that are alike, by rising C, and where their models go. */
typedef struct batch {
    const mlk_svc_opts **opts;
    size_t *index, n;
    mlk_svc **models;
    mlk_kernel *kernels; /* of all options */
    size_t *order;       /* of all options: by rising C */
} batch;

/* The options that are alike with the first, none of which has been fitted. */
static void collect(const void *const *opts, size_t n_opts, size_t first, batch *b)
{
    b->n = 0;
    for (size_t k = 0; k < n_opts; k++) {
        const size_t j = b->order[k];
        if (alike(opts[first], &b->kernels[first], opts[j], &b->kernels[j])) {
            b->models[b->n] = NULL;
            b->opts[b->n] = opts[j];
            b->index[b->n++] = j;
        }
    }
}

static mlk_status fit_batch(const mlk_data *data, const mlk_run *run, batch *b, void **states)
{
    const mlk_kernel *kernel = &b->kernels[b->index[0]];
    mlk_status st = fit_alike(data, b->opts, b->n, kernel, run, b->models);
    for (size_t j = 0; j < b->n; j++)
        states[b->index[j]] = b->models[j];
    for (size_t j = 0; st == MLK_OK && j < b->n; j++)
        st = calibrate(data, b->opts[j], kernel, run, b->models[j]);
    return st;
}

static mlk_status check_grid(const mlk_data *data, const void *const *opts, size_t n_opts,
                             const mlk_run *run, mlk_kernel *kernels, double *C)
{
    for (size_t j = 0; j < n_opts; j++) {
        const mlk_svc_opts *o = opts[j];
        MLK_TRY(check(data, o, run));
        MLK_TRY(mlk_svm_kernel(o->kernel, o->gamma, o->degree, o->coef0, data->X, &kernels[j]));
        C[j] = o->C;
    }
    return MLK_OK;
}

/* States that were made before a failure are freed here. */
static mlk_status fit_grid(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, void **states)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    batch b = {.opts = mlk_scratch_take(&scratch, n_opts, sizeof *b.opts),
               .index = mlk_scratch_take(&scratch, n_opts, sizeof *b.index),
               .models = mlk_scratch_take(&scratch, n_opts, sizeof(mlk_svc *)),
               .kernels = mlk_scratch_take(&scratch, n_opts, sizeof *b.kernels),
               .order = mlk_scratch_take(&scratch, n_opts, sizeof *b.order)};
    const mlk_vec C = mlk_scratch_vec(&scratch, n_opts);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu options", n_opts)
                                   : check_grid(data, opts, n_opts, run, b.kernels, C.data);
    for (size_t j = 0; j < n_opts; j++)
        states[j] = NULL;
    if (st == MLK_OK)
        st = mlk_argsort(C.data, n_opts, b.order);
    for (size_t j = 0; st == MLK_OK && j < n_opts; j++)
        if (!states[j]) {
            collect(opts, n_opts, j, &b);
            st = fit_batch(data, run, &b, states);
        }
    for (size_t j = 0; st != MLK_OK && j < n_opts; j++) {
        mlk_svc_free(states[j]);
        states[j] = NULL;
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_svc_fit(const mlk_data *data, const mlk_svc_opts *opts, const mlk_run *run,
                       mlk_svc **model)
{
    const mlk_svc_opts o = opts ? *opts : mlk_svc_opts_default();
    const void *const one[] = {&o};
    void *state = NULL;
    const mlk_status st = fit_grid(data, one, 1, run, &state);
    *model = state;
    return st;
}

void mlk_svc_free(mlk_svc *model)
{
    if (!model)
        return;
    mlk_machine_free(&model->machine);
    mlk_free(model->bias);
    mlk_free(model->support);
    mlk_calibrator_free(model->calibrator);
    mlk_free(model);
}

/* ---------------------------------------------------------------------------- prediction */

typedef struct decisions {
    const mlk_svc *model;
    mlk_mat out;
} decisions;

static void emit_decisions(void *ctx, size_t row, const double *sums)
{
    const decisions *d = ctx;
    const mlk_svc *m = d->model;
    double *out = d->out.data + row * d->out.ld;
    const size_t width = m->machine.width;
    if (m->machine.n_blocks == 1) {
        for (size_t v = 0; v < width; v++)
            out[v] = sums[v] + m->bias[v];
        return;
    }
    size_t pair = 0;
    for (size_t a = 0; a < m->k; a++)
        for (size_t b = a + 1; b < m->k; b++, pair++)
            out[pair] = sums[a * width + b - 1] + sums[b * width + a] + m->bias[pair];
}

mlk_status mlk_svc_decision(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    decisions d = {model, out};
    MLK_TRY(mlk_predict_check(X, model->machine.p, out.rows));
    if (out.cols != model->n_machines)
        return MLK_FAIL(MLK_EINVAL, "the output has %zu columns; expected %zu", out.cols,
                        model->n_machines);
    return mlk_machine_apply(&model->machine, X, run, emit_decisions, &d);
}

/* The class that decision values speak for. */
static size_t winner(const mlk_svc *m, const double *decision, size_t *votes)
{
    size_t best = 0, pair = 0;
    if (m->k == 2)
        return decision[0] > 0.0;
    if (m->multi_class == MLK_SVC_OVR) {
        for (size_t c = 1; c < m->k; c++)
            best = decision[c] > decision[best] ? c : best;
        return best;
    }
    memset(votes, 0, m->k * sizeof *votes);
    for (size_t a = 0; a < m->k; a++)
        for (size_t b = a + 1; b < m->k; b++, pair++)
            votes[decision[pair] > 0.0 ? a : b]++;
    for (size_t c = 1; c < m->k; c++)
        best = votes[c] > votes[best] ? c : best;
    return best;
}

enum { PREDICT_ROWS = 4096 }; /* decision values held at a time */

/* The most probable class, the first among equals. */
static size_t most_probable(const double *p, size_t k)
{
    size_t best = 0;
    for (size_t c = 1; c < k; c++)
        best = p[c] > p[best] ? c : best;
    return best;
}

/* Decision values of some rows, and from them labels or probabilities (p.data NULL: no need). */
static mlk_status predict_block(const mlk_svc *m, mlk_cmat X, const mlk_run *run, mlk_mat values,
                                size_t *votes, mlk_mat p, double *label)
{
    MLK_TRY(mlk_svc_decision(m, X, run, values));
    if (m->calibrator)
        MLK_TRY(mlk_calibrator_proba(m->calibrator, mlk_mat_c(values), run, p));
    for (size_t i = 0; label && i < X.rows; i++)
        label[i] = (double)(m->calibrator ? most_probable(p.data + i * p.ld, m->k)
                                          : winner(m, values.data + i * values.ld, votes));
    return MLK_OK;
}

/* Labels, or probabilities when `proba` has data. */
static mlk_status predict(const mlk_svc *m, mlk_cmat X, const mlk_run *run, mlk_mat proba,
                          double *labels)
{
    const size_t block = X.rows < PREDICT_ROWS ? X.rows : PREDICT_ROWS;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat values = mlk_scratch_mat(&scratch, block, m->n_machines);
    const mlk_mat own = mlk_scratch_mat(&scratch, proba.data ? 0 : block, m->k);
    size_t *votes = mlk_scratch_take(&scratch, m->k, sizeof *votes);
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu decision values",
                                              block * m->n_machines)
                                   : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < X.rows; i += block) {
        const size_t end = X.rows - i < block ? X.rows : i + block;
        const mlk_mat p = proba.data ? mlk_mat_rows(proba, i, end) : mlk_mat_rows(own, 0, end - i);
        st = predict_block(m, mlk_cmat_rows(X, i, end), run, mlk_mat_rows(values, 0, end - i),
                           votes, p, labels ? labels + i : NULL);
    }
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status mlk_svc_predict(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    MLK_TRY(mlk_predict_check(X, model->machine.p, out.n));
    return predict(model, X, run, (mlk_mat){NULL, 0, 0, 0}, out.data);
}

mlk_status mlk_svc_predict_proba(const mlk_svc *model, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    MLK_TRY(mlk_predict_check(X, model->machine.p, out.rows));
    if (!model->calibrator)
        return MLK_FAIL(MLK_EUNSUPPORTED, "svc was fitted without probability = true");
    return predict(model, X, run, out, NULL);
}

size_t mlk_svc_n_decisions(const mlk_svc *model) { return model->n_machines; }
mlk_cvec mlk_svc_intercept(const mlk_svc *model)
{
    return (mlk_cvec){model->bias, model->n_machines};
}
size_t mlk_svc_support(const mlk_svc *model, size_t s) { return model->support[s]; }
mlk_cmat mlk_svc_dual_coef(const mlk_svc *model)
{
    const mlk_machine *m = &model->machine;
    return (mlk_cmat){m->coef, m->n_sv, m->width, m->width};
}
mlk_svm_info mlk_svc_info(const mlk_svc *model) { return model->info; }

libsvm_view mlk_svc_view(const mlk_svc *model)
{
    return (libsvm_view){.type = "c_svc",
                         .machine = &model->machine,
                         .bias = mlk_svc_intercept(model),
                         .k = model->k,
                         .ovr = model->k > 2 && model->multi_class == MLK_SVC_OVR,
                         .calibrator = model->calibrator};
}

/* ---------------------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_svc *fit;
    const mlk_status st = mlk_svc_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_fit_many(const mlk_data *data, const void *const *opts, size_t n_opts,
                                const mlk_run *run, void **states)
{
    return fit_grid(data, opts, n_opts, run, states);
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_svc_predict(state, X, run, out);
}

static mlk_status algo_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_svc_predict_proba(state, X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_svc_decision(state, X, run, out);
}

static size_t algo_n_decisions(const void *state) { return mlk_svc_n_decisions(state); }

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_svc *fit = state;
    mlk_doc_put_text(to, "multi_class", multi_words[fit->multi_class].name);
    mlk_doc_put_vec(to, "intercept", mlk_svc_intercept(fit));
    mlk_machine_save(&fit->machine, to);
    if (fit->calibrator)
        mlk_calibrator_save(fit->calibrator, mlk_doc_put_map(to, "calibration"));
}

static mlk_status load_into(mlk_svc *fit, const mlk_doc *from, size_t n_features)
{
    const char *multi;
    mlk_cvec bias;
    MLK_TRY(mlk_doc_get_text(from, "multi_class", &multi));
    if (strcmp(multi, "ovo") != 0 && strcmp(multi, "ovr") != 0)
        return MLK_FAIL(MLK_EFORMAT, "'multi_class' = '%s'; expected ovo or ovr", multi);
    fit->multi_class = strcmp(multi, "ovr") == 0 ? MLK_SVC_OVR : MLK_SVC_OVO;
    fit->n_machines = svc_n_machines(fit->k, fit->multi_class);
    MLK_TRY(mlk_doc_get_vec(from, "intercept", fit->n_machines, &bias));
    fit->bias = mlk_alloc(bias.n, sizeof *fit->bias);
    if (!fit->bias)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu machines", bias.n);
    memcpy(fit->bias, bias.data, bias.n * sizeof *fit->bias);
    MLK_TRY(mlk_machine_load(&fit->machine, from, n_features, n_blocks_of(fit->k, fit->multi_class),
                             svc_width(fit->k, fit->multi_class)));
    const mlk_doc *calibration = mlk_doc_find(from, "calibration");
    return calibration ? mlk_calibrator_load(calibration, fit->k,
                                             layout_of(fit->k, fit->multi_class), &fit->calibrator)
                       : MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    if (n_classes < 2)
        return MLK_FAIL(MLK_EFORMAT, "svc with %zu classes; expected at least 2", n_classes);
    mlk_svc *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    fit->k = n_classes;
    const mlk_status st = load_into(fit, from, n_features);
    if (st != MLK_OK) {
        mlk_svc_free(fit);
        return st;
    }
    *state = fit;
    return MLK_OK;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_svc *fit = state;
    mlk_doc_put_vec(to, "intercept", mlk_svc_intercept(fit));
    mlk_doc_put_int(to, "n_support_vectors", (int64_t)fit->machine.n_sv);
    mlk_doc_put_mat(to, "dual_coef", mlk_svc_dual_coef(fit));
    if (fit->support)
        mlk_machine_put_rows(to, fit->support, fit->machine.n_sv);
    mlk_svm_info_learned(&fit->info, to);
}

static mlk_fit_info algo_info(const void *state)
{
    return mlk_svm_fit_info(&((const mlk_svc *)state)->info);
}
static void algo_free(void *state) { mlk_svc_free(state); }

const mlk_algo mlk_svc_algo = {
    .name = "svc",
    .help = "support vector classification with a kernel",
    .tasks = MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_SEED | MLK_CAP_CONVEX,
    .prep = {.scale = "standard"},
    .opts_size = sizeof(mlk_svc_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .fit_many = algo_fit_many,
    .predict = algo_predict,
    .predict_proba = algo_proba,
    .decision = algo_decision,
    .n_decisions = algo_n_decisions,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
