#include <mlkit/selection/path.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/parallel.h"
#include "core/status.h"
#include "core/strbuf.h"

struct mlk_cv_path {
    char *name;
    mlk_path_rule rule;
    size_t n, splits, min, one_se;
    double *values, *means, *sds; /* n each */
    mlk_grid *grid;
    mlk_cv *cv; /* of the chosen value, all metrics */
    mlk_scratch memory;
};

mlk_path_opts mlk_path_opts_default(void)
{
    return (mlk_path_opts){.rule = MLK_PATH_MIN, .max_values = 100, .beta = 1.0};
}

static mlk_status no_memory(void) { return MLK_FAIL(MLK_ENOMEM, "no memory for a path"); }

/* The values as a grid of one axis: numbers survive the way through text. */
static mlk_status make_grid(const mlk_pipeline_opts *base, mlk_cv_path *p)
{
    mlk_strbuf spec = MLK_STRBUF_INIT;
    mlk_strbuf_printf(&spec, "%s=", p->name);
    for (size_t i = 0; i < p->n; i++) {
        char text[MLK_REAL_CHARS];
        mlk_format_real(p->values[i], text);
        mlk_strbuf_printf(&spec, "%s%s", i ? ":" : "", text);
    }
    const char *const specs[] = {spec.text};
    const mlk_status st = spec.failed ? no_memory() : mlk_grid_new(base, specs, 1, &p->grid);
    mlk_strbuf_free(&spec);
    return st;
}

static mlk_status propose(const mlk_pipeline_opts *base, const char *name, const mlk_data *data,
                          const mlk_path_opts *o, const mlk_run *run, mlk_cv_path *p)
{
    const size_t cap = o->max_values;
    if (cap < 1 || cap > 100000)
        return MLK_FAIL(MLK_EINVAL, "max_values = %zu; expected 1 to 100000", cap);
    if (!base->algo)
        return MLK_FAIL(MLK_EINVAL, "a path needs an algorithm");
    if (!mlk_opts_find(base->algo->opts, name)) /* says so, with the nearest name */
        return mlk_opts_parse(base->algo->opts, base->algo->name, name, "", NULL);
    const size_t bytes = strlen(name) + 1;
    p->name = mlk_scratch_take(&p->memory, bytes, 1);
    p->values = mlk_scratch_take(&p->memory, cap, sizeof(double));
    p->means = mlk_scratch_take(&p->memory, cap, sizeof(double));
    p->sds = mlk_scratch_take(&p->memory, cap, sizeof(double));
    if (p->memory.failed)
        return no_memory();
    memcpy(p->name, name, bytes);
    MLK_TRY(mlk_pipeline_algo.path(data, base, name, run, cap, p->values, &p->n));
    if (p->n == 0)
        return MLK_FAIL(MLK_EINVAL, "the path of %s is empty", name);
    return make_grid(base, p);
}

/* Means and deviations of all values; which are best, and simplest within one standard error. */
static mlk_status choose(const mlk_cv *cv, mlk_cv_path *p)
{
    const double sign = mlk_cv_metric(cv, 0)->greater_is_better ? -1.0 : 1.0;
    double best = INFINITY;
    p->splits = mlk_cv_splits(cv);
    p->min = SIZE_MAX;
    for (size_t i = 0; i < p->n; i++) {
        const mlk_cv_summary s = mlk_cv_summarise(cv, i, 0);
        p->means[i] = s.mean;
        p->sds[i] = s.sd;
        if (sign * s.mean < best) {
            best = sign * s.mean;
            p->min = i;
        }
    }
    if (p->min == SIZE_MAX) {
        const char *failure = mlk_cv_failure(cv, 0, 0);
        return MLK_FAIL(MLK_EINVAL, "no value of %s can be scored%s%s", p->name,
                        failure ? ": " : "", failure ? failure : "");
    }
    const double sd = p->sds[p->min], se = isnan(sd) ? 0.0 : sd / sqrt((double)p->splits);
    for (p->one_se = 0; !(sign * p->means[p->one_se] <= best + se);)
        p->one_se++;
    return MLK_OK;
}

