#include <mlkit/decomposition/kernel_pca.h>
#include <mlkit/decomposition/pca.h>

#include "support/jacobi.h"
#include "support/maps.h"

static mlk_kernel_pca *fit(mlk_cmat X, const mlk_kernel_pca_opts *opts)
{
    mlk_kernel_pca *model;
    require_ok(mlk_kernel_pca_fit(&(mlk_data){.X = X}, opts, NULL, &model));
    return model;
}

static mlk_kernel_pca_opts options(int kernel, double gamma, int64_t degree, double coef0)
{
    mlk_kernel_pca_opts opts = mlk_kernel_pca_opts_default();
    opts.n_components = 3;
    opts.kernel = kernel;
    opts.gamma = gamma;
    opts.degree = degree;
    opts.coef0 = coef0;
    return opts;
}

static double literal_kernel(const mlk_kernel_pca_opts *o, const double *a, const double *b,
                             size_t p)
{
    double dot = 0.0, square = 0.0;
    for (size_t j = 0; j < p; j++) {
        dot += a[j] * b[j];
        square += (a[j] - b[j]) * (a[j] - b[j]);
    }
    return o->kernel == MLK_KERNEL_RBF      ? exp(-o->gamma * square)
           : o->kernel == MLK_KERNEL_LINEAR ? dot
           : o->kernel == MLK_KERNEL_POLY   ? pow(o->gamma * dot + o->coef0, (double)o->degree)
                                            : tanh(o->gamma * dot + o->coef0);
}

/* Every other row of iris. */
static mlk_cmat iris(void)
{
    const mlk_cmat X = test_table("iris", 4);
    return (mlk_cmat){X.data, 75, 4, 2 * X.ld};
}

/* Values and scores of J K J by Jacobi's rotations, kernel values by their formulas. */
START_TEST(scores_are_those_of_the_definition)
{
    const mlk_kernel_pca_opts all[] = {
        options(MLK_KERNEL_LINEAR, 1.0, 3, 1.0), options(MLK_KERNEL_RBF, 0.3, 3, 1.0),
        options(MLK_KERNEL_POLY, 0.5, 3, 2.0), options(MLK_KERNEL_SIGMOID, 0.05, 3, 0.1)};
    const mlk_kernel_pca_opts o = all[_i];
    const size_t n = 40, p = 4;
    const mlk_cmat X = test_random_mat(50, n, p);
    mlk_mat K = test_mat(n, n), V = test_mat(n, n), Z = test_mat(n, 3), own = test_mat(n, 3);
    mlk_vec means = test_vec(n), lambda = test_vec(n);
    double mean = 0.0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            K.data[i * n + j] = literal_kernel(&o, X.data + i * p, X.data + j * p, p);
            means.data[i] += K.data[i * n + j] / (double)n;
            mean += K.data[i * n + j] / (double)(n * n);
        }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            K.data[i * n + j] += mean - means.data[i] - means.data[j];
    test_jacobi(mlk_mat_c(K), lambda, V);
    mlk_kernel_pca *model = fit(X, &o);
    double trace = 0.0;
    for (size_t i = 0; i < n; i++)
        trace += K.data[i * n + i];
    for (size_t c = 0; c < 3; c++) {
        require_relative(mlk_kernel_pca_eigenvalues(model).data[c], lambda.data[c], 1e-10);
        require_relative(mlk_kernel_pca_ratio(model).data[c], lambda.data[c] / trace, 1e-10);
        for (size_t i = 0; i < n; i++)
            Z.data[3 * i + c] = V.data[i * n + c] * sqrt(lambda.data[c]);
    }
    test_same_columns(mlk_kernel_pca_embedding(model), mlk_mat_c(Z), 1e-9);
    require_ok(mlk_kernel_pca_transform(model, X, NULL, own));
    for (size_t i = 0; i < 3 * n; i++)
        require_close(own.data[i], mlk_kernel_pca_embedding(model).data[i],
                      1e-11 * sqrt(lambda.data[0]));
    mlk_kernel_pca_free(model);
}
END_TEST

