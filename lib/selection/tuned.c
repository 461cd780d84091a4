#include <mlkit/selection/tuned.h>

#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/parallel.h"
#include "core/status.h"
#include "core/strbuf.h"

enum { MAX_SPECS = 3, PATH_VALUES = 20 };

/* What is worth trying, from coarse to fine where there is an order: simplest models first, so that
 * ties go to them. `path`: the parameter whose values the data propose. */
static const struct {
    const char *algorithm, *path;
    const char *specs[MAX_SPECS];
} grids[] = {
    {"ridge", NULL, {"alpha=1000..0.001/13log"}},
    {"lasso", "alpha", {NULL}},
    {"elastic-net", "alpha", {"l1_ratio=0.9:0.5:0.1"}},
    {"sgd", NULL, {"alpha=0.01..0.000001/5log"}},
    {"logistic", NULL, {"C=0.0001..10000/9log"}},
    {"svc", NULL, {"C=0.1..1000/5log", "gamma=scale:0.001:0.01:0.1:1"}},
    {"svr", NULL, {"C=0.1..1000/5log", "gamma=scale:0.001:0.01:0.1:1"}},
    {"linear-svc", NULL, {"C=0.001..1000/7log"}},
    {"linear-svr", NULL, {"C=0.001..1000/7log"}},
    {"knn", NULL, {"n_neighbors=25:15:9:5:3:1", "weights=uniform:distance"}},
    {"naive-bayes", NULL, {"var_smoothing=0.1..0.000000001/5log"}},
    {"lda", NULL, {"shrinkage=0.9:0.5:0.2:0.05:0"}},
    {"qda", NULL, {"shrinkage=0.9:0.5:0.2:0.05:0"}},
    {"tree", NULL, {"max_depth=2:3:5:8:12", "min_samples_leaf=20:5:1"}},
    {"forest", NULL, {"max_features=sqrt:0.3:0.6:1.0", "min_samples_leaf=5:1"}},
    {"extra-trees", NULL, {"max_features=sqrt:0.3:0.6:1.0", "min_samples_leaf=5:1"}},
    {"adaboost", NULL, {"n_estimators=50:200", "learning_rate=0.1:0.5:1"}},
    {"gbdt", NULL, {"learning_rate=0.03:0.1:0.3", "max_leaves=7:15:31"}},
};

static size_t find_grid(const char *algorithm)
{
    size_t g = 0;
    while (g < MLK_COUNT(grids) && strcmp(grids[g].algorithm, algorithm) != 0)
        g++;
    return g;
}

const char *mlk_grid_auto_spec(const char *algorithm, size_t i)
{
    const size_t g = find_grid(algorithm);
    return g < MLK_COUNT(grids) && i < MAX_SPECS ? grids[g].specs[i] : NULL;
}

/* "alpha=v1:v2:..." with the values that the data propose, thinned to PATH_VALUES. */
static mlk_status path_spec(const mlk_pipeline_opts *base, const char *name, const mlk_data *data,
                            const mlk_run *run, mlk_strbuf *spec)
{
    double values[PATH_VALUES];
    size_t n;
    MLK_TRY(mlk_pipeline_algo.path(data, base, name, run, PATH_VALUES, values, &n));
    mlk_strbuf_printf(spec, "%s=", name);
    for (size_t i = 0; i < n; i++) {
        char text[MLK_REAL_CHARS];
        mlk_format_real(values[i], text);
        mlk_strbuf_printf(spec, "%s%s", i ? ":" : "", text);
    }
    return spec->failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a grid") : MLK_OK;
}

/* Is the name (up to its '=') one of the list? */
static bool is_fixed(const char *const *fixed, const char *name)
{
    const size_t n = strcspn(name, "=");
    for (; fixed && *fixed; fixed++)
        if (strlen(*fixed) == n && strncmp(*fixed, name, n) == 0)
            return true;
    return false;
}

/* The specs of a default grid that may vary; *path: is the path among them? */
static size_t free_specs(size_t g, const char *const *fixed, const char **specs, bool *path)
{
    size_t n = 0;
    *path = g < MLK_COUNT(grids) && grids[g].path && !is_fixed(fixed, grids[g].path);
    for (size_t i = 0; g < MLK_COUNT(grids) && i < MAX_SPECS && grids[g].specs[i]; i++)
        if (!is_fixed(fixed, grids[g].specs[i]))
            specs[n++] = grids[g].specs[i];
    return n;
}

bool mlk_grid_auto_any(const char *algorithm, const char *const *fixed)
{
    const char *specs[MAX_SPECS];
    bool path;
    return free_specs(find_grid(algorithm), fixed, specs, &path) || path;
}

