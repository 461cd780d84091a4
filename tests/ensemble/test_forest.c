#include <mlkit/ensemble/extra_trees.h>
#include <mlkit/ensemble/forest.h>

#include "core/rng.h"
#include "support/c_source.h"
#include "support/mlk_test.h"

enum { N = 300, P = 6 };

static mlk_data sample(uint64_t seed, size_t n, size_t k)
{
    const mlk_cmat X = test_random_mat(seed, n, P);
    return (mlk_data){.X = X,
                      .y = k ? test_classes(seed + 1, X, k) : test_linear_target(seed, X, 1.0),
                      .n_classes = k};
}

static mlk_forest_opts options(int64_t trees)
{
    mlk_forest_opts o = mlk_forest_opts_default();
    o.n_estimators = trees;
    return o;
}

static mlk_forest *fit(const mlk_data *d, const mlk_forest_opts *o, int threads)
{
    mlk_forest *f;
    require_ok(mlk_forest_fit(d, o, &(mlk_run){.threads = threads}, &f));
    return f;
}

/* Predictions of rows X: values, or k shares a row. */
static mlk_mat predict(const mlk_forest *f, mlk_cmat X)
{
    const size_t k = mlk_forest_n_classes(f);
    mlk_mat out = test_mat(X.rows, k ? k : 1);
    if (k)
        require_ok(mlk_forest_predict_proba(f, X, NULL, out));
    else
        require_ok(mlk_forest_predict(f, X, NULL, (mlk_vec){out.data, X.rows}));
    return out;
}

/* Rows that tree b draws: the stream of the tree, after the number that seeds its columns. */
static void drawn_rows(uint64_t seed, size_t b, size_t n, size_t draws, uint8_t *drawn)
{
    mlk_rng rng = mlk_rng_stream(seed, b);
    mlk_rng_next(&rng);
    memset(drawn, 0, n);
    for (size_t i = 0; i < draws; i++)
        drawn[mlk_rng_below(&rng, n)] = 1;
}

/* Prediction of tree b alone, from the forests of b + 1 and b trees: they share their first ones.
 */
static mlk_mat *single_trees(const mlk_data *d, mlk_forest_opts o, size_t trees)
{
    mlk_mat *each = test_alloc(trees * sizeof *each), before = {0};
    for (size_t b = 0; b < trees; b++) {
        o.n_estimators = (int64_t)b + 1;
        mlk_forest *f = fit(d, &o, 1);
        const mlk_mat now = predict(f, d->X);
        each[b] = test_mat(now.rows, now.cols);
        for (size_t i = 0; i < now.rows * now.cols; i++)
            each[b].data[i] =
                now.data[i] * (double)(b + 1) - (b ? before.data[i] * (double)b : 0.0);
        before = now;
        mlk_forest_free(f);
    }
    return each;
}

START_TEST(more_trees_make_fewer_errors)
{
    const mlk_data all = sample(1, 800, 3);
    const mlk_data d = {.X = mlk_cmat_rows(all.X, 0, 400), .y = {all.y.data, 400}, .n_classes = 3};
    double wrong[2] = {0};
    for (int i = 0; i < 2; i++) {
        const mlk_forest_opts o = options(i ? 100 : 1);
        mlk_forest *f = fit(&d, &o, 0);
        mlk_vec out = test_vec(400);
        require_ok(mlk_forest_predict(f, mlk_cmat_rows(all.X, 400, 800), NULL, out));
        for (size_t r = 0; r < 400; r++)
            wrong[i] += out.data[r] != all.y.data[400 + r];
        mlk_forest_free(f);
    }
    ck_assert_msg(wrong[1] < 0.8 * wrong[0], "%g wrong of 400 with 100 trees, %g with one",
                  wrong[1], wrong[0]);
}
END_TEST

