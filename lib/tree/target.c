#include "tree/target.h"

#include <math.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "model/algo.h"

enum {
    SUM_BITS = 60,       /* |sum of w yq| < 2^60: room for the shift to a node's centre */
    MAX_WHOLE_BITS = 31, /* whole weights add up to less than 2^31, squares to less than 2^62 */
    MAX_ENTROPY = 1 << 20
};

mlk_status mlk_criterion_resolve(int word, size_t n_classes, mlk_criterion *criterion)
{
    static const char *const name[] = {"auto", "gini", "entropy", "variance", "absolute_error"};
    const mlk_criterion c = (mlk_criterion)word;
    if (c == MLK_CRITERION_AUTO) {
        *criterion = n_classes ? MLK_CRITERION_GINI : MLK_CRITERION_VARIANCE;
        return MLK_OK;
    }
    if ((c == MLK_CRITERION_GINI || c == MLK_CRITERION_ENTROPY) != (n_classes > 0))
        return MLK_FAIL(MLK_EINVAL, "criterion = %s is for %s; expected %s", name[c],
                        n_classes ? "regression" : "classification",
                        n_classes ? "gini or entropy" : "variance or absolute_error");
    *criterion = c;
    return MLK_OK;
}

/* k factors n / (k n_c) from the weights of the classes; a class without rows: 0. */
static void balance_classes(const mlk_data *data, double *factor)
{
    double total = 0.0;
    for (size_t k = 0; k < data->n_classes; k++)
        factor[k] = 0.0;
    for (size_t i = 0; i < data->y.n; i++) {
        factor[(size_t)data->y.data[i]] += mlk_weight(data->w, i);
        total += mlk_weight(data->w, i);
    }
    for (size_t k = 0; k < data->n_classes; k++)
        if (factor[k] > 0.0)
            factor[k] = total / ((double)data->n_classes * factor[k]);
}

/* The largest power of two s with s * bound < 2^bits. */
static double grid(double bound, int bits)
{
    int exponent;
    frexp(bound, &exponent); /* bound < 2^exponent */
    exponent = bits - exponent;
    return ldexp(1.0, exponent > 1000 ? 1000 : exponent < -1000 ? -1000 : exponent);
}

/* Weights of the kept rows, in the coarsest form that is exact. Returns the bound of any sample's
 * total. */
static double set_weights(mlk_target *t, const double *w, size_t draws)
{
    double total = 0.0, largest = 0.0;
    bool whole = true, one = true;
    for (size_t i = 0; i < t->n; i++) {
        whole &= w[i] == floor(w[i]);
        one &= w[i] == 1.0;
        total += w[i];
        largest = fmax(largest, w[i]);
    }
    const double bound = draws ? (double)draws * largest : total;
    if (whole && bound < ldexp(1.0, MAX_WHOLE_BITS)) {
        for (size_t i = 0; i < t->n; i++)
            t->whole[i] = (uint32_t)w[i];
        t->real = NULL;
        if (one)
            t->whole = NULL;
        return bound;
    }
    const double s = grid(bound, 52);
    for (size_t i = 0; i < t->n; i++)
        t->real[i] = fmax(rint(w[i] * s), 1.0) / s;
    t->whole = NULL;
    return bound;
}

static void set_regression(mlk_target *t, double *y, const double *given, const mlk_columns *c,
                           double mass)
{
    double lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < t->n; i++) {
        y[i] = given[c->row[i]];
        lo = fmin(lo, y[i]);
        hi = fmax(hi, y[i]);
    }
    t->y = y;
    t->centre = 0.5 * lo + 0.5 * hi;
    const double range = fmax(hi - t->centre, t->centre - lo);
    /* A tiny range still has to be representable; a constant target needs no grid. */
    const double s = range > 0.0 ? grid(range, SUM_BITS) : 1.0, per = grid(fmax(mass, 1.0), 0);
    t->unit = 1.0 / (s * per);
    for (size_t i = 0; i < t->n; i++)
        t->yq[i] = llrint((y[i] - t->centre) * s * per);
}

/* Ranks of y and the value of each rank. */
static mlk_status set_ranks(mlk_target *t)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    size_t *order = mlk_scratch_take(&s, t->n, sizeof *order);
    mlk_status st = order ? mlk_argsort(t->y, t->n, order)
                          : MLK_FAIL(MLK_ENOMEM, "no memory to rank %zu targets", t->n);
    uint32_t rank = 0;
    for (size_t i = 0; st == MLK_OK && i < t->n; i++) {
        rank += i > 0 && t->yq[order[i]] != t->yq[order[i - 1]];
        t->cls[order[i]] = rank;
        t->ranked[rank] = t->yq[order[i]];
    }
    mlk_scratch_release(&s);
    return st;
}

