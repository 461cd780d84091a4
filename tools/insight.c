#include "insight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/ensemble/gbdt.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/report/text.h>
#include <mlkit/selection/explain.h>

#include "render.h"

enum { REPEATS = 5, DIGITS = 5 };

static const char *scoring_of(const mlk_data *data) { return data->n_classes ? "accuracy" : "r2"; }

/* -------------------------------------------------------------------- boosting */

int boosting_make(cli *c, const mlk_model_file *file, const mlk_data *data, boosting_curves *b)
{
    const mlk_model *inner = mlk_pipeline_inner(file->pipeline);
    *b = (boosting_curves){.loss = NULL};
    if (mlk_model_algo(inner) != &mlk_gbdt_algo)
        return CLI_DONE;
    const mlk_gbdt *m = mlk_model_state(inner);
    const size_t n = data->X.rows, p = mlk_pipeline_n_columns(file->pipeline);
    double *design = malloc((n * p + 1) * sizeof *design);
    b->n_rounds = mlk_gbdt_n_rounds(m);
    b->train = mlk_gbdt_train_loss(m);
    b->validation = mlk_gbdt_validation_loss(m);
    b->scoring = scoring_of(data);
    b->loss = malloc((b->n_rounds + 1) * sizeof *b->loss);
    b->score = malloc((b->n_rounds + 1) * sizeof *b->score);
    if (!design || !b->loss || !b->score) {
        free(design);
        return cli_refuse(c, "out of memory");
    }
    const mlk_mat X = {design, n, p, p};
    mlk_data judged = *data;
    judged.X = (mlk_cmat){design, n, p, p};
    judged.levels = NULL;
    mlk_status st = mlk_pipeline_design(file->pipeline, data->X, &c->run, X);
    if (st == MLK_OK)
        st = mlk_gbdt_staged_scores(m, &judged, &c->run, (mlk_vec){b->loss, b->n_rounds},
                                    (mlk_vec){b->score, b->n_rounds});
    free(design);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

void boosting_put(const boosting_curves *b, mlk_doc *curves)
{
    if (!b->loss)
        return;
    mlk_doc *map = mlk_doc_put_map(curves, "boosting");
    mlk_doc_put_vec(map, "train_loss", b->train);
    if (b->validation.n)
        mlk_doc_put_vec(map, "validation_loss", b->validation);
    mlk_doc_put_vec(map, "loss", (mlk_cvec){b->loss, b->n_rounds});
    mlk_doc_put_vec(map, b->scoring, (mlk_cvec){b->score, b->n_rounds});
}

/* 1, 2, 5, 10, 20, 50, ... and the last one: the round after `t` to be shown. */
static size_t next_round(size_t t, size_t last)
{
    size_t next = 1;
    for (unsigned k = 0; next <= t; k++)
        next = k % 3 == 1 ? next / 2 * 5 : next * 2;
    return next < last ? next : last;
}

void boosting_print(const boosting_curves *b)
{
    static const char *const titles[] = {"loss by round", "training", "validation", "these rows"};
    const char *heads[] = {titles[0], titles[1], titles[2], titles[3], b->scoring};
    const char *without[] = {titles[0], titles[1], titles[3], b->scoring};
    if (!b->loss || !b->n_rounds)
        return;
    const bool validated = b->validation.n > 0;
    mlk_text_table *t = mlk_text_table_new(validated ? heads : without, validated ? 5 : 4);
    for (size_t round = 0; round < b->n_rounds;) {
        char name[32];
        round = next_round(round, b->n_rounds);
        snprintf(name, sizeof name, "%zu", round);
        mlk_text_table_cell(t, name);
        mlk_text_table_number(t, round <= b->train.n ? b->train.data[round - 1] : NAN, DIGITS);
        if (validated)
            mlk_text_table_number(t, round <= b->validation.n ? b->validation.data[round - 1] : NAN,
                                  DIGITS);
        mlk_text_table_number(t, b->loss[round - 1], DIGITS);
        mlk_text_table_number(t, b->score[round - 1], DIGITS);
    }
    printf("\n");
    render_table(t, 2);
    size_t best = 0;
    for (size_t k = 1; k < b->n_rounds; k++)
        if (b->loss[k] < b->loss[best])
            best = k;
    printf("  the loss of these rows is least after round %zu: %.*g\n", best + 1, DIGITS,
           b->loss[best]);
}

void boosting_free(boosting_curves *b)
{
    free(b->loss);
    free(b->score);
}

/* ----------------------------------------------------------------- importances */

int importances_make(cli *c, const mlk_model_file *file, const mlk_data *data, importances *m)
{
    *m = (importances){.mean = NULL};
    if (!c->set.importances)
        return CLI_DONE;
    if (!mlk_schema_target(file->schema))
        return cli_refuse(c, "--importances needs a model of classes or numbers; %s has no target",
                          mlk_model_algo(mlk_pipeline_inner(file->pipeline))->name);
    m->n = data->X.cols;
    m->schema = file->schema;
    m->scoring = scoring_of(data);
    m->mean = calloc(m->n + 1, sizeof *m->mean);
    m->sd = calloc(m->n + 1, sizeof *m->sd);
    double *fall = malloc((m->n * REPEATS + 1) * sizeof *fall);
    int status = CLI_DONE;
    if (!m->mean || !m->sd || !fall) {
        status = cli_refuse(c, "out of memory");
    } else {
        const mlk_status st =
            mlk_permutation_importance(file->pipeline, data, m->scoring, REPEATS, c->set.seed,
                                       &c->run, (mlk_mat){fall, m->n, REPEATS, REPEATS});
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
    }
    for (size_t j = 0; status == CLI_DONE && j < m->n; j++) {
        const double *x = fall + j * REPEATS;
        for (size_t k = 0; k < REPEATS; k++)
            m->mean[j] += x[k] / REPEATS;
        for (size_t k = 0; k < REPEATS; k++)
            m->sd[j] += (x[k] - m->mean[j]) * (x[k] - m->mean[j]) / (REPEATS - 1);
        m->sd[j] = sqrt(m->sd[j]);
    }
    free(fall);
    return status;
}

void importances_put(const importances *m, mlk_doc *to)
{
    if (!m->mean)
        return;
    mlk_doc *map = mlk_doc_put_map(to, "importances");
    mlk_doc_put_text(map, "scoring", m->scoring);
    mlk_doc_put_int(map, "repeats", REPEATS);
    mlk_doc *names = mlk_doc_put_list(map, "features");
    for (size_t j = 0; j < m->n; j++)
        mlk_doc_put_text(names, NULL, mlk_schema_feature(m->schema, j));
    mlk_doc_put_vec(map, "mean", (mlk_cvec){m->mean, m->n});
    mlk_doc_put_vec(map, "sd", (mlk_cvec){m->sd, m->n});
}

void importances_print(const importances *m)
{
    char title[64];
    const char *heads[] = {"importance of", title, "sd"};
    if (!m->mean)
        return;
    snprintf(title, sizeof title, "fall of %s", m->scoring);
    mlk_text_table *t = mlk_text_table_new(heads, 3);
    bool *shown = calloc(m->n + 1, sizeof *shown);
    for (size_t k = 0; shown && k < m->n; k++) { /* the largest first */
        size_t best = m->n;
        for (size_t j = 0; j < m->n; j++)
            if (!shown[j] && (best == m->n || m->mean[j] > m->mean[best]))
                best = j;
        shown[best] = true;
        mlk_text_table_cell(t, mlk_schema_feature(m->schema, best));
        mlk_text_table_number(t, m->mean[best], DIGITS);
        mlk_text_table_number(t, m->sd[best], DIGITS);
    }
    free(shown);
    printf("\n");
    render_table(t, 2);
    printf("  means of %d shuffles of each column\n", REPEATS);
}

void importances_free(importances *m)
{
    free(m->mean);
    free(m->sd);
}
