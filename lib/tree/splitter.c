#include "tree/splitter.h"

#include <math.h>
#include <string.h>

#include "core/fast.h"
#include "core/simd.h"
#include "tree/absolute.h"
#include "tree/levels.h"

/* Keys of the samples in one column: those that are not missing lie in lo..hi, and the missing
 * ones, if any, have hi + 1. */
typedef struct span {
    uint32_t lo, hi;
    size_t n_missing;
} span;

/* Rows, weight and sum of t of the missing samples. */
typedef struct moments {
    size_t n;
    double w;
    int64_t t;
} moments;

static const double TIE = 1e-10, ROUNDING = 1e-13;

double mlk_split_scale(const mlk_target *t)
{
    switch (t->criterion) {
    case MLK_CRITERION_GINI: /* with two classes, twice the variance of the indicator */
        return mlk_target_moments(t) ? 2.0 : 1.0;
    case MLK_CRITERION_VARIANCE:
        return t->unit * t->unit;
    case MLK_CRITERION_ABSOLUTE_ERROR:
        return t->unit;
    case MLK_CRITERION_ENTROPY:
    case MLK_CRITERION_AUTO:
        break;
    }
    return 1.0;
}

/* What a gain of `best` cannot be told from. Gains from moments have a relative error only; the
 * others are differences of terms as large as the node's weight. */
static double tie_width(const mlk_target *t, const mlk_node_stats *node, double best)
{
    double floor = 0.0;
    if (t->criterion == MLK_CRITERION_ABSOLUTE_ERROR) {
        const size_t n = node->sample.n;
        floor = ROUNDING * node->weight * (double)(node->slot_t[n - 1] - node->slot_t[0]);
    } else if (!mlk_target_moments(t)) {
        floor = ROUNDING * node->weight;
    }
    return fmax(TIE * fabs(best), floor);
}

double mlk_split_enough(const mlk_target *t, const mlk_node_stats *node, double best)
{
    return best < 0.0 ? INFINITY : fmax(best - tie_width(t, node, best), 0.0);
}

/* Is gain a better than b, beyond rounding? */
static bool better(const mlk_target *t, const mlk_node_stats *node, double a, double b)
{
    return a >= 0.0 && (b < 0.0 || b < mlk_split_enough(t, node, a));
}

/* ------------------------------------------------------------------ scratch */

void mlk_desk_take(mlk_scratch *s, const mlk_columns *c, const mlk_target *t, size_t n, mlk_desk *d)
{
    size_t levels = 0;
    for (size_t j = 0; j < c->p; j++)
        if (c->categorical[j] && c->n_codes[j] > levels)
            levels = c->n_codes[j];
    memset(d, 0, sizeof *d);
    d->n = n;
    d->a = mlk_scratch_take(s, n, sizeof *d->a);
    d->b = mlk_scratch_take(s, n, sizeof *d->b);
    d->key = mlk_scratch_take(s, n, sizeof *d->key);
    d->group = mlk_scratch_take(s, n + 1, sizeof *d->group);
    d->group_n = mlk_scratch_take(s, n + 1, sizeof *d->group_n);
    d->gain = mlk_scratch_take(s, n + 1, sizeof *d->gain);
    if (c->raw)
        d->value = mlk_scratch_take(s, n, sizeof *d->value);
    /* Three keys, of all classes, always fit: random cuts leave no more. */
    d->n_hist = n > 3 * (t->n_classes + 1) ? n : 3 * (t->n_classes + 1);
    d->hist_n = mlk_scratch_take(s, d->n_hist, sizeof *d->hist_n);
    d->hist_w = mlk_scratch_take(s, d->n_hist, sizeof *d->hist_w);
    if (mlk_target_moments(t)) {
        d->group_w = mlk_scratch_take(s, n + 1, sizeof *d->group_w);
        d->group_t = mlk_scratch_take(s, n + 1, sizeof *d->group_t);
        d->hist_t = mlk_scratch_take(s, d->n_hist, sizeof *d->hist_t);
    } else if (t->n_classes) {
        d->event_key = mlk_scratch_take(s, n + 1, sizeof *d->event_key);
        d->event_cls = mlk_scratch_take(s, n + 1, sizeof *d->event_cls);
        d->event_n = mlk_scratch_take(s, n + 1, sizeof *d->event_n);
        d->event_w = mlk_scratch_take(s, n + 1, sizeof *d->event_w);
        d->left = mlk_scratch_take(s, t->n_classes, sizeof *d->left);
        d->right = mlk_scratch_take(s, t->n_classes, sizeof *d->right);
        d->left_real = mlk_scratch_take(s, t->n_classes, sizeof *d->left_real);
        d->right_real = mlk_scratch_take(s, t->n_classes, sizeof *d->right_real);
        if (c->raw)
            d->seen = mlk_scratch_take(s, t->n_classes, 2 * sizeof *d->seen);
    } else {
        mlk_absolute_take(s, n, d);
    }
    if (levels)
        mlk_levels_take(s, levels, d);
}

