#include <mlkit/data/split.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/rng.h"
#include "core/status.h"

/* size[c] rows of class c; share[c]: how many of them are held out, n_test together, if enough
 * rows may be spared. */
static size_t shares(const size_t *size, size_t classes, size_t n, size_t n_test, size_t *share)
{
    size_t given = 0;
    for (size_t c = 0; c < classes; c++) {
        share[c] = (size_t)floor((double)n_test * (double)size[c] / (double)n);
        if (share[c] >= size[c])
            share[c] = size[c] ? size[c] - 1 : 0;
        given += share[c];
    }
    while (given < n_test) {
        size_t best = classes;
        double most = -INFINITY;
        for (size_t c = 0; c < classes; c++) {
            const double left = (double)n_test * (double)size[c] / (double)n - (double)share[c];
            if (share[c] + 1 < size[c] && left > most) {
                most = left;
                best = c;
            }
        }
        if (best == classes)
            return given;
        share[best]++;
        given++;
    }
    return given;
}

/* Mark the held-out rows of one class. `items` has room for n. */
static void draw(const mlk_data *data, size_t c, size_t share, mlk_rng *rng, size_t *items,
                 unsigned char *held)
{
    size_t m = 0;
    for (size_t i = 0; i < data->X.rows; i++)
        if (!data->n_classes || data->y.data[i] == (double)c)
            items[m++] = i;
    mlk_rng_shuffle(rng, items, m);
    for (size_t i = 0; i < share; i++)
        held[items[i]] = 1;
}

mlk_status mlk_split_holdout(const mlk_data *data, double fraction, int64_t seed, size_t *rows,
                             size_t *n_train)
{
    const size_t n = data->X.rows, classes = data->n_classes ? data->n_classes : 1;
    if (!(fraction > 0.0 && fraction < 1.0))
        return MLK_FAIL(MLK_EINVAL, "a test fraction of %g is outside (0, 1)", fraction);
    if (n < 2)
        return MLK_FAIL(MLK_EINVAL, "%zu row%s cannot be split in training and test", n,
                        n == 1 ? "" : "s");
    if (data->n_classes && data->y.n != n)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", n, data->y.n);
    for (size_t i = 0; data->n_classes && i < n; i++)
        if (!(data->y.data[i] >= 0.0 && data->y.data[i] < (double)classes))
            return MLK_FAIL(MLK_EINVAL, "y[%zu] = %g is none of %zu classes", i, data->y.data[i],
                            classes);
    size_t n_test = (size_t)ceil(fraction * (double)n);
    if (n_test >= n)
        n_test = n - 1;

    mlk_scratch s = MLK_SCRATCH_INIT;
    unsigned char *held = mlk_scratch_take(&s, n, 1);
    size_t *size = mlk_scratch_take(&s, classes, sizeof *size);
    size_t *share = mlk_scratch_take(&s, classes, sizeof *share);
    mlk_status st = MLK_OK;
    if (s.failed) {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to split %zu rows", n);
        goto out;
    }
    memset(held, 0, n);
    memset(size, 0, classes * sizeof *size);
    for (size_t i = 0; i < n; i++)
        size[data->n_classes ? (size_t)data->y.data[i] : 0]++;
    n_test = shares(size, classes, n, n_test, share);
    if (n_test == 0) {
        st = MLK_FAIL(MLK_EINVAL, "every class has one row only: none can be held out");
        goto out;
    }
    for (size_t c = 0; c < classes; c++) {
        mlk_rng rng = mlk_rng_stream((uint64_t)seed, c);
        draw(data, c, share[c], &rng, rows, held);
    }
    size_t train = 0, test = n - n_test;
    for (size_t i = 0; i < n; i++)
        rows[held[i] ? test++ : train++] = i;
    *n_train = n - n_test;
out:
    mlk_scratch_release(&s);
    return st;
}
