#include "report/chart_work.h"

#include <math.h>
#include <stdio.h>

/* Charts of classifiers' and regressions' predictions, and what all charts share. */

bool mlk_chart_extent(mlk_cvec v, double *lo, double *hi)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (size_t i = 0; i < v.n; i++)
        if (isfinite(v.data[i])) {
            *lo = v.data[i] < *lo ? v.data[i] : *lo;
            *hi = v.data[i] > *hi ? v.data[i] : *hi;
        }
    return *lo <= *hi;
}

mlk_cvec mlk_chart_pick(mlk_scratch *s, mlk_cvec v, const size_t *rows, size_t n)
{
    const mlk_vec out = mlk_scratch_vec(s, v.n ? n : 0);
    for (size_t i = 0; !s->failed && i < out.n; i++)
        out.data[i] = v.data[rows[i]];
    return s->failed ? (mlk_cvec){0} : mlk_vec_c(out);
}

size_t mlk_chart_sample(mlk_scratch *s, mlk_plot *p, size_t n, size_t **rows)
{
    *rows = mlk_scratch_take(s, MLK_PLOT_MOST, sizeof **rows);
    if (s->failed)
        return 0;
    const size_t m = mlk_plot_sample(n, *rows);
    if (m < n)
        mlk_plot_remark(p, "%zu of %zu rows", m, n);
    return m;
}

void mlk_chart_segment(mlk_plot *p, int colour, mlk_plot_stroke stroke, double x0, double y0,
                       double x1, double y1)
{
    const double x[] = {x0, x1}, y[] = {y0, y1};
    mlk_plot_line(p, NULL, colour, stroke, (mlk_cvec){x, 2}, (mlk_cvec){y, 2});
}

/* ------------------------------------------------------------------ classifiers */

static const char *name_of(const char *const *names, size_t i) { return names ? names[i] : NULL; }

static void unit_square(mlk_plot *p)
{
    mlk_plot_square(p);
    mlk_plot_range(p, MLK_PLOT_X, 0.0, 1.0);
    mlk_plot_range(p, MLK_PLOT_Y, 0.0, 1.0);
}

/* Area under y(x) by trapezoids, or as a sum of steps. */
static double area(const mlk_curve *c, bool steps)
{
    double sum = 0.0;
    for (size_t i = 1; i < c->n; i++)
        sum += (c->x[i] - c->x[i - 1]) * (steps ? c->y[i] : (c->y[i] + c->y[i - 1]) / 2.0);
    return sum;
}

/* Lines of all curves, with the area under each in words. */
static void add_curves(mlk_plot *p, const mlk_curve *curves, const char *const *names, size_t n,
                       const char *what, bool steps)
{
    for (size_t i = 0; i < n; i++) {
        const mlk_curve *c = &curves[i];
        char value[64];
        mlk_text_number(area(c, steps), 3, value, sizeof value);
        mlk_plot_line(p, name_of(names, i), (int)i + 1, MLK_PLOT_SOLID, (mlk_cvec){c->x, c->n},
                      (mlk_cvec){c->y, c->n});
        mlk_plot_describe(p, "%s%s%s %s.", names ? names[i] : "", names ? ": " : "", what, value);
        if (!names && n == 1)
            mlk_plot_remark(p, "%s %s", what, value);
    }
}

mlk_plot *mlk_chart_roc(const mlk_curve *curves, const char *const *names, size_t n)
{
    mlk_plot *p = mlk_plot_new("ROC curve", "false positive rate", "true positive rate");
    unit_square(p);
    mlk_chart_segment(p, MLK_PLOT_MUTED, MLK_PLOT_DASHED, 0.0, 0.0, 1.0, 1.0);
    add_curves(p, curves, names, n, "area under the curve", false);
    return p;
}

mlk_plot *mlk_chart_pr(const mlk_curve *curves, const char *const *names, size_t n, double share)
{
    mlk_plot *p = mlk_plot_new("Precision and recall", "recall", "precision");
    unit_square(p);
    mlk_plot_mark(p, MLK_PLOT_Y, share, NULL);
    if (isfinite(share))
        mlk_plot_describe(p, "The share of the positive class is %.3g.", share);
    add_curves(p, curves, names, n, "average precision", true);
    return p;
}