START_TEST(out_of_bag_predictions_are_means_of_the_trees_without_the_row)
{
    enum { TREES = 12 };
    for (size_t k = 0; k < 4; k += 3) {
        const mlk_data d = sample(2, 120, k);
        mlk_forest_opts o = options(TREES);
        o.seed = 3;
        mlk_forest *f = fit(&d, &o, 0);
        const mlk_cmat oob = mlk_forest_oob_decision(f);
        const mlk_mat *tree = single_trees(&d, o, TREES);
        const size_t width = k ? k : 1;
        uint8_t drawn[TREES][120];
        double right = 0.0, total = 0.0, error = 0.0, mean = 0.0, spread = 0.0;
        for (size_t b = 0; b < TREES; b++)
            drawn_rows(3, b, 120, 120, drawn[b]);
        ck_assert(oob.rows == 120 && oob.cols == width);
        for (size_t i = 0; i < 120; i++) {
            double sum[3] = {0}, count = 0.0;
            size_t best = 0;
            for (size_t b = 0; b < TREES; b++) {
                count += !drawn[b][i];
                for (size_t c = 0; c < width; c++)
                    sum[c] += drawn[b][i] ? 0.0 : tree[b].data[i * width + c];
            }
            if (count == 0.0) {
                ck_assert(isnan(oob.data[i * width]));
                continue;
            }
            for (size_t c = 0; c < width; c++) {
                require_close(oob.data[i * width + c], sum[c] / count, 1e-12);
                best = oob.data[i * width + c] > oob.data[i * width + best] ? c : best;
            }
            total += 1.0;
            right += (double)best == d.y.data[i];
            mean += d.y.data[i];
            error += pow(d.y.data[i] - oob.data[i * width], 2.0);
        }
        for (size_t i = 0; i < 120; i++)
            if (!isnan(oob.data[i * width]))
                spread += pow(d.y.data[i] - mean / total, 2.0);
        require_close(mlk_forest_oob_score(f), k ? right / total : 1.0 - error / spread, 1e-12);
        mlk_forest_free(f);
    }
}
END_TEST

START_TEST(trees_differ_and_their_importances_add_up_to_one)
{
    const mlk_data d = sample(4, N, 2);
    const mlk_forest_opts o = options(20);
    mlk_forest *f = fit(&d, &o, 0);
    double sum = 0.0;
    size_t equal = 0;
    for (size_t b = 1; b < 20; b++)
        equal += mlk_forest_n_nodes(f, b) == mlk_forest_n_nodes(f, 0) &&
                 mlk_forest_depth(f, b) == mlk_forest_depth(f, 0);
    ck_assert_uint_lt(equal, 4);
    for (size_t j = 0; j < P; j++)
        sum += mlk_forest_importances(f).data[j];
    require_close(sum, 1.0, 1e-12);
    mlk_forest_free(f);
}
END_TEST

START_TEST(permutation_importances_find_the_columns_that_matter)
{
    const mlk_cmat X = test_random_mat(9, N, P);
    mlk_vec y = test_vec(N);
    for (size_t i = 0; i < N; i++)
        y.data[i] = (X.data[i * P + 2] > 0.0) + 2.0 * (X.data[i * P + 4] > 0.5);
    for (size_t k = 0; k < 5; k += 4) {
        const mlk_data d = {.X = X, .y = mlk_vec_c(y), .n_classes = k};
        mlk_forest_opts o = options(50);
        o.permutation_importance = true;
        mlk_forest *f = fit(&d, &o, 0), *again = fit(&d, &o, 3);
        const mlk_cvec mean = mlk_forest_permutation_importances(f);
        const mlk_cvec sd = mlk_forest_permutation_importances_sd(f);
        ck_assert_uint_eq(mean.n, P);
        for (size_t j = 0; j < P; j++) {
            const bool matters = j == 2 || j == 4;
            ck_assert_msg(matters ? mean.data[j] > 0.15 : fabs(mean.data[j]) < 0.1,
                          "column %zu: %g", j, mean.data[j]);
            ck_assert(sd.data[j] >= 0.0 && (!matters || sd.data[j] < mean.data[j]));
        }
        require_same(mlk_forest_permutation_importances(again).data, mean.data, P * sizeof(double));
        mlk_forest_free(f);
        mlk_forest_free(again);
    }
}
END_TEST

START_TEST(one_tree_on_all_rows_and_columns_is_the_tree)
{
    const mlk_data d = sample(6, N, 0);
    mlk_forest_opts o = options(1);
    mlk_tree_opts tree_opts = mlk_tree_opts_default();
    o.bootstrap = false;
    o.max_depth = tree_opts.max_depth = 3; /* splits of few rows tie, which chance decides */
    mlk_forest *f = fit(&d, &o, 1);
    mlk_tree *tree;
    mlk_vec a = test_vec(N), b = test_vec(N);
    require_ok(mlk_tree_fit(&d, &tree_opts, NULL, &tree));
    const mlk_cmat X = test_random_mat(60, N, P);
    require_ok(mlk_forest_predict(f, X, NULL, a));
    require_ok(mlk_tree_predict(tree, X, NULL, b));
    require_same(a.data, b.data, N * sizeof(double));
    ck_assert(isnan(mlk_forest_oob_score(f))); /* no row is left out */
    ck_assert_uint_eq(mlk_forest_oob_decision(f).rows, 0);
    mlk_tree_free(tree);
    mlk_forest_free(f);
}
END_TEST

