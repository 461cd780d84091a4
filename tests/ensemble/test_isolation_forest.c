#include <mlkit/ensemble/isolation_forest.h>

#include "support/mlk_test.h"

static mlk_isolation_forest *fit(mlk_cmat X, int64_t n, double samples, double contamination,
                                 int threads)
{
    const mlk_isolation_forest_opts o = {
        .n_estimators = n, .contamination = contamination, .max_samples = samples};
    mlk_isolation_forest *f;
    require_ok(
        mlk_isolation_forest_fit(&(mlk_data){.X = X}, &o, &(mlk_run){.threads = threads}, &f));
    return f;
}

static mlk_vec scores(const mlk_isolation_forest *f, mlk_cmat X)
{
    mlk_vec s = test_vec(X.rows);
    require_ok(mlk_isolation_forest_score(f, X, NULL, s));
    return s;
}

/* c(n) of the paper. */
static double c(double n) { return 2 * (log(n - 1) + 0.5772156649015329) - 2 * (n - 1) / n; }

/* ------------------------------------------------------------------------- scores */

START_TEST(two_rows_are_one_cut_apart)
{
    const double x[] = {3, 7};
    mlk_isolation_forest *f = fit((mlk_cmat){x, 2, 1, 1}, 10, 256, MLK_CONTAMINATION_AUTO, 1);
    ck_assert_uint_eq(mlk_isolation_forest_max_samples(f), 2);
    require_close(scores(f, (mlk_cmat){x, 2, 1, 1}).data[0], 0.5, 1e-15);
    mlk_isolation_forest_free(f);
}
END_TEST

START_TEST(equal_rows_are_one_leaf_and_score_one_half)
{
    mlk_mat X = test_mat(9, 2);
    mlk_isolation_forest *f = fit(mlk_mat_c(X), 10, 256, MLK_CONTAMINATION_AUTO, 1);
    for (size_t i = 0; i < 9; i++)
        require_close(scores(f, mlk_mat_c(X)).data[i], 0.5, 1e-15);
    mlk_isolation_forest_free(f);
}
END_TEST

/* Of 0, 1 and 100, the first cut leaves 100 alone with probability 0.99, else 0. */
START_TEST(three_rows_score_as_computed_by_hand)
{
    enum { TREES = 40000 };
    const double x[] = {0, 1, 100};
    mlk_isolation_forest *f = fit((mlk_cmat){x, 3, 1, 1}, TREES, 256, MLK_CONTAMINATION_AUTO, 2);
    const mlk_vec s = scores(f, (mlk_cmat){x, 3, 1, 1});
    const double depth[] = {1.99, 2.0, 1.01}; /* sd 0.0995 a tree */
    for (size_t i = 0; i < 3; i++)
        require_close(-log2(s.data[i]) * c(3), depth[i], 5 * 0.0995 / sqrt(TREES));
    mlk_isolation_forest_free(f);
}
END_TEST

/* Nine equal rows and one apart: it is alone after one cut; the others are a leaf of 9. */
START_TEST(leaves_of_many_rows_count_as_deeper)
{
    double x[10] = {0};
    x[9] = 1.0;
    mlk_isolation_forest *f = fit((mlk_cmat){x, 10, 1, 1}, 20, 256, MLK_CONTAMINATION_AUTO, 1);
    const mlk_vec s = scores(f, (mlk_cmat){x, 10, 1, 1});
    require_close(s.data[9], exp2(-1.0 / c(10)), 1e-14);
    require_close(s.data[0], exp2(-(1.0 + c(9)) / c(10)), 1e-14);
    mlk_isolation_forest_free(f);
}
END_TEST

/* The first cut of two rows at -1 and 3 is uniform: where x is on the side of 3 in a tree shows
 * nothing, but 0.75 of all cuts lie left of 2. Three rows -1, 2, 3 tell. */
START_TEST(cuts_are_uniform)
{
    enum { TREES = 40000 };
    const double x[] = {-1, 2, 3};
    mlk_isolation_forest *f = fit((mlk_cmat){x, 3, 1, 1}, TREES, 256, MLK_CONTAMINATION_AUTO, 2);
    const mlk_vec s = scores(f, (mlk_cmat){x, 3, 1, 1});
    require_close(-log2(s.data[0]) * c(3), 0.75 * 1 + 0.25 * 2, 5 * sqrt(0.1875 / TREES));
    require_close(-log2(s.data[2]) * c(3), 0.75 * 2 + 0.25 * 1, 5 * sqrt(0.1875 / TREES));
    mlk_isolation_forest_free(f);
}
END_TEST

