/* Times mlk_evaluate() of the rows in a file of doubles: ROWS CLASSES INTERVALS THREADS FILE; per
 * row the truth, the prediction, and for classes their probabilities. Prints seconds (median of 5)
 * and one metric. */
#include <stdio.h>
#include <stdlib.h>

#include <mlkit/metrics/evaluate.h>

#include "core/parallel.h"

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return EXIT_FAILURE;
    const size_t n = strtoul(argv[1], NULL, 10), k = strtoul(argv[2], NULL, 10), cols = 2 + k;
    double *rows = malloc(n * cols * sizeof *rows), *y = malloc(2 * n * sizeof *y);
    FILE *f = fopen(argv[5], "rb");
    if (!rows || !y || !f || fread(rows, sizeof *rows, n * cols, f) != n * cols)
        return EXIT_FAILURE;
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        y[i] = rows[i * cols];
        y[n + i] = rows[i * cols + 1];
    }
    mlk_predictions p = {.task = k ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                         .n_classes = k,
                         .truth = {y, n},
                         .predicted = {y + n, n}};
    if (k)
        p.probabilities = (mlk_cmat){rows + 2, n, k, cols};
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    o.intervals = o.curves = argv[3][0] == '1';
    const mlk_run run = {.threads = atoi(argv[4])};
    double seconds[5], value = 0.0;
    const char *name = k == 0 ? "r2" : k == 2 ? "roc_auc" : "roc_auc_ovr_macro";
    for (int r = 0; r < 5; r++) {
        mlk_evaluation *e;
        const double start = mlk_seconds();
        if (mlk_evaluate(&p, &o, &run, &e) != MLK_OK)
            return EXIT_FAILURE;
        seconds[r] = mlk_seconds() - start;
        value = mlk_evaluation_find(e, name)->value;
        mlk_evaluation_free(e);
    }
    qsort(seconds, 5, sizeof seconds[0], by_size);
    printf("%.6f %.17g\n", seconds[2], value);
    free(rows);
    free(y);
    return EXIT_SUCCESS;
}
