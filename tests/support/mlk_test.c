#include "support/mlk_test.h"

#include <stdio.h>
#include <unistd.h>

#include "core/rng.h"

/* ------------------------------------------------------------ memory of a test */

typedef struct block {
    struct block *before;
    max_align_t data[];
} block;

static block *blocks;

static void release_blocks(void)
{
    mlk_test_fail_at = -1;
    for (block *b = blocks, *before; b; b = before) {
        before = b->before;
        free(b);
    }
    blocks = NULL;
}

TCase *test_case(Suite *suite, const char *name)
{
    TCase *tc = tcase_create(name);
    tcase_add_checked_fixture(tc, NULL, release_blocks);
    tcase_set_timeout(tc, 240);
    suite_add_tcase(suite, tc);
    return tc;
}

void *test_alloc(size_t bytes)
{
    block *b = calloc(1, sizeof *b + bytes);
    ck_assert_ptr_nonnull(b);
    b->before = blocks;
    blocks = b;
    return b->data;
}

mlk_vec test_vec(size_t n) { return (mlk_vec){test_alloc(n * sizeof(double)), n}; }

mlk_mat test_mat(size_t rows, size_t cols)
{
    return (mlk_mat){test_alloc(rows * cols * sizeof(double)), rows, cols, cols};
}

/* ------------------------------------------------------------------- fixtures */

mlk_cmat test_random_mat(uint64_t seed, size_t rows, size_t cols)
{
    mlk_mat A = test_mat(rows, cols);
    mlk_rng rng = mlk_rng_stream(seed, 1);
    for (size_t i = 0; i < rows * cols; i++)
        A.data[i] = mlk_rng_normal(&rng);
    return mlk_mat_c(A);
}

mlk_cvec test_random_vec(uint64_t seed, size_t n)
{
    const mlk_cmat A = test_random_mat(seed, n, 1);
    return (mlk_cvec){A.data, n};
}

mlk_cvec test_linear_target(uint64_t seed, mlk_cmat X, double noise)
{
    const mlk_cvec w = test_random_vec(seed, X.cols), e = test_random_vec(seed + 1, X.rows);
    mlk_vec y = test_vec(X.rows);
    for (size_t i = 0; i < X.rows; i++)
        y.data[i] = test_dot(X.data + i * X.ld, w.data, X.cols) + noise * e.data[i];
    return mlk_vec_c(y);
}

mlk_cvec test_classes(uint64_t seed, mlk_cmat X, size_t k)
{
    const mlk_cvec z = test_linear_target(seed, X, 0.5);
    mlk_vec y = test_vec(X.rows);
    for (size_t i = 0; i < X.rows; i++) {
        const double t = 0.5 * erfc(-z.data[i] / sqrt(2.0 * (double)X.cols)) * (double)k;
        y.data[i] = i < k ? (double)i : fmin(floor(t), (double)k - 1.0);
    }
    return mlk_vec_c(y);
}

mlk_data test_data(uint64_t seed, mlk_cmat X, size_t k, double noise)
{
    return (mlk_data){.X = X,
                      .y = k ? test_classes(seed, X, k) : test_linear_target(seed, X, noise),
                      .n_classes = k};
}

double test_dot(const double *a, const double *b, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

double test_norm(const double *v, size_t n) { return sqrt(test_dot(v, v, n)); }

/* ---------------------------------------------------------------------- files */

static const char *path_under(const char *variable, const char *name)
{
    const char *folder = getenv(variable);
    if (!folder)
        return NULL;
    char *path = test_alloc(strlen(folder) + strlen(name) + 2);
    sprintf(path, "%s/%s", folder, name);
    return access(path, R_OK) == 0 ? path : NULL;
}

const char *test_shared_path(const char *name) { return path_under("MLK_SHARED", name); }

const char *test_source_path(const char *name)
{
    const char *path = path_under("MLK_SOURCE", name);
    ck_assert_msg(path != NULL, "%s is not there", name);
    return path;
}

mlk_cmat test_read_csv(const char *path)
{
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "cannot open %s", path);
    size_t cols = 1, count = 0, cap = 1024;
    double *values = malloc(cap * sizeof *values);
    char field[512];
    size_t len = 0;
    int c;
    while ((c = getc(f)) != '\n')
        cols += c == ',';
    while ((c = getc(f)) != EOF) {
        if (c != ',' && c != '\n') {
            if (len < sizeof field - 1)
                field[len++] = (char)c;
            continue;
        }
        char *end;
        field[len] = '\0';
        if (count == cap)
            values = realloc(values, (cap *= 2) * sizeof *values);
        values[count] = strtod(field, &end);
        if (!len || *end)
            values[count] = NAN;
        count++;
        len = 0;
    }
    fclose(f);
    mlk_mat A = test_mat(count / cols, cols);
    memcpy(A.data, values, count * sizeof *values);
    free(values);
    return mlk_mat_c(A);
}

/* ----------------------------------------------------------------- assertions */

void test_require_ok(mlk_status st, const char *expr, const char *file, int line)
{
    ck_assert_msg(st == MLK_OK, "%s:%d: %s: status %d: %s", file, line, expr, (int)st,
                  mlk_error_message(st));
}

void test_require_fail(mlk_status st, mlk_status expected, const char *text, const char *expr,
                       const char *file, int line)
{
    ck_assert_msg(st == expected, "%s:%d: %s: status %d (%s), expected %d", file, line, expr,
                  (int)st, mlk_error_message(st), (int)expected);
    ck_assert_msg(strstr(mlk_error_message(st), text) != NULL, "%s:%d: %s: \"%s\" lacks \"%s\"",
                  file, line, expr, mlk_error_message(st), text);
}

void test_require_close(double a, double b, double tol, const char *expr, const char *file,
                        int line)
{
    ck_assert_msg(a == b || fabs(a - b) <= tol, "%s:%d: %s: %.17g vs %.17g, differ by %.3g > %.3g",
                  file, line, expr, a, b, fabs(a - b), tol);
}