static void set_entropy(mlk_target *t, double mass)
{
    const double s = grid(mass * fmax(log2(mass), 1.0), SUM_BITS);
    t->entropy_scale = 1.0 / s;
    for (size_t x = 0; x < t->n_entropy; x++)
        t->entropy[x] = x ? llrint((double)x * log2((double)x) * s) : 0;
}

/* The tables of a target; what does not apply stays NULL. */
static mlk_target *allocate(size_t n, size_t n_classes, mlk_criterion criterion, double mass,
                            double **y)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_target *t = mlk_scratch_take(&s, 1, sizeof *t);
    if (!t)
        return NULL;
    *t = (mlk_target){.n = n, .n_classes = n_classes, .criterion = criterion, .unit = 1.0};
    t->whole = mlk_scratch_take(&s, n, sizeof *t->whole);
    t->real = mlk_scratch_take(&s, n, sizeof *t->real);
    if (n_classes || criterion == MLK_CRITERION_ABSOLUTE_ERROR)
        t->cls = mlk_scratch_take(&s, n, sizeof *t->cls);
    if (criterion == MLK_CRITERION_ABSOLUTE_ERROR)
        t->ranked = mlk_scratch_take(&s, n, sizeof *t->ranked);
    if (!n_classes) {
        t->yq = mlk_scratch_take(&s, n, sizeof *t->yq);
        *y = mlk_scratch_take(&s, n, sizeof **y);
    }
    if (criterion == MLK_CRITERION_ENTROPY && mass < MAX_ENTROPY) {
        t->n_entropy = (size_t)mass + 1;
        t->entropy = mlk_scratch_take(&s, t->n_entropy, sizeof *t->entropy);
    }
    if (s.failed) {
        mlk_scratch_release(&s);
        return NULL;
    }
    t->memory = s.last;
    return t;
}

/* Weights times class weights of the kept rows. */
static double effective_weights(const mlk_data *data, const mlk_columns *c,
                                const double *class_weight, double *w)
{
    double total = 0.0;
    for (size_t i = 0; i < c->n; i++) {
        w[i] = mlk_weight(data->w, c->row[i]);
        if (class_weight)
            w[i] *= class_weight[(size_t)data->y.data[c->row[i]]];
        total += w[i];
    }
    return total;
}

mlk_status mlk_target_new(const mlk_data *data, const mlk_columns *columns, bool balanced,
                          mlk_criterion criterion, size_t draws, mlk_target **target)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    const mlk_vec w = mlk_scratch_vec(&s, columns->n);
    double *factor = balanced ? mlk_scratch_take(&s, data->n_classes, sizeof *factor) : NULL;
    double *y = NULL;
    mlk_target *t = NULL;
    mlk_status st = MLK_OK;
    *target = NULL;
    if (!s.failed) {
        if (factor)
            balance_classes(data, factor);
        const double total = effective_weights(data, columns, factor, w.data);
        t = allocate(columns->n, data->n_classes, criterion, draws ? (double)draws : total, &y);
    }
    if (!t) {
        mlk_scratch_release(&s);
        return MLK_FAIL(MLK_ENOMEM, "no memory for the targets of %zu rows", columns->n);
    }
    const double mass = set_weights(t, w.data, draws);
    if (data->n_classes) {
        for (size_t i = 0; i < t->n; i++)
            t->cls[i] = (uint32_t)data->y.data[columns->row[i]];
    } else {
        set_regression(t, y, data->y.data, columns, mass);
    }
    /* The table serves masses that are counts alone. */
    if (t->entropy && (t->real || mass >= (double)t->n_entropy))
        t->entropy = NULL;
    if (t->entropy)
        set_entropy(t, mass);
    if (criterion == MLK_CRITERION_ABSOLUTE_ERROR)
        st = set_ranks(t);
    mlk_scratch_release(&s);
    if (st != MLK_OK) {
        mlk_target_free(t);
        return st;
    }
    *target = t;
    return MLK_OK;
}

void mlk_target_free(mlk_target *t)
{
    if (!t)
        return;
    mlk_scratch s = {t->memory, false};
    mlk_scratch_release(&s);
}
