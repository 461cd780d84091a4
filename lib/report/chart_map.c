#include "report/chart_work.h"

#include <math.h>
#include <stdio.h>

#include "core/sort.h"

/* Charts of maps and clusters. */

enum { MOST_GROUPS = 3 * MLK_PLOT_COLOURS };

/* Rows of a group, drawn as one layer. */
static void add_group(mlk_plot *p, const char *name, int colour, mlk_cvec x, mlk_cvec y,
                      const unsigned char *of, unsigned char group, mlk_mat room)
{
    size_t n = 0;
    for (size_t i = 0; i < x.n; i++)
        if (of[i] == group) {
            room.data[n] = x.data[i];
            room.data[room.ld + n] = y.data[i];
            n++;
        }
    if (n)
        mlk_plot_points(p, name, colour, (mlk_cvec){room.data, n},
                        (mlk_cvec){room.data + room.ld, n});
}

/* What the rows belong to beside groups 0, 1, ... */
enum { MISSING = 255, NOISE = 254, OTHERS = 253 };

static void add_groups(mlk_plot *p, mlk_scratch *s, mlk_cvec x, mlk_cvec y, mlk_cvec values,
                       const mlk_chart_groups *groups)
{
    unsigned char *of = mlk_scratch_take(s, x.n, sizeof *of);
    const mlk_mat room = mlk_scratch_mat(s, 2, x.n);
    if (s->failed)
        return;
    for (size_t i = 0; i < x.n; i++) {
        const double v = values.data[i];
        of[i] = v == groups->noise                           ? NOISE
                : !(v >= 0.0 && v < (double)groups->n_names) ? MISSING
                : v >= MOST_GROUPS                           ? OTHERS
                                                             : (unsigned char)v;
    }
    add_group(p, "missing", MLK_PLOT_MUTED, x, y, of, MISSING, room);
    add_group(p, "noise", MLK_PLOT_MUTED, x, y, of, NOISE, room);
    add_group(p, "others", MLK_PLOT_MUTED, x, y, of, OTHERS, room);
    for (size_t g = 0; g < groups->n_names && g < MOST_GROUPS; g++)
        add_group(p, groups->names[g], (int)g + 1, x, y, of, (unsigned char)g, room);
    mlk_plot_describe(p, "Colours and shapes are the %zu values of %s.", groups->n_names,
                      groups->label);
}

/* Numbers on a scale; rows without one are grey. */
static void add_scale(mlk_plot *p, mlk_scratch *s, mlk_cvec x, mlk_cvec y, mlk_cvec values,
                      const char *label)
{
    unsigned char *of = mlk_scratch_take(s, x.n, sizeof *of);
    const mlk_mat room = mlk_scratch_mat(s, 2, x.n);
    double lo, hi;
    if (s->failed)
        return;
    for (size_t i = 0; i < x.n; i++)
        of[i] = isfinite(values.data[i]) ? 0 : MISSING;
    add_group(p, "missing", MLK_PLOT_MUTED, x, y, of, MISSING, room);
    mlk_plot_values(p, label, x, y, values);
    if (mlk_chart_extent(values, &lo, &hi))
        mlk_plot_describe(p, "The colour is %s, from %.3g to %.3g.", label, lo, hi);
}

static bool is_strip(mlk_cvec x, mlk_cvec y)
{
    double x0, x1, y0, y1;
    if (!mlk_chart_extent(x, &x0, &x1) || !mlk_chart_extent(y, &y0, &y1))
        return true;
    const double ratio = (x1 - x0) / (y1 - y0);
    return !(ratio > 0.25 && ratio < 4.0);
}

