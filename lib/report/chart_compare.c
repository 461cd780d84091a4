#include "report/chart_work.h"

#include <math.h>
#include <stdio.h>

#include "core/sort.h"

/* Charts that set models side by side. */

/* Quartiles of the finite values of a row as a box with whiskers to the least and greatest. */
static bool add_box(mlk_plot *p, mlk_cvec scores, double at, double *room, mlk_plot_box *box)
{
    size_t n = 0;
    for (size_t i = 0; i < scores.n; i++)
        if (isfinite(scores.data[i]))
            room[n++] = scores.data[i];
    if (!n)
        return false;
    mlk_sort(room, n);
    const double least = room[0], greatest = room[n - 1];
    const double q1 = mlk_quantile(room, n, 0.25), median = mlk_quantile(room, n, 0.5);
    const double q3 = mlk_quantile(room, n, 0.75);
    *box = (mlk_plot_box){q1, q3, at - 0.3, at + 0.3, 1, 0.3};
    mlk_chart_segment(p, 1, MLK_PLOT_THIN, least, at, q1, at);
    mlk_chart_segment(p, 1, MLK_PLOT_THIN, q3, at, greatest, at);
    mlk_chart_segment(p, 1, MLK_PLOT_SOLID, median, at - 0.3, median, at + 0.3);
    return true;
}

mlk_plot *mlk_chart_score_boxes(const char *metric, const char *const *models, mlk_cmat scores,
                                mlk_cvec means, mlk_cvec low, mlk_cvec high)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Scores", metric, "");
    const size_t k = scores.rows;
    mlk_plot_box *boxes = mlk_scratch_take(&s, k, sizeof *boxes);
    double *room = mlk_scratch_take(&s, scores.cols, sizeof *room);
    const mlk_vec at = mlk_scratch_vec(&s, k);
    size_t n = 0;
    if (s.failed)
        return mlk_chart_done(p, &s);
    mlk_plot_names(p, MLK_PLOT_Y, models, k);
    for (size_t i = 0; i < k; i++) {
        char text[64];
        at.data[i] = (double)i;
        n += add_box(p, mlk_cmat_row(scores, i), at.data[i], room, &boxes[n]);
        mlk_plot_describe(p, "%s: %s.", models[i],
                          mlk_text_number(means.data[i], 4, text, sizeof text));
    }
    mlk_plot_boxes(p, "quartiles", boxes, n);
    mlk_plot_errors(p, "mean, interval", 2, MLK_PLOT_X, means, mlk_vec_c(at), low, high);
    mlk_plot_height(p, k > 12 ? (double)k / 12.0 : 1.0);
    return mlk_chart_done(p, &s);
}

/* Bars of models that do not differ: for each model the longest run that begins with it, left out
 * where the one before reaches as far. Returns their number. */
static size_t add_cliques(mlk_plot *p, const double *ranks, const size_t *order, size_t k,
                          double cd)
{
    size_t reached = 0, bars = 0;
    for (size_t i = 0; i < k; i++) {
        size_t j = i;
        while (j + 1 < k && ranks[order[j + 1]] - ranks[order[i]] <= cd)
            j++;
        if (j > i && j > reached) {
            const double y = -0.35 - 0.3 * (double)bars++;
            mlk_plot_box bar = {
                ranks[order[i]] - 0.03, ranks[order[j]] + 0.03, y - 0.06, y + 0.06, 1, 0.8};
            mlk_plot_boxes(p, NULL, &bar, 1);
            reached = j;
        }
    }
    return bars;
}

mlk_plot *mlk_chart_critical_difference(const mlk_friedman *friedman, const char *const *models)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Mean ranks", "", "");
    const mlk_cvec ranks = mlk_friedman_ranks(friedman);
    const double cd = mlk_friedman_critical_difference(friedman);
    const size_t k = ranks.n, left = (k + 1) / 2;
    size_t *order = mlk_scratch_take(&s, k, sizeof *order);
    if (!s.failed && mlk_argsort(ranks.data, k, order) != MLK_OK)
        s.failed = true;
    if (s.failed)
        return mlk_chart_done(p, &s);
    const double lo = 1.0, hi = (double)k, pad = 0.06 * (hi - lo);
    mlk_chart_segment(p, MLK_PLOT_TEXT, MLK_PLOT_SOLID, lo, 0.0, hi, 0.0);
    for (size_t r = 1; r <= k; r++) {
        char text[24];
        snprintf(text, sizeof text, "%zu", r);
        mlk_chart_segment(p, MLK_PLOT_TEXT, MLK_PLOT_THIN, (double)r, 0.0, (double)r, 0.12);
        mlk_plot_text(p, (double)r, 0.38, 0, text);
    }
    const double below = 0.5 + 0.3 * (double)add_cliques(p, ranks.data, order, k, cd);
    for (size_t i = 0; i < k; i++) {
        const bool on_left = i < left;
        const double rank = ranks.data[order[i]], end = on_left ? lo - pad : hi + pad;
        const double y = -below - 0.6 * (double)(on_left ? i : k - 1 - i) - 0.2;
        const double x[] = {rank, rank, end}, at[] = {0.0, y, y};
        char text[160];
        mlk_plot_line(p, NULL, MLK_PLOT_TEXT, MLK_PLOT_THIN, (mlk_cvec){x, 3}, (mlk_cvec){at, 3});
        snprintf(text, sizeof text, "%.120s  %.2f", models[order[i]], rank);
        mlk_plot_text(p, on_left ? end - pad / 2.0 : end + pad / 2.0, y, on_left ? 1 : -1, text);
        mlk_plot_describe(p, "%s: mean rank %.2f.", models[order[i]], rank);
    }
    mlk_chart_segment(p, MLK_PLOT_TEXT, MLK_PLOT_SOLID, lo, 1.0, lo + cd, 1.0);
    mlk_plot_text(p, lo, 1.35, -1, "critical difference");
    mlk_plot_bare(p);
    mlk_plot_range(p, MLK_PLOT_X, lo - 0.7 * (hi - lo), hi + 0.7 * (hi - lo));
    mlk_plot_range(p, MLK_PLOT_Y, -below - 0.6 * (double)left - 0.3, 1.8);
    mlk_plot_describe(p, "Models whose ranks differ by less than %.2f do not differ significantly.",
                      cd);
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_times(const char *const *models, mlk_cvec fit, mlk_cvec predict)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Time", "seconds", "");
    const size_t k = fit.n;
    const mlk_vec at = mlk_scratch_vec(&s, k);
    for (size_t i = 0; !s.failed && i < k; i++) {
        at.data[i] = (double)i;
        mlk_plot_describe(p, "%s: %.3g s to fit, %.3g s to predict.", models[i], fit.data[i],
                          predict.data[i]);
    }
    if (!s.failed) {
        mlk_plot_log(p, MLK_PLOT_X);
        mlk_plot_names(p, MLK_PLOT_Y, models, k);
        mlk_plot_points(p, "fit", 1, fit, mlk_vec_c(at));
        mlk_plot_points(p, "predict", 2, predict, mlk_vec_c(at));
        mlk_plot_height(p, k > 12 ? (double)k / 12.0 : 1.0);
    }
    return mlk_chart_done(p, &s);
}
