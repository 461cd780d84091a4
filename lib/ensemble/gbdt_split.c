#include "ensemble/gbdt_split.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

enum { MAX_BINS = 256 };

/* Cumulative sums over the bins of a column, and what the cuts behind them gain. */
typedef struct sums {
    int64_t g[MAX_BINS];
    uint64_t hc[MAX_BINS];
    double gain[MAX_BINS];
} sums;

/* A node as real numbers. */
typedef struct totals {
    double g, h, rows;
} totals;

static totals totals_of(const gbdt_rules *r, gbdt_cell c)
{
    return (totals){(double)c.g * r->g_unit, (double)(c.hc >> r->count_bits) * r->h_unit,
                    (double)mlk_gbdt_rows(r, c)};
}

static inline double shrunk(double g, double alpha)
{
    const double above = g - alpha, below = g + alpha;
    return above > 0.0 ? above : below < 0.0 ? below : 0.0;
}

static inline double clamp(double v, double lo, double hi) { return v < lo ? lo : v > hi ? hi : v; }

static double best_value(const gbdt_rules *r, const totals *t, double lo, double hi)
{
    const double d = t->h + r->lambda;
    return clamp(d > 0.0 ? -shrunk(t->g, r->alpha) / d : 0.0, lo, hi);
}

double mlk_gbdt_value(const gbdt_rules *r, gbdt_cell sum, double lo, double hi)
{
    const totals t = totals_of(r, sum);
    return best_value(r, &t, lo, hi);
}

/* Twice what the best value of a side lowers (1) by. */
static inline double side(double g, double h, double alpha, double lambda)
{
    const double s = shrunk(g, alpha);
    return s * s / (h + lambda);
}

/* The same for a value that bounds may have moved. */
static double side_at(const gbdt_rules *r, const totals *t, double v)
{
    return -(2.0 * t->g * v + (t->h + r->lambda) * v * v + 2.0 * r->alpha * fabs(v));
}

/* The left side of cut b. */
static inline totals left_of(const gbdt_rules *r, const sums *s, size_t b)
{
    return (totals){(double)s->g[b] * r->g_unit,
                    (double)(int64_t)(s->hc[b] >> r->count_bits) * r->h_unit,
                    (double)(int64_t)(s->hc[b] & ((UINT64_C(1) << r->count_bits) - 1))};
}

/* The sum of both sides of (3) for each of n cuts; -1 where a side is too small. Returns the
 * largest. */
MLK_SIMD_TILES static double gains(const gbdt_rules *r, const totals *all, size_t n, sums *s)
{
    const gbdt_rules rules = *r; /* a copy: what is written cannot change it */
    const totals whole = *all;
    const double least_rows = (double)rules.min_rows, least = rules.min_weight;
    for (size_t b = 0; b < n; b++) {
        const totals left = left_of(&rules, s, b);
        const double gr = whole.g - left.g, hr = whole.h - left.h, rest = whole.rows - left.rows;
        const double gain = side(left.g, left.h, rules.alpha, rules.lambda) +
                            side(gr, hr, rules.alpha, rules.lambda);
        const double few = left.rows < rest ? left.rows : rest, light = left.h < hr ? left.h : hr;
        s->gain[b] = ((few >= least_rows) & (light >= least)) ? gain : -1.0;
    }
    double most[8] = {-1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0};
    size_t b = 0;
    for (; b + 8 <= n; b += 8)
        for (size_t k = 0; k < 8; k++)
            most[k] = s->gain[b + k] > most[k] ? s->gain[b + k] : most[k];
    for (; b < n; b++)
        most[0] = s->gain[b] > most[0] ? s->gain[b] : most[0];
    for (size_t k = 1; k < 8; k++)
        most[0] = most[k] > most[0] ? most[k] : most[0];
    return most[0];
}

/* The same under bounds, where sums may be negative, and the constraint `sign` on the order of the
 * children; -inf where a cut may not be. */
static double bounded_gains(const gbdt_rules *r, const totals *all, const gbdt_node_sums *node,
                            int sign, size_t n, sums *s)
{
    double most = -INFINITY;
    for (size_t b = 0; b < n; b++) {
        const totals left = left_of(r, s, b);
        const totals right = {all->g - left.g, all->h - left.h, all->rows - left.rows};
        const double vl = best_value(r, &left, node->lo, node->hi);
        const double vr = best_value(r, &right, node->lo, node->hi);
        const bool small = fmin(left.rows, right.rows) < (double)r->min_rows ||
                           !(fmin(left.h, right.h) >= r->min_weight);
        s->gain[b] = small || sign * (vr - vl) < 0.0
                         ? -INFINITY
                         : side_at(r, &left, vl) + side_at(r, &right, vr);
        most = fmax(most, s->gain[b]);
    }
    return most;
}

/* Cells in the order of the sweep; `order` NULL: as they come. `first` has been added before. */
static void add_up(const gbdt_cell *cells, const uint8_t *order, size_t n, gbdt_cell first, sums *s)
{
    for (size_t b = 0; b < n; b++) {
        const gbdt_cell *c = &cells[order ? order[b] : b];
        s->g[b] = first.g += c->g;
        s->hc[b] = first.hc += c->hc;
    }
}