/* --------------------------------------------------------------------- keys */

MLK_SIMD static span gather_keys(const uint32_t *restrict code, const uint32_t *restrict id,
                                 size_t n, uint32_t missing, uint32_t *restrict key)
{
    uint32_t lo = UINT32_MAX, hi = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t k = code[id[i]];
        const bool gone = k == missing;
        key[i] = k;
        count += gone;
        lo = k < lo ? k : lo;
        hi = !gone && k > hi ? k : hi;
    }
    return (span){lo, hi, count};
}

/* Missing samples get the key behind all others, which keeps the range of keys small. */
static void close_up(uint32_t *key, size_t n, uint32_t missing, const span *s)
{
    if (s->n_missing)
        for (size_t i = 0; i < n; i++)
            key[i] = key[i] == missing ? s->hi + 1 : key[i];
}

static bool can_split(const span *s, size_t n)
{
    return s->n_missing < n && (s->n_missing > 0 || s->lo < s->hi);
}

/* Samples as items in the order of their keys. */
static const mlk_item *sorted(const span *s, size_t n, mlk_desk *d)
{
    for (size_t i = 0; i < n; i++)
        d->a[i] = mlk_item_of(d->key[i], (uint32_t)i);
    return mlk_items_sort(d->a, d->b, n, s->lo, s->hi + (s->n_missing > 0));
}

/* Worth counting by key, into tables of `width` a key, rather than sorting? The tables must stay
 * small beside the node, or tiny. */
static bool few_keys(const span *s, size_t width, size_t n)
{
    enum { IN_CACHE = 4096 };
    const size_t cells = ((size_t)(s->hi - s->lo) + 2) * width;
    return cells <= 3 * width || (cells <= n && (cells <= IN_CACHE || cells <= n / 4));
}

/* --------------------------------------------- variance, and two classes by Gini */

/* Sums by key; empty keys are dropped. Returns the number of groups, the missing one apart. */
static size_t groups_by_counting(const mlk_node_stats *node, const span *s, mlk_desk *d,
                                 moments *missing)
{
    const mlk_sample *x = &node->sample;
    const size_t range = (size_t)(s->hi - s->lo) + 2;
    memset(d->hist_n, 0, range * sizeof *d->hist_n);
    memset(d->hist_w, 0, range * sizeof *d->hist_w);
    memset(d->hist_t, 0, range * sizeof *d->hist_t);
    for (size_t i = 0; i < x->n; i++) {
        const uint32_t k = d->key[i] - s->lo;
        d->hist_n[k]++;
        d->hist_w[k] += mlk_sample_weight(x, i);
        d->hist_t[k] += node->t[i];
    }
    size_t groups = 0, n = 0;
    double w = 0.0;
    int64_t t = 0;
    for (size_t k = 0; k + 1 < range; k++) {
        if (!d->hist_n[k])
            continue;
        d->group[groups] = s->lo + (uint32_t)k;
        d->group_n[groups] = (uint32_t)(n += d->hist_n[k]);
        d->group_w[groups] = w += d->hist_w[k];
        d->group_t[groups++] = (double)(t += d->hist_t[k]);
    }
    if (s->n_missing)
        *missing = (moments){d->hist_n[range - 1], d->hist_w[range - 1], d->hist_t[range - 1]};
    return groups;
}

