/* Fits one algorithm to one file of rows and predicts another, and prints what that took.
 *
 *   bench_svm MODEL THREADS name=value[,name=value...] TRAIN TEST
 *
 * A file holds three 64-bit integers n, p, k (classes, 0: numbers) and then, as doubles, n x p
 * rows and n targets; bench_svm.py writes it. Output: one line of name=value pairs. */

#include <mlkit/model.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/parallel.h"
#include "driver.h"

static void parse_options(const mlk_algo *algo, char *text, void *opts)
{
    mlk_opts_set_default(algo->opts, opts);
    for (char *item = strtok(text, ","); item; item = strtok(NULL, ",")) {
        char *equal = strchr(item, '=');
        if (!equal)
            continue;
        *equal = '\0';
        check(mlk_opts_parse(algo->opts, algo->name, item, equal + 1, opts));
    }
}

/* Share of right classes, or the root of the mean squared error. */
static double score(const mlk_data *data, const double *predicted)
{
    double sum = 0.0;
    for (size_t i = 0; i < data->y.n; i++) {
        const double e = predicted[i] - data->y.data[i];
        sum += data->n_classes ? e == 0.0 : e * e;
    }
    return data->n_classes ? sum / (double)data->y.n : sqrt(sum / (double)data->y.n);
}

static void warn(void *user, const char *line)
{
    (void)user;
    fprintf(stderr, "%s\n", line);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        stop("expected MODEL THREADS OPTIONS TRAIN TEST");
    const mlk_algo *algo = mlk_algo_find(argv[1]);
    if (!algo)
        stop("unknown model");
    void *opts = calloc(1, algo->opts_size);
    const mlk_run run = {
        .threads = atoi(argv[2]), .warn = warn, .log = getenv("BENCH_LOG") ? warn : NULL};
    parse_options(algo, argv[3], opts);
    double *train_data, *test_data;
    const mlk_data train = read_data(argv[4], &train_data), test = read_data(argv[5], &test_data);
    mlk_model *model;
    const double start = mlk_seconds(), start_cpu = cpu_seconds();
    check(mlk_model_fit(algo, opts, &train, &run, &model));
    const double fitted = mlk_seconds(), fitted_cpu = cpu_seconds();
    double *out = calloc(test.y.n, sizeof *out);
    check(mlk_model_predict(model, test.X, &run, (mlk_vec){out, test.y.n}));
    const double done = mlk_seconds();

    const mlk_fit_info info = mlk_model_info(model);
    mlk_doc *doc = mlk_doc_new();
    mlk_model_learned(model, doc);
    printf("fit=%.4f fit_cpu=%.4f predict=%.4f score=%.6f objective=%.10g dual=%.10g gap=%.3g "
           "violation=%.3g "
           "iterations=%lld converged=%d n_sv=%lld megabytes=%ld\n",
           fitted - start, fitted_cpu - start_cpu, done - fitted, score(&test, out), info.objective,
           mlk_doc_real(mlk_doc_find(doc, "dual_objective")), info.duality_gap, info.kkt_violation,
           (long long)info.iterations, info.converged,
           (long long)mlk_doc_int(mlk_doc_find(doc, "n_support_vectors")), peak_megabytes());
    mlk_doc_free(doc);
    mlk_model_free(model);
    free(out);
    free(opts);
    free(train_data);
    free(test_data);
    return 0;
}
