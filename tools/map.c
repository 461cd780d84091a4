#include "map.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/preprocess/pipeline.h>

#include "render.h"

enum { NEIGHBOURS = 5 };

bool map_of_precomputed(const mlk_algo *algo, const void *opts)
{
    static const char *const names[] = {"dissimilarity", "kernel"};
    for (size_t i = 0; i < 2; i++) {
        char word[64];
        const mlk_opt *opt = mlk_opts_find(algo->opts, names[i]);
        if (opt && opt->type == MLK_OPT_TYPE_WORD &&
            strcmp(mlk_opts_format(opt, opts, word, sizeof word), "precomputed") == 0)
            return true;
    }
    return false;
}

static bool row_is_complete(mlk_cmat A, size_t i)
{
    for (size_t j = 0; j < A.cols; j++)
        if (isnan(A.data[i * A.ld + j]))
            return false;
    return true;
}

/* The rows of the design without missing values, moved to the front. */
static mlk_status take_design(cli *c, const mlk_model *pipeline, mlk_cmat X, mlk_mat *design)
{
    const size_t p = mlk_pipeline_n_columns(pipeline);
    *design = (mlk_mat){malloc((X.rows * p + 1) * sizeof(double)), X.rows, p, p};
    if (!design->data)
        return MLK_ENOMEM;
    const mlk_status st = mlk_pipeline_design(pipeline, X, &c->run, *design);
    size_t kept = 0;
    for (size_t i = 0; st == MLK_OK && i < X.rows; i++)
        if (row_is_complete(mlk_mat_c(*design), i)) {
            memmove(design->data + kept * p, design->data + i * p, p * sizeof(double));
            kept++;
        }
    design->rows = kept;
    return st;
}

/* The map that the model keeps, where it has one of these rows, or else a new one. */
static mlk_status take_map(cli *c, const mlk_model *inner, mlk_cmat design, bool fitted, mlk_mat *Z)
{
    const size_t q = mlk_model_n_components(inner);
    *Z = (mlk_mat){malloc((design.rows * q + 1) * sizeof(double)), design.rows, q, q};
    mlk_doc *learned = mlk_doc_new();
    mlk_status st = Z->data && learned ? MLK_OK : MLK_ENOMEM;
    if (st == MLK_OK) {
        mlk_model_learned(inner, learned);
        const mlk_doc_array kept = mlk_doc_array_of(mlk_doc_find(learned, "embedding"));
        if (fitted && kept.type == MLK_F64 && kept.rows == design.rows && kept.cols == q)
            memcpy(Z->data, kept.data, design.rows * q * sizeof(double));
        else
            st = mlk_model_transform(inner, design, &c->run, *Z);
    }
    mlk_doc_free(learned);
    return st;
}

int map_judge(cli *c, const mlk_model *pipeline, const mlk_data *data, bool fitted, map_verdict *v)
{
    const mlk_model *inner = mlk_pipeline_inner(pipeline);
    const bool distances = map_of_precomputed(mlk_model_algo(inner), mlk_model_opts(inner));
    mlk_mat design = {NULL, 0, 0, 0}, Z = {NULL, 0, 0, 0};
    *v = (map_verdict){{NAN, NAN, 0}, 0};
    mlk_status st = take_design(c, pipeline, data->X, &design);
    if (st == MLK_OK && (!distances || design.rows == design.cols)) {
        st = take_map(c, inner, mlk_mat_c(design), fitted, &Z);
        if (st == MLK_OK)
            st = mlk_neighbourhood_kept(mlk_mat_c(design), distances, mlk_mat_c(Z), NEIGHBOURS,
                                        MLK_NEIGHBOURHOOD_WORK, &c->run, &v->kept);
        v->rows = design.rows;
    }
    free(design.data);
    free(Z.data);
    return st == MLK_OK ? CLI_DONE : cli_failed(c, st);
}

void map_put(const map_verdict *v, mlk_doc *to, const char *key)
{
    if (!v->rows) {
        mlk_doc_put_null(to, key);
        return;
    }
    mlk_doc *map = mlk_doc_put_map(to, key);
    mlk_doc_put_real(map, "trustworthiness", v->kept.trustworthiness);
    mlk_doc_put_real(map, "continuity", v->kept.continuity);
    mlk_doc_put_int(map, "judged_rows", (int64_t)v->kept.rows);
}

void map_print(const map_verdict *train, const map_verdict *test)
{
    const map_verdict *both[] = {train, test};
    static const char *const titles[] = {"train", "test"};
    if (train->rows && train->kept.rows) {
        printf("\n");
        render_neighbourhood(NEIGHBOURS, titles, both, test->rows ? 2 : 1);
    }
}