/* The same from a sort. */
static size_t groups_by_sorting(const mlk_node_stats *node, const span *s, mlk_desk *d,
                                moments *missing)
{
    const mlk_sample *x = &node->sample;
    const mlk_item *item = sorted(s, x->n, d);
    const size_t n = x->n - s->n_missing;
    size_t groups = 0;
    double w = 0.0;
    int64_t t = 0;
    uint32_t key = mlk_item_key(item[0]);
    for (size_t i = 0; i < n; i++) {
        const uint32_t at = mlk_item_payload(item[i]);
        groups += mlk_item_key(item[i]) != key;
        key = mlk_item_key(item[i]);
        w += mlk_sample_weight(x, at);
        t += node->t[at];
        d->group[groups] = key;
        d->group_n[groups] = (uint32_t)i + 1;
        d->group_w[groups] = w;
        d->group_t[groups] = (double)t;
    }
    missing->n = s->n_missing;
    for (size_t i = n; i < x->n; i++) {
        missing->w += mlk_sample_weight(x, mlk_item_payload(item[i]));
        missing->t += node->t[mlk_item_payload(item[i])];
    }
    return n ? groups + 1 : 0;
}

/*
 * Gains of the cuts behind each group, `more` besides on the left. With d = T_L - W_L T/W the
 * decrease of the sum of squares is d^2 W / (W_L W_R), without cancellation. A cut that leaves too
 * few rows on a side: -1. Returns the largest.
 */
MLK_SIMD static double moment_gains(const mlk_node_stats *node, size_t min_leaf, size_t groups,
                                    const moments *more, const uint32_t *restrict n,
                                    const double *restrict w, const double *restrict t,
                                    double *restrict gain)
{
    const double W = node->weight, rest = node->rest, w0 = more->w, t0 = (double)more->t;
    const uint32_t n0 = (uint32_t)more->n, all = (uint32_t)node->sample.n;
    const uint32_t least = (uint32_t)min_leaf;
    double best = -1.0;
    for (size_t g = 0; g < groups; g++) {
        const uint32_t left = n[g] + n0;
        const double wl = w[g] + w0, d = (t[g] + t0) - rest * wl;
        const double value = d * d * W / (wl * (W - wl));
        const double v = (left >= least) & (all - left >= least) ? value : -1.0;
        gain[g] = v;
        best = v > best ? v : best;
    }
    return best;
}

/* ----------------------------------------------------------------- classes */

/* Weights of the classes by key, in the order of the keys: from a table, or from a sort. Returns
 * the number of events, *missing of which, at the end, are those of the missing samples. */
static size_t events_by_counting(const mlk_node_stats *node, const span *s, mlk_desk *d,
                                 size_t *missing)
{
    const mlk_sample *x = &node->sample;
    const size_t k = node->n_cls, range = (size_t)(s->hi - s->lo) + 1 + (s->n_missing > 0);
    size_t n = 0;
    memset(d->hist_n, 0, range * k * sizeof *d->hist_n);
    memset(d->hist_w, 0, range * k * sizeof *d->hist_w);
    for (size_t i = 0; i < x->n; i++) {
        const size_t at = (size_t)(d->key[i] - s->lo) * k + node->place[x->cls[i]];
        d->hist_n[at]++;
        d->hist_w[at] += mlk_sample_weight(x, i);
    }
    *missing = 0;
    for (size_t r = 0; r < range; r++) {
        const size_t first = n;
        for (size_t c = 0; c < k; c++) { /* an empty cell is overwritten by the next one */
            d->event_key[n] = s->lo + (uint32_t)r;
            d->event_cls[n] = node->cls[c];
            d->event_n[n] = d->hist_n[r * k + c];
            d->event_w[n] = d->hist_w[r * k + c];
            n += d->hist_n[r * k + c] > 0;
        }
        *missing += s->lo + (uint32_t)r > s->hi ? n - first : 0;
    }
    return n;
}