START_TEST(the_linear_kernel_gives_principal_components)
{
    const mlk_cmat X = iris();
    mlk_kernel_pca_opts opts = mlk_kernel_pca_opts_default();
    const mlk_pca_opts plain = {2.0, false, MLK_PCA_AUTO, 0};
    opts.n_components = 2;
    mlk_kernel_pca *model = fit(X, &opts);
    mlk_pca *pca;
    mlk_mat Z = test_mat(75, 2);
    require_ok(mlk_pca_fit(&(mlk_data){.X = X}, &plain, NULL, &pca));
    require_ok(mlk_pca_transform(pca, X, NULL, Z));
    test_same_columns(mlk_kernel_pca_embedding(model), mlk_mat_c(Z), 1e-11);
    for (size_t c = 0; c < 2; c++)
        require_relative(mlk_kernel_pca_eigenvalues(model).data[c],
                         74.0 * mlk_pca_variance(pca).data[c], 1e-11);
    mlk_pca_free(pca);
    mlk_kernel_pca_free(model);
}
END_TEST

/* tests/reference/maps.py: scores and pre-images of rows 1 and 2, which the fit has not seen as row
 * 1. */
static const struct {
    int kernel;
    double gamma;
    int64_t degree;
    double coef0, eigenvalues[3], scores[6], back[8];
} sklearn[] = {
    {MLK_KERNEL_LINEAR,
     MLK_GAMMA_AUTO,
     3,
     1.0,
     {318.7031416541676, 16.016310775963774, 7.417715529579204},
     {-2.727137022991071, 0.23091552150749584, 0.25311862978193966, -2.903210564551171,
      0.23357484705991433, 0.022145432018111144},
     {-0.9769490497681943, -0.006480538851903361, -2.3115464282829095, -1.1057358772734602,
      -1.148390776824229, 0.15837235920309922, -2.448355844050127, -1.0562442560611078}},
    {MLK_KERNEL_RBF,
     0.1,
     3,
     1.0,
     {23.043626969529914, 5.594130150756606, 1.3573035770425312},
     {0.7630959037009686, 0.058880194238765365, 0.11794848574668965, 0.782577632770973,
      0.10568727043533202, 0.12720705773139682},
     {4.950805626309345, 3.305472487652707, 1.6917149322394567, 0.33804434341028244,
      4.943830897549544, 3.3205332205555966, 1.6630339874871618, 0.3306771252946983}},
    {MLK_KERNEL_POLY,
     0.05,
     2,
     2.0,
     {199.5279817302928, 9.112813682852721, 4.248418460646532},
     {-2.1008959904983, 0.12616196762972332, -0.1464181406116003, -2.2079198121202395,
      0.13194118444580583, -0.014350575227886964},
     {4.864875203143816, 3.1668036409715175, 1.531606904318016, 0.2051567844893638,
      4.764611906292088, 3.258856557064448, 1.4056451245708659, 0.20100941795039962}},
    {MLK_KERNEL_SIGMOID,
     0.01,
     3,
     1.0,
     {0.31535930715956567, 0.009412902387802902, 0.005433407592783445},
     {0.08470310073435407, 0.01589205802698051, 0.00767405553147469, 0.09378316024946382,
      0.0038391564374612545, 0.011249041713011255},
     {5.787293108053207, 3.0383897046562023, 3.7373345362086767, 1.2055403758215375,
      5.787058893808465, 3.0385144439424625, 3.7367057866568016, 1.2052819791571228}},
};

START_TEST(scores_and_preimages_are_those_of_scikit_learn)
{
    const mlk_cmat all = test_table("iris", 4);
    mlk_kernel_pca_opts opts =
        options(sklearn[_i].kernel, sklearn[_i].gamma, sklearn[_i].degree, sklearn[_i].coef0);
    opts.fit_inverse_transform = true;
    opts.alpha = 0.5;
    mlk_kernel_pca *model = fit(iris(), &opts);
    mlk_mat Z = test_mat(2, 3), back = test_mat(2, 4);
    require_ok(mlk_kernel_pca_transform(model, mlk_cmat_rows(all, 1, 3), NULL, Z));
    require_ok(mlk_kernel_pca_inverse_transform(model, mlk_mat_c(Z), NULL, back));
    for (size_t c = 0; c < 3; c++)
        require_relative(mlk_kernel_pca_eigenvalues(model).data[c], sklearn[_i].eigenvalues[c],
                         1e-10);
    for (size_t i = 0; i < 6; i++)
        require_close(Z.data[i], sklearn[_i].scores[i], 1e-9);
    for (size_t i = 0; i < 8; i++)
        require_close(back.data[i], sklearn[_i].back[i], 1e-8);
    mlk_kernel_pca_free(model);
}
END_TEST