/* Wine's first class, and ten rows of the third. */
static mlk_cmat wine(void)
{
    const char *path = test_shared_path("datasets/wine.csv");
    if (!path)
        return (mlk_cmat){NULL, 0, 0, 0};
    const mlk_cmat file = test_read_csv(path);
    mlk_mat X = test_mat(69, 13);
    for (size_t i = 0; i < 69; i++)
        memcpy(X.data + i * 13, file.data + (i < 59 ? i : i + 71) * 14, 13 * sizeof(double));
    return mlk_mat_c(X);
}

START_TEST(agrees_with_scikit_learn_on_wine) /* tests/reference/isolation_forest.py */
{
    static const double expected[] = {0.43747, 0.43591, 0.43370, 0.43828, 0.43037,
                                      0.42880, 0.40162, 0.40845, 0.56974};
    const mlk_cmat X = wine();
    if (!X.data)
        return;
    mlk_isolation_forest *f = fit(X, 20000, 1.0, MLK_CONTAMINATION_AUTO, 0);
    const mlk_vec s = scores(f, X);
    for (size_t i = 0; i < MLK_COUNT(expected); i++) /* sd of either mean: about 0.0006 */
        require_close(s.data[8 * i], expected[i], 0.004);
    mlk_isolation_forest_free(f);
}
END_TEST

START_TEST(finds_outliers_as_well_as_scikit_learn) /* area: 0.961 to 0.995 in five runs */
{
    const mlk_cmat X = wine();
    if (!X.data)
        return;
    mlk_isolation_forest *f = fit(X, 100, 256, MLK_CONTAMINATION_AUTO, 0);
    const mlk_vec s = scores(f, X);
    double area = 0.0;
    for (size_t i = 59; i < 69; i++)
        for (size_t j = 0; j < 59; j++)
            area += (s.data[i] > s.data[j]) / 590.0;
    ck_assert_msg(area > 0.96, "%g", area);
    mlk_isolation_forest_free(f);
}
END_TEST

/* ---------------------------------------------------------------------- threshold */

START_TEST(contamination_is_the_share_of_training_rows_above)
{
    const mlk_cmat X = test_random_mat(3, 500, 2);
    const double shares[] = {0.01, 0.1, 0.3};
    mlk_vec out = test_vec(500);
    for (size_t k = 0; k < 3; k++) {
        mlk_isolation_forest *f = fit(X, 50, 256, shares[k], 2);
        const mlk_vec s = scores(f, X);
        double n = 0.0;
        require_ok(mlk_isolation_forest_predict(f, X, NULL, out));
        for (size_t i = 0; i < 500; i++) {
            ck_assert(out.data[i] == (s.data[i] > mlk_isolation_forest_threshold(f)));
            n += out.data[i];
        }
        require_close(n, 500 * shares[k], 0.0);
        mlk_isolation_forest_free(f);
    }
    mlk_isolation_forest *f = fit(X, 5, 256, MLK_CONTAMINATION_AUTO, 1);
    require_close(mlk_isolation_forest_threshold(f), 0.5, 0.0);
    mlk_isolation_forest_free(f);
}
END_TEST

/* ------------------------------------------------------------------------- others */

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = test_random_mat(4, 3000, 5);
    mlk_vec first = test_vec(3000), out = test_vec(3000);
    for (int threads = 1; threads <= 8; threads += 1 + threads / 3) {
        const mlk_run run = {.threads = threads};
        mlk_isolation_forest *f = fit(X, 40, 256, 0.05, threads);
        require_ok(mlk_isolation_forest_score(f, X, &run, threads == 1 ? first : out));
        if (threads > 1)
            require_same(first.data, out.data, 3000 * sizeof(double));
        mlk_isolation_forest_free(f);
    }
}
END_TEST