mlk_plot *mlk_chart_map(const char *title, const char *x_label, mlk_cvec x, const char *y_label,
                        mlk_cvec y, const mlk_chart_groups *groups, bool equal)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new(title, x_label, y_label);
    size_t *rows;
    const size_t n = mlk_chart_sample(&s, p, x.n, &rows);
    const mlk_cvec px = mlk_chart_pick(&s, x, rows, n), py = mlk_chart_pick(&s, y, rows, n);
    const bool coloured = groups && groups->values.n == x.n;
    if (equal && !is_strip(x, y))
        mlk_plot_equal_units(p);
    mlk_plot_describe(p, "%zu points, %s across and %s upwards.", x.n, x_label, y_label);
    if (coloured) {
        const mlk_cvec values = mlk_chart_pick(&s, groups->values, rows, n);
        if (!s.failed && groups->names)
            add_groups(p, &s, px, py, values, groups);
        else if (!s.failed)
            add_scale(p, &s, px, py, values, groups->label);
    } else {
        mlk_plot_points(p, NULL, 1, px, py);
    }
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_scree(mlk_cvec shares)
{
    enum { MOST = 50 };
    const size_t n = shares.n < MOST ? shares.n : MOST;
    mlk_plot *p = mlk_plot_new("Explained variance", "component", "share of the variance");
    mlk_plot_box boxes[MOST];
    double number[MOST], sum[MOST], total = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double at = (double)(i + 1);
        boxes[i] = (mlk_plot_box){at - 0.4, at + 0.4, 0.0, shares.data[i], 1, 0.8};
        number[i] = at;
        sum[i] = total += shares.data[i];
    }
    if (n < shares.n)
        mlk_plot_remark(p, "the first %zu of %zu components", n, shares.n);
    if (n) {
        mlk_plot_range(p, MLK_PLOT_X, 0.5, (double)n + 0.5);
        mlk_plot_range(p, MLK_PLOT_Y, 0.0, 1.0);
        mlk_plot_boxes(p, "each", boxes, n);
        mlk_plot_line(p, "up to here", 2, MLK_PLOT_DOTTED, (mlk_cvec){number, n},
                      (mlk_cvec){sum, n});
        mlk_plot_describe(p,
                          "The first component explains %.3g of the variance, the first %zu %.3g.",
                          shares.data[0], n, total);
    }
    return p;
}

mlk_plot *mlk_chart_sequence(const char *title, const char *x_label, const char *y_label,
                             mlk_cvec values)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new(title, x_label, y_label);
    const mlk_vec x = mlk_scratch_vec(&s, values.n);
    for (size_t i = 0; !s.failed && i < values.n; i++)
        x.data[i] = (double)(i + 1);
    if (!s.failed) {
        mlk_plot_line(p, NULL, 1, values.n > 100 ? MLK_PLOT_SOLID : MLK_PLOT_DOTTED, mlk_vec_c(x),
                      values);
        if (values.n)
            mlk_plot_describe(p, "%s from %.3g to %.3g at %zu.", y_label, values.data[0],
                              values.data[values.n - 1], values.n);
    }
    return mlk_chart_done(p, &s);
}

/* ------------------------------------------------------------------ dendrogram */

/* The tree while it is laid out; nodes below n are leaves, n + i is merge i. */
typedef struct tree {
    mlk_cmat merges;
    mlk_cvec distances;
    size_t n,
        first;      /* merges before `first` are not drawn: their nodes are leaves of the picture */
    double *place;  /* across, a node */
    size_t *leaves; /* below a node */
    mlk_vec x, y;   /* the lines: four points a merge and a gap */
    size_t drawn;   /* points so far */
} tree;

static size_t child(const tree *t, size_t merge, int side)
{
    return (size_t)t->merges.data[merge * t->merges.ld + (size_t)side];
}

/* Are they merges of a tree, each node used once? */
static bool is_tree(tree *t, unsigned char *used)
{
    for (size_t i = 0; i + 1 < t->n; i++)
        for (int side = 0; side < 2; side++) {
            const double c = t->merges.data[i * t->merges.ld + (size_t)side];
            if (!(c >= 0.0 && c < (double)(t->n + i)) || c != floor(c) || used[(size_t)c]++)
                return false;
        }
    for (size_t i = 0; i < t->n; i++)
        t->leaves[i] = 1;
    for (size_t i = 0; i + 1 < t->n; i++)
        t->leaves[t->n + i] = t->leaves[child(t, i, 0)] + t->leaves[child(t, i, 1)];
    return true;
}

