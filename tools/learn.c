#include "learn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/model/archive.h>

#include "map.h"

/* ---------------------------------------------------------------- the learner */

char *learner_cut(char *texts, char **value)
{
    *value = strchr(texts, '=');
    if (!*value || *value == texts) {
        *value = NULL;
        return NULL;
    }
    *(*value)++ = '\0';
    /* A comma ends the value where a new name follows; else it belongs to it: a list. */
    for (char *comma = strchr(*value, ','); comma; comma = strchr(comma + 1, ',')) {
        const char *equals = strchr(comma, '='), *other = strchr(comma + 1, ',');
        if (equals && (!other || equals < other)) {
            *comma = '\0';
            return comma + 1;
        }
    }
    return NULL;
}

/* One "name=value[,name=value...]" into options; `texts` is cut in place and must outlive them. */
static int set_options(const cli *c, const mlk_algo *algo, char *texts, void *opts)
{
    char *name = texts;
    while (name) {
        char *value, *next = learner_cut(name, &value);
        if (!value)
            return cli_usage(c, "'%s' is no parameter; expected NAME=VALUE", name);
        if (mlk_opts_parse(algo->opts, algo->name, name, value, opts) != MLK_OK)
            return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
        name = next;
    }
    return CLI_DONE;
}

static int set_all(cli *c, const cli_list *set, learner *l)
{
    size_t bytes = 1;
    for (size_t i = 0; i < set->n; i++)
        bytes += strlen(set->items[i]) + 1;
    l->opts = calloc(1, l->algo->opts_size);
    l->texts = malloc(bytes);
    if (!l->opts || !l->texts)
        return cli_refuse(c, "out of memory");
    mlk_opts_set_default(l->algo->opts, l->opts);

    char seed[32];
    snprintf(seed, sizeof seed, "%lld", (long long)c->set.seed);
    if (l->algo->caps & MLK_CAP_SEED)
        (void)mlk_opts_parse(l->algo->opts, l->algo->name, "seed", seed, l->opts);
    char *at = l->texts;
    for (size_t i = 0; i < set->n; i++) {
        char *mine = strcpy(at, set->items[i]);
        at += strlen(at) + 1;
        const int status = set_options(c, l->algo, mine, l->opts);
        if (status != CLI_DONE)
            return status;
    }
    if (mlk_opts_check(l->algo->opts, l->opts) != MLK_OK)
        return cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    return CLI_DONE;
}

int learner_check_words(const cli *c, const char *impute, const char *encode, const char *scale)
{
    static const char *const imputes[] = {"mean", "median", "mode", "drop", "none"};
    static const char *const encodes[] = {"onehot", "dummy", "ordinal", "native"};
    static const char *const scales[] = {"none", "standard", "minmax", "robust"};
    int status = cli_check_word(c, "impute", impute, imputes, 5);
    if (status == CLI_DONE)
        status = cli_check_word(c, "encode", encode, encodes, 4);
    if (status == CLI_DONE)
        status = cli_check_word(c, "scale", scale, scales, 4);
    return status;
}

int learner_init(cli *c, const char *model, const cli_list *set, learner *l)
{
    const cli_settings *s = &c->set;

    *l = (learner){.algo = cli_find_algo(c, model)};
    if (!l->algo)
        return CLI_USAGE;
    int status = learner_check_words(c, s->impute, s->encode, s->scale);
    if (status == CLI_DONE)
        status = set_all(c, set, l);
    l->pipeline = mlk_pipeline_opts_default(l->algo);
    /* Resolved here, so that the model file and the report say what was done. */
    const mlk_prep_defaults *prep = &l->algo->prep;
    l->pipeline.impute = s->impute ? s->impute : prep->impute ? prep->impute : "median";
    l->pipeline.encode = s->encode ? s->encode : prep->encode ? prep->encode : "onehot";
    const bool rows = status != CLI_DONE || !map_of_precomputed(l->algo, l->opts);
    l->pipeline.scale = s->scale ? s->scale : prep->scale && rows ? prep->scale : "none";
    l->pipeline.poly = s->poly;
    l->pipeline.algo_opts = l->opts;
    if (status == CLI_DONE && mlk_opts_check(mlk_pipeline_algo.opts, &l->pipeline) != MLK_OK)
        status = cli_usage(c, "%s", mlk_error_message(MLK_EINVAL));
    return status;
}

