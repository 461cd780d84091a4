/*
 * Any bytes as CSV or svmlight: no crash, and the same table or the same error wherever the file is
 * cut into pieces. The first three bytes choose the options.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/table_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fuzz_csv: %s differ\n", what);
        abort();
    }
}

static void require_same(const mlk_table *a, const mlk_table *b)
{
    require(a->rows == b->rows && a->cols == b->cols, "shapes");
    for (size_t i = 0; i < a->rows; i++)
        require(mlk_table_line(a, i) == mlk_table_line(b, i), "lines");
    for (size_t j = 0; j < a->cols; j++) {
        const mlk_column c = mlk_table_column(a, j), d = mlk_table_column(b, j);
        require(c.type == d.type && strcmp(c.name, d.name) == 0, "types");
        require(c.n_levels == d.n_levels && c.n_missing == d.n_missing, "levels");
        for (size_t k = 0; k < c.n_levels; k++)
            require(strcmp(c.levels[k], d.levels[k]) == 0, "levels");
        if (c.type == MLK_NUMERIC)
            require(memcmp(c.values, d.values, a->rows * sizeof *c.values) == 0, "values");
        else
            require(memcmp(c.codes, d.codes, a->rows * sizeof *c.codes) == 0, "codes");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const mlk_table_opts opts = {.header = data[0] & 1,
                                 .delimiter = (char)(data[0] & 2 ? data[1] : 0)};
    const size_t piece = 1 + data[2];
    const char *bytes = (const char *)data + 3;
    const mlk_run run = {.threads = 1};
    mlk_table *tables[2];
    mlk_status status[2];
    char text[2][512];
    for (int i = 0; i < 2; i++) {
        const size_t cut = i ? piece : 0;
        status[i] = data[0] & 4 ? mlk_svmlight_read("x", bytes, size - 3, cut, &run, &tables[i])
                                : mlk_csv_read("x", bytes, size - 3, &opts, cut, &run, &tables[i]);
        snprintf(text[i], sizeof text[i], "%s", mlk_error_message(status[i]));
    }
    require(status[0] == status[1] && strcmp(text[0], text[1]) == 0, "errors");
    if (status[0] == MLK_OK)
        require_same(tables[0], tables[1]);
    mlk_table_free(tables[0]);
    mlk_table_free(tables[1]);
    return 0;
}
