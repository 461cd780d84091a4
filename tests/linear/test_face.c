#include "linear/face.h"

#include "support/mlk_test.h"

/* A problem with its Gram matrix in plain loops, at a given w. */
typedef struct fixture {
    mlk_cmat X;
    mlk_cvec t;
    mlk_mat G;
    mlk_vec norm2, zt, w, g;
    mlk_cd_problem problem;
    mlk_face face;
} fixture;

static double column_dot(mlk_cmat X, size_t j, const double *v)
{
    double sum = 0.0;
    for (size_t i = 0; i < X.rows; i++)
        sum += X.data[i * X.ld + j] * v[i];
    return sum;
}

/* t - X w */
static mlk_vec residuals(const fixture *f)
{
    const mlk_vec r = test_vec(f->X.rows);
    for (size_t i = 0; i < f->X.rows; i++)
        r.data[i] = f->t.data[i] - test_dot(f->X.data + i * f->X.ld, f->w.data, f->X.cols);
    return r;
}

static void set_weights(fixture *f, const double *w)
{
    memcpy(f->w.data, w, f->w.n * sizeof *w);
    const mlk_vec r = residuals(f);
    for (size_t j = 0; j < f->X.cols; j++)
        f->g.data[j] = column_dot(f->X, j, r.data);
}

static void set_up(fixture *f, mlk_cmat X, mlk_cvec t)
{
    const size_t p = X.cols;
    *f = (fixture){.X = X,
                   .t = t,
                   .G = test_mat(p, p),
                   .norm2 = test_vec(p),
                   .zt = test_vec(p),
                   .w = test_vec(p),
                   .g = test_vec(p)};
    for (size_t j = 0; j < p; j++) {
        f->zt.data[j] = column_dot(X, j, t.data);
        for (size_t k = 0; k < p; k++)
            for (size_t i = 0; i < X.rows; i++)
                f->G.data[j * p + k] += X.data[i * X.ld + j] * X.data[i * X.ld + k];
        f->norm2.data[j] = f->G.data[j * p + j];
    }
    f->problem = (mlk_cd_problem){.m = p,
                                  .norm2 = f->norm2.data,
                                  .w = f->w.data,
                                  .g = f->g.data,
                                  .G = mlk_mat_c(f->G),
                                  .zt = f->zt.data,
                                  .tt = test_dot(t.data, t.data, t.n),
                                  .face = &f->face};
}

static double objective(const fixture *f, const mlk_cd_penalty *q)
{
    const mlk_vec r = residuals(f);
    return 0.5 * test_dot(r.data, r.data, r.n) + mlk_cd_penalty_of(q, f->w.data, f->w.n);
}

/* g is that of w, and on the face its gradient vanishes. */
static void require_minimiser(const fixture *f, const mlk_cd_penalty *q)
{
    const mlk_vec r = residuals(f);
    for (size_t j = 0; j < f->X.cols; j++) {
        const double w = f->w.data[j], g = column_dot(f->X, j, r.data);
        require_close(f->g.data[j], g, 1e-11 * f->problem.tt);
        if (w != 0.0)
            require_close(g - q->l2 * w, copysign(q->l1, w), 1e-9 * f->problem.tt);
    }
}

START_TEST(goes_to_the_minimiser_of_the_face)
{
    const double start[] = {0.3, 0.0, -0.2, 0.0, 0.1, 0.4};
    const mlk_cd_penalty q = {0.5, _i ? 0.7 : 0.0, false};
    bool taken;
    fixture f;
    set_up(&f, test_random_mat(1, 30, 6), test_random_vec(2, 30));
    set_weights(&f, start);
    const double before = objective(&f, &q);
    require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
    ck_assert(objective(&f, &q) < before);
    ck_assert(f.w.data[1] == 0.0 && f.w.data[3] == 0.0);
    for (size_t j = 0; j < 6; j++)
        ck_assert(f.w.data[j] * start[j] >= 0.0);
    require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken)); /* on what is left */
    require_minimiser(&f, &q);
    mlk_face_release(&f.face);
}
END_TEST

START_TEST(keeps_its_factor_while_coordinates_come_and_go)
{
    const mlk_cd_penalty q = {0.01, 0.0, false};
    const size_t p = 12;
    bool taken;
    fixture f;
    set_up(&f, test_random_mat(3, 40, p), test_linear_target(4, test_random_mat(3, 40, p), 0.1));
    mlk_vec start = test_vec(p);
    for (size_t round = 0; round < 20; round++) {
        for (size_t j = 0; j < p; j++) /* signs of the solution, so that nothing is lost */
            start.data[j] = (j * 7 + round * 5) % 4 ? copysign(0.1, f.zt.data[j]) : 0.0;
        set_weights(&f, start.data);
        require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
        require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
        require_minimiser(&f, &q);
    }
    mlk_face_release(&f.face);
}
END_TEST