static size_t events_by_sorting(const mlk_node_stats *node, const span *s, mlk_desk *d,
                                size_t *missing)
{
    const mlk_sample *x = &node->sample;
    const mlk_item *item = sorted(s, x->n, d);
    for (size_t i = 0; i < x->n; i++) {
        const uint32_t at = mlk_item_payload(item[i]);
        d->event_key[i] = mlk_item_key(item[i]);
        d->event_cls[i] = x->cls[at];
        d->event_n[i] = 1;
        d->event_w[i] = mlk_sample_weight(x, at);
    }
    *missing = s->n_missing;
    return x->n;
}

/* How the classes' weights are kept while samples move from right to left. */
enum mode {
    GINI_WHOLE,    /* exact sums of squares, updated in O(1) */
    ENTROPY_WHOLE, /* exact sums of x log x from the table, updated in O(1) */
    GINI_REAL,     /* recomputed at each cut in O(n_classes) */
    ENTROPY_REAL
};

typedef struct sides {
    double wl, wr;
    int64_t sum_l, sum_r; /* of squares, or of x log x */
    size_t nl;
} sides;

static inline double x_log_x(double x) { return x > 0.0 ? x * log2(x) : 0.0; }

static inline void move(enum mode mode, const mlk_target *t, mlk_desk *d, size_t e, sides *s)
{
    const uint32_t c = d->event_cls[e];
    const double w = d->event_w[e];
    s->wl += w;
    s->wr -= w;
    s->nl += d->event_n[e];
    if (mode == GINI_REAL || mode == ENTROPY_REAL) {
        d->left_real[c] += w;
        d->right_real[c] -= w;
        return;
    }
    const int64_t v = (int64_t)w, l = d->left[c], r = d->right[c];
    if (mode == GINI_WHOLE) {
        s->sum_l += v * (2 * l + v);
        s->sum_r += v * (v - 2 * r);
    } else {
        s->sum_l += t->entropy[l + v] - t->entropy[l];
        s->sum_r += t->entropy[r - v] - t->entropy[r];
    }
    d->left[c] = l + v;
    d->right[c] = r - v;
}

/* Sum of squares, or of x log x, of one side's classes. */
static double side_sum(enum mode mode, const double *w, size_t k)
{
    double sum = 0.0;
    for (size_t c = 0; c < k; c++)
        sum += mode == GINI_REAL ? w[c] * w[c] : x_log_x(w[c]);
    return sum;
}

/* Less is purer: weighted Gini impurity is W - sum / W, weighted entropy is W log W - sum. */
static inline double purity(enum mode mode, const mlk_target *t, const mlk_desk *d, const sides *s)
{
    const size_t k = t->n_classes;
    switch (mode) {
    case GINI_WHOLE:
        return (double)s->sum_l / s->wl + (double)s->sum_r / s->wr;
    case ENTROPY_WHOLE:
        return (double)(s->sum_l + s->sum_r - t->entropy[(size_t)s->wl] -
                        t->entropy[(size_t)s->wr]) *
               t->entropy_scale;
    case GINI_REAL:
        return side_sum(mode, d->left_real, k) / s->wl + side_sum(mode, d->right_real, k) / s->wr;
    case ENTROPY_REAL:
        break;
    }
    return side_sum(mode, d->left_real, k) + side_sum(mode, d->right_real, k) - x_log_x(s->wl) -
           x_log_x(s->wr);
}

