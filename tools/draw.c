#include "draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/decomposition/pca.h>

#include "render.h"

enum { MOST_CLASSES = MLK_PLOT_COLOURS, MOST_BARS = 20, MOST_SILHOUETTES = 20000 };

size_t *dataset_rows(const mlk_dataset *dataset)
{
    const size_t n = mlk_dataset_data(dataset).X.rows;
    size_t *rows = malloc((n + 1) * sizeof *rows);
    for (size_t i = 0; rows && i < n; i++)
        rows[i] = mlk_dataset_row(dataset, i);
    return rows;
}

/* ------------------------------------------------------------------ predictions */

/* A curve of the positive class of two, or of each class against the rest. */
static void draw_curves(const mlk_predictions *p, picture *to)
{
    typedef mlk_status (*maker)(const mlk_predictions *, size_t, size_t, mlk_curve *);
    static const maker makers[] = {mlk_roc_curve, mlk_pr_curve};
    const size_t first = p->n_classes == 2, n = p->n_classes - first;
    const char *const *names = p->n_classes > 2 ? p->classes : NULL;
    for (size_t kind = 0; kind < 2; kind++) {
        mlk_curve curves[MOST_CLASSES] = {{0}};
        bool all = true;
        for (size_t k = 0; k < n; k++)
            all &= makers[kind](p, k + first, 1000, &curves[k]) == MLK_OK;
        /* With classes that these rows do not have there is no curve. */
        if (all && kind == 0)
            picture_add(to, mlk_chart_roc(curves, names, n));
        else if (all)
            picture_add(to, mlk_chart_pr(curves, names, n, (double)NAN));
        for (size_t k = 0; k < n; k++)
            mlk_curve_free(&curves[k]);
    }
}

void draw_predictions(const mlk_predictions *p, const mlk_evaluation *evaluation, picture *to)
{
    if (p->task == MLK_METRIC_REGRESSION && p->predicted.n) {
        picture_add(to, mlk_chart_predicted(p->truth, p->predicted));
        picture_add(to, mlk_chart_residuals(p->truth, p->predicted));
    }
    if (p->task != MLK_METRIC_CLASSIFICATION)
        return;
    mlk_curve calibration;
    const mlk_cmat confusion = mlk_evaluation_confusion(evaluation);
    if ((p->scores.data || p->probabilities.data) && p->n_classes <= MOST_CLASSES)
        draw_curves(p, to);
    if (p->probabilities.data && p->n_classes == 2 &&
        mlk_calibration_curve(p, 1, 10, &calibration) == MLK_OK) {
        picture_add(to, mlk_chart_reliability(&calibration, NULL, 1));
        mlk_curve_free(&calibration);
    }
    if (confusion.rows)
        picture_add(to, mlk_chart_confusion(confusion, p->classes));
}

/* --------------------------------------------------------------------- learned */

/* A document's array or list as numbers, to be freed; data NULL: none, or not numbers. A list of
 * one list is that list. */
static mlk_mat numbers_of(const mlk_doc *doc)
{
    if (mlk_doc_kind_of(doc) == MLK_DOC_LIST && mlk_doc_size(doc) == 1)
        doc = mlk_doc_at(doc, 0);
    const mlk_doc_array a = mlk_doc_array_of(doc);
    const bool list = mlk_doc_kind_of(doc) == MLK_DOC_LIST;
    const size_t rows = list ? mlk_doc_size(doc) : a.rows, cols = a.cols ? a.cols : 1;
    mlk_mat m = {NULL, rows, cols, cols};
    if (!rows || !(m.data = calloc(rows * cols, sizeof *m.data)))
        return (mlk_mat){0};
    for (size_t i = 0; i < rows * cols; i++)
        m.data[i] = list                ? mlk_doc_real(mlk_doc_at(doc, i))
                    : a.type == MLK_F64 ? ((const double *)a.data)[i]
                    : a.type == MLK_F32 ? (double)((const float *)a.data)[i]
                    : a.type == MLK_I32 ? (double)((const int32_t *)a.data)[i]
                    : a.type == MLK_U32 ? (double)((const uint32_t *)a.data)[i]
                    : a.type == MLK_U16 ? ((const uint16_t *)a.data)[i]
                                        : ((const uint8_t *)a.data)[i];
    return m;
}

static mlk_cvec vector(mlk_mat m) { return (mlk_cvec){m.data, m.rows * m.cols}; }

