#include "report/chart_work.h"

#include <math.h>
#include <stdio.h>

#include "core/sort.h"

/* Charts of a table's columns. */

/* Bins of the width of Freedman and Diaconis over the finite values v (sorted), 1..60. */
static size_t n_bins(mlk_vec v)
{
    enum { MOST = 60 };
    const double range = v.data[v.n - 1] - v.data[0];
    const double iqr = v.data[3 * (v.n - 1) / 4] - v.data[(v.n - 1) / 4];
    const double width = 2.0 * iqr / cbrt((double)v.n);
    const double bins = width > 0.0 ? ceil(range / width) : 1.0 + ceil(log2((double)v.n));
    return !(range > 0.0) ? 1 : bins < 1.0 ? 1 : bins > MOST ? MOST : (size_t)bins;
}

mlk_plot *mlk_chart_histogram(const char *name, mlk_cvec values)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new(name, name, "rows");
    mlk_vec v = mlk_scratch_vec(&s, values.n);
    size_t n = 0;
    for (size_t i = 0; !s.failed && i < values.n; i++)
        if (isfinite(values.data[i]))
            v.data[n++] = values.data[i];
    v.n = n;
    if (s.failed || !n)
        return mlk_chart_done(p, &s);
    mlk_sort(v.data, n);
    const size_t k = n_bins(v);
    const double lo = v.data[0], width = k > 1 ? (v.data[n - 1] - lo) / (double)k : 1.0;
    const double from = k > 1 ? lo : lo - 0.5;
    mlk_plot_box *boxes = mlk_scratch_take(&s, k, sizeof *boxes);
    for (size_t b = 0, i = 0; !s.failed && b < k; b++) {
        const double x = from + width * (double)b, end = from + width * (double)(b + 1);
        size_t count = 0;
        for (; i < n && (b + 1 == k || v.data[i] < end); i++)
            count++;
        boxes[b] = (mlk_plot_box){x, end, 0.0, (double)count, 1, 0.8};
    }
    if (!s.failed) {
        mlk_plot_range(p, MLK_PLOT_Y, 0.0, NAN);
        mlk_plot_boxes(p, NULL, boxes, k);
        mlk_plot_describe(p, "Histogram of %zu values of %s from %.4g to %.4g, median %.4g.", n,
                          name, lo, v.data[n - 1], v.data[n / 2]);
    }
    return mlk_chart_done(p, &s);
}

/* Horizontal bars from 0, the first one on top. */
static void add_bars(mlk_plot *p, mlk_scratch *s, const char *const *names, const double *values,
                     const size_t *order, size_t n)
{
    mlk_plot_box *boxes = mlk_scratch_take(s, n, sizeof *boxes);
    const char **list = mlk_scratch_take(s, n, sizeof *list);
    if (s->failed)
        return;
    for (size_t i = 0; i < n; i++) {
        const double v = values[order[i]], at = (double)i;
        boxes[i] = (mlk_plot_box){fmin(v, 0.0), fmax(v, 0.0), at - 0.4, at + 0.4, 1, 0.8};
        list[i] = names[order[i]];
    }
    mlk_plot_names(p, MLK_PLOT_Y, list, n);
    mlk_plot_boxes(p, NULL, boxes, n);
    if (n > 14)
        mlk_plot_height(p, (double)n / 14.0);
}

/* order[i]: position of the i-th largest value; NaN last. */
static void largest_first(mlk_scratch *s, const double *values, size_t n, size_t *order)
{
    double *negative = mlk_scratch_take(s, n, sizeof *negative);
    for (size_t i = 0; !s->failed && i < n; i++)
        negative[i] = -values[i];
    if (!s->failed && mlk_argsort(negative, n, order) != MLK_OK)
        s->failed = true;
}