/* All samples on the right. */
static sides start(enum mode mode, const mlk_target *t, const mlk_node_stats *node, mlk_desk *d)
{
    sides s = {0.0, node->weight, 0, 0, 0};
    if (mode == GINI_REAL || mode == ENTROPY_REAL) {
        for (size_t c = 0; c < t->n_classes; c++) {
            d->left_real[c] = 0.0;
            d->right_real[c] = node->count[c];
        }
        return s;
    }
    for (size_t k = 0; k < node->n_cls; k++) {
        const uint32_t c = node->cls[k];
        const int64_t v = (int64_t)node->count[c];
        d->left[c] = 0;
        d->right[c] = v;
        s.sum_r += mode == GINI_WHOLE ? v * v : t->entropy[v];
    }
    return s;
}

/* The parent's purity on the scale of purity(). */
static double start_purity(enum mode mode, const mlk_target *t, const mlk_node_stats *node,
                           const sides *s)
{
    switch (mode) {
    case GINI_WHOLE:
        return (double)s->sum_r / s->wr;
    case ENTROPY_WHOLE:
        return (double)(s->sum_r - t->entropy[(size_t)s->wr]) * t->entropy_scale;
    case GINI_REAL:
        return side_sum(mode, node->count, t->n_classes) / s->wr;
    case ENTROPY_REAL:
        break;
    }
    return side_sum(mode, node->count, t->n_classes) - x_log_x(s->wr);
}

/* Gains of the cuts behind each group of events; the last `missing` events go left first, if they
 * are to. Returns the number of groups, the largest gain in *best. */
static inline __attribute__((always_inline)) size_t
class_gains(enum mode mode, const mlk_target *t, const mlk_node_stats *node, size_t min_leaf,
            size_t events, size_t missing, bool missing_left, mlk_desk *d, double *best)
{
    const size_t all = node->sample.n;
    size_t groups = 0;
    sides s = start(mode, t, node, d);
    const double parent = start_purity(mode, t, node, &s);
    for (size_t e = events - missing; missing_left && e < events; e++)
        move(mode, t, d, e, &s);
    *best = -1.0;
    for (size_t e = 0; e < events - missing; e++) {
        move(mode, t, d, e, &s);
        if (e + 1 < events - missing && d->event_key[e] == d->event_key[e + 1])
            continue;
        double v = -1.0;
        if (s.nl >= min_leaf && all - s.nl >= min_leaf)
            v = fmax(purity(mode, t, d, &s) - parent, 0.0);
        d->group[groups] = d->event_key[e];
        d->gain[groups++] = v;
        *best = v > *best ? v : *best;
    }
    return groups;
}

static size_t walk_classes(const mlk_target *t, const mlk_node_stats *node, size_t min_leaf,
                           size_t events, size_t missing, bool left, mlk_desk *d, double *best)
{
    if (t->criterion == MLK_CRITERION_GINI)
        return t->real ? class_gains(GINI_REAL, t, node, min_leaf, events, missing, left, d, best)
                       : class_gains(GINI_WHOLE, t, node, min_leaf, events, missing, left, d, best);
    return t->entropy
               ? class_gains(ENTROPY_WHOLE, t, node, min_leaf, events, missing, left, d, best)
               : class_gains(ENTROPY_REAL, t, node, min_leaf, events, missing, left, d, best);
}

/* ------------------------------------------------------------- the best cut */

/* The first cut whose gain is the largest, rounding aside. */
static mlk_cut pick(const mlk_target *t, const mlk_node_stats *node, const mlk_desk *d,
                    size_t groups, double best)
{
    if (best < 0.0)
        return (mlk_cut){.gain = -1.0};
    const double enough = mlk_split_enough(t, node, best);
    size_t g = 0;
    while (d->gain[g] < enough)
        g++;
    return (mlk_cut){.gain = d->gain[g],
                     .key = d->group[g],
                     .next = g + 1 < groups ? d->group[g + 1] : UINT32_MAX};
}

