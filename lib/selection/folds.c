#include <mlkit/selection/folds.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/rng.h"
#include "core/sort.h"
#include "core/status.h"

/*
 * The tested rows of all splits one after the other:
 *
 *   rows   | split 0 | split 1 | ... | split K R - 1 |
 *   begin  0         ^begin[1] ...                   ^begin[K R]
 */
struct mlk_folds {
    mlk_fold_kind kind;
    size_t n, per_repeat, count;
    size_t *begin; /* count + 1 */
    size_t *rows;
};

mlk_folds_opts mlk_folds_opts_default(void)
{
    return (mlk_folds_opts){.kind = MLK_FOLDS_SHUFFLE, .folds = 5, .repeats = 1};
}

void mlk_folds_free(mlk_folds *f)
{
    if (!f)
        return;
    mlk_free(f->begin);
    mlk_free(f->rows);
    mlk_free(f);
}

static mlk_status new_folds(mlk_fold_kind kind, size_t n, size_t k, size_t repeats,
                            mlk_folds **folds)
{
    size_t count, rows;
    *folds = NULL;
    if (__builtin_mul_overflow(k, repeats, &count) || __builtin_mul_overflow(n, repeats, &rows))
        return MLK_FAIL(MLK_EINVAL, "%zu folds x %zu repeats are too many", k, repeats);
    mlk_folds *f = mlk_alloc_zero(1, sizeof *f);
    if (f) {
        *f = (mlk_folds){.kind = kind, .n = n, .per_repeat = k, .count = count};
        f->begin = mlk_alloc_zero(count + 1, sizeof *f->begin);
        f->rows = mlk_alloc(rows, sizeof *f->rows);
    }
    if (!f || !f->begin || !f->rows) {
        mlk_folds_free(f);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu folds of %zu rows", count, n);
    }
    *folds = f;
    return MLK_OK;
}

/* Counting sort of the rows by fold_of into repeat r: ascending within a fold. */
static void place(mlk_folds *f, size_t r, const size_t *fold_of)
{
    size_t *begin = f->begin + r * f->per_repeat;
    for (size_t k = 0; k < f->per_repeat; k++)
        begin[k + 1] = 0;
    begin[0] = r * f->n;
    for (size_t i = 0; i < f->n; i++)
        begin[fold_of[i] + 1]++;
    for (size_t k = 0; k < f->per_repeat; k++)
        begin[k + 1] += begin[k];
    for (size_t i = 0; i < f->n; i++)
        f->rows[begin[fold_of[i]]++] = i;
    for (size_t k = f->per_repeat; k > 0; k--)
        begin[k] = begin[k - 1]; /* each had moved to its end, the next one's begin */
    begin[0] = r * f->n;
}

/* ------------------------------------------------------------------ kinds */

/* Deal shuffled rows round and round, class after class: every fold gets its share of each class,
 * and the sizes of the folds differ by one at most. `next` has room for a number per class. */
static void deal_shuffled(const mlk_data *d, size_t k, int64_t seed, size_t repeat, size_t *order,
                          size_t *next, size_t *fold_of)
{
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, repeat);
    const size_t n = d->X.rows;
    mlk_rng_permutation(&rng, order, n);
    for (size_t c = 0; c < d->n_classes; c++)
        next[c] = 0;
    for (size_t i = 0; i < n && d->n_classes; i++)
        next[(size_t)d->y.data[i]]++;
    for (size_t c = 0, at = 0; c < d->n_classes; c++) {
        const size_t here = next[c];
        next[c] = at; /* place of the class's first row in the deal */
        at += here;
    }
    for (size_t i = 0; i < n; i++)
        fold_of[order[i]] = (d->n_classes ? next[(size_t)d->y.data[order[i]]]++ : i) % k;
}

static void deal_blocks(size_t n, size_t k, size_t *fold_of)
{
    for (size_t f = 0, i = 0; f < k; f++)
        for (const size_t end = i + n / k + (f < n % k); i < end; i++)
            fold_of[i] = f;
}