mlk_plot *mlk_chart_levels(const char *name, const char *const *levels, mlk_cvec counts)
{
    enum { MOST = 20 };
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new(name, "rows", "");
    const size_t n = counts.n, k = n < MOST ? n : MOST;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    largest_first(&s, counts.data, n, order);
    if (!s.failed && n) {
        add_bars(p, &s, levels, counts.data, order, k);
        if (k < n)
            mlk_plot_remark(p, "the %zu most frequent of %zu levels", k, n);
        mlk_plot_describe(p, "%s has %zu levels; the most frequent, %s, has %.6g rows.", name, n,
                          levels[order[0]], counts.data[order[0]]);
    }
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_correlation(mlk_cmat r, const char *const *names)
{
    enum { MOST_WITH_NUMBERS = 12, MOST_WITH_NAMES = 40 };
    const size_t k = r.rows;
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Correlation", "", "");
    mlk_plot_box *boxes = mlk_scratch_take(&s, k * k, sizeof *boxes);
    size_t strongest[2] = {0, 0};
    double most = -1.0;
    for (size_t i = 0; !s.failed && i < k; i++)
        for (size_t j = 0; j < k; j++) {
            const double v = r.data[i * r.ld + j], x = (double)j, y = (double)i;
            boxes[i * k + j] = (mlk_plot_box){x - 0.48, x + 0.48,        y - 0.48,
                                              y + 0.48, v < 0.0 ? 2 : 1, 0.8 * fmin(fabs(v), 1.0)};
            if (k <= MOST_WITH_NUMBERS && isfinite(v)) {
                char text[32];
                snprintf(text, sizeof text, "%.2f", v);
                mlk_plot_text(p, x, y, 0, text);
            }
            if (j < i && fabs(v) > most) {
                most = fabs(v);
                strongest[0] = i;
                strongest[1] = j;
            }
        }
    if (!s.failed) {
        const char *const *shown = k <= MOST_WITH_NAMES ? names : NULL;
        mlk_plot_square(p);
        mlk_plot_names(p, MLK_PLOT_X, shown, k);
        mlk_plot_names(p, MLK_PLOT_Y, shown, k);
        mlk_plot_boxes(p, NULL, boxes, k * k);
        mlk_plot_height(p, k > 16 ? 1.9 : k > 10 ? 1.5 : 1.0);
        mlk_plot_describe(
            p, "Correlations of %zu columns, blue where positive, red where negative.", k);
        if (most >= 0.0)
            mlk_plot_describe(p, "The strongest is %.2f, of %s and %s.",
                              r.data[strongest[0] * r.ld + strongest[1]], names[strongest[0]],
                              names[strongest[1]]);
    }
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_coefficients(const char *const *names, mlk_cvec values, size_t most)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Coefficients", "", "");
    const size_t n = values.n, k = n < most ? n : most;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    const mlk_vec size = mlk_scratch_vec(&s, n);
    for (size_t i = 0; !s.failed && i < n; i++)
        size.data[i] = fabs(values.data[i]);
    if (!s.failed)
        largest_first(&s, size.data, n, order);
    if (!s.failed && n) {
        add_bars(p, &s, names, values.data, order, k);
        mlk_plot_mark(p, MLK_PLOT_X, 0.0, NULL);
        if (k < n)
            mlk_plot_remark(p, "the %zu largest of %zu", k, n);
        mlk_plot_describe(p, "The largest of %zu coefficients is that of %s: %.3g.", n,
                          names[order[0]], values.data[order[0]]);
    }
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_importances(const char *x_label, const char *const *names, mlk_cmat values,
                                size_t most)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Importances", x_label, "");
    const size_t n = values.rows, k = n < most ? n : most, repeats = values.cols;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    const mlk_vec mean = mlk_scratch_vec(&s, n), x = mlk_scratch_vec(&s, k);
    const mlk_vec y = mlk_scratch_vec(&s, k), low = mlk_scratch_vec(&s, k);
    const mlk_vec high = mlk_scratch_vec(&s, k);
    for (size_t i = 0; !s.failed && i < n; i++) {
        double sum = 0.0;
        for (size_t j = 0; j < repeats; j++)
            sum += values.data[i * values.ld + j];
        mean.data[i] = sum / (double)repeats;
    }
    if (!s.failed)
        largest_first(&s, mean.data, n, order);
    if (s.failed || !n)
        return mlk_chart_done(p, &s);
    add_bars(p, &s, names, mean.data, order, k);
    for (size_t i = 0; i < k; i++) {
        const double *v = values.data + order[i] * values.ld;
        x.data[i] = mean.data[order[i]];
        y.data[i] = (double)i;
        low.data[i] = high.data[i] = v[0];
        for (size_t j = 1; j < repeats; j++) {
            low.data[i] = fmin(low.data[i], v[j]);
            high.data[i] = fmax(high.data[i], v[j]);
        }
    }
    if (repeats > 1)
        mlk_plot_errors(p, "least and greatest", MLK_PLOT_TEXT, MLK_PLOT_X, mlk_vec_c(x),
                        mlk_vec_c(y), mlk_vec_c(low), mlk_vec_c(high));
    if (k < n)
        mlk_plot_remark(p, "the %zu largest of %zu", k, n);
    mlk_plot_describe(p, "The most important of %zu columns is %s: %.3g.", n, names[order[0]],
                      mean.data[order[0]]);
    return mlk_chart_done(p, &s);
}
