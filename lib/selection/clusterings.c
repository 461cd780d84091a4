#include <mlkit/metrics/metric.h>
#include <mlkit/selection/clusterings.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/status.h"
#include "linalg/linalg.h"

/* A way to choose: by one of the figures, or by a rule over all k. */
typedef struct rule {
    const char *name;
    size_t offset; /* of the figure in mlk_clustering */
    double sign;   /* 1: the largest is best, -1: the smallest, 0: see the header */
} rule;

static const rule rules[] = {
    {"silhouette", offsetof(mlk_clustering, silhouette), 1.0},
    {"davies_bouldin", offsetof(mlk_clustering, davies_bouldin), -1.0},
    {"calinski_harabasz", offsetof(mlk_clustering, calinski_harabasz), 1.0},
    {"bic", offsetof(mlk_clustering, bic), -1.0},
    {"aic", offsetof(mlk_clustering, aic), -1.0},
    {"gap", offsetof(mlk_clustering, gap), 0.0},
    {"elbow", offsetof(mlk_clustering, inertia), 0.0},
};

struct mlk_clusterings {
    size_t n, chosen;
    const rule *rule;
    mlk_clustering item[]; /* n */
};

enum { GAP_VALUES = 100000 }; /* of a design for which the gap is computed unasked */

mlk_clusterings_opts mlk_clusterings_opts_default(void)
{
    return (mlk_clusterings_opts){.n_references = 20};
}

/* --------------------------------------------------------------------- the words */

/* k of each candidate; *over_k: the grid is over n_clusters and nothing else. */
static mlk_status read_grid(const mlk_grid *grid, double *k, bool *over_k)
{
    mlk_status st = MLK_OK;
    *over_k = true;
    for (size_t i = 0; st == MLK_OK && i < mlk_grid_size(grid); i++) {
        mlk_doc *params = mlk_doc_new();
        mlk_grid_params(grid, i, params);
        st = mlk_doc_check(params);
        const mlk_doc *value = mlk_doc_find(params, "n_clusters");
        *over_k = *over_k && value && mlk_doc_size(params) == 1;
        k[i] = mlk_doc_real(value);
        mlk_doc_free(params);
    }
    return st;
}

static mlk_status find_rule(const mlk_algo *algo, const char *scoring, bool over_k,
                            const rule **found)
{
    const char *names[MLK_COUNT(rules)];
    const bool mixture = strcmp(algo->name, "gmm") == 0;
    const char *word = scoring ? scoring : mixture ? "bic" : "silhouette";
    *found = NULL;
    for (size_t i = 0; i < MLK_COUNT(rules); i++) {
        names[i] = rules[i].name;
        if (strcmp(word, rules[i].name) == 0)
            *found = &rules[i];
    }
    if (!*found) {
        const char *near = mlk_nearest(word, names, MLK_COUNT(rules));
        return MLK_FAIL(MLK_EINVAL, "unknown rule '%s' for clusters; %s%s%s", word,
                        near ? "did you mean '"
                             : "expected silhouette, davies_bouldin, "
                               "calinski_harabasz, gap, elbow, bic or aic",
                        near ? near : "", near ? "'?" : "");
    }
    if ((*found)->sign == 0.0 && !over_k)
        return MLK_FAIL(MLK_EINVAL, "%s chooses among values of n_clusters alone", word);
    if (!mixture && (strcmp(word, "bic") == 0 || strcmp(word, "aic") == 0))
        return MLK_FAIL(MLK_EINVAL,
                        "%s has no %s; expected silhouette, davies_bouldin, "
                        "calinski_harabasz, gap or elbow",
                        algo->name, word);
    return MLK_OK;
}

/* ------------------------------------------------------------------- one clustering */

/* (1), and how many clusters and rows of noise there are. `sums`: n x (p + 1). */
static void find_inertia(mlk_cmat D, mlk_cvec w, mlk_cvec label, double *sums, mlk_clustering *out)
{
    const size_t p = D.cols;
    memset(sums, 0, D.rows * (p + 1) * sizeof *sums);
    out->n_clusters = out->n_noise = 0;
    for (size_t i = 0; i < D.rows; i++) {
        if (!(label.data[i] >= 0.0)) {
            out->n_noise += label.data[i] < 0.0;
            continue;
        }
        double *sum = sums + (size_t)label.data[i] * (p + 1), s = w.n ? w.data[i] : 1.0;
        out->n_clusters += sum[p] == 0.0 && s > 0.0;
        sum[p] += s;
        for (size_t j = 0; j < p; j++)
            sum[j] += s * D.data[i * D.ld + j];
    }
    out->inertia = out->n_clusters ? 0.0 : (double)NAN;
    for (size_t i = 0; i < D.rows; i++) {
        const double s = w.n ? w.data[i] : 1.0;
        const double *sum = label.data[i] >= 0.0 ? sums + (size_t)label.data[i] * (p + 1) : NULL;
        for (size_t j = 0; sum && s > 0.0 && j < p; j++) {
            const double e = D.data[i * D.ld + j] - sum[j] / sum[p];
            out->inertia += s * e * e;
        }
    }
}