/* Missing samples to the right, then to the left. */
static mlk_cut better_of(const mlk_target *t, const mlk_node_stats *node, mlk_cut right,
                         mlk_cut left)
{
    left.missing_left = true;
    return better(t, node, left.gain, right.gain) ? left : right;
}

static mlk_cut cut_by_moments(const mlk_target *t, const mlk_node_stats *node, const span *s,
                              size_t min_leaf, mlk_desk *d)
{
    const moments none = {0};
    moments missing = {0};
    const size_t groups = few_keys(s, 1, node->sample.n) ? groups_by_counting(node, s, d, &missing)
                                                         : groups_by_sorting(node, s, d, &missing);
    double best =
        moment_gains(node, min_leaf, groups, &none, d->group_n, d->group_w, d->group_t, d->gain);
    const mlk_cut right = pick(t, node, d, groups, best);
    if (!missing.n)
        return right;
    best =
        moment_gains(node, min_leaf, groups, &missing, d->group_n, d->group_w, d->group_t, d->gain);
    return better_of(t, node, right, pick(t, node, d, groups, best));
}

static mlk_cut cut_by_classes(const mlk_target *t, const mlk_node_stats *node, const span *s,
                              size_t min_leaf, mlk_desk *d)
{
    size_t missing;
    const size_t events = few_keys(s, node->n_cls, node->sample.n)
                              ? events_by_counting(node, s, d, &missing)
                              : events_by_sorting(node, s, d, &missing);
    double best;
    size_t groups = walk_classes(t, node, min_leaf, events, missing, false, d, &best);
    const mlk_cut right = pick(t, node, d, groups, best);
    if (!missing)
        return right;
    groups = walk_classes(t, node, min_leaf, events, missing, true, d, &best);
    return better_of(t, node, right, pick(t, node, d, groups, best));
}

static mlk_cut cut_by_absolute(const mlk_target *t, const mlk_node_stats *node, const span *s,
                               size_t min_leaf, mlk_desk *d)
{
    const mlk_item *item = sorted(s, node->sample.n, d);
    double best;
    size_t groups = mlk_absolute_gains(node, item, s->n_missing, false, min_leaf, d, &best);
    const mlk_cut right = pick(t, node, d, groups, best);
    if (!s->n_missing)
        return right;
    groups = mlk_absolute_gains(node, item, s->n_missing, true, min_leaf, d, &best);
    return better_of(t, node, right, pick(t, node, d, groups, best));
}

/* The best cut of the keys on the desk. */
static mlk_cut cut_keys(const mlk_target *t, const mlk_node_stats *node, const span *s,
                        size_t min_leaf, mlk_desk *d)
{
    mlk_cut cut;
    if (mlk_target_moments(t))
        cut = cut_by_moments(t, node, s, min_leaf, d);
    else if (t->n_classes)
        cut = cut_by_classes(t, node, s, min_leaf, d);
    else
        cut = cut_by_absolute(t, node, s, min_leaf, d);
    cut.has_missing = s->n_missing > 0;
    return cut;
}

/* ------------------------------------------------------------------ columns */

/* Midway between neighbours a < b, and in any case a <= result < b. */
static double midway(double a, double b)
{
    const double m = 0.5 * a + 0.5 * b;
    return m >= a && m < b ? m : a;
}

double mlk_split_threshold(const mlk_columns *c, size_t j, const mlk_split_rule *rule,
                           const mlk_cut *cut)
{
    const double *values = c->values[j];
    if (rule->random)
        return cut->threshold;
    return cut->next == UINT32_MAX ? INFINITY : midway(values[cut->key], values[cut->next]);
}

/* Values of the samples; their range and the number of missing ones. */
MLK_SIMD static size_t gather_values(const double *restrict x, const uint32_t *restrict id,
                                     size_t n, double *restrict value, double *lo, double *hi)
{
    double least = INFINITY, most = -INFINITY;
    uint32_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = x[id[i]];
        value[i] = v;
        missing += v != v;
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    *lo = least;
    *hi = most;
    return missing;
}