static mlk_status cross_validate(const mlk_data *data, const mlk_folds *folds,
                                 const mlk_path_opts *o, const mlk_run *run, mlk_cv_path *p)
{
    const char *standard = data->n_classes ? "error" : "mse";
    const char *scoring = o->scoring ? o->scoring : standard;
    mlk_cv_opts all = mlk_cv_opts_default(), one = all;
    mlk_cv *cv;
    one.metrics = &scoring;
    one.n_metrics = 1;
    one.beta = all.beta = o->beta;
    all.scoring = scoring;
    mlk_candidate *candidates = mlk_alloc(p->n, sizeof *candidates);
    if (!candidates)
        return no_memory();
    for (size_t i = 0; i < p->n; i++)
        candidates[i] = (mlk_candidate){&mlk_pipeline_algo, mlk_grid_at(p->grid, i)};
    mlk_status st = mlk_cross_validate(candidates, p->n, data, folds, &one, run, &cv);
    if (st == MLK_OK) {
        st = choose(cv, p);
        mlk_cv_free(cv);
    }
    const mlk_run inner = mlk_run_inner(run);
    if (st == MLK_OK)
        st = mlk_cross_validate(&candidates[mlk_cv_path_chosen(p)], 1, data, folds, &all, &inner,
                                &p->cv);
    mlk_free(candidates);
    return st;
}

mlk_status mlk_cv_path_run(const mlk_pipeline_opts *base, const char *name, const mlk_data *data,
                           const mlk_folds *folds, const mlk_path_opts *opts, const mlk_run *run,
                           mlk_cv_path **path)
{
    const mlk_path_opts o = opts ? *opts : mlk_path_opts_default();
    *path = NULL;
    if (o.rule > MLK_PATH_1SE)
        return MLK_FAIL(MLK_EINVAL, "rule = %d is unknown", (int)o.rule);
    mlk_cv_path *p = mlk_alloc_zero(1, sizeof *p);
    if (!p)
        return no_memory();
    p->rule = o.rule;
    const mlk_run inner =
        mlk_run_inner(run); /* the splits report progress, the proposal does not */
    mlk_status st = propose(base, name, data, &o, &inner, p);
    if (st == MLK_OK)
        st = cross_validate(data, folds, &o, run, p);
    if (st == MLK_OK)
        *path = p;
    else
        mlk_cv_path_free(p);
    return st;
}

void mlk_cv_path_free(mlk_cv_path *p)
{
    if (!p)
        return;
    mlk_grid_free(p->grid);
    mlk_cv_free(p->cv);
    mlk_scratch_release(&p->memory);
    mlk_free(p);
}

size_t mlk_cv_path_size(const mlk_cv_path *p) { return p->n; }
mlk_cvec mlk_cv_path_values(const mlk_cv_path *p) { return (mlk_cvec){p->values, p->n}; }
mlk_cvec mlk_cv_path_means(const mlk_cv_path *p) { return (mlk_cvec){p->means, p->n}; }
mlk_cvec mlk_cv_path_sds(const mlk_cv_path *p) { return (mlk_cvec){p->sds, p->n}; }
size_t mlk_cv_path_min(const mlk_cv_path *p) { return p->min; }
size_t mlk_cv_path_1se(const mlk_cv_path *p) { return p->one_se; }
size_t mlk_cv_path_chosen(const mlk_cv_path *p)
{
    return p->rule == MLK_PATH_MIN ? p->min : p->one_se;
}
const mlk_pipeline_opts *mlk_cv_path_at(const mlk_cv_path *p, size_t i)
{
    return mlk_grid_at(p->grid, i);
}
const mlk_cv *mlk_cv_path_cv(const mlk_cv_path *p) { return p->cv; }

void mlk_cv_path_report(const mlk_cv_path *p, mlk_doc *to)
{
    mlk_cv_report(p->cv, 0, to);
    mlk_doc *map = mlk_doc_put_map(to, "path");
    mlk_doc_put_text(map, "name", p->name);
    mlk_doc_put_vec(map, "values", mlk_cv_path_values(p));
    mlk_doc_put_vec(map, "mean", mlk_cv_path_means(p));
    mlk_doc_put_vec(map, "sd", mlk_cv_path_sds(p));
    mlk_doc *se = mlk_doc_put_list(map, "se");
    for (size_t i = 0; i < p->n; i++)
        mlk_doc_put_real(se, NULL, p->sds[i] / sqrt((double)p->splits));
    mlk_doc_put_real(map, "min", p->values[p->min]);
    mlk_doc_put_real(map, "1se", p->values[p->one_se]);
    mlk_doc_put_text(map, "rule", p->rule == MLK_PATH_MIN ? "min" : "1se");
    mlk_doc_put_real(map, "chosen", p->values[mlk_cv_path_chosen(p)]);
}