START_TEST(fewer_rows_make_smaller_trees)
{
    const mlk_data d = sample(7, N, 0);
    for (int with = 0; with < 2; with++) {
        mlk_forest_opts o = options(10);
        o.bootstrap = with;
        o.max_samples = 30;
        mlk_forest *f = fit(&d, &o, 1);
        for (size_t b = 0; b < 10; b++)
            ck_assert_uint_eq((mlk_forest_n_nodes(f, b) + 1) / 2 <= 30, 1);
        if (!with) /* 30 different rows of different targets: 30 leaves */
            ck_assert_uint_eq(mlk_forest_n_nodes(f, 0), 59);
        ck_assert(!isnan(mlk_forest_oob_score(f)));
        mlk_forest_free(f);
    }
}
END_TEST

START_TEST(pruned_and_weighted_forests_obey_their_options)
{
    const mlk_data d = sample(8, N, 2);
    mlk_forest_opts o = options(5);
    mlk_forest *full = fit(&d, &o, 1);
    o.ccp_alpha = 0.02;
    o.class_weight = 1;
    mlk_forest *pruned = fit(&d, &o, 1);
    for (size_t b = 0; b < 5; b++)
        ck_assert_uint_lt(mlk_forest_n_nodes(pruned, b), mlk_forest_n_nodes(full, b) / 2);
    mlk_forest_free(full);
    mlk_forest_free(pruned);
}
END_TEST

START_TEST(is_written_as_c_that_gives_the_same_bits)
{
    for (size_t k = 0; k < 4; k += 3) {
        const size_t levels[P] = {0, 0, 4, 0, 0, 0};
        mlk_data d = sample(9, 150, k);
        mlk_mat X = test_mat(150, P);
        for (size_t i = 0; i < 150 * P; i++) {
            X.data[i] = i % 17 ? d.X.data[i] : NAN;
            if (i % P == 2)
                X.data[i] = (double)(i % 5) - 1.0; /* MLK_UNSEEN too */
        }
        d.X = mlk_mat_c(X);
        d.levels = levels;
        mlk_forest_opts o = options(7);
        o.max_depth = k ? 4 : 0;
        mlk_model *model;
        require_ok(mlk_model_fit(&mlk_forest_algo, &o, &d, NULL, &model));
        const mlk_mat said = test_run_c_source(model, d.X, k ? k : 1);
        const mlk_mat expected = predict(mlk_model_state(model), d.X);
        require_same(said.data, expected.data, 150 * (k ? k : 1) * sizeof(double));
        mlk_model_free(model);
    }
}
END_TEST

START_TEST(takes_at_most_16_bytes_a_node_in_a_file)
{
    const mlk_data d = sample(10, N, 0);
    const mlk_forest_opts o = options(3);
    mlk_model *model;
    require_ok(mlk_model_fit(&mlk_forest_algo, &o, &d, NULL, &model));
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    const mlk_doc *trees = mlk_doc_find(mlk_doc_find(doc, "state"), "trees");
    static const size_t size[] = {1, 2, 4, 4, 4, 8};
    for (size_t b = 0; b < 3; b++) {
        const mlk_doc *tree = mlk_doc_at(trees, b);
        size_t bytes = 0;
        for (size_t i = 0; i < mlk_doc_size(tree); i++) {
            const mlk_doc_array a = mlk_doc_array_of(mlk_doc_at(tree, i));
            bytes += a.rows * (a.cols ? a.cols : 1) * size[a.type];
        }
        ck_assert_uint_le(bytes, 16 * mlk_forest_n_nodes(mlk_model_state(model), b));
    }
    mlk_doc_free(doc);
    mlk_model_free(model);
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = sample(11, 30, 0);
    mlk_forest *f;
    mlk_forest_opts o = options(2);
    o.bootstrap = false;
    o.permutation_importance = true;
    require_fail(mlk_forest_fit(&d, &o, NULL, &f), MLK_EINVAL, "needs rows left out");
    o = options(2);
    o.max_samples = 31;
    require_fail(mlk_forest_fit(&d, &o, NULL, &f), MLK_EINVAL,
                 "max_samples = 31; expected a share in (0, 1] or a count of 2..30");
    o = options(2);
    o.class_weight = 1;
    require_fail(mlk_forest_fit(&d, &o, NULL, &f), MLK_EINVAL, "for classification");
    ck_assert_ptr_null(f);
}
END_TEST

