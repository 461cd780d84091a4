#include "support/slow_tree.h"

#include "support/mlk_test.h"

typedef long double real;

typedef struct builder {
    const mlk_data *d;
    const mlk_tree_opts *o;
    int criterion;
    real total;
    slow_tree tree;
} builder;

static real weight(const mlk_data *d, size_t i) { return d->w.n ? (real)d->w.data[i] : 1.0L; }

/* ------------------------------------------------------------------ impurity */

/* Lower and upper weighted median of the rows. */
static void medians(const mlk_data *d, const size_t *rows, size_t n, real *lo, real *hi)
{
    size_t sorted[512];
    real total = 0.0L, sum = 0.0L;
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && d->y.data[sorted[at - 1]] > d->y.data[rows[i]]; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = rows[i];
        total += weight(d, rows[i]);
    }
    for (size_t i = 0; i < n; i++) {
        sum += weight(d, sorted[i]);
        if (2.0L * sum >= total) {
            *lo = d->y.data[sorted[i]];
            *hi = 2.0L * sum == total && i + 1 < n ? (real)d->y.data[sorted[i + 1]] : *lo;
            return;
        }
    }
}

/* W, W i and the value(s) of a set of rows. */
static real impurity(const mlk_data *d, int criterion, const size_t *rows, size_t n, real *total,
                     real *value)
{
    real W = 0.0L, sum = 0.0L, lo, hi;
    for (size_t i = 0; i < n; i++)
        W += weight(d, rows[i]);
    *total = W;
    if (d->n_classes) {
        for (size_t c = 0; c < d->n_classes; c++) {
            value[c] = 0.0L;
            for (size_t i = 0; i < n; i++)
                value[c] += d->y.data[rows[i]] == (double)c ? weight(d, rows[i]) / W : 0.0L;
            if (criterion == MLK_TREE_GINI)
                sum += value[c] * (1.0L - value[c]);
            else if (value[c] > 0.0L)
                sum -= value[c] * log2l(value[c]);
        }
        return W * sum;
    }
    if (criterion == MLK_TREE_VARIANCE) {
        real mean = 0.0L;
        for (size_t i = 0; i < n; i++)
            mean += weight(d, rows[i]) * d->y.data[rows[i]] / W;
        for (size_t i = 0; i < n; i++)
            sum += weight(d, rows[i]) * (d->y.data[rows[i]] - mean) * (d->y.data[rows[i]] - mean);
        value[0] = mean;
        return sum;
    }
    medians(d, rows, n, &lo, &hi);
    value[0] = 0.5L * (lo + hi);
    for (size_t i = 0; i < n; i++)
        sum += weight(d, rows[i]) * fabsl(d->y.data[rows[i]] - value[0]);
    return sum;
}

/* ----------------------------------------------------------------------- cuts */

typedef struct slow_cut {
    real gain;
    size_t feature;
    bool missing_left, categorical;
    double threshold;
    bool level_left[16];
} slow_cut;

static double cell(const mlk_data *d, size_t i, size_t j) { return d->X.data[i * d->X.ld + j]; }

static bool is_missing(const mlk_data *d, double v, size_t j)
{
    return isnan(v) || (d->levels && d->levels[j] && v < 0.0);
}

static bool goes_left(const mlk_data *d, const slow_cut *cut, size_t i)
{
    const double v = cell(d, i, cut->feature);
    if (is_missing(d, v, cut->feature))
        return cut->missing_left;
    return cut->categorical ? cut->level_left[(size_t)v] : v <= cut->threshold;
}

/* Rows to their sides; the gain of equation (1), or -1 where a side has too few rows. */
static real gain_of(const builder *b, const size_t *rows, size_t n, const slow_cut *cut)
{
    size_t left[512], right[512], n_left = 0, n_right = 0;
    real W, value[8];
    for (size_t i = 0; i < n; i++) {
        if (goes_left(b->d, cut, rows[i]))
            left[n_left++] = rows[i];
        else
            right[n_right++] = rows[i];
    }
    const size_t least = (size_t)b->o->min_samples_leaf;
    if (n_left < least || n_right < least || !n_left || !n_right)
        return -1.0L;
    return impurity(b->d, b->criterion, rows, n, &W, value) -
           impurity(b->d, b->criterion, left, n_left, &W, value) -
           impurity(b->d, b->criterion, right, n_right, &W, value);
}

