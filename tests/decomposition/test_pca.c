#include <mlkit/decomposition/pca.h>

#include "support/jacobi.h"
#include "support/maps.h"

static mlk_pca *fit(mlk_cmat X, double n_components, bool whiten, int solver)
{
    const mlk_pca_opts opts = {n_components, whiten, solver, 0, false};
    mlk_pca *model;
    require_ok(mlk_pca_fit(&(mlk_data){.X = X}, &opts, NULL, &model));
    return model;
}

/* Columns of different spread, correlated, with a mean. */
static mlk_cmat spread(uint64_t seed, size_t n, size_t p)
{
    const mlk_cmat Z = test_random_mat(seed, n, p), R = test_random_mat(seed + 1, p, p);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++) {
            X.data[i * p + j] = 5.0;
            for (size_t l = 0; l < p; l++)
                X.data[i * p + j] += Z.data[i * p + l] * R.data[l * p + j] * pow(0.8, (double)l);
        }
    return mlk_mat_c(X);
}

/* ----------------------------------------------------------------- the definition */

static const struct {
    size_t n, p;
} shapes[] = {{60, 8}, {300, 20}, {12, 30}, {9, 9}, {50, 1}};

START_TEST(agrees_with_jacobis_rotations)
{
    const mlk_cmat X = spread(10 + (uint64_t)_i, shapes[_i].n, shapes[_i].p);
    const size_t p = X.cols, m = X.rows - 1 < p ? X.rows - 1 : p, k = m > 5 ? 5 : m;
    mlk_vec lambda = test_vec(p);
    mlk_mat V = test_mat(p, p);
    test_jacobi(mlk_mat_c(test_covariance(X)), lambda, V);
    for (int solver = MLK_PCA_AUTO; solver <= MLK_PCA_RANDOMISED; solver++) {
        mlk_pca *model = fit(X, (double)k, false, solver);
        const mlk_cmat C = mlk_pca_components(model);
        double total = 0.0, rest = 0.0;
        ck_assert_uint_eq(C.rows, k);
        for (size_t c = 0; c < p; c++) {
            total += lambda.data[c];
            rest += c < k ? 0.0 : lambda.data[c];
        }
        for (size_t c = 0; c < k; c++) {
            size_t top = 0;
            require_relative(mlk_pca_variance(model).data[c], lambda.data[c], 1e-10);
            require_relative(mlk_pca_ratio(model).data[c], lambda.data[c] / total, 1e-10);
            require_relative(mlk_pca_singular_values(model).data[c],
                             sqrt((double)(X.rows - 1) * lambda.data[c]), 1e-10);
            for (size_t j = 1; j < p; j++)
                if (fabs(C.data[c * p + j]) > fabs(C.data[c * p + top]))
                    top = j;
            ck_assert(C.data[c * p + top] > 0.0); /* the rule of signs */
            const double sign = V.data[top * p + c] < 0.0 ? -1.0 : 1.0;
            for (size_t j = 0; j < p; j++)
                require_close(C.data[c * p + j], sign * V.data[j * p + c], 1e-10);
        }
        require_close(mlk_pca_reconstruction_error(model),
                      rest * (double)(X.rows - 1) / (double)X.rows, 1e-10 * total);
        mlk_pca_free(model);
    }
}
END_TEST