/* Values of the design's columns with their names: importances, coefficients. */
static void draw_columns(const mlk_doc *learned, const char *key, picture *to)
{
    const mlk_doc *features = mlk_doc_find(learned, "features");
    const mlk_mat m = numbers_of(mlk_doc_find(learned, key));
    const size_t n = mlk_doc_size(features);
    const char **names = malloc((n + 1) * sizeof *names);
    /* Of several classes there is no one list. */
    if (m.data && names && (m.cols == 1 || m.rows == 1) && m.rows * m.cols == n) {
        for (size_t j = 0; j < n; j++)
            names[j] = mlk_doc_text(mlk_doc_at(features, j));
        picture_add(to, strcmp(key, "coef") == 0
                            ? mlk_chart_coefficients(names, vector(m), MOST_BARS)
                            : mlk_chart_importances("share", names, (mlk_cmat){m.data, n, 1, 1},
                                                    MOST_BARS));
    }
    free(names);
    free(m.data);
}

/* Between the last merge that was made and the first that was not; NaN: nobody chose. */
static double cut_of(const mlk_doc *learned, mlk_cvec distances)
{
    const mlk_mat labels = numbers_of(mlk_doc_find(learned, "labels"));
    double k = 0.0;
    for (size_t i = 0; i < labels.rows * labels.cols; i++)
        k = fmax(k, labels.data[i] + 1.0);
    free(labels.data);
    const double n = (double)distances.n + 1.0;
    if (!(k >= 2.0 && k < n))
        return (double)NAN;
    const size_t first = (size_t)(n - k); /* not made */
    return 0.5 * (distances.data[first - 1] + distances.data[first]);
}

static void draw_dendrogram(const mlk_doc *learned, picture *to)
{
    const mlk_mat merges = numbers_of(mlk_doc_find(learned, "merges"));
    const mlk_mat distances = numbers_of(mlk_doc_find(learned, "distances"));
    if (merges.data && distances.data && merges.cols == 2 && vector(distances).n == merges.rows)
        picture_add(to, mlk_chart_dendrogram(mlk_mat_c(merges), vector(distances), NULL,
                                             cut_of(learned, vector(distances))));
    free(merges.data);
    free(distances.data);
}

static void draw_training(const mlk_doc *learned, picture *to)
{
    const mlk_mat train = numbers_of(mlk_doc_find(learned, "train_loss"));
    const mlk_mat validation = numbers_of(mlk_doc_find(learned, "validation_loss"));
    if (train.data && train.rows > 1) {
        const mlk_cvec v = vector(validation);
        double best = (double)NAN;
        for (size_t i = 0; i < v.n; i++)
            if (isnan(best) || v.data[i] < v.data[(size_t)best - 1])
                best = (double)(i + 1);
        picture_add(to, mlk_chart_training("iteration", "loss", vector(train), v, best));
    }
    free(train.data);
    free(validation.data);
}

/* Each rule at its support and confidence. */
static void draw_rules(const mlk_doc *learned, picture *to)
{
    static const char *const figures[] = {"support", "confidence", "lift"};
    const mlk_doc *rules = mlk_doc_find(learned, "rules");
    const size_t n = mlk_doc_size(rules);
    double *values = n ? calloc(3 * n, sizeof *values) : NULL;
    for (size_t i = 0; values && i < n; i++)
        for (size_t k = 0; k < 3; k++)
            values[k * n + i] = mlk_doc_real(mlk_doc_find(mlk_doc_at(rules, i), figures[k]));
    const mlk_chart_groups lift = {
        .label = "lift", .values = {values + 2 * n, n}, .noise = (double)NAN};
    if (values)
        picture_add(to, mlk_chart_map("Rules", figures[0], (mlk_cvec){values, n}, figures[1],
                                      (mlk_cvec){values + n, n}, &lift, false));
    free(values);
}

void draw_learned(const mlk_doc *learned, picture *to)
{
    const mlk_mat shares = numbers_of(mlk_doc_find(learned, "explained_variance_ratio"));
    const mlk_mat eigenvalues = numbers_of(mlk_doc_find(learned, "eigenvalues"));
    if (shares.data)
        picture_add(to, mlk_chart_scree(vector(shares)));
    else if (eigenvalues.data)
        picture_add(
            to, mlk_chart_sequence("Eigenvalues", "component", "eigenvalue", vector(eigenvalues)));
    free(shares.data);
    free(eigenvalues.data);
    draw_training(learned, to);
    draw_columns(learned, "feature_importances", to);
    draw_columns(learned, "coef", to);
    draw_dendrogram(learned, to);
    draw_rules(learned, to);
}

