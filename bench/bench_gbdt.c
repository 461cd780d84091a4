/* Fits gbdt to one file of rows and predicts another, and prints what that took.
 *
 *   bench_gbdt THREADS REPEATS name=value[,name=value...] TRAIN TEST
 *
 * A file holds three 64-bit integers n, p, k (classes, 0: numbers) and then, as doubles, n x p
 * rows and n targets; bench_gbdt.py writes it. Output: one line of name=value pairs; the seconds
 * are medians. */

#include <mlkit/ensemble/gbdt.h>
#include <mlkit/model/archive.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/parallel.h"
#include "driver.h"

enum { MOST_REPEATS = 99 };

static void parse_options(char *text, mlk_gbdt_opts *opts)
{
    *opts = mlk_gbdt_opts_default();
    for (char *item = strtok(text, ","); item; item = strtok(NULL, ",")) {
        char *equal = strchr(item, '=');
        if (!equal)
            continue;
        *equal = '\0';
        check(mlk_opts_parse(mlk_gbdt_algo.opts, "gbdt", item, equal + 1, opts));
    }
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, ascending);
    return v[n / 2];
}

typedef struct scored {
    double score, y;
} scored;

static int by_score(const void *a, const void *b)
{
    return ascending(&((const scored *)a)->score, &((const scored *)b)->score);
}

/* Area under the ROC curve by ranks, equal scores sharing theirs. */
static double auc(const double *score, const double *y, size_t n)
{
    scored *s = malloc(n * sizeof *s);
    double ranks = 0.0, positives = 0.0;
    if (!s)
        stop("out of memory");
    for (size_t i = 0; i < n; i++)
        s[i] = (scored){score[i], y[i]};
    qsort(s, n, sizeof *s, by_score);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && s[end].score == s[i].score; end++)
            ;
        for (size_t k = i; k < end; k++) {
            ranks += s[k].y * 0.5 * (double)(i + end + 1);
            positives += s[k].y;
        }
    }
    free(s);
    return (ranks - positives * (positives + 1) / 2) / (positives * ((double)n - positives));
}

/* AUC of two classes, share of right ones of more, R^2 of numbers. */
static double quality(const mlk_gbdt *model, const mlk_data *d, const mlk_run *run, double *out)
{
    const size_t n = d->y.n;
    double sum = 0.0, mean = 0.0, total = 0.0;
    if (d->n_classes == 2) {
        check(mlk_gbdt_decision(model, d->X, SIZE_MAX, run, (mlk_mat){out, n, 1, 1}));
        return auc(out, d->y.data, n);
    }
    check(mlk_gbdt_predict(model, d->X, run, (mlk_vec){out, n}));
    for (size_t i = 0; i < n; i++)
        mean += d->y.data[i] / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double e = out[i] - d->y.data[i], away = d->y.data[i] - mean;
        sum += d->n_classes ? e == 0.0 : e * e;
        total += away * away;
    }
    return d->n_classes ? sum / (double)n : 1.0 - sum / total;
}

static size_t saved_bytes(const mlk_gbdt *model)
{
    mlk_doc *doc = mlk_doc_new();
    void *bytes;
    size_t size;
    mlk_gbdt_algo.save(model, doc);
    check(mlk_archive_encode(doc, &bytes, &size));
    mlk_archive_free(bytes);
    mlk_doc_free(doc);
    return size;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        stop("expected THREADS REPEATS OPTIONS TRAIN TEST");
    const mlk_run run = {.threads = atoi(argv[1])};
    const size_t repeats = (size_t)atoi(argv[2]);
    double fit[MOST_REPEATS], predict[MOST_REPEATS], *train_data, *test_data;
    mlk_gbdt_opts opts;
    parse_options(argv[3], &opts);
    const mlk_data train = read_data(argv[4], &train_data), test = read_data(argv[5], &test_data);
    double *out = calloc(test.y.n, sizeof *out);
    mlk_gbdt *model = NULL;
    if (!out || !repeats || repeats > MOST_REPEATS)
        stop("expected 1 to 99 repeats, and memory");
    for (size_t r = 0; r < repeats; r++) {
        mlk_gbdt_free(model);
        const double start = mlk_seconds();
        check(mlk_gbdt_fit(&train, &opts, &run, &model));
        fit[r] = mlk_seconds() - start;
        const double fitted = mlk_seconds();
        check(mlk_gbdt_predict(model, test.X, &run, (mlk_vec){out, test.y.n}));
        predict[r] = mlk_seconds() - fitted;
    }
    const long peak = peak_megabytes();
    const size_t bytes = saved_bytes(model), nodes = mlk_gbdt_n_nodes(model);
    printf("fit=%.4f predict=%.4f quality=%.6f nodes=%zu bytes_per_node=%.2f megabytes=%ld\n",
           median(fit, repeats), median(predict, repeats), quality(model, &test, &run, out), nodes,
           (double)bytes / (double)nodes, peak);
    mlk_gbdt_free(model);
    free(out);
    free(train_data);
    free(test_data);
    return 0;
}