START_TEST(inverse_transform_undoes_what_was_kept)
{
    const mlk_cmat X = spread(3, 80, 6);
    for (int whiten = 0; whiten < 2; whiten++)
        for (size_t k = 3; k <= 6; k += 3) {
            mlk_pca *model = fit(X, (double)k, whiten, MLK_PCA_AUTO);
            mlk_mat Z = test_mat(80, k), back = test_mat(80, 6);
            double error = 0.0;
            require_ok(mlk_pca_transform(model, X, NULL, Z));
            require_ok(mlk_pca_inverse_transform(model, mlk_mat_c(Z), NULL, back));
            for (size_t i = 0; i < 80 * 6; i++)
                error += (X.data[i] - back.data[i]) * (X.data[i] - back.data[i]);
            require_close(error / 80, mlk_pca_reconstruction_error(model), 1e-12);
            for (size_t c = 0; c < k; c++) { /* uncorrelated scores of mean 0 */
                double mean = 0.0, square = 0.0, cross = 0.0;
                for (size_t i = 0; i < 80; i++) {
                    mean += Z.data[i * k + c];
                    square += Z.data[i * k + c] * Z.data[i * k + c];
                    cross += Z.data[i * k + c] * Z.data[i * k];
                }
                const double v = whiten ? 1.0 : mlk_pca_variance(model).data[c];
                require_close(mean, 0.0, 1e-10);
                require_relative(square / 79, v, 1e-12);
                if (c)
                    require_close(cross, 0.0, 1e-9);
            }
            mlk_pca_free(model);
        }
}
END_TEST

static double cross_covariance(mlk_cmat A, mlk_cmat B, size_t a, size_t b)
{
    double mean = 0.0, sum = 0.0;
    for (size_t i = 0; i < A.rows; i++)
        mean += A.data[i * A.ld + a] / (double)A.rows;
    for (size_t i = 0; i < A.rows; i++)
        sum += (A.data[i * A.ld + a] - mean) * B.data[i * B.ld + b];
    return sum / (double)(A.rows - 1);
}

/* The covariance of X and its ZCA scores is the symmetric root of that of X, which no other
 * whitening has. */
START_TEST(zca_scores_are_white_and_symmetric)
{
    const size_t n = 200, p = 5;
    const mlk_cmat X = spread(8, n, p);
    for (size_t k = 3; k <= p; k += 2) {
        const mlk_pca_opts opts = {(double)k, false, MLK_PCA_AUTO, 0, true};
        mlk_pca *model;
        mlk_mat Z = test_mat(n, p), back = test_mat(n, p), root = test_mat(p, p);
        double trace = 0.0, error = 0.0;
        require_ok(mlk_pca_fit(&(mlk_data){.X = X}, &opts, NULL, &model));
        require_ok(mlk_pca_transform(model, X, NULL, Z));
        for (size_t a = 0; a < p; a++)
            for (size_t b = 0; b < p; b++) {
                root.data[a * p + b] = cross_covariance(X, mlk_mat_c(Z), a, b);
                trace += a == b ? cross_covariance(mlk_mat_c(Z), mlk_mat_c(Z), a, a) : 0.0;
                if (k == p)
                    require_close(cross_covariance(mlk_mat_c(Z), mlk_mat_c(Z), a, b), a == b,
                                  1e-10);
            }
        require_close(trace, (double)k, 1e-10); /* of fewer components: as many white dimensions */
        for (size_t a = 0; a < p; a++)
            for (size_t b = 0; b < p; b++) {
                double square = 0.0;
                for (size_t l = 0; l < p; l++)
                    square += root.data[a * p + l] * root.data[l * p + b];
                require_close(root.data[a * p + b], root.data[b * p + a], 1e-10);
                if (k == p)
                    require_close(square, cross_covariance(X, X, a, b), 1e-10);
            }
        require_ok(mlk_pca_inverse_transform(model, mlk_mat_c(Z), NULL, back));
        for (size_t i = 0; i < n * p; i++)
            error += (X.data[i] - back.data[i]) * (X.data[i] - back.data[i]);
        require_close(error / (double)n, mlk_pca_reconstruction_error(model), 1e-11);
        mlk_pca_free(model);
        test_map_repeats(&mlk_pca_algo, &opts, X, X);
    }
}
END_TEST