static double height_of(const tree *t, size_t node)
{
    return node < t->n + t->first ? 0.0 : t->distances.data[node - t->n];
}

static void add_merge(tree *t, size_t merge)
{
    const size_t a = child(t, merge, 0), b = child(t, merge, 1);
    const double h = t->distances.data[merge], x0 = t->place[a], x1 = t->place[b];
    const double x[] = {x0, x0, x1, x1, NAN}, y[] = {height_of(t, a), h, h, height_of(t, b), NAN};
    t->place[t->n + merge] = (x0 + x1) / 2.0;
    for (size_t i = 0; i < 5; i++) {
        t->x.data[t->drawn] = x[i];
        t->y.data[t->drawn++] = y[i];
    }
}

/* Leaves of the picture from left to right, by a walk without recursion. Returns their number. */
static size_t order_leaves(tree *t, size_t *stack, size_t *order)
{
    size_t top = 0, n = 0;
    stack[top++] = 2 * t->n - 2;
    while (top) {
        const size_t node = stack[--top];
        if (node < t->n + t->first) {
            t->place[node] = (double)n;
            order[n++] = node;
        } else {
            stack[top++] = child(t, node - t->n, 1);
            stack[top++] = child(t, node - t->n, 0);
        }
    }
    return n;
}

static void name_leaves(mlk_plot *p, mlk_scratch *s, const tree *t, const size_t *order, size_t n,
                        const char *const *names)
{
    char(*texts)[40] = mlk_scratch_take(s, n, sizeof *texts);
    const char **list = mlk_scratch_take(s, n, sizeof *list);
    if (s->failed)
        return;
    for (size_t i = 0; i < n; i++) {
        const size_t node = order[i];
        const bool leaf = node < t->n;
        snprintf(texts[i], sizeof texts[i], leaf ? "%zu" : "(%zu)", leaf ? node : t->leaves[node]);
        list[i] = leaf && names ? names[node] : texts[i];
    }
    mlk_plot_names(p, MLK_PLOT_X, list, n);
}

mlk_plot *mlk_chart_dendrogram(mlk_cmat merges, mlk_cvec distances, const char *const *names,
                               double cut)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Dendrogram", "row (or number of rows)", "distance");
    const size_t n = merges.rows + 1, most = n < MLK_CHART_LEAVES ? n : MLK_CHART_LEAVES;
    tree t = {.merges = merges, .distances = distances, .n = n, .first = n - most};
    t.place = mlk_scratch_take(&s, 2 * n, sizeof *t.place);
    t.leaves = mlk_scratch_take(&s, 2 * n, sizeof *t.leaves);
    t.x = mlk_scratch_vec(&s, 5 * most);
    t.y = mlk_scratch_vec(&s, 5 * most);
    size_t *stack = mlk_scratch_take(&s, 2 * n, sizeof *stack);
    size_t *order = mlk_scratch_take(&s, 2 * n, sizeof *order);
    unsigned char *used = mlk_scratch_take(&s, 2 * n, 1);
    for (size_t i = 0; !s.failed && i < 2 * n; i++)
        used[i] = 0;
    if (!s.failed && n > 1 && distances.n + 1 == n && merges.cols == 2 && is_tree(&t, used)) {
        const size_t leaves = order_leaves(&t, stack, order);
        for (size_t i = t.first; i + 1 < n; i++)
            add_merge(&t, i);
        mlk_plot_range(p, MLK_PLOT_Y, 0.0, NAN);
        name_leaves(p, &s, &t, order, leaves, names);
        mlk_plot_mark(p, MLK_PLOT_Y, cut, NULL);
        mlk_plot_line(p, NULL, 1, MLK_PLOT_THIN, (mlk_cvec){t.x.data, t.drawn},
                      (mlk_cvec){t.y.data, t.drawn});
        if (leaves < n)
            mlk_plot_remark(p, "the last %zu merges of %zu rows", leaves - 1, n);
        mlk_plot_describe(p, "Tree of %zu rows; the last merge is at distance %.3g.", n,
                          distances.data[n - 2]);
    }
    return mlk_chart_done(p, &s);
}