/* One sweep over n cells, `first` having been added to the left side before. The best cut replaces
 * `best` if it is better. Returns whether it did. */
static bool sweep(const gbdt_rules *r, const gbdt_cell *cells, const uint8_t *order, size_t n,
                  gbdt_cell first, const gbdt_node_sums *node, int sign, gbdt_split *best)
{
    const totals all = totals_of(r, node->sum);
    const bool bounded = sign || node->lo > -INFINITY || node->hi < INFINITY;
    sums s;
    if (order)
        add_up(cells, order, n, first, &s);
    else
        add_up(cells, NULL, n, first, &s);
    const double most = bounded ? bounded_gains(r, &all, node, sign, n, &s) : gains(r, &all, n, &s);
    const double parent = bounded ? side_at(r, &all, best_value(r, &all, node->lo, node->hi))
                                  : side(all.g, all.h, r->alpha, r->lambda);
    /* A gain of rounding alone is none. */
    if (!(most > fmax(2.0 * (best->gain + r->gamma) + parent, parent + 1e-12 * fabs(parent))))
        return false;
    size_t at = 0;
    while (s.gain[at] < most)
        at++;
    best->gain = 0.5 * (most - parent) - r->gamma;
    best->bin = (uint32_t)at;
    best->left = (gbdt_cell){s.g[at], s.hc[at]};
    return true;
}

static void numeric(const gbdt_rules *r, const gbdt_column *c, uint32_t j, const gbdt_cell *cells,
                    const gbdt_node_sums *node, gbdt_split *best)
{
    const gbdt_cell none = {0, 0}, missing = cells[c->n_bins];
    const int sign = r->monotone ? r->monotone[j] : 0;
    if (!missing.hc) {
        if (c->n_bins > 1 && sweep(r, cells, NULL, c->n_bins - 1, none, node, sign, best))
            best->missing_left = 2 * mlk_gbdt_rows(r, best->left) > mlk_gbdt_rows(r, node->sum);
        return;
    }
    /* Missing to the right, the last cut being all that is present; then to the left. */
    if (sweep(r, cells, NULL, c->n_bins, none, node, sign, best))
        best->missing_left = false;
    if (c->n_bins > 1 && sweep(r, cells, NULL, c->n_bins - 1, missing, node, sign, best))
        best->missing_left = true;
}

typedef struct ranked {
    double key;
    uint32_t bin;
} ranked;

/* Bins with rows, ascending by G/(H + lambda); equal ones by number. */
static size_t rank(const gbdt_rules *r, const gbdt_column *c, const gbdt_cell *cells, ranked *out)
{
    size_t n = 0;
    for (uint32_t b = 0; b < c->n_bins; b++) {
        if (!cells[b].hc)
            continue;
        const totals t = totals_of(r, cells[b]);
        const ranked x = {t.g / (t.h + r->lambda), b};
        size_t k = n++;
        for (; k > 0 && out[k - 1].key > x.key; k--)
            out[k] = out[k - 1];
        out[k] = x;
    }
    return n;
}

static void categorical(const gbdt_rules *r, const gbdt_column *c, const gbdt_cell *cells,
                        const gbdt_node_sums *node, gbdt_split *best)
{
    ranked by[MAX_BINS];
    uint8_t order[MAX_BINS];
    const gbdt_cell none = {0, 0}, missing = cells[c->n_bins];
    const size_t n = rank(r, c, cells, by);
    bool found;
    order[0] = 0;
    for (size_t k = 0; k < n; k++)
        order[k] = (uint8_t)by[k].bin;
    if (!missing.hc) {
        found = n > 1 && sweep(r, cells, order, n - 1, none, node, 0, best);
        if (found)
            best->missing_left = 2 * mlk_gbdt_rows(r, best->left) > mlk_gbdt_rows(r, node->sum);
    } else {
        found = n > 0 && sweep(r, cells, order, n, none, node, 0, best);
        if (found)
            best->missing_left = false;
        if (n > 1 && sweep(r, cells, order, n - 1, missing, node, 0, best))
            found = best->missing_left = true;
    }
    if (!found)
        return;
    /* Bins without rows here go where missing values go. */
    memset(best->set, best->missing_left ? 0xff : 0, sizeof best->set);
    for (size_t k = 0; k < n; k++) {
        const uint64_t bit = UINT64_C(1) << (by[k].bin % 64);
        if (k <= best->bin)
            best->set[by[k].bin / 64] |= bit;
        else
            best->set[by[k].bin / 64] &= ~bit;
    }
}

gbdt_split mlk_gbdt_best_split(const gbdt_rules *r, const gbdt_column *c, uint32_t j,
                               const gbdt_cell *cells, const gbdt_node_sums *node)
{
    gbdt_split best = {.gain = 0.0, .column = j};
    if (c->n_levels)
        categorical(r, c, cells, node, &best);
    else
        numeric(r, c, j, cells, node, &best);
    return best;
}