static mlk_status judge(mlk_cmat D, mlk_cvec w, mlk_cvec label, const mlk_run *run,
                        mlk_clustering *out)
{
    static const char *const names[] = {"silhouette", "davies_bouldin", "calinski_harabasz"};
    const mlk_metric *metrics[MLK_COUNT(names)];
    mlk_score scores[MLK_COUNT(names)];
    const mlk_predictions p = {.task = MLK_METRIC_CLUSTERING, .predicted = label, .w = w, .X = D};
    const mlk_run inner = mlk_run_inner(run);
    for (size_t i = 0; i < MLK_COUNT(names); i++)
        MLK_TRY(mlk_metric_find(names[i], MLK_METRIC_CLUSTERING, 0, &metrics[i]));
    MLK_TRY(mlk_metrics_compute(&p, metrics, MLK_COUNT(names), 1.0, &inner, scores));
    out->silhouette = scores[0].value;
    out->davies_bouldin = scores[1].value;
    out->calinski_harabasz = scores[2].value;
    return MLK_OK;
}

static mlk_status find_criteria(const mlk_model *pipeline, mlk_clustering *out)
{
    mlk_doc *learned = mlk_doc_new();
    mlk_model_learned(mlk_pipeline_inner(pipeline), learned);
    const mlk_status st = mlk_doc_check(learned);
    out->bic = mlk_doc_real(mlk_doc_find(learned, "bic"));
    out->aic = mlk_doc_real(mlk_doc_find(learned, "aic"));
    mlk_doc_free(learned);
    return st;
}

/* ------------------------------------------------------------------------------ gap */

/* Reference sets for a design: uniform over the box of its principal components. */
typedef struct box {
    mlk_vec mean, lo, hi; /* p */
    mlk_mat V, room;      /* p x p; n x p */
    mlk_mat rows;         /* n x p: the reference set */
} box;

static mlk_status box_init(mlk_cmat D, const mlk_run *run, mlk_scratch *s, box *b)
{
    const size_t n = D.rows, p = D.cols;
    const mlk_mat G = mlk_scratch_mat(s, p, p);
    const mlk_vec lambda = mlk_scratch_vec(s, p);
    b->mean = mlk_scratch_vec(s, p);
    b->lo = mlk_scratch_vec(s, p);
    b->hi = mlk_scratch_vec(s, p);
    b->V = mlk_scratch_mat(s, p, p);
    b->room = mlk_scratch_mat(s, n, p);
    b->rows = mlk_scratch_mat(s, n, p);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for reference sets of %zu x %zu values", n, p);
    const mlk_cvec none = {NULL, 0};
    MLK_TRY(mlk_column_means(D, none, run, b->mean));
    MLK_TRY(mlk_gram(D, none, none, mlk_vec_c(b->mean), 0.0, run, G, (mlk_vec){NULL, 0}));
    MLK_TRY(mlk_eigh(G, p, lambda, b->V));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++)
            b->room.data[i * p + j] = D.data[i * D.ld + j] - b->mean.data[j];
    MLK_TRY(mlk_gemm_rows(mlk_mat_c(b->room), MLK_NO_TRANS, mlk_mat_c(b->V), run, b->rows));
    return mlk_column_range(mlk_mat_c(b->rows), run, b->lo, b->hi);
}

static mlk_status draw(const box *b, mlk_rng *rng, const mlk_run *run)
{
    const size_t p = b->V.rows;
    for (size_t i = 0; i < b->room.rows; i++)
        for (size_t j = 0; j < p; j++)
            b->room.data[i * p + j] =
                b->lo.data[j] + (b->hi.data[j] - b->lo.data[j]) * mlk_rng_uniform(rng);
    MLK_TRY(mlk_gemm_rows(mlk_mat_c(b->room), MLK_TRANS, mlk_mat_c(b->V), run, b->rows));
    for (size_t i = 0; i < b->rows.rows; i++)
        for (size_t j = 0; j < p; j++)
            b->rows.data[i * p + j] += b->mean.data[j];
    return MLK_OK;
}

