#include <mlkit/ensemble/extra_trees.h>

#include "support/mlk_test.h"

START_TEST(more_trees_make_fewer_errors)
{
    const mlk_cmat X = test_random_mat(1, 800, 6);
    const mlk_data train = {.X = mlk_cmat_rows(X, 0, 400), .y = {NULL, 400}, .n_classes = 3};
    const mlk_cvec y = test_classes(7, X, 3);
    mlk_data d = train;
    d.y.data = y.data;
    const mlk_cmat test = mlk_cmat_rows(X, 400, 800);
    double error[2];
    mlk_forest_opts o = mlk_extra_trees_opts_default();
    for (int i = 0; i < 2; i++) {
        mlk_forest *f;
        mlk_vec out = test_vec(400);
        o.n_estimators = i ? 100 : 1;
        require_ok(mlk_extra_trees_fit(&d, &o, NULL, &f));
        require_ok(mlk_forest_predict(f, test, NULL, out));
        error[i] = 0.0;
        for (size_t r = 0; r < 400; r++)
            error[i] += out.data[r] != y.data[400 + r];
        mlk_forest_free(f);
    }
    ck_assert_msg(error[1] < 0.8 * error[0], "%g wrong of 400 with 100 trees, %g with one",
                  error[1], error[0]);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("ensemble/extra_trees");
    tcase_add_test(test_case(s, "fit"), more_trees_make_fewer_errors);
    return s;
}