START_TEST(directions_without_variance_have_score_0_when_whitened)
{
    const mlk_cmat A = test_random_mat(4, 30, 2);
    mlk_mat X = test_mat(30, 4), Z = test_mat(30, 4);
    for (size_t i = 0; i < 30; i++)
        for (size_t j = 0; j < 4; j++)
            X.data[4 * i + j] = j == 3 ? 7.0 : A.data[2 * i + j % 2];
    mlk_pca *model = fit(mlk_mat_c(X), MLK_PCA_ALL, true, MLK_PCA_AUTO);
    require_ok(mlk_pca_transform(model, mlk_mat_c(X), NULL, Z));
    for (size_t i = 0; i < 30; i++)
        for (size_t c = 0; c < 4; c++)
            ck_assert(c < 2 ? isfinite(Z.data[4 * i + c]) : fabs(Z.data[4 * i + c]) < 10.0);
    const mlk_cmat V = mlk_pca_components(model);
    for (size_t a = 0; a < 4; a++)
        for (size_t b = 0; b <= a; b++)
            require_close(test_dot(V.data + 4 * a, V.data + 4 * b, 4), a == b, 1e-12);
    mlk_pca_free(model);
}
END_TEST

/* ------------------------------------------------------------------------- figures */

START_TEST(book_8_1_and_8_2_three_dimensions)
{
    const char *path = test_shared_path("book/ch8_pca3d60.csv");
    if (!path)
        return;
    const mlk_cmat X = test_read_csv(path);
    const double ratio[] = {.84248607, .14631839, .01119554};
    const double pc[] = {.93636116, .29854881, .18465208, .34027485, -.90119108, -.2684542};
    mlk_pca *all = fit(X, MLK_PCA_ALL, false, MLK_PCA_AUTO), *two = fit(X, 2.0, false, 0);
    mlk_mat Z = test_mat(X.rows, 2);
    for (size_t c = 0; c < 3; c++)
        require_close(mlk_pca_ratio(all).data[c], ratio[c], 5e-9);
    for (size_t c = 0; c < 2; c++) {
        const double *v = mlk_pca_components(two).data + 3 * c;
        const double sign = test_dot(v, pc + 3 * c, 3) < 0.0 ? -1.0 : 1.0;
        for (size_t j = 0; j < 3; j++)
            require_close(sign * v[j], pc[3 * c + j], 5e-9);
    }
    require_ok(mlk_pca_transform(two, X, NULL, Z));
    require_close(fabs(Z.data[0]), 1.26203346, 5e-9);
    require_close(fabs(Z.data[1]), .42067648, 5e-9);
    require_relative(mlk_pca_reconstruction_error(two), .010170337792848549, 1e-10);
    mlk_pca_free(all);
    mlk_pca_free(two);
}
END_TEST

START_TEST(digits_need_29_components_for_95_percent)
{
    const mlk_cmat X = test_table("digits", 64);
    const double first[] = {.14890594, .13618771, .11794594};
    double sum = 0.0;
    mlk_pca *model = fit(X, 0.95, false, MLK_PCA_AUTO);
    ck_assert_uint_eq(mlk_pca_components(model).rows, 29);
    for (size_t c = 0; c < 29; c++)
        sum += mlk_pca_ratio(model).data[c];
    require_relative(sum, .9547965245651596, 1e-12);
    for (size_t c = 0; c < 3; c++)
        require_close(mlk_pca_ratio(model).data[c], first[c], 5e-9);
    mlk_pca_free(model);
}
END_TEST

/* tests/reference/pca.py */
static const struct {
    const char *name;
    size_t columns, mle;
} sklearn[] = {{"iris", 4, 3}, {"wine", 13, 12}, {"breast_cancer", 30, 29}, {"digits", 64, 61}};

START_TEST(minkas_choice_is_that_of_scikit_learn)
{
    mlk_pca *model = fit(test_table(sklearn[_i].name, sklearn[_i].columns), MLK_PCA_MLE, false, 0);
    ck_assert_uint_eq(mlk_pca_components(model).rows, sklearn[_i].mle);
    mlk_pca_free(model);
}
END_TEST