static real tie(real best) { return fmaxl(1e-10L * best, 1e-12L); }

/* Of cuts in the order of the tie rule, the first whose gain is the largest. */
static slow_cut first_best(const slow_cut *cuts, size_t n)
{
    slow_cut none = {.gain = -1.0L};
    real best = -1.0L;
    for (size_t i = 0; i < n; i++)
        best = fmaxl(best, cuts[i].gain);
    for (size_t i = 0; i < n; i++)
        if (cuts[i].gain > -0.5L && cuts[i].gain >= best - tie(best))
            return cuts[i];
    return none;
}

static int compare_double(const void *a, const void *b)
{
    const double u = *(const double *)a, v = *(const double *)b;
    return (u > v) - (u < v);
}

static slow_cut best_number(const builder *b, const size_t *rows, size_t n, size_t j)
{
    double v[512];
    size_t m = 0, distinct = 0, n_cuts = 0;
    static slow_cut cuts[1024];
    for (size_t i = 0; i < n; i++)
        if (!isnan(cell(b->d, rows[i], j)))
            v[m++] = cell(b->d, rows[i], j);
    qsort(v, m, sizeof *v, compare_double);
    for (size_t i = 0; i < m; i++)
        if (i == 0 || v[i] != v[i - 1])
            v[distinct++] = v[i];
    for (int left = 0; left <= (m < n); left++)
        for (size_t i = 0; i < distinct; i++) {
            slow_cut *cut = &cuts[n_cuts++];
            *cut = (slow_cut){.feature = j, .missing_left = left};
            cut->threshold = i + 1 < distinct ? 0.5 * v[i] + 0.5 * v[i + 1] : INFINITY;
            cut->gain = gain_of(b, rows, n, cut);
        }
    return first_best(cuts, n_cuts);
}

/* Levels present, by the mean of y (or the share of class `cls`), then by code. */
static size_t order_levels(const builder *b, const size_t *rows, size_t n, size_t j, size_t cls,
                           size_t *order)
{
    real w[16] = {0}, sum[16] = {0};
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = cell(b->d, rows[i], j), y = b->d->y.data[rows[i]];
        if (is_missing(b->d, v, j))
            continue;
        w[(size_t)v] += weight(b->d, rows[i]);
        sum[(size_t)v] += weight(b->d, rows[i]) * (b->d->n_classes ? y == (double)cls : (real)y);
    }
    for (size_t l = 0; l < b->d->levels[j]; l++) {
        if (w[l] == 0.0L)
            continue;
        size_t at = m++;
        for (; at > 0 && sum[l] / w[l] < sum[order[at - 1]] / w[order[at - 1]] - 1e-15L; at--)
            order[at] = order[at - 1];
        order[at] = l;
    }
    return m;
}

static slow_cut best_levels(const builder *b, const size_t *rows, size_t n, size_t j)
{
    const size_t k = b->d->n_classes;
    static slow_cut cuts[512], best[8];
    size_t order[16], n_best = 0, missing = 0;
    for (size_t i = 0; i < n; i++)
        missing += is_missing(b->d, cell(b->d, rows[i], j), j);
    for (size_t o = 0; o < (k > 2 ? k : 1); o++) {
        const size_t m = order_levels(b, rows, n, j, k > 2 ? o : 1, order);
        size_t n_cuts = 0;
        for (int left = 0; left <= (missing > 0); left++)
            for (size_t i = 0; i < m; i++) {
                slow_cut *cut = &cuts[n_cuts++];
                *cut = (slow_cut){.feature = j, .missing_left = left, .categorical = true};
                for (size_t l = 0; l <= i; l++)
                    cut->level_left[order[l]] = true;
                cut->gain = gain_of(b, rows, n, cut);
            }
        best[n_best++] = first_best(cuts, n_cuts);
        if (m <= 2)
            break;
    }
    return first_best(best, n_best);
}

/* ----------------------------------------------------------------------- nodes */

static void close_node(slow_node *x, const builder *b)
{
    real W;
    x->impurity = impurity(b->d, b->criterion, x->rows, x->samples, &W, x->value) / W;
    x->weight = W;
    x->leaf = true;
}