START_TEST(repeats_for_any_number_of_threads_and_after_an_archive)
{
    mlk_kernel_pca_opts opts = options(MLK_KERNEL_RBF, 0.01, 3, 1.0);
    opts.fit_inverse_transform = _i;
    test_map_repeats(&mlk_kernel_pca_algo, &opts, test_roll(0, 600), test_roll(600, 100));
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_kernel_pca_opts opts = options(MLK_KERNEL_RBF, 0.01, 3, 1.0);
    opts.fit_inverse_transform = _i;
    test_map_survives(&mlk_kernel_pca_algo, &opts, test_roll(0, 30), test_roll(30, 3));
}
END_TEST

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_cmat X = test_roll(0, 8);
    const double equal[] = {1, 2, 1, 2, 1, 2}, huge[] = {1e200, 0, -1e200, 1};
    mlk_kernel_pca_opts many = options(0, 1.0, 3, 1.0), rank = options(MLK_KERNEL_LINEAR, 1, 3, 1);
    mlk_kernel_pca_opts idle = rank, wrong = rank, two = rank;
    many.n_components = 8;
    rank.n_components = 4;
    idle.alpha = 2.0;
    wrong.gamma = 0.0;
    two.n_components = 2;
    const struct {
        mlk_cmat X;
        mlk_kernel_pca_opts opts;
        mlk_status status;
        const char *text;
    } cases[] = {
        {X, many, MLK_EINVAL, "n_components = 8; 8 rows span at most 7 dimensions"},
        {X, rank, MLK_EINVAL, "n_components = 4; the kernel's images span 3 dimensions"},
        {{X.data, 8, 1, 3},
         two,
         MLK_EINVAL,
         "n_components = 2; the kernel's images span 1 dimension"},
        {X, idle, MLK_EINVAL, "alpha = 2 has no effect without fit_inverse_transform = true"},
        {X, wrong, MLK_EINVAL, "gamma = 0 is outside"},
        {{X.data, 1, 3, 3}, two, MLK_EINVAL, "X has 1 row; a map needs at least 2"},
        {{equal, 3, 2, 2}, two, MLK_ESINGULAR, "all 3 rows are equal: there is nothing to map"},
        {{huge, 4, 1, 1},
         options(MLK_KERNEL_POLY, 1, 3, 0),
         MLK_ESINGULAR,
         "kernel values overflow: scale the columns or gamma"},
    };
    mlk_kernel_pca *model;
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        require_fail(mlk_kernel_pca_fit(&(mlk_data){.X = cases[k].X}, &cases[k].opts, NULL, &model),
                     cases[k].status, cases[k].text);
        ck_assert_ptr_null(model);
    }
    mlk_mat Z = test_mat(2, 2), back = test_mat(2, 3);
    model = fit(X, &two);
    require_fail(mlk_kernel_pca_inverse_transform(model, mlk_mat_c(Z), NULL, back),
                 MLK_EUNSUPPORTED, "fitted without fit_inverse_transform = true");
    mlk_kernel_pca_free(model);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("decomposition/kernel_pca");
    TCase *definition = test_case(s, "definition"), *figures = test_case(s, "figures");
    TCase *same = test_case(s, "invariance"), *errors = test_case(s, "errors");
    tcase_add_loop_test(definition, scores_are_those_of_the_definition, 0, 4);
    tcase_add_test(definition, the_linear_kernel_gives_principal_components);
    tcase_add_loop_test(figures, scores_and_preimages_are_those_of_scikit_learn, 0,
                        (int)MLK_COUNT(sklearn));
    tcase_add_loop_test(same, repeats_for_any_number_of_threads_and_after_an_archive, 0, 2);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, 2);
    return s;
}