int learner_names(cli *c, const mlk_schema *schema, learner *l)
{
    const size_t p = mlk_schema_n_features(schema);
    free(l->names);
    l->names = malloc(p * sizeof *l->names);
    if (!l->names)
        return cli_refuse(c, "out of memory");
    for (size_t j = 0; j < p; j++)
        l->names[j] = mlk_schema_feature(schema, j);
    l->pipeline.names = l->names;
    return CLI_DONE;
}

int learner_fit(cli *c, const learner *l, const mlk_data *data, mlk_model **model)
{
    const mlk_status st = mlk_model_fit(&mlk_pipeline_algo, &l->pipeline, data, &c->run, model);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

/* The notes keep how the fit ended: nothing that differs from run to run. */
int learner_save(cli *c, const char *path, const mlk_schema *schema, const mlk_model *pipeline,
                 const mlk_data *train)
{
    const size_t k = train->y.n ? (train->n_classes ? train->n_classes : 1) : 0;
    double *values = calloc(k + 1, sizeof *values);
    void *bytes = NULL;
    size_t size = 0;
    if (!values)
        return cli_refuse(c, "out of memory");
    mlk_doc *notes = mlk_doc_new();
    mlk_doc_put_int(notes, "rows", (int64_t)train->X.rows);
    put_fit_info(mlk_model_info(mlk_pipeline_inner(pipeline)), mlk_doc_put_map(notes, "fit"));
    mlk_profile *profile = NULL;
    mlk_status st = mlk_doc_check(notes);
    if (st == MLK_OK)
        st = mlk_profile_new(train, &c->run, &profile);
    if (st == MLK_OK && k)
        st = mlk_baseline_of(train->y, train->w, train->n_classes, (mlk_vec){values, k});
    if (st == MLK_OK)
        st = mlk_model_file_encode(schema, pipeline, (mlk_cvec){values, k}, profile, notes, &bytes,
                                   &size);
    const int status = st == MLK_OK ? cli_write(c, path, bytes, size) : cli_failed(c, st);
    mlk_archive_free(bytes);
    mlk_profile_free(profile);
    mlk_doc_free(notes);
    free(values);
    return status;
}

void learner_params(const mlk_model *pipeline, mlk_doc *to)
{
    const mlk_model *inner = mlk_pipeline_inner(pipeline);
    mlk_opts_save(mlk_model_algo(inner)->opts, mlk_model_opts(inner), to);
    mlk_opts_save(mlk_pipeline_algo.opts, mlk_model_opts(pipeline), to);
}

void learner_free(learner *l)
{
    free(l->opts);
    free(l->texts);
    free(l->names);
    *l = (learner){0};
}

/* ---------------------------------------------------------------- the outcome */

const char **class_names(const mlk_schema *schema)
{
    const size_t k = mlk_schema_n_classes(schema);
    const char **names = k ? malloc(k * sizeof *names) : NULL;
    for (size_t i = 0; names && i < k; i++)
        names[i] = mlk_schema_class(schema, i);
    return names;
}

static bool make_mat(size_t rows, size_t cols, mlk_mat *m)
{
    *m = (mlk_mat){calloc(rows * cols + 1, sizeof(double)), rows, cols, cols};
    return m->data != NULL;
}

bool decides_by_pairs(const mlk_model *pipeline)
{
    const mlk_model *inner = mlk_pipeline_inner(pipeline);
    const mlk_opt *o = mlk_opts_find(mlk_model_algo(inner)->opts, "multi_class");
    char word[32];
    return o && strcmp(mlk_opts_format(o, mlk_model_opts(inner), word, sizeof word), "ovo") == 0;
}

/* Everything the model can say; what it has not stays empty. */
static mlk_status predict_all(cli *c, const mlk_model *pipeline, mlk_cmat X, outcome *o)
{
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(pipeline));
    const bool classes = !(algo->tasks & MLK_CLUSTERING); /* else they are but compared with */
    const size_t n = X.rows, k = classes ? mlk_model_n_classes(pipeline) : 0;
    mlk_mat predicted;
    mlk_status st = MLK_OK;
    if (!make_mat(n, 1, &predicted))
        return MLK_ENOMEM;
    o->predicted = (mlk_vec){predicted.data, n};
    if (algo->predict)
        st = mlk_model_predict(pipeline, X, &c->run, o->predicted);
    if (st == MLK_OK && k && algo->predict_proba) {
        if (!make_mat(n, k, &o->probabilities))
            return MLK_ENOMEM;
        st = mlk_model_predict_proba(pipeline, X, &c->run, o->probabilities);
        if (st == MLK_EUNSUPPORTED) { /* fitted without them */
            free(o->probabilities.data);
            o->probabilities = (mlk_mat){0};
            st = MLK_OK;
        }
    }
    const size_t q = mlk_model_n_decisions(pipeline);
    /* Decision values of one row may have a common part: they rank rows for two classes only. Those
     * of pairs belong to no class. */
    const bool rank =
        k == 2 ? q == 1 || q == 2 : q == k && !o->probabilities.data && !decides_by_pairs(pipeline);
    if (st == MLK_OK && k && algo->decision && rank) {
        if (!make_mat(n, q, &o->scores))
            return MLK_ENOMEM;
        st = mlk_model_decision(pipeline, X, &c->run, o->scores);
    }
    return st;
}