/* Everything one search works with. */
typedef struct job {
    const mlk_grid *grid;
    const mlk_algo *algo;
    const mlk_data *data;
    const mlk_run *run;
    size_t n;
    mlk_mat design; /* of the last candidate measured */
    mlk_vec label;
    double *sums;
} job;

/* log W* of all candidates on one reference set. */
static mlk_status measure_reference(const job *j, const box *b, double *logs)
{
    const mlk_run inner = mlk_run_inner(j->run);
    const mlk_data data = {.X = mlk_mat_c(b->rows), .w = j->data->w};
    mlk_model **models = mlk_alloc_zero(j->n, sizeof *models);
    const void **opts = mlk_alloc(j->n, sizeof *opts);
    mlk_status st = models && opts ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu fits", j->n);
    for (size_t i = 0; st == MLK_OK && i < j->n; i++)
        opts[i] = mlk_grid_at(j->grid, i)->algo_opts;
    if (st == MLK_OK)
        st = mlk_model_fit_many(j->algo, opts, j->n, &data, &inner, models);
    for (size_t i = 0; st == MLK_OK && i < j->n; i++) {
        mlk_clustering c;
        st = mlk_model_predict(models[i], data.X, &inner, j->label);
        if (st == MLK_OK) {
            find_inertia(data.X, data.w, mlk_vec_c(j->label), j->sums, &c);
            logs[i] = log(c.inertia);
        }
    }
    for (size_t i = 0; models && i < j->n; i++)
        mlk_model_free(models[i]);
    mlk_free(models);
    mlk_free(opts);
    return st;
}

static mlk_status find_gaps(const job *j, const mlk_clusterings_opts *o, mlk_clusterings *out)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const mlk_run inner = mlk_run_inner(j->run);
    const double B = (double)o->n_references;
    box b;
    mlk_mat logs = mlk_scratch_mat(&s, o->n_references, j->n);
    mlk_status st = box_init(mlk_mat_c(j->design), &inner, &s, &b);
    for (size_t r = 0; st == MLK_OK && r < o->n_references; r++) {
        mlk_rng rng = mlk_rng_stream((uint64_t)o->seed, r);
        st = mlk_run_poll(j->run, (double)r / B);
        if (st == MLK_OK)
            st = draw(&b, &rng, &inner);
        if (st == MLK_OK)
            st = measure_reference(j, &b, logs.data + r * j->n);
    }
    for (size_t i = 0; st == MLK_OK && i < j->n; i++) {
        double mean = 0.0, square = 0.0;
        for (size_t r = 0; r < o->n_references; r++)
            mean += logs.data[r * j->n + i] / B;
        for (size_t r = 0; r < o->n_references; r++)
            square += pow(logs.data[r * j->n + i] - mean, 2.0) / B;
        const double gap = mean - log(out->item[i].inertia), se = sqrt(square * (1.0 + 1.0 / B));
        const bool defined = isfinite(gap) && isfinite(se);
        out->item[i].gap = defined ? gap : (double)NAN;
        out->item[i].gap_se = defined ? se : (double)NAN;
    }
    mlk_scratch_release(&s);
    return st;
}

/* --------------------------------------------------------------------------- choose */

static double figure(const mlk_clustering *c, const rule *r)
{
    return *(const double *)(const void *)((const char *)c + r->offset);
}

/* The candidate with the next larger k, or n. */
static size_t next_k(const mlk_clusterings *all, const double *k, size_t i)
{
    size_t best = all->n;
    for (size_t c = 0; c < all->n; c++)
        if (k[c] > k[i] && (best == all->n || k[c] < k[best]))
            best = c;
    return best;
}

static size_t largest(const mlk_clusterings *all, const rule *r, double sign)
{
    size_t best = all->n;
    for (size_t i = 0; i < all->n; i++) {
        const double v = sign * figure(&all->item[i], r);
        if (!isnan(v) && (best == all->n || v > sign * figure(&all->item[best], r)))
            best = i;
    }
    return best;
}

