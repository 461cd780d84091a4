#include "bayes/naive_bayes.h"

#include <math.h>
#include <string.h>

/* What joint() does for a column of each kind; @ stands for the name of the function. */
static const char *const column_c[] = {
    [GAUSSIAN] = "        if (@_kind[j] == 0)\n"
                 "            for (int c = 0; c < K; c++)\n"
                 "                out[c] += @_fast[at + K + c] +\n"
                 "                          @_fast[at + c] * (v - @_par[at + c]) *\n"
                 "                              (v - @_par[at + c]);\n",
    [COUNT] = "        if (@_kind[j] == 1)\n"
              "            for (int c = 0; c < K; c++)\n"
              "                out[c] += v * @_par[at + c];\n",
    [LEVELS] = "        if (@_kind[j] == 2 && v >= 0.0 && v < (double)@_levels[j])\n"
               "            for (int c = 0; c < K; c++)\n"
               "                out[c] += @_par[at + K * (int)v + c];\n",
    [BINARY] = "        if (@_kind[j] == 3)\n"
               "            for (int c = 0; c < K; c++)\n"
               "                out[c] += @_par[at + K * (v > 0.0) + c];\n",
};

static mlk_status put_tables(const mlk_naive_bayes *m, const bool *has, mlk_codegen *to)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *prior = mlk_scratch_vec(&scratch, m->k).data;
    int64_t *ints = mlk_scratch_take(&scratch, m->p, sizeof *ints);
    if (!scratch.failed) {
        for (size_t c = 0; c < m->k; c++)
            prior[c] = m->variant == MLK_NAIVE_BAYES_COMPLEMENT ? 0.0 : log(m->prior[c]);
        mlk_codegen_reals(to, "prior", prior, m->k);
        mlk_codegen_reals(to, "par", m->par, n_par(m));
        if (has[GAUSSIAN])
            mlk_codegen_reals(to, "fast", m->fast, n_par(m));
        for (size_t j = 0; j < m->p; j++)
            ints[j] = (int64_t)m->kind[j];
        mlk_codegen_ints(to, "kind", "int", ints, m->p);
        for (size_t j = 0; j < m->p; j++)
            ints[j] = (int64_t)m->offset[j];
        mlk_codegen_ints(to, "offset", "int", ints, m->p);
        for (size_t j = 0; j < m->p; j++)
            ints[j] = (int64_t)m->levels[j];
        if (has[LEVELS])
            mlk_codegen_ints(to, "levels", "int", ints, m->p);
    }
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", m->p) : MLK_OK;
    mlk_scratch_release(&scratch);
    return st;
}

mlk_status naive_bayes_source(const mlk_naive_bayes *m, mlk_codegen *to)
{
    bool has[] = {false, false, false, false};
    if (n_par(m) > INT32_MAX)
        return MLK_FAIL(MLK_EUNSUPPORTED, "%zu parameters; C source is written for less than 2^31",
                        n_par(m));
    for (size_t j = 0; j < m->p; j++)
        has[m->kind[j]] = true;
    MLK_TRY(put_tables(m, has, to));
    mlk_strbuf_printf(&to->text,
                      "static void %s(const double *x, double *out)\n{\n"
                      "    enum { K = %zu };\n"
                      "    for (int c = 0; c < K; c++)\n"
                      "        out[c] = %s_prior[c];\n"
                      "    for (int j = 0; j < %zu; j++) {\n"
                      "        const double v = x[j];\n"
                      "        const int at = %s_offset[j];\n"
                      "        if (!(v - v == 0.0)) /* missing */\n"
                      "            continue;\n",
                      to->name, m->k, to->name, m->p, to->name);
    for (size_t kind = 0; kind < MLK_COUNT(has); kind++)
        for (const char *at = has[kind] ? column_c[kind] : ""; *at;) {
            const char *name = strchr(at, '@');
            mlk_strbuf_printf(&to->text, "%.*s%s", name ? (int)(name - at) : (int)strlen(at), at,
                              name ? to->name : "");
            at = name ? name + 1 : "";
        }
    mlk_strbuf_add(&to->text, "    }\n}\n");
    return MLK_OK;
}
