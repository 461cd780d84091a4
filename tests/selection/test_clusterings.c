#include <mlkit/cluster/gmm.h>
#include <mlkit/cluster/kmeans.h>
#include <mlkit/selection/clusterings.h>

#include "core/rng.h"
#include "support/mlk_test.h"

/* n rows around k corners of a square, or uniform in [0, 1)^2 for k = 0. */
static mlk_cmat rows(size_t n, size_t k)
{
    mlk_mat X = test_mat(n, 2);
    mlk_rng rng = mlk_rng_stream(3, k);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 2; j++) {
            const size_t corner = k ? i % k : 0;
            const double at = 12.0 * (double)(j ? corner / 2 : corner % 2);
            X.data[2 * i + j] = k ? at + mlk_rng_normal(&rng) : mlk_rng_uniform(&rng);
        }
    return mlk_mat_c(X);
}

static mlk_grid *grid_of(const char *model, const char *spec)
{
    mlk_pipeline_opts *base = test_alloc(sizeof *base);
    mlk_grid *grid;
    *base = mlk_pipeline_opts_default(mlk_algo_find(model));
    base->scale = "none";
    require_ok(mlk_grid_new(base, &spec, 1, &grid));
    return grid;
}

static mlk_clusterings *compare(const mlk_grid *grid, mlk_cmat X, const char *scoring, int threads)
{
    const mlk_run run = {.threads = threads};
    mlk_clusterings_opts o = mlk_clusterings_opts_default();
    mlk_clusterings *all;
    o.scoring = scoring;
    require_ok(mlk_clusterings_run(grid, &(mlk_data){.X = X}, &o, &run, &all));
    return all;
}

START_TEST(every_rule_finds_well_separated_clusters)
{
    static const struct {
        const char *model, *scoring;
    } cases[] = {{"kmeans", NULL},
                 {"kmeans", "gap"},
                 {"kmeans", "elbow"},
                 {"kmeans", "davies_bouldin"},
                 {"kmeans", "calinski_harabasz"},
                 {"agglomerative", NULL},
                 {"agglomerative", "gap"},
                 {"agglomerative", "elbow"},
                 {"gmm", NULL},
                 {"gmm", "aic"},
                 {"gmm", "silhouette"}};
    for (size_t c = 0; c < MLK_COUNT(cases); c++)
        for (size_t k = 3; k <= 4; k++) {
            mlk_grid *grid = grid_of(cases[c].model, "n_clusters=1..6/6");
            mlk_clusterings *all = compare(grid, rows(120, k), cases[c].scoring, 2);
            ck_assert_uint_eq(mlk_clusterings_size(all), 6);
            ck_assert_msg(mlk_clusterings_chosen(all) + 1 == k || /* overfitting by design */
                              (cases[c].scoring && strcmp(cases[c].scoring, "aic") == 0 &&
                               mlk_clusterings_chosen(all) + 1 > k),
                          "%s by %s: %zu of %zu", cases[c].model, mlk_clusterings_scoring(all),
                          mlk_clusterings_chosen(all) + 1, k);
            mlk_clusterings_free(all);
            mlk_grid_free(grid);
        }
}
END_TEST

START_TEST(the_gap_finds_no_clusters_in_uniform_rows)
{
    mlk_grid *grid = grid_of("kmeans", "n_clusters=1:2:3:4");
    mlk_clusterings *all = compare(grid, rows(400, 0), "gap", 1);
    ck_assert_uint_eq(mlk_clusterings_chosen(all), 0);
    mlk_clusterings_free(all);
    mlk_grid_free(grid);
}
END_TEST

/* One column, k = 1: W* is the sum of squares of uniform values, n L^2 / 12 but for its standard
 * deviation, which is L^2 sqrt(n / 180). */