/* ------------------------------------------------------------------------ rows */

/* What points are coloured by, with the memory that it points into. */
typedef struct colouring {
    mlk_chart_groups groups;
    double *values;
    const char **names;
    char *texts;
} colouring;

static void colouring_free(colouring *k)
{
    free(k->values);
    free(k->names);
    free(k->texts);
}

/* The column of --colour at the rows. */
static int colour_by_column(const cli *c, const drawn_rows *r, colouring *k)
{
    const size_t n = r->data.X.rows;
    size_t j;
    const mlk_status st = mlk_table_find(r->table, c->set.colour, &j);
    if (st != MLK_OK)
        return cli_failed(c, st);
    const mlk_column column = mlk_table_column(r->table, j);
    k->values = malloc((n + 1) * sizeof *k->values);
    if (!k->values)
        return cli_refuse(c, "out of memory");
    for (size_t i = 0; i < n; i++)
        k->values[i] = column.type == MLK_NUMERIC ? column.values[r->rows[i]]
                       : column.codes[r->rows[i]] == MLK_MISSING_CODE
                           ? (double)NAN
                           : (double)column.codes[r->rows[i]];
    k->groups =
        (mlk_chart_groups){.label = column.name, .values = {k->values, n}, .noise = (double)NAN};
    if (column.type == MLK_CATEGORICAL) {
        k->groups.names = column.levels;
        k->groups.n_names = column.n_levels;
    }
    return CLI_DONE;
}

/* The target at the rows, where there is one. */
static int colour_by_target(const cli *c, const drawn_rows *r, colouring *k)
{
    if (!r->data.y.n)
        return CLI_DONE;
    k->groups = (mlk_chart_groups){
        .label = mlk_schema_target(r->schema), .values = r->data.y, .noise = (double)NAN};
    if (r->data.n_classes) {
        k->names = class_names(r->schema);
        if (!k->names)
            return cli_refuse(c, "out of memory");
        k->groups.names = k->names;
        k->groups.n_names = r->data.n_classes;
    }
    return CLI_DONE;
}

/* Cluster numbers, -1 = noise. Takes the labels. */
static int colour_by_cluster(const cli *c, double *labels, size_t n, colouring *k)
{
    double last = -1.0;
    for (size_t i = 0; i < n; i++)
        last = fmax(last, labels[i]);
    const size_t clusters = last < (double)n ? (size_t)(last + 1.0) : 0;
    k->values = labels;
    k->names = malloc((clusters + 1) * sizeof *k->names);
    k->texts = malloc(24 * (clusters + 1));
    if (!k->names || !k->texts)
        return cli_refuse(c, "out of memory");
    for (size_t g = 0; g < clusters; g++) {
        k->names[g] = k->texts + 24 * g;
        snprintf(k->texts + 24 * g, 24, "%zu", g);
    }
    k->groups = (mlk_chart_groups){"the cluster", {labels, n}, k->names, clusters, -1.0};
    return CLI_DONE;
}

/* Points in the plane, and what the axes are called. */
typedef struct plane {
    double *values; /* x of all rows, then y */
    size_t n;
    char names[2][300];
    bool equal; /* the axes have a common unit */
} plane;

/* The columns of --axes at the rows. */
static int plane_of_columns(const cli *c, const drawn_rows *r, plane *p)
{
    const char *comma = strchr(c->set.axes, ',');
    if (!comma)
        return cli_usage(c, "--axes '%s' is not two columns A,B", c->set.axes);
    for (int a = 0; a < 2; a++) {
        size_t j;
        char name[300];
        if (a)
            snprintf(name, sizeof name, "%s", comma + 1);
        else
            snprintf(name, sizeof name, "%.*s", (int)(comma - c->set.axes), c->set.axes);
        const mlk_status st = mlk_table_find(r->table, name, &j);
        if (st != MLK_OK)
            return cli_failed(c, st);
        const mlk_column column = mlk_table_column(r->table, j);
        if (column.type != MLK_NUMERIC)
            return cli_refuse(c, "--axes: column '%s' is text; expected numbers", name);
        for (size_t i = 0; i < p->n; i++)
            p->values[(size_t)a * p->n + i] = column.values[r->rows[i]];
        snprintf(p->names[a], sizeof p->names[a], "%s", column.name);
    }
    return CLI_DONE;
}

