#include "support/c_source.h"

#include <stdio.h>
#include <unistd.h>

#include "model/codegen.h"
#include "support/mlk_test.h"

static const char driver[] = "#include <stdio.h>\n"
                             "int main(void)\n{\n"
                             "    static double x[COLS], out[OUT];\n"
                             "    while (fread(x, sizeof x[0], COLS, stdin) == COLS) {\n"
                             "        model(x, out);\n"
                             "        fwrite(out, sizeof out[0], OUT, stdout);\n"
                             "    }\n    return 0;\n}\n";

static FILE *open_in(const char *folder, const char *name, const char *mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, mode);
    ck_assert_msg(f != NULL, "cannot open %s", path);
    return f;
}

static void shell(const char *folder, const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd '%s' && %s", folder, command);
    ck_assert_msg(system(line) == 0, "failed: %s", command);
}

mlk_mat test_run_c_source(const mlk_model *model, mlk_cmat X, size_t n_out)
{
    char folder[] = "/tmp/mlkit-source-XXXXXX", command[256];
    mlk_codegen to = {MLK_STRBUF_INIT, "model"};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    require_ok(mlk_model_codegen(model, &to));
    ck_assert(!to.text.failed);
    FILE *f = open_in(folder, "model.c", "w");
    fprintf(f, "#include <math.h>\n#include <stddef.h>\n%s%s", to.text.text, driver);
    fclose(f);
    mlk_strbuf_free(&to.text);
    f = open_in(folder, "in", "wb");
    for (size_t i = 0; i < X.rows; i++)
        ck_assert_uint_eq(fwrite(X.data + i * X.ld, sizeof(double), X.cols, f), X.cols);
    fclose(f);
    snprintf(command, sizeof command,
             "cc -std=c99 -Wall -Wextra -Werror -DCOLS=%zu -DOUT=%zu model.c -o model -lm", X.cols,
             n_out);
    shell(folder, command);
    shell(folder, "./model <in >out");
    mlk_mat out = test_mat(X.rows, n_out);
    f = open_in(folder, "out", "rb");
    ck_assert_uint_eq(fread(out.data, sizeof(double), X.rows * n_out, f), X.rows * n_out);
    fclose(f);
    shell(folder, "rm -f model model.c in out");
    rmdir(folder);
    return out;
}
