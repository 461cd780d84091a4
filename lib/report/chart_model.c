#include "report/chart_work.h"

#include <math.h>

#include "core/sort.h"

/* Charts of what models do with columns, parameters and iterations. */

mlk_plot *mlk_chart_dependence(const char *name, const char *y_label, mlk_cvec values,
                               mlk_cvec mean, mlk_cmat ice)
{
    enum { MOST_ROWS = 50 };
    mlk_plot *p = mlk_plot_new("Partial dependence", name, y_label);
    const size_t step = (ice.rows + MOST_ROWS - 1) / MOST_ROWS;
    double lo, hi;
    for (size_t i = 0; i < ice.rows; i += step)
        mlk_plot_line(p, i ? NULL : "single rows", MLK_PLOT_MUTED, MLK_PLOT_THIN, values,
                      mlk_cmat_row(ice, i));
    mlk_plot_line(p, ice.rows ? "mean" : NULL, 1, MLK_PLOT_SOLID, values, mean);
    if (mlk_chart_extent(mean, &lo, &hi))
        mlk_plot_describe(p, "The mean prediction goes from %.4g to %.4g over %s.", lo, hi, name);
    return p;
}

mlk_plot *mlk_chart_dependence_levels(const char *name, const char *y_label,
                                      const char *const *levels, mlk_cvec mean)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Partial dependence", name, y_label);
    const mlk_vec x = mlk_scratch_vec(&s, mean.n);
    double lo, hi;
    for (size_t i = 0; !s.failed && i < mean.n; i++)
        x.data[i] = (double)i;
    if (!s.failed) {
        mlk_plot_names(p, MLK_PLOT_X, levels, mean.n);
        mlk_plot_points(p, NULL, 1, mlk_vec_c(x), mean);
        if (mlk_chart_extent(mean, &lo, &hi))
            mlk_plot_describe(p, "The mean prediction goes from %.4g to %.4g over %s.", lo, hi,
                              name);
    }
    return mlk_chart_done(p, &s);
}

/* A mean with the band of its spread, as far as values of the metric (NULL: any) go. */
static void add_spread(mlk_plot *p, mlk_scratch *s, const char *name, int colour,
                       const mlk_metric *metric, mlk_cvec x, const double *mean, const double *sd)
{
    const mlk_vec low = mlk_scratch_vec(s, x.n), high = mlk_scratch_vec(s, x.n);
    if (s->failed)
        return;
    for (size_t i = 0; i < x.n; i++) {
        low.data[i] = mean[i] - sd[i];
        high.data[i] = mean[i] + sd[i];
        if (metric && low.data[i] < metric->least)
            low.data[i] = metric->least;
        if (metric && high.data[i] > metric->greatest)
            high.data[i] = metric->greatest;
    }
    mlk_plot_band(p, NULL, colour, x, mlk_vec_c(low), mlk_vec_c(high));
    mlk_plot_line(p, name, colour, MLK_PLOT_DOTTED, x, (mlk_cvec){mean, x.n});
}

mlk_plot *mlk_chart_scores(const char *title, const char *x_label, const mlk_score_curve *curve,
                           const double *x, bool log)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new(title, x_label, curve->metric->name);
    const mlk_cvec at = {x ? x : curve->x, curve->n};
    if (log)
        mlk_plot_log(p, MLK_PLOT_X);
    add_spread(p, &s, "training rows", 2, curve->metric, at, curve->train_mean, curve->train_sd);
    add_spread(p, &s, "test rows", 1, curve->metric, at, curve->test_mean, curve->test_sd);
    if (curve->n)
        mlk_plot_describe(p,
                          "At the last of %zu points %s is %.4g on training rows and %.4g on test "
                          "rows.",
                          curve->n, curve->metric->name, curve->train_mean[curve->n - 1],
                          curve->test_mean[curve->n - 1]);
    return mlk_chart_done(p, &s);
}

/* 1, 2, ..., n. */
static mlk_cvec counting(mlk_scratch *s, size_t n)
{
    const mlk_vec v = mlk_scratch_vec(s, n);
    for (size_t i = 0; !s->failed && i < n; i++)
        v.data[i] = (double)(i + 1);
    return s->failed ? (mlk_cvec){0} : mlk_vec_c(v);
}

mlk_plot *mlk_chart_training(const char *x_label, const char *y_label, mlk_cvec training,
                             mlk_cvec validation, double best)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Training", x_label, y_label);
    const mlk_cvec x = counting(&s, training.n), v = counting(&s, validation.n);
    if (!s.failed) {
        const bool both = validation.n > 0;
        mlk_plot_line(p, both ? "training rows" : NULL, 2, MLK_PLOT_SOLID, x, training);
        mlk_plot_line(p, both ? "validation rows" : NULL, 1, MLK_PLOT_SOLID, v, validation);
        mlk_plot_mark(p, MLK_PLOT_X, best, "best");
        if (training.n)
            mlk_plot_describe(p, "%s falls from %.4g to %.4g on training rows.", y_label,
                              training.data[0], training.data[training.n - 1]);
    }
    return mlk_chart_done(p, &s);
}

