#include <mlkit/selection/search.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/status.h"

enum { MAX_CANDIDATES = 1000000, MAX_VALUES = 100000 };

/* A tuned parameter: a row of the algorithm's table, or of the pipeline's. */
typedef struct axis {
    const char *name;
    bool of_pipeline;
    const mlk_opt *opt;
    const char **values; /* as text */
    size_t n, cap;
} axis;

struct mlk_grid {
    const mlk_algo *algo;
    axis *axes;
    size_t n_axes, size;
    mlk_pipeline_opts *candidates;
    char *opts; /* size x algo->opts_size bytes, each block aligned */
    size_t opts_stride;
    mlk_scratch memory; /* owns everything */
};

static const mlk_opt *table_of(const mlk_grid *g, const axis *a)
{
    return a->of_pipeline ? mlk_pipeline_algo.opts : g->algo->opts;
}

static mlk_status no_memory(void) { return MLK_FAIL(MLK_ENOMEM, "no memory for a grid"); }

/* ----------------------------------------------------------------- values */

static mlk_status add_value(mlk_grid *g, axis *a, const char *text, size_t len)
{
    if (a->n == MAX_VALUES)
        return MLK_FAIL(MLK_EINVAL, "%s has more than %d values", a->name, MAX_VALUES);
    if (a->n == a->cap) {
        const size_t cap = 2 * a->cap + 8;
        const char **values = mlk_scratch_take(&g->memory, cap, sizeof *values);
        if (!values)
            return no_memory();
        for (size_t i = 0; i < a->n; i++)
            values[i] = a->values[i];
        a->values = values;
        a->cap = cap;
    }
    char *copy = mlk_scratch_take(&g->memory, len + 1, 1);
    if (!copy)
        return no_memory();
    memcpy(copy, text, len);
    copy[len] = '\0';
    a->values[a->n++] = copy;
    return MLK_OK;
}

/* A range as written, lo..hi/n or lo..hi/nlog. */
typedef struct range {
    double lo, hi, count;
    bool log;
} range;

/* false: [s, end) is no range (but may be a value). */
static bool parse_range(const char *s, const char *end, range *r)
{
    const char *dots = NULL;
    for (const char *c = s; c + 1 < end && !dots; c++)
        if (c[0] == '.' && c[1] == '.')
            dots = c;
    if (!dots || mlk_parse_real(s, dots, &r->lo) != dots)
        return false;
    const char *at = mlk_parse_real(dots + 2, end, &r->hi);
    if (at == dots + 2 || at == end || *at != '/')
        return false;
    const char *behind = mlk_parse_real(at + 1, end, &r->count);
    r->log = end - behind == 3 && strncmp(behind, "log", 3) == 0;
    return behind > at + 1 && (behind == end || r->log);
}

static double point(const range *r, size_t i)
{
    const double n = r->count - 1.0, t = n > 0.0 ? (double)i / n : 0.0;
    if (i == 0)
        return r->lo;
    if ((double)i == n)
        return r->hi;
    return r->log ? r->lo * pow(r->hi / r->lo, t) : r->lo + t * (r->hi - r->lo);
}

static mlk_status add_range(mlk_grid *g, axis *a, const range *r)
{
    if (!(r->count >= 1.0 && r->count <= MAX_VALUES) || r->count != floor(r->count))
        return MLK_FAIL(MLK_EINVAL, "a range of %s has %g values; expected 1 to %d", a->name,
                        r->count, MAX_VALUES);
    if (!isfinite(r->lo) || !isfinite(r->hi) || (r->log && !(r->lo > 0.0 && r->hi > 0.0)))
        return MLK_FAIL(MLK_EINVAL, "a range of %s goes from %g to %g; expected %s numbers",
                        a->name, r->lo, r->hi, r->log ? "positive" : "finite");
    double before = (double)NAN;
    for (size_t i = 0; i < (size_t)r->count; i++) {
        char text[MLK_REAL_CHARS];
        double value = point(r, i);
        if (a->opt->type == MLK_OPT_TYPE_INT)
            value = nearbyint(value);
        if (value == before)
            continue;
        before = value;
        MLK_TRY(add_value(g, a, text, mlk_format_real(value, text)));
    }
    return MLK_OK;
}

/* name=v1:v2:... */
static mlk_status parse_axis(mlk_grid *g, const char *spec, axis *a)
{
    const char *equals = strchr(spec, '=');
    const size_t len = equals ? (size_t)(equals - spec) : 0;
    char *name = mlk_scratch_take(&g->memory, len + 1, 1);
    if (!name)
        return no_memory();
    memcpy(name, spec, len);
    name[len] = '\0';
    *a = (axis){.name = name};
    if (!len || !equals[1])
        return MLK_FAIL(MLK_EINVAL, "'%s' is not valid; expected name=v1:v2:... or name=lo..hi/n",
                        spec);
    a->opt = mlk_opts_find(g->algo->opts, name);
    if (!a->opt && (a->opt = mlk_opts_find(mlk_pipeline_algo.opts, name)))
        a->of_pipeline = true;
    if (!a->opt) /* says so, with the nearest name */
        return mlk_opts_parse(g->algo->opts, g->algo->name, name, "", NULL);
    for (const char *s = equals + 1, *end; s; s = *end ? end + 1 : NULL) {
        range r;
        end = s + strcspn(s, ":");
        const bool number = a->opt->type == MLK_OPT_TYPE_REAL || a->opt->type == MLK_OPT_TYPE_INT;
        if (number && parse_range(s, end, &r))
            MLK_TRY(add_range(g, a, &r));
        else
            MLK_TRY(add_value(g, a, s, (size_t)(end - s)));
    }
    return MLK_OK;
}