MLK_SIMD static void keys_of_cut(const double *restrict value, size_t n, double threshold,
                                 uint32_t missing, uint32_t *restrict key)
{
    for (size_t i = 0; i < n; i++)
        key[i] = value[i] != value[i] ? missing : value[i] > threshold;
}

/* Rows up to the threshold, and their sum of t. */
MLK_SIMD static size_t sums_up_to(const double *restrict value, const int64_t *restrict t, size_t n,
                                  double threshold, int64_t *sum)
{
    int64_t rows = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        const int64_t left = -(int64_t)(value[i] <= threshold);
        rows -= left;
        total += t[i] & left;
    }
    *sum = total;
    return (size_t)rows;
}

/* Sum over the classes of the squares of their rows up to the threshold, and of the products of
 * those with all rows of the class. Rows are counted in two tables in turn, since neighbours often
 * are of one class, and adding to a number just stored takes its time. */
static size_t squares_up_to(const mlk_node_stats *node, const double *value, double threshold,
                            uint32_t *seen, double *squares, double *products)
{
    const mlk_sample *x = &node->sample;
    size_t rows = 0;
    uint64_t sum = 0;
    for (size_t k = 0; k < node->n_cls; k++)
        seen[2 * node->cls[k]] = seen[2 * node->cls[k] + 1] = 0;
    for (size_t i = 0; i < x->n; i++) {
        const uint32_t left = value[i] <= threshold;
        seen[2 * (size_t)x->cls[i] + (i & 1)] += left;
        rows += left;
    }
    *products = 0.0;
    for (size_t k = 0; k < node->n_cls; k++) {
        const uint32_t c = node->cls[k], left = seen[2 * c] + seen[2 * c + 1];
        sum += (uint64_t)left * left;
        *products += (double)left * node->count[c];
    }
    *squares = (double)sum;
    return rows;
}

/* The gain of one cut of samples that have no weights and miss no value: what the sweeps over keys
 * would find, without the keys. Negative where a side is too small. */
static double gain_of_cut(const mlk_target *t, const mlk_node_stats *node, double threshold,
                          size_t min_leaf, mlk_desk *d)
{
    const size_t n = node->sample.n;
    double squares, products;
    if (mlk_target_moments(t)) {
        int64_t sum;
        const size_t left = sums_up_to(d->value, node->t, n, threshold, &sum);
        const double wl = (double)left, away = (double)sum - node->rest * wl;
        return left < min_leaf || n - left < min_leaf
                   ? -1.0
                   : away * away * node->weight / (wl * (node->weight - wl));
    }
    const size_t left = squares_up_to(node, d->value, threshold, d->seen, &squares, &products);
    if (left < min_leaf || n - left < min_leaf)
        return -1.0;
    const double right = node->squares - 2.0 * products + squares, wl = (double)left;
    const double gain = squares / wl + right / (node->weight - wl) - node->squares / node->weight;
    return gain > 0.0 ? gain : 0.0;
}

/* One threshold, uniform between the smallest and the largest value: keys are 0 up to it and 1
 * beyond. */
static mlk_cut cut_at_random(const mlk_columns *c, const mlk_target *t, const mlk_node_stats *node,
                             size_t j, const mlk_split_rule *rule, uint64_t key, mlk_desk *d)
{
    const size_t n = node->sample.n;
    double lo, hi;
    span s = {0, 0, gather_values(c->raw + j * c->n, node->sample.id, n, d->value, &lo, &hi)};
    s.hi = lo < hi;
    if (!can_split(&s, n))
        return (mlk_cut){.gain = -1.0};
    const double u = mlk_rng_uniform_of(key, 1 + j), drawn = lo * (1.0 - u) + hi * u;
    const double threshold = drawn >= lo && drawn < hi ? drawn : lo;
    if (!s.n_missing && !node->sample.whole && !node->sample.real &&
        (mlk_target_moments(t) || t->criterion == MLK_CRITERION_GINI))
        return (mlk_cut){.gain = gain_of_cut(t, node, threshold, rule->min_samples_leaf, d),
                         .threshold = threshold};
    keys_of_cut(d->value, n, threshold, s.hi + 1, d->key);
    mlk_cut cut = cut_keys(t, node, &s, rule->min_samples_leaf, d);
    cut.threshold = cut.key == s.hi ? INFINITY : threshold;
    return cut;
}