mlk_status mlk_grid_auto(const mlk_pipeline_opts *base, const char *const *fixed,
                         const mlk_data *data, const mlk_run *run, mlk_grid **grid)
{
    const char *specs[MAX_SPECS + 1];
    bool with_path;
    mlk_strbuf path = MLK_STRBUF_INIT;
    mlk_status st = MLK_OK;
    *grid = NULL;
    if (!base->algo)
        return MLK_FAIL(MLK_EINVAL, "a grid needs an algorithm");
    const size_t g = find_grid(base->algo->name);
    size_t n = free_specs(g, fixed, specs, &with_path);
    if (with_path) {
        st = path_spec(base, grids[g].path, data, run, &path);
        specs[n++] = path.text;
    }
    if (st == MLK_OK)
        st = mlk_grid_new(base, specs, n, grid);
    mlk_strbuf_free(&path);
    return st;
}

/* --------------------------------------------------------------- algorithm */

typedef struct tuned {
    mlk_model *model; /* the pipeline */
    mlk_doc *chosen;
} tuned;

static const mlk_opt opt_table[] = {MLK_OPT_END};

mlk_tuned_opts mlk_tuned_opts_default(const mlk_pipeline_opts *base)
{
    return (mlk_tuned_opts){
        .base = base, .folds = mlk_folds_opts_default(), .search = mlk_search_opts_default()};
}

/* The best of the grid, fitted on all rows. */
static mlk_status search_and_fit(const mlk_grid *grid, const mlk_tuned_opts *o,
                                 const mlk_data *data, const mlk_run *run, tuned *out)
{
    mlk_folds *folds;
    mlk_search *search = NULL;
    size_t best = 0;
    MLK_TRY(mlk_folds_new(data, &o->folds, run, &folds));
    mlk_status st = MLK_OK;
    if (mlk_grid_size(grid) > 1) {
        st = mlk_search_run(grid, data, folds, &o->search, run, &search);
        if (st == MLK_OK)
            best = mlk_search_best(search);
    }
    if (st == MLK_OK)
        st = mlk_model_fit(&mlk_pipeline_algo, mlk_grid_at(grid, best), data, run, &out->model);
    if (st == MLK_OK) {
        out->chosen = mlk_doc_new();
        mlk_grid_params(grid, best, out->chosen);
        st = mlk_doc_check(out->chosen);
    }
    mlk_search_free(search);
    mlk_folds_free(folds);
    return st;
}

static void algo_free(void *state)
{
    tuned *t = state;
    if (!t)
        return;
    mlk_model_free(t->model);
    mlk_doc_free(t->chosen);
    mlk_free(t);
}

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    const mlk_tuned_opts *o = opts;
    mlk_grid *own = NULL;
    *state = NULL;
    if (!o->base)
        return MLK_FAIL(MLK_EINVAL, "there is no pipeline to tune");
    tuned *t = mlk_alloc_zero(1, sizeof *t);
    mlk_status st = t ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a tuned model");
    if (st == MLK_OK && !o->grid)
        st = mlk_grid_auto(o->base, o->fixed, data, run, &own);
    if (st == MLK_OK)
        st = search_and_fit(own ? own : o->grid, o, data, run, t);
    mlk_grid_free(own);
    if (st == MLK_OK)
        *state = t;
    else
        algo_free(t);
    return st;
}

static const mlk_model *inner(const void *state) { return ((const tuned *)state)->model; }

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_model_predict(inner(state), X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_model_predict_proba(inner(state), X, run, out);
}

static mlk_status algo_decision(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_model_decision(inner(state), X, run, out);
}

static size_t algo_n_decisions(const void *state) { return mlk_model_n_decisions(inner(state)); }
static void algo_save(const void *state, mlk_doc *to) { mlk_model_save(inner(state), to); }
static void algo_learned(const void *state, mlk_doc *to) { mlk_model_learned(inner(state), to); }
static mlk_fit_info algo_info(const void *state) { return mlk_model_info(inner(state)); }

const mlk_model *mlk_tuned_inner(const mlk_model *t) { return inner(mlk_model_state(t)); }

const mlk_doc *mlk_tuned_chosen(const mlk_model *t)
{
    return ((const tuned *)mlk_model_state(t))->chosen;
}

const mlk_algo mlk_tuned_algo = {
    .name = "tuned",
    .help = "a pipeline with parameters from an inner cross-validation",
    .tasks = MLK_REGRESSION | MLK_CLASSIFICATION,
    .caps = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL,
    .opts_size = sizeof(mlk_tuned_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .decision = algo_decision,
    .n_decisions = algo_n_decisions,
    .save = algo_save,
    .learned = algo_learned,
    .info = algo_info,
    .free = algo_free,
};