START_TEST(takes_extreme_values)
{
    const double x[] = {-DBL_MAX, DBL_MAX, 0.0, 1.0, DBL_MIN, -DBL_MIN};
    mlk_isolation_forest *f = fit((mlk_cmat){x, 6, 1, 1}, 50, 256, 0.4, 1);
    const mlk_vec s = scores(f, (mlk_cmat){x, 6, 1, 1});
    for (size_t i = 0; i < 6; i++)
        ck_assert(s.data[i] > 0.0 && s.data[i] < 1.0);
    ck_assert(s.data[0] > s.data[2] && s.data[1] > s.data[2]);
    mlk_isolation_forest_free(f);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    static const struct {
        mlk_isolation_forest_opts opts;
        const char *text;
    } bad[] = {
        {{0, -1, 256, 0}, "n_estimators = 0 is outside [1, inf)"},
        {{5, 0.0, 256, 0}, "contamination = 0 is outside auto | (0, 0.5]"},
        {{5, 0.6, 256, 0}, "contamination = 0.6 is outside auto | (0, 0.5]"},
        {{5, -1, 0.0, 0}, "max_samples = 0 is outside (0, inf)"},
        {{5, -1, 2.5, 0}, "max_samples = 2.5; expected a share in (0, 1] or a count of 2..20"},
    };
    const mlk_data d = {.X = test_random_mat(5, 20, 2)};
    const mlk_cvec w = test_random_vec(6, 20);
    mlk_isolation_forest *f;
    for (size_t i = 0; i < MLK_COUNT(bad); i++) {
        require_fail(mlk_isolation_forest_fit(&d, &bad[i].opts, NULL, &f), MLK_EINVAL, bad[i].text);
        ck_assert_ptr_null(f);
    }
    require_fail(mlk_isolation_forest_fit(&(mlk_data){.X = d.X, .w = w}, NULL, NULL, &f),
                 MLK_EINVAL, "takes none");
}
END_TEST

/* A forest of one tree from these arrays. */
static mlk_status load(int32_t feature, uint32_t right, double value, uint32_t count)
{
    const int32_t features[] = {feature, -1, -1};
    const uint32_t rights[] = {right, 0, 0};
    const double values[] = {value, 1, 1};
    mlk_doc *state = mlk_doc_new();
    void *out = NULL;
    mlk_doc_put_int(state, "max_samples", 2);
    mlk_doc_put_real(state, "threshold", 0.5);
    mlk_doc_put_array(state, "nodes", MLK_U32, &count, 1, 0);
    mlk_doc_put_array(state, "feature", MLK_I32, features, 3, 0);
    mlk_doc_put_array(state, "right", MLK_U32, rights, 3, 0);
    mlk_doc_put_vec(state, "value", (mlk_cvec){values, 3});
    const mlk_status st = mlk_isolation_forest_algo.load(state, 2, 0, &out);
    mlk_isolation_forest_free(out);
    mlk_doc_free(state);
    return st;
}

START_TEST(loads_only_trees_that_end)
{
    require_ok(load(1, 2, 0.25, 3));
    require_fail(load(2, 2, 0.25, 3), MLK_EFORMAT, "cuts column 2");
    require_fail(load(-2, 2, 0.25, 3), MLK_EFORMAT, "cuts column -2");
    require_fail(load(1, 0, 0.25, 3), MLK_EFORMAT, "right to 0");
    require_fail(load(1, 3, 0.25, 3), MLK_EFORMAT, "right to 3");
    require_fail(load(-1, 0, -1.0, 3), MLK_EFORMAT, "cuts column -1");
    require_fail(load(1, 2, 0.25, 2), MLK_EFORMAT, "1 trees of 2 nodes, but 3 and 3 values");
    require_fail(load(1, 2, (double)NAN, 3), MLK_EFORMAT, "value");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/isolation_forest");
    TCase *score = test_case(s, "scores"), *others = test_case(s, "others");
    tcase_add_test(score, two_rows_are_one_cut_apart);
    tcase_add_test(score, equal_rows_are_one_leaf_and_score_one_half);
    tcase_add_test(score, three_rows_score_as_computed_by_hand);
    tcase_add_test(score, leaves_of_many_rows_count_as_deeper);
    tcase_add_test(score, cuts_are_uniform);
    tcase_add_test(score, agrees_with_scikit_learn_on_wine);
    tcase_add_test(score, finds_outliers_as_well_as_scikit_learn);
    tcase_add_test(others, contamination_is_the_share_of_training_rows_above);
    tcase_add_test(others, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(others, takes_extreme_values);
    tcase_add_test(others, rejects_bad_input_and_says_why);
    tcase_add_test(others, loads_only_trees_that_end);
    return s;
}