static size_t by_gap(const mlk_clusterings *all, const double *k)
{
    size_t best = all->n;
    for (size_t i = 0; i < all->n; i++) {
        const size_t next = next_k(all, k, i);
        const bool holds =
            next < all->n && all->item[i].gap >= all->item[next].gap - all->item[next].gap_se;
        if (holds && (best == all->n || k[i] < k[best]))
            best = i;
    }
    return best < all->n ? best : largest(all, all->rule, 1.0);
}

static size_t by_elbow(const mlk_clusterings *all, const double *k)
{
    size_t first = 0, last = 0, best = all->n;
    double most = -INFINITY;
    for (size_t i = 1; i < all->n; i++) {
        first = k[i] < k[first] ? i : first;
        last = k[i] > k[last] ? i : last;
    }
    const double width = k[last] - k[first], top = all->item[first].inertia;
    const double drop = top - all->item[last].inertia;
    for (size_t i = 0; i < all->n; i++) {
        const double along = width > 0.0 ? (k[i] - k[first]) / width : 0.0;
        const double below = drop > 0.0 ? (top - all->item[i].inertia) / drop - along : 0.0;
        if (below > most || (below == most && k[i] < k[best])) {
            most = below;
            best = i;
        }
    }
    return best;
}

static mlk_status choose(mlk_clusterings *all, const double *k)
{
    const rule *r = all->rule;
    if (r->sign != 0.0)
        all->chosen = largest(all, r, r->sign);
    else
        all->chosen = strcmp(r->name, "gap") == 0 ? by_gap(all, k) : by_elbow(all, k);
    if (all->chosen < all->n)
        return MLK_OK;
    return MLK_FAIL(MLK_EINVAL, "%s is not defined for any of the %zu candidates", r->name, all->n);
}

/* ------------------------------------------------------------------------------ run */

static mlk_status measure_candidate(const job *j, const mlk_model *model, mlk_clustering *out)
{
    const mlk_run inner = mlk_run_inner(j->run);
    const mlk_cmat D = mlk_mat_c(j->design);
    MLK_TRY(mlk_model_predict(model, j->data->X, &inner, j->label));
    MLK_TRY(mlk_pipeline_design(model, j->data->X, &inner, j->design));
    find_inertia(D, j->data->w, mlk_vec_c(j->label), j->sums, out);
    MLK_TRY(judge(D, j->data->w, mlk_vec_c(j->label), j->run, out));
    return find_criteria(model, out);
}

static mlk_status measure_all(job *j, mlk_model **models, mlk_clusterings *out)
{
    const size_t n = j->data->X.rows;
    for (size_t i = 0; i < j->n; i++) {
        mlk_scratch s = MLK_SCRATCH_INIT;
        const size_t p = mlk_pipeline_n_columns(models[i]);
        j->design = mlk_scratch_mat(&s, n, p);
        j->sums = mlk_scratch_mat(&s, n, p + 1).data;
        const mlk_status st = s.failed
                                  ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", n, p)
                                  : measure_candidate(j, models[i], &out->item[i]);
        mlk_scratch_release(&s);
        MLK_TRY(st);
    }
    return MLK_OK;
}

/* The gap of all candidates, which share the design of the first. */
static mlk_status add_gaps(job *j, const mlk_model *first, const mlk_clusterings_opts *o,
                           mlk_clusterings *out)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const size_t n = j->data->X.rows, p = mlk_pipeline_n_columns(first);
    j->design = mlk_scratch_mat(&s, n, p);
    j->sums = mlk_scratch_mat(&s, n, p + 1).data;
    mlk_status st = s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu values", n, p)
                             : mlk_pipeline_design(first, j->data->X, j->run, j->design);
    if (st == MLK_OK)
        st = find_gaps(j, o, out);
    mlk_scratch_release(&s);
    return st;
}

static bool gap_wanted(const job *j, const mlk_model *first, const rule *r)
{
    if (strcmp(r->name, "gap") == 0)
        return true;
    return strcmp(j->algo->name, "gmm") != 0 &&
           j->data->X.rows * mlk_pipeline_n_columns(first) <= GAP_VALUES;
}

static mlk_status fit_all(job *j, mlk_model **models)
{
    const void **opts = mlk_alloc(j->n, sizeof *opts);
    mlk_status st = opts ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for %zu fits", j->n);
    for (size_t i = 0; st == MLK_OK && i < j->n; i++)
        opts[i] = mlk_grid_at(j->grid, i);
    if (st == MLK_OK)
        st = mlk_model_fit_many(&mlk_pipeline_algo, opts, j->n, j->data, j->run, models);
    mlk_free(opts);
    return st;
}