/* Clusters are judged where they were sought, after preprocessing. */
static mlk_status make_points(cli *c, const mlk_model *pipeline, mlk_cmat X, outcome *o)
{
    if (!make_mat(X.rows, mlk_pipeline_n_columns(pipeline), &o->points))
        return MLK_ENOMEM;
    return mlk_pipeline_design(pipeline, X, &c->run, o->points);
}

static void move_row(mlk_mat *m, size_t from, size_t to)
{
    if (m->data)
        memmove(m->data + to * m->ld, m->data + from * m->ld, m->cols * sizeof(double));
}

/* Rows that --impute drop leaves out have no prediction and are not judged. */
static mlk_status leave_out_unpredicted(const mlk_data *data, outcome *o)
{
    const size_t n = o->predicted.n;
    mlk_mat truth, weights;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        kept += !isnan(o->predicted.data[i]);
    if (kept == n)
        return MLK_OK;
    const bool there = make_mat(data->y.n, 1, &truth), both = make_mat(data->w.n, 1, &weights);
    o->truth = (mlk_vec){truth.data, data->y.n ? kept : 0};
    o->weights = (mlk_vec){weights.data, data->w.n ? kept : 0};
    if (!there || !both)
        return MLK_ENOMEM;
    for (size_t i = 0, at = 0; i < n; i++) {
        if (isnan(o->predicted.data[i]))
            continue;
        o->predicted.data[at] = o->predicted.data[i];
        if (data->y.n)
            truth.data[at] = data->y.data[i];
        if (data->w.n)
            weights.data[at] = data->w.data[i];
        move_row(&o->probabilities, i, at);
        move_row(&o->scores, i, at);
        move_row(&o->points, i, at);
        at++;
    }
    o->predicted.n = kept;
    o->probabilities.rows = o->probabilities.data ? kept : 0;
    o->scores.rows = o->scores.data ? kept : 0;
    o->points.rows = o->points.data ? kept : 0;
    return MLK_OK;
}