/* Numbers that a forest of many rows may mistake for each other: next to each other, tiny, huge, of
 * either sign, and zeros of both. */
static double awkward(mlk_rng *rng)
{
    static const double near[] = {1.0, -1.0, 1e9, -3.25, 0.0, 1e-40, -1e-310, 1e60, -1e300, 7.0};
    double x = near[mlk_rng_below(rng, sizeof near / sizeof *near)];
    for (uint64_t i = mlk_rng_below(rng, 4); i > 0; i--)
        x = nextafter(x, mlk_rng_below(rng, 2) ? INFINITY : -INFINITY);
    return mlk_rng_below(rng, 4) ? x : x == 0.0 ? -0.0 : x * (1.0 + mlk_rng_uniform(rng));
}

START_TEST(many_rows_get_the_bits_that_each_gets_alone)
{
    const size_t classes[] = {0, 2, 3, 26}, columns[] = {1, 3, 40};
    enum { ROWS = 700 };
    for (size_t v = 0; v < 4 * 3 * 2; v++) {
        const size_t k = classes[v % 4], p = columns[v / 4 % 3];
        mlk_rng rng = mlk_rng_stream(5, v);
        const mlk_mat X = test_mat(ROWS, p);
        const mlk_vec y = test_vec(ROWS);
        for (size_t i = 0; i < ROWS * p; i++)
            X.data[i] = awkward(&rng);
        for (size_t i = 0; i < ROWS; i++)
            y.data[i] = k ? (double)(i < k ? i : mlk_rng_below(&rng, k)) : mlk_rng_normal(&rng);
        const mlk_data d = {
            .X = mlk_cmat_rows(mlk_mat_c(X), 0, 500), .y = {y.data, 500}, .n_classes = k};
        mlk_forest_opts o = options(5);
        o.max_features = 0.5;
        mlk_forest *f;
        if (v < 12)
            require_ok(mlk_forest_fit(&d, &o, NULL, &f));
        else
            require_ok(mlk_extra_trees_fit(&d, &o, NULL, &f));
        const mlk_mat all = predict(f, mlk_mat_c(X));
        for (size_t i = 0; i < ROWS; i++) {
            const mlk_mat one = predict(f, mlk_cmat_rows(mlk_mat_c(X), i, i + 1));
            ck_assert_msg(!memcmp(one.data, all.data + i * all.cols, all.cols * sizeof(double)),
                          "variant %zu, row %zu", v, i);
        }
        mlk_forest_free(f);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    for (size_t k = 0; k < 4; k += 3) {
        const mlk_data d = sample(12, 25, k);
        mlk_forest_opts o = options(2);
        mlk_status st = MLK_ENOMEM;
        mlk_forest *f;
        o.permutation_importance = true;
        o.bootstrap = k > 0;
        o.max_samples = 0.7;
        o.ccp_alpha = k ? 0.001 : 0.0;
        for (int i = 0; st != MLK_OK; i++) {
            mlk_test_fail_at = i;
            st = mlk_forest_fit(&d, &o, &(mlk_run){.threads = 1}, &f);
            ck_assert(st == MLK_OK ? f != NULL : st == MLK_ENOMEM && f == NULL);
        }
        mlk_test_fail_at = -1;
        mlk_forest_free(f);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/forest");
    TCase *fits = test_case(s, "fit"), *errors = test_case(s, "errors");
    tcase_add_test(fits, more_trees_make_fewer_errors);
    tcase_add_test(fits, out_of_bag_predictions_are_means_of_the_trees_without_the_row);
    tcase_add_test(fits, trees_differ_and_their_importances_add_up_to_one);
    tcase_add_test(fits, permutation_importances_find_the_columns_that_matter);
    tcase_add_test(fits, one_tree_on_all_rows_and_columns_is_the_tree);
    tcase_add_test(fits, fewer_rows_make_smaller_trees);
    tcase_add_test(fits, pruned_and_weighted_forests_obey_their_options);
    tcase_add_test(fits, many_rows_get_the_bits_that_each_gets_alone);
    tcase_add_test(fits, is_written_as_c_that_gives_the_same_bits);
    tcase_add_test(fits, takes_at_most_16_bytes_a_node_in_a_file);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