START_TEST(whitened_iris_is_that_of_scikit_learn)
{
    const double variance[] = {4.228241706034864, 0.24267074792863344, 0.07820950004291942};
    const double scores[] = {-1.3053378633198562, 0.6483693157802363,   -0.0998171567550147,
                             -1.3199352059240517, -0.35930855514416216, -0.7525729901078162};
    const mlk_cmat X = test_table("iris", 4), two = {X.data, 2, 4, X.ld};
    mlk_pca *model = fit(X, 3.0, true, MLK_PCA_AUTO);
    mlk_mat Z = test_mat(2, 3);
    require_ok(mlk_pca_transform(model, two, NULL, Z));
    for (size_t c = 0; c < 3; c++)
        require_relative(mlk_pca_variance(model).data[c], variance[c], 1e-12);
    for (size_t i = 0; i < 6; i++)
        require_close(Z.data[i], scores[i], 1e-10);
    mlk_pca_free(model);
}
END_TEST

/* ------------------------------------------------------------------ invariances */

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    const mlk_cmat X = spread(6, 5000, 24);
    const int threads[] = {1, 2, 3, 8};
    for (int solver = MLK_PCA_AUTO; solver <= MLK_PCA_RANDOMISED; solver++) {
        mlk_mat first = test_mat(5000, 6), out = test_mat(5000, 6);
        for (size_t k = 0; k < MLK_COUNT(threads); k++) {
            const mlk_run run = {.threads = threads[k]};
            const mlk_pca_opts opts = {6.0, false, solver, 3, false};
            mlk_pca *model;
            require_ok(mlk_pca_fit(&(mlk_data){.X = X}, &opts, &run, &model));
            require_ok(mlk_pca_transform(model, X, &run, k ? out : first));
            if (k)
                require_same(first.data, out.data, 5000 * 6 * sizeof(double));
            mlk_pca_free(model);
        }
    }
}
END_TEST

/* Two columns of equal variance: the components are (1, 1) and (1, -1) over root 2, the sign of the
 * first column deciding, whatever rounding the order of the rows brings. */
START_TEST(equal_loadings_leave_the_sign_to_the_first)
{
    enum { N = 31 };
    for (uint64_t seed = 0; seed < 40; seed++) {
        const mlk_cmat Z = test_random_mat(300 + seed, N, 2);
        mlk_mat X = test_mat(N, 2);
        for (size_t j = 0; j < 2; j++) {
            double mean = 0.0, square = 0.0;
            for (size_t i = 0; i < N; i++)
                mean += Z.data[2 * i + j] / N;
            for (size_t i = 0; i < N; i++)
                square += (Z.data[2 * i + j] - mean) * (Z.data[2 * i + j] - mean);
            for (size_t i = 0; i < N; i++)
                X.data[2 * i + j] = (Z.data[2 * i + j] - mean) / sqrt(square);
        }
        mlk_pca *model = fit(mlk_mat_c(X), 2.0, false, MLK_PCA_AUTO);
        const mlk_cmat V = mlk_pca_components(model);
        require_close(V.data[0], sqrt(0.5), 1e-9);
        require_close(V.data[2], sqrt(0.5), 1e-9);
        mlk_pca_free(model);
    }
}
END_TEST