/* Twice the rank, so that half of the columns depend on the others: the fit may only get better,
 * and the columns left are independent. */
START_TEST(sheds_dependent_columns)
{
    const mlk_cd_penalty q = {0.02, 0.0, false};
    const mlk_cmat half = test_random_mat(5, 40, 5);
    const mlk_mat X = test_mat(40, 10);
    bool taken;
    fixture f;
    for (size_t i = 0; i < 40; i++)
        for (size_t j = 0; j < 10; j++)
            X.data[i * 10 + j] = j < 5 ? half.data[i * 5 + j]
                                       : half.data[i * 5 + j - 5] - half.data[i * 5 + (j - 4) % 5];
    set_up(&f, mlk_mat_c(X), test_linear_target(6, half, 0.1));
    mlk_vec start = test_vec(10);
    for (size_t j = 0; j < 10; j++)
        start.data[j] = j % 3 ? 0.5 : -0.3;
    set_weights(&f, start.data);
    const double before = objective(&f, &q);
    require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
    size_t left = 0;
    for (size_t j = 0; j < 10; j++)
        left += f.w.data[j] != 0.0;
    ck_assert_uint_le(left, 5);
    ck_assert(objective(&f, &q) < before);
    require_minimiser(&f, &q);
    mlk_face_release(&f.face);
}
END_TEST

START_TEST(follows_new_numbers_of_coordinates)
{
    const mlk_cd_penalty q = {0.1, 0.0, false};
    const size_t place[] = {2, SIZE_MAX, 0, 1};
    const double first[] = {0.5, 0.0, -0.5, 0.5}, then[] = {-0.4, 0.4, 0.4};
    const mlk_cmat X = test_random_mat(7, 20, 4);
    const mlk_mat Y = test_mat(20, 3);
    const mlk_cvec t = test_random_vec(8, 20);
    bool taken;
    fixture f, g;
    set_up(&f, X, t);
    set_weights(&f, first);
    require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
    for (size_t i = 0; i < 20; i++)
        for (size_t j = 0; j < 4; j++)
            if (place[j] != SIZE_MAX)
                Y.data[i * 3 + place[j]] = X.data[i * 4 + j];
    set_up(&g, mlk_mat_c(Y), t);
    g.face = f.face;
    mlk_face_renumber(&g.face, place);
    set_weights(&g, then);
    require_ok(mlk_face_step(&g.face, &g.problem, &q, INFINITY, &taken));
    require_ok(mlk_face_step(&g.face, &g.problem, &q, INFINITY, &taken));
    require_minimiser(&g, &q);
    mlk_face_release(&g.face);
}
END_TEST

START_TEST(keeps_to_its_budget)
{
    const mlk_cd_penalty q = {0.01, 0.0, false};
    bool taken;
    fixture f;
    set_up(&f, test_random_mat(1, 30, 6), test_random_vec(2, 30));
    set_weights(&f, f.zt.data); /* all 6; 6^3 / 3 = 72 multiplications */
    require_ok(mlk_face_step(&f.face, &f.problem, &q, 71.0, &taken));
    ck_assert(!taken);
    require_same(f.w.data, f.zt.data, 6 * sizeof(double));
    require_ok(mlk_face_step(&f.face, &f.problem, &q, 72.0, &taken));
    ck_assert(taken);
    mlk_face_release(&f.face);
}
END_TEST

START_TEST(does_nothing_at_zero)
{
    const mlk_cd_penalty q = {0.5, 0.0, false};
    const double start[3] = {0};
    bool taken;
    fixture f;
    set_up(&f, test_random_mat(1, 9, 3), test_random_vec(2, 9));
    set_weights(&f, start);
    require_ok(mlk_face_step(&f.face, &f.problem, &q, INFINITY, &taken));
    require_same(f.w.data, start, sizeof start);
    ck_assert(!taken);
    mlk_face_release(&f.face);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/face");
    TCase *step = test_case(s, "step");
    tcase_add_loop_test(step, goes_to_the_minimiser_of_the_face, 0, 2);
    tcase_add_test(step, keeps_its_factor_while_coordinates_come_and_go);
    tcase_add_test(step, sheds_dependent_columns);
    tcase_add_test(step, follows_new_numbers_of_coordinates);
    tcase_add_test(step, keeps_to_its_budget);
    tcase_add_test(step, does_nothing_at_zero);
    return s;
}
