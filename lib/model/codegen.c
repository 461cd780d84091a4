#include "model/codegen.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/number.h"

/* A number as a C expression of type double: NAN and INFINITY by name. */
static void add_real(mlk_codegen *to, double x)
{
    char buf[MLK_REAL_CHARS];
    if (isnan(x)) {
        mlk_strbuf_add(&to->text, "NAN");
    } else if (isinf(x)) {
        mlk_strbuf_add(&to->text, x < 0 ? "-INFINITY" : "INFINITY");
    } else {
        mlk_format_real(x, buf);
        mlk_strbuf_add(&to->text, buf);
        if (!strpbrk(buf, ".e"))
            mlk_strbuf_add(&to->text, ".0");
    }
}

void mlk_codegen_text(mlk_codegen *to, const char *text)
{
    mlk_strbuf_add(&to->text, "\"");
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\' || *p == '?') /* ??x could be a trigraph */
            mlk_strbuf_printf(&to->text, "\\%c", *p);
        else if (*p < 0x20 || *p >= 0x7f)
            mlk_strbuf_printf(&to->text, "\\%03o", *p);
        else
            mlk_strbuf_printf(&to->text, "%c", *p);
    }
    mlk_strbuf_add(&to->text, "\"");
}

static void open_table(mlk_codegen *to, const char *suffix, const char *type, size_t n)
{
    mlk_strbuf_printf(&to->text, "static const %s %s_%s[%zu] = {", type, to->name, suffix, n);
}

void mlk_codegen_reals(mlk_codegen *to, const char *suffix, const double *v, size_t n)
{
    open_table(to, suffix, "double", n);
    for (size_t i = 0; i < n; i++) {
        mlk_strbuf_add(&to->text, i % 6 ? " " : "\n    ");
        add_real(to, v[i]);
        mlk_strbuf_add(&to->text, i + 1 < n ? "," : "");
    }
    mlk_strbuf_add(&to->text, "};\n");
}

void mlk_codegen_ints(mlk_codegen *to, const char *suffix, const char *type, const int64_t *v,
                      size_t n)
{
    open_table(to, suffix, type, n);
    for (size_t i = 0; i < n; i++)
        mlk_strbuf_printf(&to->text, "%s%" PRId64 "%s", i % 12 ? " " : "\n    ", v[i],
                          i + 1 < n ? "," : "");
    mlk_strbuf_add(&to->text, "};\n");
}

void mlk_codegen_affine(mlk_codegen *to, const char *suffix, mlk_cmat W, mlk_cvec b)
{
    const char *name = to->name;
    open_table(to, "coef", "double", W.rows * W.cols);
    for (size_t k = 0; k < W.rows; k++)
        for (size_t j = 0; j < W.cols; j++) {
            mlk_strbuf_add(&to->text, (k * W.cols + j) % 6 ? " " : "\n    ");
            add_real(to, W.data[k * W.ld + j]);
            mlk_strbuf_add(&to->text, k + 1 < W.rows || j + 1 < W.cols ? "," : "");
        }
    mlk_strbuf_add(&to->text, "};\n");
    mlk_codegen_reals(to, "intercept", b.data, b.n);
    mlk_strbuf_printf(&to->text,
                      "static void %s%s(const double *x, double *out)\n{\n"
                      "    for (int k = 0; k < %zu; k++) {\n"
                      "        double sum = %s_intercept[k];\n"
                      "        for (int j = 0; j < %zu; j++)\n"
                      "            sum += x[j] * %s_coef[k * %zu + j];\n"
                      "        out[k] = sum;\n    }\n}\n",
                      name, suffix, W.rows, name, W.cols, name, W.cols);
}