/* ------------------------------------------------------------- candidates */

static void *opts_at(const mlk_grid *g, size_t i) { return g->opts + i * g->opts_stride; }

/* Candidate i's place on axis k: the last axis varies fastest. */
static size_t place_on(const mlk_grid *g, size_t i, size_t k)
{
    for (size_t a = g->n_axes; a-- > k + 1;)
        i /= g->axes[a].n;
    return i % g->axes[k].n;
}

static mlk_status make_candidate(mlk_grid *g, const mlk_pipeline_opts *base, size_t i)
{
    mlk_pipeline_opts *c = &g->candidates[i];
    void *opts = opts_at(g, i);
    *c = *base;
    c->algo_opts = opts;
    if (base->algo_opts)
        memcpy(opts, base->algo_opts, g->algo->opts_size);
    else
        mlk_opts_set_default(g->algo->opts, opts);
    for (size_t k = 0; k < g->n_axes; k++) {
        const axis *a = &g->axes[k];
        MLK_TRY(mlk_opts_parse(table_of(g, a), g->algo->name, a->name, a->values[place_on(g, i, k)],
                               a->of_pipeline ? (void *)c : opts));
    }
    MLK_TRY(mlk_opts_check(mlk_pipeline_algo.opts, c));
    return mlk_opts_check(g->algo->opts, opts);
}

static mlk_status count_candidates(mlk_grid *g)
{
    g->size = 1;
    for (size_t k = 0; k < g->n_axes; k++) {
        for (size_t i = 0; i < k; i++)
            if (strcmp(g->axes[i].name, g->axes[k].name) == 0)
                return MLK_FAIL(MLK_EINVAL, "parameter '%s' is tuned twice", g->axes[k].name);
        if (__builtin_mul_overflow(g->size, g->axes[k].n, &g->size) || g->size > MAX_CANDIDATES)
            return MLK_FAIL(MLK_EINVAL, "the grid has more than %d candidates", MAX_CANDIDATES);
    }
    return MLK_OK;
}

static mlk_status make_all(mlk_grid *g, const mlk_pipeline_opts *base)
{
    MLK_TRY(count_candidates(g));
    g->opts_stride = (g->algo->opts_size + 15) / 16 * 16;
    g->candidates = mlk_scratch_take(&g->memory, g->size, sizeof *g->candidates);
    g->opts = mlk_scratch_take(&g->memory, g->size, g->opts_stride);
    if (g->memory.failed)
        return no_memory();
    memset(g->opts, 0, g->size * g->opts_stride);
    for (size_t i = 0; i < g->size; i++)
        MLK_TRY(make_candidate(g, base, i));
    return MLK_OK;
}

mlk_status mlk_grid_new(const mlk_pipeline_opts *base, const char *const *specs, size_t n_specs,
                        mlk_grid **grid)
{
    *grid = NULL;
    if (!base->algo)
        return MLK_FAIL(MLK_EINVAL, "a grid needs an algorithm");
    mlk_grid *g = mlk_alloc_zero(1, sizeof *g);
    if (!g)
        return no_memory();
    g->algo = base->algo;
    g->n_axes = n_specs;
    g->axes = mlk_scratch_take(&g->memory, n_specs, sizeof *g->axes);
    mlk_status st = g->axes ? MLK_OK : no_memory();
    for (size_t k = 0; st == MLK_OK && k < n_specs; k++)
        st = parse_axis(g, specs[k], &g->axes[k]);
    if (st == MLK_OK)
        st = make_all(g, base);
    if (st == MLK_OK)
        *grid = g;
    else
        mlk_grid_free(g);
    return st;
}

size_t mlk_grid_size(const mlk_grid *g) { return g->size; }
const mlk_pipeline_opts *mlk_grid_at(const mlk_grid *g, size_t i) { return &g->candidates[i]; }

/* A parameter under its own type. */
static void put_value(const mlk_opt *opt, const void *opts, mlk_doc *to)
{
    const mlk_opt one[] = {*opt, MLK_OPT_END};
    mlk_opts_save(one, opts, to);
}

void mlk_grid_params(const mlk_grid *g, size_t i, mlk_doc *to)
{
    for (size_t k = 0; k < g->n_axes; k++)
        put_value(g->axes[k].opt,
                  g->axes[k].of_pipeline ? (const void *)&g->candidates[i] : opts_at(g, i), to);
}

void mlk_grid_free(mlk_grid *g)
{
    if (g)
        mlk_scratch_release(&g->memory);
    mlk_free(g);
}