/* Group numbers 0..*n_groups-1 in order of value, into `group`. */
static mlk_status number_groups(mlk_cvec groups, size_t *order, size_t *group, size_t *n_groups)
{
    MLK_TRY(mlk_argsort(groups.data, groups.n, order));
    *n_groups = 0;
    for (size_t i = 0; i < groups.n; i++) {
        *n_groups += i > 0 && groups.data[order[i]] != groups.data[order[i - 1]];
        group[order[i]] = *n_groups;
    }
    ++*n_groups;
    return MLK_OK;
}

/* The largest group first, each to the fold with the fewest rows; equal sizes in random order. */
static mlk_status deal_groups(const size_t *group, size_t n, size_t n_groups, size_t k,
                              int64_t seed, size_t repeat, size_t *fold_of)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *shuffled = mlk_scratch_take(&scratch, n_groups, sizeof *shuffled);
    size_t *order = mlk_scratch_take(&scratch, n_groups, sizeof *order);
    size_t *fold = mlk_scratch_take(&scratch, n_groups, sizeof *fold);
    size_t *load = mlk_scratch_take(&scratch, k, sizeof *load);
    const mlk_vec size = mlk_scratch_vec(&scratch, n_groups);
    const mlk_vec key = mlk_scratch_vec(&scratch, n_groups);
    mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu groups", n_groups) : MLK_OK;
    if (st != MLK_OK)
        goto out;
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, repeat);
    mlk_rng_permutation(&rng, shuffled, n_groups);
    memset(size.data, 0, n_groups * sizeof *size.data);
    memset(load, 0, k * sizeof *load);
    for (size_t i = 0; i < n; i++)
        size.data[group[i]] += 1.0;
    for (size_t g = 0; g < n_groups; g++)
        key.data[g] = -size.data[shuffled[g]];
    if ((st = mlk_argsort(key.data, n_groups, order)) != MLK_OK)
        goto out;
    for (size_t g = 0; g < n_groups; g++) {
        const size_t id = shuffled[order[g]];
        size_t least = 0;
        for (size_t f = 1; f < k; f++)
            if (load[f] < load[least])
                least = f;
        fold[id] = least;
        load[least] += (size_t)size.data[id];
    }
    for (size_t i = 0; i < n; i++)
        fold_of[i] = fold[group[i]];
out:
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status fill_groups(const mlk_folds_opts *o, mlk_folds *f, size_t *order, size_t *fold_of)
{
    size_t n_groups, *group = mlk_alloc(f->n, sizeof *group);
    if (!group)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the groups of %zu rows", f->n);
    mlk_status st = number_groups(o->groups, order, group, &n_groups);
    if (st == MLK_OK && n_groups < f->per_repeat)
        st = MLK_FAIL(MLK_EINVAL, "%zu folds need as many groups; there are %zu", f->per_repeat,
                      n_groups);
    for (size_t r = 0; st == MLK_OK && r < o->repeats; r++) {
        st = deal_groups(group, f->n, n_groups, f->per_repeat, o->seed, r, fold_of);
        if (st == MLK_OK)
            place(f, r, fold_of);
    }
    mlk_free(group);
    return st;
}

/* Tests are the last K blocks of n / (K + 1) rows. */
static void fill_time(mlk_folds *f)
{
    const size_t size = f->n / (f->per_repeat + 1), first = f->n - size * f->per_repeat;
    for (size_t k = 0; k < f->per_repeat; k++)
        f->begin[k + 1] = size * (k + 1);
    for (size_t i = first; i < f->n; i++)
        f->rows[i - first] = i;
}

static mlk_status fill(const mlk_data *d, const mlk_folds_opts *o, mlk_folds *f)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&scratch, f->n, sizeof *order);
    size_t *fold_of = mlk_scratch_take(&scratch, f->n, sizeof *fold_of);
    size_t *next = mlk_scratch_take(&scratch, d->n_classes, sizeof *next);
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to split %zu rows", f->n);
    } else if (o->kind == MLK_FOLDS_TIME) {
        fill_time(f);
    } else if (o->kind == MLK_FOLDS_GROUP) {
        st = fill_groups(o, f, order, fold_of);
    } else {
        for (size_t r = 0; r < o->repeats; r++) {
            if (o->kind == MLK_FOLDS_SHUFFLE)
                deal_shuffled(d, f->per_repeat, o->seed, r, order, next, fold_of);
            else
                deal_blocks(f->n, f->per_repeat, fold_of);
            place(f, r, fold_of);
        }
    }
    mlk_scratch_release(&scratch);
    return st;
}