/* ------------------------------------------------------------------ silhouettes */

static bool is_cluster(double label, size_t n)
{
    return label >= 0.0 && label < (double)n && label == floor(label);
}

/* Rows of cluster c in `order` (by value), from place `at` downwards, every step-th of them.
 * Returns the place behind. */
static double add_cluster(mlk_plot *p, mlk_cvec values, mlk_cvec labels, const size_t *order,
                          double c, size_t step, double at, mlk_plot_box *boxes, const char *name)
{
    size_t n = 0, seen = 0;
    for (size_t i = values.n; i-- > 0;) {
        const size_t row = order[i];
        if (labels.data[row] != c || seen++ % step)
            continue;
        boxes[n++] = (mlk_plot_box){fmin(values.data[row], 0.0),
                                    fmax(values.data[row], 0.0),
                                    at,
                                    at + (double)step,
                                    (int)c + 1,
                                    0.8};
        at += (double)step;
    }
    mlk_plot_boxes(p, name, boxes, n);
    return at + 0.01 * (double)values.n;
}

mlk_plot *mlk_chart_silhouette(mlk_cvec values, mlk_cvec labels)
{
    enum { MOST_CLUSTERS = 50, MOST_BARS = 2000 };
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_plot *p = mlk_plot_new("Silhouettes", "silhouette", "");
    const size_t n = values.n, step = (n + MOST_BARS - 1) / MOST_BARS;
    size_t *order = mlk_scratch_take(&s, n, sizeof *order);
    mlk_plot_box *boxes = mlk_scratch_take(&s, n, sizeof *boxes);
    if (!s.failed && mlk_argsort(values.data, n, order) != MLK_OK)
        s.failed = true;
    if (s.failed)
        return mlk_chart_done(p, &s);
    double last = -1.0, sum = 0.0, at = 0.0;
    size_t counted = 0;
    for (size_t i = 0; i < n; i++)
        if (is_cluster(labels.data[i], n) && isfinite(values.data[i])) {
            last = fmax(last, labels.data[i]);
            sum += values.data[i];
            counted++;
        }
    for (double c = 0.0; c <= last && c < MOST_CLUSTERS; c++) {
        char name[32];
        snprintf(name, sizeof name, "%.0f", c);
        at = add_cluster(p, values, labels, order, c, step, at, boxes, name);
    }
    mlk_plot_names(p, MLK_PLOT_Y, NULL, 0);
    mlk_plot_range(p, MLK_PLOT_Y, at, 0.0);
    if (counted) {
        char name[64];
        snprintf(name, sizeof name, "mean %.3g", sum / (double)counted);
        mlk_plot_mark(p, MLK_PLOT_X, sum / (double)counted, name);
        mlk_plot_describe(p, "Silhouettes of %zu rows in %.0f clusters, %s.", counted, last + 1.0,
                          name);
    }
    if (last >= MOST_CLUSTERS)
        mlk_plot_remark(p, "the first %d of %.0f clusters", MOST_CLUSTERS, last + 1.0);
    return mlk_chart_done(p, &s);
}

mlk_plot *mlk_chart_elbow(const char *y_label, mlk_cvec k, mlk_cvec values, double chosen)
{
    mlk_plot *p = mlk_plot_new("Number of clusters", "clusters", y_label);
    mlk_plot_line(p, NULL, 1, MLK_PLOT_DOTTED, k, values);
    mlk_plot_mark(p, MLK_PLOT_X, chosen, NULL);
    if (k.n)
        mlk_plot_describe(p, "%s from %.3g for %.0f clusters to %.3g for %.0f.", y_label,
                          values.data[0], k.data[0], values.data[k.n - 1], k.data[k.n - 1]);
    return p;
}
