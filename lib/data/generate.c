#include <mlkit/data/generate.h>

#include <math.h>

#include "core/rng.h"
#include "core/status.h"

#define PI 3.14159265358979323846

static mlk_status check(mlk_mat X, mlk_vec y, size_t cols_min, size_t cols_max, double noise)
{
    if (X.rows == 0 || X.cols < cols_min || X.cols > cols_max)
        return MLK_FAIL(MLK_EINVAL, "X is %zu x %zu; expected rows, and %zu columns%s", X.rows,
                        X.cols, cols_min, cols_max > cols_min ? " at least" : "");
    if (y.n != X.rows)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows but y has %zu values", X.rows, y.n);
    if (!(noise >= 0.0 && noise < INFINITY))
        return MLK_FAIL(MLK_EINVAL, "a noise of %g is outside [0, inf)", noise);
    return MLK_OK;
}

static void add_noise(mlk_rng *rng, double noise, double *x, size_t n)
{
    for (size_t j = 0; j < n; j++)
        x[j] += noise * mlk_rng_normal(rng);
}

mlk_status mlk_generate_moons(double noise, int64_t seed, mlk_mat X, mlk_vec y)
{
    MLK_TRY(check(X, y, 2, 2, noise));
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 0);
    const size_t outer = X.rows - X.rows / 2;
    for (size_t i = 0; i < X.rows; i++) {
        double *x = X.data + i * X.ld;
        const bool inner = i >= outer;
        const size_t place = inner ? i - outer : i, count = inner ? X.rows - outer : outer;
        const double t = count > 1 ? PI * (double)place / (double)(count - 1) : 0.0;
        x[0] = inner ? 1.0 - cos(t) : cos(t);
        x[1] = inner ? 0.5 - sin(t) : sin(t);
        add_noise(&rng, noise, x, 2);
        y.data[i] = inner;
    }
    return MLK_OK;
}

mlk_status mlk_generate_blobs(size_t k, double sd, int64_t seed, mlk_mat X, mlk_vec y)
{
    MLK_TRY(check(X, y, 1, SIZE_MAX, sd));
    if (k == 0)
        return MLK_FAIL(MLK_EINVAL, "0 clouds; expected at least 1");
    for (size_t i = 0; i < X.rows; i++) {
        double *x = X.data + i * X.ld;
        /* The centre is drawn anew from the cloud's own stream: nothing to remember. */
        mlk_rng centre = mlk_rng_stream((uint64_t)seed, 2 * (i % k));
        mlk_rng rng = mlk_rng_stream((uint64_t)seed, 2 * i + 1);
        for (size_t j = 0; j < X.cols; j++)
            x[j] = 20.0 * mlk_rng_uniform(&centre) - 10.0;
        add_noise(&rng, sd, x, X.cols);
        y.data[i] = (double)(i % k);
    }
    return MLK_OK;
}

mlk_status mlk_generate_swiss_roll(double noise, int64_t seed, mlk_mat X, mlk_vec t)
{
    MLK_TRY(check(X, t, 3, 3, noise));
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 0);
    for (size_t i = 0; i < X.rows; i++) {
        double *x = X.data + i * X.ld;
        t.data[i] = 1.5 * PI * (1.0 + 2.0 * mlk_rng_uniform(&rng));
        x[0] = t.data[i] * cos(t.data[i]);
        x[1] = 21.0 * mlk_rng_uniform(&rng);
        x[2] = t.data[i] * sin(t.data[i]);
        add_noise(&rng, noise, x, 3);
    }
    return MLK_OK;
}

mlk_status mlk_generate_friedman1(double noise, int64_t seed, mlk_mat X, mlk_vec y)
{
    MLK_TRY(check(X, y, 5, SIZE_MAX, noise));
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 0);
    for (size_t i = 0; i < X.rows; i++) {
        double *x = X.data + i * X.ld;
        for (size_t j = 0; j < X.cols; j++)
            x[j] = mlk_rng_uniform(&rng);
        const double c = x[2] - 0.5;
        y.data[i] = 10.0 * sin(PI * x[0] * x[1]) + 20.0 * c * c + 10.0 * x[3] + 5.0 * x[4];
        add_noise(&rng, noise, &y.data[i], 1);
    }
    return MLK_OK;
}

mlk_status mlk_generate_regression(size_t informative, double noise, int64_t seed, mlk_mat X,
                                   mlk_vec y, mlk_vec w)
{
    MLK_TRY(check(X, y, 1, SIZE_MAX, noise));
    if (informative > X.cols)
        return MLK_FAIL(MLK_EINVAL, "%zu informative of %zu columns", informative, X.cols);
    if (w.n && w.n != X.cols)
        return MLK_FAIL(MLK_EINVAL, "X has %zu columns but w has %zu values", X.cols, w.n);
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 1);
    for (size_t i = 0; i < X.rows; i++) {
        mlk_rng weights = mlk_rng_stream((uint64_t)seed, 0); /* the same ones for each row */
        double *x = X.data + i * X.ld, sum = 0.0;
        for (size_t j = 0; j < X.cols; j++) {
            const double wj = j < informative ? 20.0 * mlk_rng_uniform(&weights) - 10.0 : 0.0;
            x[j] = mlk_rng_normal(&rng);
            sum += wj * x[j];
            if (w.n)
                w.data[j] = wj;
        }
        y.data[i] = sum;
    }
    add_noise(&rng, noise, y.data, y.n);
    return MLK_OK;
}

mlk_status mlk_generate_classification(size_t k, size_t informative, double distance, double flip,
                                       int64_t seed, mlk_mat X, mlk_vec y)
{
    MLK_TRY(check(X, y, 1, SIZE_MAX, 0.0));
    if (k < 2)
        return MLK_FAIL(MLK_EINVAL, "%zu classes; expected at least 2", k);
    if (informative == 0 || informative > X.cols)
        return MLK_FAIL(MLK_EINVAL, "%zu informative of %zu columns", informative, X.cols);
    if (!(distance >= 0.0 && distance < INFINITY) || !(flip >= 0.0 && flip <= 1.0))
        return MLK_FAIL(MLK_EINVAL,
                        "a distance of %g and a flipped share of %g; expected "
                        "[0, inf) and [0, 1]",
                        distance, flip);
    mlk_rng rng = mlk_rng_stream((uint64_t)seed, 0);
    for (size_t i = 0; i < X.rows; i++) {
        double *x = X.data + i * X.ld, norm = 0.0;
        mlk_rng centre = mlk_rng_stream((uint64_t)seed, 1 + i % k);
        for (size_t j = 0; j < X.cols; j++) {
            x[j] = j < informative ? mlk_rng_normal(&centre) : 0.0;
            norm += x[j] * x[j];
        }
        for (size_t j = 0; j < X.cols; j++)
            x[j] *= distance / sqrt(norm);
        add_noise(&rng, 1.0, x, X.cols);
        const bool redraw = mlk_rng_uniform(&rng) < flip;
        y.data[i] = (double)(redraw ? mlk_rng_below(&rng, k) : i % k);
    }
    return MLK_OK;
}