/* Logarithmic where the values are positive and span more than two decades. */
static bool wants_log(mlk_cvec values)
{
    double lo, hi;
    return mlk_chart_extent(values, &lo, &hi) && lo > 0.0 && hi / lo > 100.0;
}

/* order: columns of A by their largest absolute value, largest first. */
static void by_size(mlk_scratch *s, mlk_cmat A, size_t *order)
{
    const mlk_vec size = mlk_scratch_vec(s, A.cols);
    if (s->failed)
        return;
    for (size_t j = 0; j < A.cols; j++) {
        size.data[j] = 0.0;
        for (size_t i = 0; i < A.rows; i++)
            size.data[j] = fmin(size.data[j], -fabs(A.data[i * A.ld + j]));
    }
    if (mlk_argsort(size.data, A.cols, order) != MLK_OK)
        s->failed = true;
}

mlk_plot *mlk_chart_path(const char *parameter, mlk_cvec values, mlk_cmat coefficients,
                         const char *const *names, size_t most, double chosen)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Coefficients", parameter, "coefficient");
    const size_t n = values.n, k = coefficients.cols, shown = k < most ? k : most;
    size_t *order = mlk_scratch_take(&s, k, sizeof *order);
    const mlk_vec y = mlk_scratch_vec(&s, n);
    by_size(&s, coefficients, order);
    if (wants_log(values))
        mlk_plot_log(p, MLK_PLOT_X);
    /* The grey ones first, below the others. */
    for (size_t at = 0; !s.failed && at < k; at++) {
        const size_t c = at < k - shown ? shown + at : at - (k - shown);
        const bool named = c < shown;
        for (size_t i = 0; i < n; i++)
            y.data[i] = coefficients.data[i * coefficients.ld + order[c]];
        mlk_plot_line(p, named ? names[order[c]] : NULL, named ? (int)c + 1 : MLK_PLOT_MUTED,
                      named ? MLK_PLOT_SOLID : MLK_PLOT_THIN, values, mlk_vec_c(y));
    }
    if (!s.failed && k) {
        mlk_plot_mark(p, MLK_PLOT_X, chosen, "chosen");
        mlk_plot_describe(p, "%zu coefficients over %zu values of %s; the largest is that of %s.",
                          k, n, parameter, names[order[0]]);
    }
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_path_scores(const char *parameter, const char *metric, mlk_cvec values,
                                mlk_cvec means, mlk_cvec errors, double chosen)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Cross-validation", parameter, metric);
    if (wants_log(values))
        mlk_plot_log(p, MLK_PLOT_X);
    add_spread(p, &s, "mean and standard error", 1, NULL, values, means.data, errors.data);
    mlk_plot_mark(p, MLK_PLOT_X, chosen, "chosen");
    mlk_plot_describe(p, "Cross-validated %s of %zu values of %s; %.4g is chosen.", metric,
                      values.n, parameter, chosen);
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_choices(const char *parameters, const char *metric, const char *const *choices,
                            mlk_cvec means, mlk_cvec errors, size_t chosen)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Scores", metric, parameters);
    const size_t n = means.n;
    const mlk_vec at = mlk_scratch_vec(&s, n), low = mlk_scratch_vec(&s, n);
    const mlk_vec high = mlk_scratch_vec(&s, n);
    for (size_t i = 0; !s.failed && i < n; i++) {
        at.data[i] = (double)i;
        low.data[i] = means.data[i] - errors.data[i];
        high.data[i] = means.data[i] + errors.data[i];
    }
    if (!s.failed && n) {
        mlk_plot_names(p, MLK_PLOT_Y, choices, n);
        mlk_plot_errors(p, "mean and standard error", 1, MLK_PLOT_X, means, mlk_vec_c(at),
                        mlk_vec_c(low), mlk_vec_c(high));
        mlk_plot_height(p, n > 12 ? (double)n / 12.0 : 1.0);
    }
    if (!s.failed && chosen < n) {
        mlk_plot_points(p, "chosen", 2, (mlk_cvec){means.data + chosen, 1},
                        (mlk_cvec){at.data + chosen, 1});
        mlk_plot_describe(p, "The best of %zu is %s: %s %.4g.", n, choices[chosen], metric,
                          means.data[chosen]);
    }
    return mlk_chart_done(p, &s);
}