/* The best of all thresholds. */
static mlk_cut cut_number(const mlk_columns *c, const mlk_target *t, const mlk_node_stats *node,
                          size_t j, const mlk_split_rule *rule, mlk_desk *d)
{
    const size_t n = node->sample.n;
    const span s = gather_keys(mlk_columns_code(c, j), node->sample.id, n, c->n_codes[j], d->key);
    if (!can_split(&s, n))
        return (mlk_cut){.gain = -1.0};
    close_up(d->key, n, c->n_codes[j], &s);
    return cut_keys(t, node, &s, rule->min_samples_leaf, d);
}

static mlk_cut cut_levels(const mlk_columns *c, const mlk_target *t, const mlk_node_stats *node,
                          size_t j, const mlk_split_rule *rule, uint64_t key, mlk_desk *d)
{
    const size_t n = node->sample.n;
    const uint32_t *code = mlk_columns_code(c, j), missing = c->n_codes[j];
    const size_t orders = t->n_classes > 2 && !rule->random ? t->n_classes : 1;
    mlk_cut best = {.gain = -1.0};
    for (size_t o = 0; o < orders; o++) {
        const uint32_t cls = t->n_classes > 2 ? (uint32_t)o : 1;
        mlk_rng rng = rule->random ? mlk_rng_stream(key, 1 + j) : (mlk_rng){{0}};
        const size_t present = mlk_levels_order(node, code, missing, cls, rule, &rng, d);
        if (!present)
            break;
        span s = {0, mlk_levels_last(d, present, rule), 0};
        for (size_t i = 0; i < n; i++) {
            const uint32_t l = code[node->sample.id[i]];
            s.n_missing += l == missing;
            d->key[i] = l == missing ? s.hi + 1 : d->level_at[l];
        }
        if (!can_split(&s, n))
            break;
        mlk_cut cut = cut_keys(t, node, &s, rule->min_samples_leaf, d);
        cut.order = cls;
        if (better(t, node, cut.gain, best.gain))
            best = cut;
        if (present <= 2)
            break; /* every order tries the same subsets */
    }
    return best;
}

mlk_cut mlk_split_find(const mlk_columns *c, const mlk_target *t, const mlk_node_stats *node,
                       size_t j, const mlk_split_rule *rule, uint64_t key, mlk_desk *desk)
{
    if (c->categorical[j])
        return cut_levels(c, t, node, j, rule, key, desk);
    return rule->random ? cut_at_random(c, t, node, j, rule, key, desk)
                        : cut_number(c, t, node, j, rule, desk);
}

void mlk_split_sides(const mlk_columns *c, const mlk_node_stats *node, size_t j,
                     const mlk_split_rule *rule, uint64_t key, const mlk_cut *cut, mlk_desk *desk,
                     uint8_t *side)
{
    mlk_rng rng = rule->random ? mlk_rng_stream(key, 1 + j) : (mlk_rng){{0}};
    const size_t present =
        mlk_levels_order(node, mlk_columns_code(c, j), c->n_codes[j], cut->order, rule, &rng, desk);
    memset(side, MLK_SIDE_ABSENT, (size_t)c->n_codes[j] + 1);
    for (size_t i = 0; i < present; i++)
        side[desk->level[i]] =
            desk->level_at[desk->level[i]] <= cut->key ? MLK_SIDE_LEFT : MLK_SIDE_RIGHT;
}