static mlk_status run_all(job *j, const mlk_clusterings_opts *o, mlk_scratch *s,
                          mlk_clusterings *out)
{
    double *k = mlk_scratch_vec(s, j->n).data;
    mlk_model **models = mlk_scratch_take(s, j->n, sizeof *models);
    j->label = mlk_scratch_vec(s, j->data->X.rows);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu labels", j->data->X.rows);
    bool over_k;
    MLK_TRY(read_grid(j->grid, k, &over_k));
    MLK_TRY(find_rule(j->algo, o->scoring, over_k, &out->rule));
    MLK_TRY(fit_all(j, models));
    for (size_t i = 0; i < j->n; i++)
        out->item[i].gap = out->item[i].gap_se = (double)NAN;
    mlk_status st = measure_all(j, models, out);
    if (st == MLK_OK && over_k && gap_wanted(j, models[0], out->rule))
        st = add_gaps(j, models[0], o, out);
    for (size_t i = 0; i < j->n; i++)
        mlk_model_free(models[i]);
    return st == MLK_OK ? choose(out, k) : st;
}

mlk_status mlk_clusterings_run(const mlk_grid *grid, const mlk_data *data,
                               const mlk_clusterings_opts *opts, const mlk_run *run,
                               mlk_clusterings **out)
{
    const mlk_clusterings_opts o = opts ? *opts : mlk_clusterings_opts_default();
    job j = {.grid = grid,
             .algo = mlk_grid_at(grid, 0)->algo,
             .data = data,
             .run = run,
             .n = mlk_grid_size(grid)};
    *out = NULL;
    if (o.n_references < 1)
        return MLK_FAIL(MLK_EINVAL, "n_references = 0; expected at least 1");
    if (!(j.algo->tasks & MLK_CLUSTERING))
        return MLK_FAIL(MLK_EINVAL, "%s finds no clusters", j.algo->name);
    mlk_clusterings *all = mlk_alloc_flex(sizeof *all, j.n, sizeof all->item[0]);
    if (!all)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu candidates", j.n);
    mlk_scratch s = MLK_SCRATCH_INIT;
    all->n = j.n;
    const mlk_status st = run_all(&j, &o, &s, all);
    mlk_scratch_release(&s);
    if (st == MLK_OK)
        *out = all;
    else
        mlk_free(all);
    return st;
}

size_t mlk_clusterings_size(const mlk_clusterings *all) { return all->n; }
mlk_clustering mlk_clusterings_at(const mlk_clusterings *all, size_t i) { return all->item[i]; }
size_t mlk_clusterings_chosen(const mlk_clusterings *all) { return all->chosen; }
const char *mlk_clusterings_scoring(const mlk_clusterings *all) { return all->rule->name; }
void mlk_clusterings_free(mlk_clusterings *all) { mlk_free(all); }

static void put_item(const mlk_clustering *c, mlk_doc *to)
{
    mlk_doc_put_int(to, "clusters", (int64_t)c->n_clusters);
    mlk_doc_put_int(to, "noise", (int64_t)c->n_noise);
    mlk_doc_put_real(to, "inertia", c->inertia);
    mlk_doc_put_real(to, "silhouette", c->silhouette);
    mlk_doc_put_real(to, "davies_bouldin", c->davies_bouldin);
    mlk_doc_put_real(to, "calinski_harabasz", c->calinski_harabasz);
    mlk_doc_put_real(to, "gap", c->gap);
    mlk_doc_put_real(to, "gap_se", c->gap_se);
    mlk_doc_put_real(to, "bic", c->bic);
    mlk_doc_put_real(to, "aic", c->aic);
}

void mlk_clusterings_report(const mlk_clusterings *all, const mlk_grid *grid, mlk_doc *to)
{
    mlk_doc_put_text(to, "scoring", all->rule->name);
    mlk_doc *best = mlk_doc_put_map(to, "best");
    mlk_grid_params(grid, all->chosen, mlk_doc_put_map(best, "params"));
    put_item(&all->item[all->chosen], best);
    mlk_doc *list = mlk_doc_put_list(to, "results");
    for (size_t i = 0; i < all->n; i++) {
        mlk_doc *one = mlk_doc_put_map(list, NULL);
        mlk_grid_params(grid, i, mlk_doc_put_map(one, "params"));
        put_item(&all->item[i], one);
    }
}