/* ----------------------------------------------------------------- checks */

static mlk_status check_opts(const mlk_data *d, const mlk_folds_opts *o, size_t k)
{
    const size_t n = d->X.rows, rows = k + (o->kind == MLK_FOLDS_TIME);
    if (o->kind > MLK_FOLDS_LOO)
        return MLK_FAIL(MLK_EINVAL, "kind of folds = %d is unknown", (int)o->kind);
    if (k < 2 && o->kind == MLK_FOLDS_LOO)
        return MLK_FAIL(MLK_EINVAL, "leave-one-out needs at least 2 rows; there are %zu", n);
    if (k < 2)
        return MLK_FAIL(MLK_EINVAL, "folds = %zu; expected at least 2", k);
    if (n < rows)
        return MLK_FAIL(MLK_EINVAL, "%zu folds need at least %zu rows; there are %zu", k, rows, n);
    if (o->repeats < 1)
        return MLK_FAIL(MLK_EINVAL, "repeats = %zu; expected at least 1", o->repeats);
    if (o->repeats > 1 && o->kind != MLK_FOLDS_SHUFFLE && o->kind != MLK_FOLDS_GROUP)
        return MLK_FAIL(MLK_EINVAL,
                        "repeats = %zu would repeat the same folds; expected 1 unless "
                        "rows are shuffled",
                        o->repeats);
    if (o->kind == MLK_FOLDS_GROUP && o->groups.n != n)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but there are %zu groups", n, o->groups.n);
    for (size_t i = 0; o->kind == MLK_FOLDS_GROUP && i < n; i++)
        if (isnan(o->groups.data[i]))
            return MLK_FAIL(MLK_EINVAL, "the group of row %zu is missing", i);
    if (d->n_classes && d->y.n != n)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", n, d->y.n);
    for (size_t i = 0; d->n_classes && i < n; i++)
        if (!(d->y.data[i] >= 0.0 && d->y.data[i] < (double)d->n_classes))
            return MLK_FAIL(MLK_EINVAL, "y[%zu] = %g; expected a class number 0..%zu", i,
                            d->y.data[i], d->n_classes - 1);
    return MLK_OK;
}

static mlk_status warn_small_classes(const mlk_data *d, const mlk_folds_opts *o, size_t k,
                                     const mlk_run *run)
{
    if (o->kind != MLK_FOLDS_SHUFFLE || !d->n_classes)
        return MLK_OK;
    size_t *count = mlk_alloc_zero(d->n_classes, sizeof *count);
    if (!count)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu classes", d->n_classes);
    for (size_t i = 0; i < d->y.n; i++)
        count[(size_t)d->y.data[i]]++;
    for (size_t c = 0; c < d->n_classes; c++) {
        char number[32];
        snprintf(number, sizeof number, "%zu", c);
        if (count[c] < k)
            mlk_run_warn(run, "class '%s' has %zu rows, fewer than the %zu folds: some lack it",
                         o->classes ? o->classes[c] : number, count[c], k);
    }
    mlk_free(count);
    return MLK_OK;
}

mlk_status mlk_folds_new(const mlk_data *data, const mlk_folds_opts *opts, const mlk_run *run,
                         mlk_folds **folds)
{
    const mlk_folds_opts o = opts ? *opts : mlk_folds_opts_default();
    const size_t k = o.kind == MLK_FOLDS_LOO ? data->X.rows : o.folds;
    mlk_folds *f;
    *folds = NULL;
    MLK_TRY(check_opts(data, &o, k));
    MLK_TRY(new_folds(o.kind, data->X.rows, k, o.repeats, &f));
    mlk_status st = fill(data, &o, f);
    if (st == MLK_OK)
        st = warn_small_classes(data, &o, k, run);
    if (st == MLK_OK)
        *folds = f;
    else
        mlk_folds_free(f);
    return st;
}

