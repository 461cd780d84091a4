#include <mlkit/selection/threshold.h>

#include "support/mlk_test.h"

enum { N = 90, K = 5 };

/* Probabilities that say something: truth 1 where p + noise is large. Row 7 has none. */
static void make(mlk_vec *truth, mlk_mat *P, mlk_vec *w)
{
    const mlk_cvec a = test_random_vec(3, N), b = test_random_vec(4, N);
    *truth = test_vec(N);
    *P = test_mat(N, 2);
    *w = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        const double p = 1 / (1 + exp(1 - a.data[i]));
        truth->data[i] = (double)(a.data[i] + b.data[i] > 1);
        P->data[2 * i] = i == 7 ? (double)NAN : 1 - p;
        P->data[2 * i + 1] = i == 7 ? (double)NAN : p;
        w->data[i] = 0.5 + (double)(i % 4);
    }
}

static mlk_folds *make_folds(void)
{
    size_t of[N];
    mlk_folds *f;
    for (size_t i = 0; i < N; i++)
        of[i] = i * 3 % K;
    require_ok(mlk_folds_from(of, N, K, &f));
    return f;
}

/* F-beta or mean cost of rows in or out of a fold (K: all rows), by counting. */
static double slow_value(const mlk_threshold_rule *r, const double *y, const double *P,
                         const double *w, size_t without, double t)
{
    double c[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < N; i++)
        if (i != 7 && i * 3 % K != without)
            c[(size_t)y[i]][P[2 * i + 1] >= t] += w ? w[i] : 1;
    if (r->by_cost)
        return (c[0][1] * r->cost[0][1] + c[1][0] * r->cost[1][0]) /
               (c[0][0] + c[0][1] + c[1][0] + c[1][1]);
    const double b2 = r->beta * r->beta;
    return (1 + b2) * c[1][1] / ((1 + b2) * c[1][1] + b2 * c[1][0] + c[0][1]);
}

/* The best of all thresholds that are a row's probability, the highest of several. */
static double slow_best(const mlk_threshold_rule *r, const double *y, const double *P,
                        const double *w, size_t without)
{
    double best = INFINITY, value = r->by_cost ? INFINITY : -1;
    if (r->by_cost)
        value = slow_value(r, y, P, w, without, INFINITY);
    for (size_t i = 0; i < N; i++) {
        const double t = P[2 * i + 1];
        if (i == 7 || i * 3 % K == without)
            continue;
        const double v = slow_value(r, y, P, w, without, t);
        const bool better = r->by_cost ? v < value : v > value;
        if (better || (v == value && t > best && best < INFINITY)) {
            best = t;
            value = v;
        }
    }
    return best;
}

START_TEST(chooses_as_trying_all_thresholds_does)
{
    mlk_vec y, w;
    mlk_mat P;
    make(&y, &P, &w);
    mlk_folds *f = make_folds();
    static const char *const words[] = {"fbeta", "cost:1:5", "cost:3:0.5"};
    for (size_t k = 0; k < 6; k++) {
        const bool weighted = k % 2;
        mlk_threshold_rule r;
        mlk_threshold_choice c;
        require_ok(mlk_threshold_parse(words[k / 2], 2, &r));
        const double *own = weighted ? w.data : NULL;
        require_ok(mlk_threshold_choose(mlk_vec_c(y), mlk_mat_c(P),
                                        (mlk_cvec){w.data, weighted ? N : 0}, f, &r, &c));
        const double t = slow_best(&r, y.data, P.data, own, K);
        ck_assert(c.threshold == t);
        require_close(c.value, slow_value(&r, y.data, P.data, own, K, t), 1e-12);
        require_close(c.at_half, slow_value(&r, y.data, P.data, own, K, 0.5), 1e-12);
        double n[2][2] = {{0, 0}, {0, 0}};
        for (size_t i = 0; i < N; i++)
            if (i != 7)
                n[(size_t)y.data[i]][P.data[2 * i + 1] >= slow_best(&r, y.data, P.data, own,
                                                                    i * 3 % K)] += own ? own[i] : 1;
        const double honest = r.by_cost ? (n[0][1] * r.cost[0][1] + n[1][0] * r.cost[1][0]) /
                                              (n[0][0] + n[0][1] + n[1][0] + n[1][1])
                                        : 5 * n[1][1] / (5 * n[1][1] + 4 * n[1][0] + n[0][1]);
        require_close(c.honest, honest, 1e-12);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(refuses_bad_words_and_shapes)
{
    static const char *const bad[] = {"",         "f1",         "cost",      "cost:",
                                      "cost:1",   "cost:1:",    "cost:1:x",  "cost:-1:2",
                                      "cost:0:0", "cost:nan:1", "cost:1:2:3"};
    mlk_threshold_rule r;
    mlk_threshold_choice c;
    for (size_t i = 0; i < MLK_COUNT(bad); i++)
        require_fail(mlk_threshold_parse(bad[i], 1, &r), MLK_EINVAL,
                     "expected fbeta, or cost:FP:FN");
    mlk_vec y, w;
    mlk_mat P;
    make(&y, &P, &w);
    mlk_folds *f = make_folds();
    require_ok(mlk_threshold_parse("fbeta", 1, &r));
    const mlk_cmat narrow = {P.data, N, 1, 2};
    require_fail(mlk_threshold_choose(mlk_vec_c(y), narrow, (mlk_cvec){0}, f, &r, &c), MLK_EINVAL,
                 "90 x 1 probabilities for 90 rows of two classes");
    memset(y.data, 0, N * sizeof(double));
    require_fail(mlk_threshold_choose(mlk_vec_c(y), mlk_mat_c(P), (mlk_cvec){0}, f, &r, &c),
                 MLK_EINVAL, "no row of the truth is positive");
    mlk_folds_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_vec y, w;
    mlk_mat P;
    make(&y, &P, &w);
    mlk_folds *f = make_folds();
    mlk_threshold_rule r;
    mlk_threshold_choice c;
    bool whole = false;
    require_ok(mlk_threshold_parse("cost:1:2", 1, &r));
    for (long k = 0; !whole; k++) {
        mlk_test_fail_at = k;
        const mlk_status st =
            mlk_threshold_choose(mlk_vec_c(y), mlk_mat_c(P), (mlk_cvec){0}, f, &r, &c);
        whole = mlk_test_fail_at >= 0;
        mlk_test_fail_at = -1;
        ck_assert_int_eq(st, whole ? MLK_OK : MLK_ENOMEM);
    }
    mlk_folds_free(f);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/threshold");
    TCase *tc = test_case(s, "threshold");
    tcase_add_test(tc, chooses_as_trying_all_thresholds_does);
    tcase_add_test(tc, refuses_bad_words_and_shapes);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
