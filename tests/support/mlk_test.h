#ifndef SUPPORT_MLK_TEST_H
#define SUPPORT_MLK_TEST_H

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/core.h>

#include "core/alloc.h"
#include "core/status.h"

/* Each test program defines this; support/main.c runs it. */
Suite *test_suite(void);

/* A test case of the suite, with memory that is released after each test. */
TCase *test_case(Suite *suite, const char *name);

/* Memory and fixtures that live until the end of the test. */
void *test_alloc(size_t bytes);
mlk_vec test_vec(size_t n);                 /* zeros */
mlk_mat test_mat(size_t rows, size_t cols); /* zeros */
/* Standard normal entries, from a stream of this seed: "high-entropy" input. */
mlk_cmat test_random_mat(uint64_t seed, size_t rows, size_t cols);
mlk_cvec test_random_vec(uint64_t seed, size_t n);
/* y = X w + noise * normal, w from the seed. */
mlk_cvec test_linear_target(uint64_t seed, mlk_cmat X, double noise);
/* Class numbers 0..k-1, each present (n >= k), depending on X. */
mlk_cvec test_classes(uint64_t seed, mlk_cmat X, size_t k);
/* X with such a target: test_classes() where k > 0, else test_linear_target(). */
mlk_data test_data(uint64_t seed, mlk_cmat X, size_t k, double noise);

/* Plain loops, independent of linalg. */
double test_norm(const double *v, size_t n);
double test_dot(const double *a, const double *b, size_t n);

/* A file of ../shared (such as "datasets/iris.csv"), or NULL where that folder is absent: the test
 * then returns. Files of the project itself: test_source_path(). */
const char *test_shared_path(const char *name);
const char *test_source_path(const char *name);

/* Numbers of a simple CSV (no quotes): NaN where a field is no number. Skips one header line. */
mlk_cmat test_read_csv(const char *path);

void test_require_ok(mlk_status st, const char *expr, const char *file, int line);
void test_require_fail(mlk_status st, mlk_status expected, const char *text, const char *expr,
                       const char *file, int line);
void test_require_close(double a, double b, double tol, const char *expr, const char *file,
                        int line);

#define require_ok(expr) test_require_ok((expr), #expr, __FILE__, __LINE__)
/* The status, and a part of its text. */
#define require_fail(expr, status, text)                                                           \
    test_require_fail((expr), (status), (text), #expr, __FILE__, __LINE__)
/* |a - b| <= tol; NaN fails. */
#define require_close(a, b, tol)                                                                   \
    test_require_close((a), (b), (tol), #a " vs " #b, __FILE__, __LINE__)
/* |a - b| <= tol * max(|a|, |b|) */
#define require_relative(a, b, tol) require_close((a), (b), (tol)*fmax(fabs(a), fabs(b)))

/* The same bytes. */
#define require_same(a, b, bytes) ck_assert_int_eq(memcmp((a), (b), (bytes)), 0)

#endif
