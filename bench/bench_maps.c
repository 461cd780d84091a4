/*
 * bench_maps TASK N P K FILE: pca (K components), classical (scaling of a matrix of distances to K
 * components), isomap (K neighbours), lle (K neighbours), kernel-pca (rbf, K components) or mds
 * (smacof, one start, K steps) of N x P little-endian doubles; prints seconds and a number that
 * tells the quality (captured share of variance, largest eigenvalue, reconstruction error, stress).
 * Run by bench_maps.py.
 */
#include <mlkit/model.h>

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/parallel.h"
#include "core/status.h"

enum { SETTINGS = 3 };

static const struct task {
    const char *name, *algo;
    const char *k; /* which option K is */
    const char *settings[SETTINGS][2];
    const char *quality; /* of what was learned: the sum of the numbers, or the first */
    bool sum;
} tasks[] = {
    {"pca", "pca", "n_components", {{NULL}}, "explained_variance_ratio", true},
    {"classical", "mds", "n_components", {{"dissimilarity", "precomputed"}}, "eigenvalues", false},
    {"isomap", "isomap", "n_neighbors", {{NULL}}, "reconstruction_error", false},
    {"lle", "lle", "n_neighbors", {{NULL}}, "reconstruction_error", false},
    {"kernel-pca",
     "kernel-pca",
     "n_components",
     {{"kernel", "rbf"}, {"gamma", "0.01"}},
     "eigenvalues",
     false},
    {"mds",
     "mds",
     "max_iter",
     {{"method", "smacof"}, {"n_init", "1"}, {"eps", "0"}},
     "stress",
     false},
};

static mlk_status set_options(const struct task *t, const mlk_algo *algo, const char *k, void *opts)
{
    mlk_opts_set_default(algo->opts, opts);
    MLK_TRY(mlk_opts_parse(algo->opts, algo->name, t->k, k, opts));
    for (size_t i = 0; i < SETTINGS && t->settings[i][0]; i++)
        MLK_TRY(mlk_opts_parse(algo->opts, algo->name, t->settings[i][0], t->settings[i][1], opts));
    return MLK_OK;
}

static double quality(const struct task *t, const mlk_model *model)
{
    mlk_doc *learned = mlk_doc_new();
    mlk_doc_array values;
    double result = 0.0;
    mlk_model_learned(model, learned);
    if (mlk_doc_get_array(learned, t->quality, MLK_F64, &values) == MLK_OK)
        for (size_t i = 0; i < (t->sum ? values.rows : 1); i++)
            result += ((const double *)values.data)[i];
    else
        result = mlk_doc_real(mlk_doc_find(learned, t->quality));
    mlk_doc_free(learned);
    return result;
}

int main(int argc, char **argv)
{
    const struct task *t = tasks, *const end = tasks + MLK_COUNT(tasks);
    while (argc == 6 && t < end && strcmp(argv[1], t->name) != 0)
        t++;
    if (argc != 6 || t == end) {
        fprintf(stderr, "usage: bench_maps pca|classical|isomap|lle|kernel-pca|mds N P K FILE\n");
        return 2;
    }
    const size_t n = strtoul(argv[2], NULL, 10), p = strtoul(argv[3], NULL, 10);
    double *x = malloc(n * p * sizeof *x);
    FILE *f = fopen(argv[5], "rb");
    if (!x || !f || fread(x, sizeof *x, n * p, f) != n * p) {
        fprintf(stderr, "bench_maps: cannot read %s\n", argv[5]);
        return 1;
    }
    fclose(f);
    _Alignas(max_align_t) char opts[512];
    const mlk_algo *algo = mlk_algo_find(t->algo);
    const mlk_data data = {.X = {x, n, p, p}};
    const mlk_run run = {.threads = 2};
    mlk_model *model = NULL;
    mlk_status st =
        algo->opts_size > sizeof opts ? MLK_EINTERNAL : set_options(t, algo, argv[4], opts);
    const double from = mlk_seconds();
    if (st == MLK_OK)
        st = mlk_model_fit(algo, opts, &data, &run, &model);
    const double seconds = mlk_seconds() - from;
    free(x);
    if (st != MLK_OK) {
        fprintf(stderr, "bench_maps: %s\n", mlk_error_message(st));
        return 1;
    }
    printf("%.6f %.12g\n", seconds, quality(t, model));
    mlk_model_free(model);
    return 0;
}