static void put_plane(plane *p, mlk_cmat Z, const char *const names[2])
{
    for (int a = 0; a < 2; a++) {
        for (size_t i = 0; i < p->n; i++)
            p->values[(size_t)a * p->n + i] = Z.data[i * Z.ld + (size_t)a];
        snprintf(p->names[a], sizeof p->names[a], "%s", names[a]);
    }
}

/* Two columns as they are, more by their principal axes. */
static mlk_status plane_of_design(cli *c, const drawn_rows *r, plane *p)
{
    static const char *const axes[] = {"first principal axis", "second principal axis"};
    const size_t n = p->n, q = mlk_pipeline_n_columns(r->pipeline);
    const mlk_mat X = {calloc(n * (q + 2) + 1, sizeof(double)), n, q, q},
                  Z = {X.data + n * q, n, 2, 2};
    mlk_pca *pca = NULL;
    mlk_pca_opts opts = mlk_pca_opts_default();
    mlk_status st = X.data ? mlk_pipeline_design(r->pipeline, r->data.X, &c->run, X) : MLK_ENOMEM;
    const mlk_data design = {.X = mlk_mat_c(X)};
    opts.n_components = 2.0;
    if (st == MLK_OK && q == 2) {
        const mlk_schema *s = r->schema;
        const bool same = mlk_schema_n_features(s) == 2;
        const char *const names[] = {same ? mlk_schema_feature(s, 0) : "column 1",
                                     same ? mlk_schema_feature(s, 1) : "column 2"};
        put_plane(p, mlk_mat_c(X), names);
    } else if (st == MLK_OK) {
        st = mlk_pca_fit(&design, &opts, &c->run, &pca);
        if (st == MLK_OK)
            st = mlk_pca_transform(pca, mlk_mat_c(X), &c->run, Z);
        if (st == MLK_OK)
            put_plane(p, mlk_mat_c(Z), axes);
        p->equal = true;
    }
    mlk_pca_free(pca);
    free(X.data);
    return st;
}

/* pc1 (73 %), pc2 (12 %); dim1, dim2. */
static void name_components(const drawn_rows *r, const mlk_doc *learned, plane *p)
{
    const mlk_mat shares = numbers_of(mlk_doc_find(learned, "explained_variance_ratio"));
    const bool pca = strcmp(mlk_model_algo(mlk_pipeline_inner(r->pipeline))->name, "pca") == 0;
    for (size_t a = 0; a < 2; a++) {
        if (pca && shares.data && a < vector(shares).n)
            snprintf(p->names[a], sizeof p->names[a], "pc%zu (%.1f %%)", a + 1,
                     100.0 * shares.data[a]);
        else
            snprintf(p->names[a], sizeof p->names[a], "%s%zu", pca ? "pc" : "dim", a + 1);
    }
    free(shares.data);
}

/* A map's first two coordinates of the rows. */
static mlk_status plane_of_map(cli *c, const drawn_rows *r, const mlk_doc *learned, plane *p)
{
    mlk_mat Z = numbers_of(mlk_doc_find(learned, "embedding"));
    mlk_status st = MLK_OK;
    if (!Z.data || Z.rows != p->n) {
        const size_t k = mlk_model_n_components(r->pipeline);
        free(Z.data);
        Z = (mlk_mat){calloc(p->n * k + 1, sizeof(double)), p->n, k, k};
        st = Z.data ? mlk_model_transform(r->pipeline, r->data.X, &c->run, Z) : MLK_ENOMEM;
    }
    for (size_t i = 0; st == MLK_OK && i < p->n; i++)
        for (size_t a = 0; a < 2; a++)
            p->values[a * p->n + i] = a < Z.cols ? Z.data[i * Z.ld + a] : 0.0;
    free(Z.data);
    name_components(r, learned, p);
    p->equal = true;
    return st;
}

