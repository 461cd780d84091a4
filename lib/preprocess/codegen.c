#include "model/codegen.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "preprocess/steps.h"

/* The steps of a pipeline as C, in the order of steps.h: each line below adds a loop to the
 * body of the function, after the tables that the loop reads. */

static bool expands(const mlk_encoder *e, size_t j)
{
    return e->levels[j] && (e->kind == MLK_ENCODE_ONEHOT || e->kind == MLK_ENCODE_DUMMY);
}

/*
 * One row a raw column: first design column, number of them, first entry of `slot`, and the number
 * of its levels (0: copy the value). slot holds the design column of a level, or -1
 * (dummy's first level; a level that training did not see).
 */
static mlk_status encoder_tables(const mlk_encoder *e, mlk_codegen *to)
{
    const size_t total = e->offset[e->p];
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    int64_t *layout = mlk_scratch_take(&scratch, 4 * e->p, sizeof *layout);
    int64_t *slot = mlk_scratch_take(&scratch, total + 1, sizeof *slot);
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to write C");
    }
    for (size_t j = 0; j < e->p; j++) {
        const size_t first = e->columns == e->p && !expands(e, j) ? j : e->first[j];
        const int64_t row[] = {(int64_t)first, (int64_t)(e->first[j + 1] - e->first[j]),
                               (int64_t)e->offset[j], expands(e, j) ? e->levels[j] : 0};
        memcpy(layout + 4 * j, row, sizeof row);
        for (size_t s = e->offset[j]; s < e->offset[j + 1]; s++)
            slot[s] = e->slot[s] != SIZE_MAX         ? (int64_t)e->slot[s]
                      : e->seen[s] && !expands(e, j) ? (int64_t)first
                                                     : -1;
    }
    slot[total] = -1; /* C has no empty arrays */
    mlk_codegen_ints(to, "layout", "int", layout, 4 * e->p);
    mlk_codegen_ints(to, "slot", "int", slot, total + 1);
    mlk_scratch_release(&scratch);
    return MLK_OK;
}

/* For each term of degree 2 and more: the two earlier terms that it is the product of. */
static mlk_status polynomial_tables(const mlk_steps *s, mlk_codegen *to)
{
    const size_t p = s->encoder->columns, n = s->columns - p;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    int64_t *a = mlk_scratch_take(&scratch, n, sizeof *a);
    int64_t *b = mlk_scratch_take(&scratch, n, sizeof *b);
    size_t *first = mlk_scratch_take(&scratch, s->columns, sizeof *first); /* factor of a term */
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory to write C");
    }
    for (size_t j = 0; j < p; j++)
        first[j] = j;
    size_t at = p, before = 0, end = p; /* terms of the degree before: before..end-1 */
    for (size_t d = 2; d <= s->degree; d++) {
        const size_t begin = at;
        for (size_t c = 0; c < p; c++)
            for (size_t rest = before; rest < end; rest++)
                if (first[rest] >= c) {
                    a[at - p] = (int64_t)c;
                    b[at - p] = (int64_t)rest;
                    first[at++] = c;
                }
        before = begin;
        end = at;
    }
    mlk_codegen_ints(to, "left", "int", a, n);
    mlk_codegen_ints(to, "right", "int", b, n);
    mlk_scratch_release(&scratch);
    return MLK_OK;
}

static mlk_status tables(const mlk_steps *s, mlk_codegen *to)
{
    if (s->imputer)
        mlk_codegen_reals(to, "fill", s->imputer->fill, s->p);
    MLK_TRY(encoder_tables(s->encoder, to));
    if (s->degree > 1)
        MLK_TRY(polynomial_tables(s, to));
    if (s->scaler) {
        mlk_codegen_reals(to, "centre", s->scaler->centre, s->columns);
        mlk_codegen_reals(to, "spread", s->scaler->spread, s->columns);
    }
    return MLK_OK;
}

static void body(const mlk_steps *s, const mlk_model *inner, mlk_codegen *to)
{
    const char *f = to->name;
    const size_t k = mlk_model_n_classes(inner);
    mlk_strbuf *t = &to->text;
    mlk_strbuf_printf(t,
                      "static void %s(const double *x, double *out)\n{\n"
                      "    double r[%zu], d[%zu];\n    int i, j;\n"
                      "    for (i = 0; i < %zu; i++)\n        r[i] = x[i];\n",
                      f, s->p, s->columns, s->p);
    if (s->encode == MLK_ENCODE_ORDINAL)
        for (size_t j = 0; j < s->p; j++)
            if (s->encoder->levels[j])
                mlk_strbuf_printf(t,
                                  "    if (r[%zu] >= 0 && %s_slot[%zu + (int)r[%zu]] < 0)\n"
                                  "        r[%zu] = -1.0;\n    if (r[%zu] < 0)\n"
                                  "        r[%zu] = NAN;\n",
                                  j, f, s->encoder->offset[j], j, j, j, j);
    if (s->imputer)
        mlk_strbuf_printf(t,
                          "    for (i = 0; i < %zu; i++)\n        if (r[i] != r[i])\n"
                          "            r[i] = %s_fill[i];\n",
                          s->p, f);
    mlk_strbuf_printf(t,
                      "    for (i = 0; i < %zu; i++) {\n"
                      "        const int *l = %s_layout + 4 * i;\n"
                      "        if (!l[3]) {\n            d[l[0]] = r[i];\n            continue;\n"
                      "        }\n        for (j = 0; j < l[1]; j++)\n"
                      "            d[l[0] + j] = r[i] == r[i] ? 0.0 : NAN;\n"
                      "        if (r[i] >= 0 && %s_slot[l[2] + (int)r[i]] >= 0)\n"
                      "            d[%s_slot[l[2] + (int)r[i]]] = 1.0;\n    }\n",
                      s->p, f, f, f);
    if (s->degree > 1)
        mlk_strbuf_printf(t,
                          "    for (i = 0; i < %zu; i++)\n"
                          "        d[%zu + i] = d[%s_left[i]] * d[%s_right[i]];\n",
                          s->columns - s->encoder->columns, s->encoder->columns, f, f);
    if (s->scaler)
        mlk_strbuf_printf(t,
                          "    for (i = 0; i < %zu; i++)\n"
                          "        d[i] = (d[i] - %s_centre[i]) / %s_spread[i];\n",
                          s->columns, f, f);
    /* Without an imputer a missing value may come through; its row has no prediction. */
    if (!(mlk_model_algo(inner)->caps & MLK_CAP_MISSING))
        mlk_strbuf_printf(t,
                          "    for (i = 0; i < %zu; i++)\n        if (d[i] != d[i]) {\n"
                          "            for (j = 0; j < %zu; j++)\n                out[j] = NAN;\n"
                          "            return;\n        }\n",
                          s->columns, k ? k : 1);
    mlk_strbuf_printf(t, "    %s_last(d, out);\n}\n", f);
}

mlk_status mlk_steps_codegen(const mlk_steps *s, const mlk_model *inner, mlk_codegen *to)
{
    const char *name = to->name;
    char last[256];
    MLK_TRY(tables(s, to));
    snprintf(last, sizeof last, "%s_last", name);
    to->name = last;
    const mlk_status st = mlk_model_codegen(inner, to);
    to->name = name;
    MLK_TRY(st);
    body(s, inner, to);
    return to->text.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to write C") : MLK_OK;
}