static slow_cut best_cut(const builder *b, const slow_node *x)
{
    static slow_cut cuts[64];
    for (size_t j = 0; j < b->d->X.cols; j++)
        cuts[j] = b->d->levels && b->d->levels[j] ? best_levels(b, x->rows, x->samples, j)
                                                  : best_number(b, x->rows, x->samples, j);
    return first_best(cuts, b->d->X.cols);
}

static slow_node *add_child(builder *b, const slow_node *parent)
{
    slow_node *x = &b->tree.node[b->tree.n++];
    *x = (slow_node){.depth = parent->depth + 1};
    x->rows = test_alloc(parent->samples * sizeof *x->rows);
    return x;
}

static void split_node(builder *b, size_t at, const slow_cut *cut)
{
    slow_node *x = &b->tree.node[at];
    x->leaf = false;
    x->left = b->tree.n;
    x->right = b->tree.n + 1;
    x->feature = cut->feature;
    x->threshold = cut->threshold;
    x->categorical = cut->categorical;
    x->gain = cut->gain;
    slow_node *left = add_child(b, x), *right = add_child(b, x);
    bool missing = false, present[16] = {false};
    real heavy = 0.0L;
    for (size_t i = 0; i < x->samples; i++) {
        const size_t r = x->rows[i];
        const double v = cell(b->d, r, cut->feature);
        const bool l = goes_left(b->d, cut, r);
        missing |= is_missing(b->d, v, cut->feature);
        if (cut->categorical && !is_missing(b->d, v, cut->feature))
            present[(size_t)v] = true;
        heavy += l ? weight(b->d, r) : -weight(b->d, r);
        slow_node *to = l ? left : right;
        to->rows[to->samples++] = r;
    }
    x->missing_left = missing ? cut->missing_left : heavy >= 0.0L;
    for (size_t l = 0; cut->categorical && l < b->d->levels[cut->feature]; l++)
        x->level_left[l] = present[l] ? cut->level_left[l] : x->missing_left;
}

static builder start(const mlk_data *data, const mlk_tree_opts *opts)
{
    builder b = {.d = data, .o = opts, .criterion = opts->criterion};
    if (b.criterion == MLK_TREE_AUTO)
        b.criterion = data->n_classes ? MLK_TREE_GINI : MLK_TREE_VARIANCE;
    b.tree.node = test_alloc((2 * data->X.rows + 2) * sizeof *b.tree.node);
    b.tree.n = 1;
    slow_node *root = &b.tree.node[0];
    root->rows = test_alloc(data->X.rows * sizeof *root->rows);
    for (size_t i = 0; i < data->X.rows; i++)
        if (weight(data, i) > 0.0L) {
            root->rows[root->samples++] = i;
            b.total += weight(data, i);
        }
    return b;
}

slow_tree slow_tree_fit(const mlk_data *data, const mlk_tree_opts *opts)
{
    builder b = start(data, opts);
    for (size_t i = 0; i < b.tree.n; i++) {
        slow_node *x = &b.tree.node[i];
        close_node(x, &b);
        if (x->impurity < 1e-15L || (opts->max_depth && x->depth >= (size_t)opts->max_depth) ||
            x->samples < (size_t)opts->min_samples_split)
            continue;
        const slow_cut cut = best_cut(&b, x);
        if (cut.gain > -0.5L && cut.gain / b.total >= opts->min_impurity_decrease - 1e-12L)
            split_node(&b, i, &cut);
    }
    return b.tree;
}

long double slow_tree_best_subset(const mlk_data *data, int criterion, size_t j)
{
    mlk_tree_opts opts = mlk_tree_opts_default();
    opts.criterion = criterion;
    builder b = start(data, &opts);
    const slow_node *root = &b.tree.node[0];
    real best = -1.0L;
    for (size_t set = 1; set + 1 < (size_t)1 << data->levels[j]; set++) {
        slow_cut cut = {.feature = j, .categorical = true};
        for (size_t l = 0; l < data->levels[j]; l++)
            cut.level_left[l] = set >> l & 1;
        best = fmaxl(best, gain_of(&b, root->rows, root->samples, &cut));
    }
    return best;
}