/* Numbers that the model gives the rows, to be freed; NULL and a status otherwise. */
static mlk_status labels_of(cli *c, const drawn_rows *r, const mlk_doc *learned, double **labels)
{
    const size_t n = r->data.X.rows;
    const mlk_mat own = numbers_of(mlk_doc_find(learned, "labels"));
    *labels = own.data;
    if (own.data && own.rows * own.cols == n)
        return MLK_OK;
    free(own.data);
    *labels = calloc(n + 1, sizeof **labels);
    if (!*labels)
        return MLK_ENOMEM;
    const mlk_status st = mlk_model_predict(r->pipeline, r->data.X, &c->run, (mlk_vec){*labels, n});
    if (st != MLK_OK) {
        free(*labels);
        *labels = NULL;
    }
    return st;
}

/* Outlier scores, larger for what is more outlying. */
static mlk_status scores_of(cli *c, const drawn_rows *r, double **scores)
{
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(r->pipeline));
    const size_t n = r->data.X.rows;
    const double sign = strcmp(algo->name, "one-class-svm") == 0 ? -1.0 : 1.0;
    *scores = calloc(n + 1, sizeof **scores);
    if (!*scores)
        return MLK_ENOMEM;
    const mlk_status st =
        mlk_model_decision(r->pipeline, r->data.X, &c->run, (mlk_mat){*scores, n, 1, 1});
    for (size_t i = 0; i < n; i++)
        (*scores)[i] *= sign;
    return st;
}

static void draw_silhouettes(cli *c, const drawn_rows *r, const double *labels, picture *to)
{
    const size_t n = r->data.X.rows;
    const mlk_predictions p = {
        .task = MLK_METRIC_CLUSTERING, .predicted = {labels, n}, .X = r->data.X};
    double *values = n <= MOST_SILHOUETTES ? calloc(n + 1, sizeof *values) : NULL;
    /* Of one cluster there are none. */
    if (values && mlk_silhouette_samples(&p, &c->run, (mlk_vec){values, n}) == MLK_OK)
        picture_add(to, mlk_chart_silhouette((mlk_cvec){values, n}, (mlk_cvec){labels, n}));
    free(values);
}