mlk_predictions outcome_predictions(const outcome *o, const mlk_model *pipeline,
                                    const mlk_schema *schema, const mlk_data *data,
                                    const char *const *classes)
{
    const unsigned task = mlk_task_of(mlk_model_algo(mlk_pipeline_inner(pipeline)), schema);
    const bool clusters = task == MLK_CLUSTERING; /* compared with classes, not with numbers */
    return (mlk_predictions){
        .task = (mlk_metric_task)task,
        .n_classes = clusters ? 0 : data->n_classes,
        .truth = clusters && !data->n_classes ? (mlk_cvec){NULL, 0}
                 : o->truth.data              ? mlk_vec_c(o->truth)
                                              : data->y,
        .predicted = mlk_vec_c(o->predicted),
        .probabilities = mlk_mat_c(o->probabilities),
        .scores = mlk_mat_c(o->scores),
        .w = o->weights.data ? mlk_vec_c(o->weights) : data->w,
        .X = mlk_mat_c(o->points),
        .classes = classes,
    };
}

int outcome_make(cli *c, const mlk_model *pipeline, const mlk_schema *schema, const mlk_data *data,
                 const mlk_evaluate_opts *opts, bool warn, outcome *o)
{
    const mlk_algo *algo = mlk_model_algo(mlk_pipeline_inner(pipeline));
    const unsigned task = mlk_task_of(algo, schema);
    *o = (outcome){0};
    if (task != MLK_REGRESSION && task != MLK_CLASSIFICATION && task != MLK_CLUSTERING)
        return CLI_DONE;
    if (!algo->predict)
        return CLI_DONE;
    mlk_status st = predict_all(c, pipeline, data->X, o);
    if (st == MLK_OK && task == MLK_CLUSTERING)
        st = make_points(c, pipeline, data->X, o);
    if (st == MLK_OK && algo->predict)
        st = leave_out_unpredicted(data, o);
    const char **classes = class_names(schema);
    mlk_run run = c->run;
    if (!warn)
        run.warn = NULL;
    if (st == MLK_OK) {
        const mlk_predictions p = outcome_predictions(o, pipeline, schema, data, classes);
        st = mlk_evaluate(&p, opts, &run, &o->evaluation);
    }
    free(classes);
    if (st != MLK_OK)
        outcome_free(o);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

void outcome_free(outcome *o)
{
    free(o->predicted.data);
    free(o->probabilities.data);
    free(o->scores.data);
    free(o->points.data);
    free(o->truth.data);
    free(o->weights.data);
    mlk_evaluation_free(o->evaluation);
    *o = (outcome){0};
}

/* ------------------------------------------------------------------ documents */

void put_design_names(const mlk_model *pipeline, const mlk_schema *schema, mlk_doc *to)
{
    const size_t p = mlk_schema_n_features(schema);
    const char **names = malloc((p + 1) * sizeof *names);
    const char *const **levels = malloc((p + 1) * sizeof *levels);
    for (size_t j = 0; names && levels && j < p; j++) {
        names[j] = mlk_schema_feature(schema, j);
        if (!mlk_schema_levels(schema, j, &levels[j]))
            levels[j] = NULL;
    }
    mlk_doc *list = mlk_doc_put_list(to, "features");
    if (names && levels)
        mlk_pipeline_columns(pipeline, names, levels, list);
    free(names);
    free(levels);
}

void put_fit_info(mlk_fit_info info, mlk_doc *to)
{
    if (info.iterations >= 0)
        mlk_doc_put_int(to, "iterations", info.iterations);
    else
        mlk_doc_put_null(to, "iterations");
    if (info.converged >= 0)
        mlk_doc_put_bool(to, "converged", info.converged);
    else
        mlk_doc_put_null(to, "converged");
    mlk_doc_put_real(to, "objective", info.objective);
    mlk_doc_put_real(to, "duality_gap", info.duality_gap);
    mlk_doc_put_real(to, "kkt_violation", info.kkt_violation);
}
