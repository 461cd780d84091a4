/*
 * Driver of bench_csv.py.
 *
 *   bench_csv make ROWS COLS CSV BIN     standard normal numbers, as text (%.17g) and as doubles
 *   bench_csv read CSV BIN THREADS       seconds of reading the table; values that are not the
 *                                        doubles of BIN (column by column)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/data/table.h>

#include "core/parallel.h"
#include "core/rng.h"

static int make(size_t rows, size_t cols, FILE *csv, FILE *bin)
{
    double *X = malloc(rows * cols * sizeof *X);
    if (!X)
        return 1;
    for (size_t j = 0; j < cols; j++)
        fprintf(csv, "%sx%zu", j ? "," : "", j);
    mlk_rng rng = mlk_rng_stream(1, 1);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < cols; j++) {
            X[j * rows + i] = mlk_rng_normal(&rng);
            fprintf(csv, "%c%.17g", j ? ',' : '\n', X[j * rows + i]);
        }
    fputc('\n', csv);
    fwrite(X, sizeof *X, rows * cols, bin);
    free(X);
    return fclose(csv) || fclose(bin);
}

static int read_table(const char *csv, FILE *bin, int threads)
{
    const mlk_run run = {.threads = threads};
    mlk_table *t;
    const double start = mlk_seconds();
    const mlk_status st = mlk_table_read(csv, NULL, &run, &t);
    const double seconds = mlk_seconds() - start;
    if (st != MLK_OK) {
        fprintf(stderr, "%s\n", mlk_error_message(st));
        return 1;
    }
    const size_t rows = mlk_table_rows(t);
    size_t wrong = 0;
    double *x = malloc(rows * sizeof *x);
    for (size_t j = 0; x && j < mlk_table_cols(t); j++) {
        const double *values = mlk_table_column(t, j).values;
        if (fread(x, sizeof *x, rows, bin) != rows)
            break;
        for (size_t i = 0; i < rows; i++)
            wrong += memcmp(&x[i], &values[i], sizeof *x) != 0;
    }
    printf("%.6f %zu\n", seconds, wrong);
    free(x);
    mlk_table_free(t);
    fclose(bin);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "make") == 0)
        return make(strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10), fopen(argv[4], "w"),
                    fopen(argv[5], "w"));
    if (argc == 5 && strcmp(argv[1], "read") == 0)
        return read_table(argv[2], fopen(argv[3], "r"), atoi(argv[4]));
    fprintf(stderr, "usage: bench_csv make ROWS COLS CSV BIN | read CSV BIN THREADS\n");
    return 2;
}