START_TEST(survives_an_archive)
{
    const mlk_cmat X = spread(7, 40, 5);
    const mlk_pca_opts opts = {3.0, true, MLK_PCA_AUTO, 0, false};
    mlk_doc *doc = mlk_doc_new();
    mlk_mat a = test_mat(40, 3), b = test_mat(40, 3), c = test_mat(40, 5), d = test_mat(40, 5);
    mlk_model *model, *back;
    require_ok(mlk_model_fit(&mlk_pca_algo, &opts, &(mlk_data){.X = X}, NULL, &model));
    mlk_model_save(model, doc);
    require_ok(mlk_model_load(doc, &back));
    mlk_doc_free(doc);
    require_ok(mlk_model_transform(model, X, NULL, a));
    require_ok(mlk_model_transform(back, X, NULL, b));
    require_same(a.data, b.data, 120 * sizeof(double));
    require_ok(mlk_model_inverse_transform(model, mlk_mat_c(a), NULL, c));
    require_ok(mlk_model_inverse_transform(back, mlk_mat_c(a), NULL, d));
    require_same(c.data, d.data, 200 * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(back);
}
END_TEST

/* ------------------------------------------------------------------------- bad input */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_random_mat(1, 6, 4), wide = test_random_mat(1, 3, 8);
    const double equal[] = {1, 2, 1, 2, 1, 2};
    const double tiny[] = {-1e-200, 0, 1e-200}, huge[] = {-1e200, 0, 1e200};
    const struct {
        mlk_cmat X;
        mlk_pca_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {X,
         {5, false, 0, 0, false},
         MLK_EINVAL,
         "n_components = 5; expected a whole number up to 4"},
        {X, {2.5, false, 0, 0, false}, MLK_EINVAL, "n_components = 2.5; expected a whole number"},
        {X, {0, false, 0, 0, false}, MLK_EINVAL, "n_components = 0 is outside"},
        {X, {0.5, false, MLK_PCA_RANDOMISED, 0, false}, MLK_EINVAL, "solver = randomised needs"},
        {wide, {MLK_PCA_MLE, false, 0, 0, false}, MLK_EINVAL, "mle needs n >= p; X is 3 x 8"},
        {{X.data, 1, 4, 4}, {1, false, 0, 0, false}, MLK_EINVAL, "X has 1 row"},
        {{equal, 3, 2, 2}, {1, false, 0, 0, false}, MLK_ESINGULAR, "all rows are equal"},
        {{tiny, 3, 1, 1}, {1, false, 0, 0, false}, MLK_ESINGULAR, "or the variance underflows"},
        {{huge, 3, 1, 1}, {1, false, 0, 0, false}, MLK_ESINGULAR, "the variance overflows"},
    };
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        mlk_pca *model;
        require_fail(mlk_pca_fit(&(mlk_data){.X = cases[k].X}, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_cmat X = spread(9, 12, 5), wide = spread(9, 5, 12);
    const mlk_run run = {.threads = 1};
    for (int solver = MLK_PCA_AUTO; solver <= MLK_PCA_RANDOMISED; solver++)
        for (int w = 0; w < 2; w++) {
            const mlk_pca_opts opts = {2.0, false, solver, 0, false};
            mlk_pca *model;
            mlk_status st = MLK_ENOMEM;
            for (int k = 0; st != MLK_OK; k++) {
                mlk_test_fail_at = k;
                st = mlk_pca_fit(&(mlk_data){.X = w ? wide : X}, &opts, &run, &model);
                mlk_test_fail_at = -1;
                ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
            }
            mlk_pca_free(model);
        }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("decomposition/pca");
    TCase *definition = test_case(s, "definition"), *figures = test_case(s, "figures");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_loop_test(definition, agrees_with_jacobis_rotations, 0, (int)MLK_COUNT(shapes));
    tcase_add_test(definition, inverse_transform_undoes_what_was_kept);
    tcase_add_test(definition, zca_scores_are_white_and_symmetric);
    tcase_add_test(definition, directions_without_variance_have_score_0_when_whitened);
    tcase_add_test(figures, book_8_1_and_8_2_three_dimensions);
    tcase_add_test(figures, digits_need_29_components_for_95_percent);
    tcase_add_loop_test(figures, minkas_choice_is_that_of_scikit_learn, 0, (int)MLK_COUNT(sklearn));
    tcase_add_test(figures, whitened_iris_is_that_of_scikit_learn);
    tcase_add_test(same, any_number_of_threads_gives_the_same_bytes);
    tcase_add_test(same, equal_loadings_leave_the_sign_to_the_first);
    tcase_add_test(same, survives_an_archive);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