/* Where the points are and what colours them, by the task. */
static int place_and_colour(cli *c, const drawn_rows *r, const mlk_doc *learned, unsigned task,
                            plane *p, colouring *k)
{
    double *labels = NULL;
    mlk_status st = MLK_OK;
    int status = CLI_DONE;
    if (c->set.axes)
        status = plane_of_columns(c, r, p);
    else if (task == MLK_TRANSFORM)
        st = plane_of_map(c, r, learned, p);
    else
        st = plane_of_design(c, r, p);
    if (status == CLI_DONE && st == MLK_OK && task == MLK_CLUSTERING)
        st = labels_of(c, r, learned, &labels);
    if (st != MLK_OK)
        return cli_failed(c, st);
    if (status != CLI_DONE)
        return status;
    if (c->set.colour) {
        free(labels);
        return colour_by_column(c, r, k);
    }
    if (task == MLK_CLUSTERING)
        return colour_by_cluster(c, labels, p->n, k);
    if (task == MLK_TRANSFORM)
        return colour_by_target(c, r, k);
    st = scores_of(c, r, &k->values);
    k->groups = (mlk_chart_groups){
        .label = "outlier score", .values = {k->values, p->n}, .noise = (double)NAN};
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

static int draw_points(cli *c, const drawn_rows *r, const mlk_doc *learned, unsigned task,
                       picture *to)
{
    colouring k = {.values = NULL};
    const size_t n = r->data.X.rows;
    plane p = {.values = calloc(2 * n + 1, sizeof(double)), .n = n};
    int status =
        p.values ? place_and_colour(c, r, learned, task, &p, &k) : cli_refuse(c, "out of memory");
    if (status == CLI_DONE)
        picture_add(to, mlk_chart_map(task == MLK_TRANSFORM    ? "Map"
                                      : task == MLK_CLUSTERING ? "Clusters"
                                                               : "Outliers",
                                      p.names[0], (mlk_cvec){p.values, n}, p.names[1],
                                      (mlk_cvec){p.values + n, n}, &k.groups, p.equal));
    if (status == CLI_DONE && task == MLK_CLUSTERING && !c->set.colour)
        draw_silhouettes(c, r, k.values, to);
    colouring_free(&k);
    free(p.values);
    return status;
}

/* What is predicted of rows whose truth is not known: how often, or how much. */
static int draw_distribution(cli *c, const drawn_rows *r, picture *to)
{
    const size_t n = r->data.X.rows, k = mlk_schema_n_classes(r->schema);
    double *values = calloc(n + 1, sizeof *values), *counts = calloc(k + 1, sizeof *counts);
    const char **names = class_names(r->schema);
    mlk_status st = values && counts && (names || !k) ? MLK_OK : MLK_ENOMEM;
    if (st == MLK_OK)
        st = mlk_model_predict(r->pipeline, r->data.X, &c->run, (mlk_vec){values, n});
    for (size_t i = 0; st == MLK_OK && k && i < n; i++)
        if (values[i] >= 0.0 && values[i] < (double)k)
            counts[(size_t)values[i]]++;
    if (st == MLK_OK)
        picture_add(to, k ? mlk_chart_levels("prediction", names, (mlk_cvec){counts, k})
                          : mlk_chart_histogram("prediction", (mlk_cvec){values, n}));
    free(values);
    free(counts);
    free(names);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

int draw_rows(cli *c, const drawn_rows *r, const mlk_doc *learned, picture *to)
{
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(r->pipeline));
    const unsigned task = mlk_task_of(algo, r->schema);
    if (task == MLK_TRANSFORM || task == MLK_CLUSTERING || task == MLK_OUTLIER)
        return draw_points(c, r, learned, task, to);
    if (c->set.colour || c->set.axes)
        return cli_refuse(c, "--colour and --axes are of maps, clusters and outliers; %s is for %s",
                          algo->name, mlk_task_name(task));
    if ((task == MLK_REGRESSION || task == MLK_CLASSIFICATION) && !learned)
        return draw_distribution(c, r, to);
    return CLI_DONE;
}

/* ---------------------------------------------------------------------- tuning */

/* The coefficients of all values of a path, fitted on all rows. */
static int draw_path_coefficients(cli *c, const mlk_data *train, const mlk_cv_path *path,
                                  const char *name, const mlk_doc *learned, picture *to)
{
    const mlk_doc *features = mlk_doc_find(learned, "features");
    const size_t n = mlk_cv_path_size(path), p = mlk_doc_size(features);
    const mlk_run quiet = {.threads = c->run.threads};
    const void **opts = calloc(n + 1, sizeof *opts);
    mlk_model **models = calloc(n + 1, sizeof *models);
    double *coefficients = calloc(n * p + 1, sizeof *coefficients);
    const char **names = calloc(p + 1, sizeof *names);
    mlk_status st = opts && models && coefficients && names ? MLK_OK : MLK_ENOMEM;
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        opts[i] = mlk_cv_path_at(path, i);
    for (size_t j = 0; st == MLK_OK && j < p; j++)
        names[j] = mlk_doc_text(mlk_doc_at(features, j));
    if (st == MLK_OK)
        st = mlk_model_fit_many(&mlk_pipeline_algo, opts, n, train, &quiet, models);
    bool all = st == MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        mlk_doc *doc = mlk_doc_new();
        mlk_model_learned(mlk_pipeline_inner(models[i]), doc);
        const mlk_mat m = numbers_of(mlk_doc_find(doc, "coef"));
        all &= m.data && m.rows * m.cols == p;
        for (size_t j = 0; all && j < p; j++)
            coefficients[i * p + j] = m.data[j];
        free(m.data);
        mlk_doc_free(doc);
        mlk_model_free(models[i]);
    }
    if (all)
        picture_add(to, mlk_chart_path(name, mlk_cv_path_values(path),
                                       (mlk_cmat){coefficients, n, p, p}, names, 10,
                                       mlk_cv_path_values(path).data[mlk_cv_path_chosen(path)]));
    free(opts);
    free(models);
    free(coefficients);
    free(names);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

static const char *scoring_of(const mlk_cv *cv) { return mlk_cv_metric(cv, 0)->name; }

static int draw_path(cli *c, const mlk_data *train, const tuning *t, const mlk_doc *learned,
                     picture *to)
{
    const mlk_cv_path *path = t->path;
    const mlk_cvec values = mlk_cv_path_values(path), sds = mlk_cv_path_sds(path);
    const double folds = (double)mlk_cv_splits(mlk_cv_path_cv(path));
    double *errors = malloc((sds.n + 1) * sizeof *errors);
    if (!errors)
        return cli_refuse(c, "out of memory");
    for (size_t i = 0; i < sds.n; i++)
        errors[i] = sds.data[i] / sqrt(folds);
    picture_add(to, mlk_chart_path_scores(c->set.path, scoring_of(mlk_cv_path_cv(path)), values,
                                          mlk_cv_path_means(path), (mlk_cvec){errors, sds.n},
                                          values.data[mlk_cv_path_chosen(path)]));
    free(errors);
    /* Where the chosen one has a list of coefficients, all have. */
    const mlk_mat coef = numbers_of(mlk_doc_find(learned, "coef"));
    const bool one =
        coef.data && coef.rows * coef.cols == mlk_doc_size(mlk_doc_find(learned, "features"));
    free(coef.data);
    return one ? draw_path_coefficients(c, train, path, c->set.path, learned, to) : CLI_DONE;
}

/* "weights, n_neighbors", or "uniform, 5", cut to `size` bytes. */
static void list_params(const mlk_doc *params, bool keys, char *text, size_t size)
{
    size_t at = 0;
    for (size_t k = 0; k < mlk_doc_size(params) && at < size; k++) {
        char number[64];
        const char *word = keys ? mlk_doc_key_at(params, k)
                                : render_scalar(mlk_doc_at(params, k), 4, number, sizeof number);
        at += (size_t)snprintf(text + at, size - at, "%s%s", k ? ", " : "", word);
    }
}

/* Scores of a search over words, or over several parameters: one line a trial. */
static void draw_choices(const tuning *t, const mlk_doc *trials, mlk_cvec means, mlk_cvec errors,
                         picture *to)
{
    enum { MOST = 40, WIDTH = 64 };
    const size_t n = means.n;
    char texts[MOST][WIDTH] = {{0}}, parameters[WIDTH] = "";
    const char *names[MOST];
    size_t best = SIZE_MAX;
    if (n > MOST)
        return;
    list_params(mlk_doc_at(trials, 0), true, parameters, sizeof parameters);
    for (size_t i = 0; i < n; i++) {
        list_params(mlk_doc_at(trials, i), false, texts[i], sizeof texts[i]);
        names[i] = texts[i];
        if (mlk_search_at(t->search, i).candidate == mlk_search_best(t->search))
            best = i;
    }
    picture_add(to, mlk_chart_choices(parameters, scoring_of(mlk_search_cv(t->search)), names,
                                      means, errors, best));
}

/* Scores of a search. */
static int draw_search(const cli *c, const tuning *t, picture *to)
{
    const size_t n = mlk_search_size(t->search);
    const double folds = (double)mlk_cv_splits(mlk_search_cv(t->search));
    double *room = malloc((3 * n + 1) * sizeof *room);
    mlk_doc *params = mlk_doc_new(), *trials = mlk_doc_put_list(params, "trials");
    double best = (double)NAN;
    bool numbers = true;
    if (!room || mlk_doc_check(params) != MLK_OK) {
        free(room);
        mlk_doc_free(params);
        return cli_refuse(c, "out of memory");
    }
    double *mean = room + n, *error = mean + n;
    for (size_t i = 0; i < n; i++) {
        const mlk_trial trial = mlk_search_at(t->search, i);
        mlk_grid_params(t->grid, trial.candidate, mlk_doc_put_map(trials, NULL));
        const mlk_doc *all = mlk_doc_at(trials, i);
        room[i] = mlk_doc_real(mlk_doc_at(all, 0));
        mean[i] = trial.mean;
        error[i] = trial.sd / sqrt(folds);
        best = trial.candidate == mlk_search_best(t->search) ? room[i] : best;
        numbers &= mlk_doc_size(all) == 1 && isfinite(room[i]);
    }
    if (numbers && n > 1)
        picture_add(to,
                    mlk_chart_path_scores(mlk_doc_key_at(mlk_doc_at(trials, 0), 0),
                                          scoring_of(mlk_search_cv(t->search)), (mlk_cvec){room, n},
                                          (mlk_cvec){mean, n}, (mlk_cvec){error, n}, best));
    else if (n > 1)
        draw_choices(t, trials, (mlk_cvec){mean, n}, (mlk_cvec){error, n}, to);
    mlk_doc_free(params);
    free(room);
    return CLI_DONE;
}

int draw_tuning(cli *c, const mlk_data *train, const tuning *t, const mlk_doc *learned, picture *to)
{
    return t->path     ? draw_path(c, train, t, learned, to)
           : t->search ? draw_search(c, t, to)
                       : CLI_DONE;
}