START_TEST(the_gap_of_one_cluster_is_its_closed_form)
{
    enum { N = 2000 };
    mlk_vec x = test_vec(N);
    const mlk_cvec z = test_random_vec(4, N);
    double lo = INFINITY, hi = -INFINITY, mean = 0.0, W = 0.0;
    for (size_t i = 0; i < N; i++) {
        x.data[i] = z.data[i];
        lo = fmin(lo, z.data[i]);
        hi = fmax(hi, z.data[i]);
        mean += z.data[i] / N;
    }
    for (size_t i = 0; i < N; i++)
        W += (z.data[i] - mean) * (z.data[i] - mean);
    mlk_grid *grid = grid_of("kmeans", "n_clusters=1:2");
    mlk_clusterings *all = compare(grid, (mlk_cmat){x.data, N, 1, 1}, NULL, 1);
    const mlk_clustering one = mlk_clusterings_at(all, 0);
    const double sd = 12.0 / sqrt(180.0 * N); /* of log W* */
    require_relative(one.inertia, W, 1e-12);
    require_close(one.gap, log(N * (hi - lo) * (hi - lo) / 12.0) - log(W), 4 * sd / sqrt(20.0));
    ck_assert_double_gt(one.gap_se, 0.4 * sd);
    ck_assert_double_lt(one.gap_se, 2.0 * sd);
    ck_assert(isnan(one.silhouette));
    mlk_clusterings_free(all);
    mlk_grid_free(grid);
}
END_TEST

START_TEST(figures_are_those_of_the_models)
{
    const mlk_cmat X = rows(90, 3);
    const mlk_data data = {.X = X};
    mlk_grid *grid = grid_of("kmeans", "n_clusters=2:5"), *mix = grid_of("gmm", "n_clusters=2:3");
    mlk_clusterings *all = compare(grid, X, NULL, 1), *some = compare(mix, X, NULL, 1);
    for (size_t i = 0; i < 2; i++) {
        mlk_kmeans_opts o = mlk_kmeans_opts_default();
        mlk_gmm_opts g = mlk_gmm_opts_default();
        mlk_kmeans *km;
        mlk_gmm *m;
        o.n_clusters = i ? 5 : 2;
        g.n_clusters = i ? 3 : 2;
        require_ok(mlk_kmeans_fit(&data, &o, NULL, &km));
        require_ok(mlk_gmm_fit(&data, &g, NULL, &m));
        require_relative(mlk_clusterings_at(all, i).inertia, mlk_kmeans_inertia(km), 1e-9);
        ck_assert_uint_eq(mlk_clusterings_at(all, i).n_clusters, i ? 5 : 2);
        ck_assert(isnan(mlk_clusterings_at(all, i).bic));
        require_relative(mlk_clusterings_at(some, i).bic, mlk_gmm_bic(m), 1e-12);
        mlk_kmeans_free(km);
        mlk_gmm_free(m);
    }
    mlk_clusterings_free(all);
    mlk_clusterings_free(some);
    mlk_grid_free(grid);
    mlk_grid_free(mix);
}
END_TEST

START_TEST(counts_noise_and_tunes_other_parameters)
{
    mlk_grid *grid = grid_of("dbscan", "eps=0.01:2:50");
    mlk_clusterings *all = compare(grid, rows(200, 4), NULL, 1);
    ck_assert_uint_eq(mlk_clusterings_at(all, 0).n_noise, 200);
    ck_assert_uint_eq(mlk_clusterings_at(all, 0).n_clusters, 0);
    ck_assert(isnan(mlk_clusterings_at(all, 0).inertia));
    ck_assert_uint_eq(mlk_clusterings_chosen(all), 1);
    ck_assert_uint_eq(mlk_clusterings_at(all, 1).n_clusters, 4);
    ck_assert_uint_eq(mlk_clusterings_at(all, 2).n_clusters, 1);
    mlk_clusterings_free(all);
    mlk_grid_free(grid);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_figures)
{
    const int threads[] = {1, 2, 3, 8};
    mlk_grid *grid = grid_of("kmeans", "n_clusters=1:3:4");
    mlk_clusterings *one = compare(grid, rows(300, 3), "gap", 1);
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        mlk_clusterings *all = compare(grid, rows(300, 3), "gap", threads[t]);
        for (size_t i = 0; i < 3; i++) {
            const mlk_clustering a = mlk_clusterings_at(one, i), b = mlk_clusterings_at(all, i);
            require_same(&a.gap, &b.gap, sizeof a.gap);
            require_same(&a.gap_se, &b.gap_se, sizeof a.gap_se);
            require_same(&a.inertia, &b.inertia, sizeof a.inertia);
        }
        mlk_clusterings_free(all);
    }
    mlk_clusterings_free(one);
    mlk_grid_free(grid);
}
END_TEST