mlk_status mlk_folds_from(const size_t *fold_of, size_t n, size_t k, mlk_folds **folds)
{
    mlk_folds *f;
    *folds = NULL;
    for (size_t i = 0; i < n; i++)
        if (fold_of[i] >= k)
            return MLK_FAIL(MLK_EINVAL, "row %zu is in fold %zu; expected 0..%zu", i, fold_of[i],
                            k - 1);
    MLK_TRY(new_folds(MLK_FOLDS_BLOCKS, n, k, 1, &f));
    place(f, 0, fold_of);
    for (size_t s = 0; s < k; s++)
        if (f->begin[s] == f->begin[s + 1] || f->begin[s + 1] - f->begin[s] == n) {
            const size_t rows = f->begin[s + 1] - f->begin[s];
            mlk_folds_free(f);
            return MLK_FAIL(MLK_EINVAL, "fold %zu has %zu of %zu rows", s, rows, n);
        }
    *folds = f;
    return MLK_OK;
}

/* ------------------------------------------------------------------ words */

/* A decimal number of at most 9 digits; false: something else. */
static bool parse_count(const char *s, size_t len, size_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || len > 9)
            return false;
        *out = 10 * *out + (size_t)(s[i] - '0');
    }
    return len > 0;
}

static mlk_status parse_cv(const char *cv, mlk_folds_opts *o)
{
    if (strcmp(cv, "loo") == 0) {
        o->kind = MLK_FOLDS_LOO;
        return MLK_OK;
    }
    const char *x = strchr(cv, 'x');
    const size_t len = x ? (size_t)(x - cv) : strlen(cv);
    if (!parse_count(cv, len, &o->folds) || (x && !parse_count(x + 1, strlen(x + 1), &o->repeats)))
        return MLK_FAIL(MLK_EINVAL, "cv = '%s' is not valid; expected K, KxR or loo", cv);
    if (o->folds < 2 || o->repeats < 1)
        return MLK_FAIL(MLK_EINVAL,
                        "cv = '%s' is not valid; expected at least 2 folds and 1 repeat", cv);
    return MLK_OK;
}

mlk_status mlk_folds_parse(const char *cv, const char *kind, mlk_folds_opts *o, const char **column)
{
    static const char *const words[] = {
        [MLK_FOLDS_SHUFFLE] = "shuffle", [MLK_FOLDS_BLOCKS] = "blocks", [MLK_FOLDS_TIME] = "time"};
    *column = NULL;
    if (kind && strncmp(kind, "group:", 6) == 0 && kind[6]) {
        o->kind = MLK_FOLDS_GROUP;
        *column = kind + 6;
    } else if (kind) {
        size_t k = 0;
        while (k < MLK_COUNT(words) && (!words[k] || strcmp(words[k], kind) != 0))
            k++;
        if (k == MLK_COUNT(words))
            return MLK_FAIL(
                MLK_EINVAL,
                "folds = '%s' is not valid; expected shuffle, blocks, group:COL or time", kind);
        o->kind = (mlk_fold_kind)k;
    }
    if (cv && kind && strcmp(cv, "loo") == 0)
        return MLK_FAIL(MLK_EINVAL, "cv = loo makes its own folds; folds = '%s' has no effect",
                        kind);
    return cv ? parse_cv(cv, o) : MLK_OK;
}

/* -------------------------------------------------------------- accessors */

size_t mlk_folds_count(const mlk_folds *f) { return f->count; }
size_t mlk_folds_per_repeat(const mlk_folds *f) { return f->per_repeat; }
size_t mlk_folds_rows(const mlk_folds *f) { return f->n; }
mlk_fold_kind mlk_folds_kind(const mlk_folds *f) { return f->kind; }

const size_t *mlk_folds_test(const mlk_folds *f, size_t s, size_t *n)
{
    *n = f->begin[s + 1] - f->begin[s];
    return f->rows + f->begin[s];
}

size_t mlk_folds_train(const mlk_folds *f, size_t s, size_t *rows)
{
    size_t n_test, n = 0, t = 0;
    const size_t *test = mlk_folds_test(f, s, &n_test);
    const size_t end = f->kind == MLK_FOLDS_TIME ? test[0] : f->n;
    for (size_t i = 0; i < end; i++) {
        if (t < n_test && test[t] == i)
            t++;
        else
            rows[n++] = i;
    }
    return n;
}
