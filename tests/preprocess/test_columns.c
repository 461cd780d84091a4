#include "preprocess/columns.h"

#include "support/mlk_test.h"

/* Long enough that quantiles come from a bracketing sample, and short. */
static const size_t lengths[] = {50000, 33001, 1000, 1};

enum { P = 11 };

/* Columns that are hard on a sample: ties, two values, sorted, periodic, skewed, gaps, constant,
 * nothing at all, a spike at the median, one outlier, plain. */
static mlk_cmat hard_columns(size_t n)
{
    const mlk_cmat Z = test_random_mat(5, n, P);
    mlk_mat X = test_mat(n, P);
    for (size_t i = 0; i < n; i++) {
        const double *z = Z.data + i * P;
        const double row[P] = {floor(3 * z[0]),
                               (double)(z[1] > 0.3),
                               (double)i,
                               (double)(i % 12),
                               exp(3 * z[4]),
                               z[5] > 1.0 ? (double)NAN : z[5],
                               0.1,
                               (double)NAN,
                               fabs(z[8]) < 0.5 ? 0.0 : z[8],
                               i == n / 2 ? 1e300 : -z[9],
                               z[10]};
        memcpy(X.data + i * P, row, sizeof row);
    }
    return mlk_mat_c(X);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The column's values, sorted by the C library; their number. */
static size_t sorted_column(mlk_cmat X, size_t j, double *out)
{
    size_t n = 0;
    for (size_t i = 0; i < X.rows; i++)
        if (!isnan(X.data[i * X.ld + j]))
            out[n++] = X.data[i * X.ld + j];
    qsort(out, n, sizeof *out, ascending);
    return n;
}

START_TEST(quantiles_are_those_of_the_sorted_column)
{
    static const double q[] = {0.0, 0.25, 0.5, 0.75, 0.999, 1.0};
    const mlk_cmat X = hard_columns(lengths[_i]);
    mlk_column_stats stats[P];
    double out[P], *sorted = test_alloc(X.rows * sizeof *sorted);
    require_ok(mlk_columns_scan(X, false, NULL, stats));
    for (size_t k = 0; k < MLK_COUNT(q); k++) {
        require_ok(mlk_columns_quantile(X, stats, q[k], NULL, out));
        for (size_t j = 0; j < P; j++) {
            const size_t n = sorted_column(X, j, sorted);
            ck_assert_uint_eq(stats[j].count, n);
            if (n == 0) {
                ck_assert(isnan(out[j]));
                continue;
            }
            const double at = q[k] * (double)(n - 1);
            const size_t lo = (size_t)at, hi = lo + 1 < n ? lo + 1 : lo;
            require_relative(out[j], sorted[lo] + (at - (double)lo) * (sorted[hi] - sorted[lo]),
                             4 * DBL_EPSILON);
        }
    }
}
END_TEST

START_TEST(moments_are_those_of_long_double_sums)
{
    const mlk_cmat X = hard_columns(lengths[_i]);
    mlk_column_stats stats[P];
    require_ok(mlk_columns_scan(X, true, NULL, stats));
    for (size_t j = 0; j < P; j++) {
        long double sum = 0, square = 0;
        size_t n = 0;
        for (size_t i = 0; i < X.rows; i++)
            if (!isnan(X.data[i * X.ld + j])) {
                sum += X.data[i * X.ld + j];
                n++;
            }
        if (n == 0) {
            ck_assert(stats[j].count == 0 && stats[j].mean == 0.0);
            continue;
        }
        const long double mean = sum / (long double)n;
        for (size_t i = 0; i < X.rows; i++)
            if (!isnan(X.data[i * X.ld + j]))
                square += (X.data[i * X.ld + j] - mean) * (X.data[i * X.ld + j] - mean);
        require_close(stats[j].mean, (double)mean, 1e-13 * stats[j].max);
        if (j != 9) /* 1e300 squared overflows */
            require_close(stats[j].var, (double)(square / (long double)n),
                          1e-11 * stats[j].var + 1e-30); /* the mean of 0.1s is not 0.1 */
    }
}
END_TEST

/* Statistics after filling, from those before and from the filled column. */
START_TEST(filled_statistics_are_those_of_the_filled_column)
{
    const size_t n = 1000;
    const mlk_cmat X = hard_columns(n);
    mlk_mat filled = test_mat(n, P);
    double fill[P];
    mlk_column_stats stats[P], expected[P];
    for (size_t j = 0; j < P; j++)
        fill[j] = 0.3 * (double)j - 1.0;
    for (size_t i = 0; i < n * P; i++)
        filled.data[i] = isnan(X.data[i]) ? fill[i % P] : X.data[i];
    require_ok(mlk_columns_scan(X, true, NULL, stats));
    mlk_columns_fill(stats, P, n, fill);
    require_ok(mlk_columns_scan(mlk_mat_c(filled), true, NULL, expected));
    for (size_t j = 0; j < P; j++) {
        ck_assert(stats[j].count == n && stats[j].min == expected[j].min &&
                  stats[j].max == expected[j].max);
        require_relative(stats[j].mean, expected[j].mean, 1e-13);
        if (j != 9)
            require_close(stats[j].var, expected[j].var, 1e-12 * (1.0 + expected[j].var));
    }
}
END_TEST

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_cmat X = hard_columns(40000);
    mlk_column_stats first[P], stats[P];
    double q_first[P], q[P];
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        const mlk_run run = {.threads = threads[k]};
        require_ok(mlk_columns_scan(X, true, &run, k ? stats : first));
        require_ok(mlk_columns_quantile(X, first, 0.5, &run, k ? q : q_first));
        if (k) {
            require_same(stats, first, sizeof first);
            require_same(q, q_first, sizeof q);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("preprocess/columns");
    TCase *columns = test_case(s, "columns");
    tcase_add_loop_test(columns, quantiles_are_those_of_the_sorted_column, 0,
                        (int)MLK_COUNT(lengths));
    tcase_add_loop_test(columns, moments_are_those_of_long_double_sums, 0, (int)MLK_COUNT(lengths));
    tcase_add_test(columns, filled_statistics_are_those_of_the_filled_column);
    tcase_add_test(columns, gives_the_same_bytes_for_any_number_of_threads);
    return s;
}