START_TEST(rejects_rules_that_do_not_apply)
{
    static const struct {
        const char *model, *spec, *scoring, *text;
    } cases[] = {
        {"kmeans", "n_clusters=2:3", "silhuette", "did you mean 'silhouette'?"},
        {"kmeans", "n_clusters=2:3", "bic", "kmeans has no bic"},
        {"kmeans", "max_iter=2:3", "gap", "gap chooses among values of n_clusters alone"},
        {"dbscan", "eps=1:2", "elbow", "elbow chooses among values of n_clusters alone"},
        {"kmeans", "n_clusters=2:70", NULL, "n_clusters = 70; expected at most the 60 rows"},
        {"kmeans", "n_clusters=1", NULL, "silhouette is not defined for any of the 1 candidates"},
        {"ridge", "alpha=1", NULL, "ridge finds no clusters"}};
    const mlk_data data = {.X = rows(60, 3)};
    for (size_t c = 0; c < MLK_COUNT(cases); c++) {
        mlk_grid *grid = grid_of(cases[c].model, cases[c].spec);
        mlk_clusterings_opts o = mlk_clusterings_opts_default();
        mlk_clusterings *all;
        o.scoring = cases[c].scoring;
        require_fail(mlk_clusterings_run(grid, &data, &o, NULL, &all), MLK_EINVAL, cases[c].text);
        ck_assert_ptr_null(all);
        mlk_grid_free(grid);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data data = {.X = rows(30, 3)};
    const mlk_run run = {.threads = 1};
    mlk_grid *grid = grid_of("agglomerative", "n_clusters=2:3");
    mlk_clusterings_opts o = mlk_clusterings_opts_default();
    mlk_clusterings *all;
    mlk_status st = MLK_ENOMEM;
    o.scoring = "gap";
    o.n_references = 2;
    for (int k = 0; st != MLK_OK && k < 3000; k++) {
        mlk_test_fail_at = k;
        st = mlk_clusterings_run(grid, &data, &o, &run, &all);
        mlk_test_fail_at = -1;
        ck_assert_msg(st == MLK_OK ? all != NULL : st == MLK_ENOMEM && all == NULL,
                      "allocation %d: %d: %s", k, (int)st, mlk_error_message(st));
    }
    ck_assert_int_eq(st, MLK_OK);
    mlk_clusterings_free(all);
    mlk_grid_free(grid);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/clusterings");
    TCase *choose = test_case(s, "choose"), *figures = test_case(s, "figures");
    TCase *errors = test_case(s, "errors");
    tcase_add_test(choose, every_rule_finds_well_separated_clusters);
    tcase_add_test(choose, the_gap_finds_no_clusters_in_uniform_rows);
    tcase_add_test(figures, the_gap_of_one_cluster_is_its_closed_form);
    tcase_add_test(figures, figures_are_those_of_the_models);
    tcase_add_test(figures, counts_noise_and_tunes_other_parameters);
    tcase_add_test(figures, any_number_of_threads_gives_the_same_figures);
    tcase_add_test(errors, rejects_rules_that_do_not_apply);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