mlk_plot *mlk_chart_reliability(const mlk_curve *curves, const char *const *names, size_t n)
{
    mlk_plot *p = mlk_plot_new("Reliability", "predicted probability", "observed share");
    unit_square(p);
    mlk_chart_segment(p, MLK_PLOT_MUTED, MLK_PLOT_DASHED, 0.0, 0.0, 1.0, 1.0);
    for (size_t i = 0; i < n; i++) {
        const mlk_curve *c = &curves[i];
        double worst = 0.0;
        for (size_t j = 0; j < c->n; j++)
            worst = fmax(worst, fabs(c->y[j] - c->x[j]));
        mlk_plot_line(p, name_of(names, i), (int)i + 1, MLK_PLOT_DOTTED, (mlk_cvec){c->x, c->n},
                      (mlk_cvec){c->y, c->n});
        mlk_plot_describe(p, "%s%sObserved shares are at most %.2g away from those predicted.",
                          names ? names[i] : "", names ? ": " : "", worst);
    }
    return p;
}

mlk_plot *mlk_chart_confusion(mlk_cmat counts, const char *const *classes)
{
    enum { MOST_WITH_NUMBERS = 20 };
    const size_t k = counts.rows;
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Confusion matrix", "predicted", "true");
    mlk_plot_box *boxes = mlk_scratch_take(&s, k * k, sizeof *boxes);
    char(*numbers)[24] = mlk_scratch_take(&s, k, sizeof *numbers);
    const char **names = mlk_scratch_take(&s, k, sizeof *names);
    double right = 0.0, all = 0.0;
    for (size_t i = 0; !s.failed && i < k; i++) {
        double row = 0.0;
        snprintf(numbers[i], sizeof numbers[i], "%zu", i);
        names[i] = classes ? classes[i] : numbers[i];
        for (size_t j = 0; j < k; j++)
            row += counts.data[i * counts.ld + j];
        for (size_t j = 0; j < k; j++) {
            const double c = counts.data[i * counts.ld + j], x = (double)j, y = (double)i;
            char text[64];
            boxes[i * k + j] =
                (mlk_plot_box){x - 0.48, x + 0.48,       y - 0.48,
                               y + 0.48, i == j ? 1 : 2, row > 0.0 ? 0.8 * c / row : 0.0};
            if (k <= MOST_WITH_NUMBERS)
                mlk_plot_text(p, x, y, 0, mlk_text_number(c, 3, text, sizeof text));
            all += c;
            right += i == j ? c : 0.0;
        }
    }
    if (!s.failed) {
        mlk_plot_square(p);
        mlk_plot_names(p, MLK_PLOT_X, names, k);
        mlk_plot_names(p, MLK_PLOT_Y, names, k);
        mlk_plot_boxes(p, NULL, boxes, k * k);
        mlk_plot_height(p, k > 10 ? 1.5 : 1.0);
        mlk_plot_describe(p, "%.6g of %.6g rows of %zu classes are on the diagonal: right.", right,
                          all, k);
    }
    return mlk_chart_done(p, &s);
}

/* ------------------------------------------------------------------ regressions */

mlk_plot *mlk_chart_predicted(mlk_cvec truth, mlk_cvec predicted)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Predicted and true values", "true", "predicted");
    double lo[2], hi[2];
    size_t *rows;
    const size_t n = mlk_chart_sample(&s, p, truth.n, &rows);
    mlk_plot_square(p);
    if (mlk_chart_extent(truth, &lo[0], &hi[0]) && mlk_chart_extent(predicted, &lo[1], &hi[1])) {
        const double from = fmin(lo[0], lo[1]), to = fmax(hi[0], hi[1]);
        mlk_chart_segment(p, MLK_PLOT_MUTED, MLK_PLOT_DASHED, from, from, to, to);
    }
    mlk_plot_points(p, NULL, 1, mlk_chart_pick(&s, truth, rows, n),
                    mlk_chart_pick(&s, predicted, rows, n));
    mlk_plot_describe(p, "Predictions of %zu rows; a right one lies on the diagonal.", truth.n);
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_residuals(mlk_cvec truth, mlk_cvec predicted)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Residuals", "predicted", "true minus predicted");
    size_t *rows;
    const size_t n = mlk_chart_sample(&s, p, truth.n, &rows);
    const mlk_cvec y = mlk_chart_pick(&s, truth, rows, n),
                   x = mlk_chart_pick(&s, predicted, rows, n);
    const mlk_vec e = mlk_scratch_vec(&s, n);
    if (!s.failed) {
        for (size_t i = 0; i < n; i++)
            e.data[i] = y.data[i] - x.data[i];
        mlk_plot_mark(p, MLK_PLOT_Y, 0.0, NULL);
        mlk_plot_points(p, NULL, 1, x, mlk_vec_c(e));
        mlk_plot_describe(p,
                          "Errors of %zu rows; where the model is right on average they "
                          "scatter about 0.",
                          truth.n);
    }
    return mlk_chart_done(p, &s);
}
