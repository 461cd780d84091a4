#include "ensemble/gbdt_split.h"

#include <math.h>
#include <string.h>

#include "core/simd.h"

enum { MAX_BINS = 256 };

/* Cumulative sums over the bins of a column, as real numbers: column by column for vector code. */
typedef struct sums {
    double g[MAX_BINS], h[MAX_BINS], rows[MAX_BINS], gain[MAX_BINS];
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

/* The sum of both sides of (3) for each of n cuts; -1 where a side is too small. */
MLK_SIMD static void gains(const gbdt_rules *r, const totals *all, size_t n, sums *s)
{
    const double alpha = r->alpha, lambda = r->lambda;
    const double least_rows = (double)r->min_rows, least = r->min_weight;
    for (size_t b = 0; b < n; b++) {
        const double gl = s->g[b], hl = s->h[b], gr = all->g - gl, hr = all->h - hl;
        const double gain = side(gl, hl, alpha, lambda) + side(gr, hr, alpha, lambda);
        const double rows = s->rows[b], rest = all->rows - rows;
        const double few = rows < rest ? rows : rest, light = hl < hr ? hl : hr;
        s->gain[b] = ((few >= least_rows) & (light >= least)) ? gain : -1.0;
    }
}

/* The same under bounds and the constraint `sign` on the order of the children. */
static void bounded_gains(const gbdt_rules *r, const totals *all, const gbdt_node_sums *node,
                          int sign, size_t n, sums *s)
{
    for (size_t b = 0; b < n; b++) {
        const totals left = {s->g[b], s->h[b], s->rows[b]};
        const totals right = {all->g - left.g, all->h - left.h, all->rows - left.rows};
        const double vl = best_value(r, &left, node->lo, node->hi);
        const double vr = best_value(r, &right, node->lo, node->hi);
        const bool small = fmin(left.rows, right.rows) < (double)r->min_rows ||
                           !(fmin(left.h, right.h) >= r->min_weight);
        s->gain[b] =
            small || sign * (vr - vl) < 0.0 ? -1.0 : side_at(r, &left, vl) + side_at(r, &right, vr);
    }
}

/* One sweep: the cells in their order, `first` having been added to the left side before. The best
 * cut replaces `best` if it is better. Returns whether it did. */
static bool sweep(const gbdt_rules *r, const gbdt_cell *const *cell, size_t n, gbdt_cell first,
                  const gbdt_node_sums *node, int sign, gbdt_split *best)
{
    const totals all = totals_of(r, node->sum);
    const bool bounded = sign || node->lo > -INFINITY || node->hi < INFINITY;
    gbdt_cell prefix = first, at_best = first;
    size_t at = n;
    sums s;
    for (size_t b = 0; b < n; b++) {
        prefix.g += cell[b]->g;
        prefix.hc += cell[b]->hc;
        const totals t = totals_of(r, prefix);
        s.g[b] = t.g;
        s.h[b] = t.h;
        s.rows[b] = t.rows;
    }
    if (bounded)
        bounded_gains(r, &all, node, sign, n, &s);
    else
        gains(r, &all, n, &s);
    const double parent = bounded ? side_at(r, &all, best_value(r, &all, node->lo, node->hi))
                                  : side(all.g, all.h, r->alpha, r->lambda);
    double most = 2.0 * (best->gain + r->gamma) + parent;
    /* A gain of rounding alone is none. */
    if (most < parent * (1.0 + 1e-12))
        most = parent * (1.0 + 1e-12);
    for (size_t b = 0; b < n; b++)
        if (s.gain[b] > most) {
            most = s.gain[b];
            at = b;
        }
    if (at == n)
        return false;
    for (size_t b = 0; b <= at; b++) {
        at_best.g += cell[b]->g;
        at_best.hc += cell[b]->hc;
    }
    best->gain = 0.5 * (most - parent) - r->gamma;
    best->bin = (uint32_t)at;
    best->left = at_best;
    return true;
}

static void numeric(const gbdt_rules *r, const gbdt_column *c, uint32_t j, const gbdt_cell *cells,
                    const gbdt_node_sums *node, gbdt_split *best)
{
    const gbdt_cell *order[MAX_BINS];
    const gbdt_cell none = {0, 0}, missing = cells[c->n_bins];
    const int sign = r->monotone ? r->monotone[j] : 0;
    order[0] = cells;
    for (size_t b = 0; b < c->n_bins; b++)
        order[b] = &cells[b];
    if (!missing.hc) {
        if (c->n_bins > 1 && sweep(r, order, c->n_bins - 1, none, node, sign, best))
            best->missing_left = 2 * mlk_gbdt_rows(r, best->left) > mlk_gbdt_rows(r, node->sum);
        return;
    }
    /* Missing to the right, the last cut being all that is present; then to the left. */
    if (sweep(r, order, c->n_bins, none, node, sign, best))
        best->missing_left = false;
    if (c->n_bins > 1 && sweep(r, order, c->n_bins - 1, missing, node, sign, best))
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
    const gbdt_cell *order[MAX_BINS];
    const gbdt_cell none = {0, 0}, missing = cells[c->n_bins];
    const size_t n = rank(r, c, cells, by);
    bool found;
    order[0] = cells;
    for (size_t k = 0; k < n; k++)
        order[k] = &cells[by[k].bin];
    if (!missing.hc) {
        found = n > 1 && sweep(r, order, n - 1, none, node, 0, best);
        if (found)
            best->missing_left = 2 * mlk_gbdt_rows(r, best->left) > mlk_gbdt_rows(r, node->sum);
    } else {
        found = n > 0 && sweep(r, order, n, none, node, 0, best);
        if (found)
            best->missing_left = false;
        if (n > 1 && sweep(r, order, n - 1, missing, node, 0, best))
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
