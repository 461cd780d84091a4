#include <mlkit/linear/logistic.h>
#include <mlkit/linear/ridge.h>
#include <mlkit/neighbors/knn.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/selection/cross_validate.h>
#include <mlkit/tree/tree.h>

#include <stdatomic.h>

#include "selection/formula.h"
#include "support/mlk_test.h"

/* ------------------------------------------- algorithms that show what they see */

typedef struct simple_opts {
    double shift; /* added to the mean */
} simple_opts;

static const mlk_opt simple_table[] = {
    MLK_OPT_REAL(simple_opts, shift, 0.0, -INFINITY, INFINITY, "added to the mean"),
    MLK_OPT_END,
};

typedef struct simple {
    double mean;
    size_t k;
    double share[4];
} simple;

static atomic_int fits;
static double forbidden = -1e300; /* a target whose presence in training makes a fit fail */

static mlk_status simple_fit(const mlk_data *d, const void *opts, const mlk_run *run, void **state)
{
    simple *s = mlk_alloc_zero(1, sizeof *s);
    (void)run;
    atomic_fetch_add(&fits, 1);
    if (!s)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a mean");
    s->k = d->n_classes;
    for (size_t i = 0; i < d->y.n; i++) {
        if (d->y.data[i] == forbidden) {
            mlk_free(s);
            return MLK_FAIL(MLK_ESINGULAR, "cannot bear %g", forbidden);
        }
        s->mean += d->y.data[i] / (double)d->y.n;
        if (s->k)
            s->share[(size_t)d->y.data[i]] += 1.0 / (double)d->y.n;
    }
    s->mean += ((const simple_opts *)opts)->shift;
    *state = s;
    return MLK_OK;
}

static mlk_status simple_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    const simple *s = state;
    (void)run;
    for (size_t i = 0; i < X.rows; i++)
        out.data[i] = s->k ? (double)(s->share[1] > 0.5) : s->mean;
    return MLK_OK;
}

static mlk_status simple_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    (void)run;
    for (size_t i = 0; i < X.rows; i++)
        memcpy(out.data + i * out.ld, ((const simple *)state)->share, out.cols * sizeof(double));
    return MLK_OK;
}

/* Mean of the others: (sum - y_i) / (n - 1). */
static mlk_status simple_loo(const mlk_data *d, const void *const *opts, size_t n,
                             const mlk_run *run, mlk_mat out)
{
    double sum = 0.0;
    (void)run;
    for (size_t i = 0; i < d->y.n; i++)
        sum += d->y.data[i];
    for (size_t i = 0; i < d->y.n; i++)
        for (size_t k = 0; k < n; k++)
            out.data[i * out.ld + k] =
                (sum - d->y.data[i]) / (double)(d->y.n - 1) + ((const simple_opts *)opts[k])->shift;
    return MLK_OK;
}

static void simple_free(void *state) { mlk_free(state); }

#define SIMPLE(NAME, LOO, PROBA)                                                                   \
    {                                                                                              \
        .name = (NAME), .tasks = MLK_REGRESSION | MLK_CLASSIFICATION,                              \
        .opts_size = sizeof(simple_opts), .opts = simple_table, .fit = simple_fit,                 \
        .predict = simple_predict, .predict_proba = (PROBA), .loo = (LOO), .free = simple_free     \
    }

static const mlk_algo mean_algo = SIMPLE("mean", NULL, simple_proba);
static const mlk_algo mute_algo = SIMPLE("mute", NULL, NULL);
static const mlk_algo loo_algo = SIMPLE("quick", simple_loo, NULL);

/* ------------------------------------------------------------------ fixtures */

static mlk_cv *run_cv(const mlk_candidate *c, size_t n, const mlk_data *d, const mlk_folds *f,
                      mlk_cv_opts opts)
{
    mlk_cv *cv;
    if (opts.beta == 0.0)
        opts.beta = 1.0;
    require_ok(mlk_cross_validate(c, n, d, f, &opts, NULL, &cv));
    return cv;
}

static mlk_folds *new_folds(const mlk_data *d, mlk_fold_kind kind, size_t k, size_t repeats)
{
    const mlk_folds_opts opts = {.kind = kind, .folds = k, .repeats = repeats};
    mlk_folds *f;
    require_ok(mlk_folds_new(d, &opts, NULL, &f));
    return f;
}

/* --------------------------------------------------------------------- scores */

static const char *const three[] = {"r2", "mse", "mae"};

START_TEST(scores_equal_scikit_learns_on_the_same_folds)
{
    /* tests/reference/cross_validate.py */
    static const double expected[3][3][5] = {
        {{0.8500036219658379, 0.8691328589463845, 0.8461375958841054, 0.7437398310805419,
          0.841572476774187},
         {0.08721744571331448, 0.11212147043815453, 0.12484373076502668, 0.07610119257631263,
          0.14684116943851402},
         {0.24135218634826605, 0.28984043574751733, 0.3127990438883698, 0.21876085472382098,
          0.34533574007993045}},
        {{0.8356371991736438, 0.8864536770110129, 0.8748611226281955, 0.684772215041888,
          0.8696393087561103},
         {0.09557099875502421, 0.09728172094135579, 0.1015375029697027, 0.0936127158178901,
          0.12082696214206116},
         {0.2564164223335969, 0.27342296795252535, 0.28041939642277464, 0.2532014054250271,
          0.30715968551257583}},
        {{0.8177698797838955, 0.8881765541074569, 0.889393937363036, 0.6527413560930424,
          0.8841930919498449},
         {0.10596019600992664, 0.09580563220065053, 0.08974559824522031, 0.10312487127899468,
          0.10733754754787798},
         {0.2683001779495066, 0.276284399760884, 0.25586897217196075, 0.2711785041258935,
          0.2864077375992873}},
    };
    const mlk_data d = formula_data();
    const mlk_ridge_opts ridge[] = {{.alpha = 0.7, .fit_intercept = true},
                                    {.alpha = 3, .fit_intercept = true}};
    const mlk_pipeline_opts scaled = {
        .scale = "standard", .poly = 1, .algo = &mlk_ridge_algo, .algo_opts = &ridge[1]};
    const mlk_candidate c[] = {{&mlk_ridge_algo, &ridge[0]},
                               {&mlk_pipeline_algo, &scaled},
                               {mlk_algo_find("linear"), NULL}};
    mlk_folds *f = formula_folds();
    mlk_cv *cv = run_cv(c, 3, &d, f, (mlk_cv_opts){.metrics = three, .n_metrics = 3});
    for (size_t k = 0; k < 3; k++)
        for (size_t m = 0; m < 3; m++)
            for (size_t s = 0; s < 5; s++)
                require_relative(mlk_cv_values(cv, k, m).data[s], expected[k][m][s], 1e-10);
    const mlk_cv_summary sum = mlk_cv_summarise(cv, 0, 1);
    double mean = 0, square = 0;
    for (size_t s = 0; s < 5; s++)
        mean += expected[0][1][s] / 5;
    for (size_t s = 0; s < 5; s++)
        square += pow(expected[0][1][s] - mean, 2) / 4;
    require_relative(sum.mean, mean, 1e-10);
    require_relative(sum.sd, sqrt(square), 1e-10);
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

static const char *const of_classes[] = {"accuracy", "log_loss", "roc_auc"};

/* The target becomes the class above its median. */
static void halve(mlk_data *d)
{
    mlk_vec k = test_vec(N);
    for (size_t i = 0; i < N; i++)
        k.data[i] = (double)(d->y.data[i] > 1.5244);
    d->y = mlk_vec_c(k);
    d->n_classes = 2;
}

/* All values of n candidates by three metrics in five folds. */
static void require_scores(const mlk_candidate *c, size_t n, const mlk_data *d,
                           const char *const *metrics, const double (*expected)[3][5])
{
    mlk_folds *f = formula_folds();
    mlk_cv *cv = run_cv(c, n, d, f, (mlk_cv_opts){.metrics = metrics, .n_metrics = 3});
    for (size_t k = 0; k < n; k++)
        for (size_t m = 0; m < 3; m++)
            for (size_t s = 0; s < 5; s++)
                require_relative(mlk_cv_values(cv, k, m).data[s], expected[k][m][s], 1e-10);
    mlk_cv_free(cv);
    mlk_folds_free(f);
}

START_TEST(scores_of_classifiers_and_neighbours_equal_scikit_learns)
{
    /* tests/reference/cross_validate.py */
    static const double classes[3][3][5] = {
        {{0.8333333333333334, 0.9166666666666666, 0.9166666666666666, 0.9166666666666666,
          0.8333333333333334},
         {0.4435851341452193, 0.3611812637625443, 0.4141602551974253, 0.40650923153296703,
          0.39888933186110936},
         {0.9142857142857144, 1.0, 0.9166666666666667, 0.9722222222222223, 0.9714285714285715}},
        {{0.75, 0.9166666666666666, 0.8333333333333334, 0.9166666666666666, 0.8333333333333334},
         {0.40155574181774734, 0.2696449202887257, 0.3036598100473145, 0.2769405869752933,
          0.28408163140525017},
         {0.8857142857142858, 1.0, 0.9722222222222223, 1.0, 0.9714285714285715}},
        {{0.5, 0.9166666666666666, 0.9166666666666666, 1.0, 0.8333333333333334},
         {0.6027198462812687, 0.29228258809086793, 0.3575125330283373, 0.2940008620244292,
          0.3010626310623535},
         {0.7, 1.0, 0.9583333333333334, 1.0, 1.0}}};
    static const double numbers[1][3][5] = {
        {{0.6101478710242549, 0.7420829420042467, 0.7150516005288079, 0.40442650290835225,
          0.676298237104888},
         {0.22668485293303609, 0.22097250356924272, 0.2312067166109739, 0.17686655552687403,
          0.3000283312204316},
         {0.40164805443952883, 0.35979281604658375, 0.36960344194099554, 0.3524978396501363,
          0.48035740990161885}}};
    mlk_data d = formula_data();
    mlk_logistic_opts logistic[] = {mlk_logistic_opts_default(), mlk_logistic_opts_default()};
    mlk_knn_opts knn[] = {mlk_knn_opts_default(), mlk_knn_opts_default()};
    logistic[0].C = 2;
    logistic[0].tol = logistic[1].tol = 1e-14;
    logistic[0].max_iter = logistic[1].max_iter = 1000;
    knn[0].n_neighbors = 7;
    knn[1].n_neighbors = 4;
    const mlk_pipeline_opts scaled[] = {
        {.scale = "standard", .poly = 1, .algo = &mlk_logistic_algo, .algo_opts = &logistic[1]},
        {.scale = "standard", .poly = 1, .algo = &mlk_knn_algo, .algo_opts = &knn[1]}};
    const mlk_candidate regressor = {&mlk_pipeline_algo, &scaled[1], false};
    require_scores(&regressor, 1, &d, three, numbers);
    halve(&d);
    const mlk_candidate classifiers[] = {{&mlk_logistic_algo, &logistic[0], false},
                                         {&mlk_pipeline_algo, &scaled[0], false},
                                         {&mlk_knn_algo, &knn[0], false}};
    require_scores(classifiers, 3, &d, of_classes, classes);
}
END_TEST

START_TEST(scores_of_trees_equal_scikit_learns)
{
    /* tests/reference/cross_validate.py, which says why these columns */
    static const double classes[1][3][5] = {
        {{0.75, 0.75, 0.8333333333333334, 0.6666666666666666, 0.75},
         {3.6983641770279014, 0.415105866791742, 3.162766324500133, 3.724206904460754,
          6.2527057967226485},
         {0.6428571428571428, 0.875, 0.8750000000000001, 0.6388888888888888, 0.6428571428571429}}};
    static const double numbers[1][3][5] = {
        {{0.36438421322241576, 0.5195578639074745, 0.2732492334972514, -0.7446561728537751,
          0.43911139670834654},
         {0.36958749340716573, 0.41162264511511376, 0.5896845142118322, 0.5181078899215394,
          0.5198688760329101},
         {0.4392290316791913, 0.5090000063281699, 0.671047328833677, 0.5849075673043765,
          0.564536388352059}}};
    mlk_data d = formula_data();
    mlk_mat T = test_mat(N, 3);
    mlk_tree_opts tree[] = {mlk_tree_opts_default(), mlk_tree_opts_default()};
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < 3; j++)
            T.data[3 * i + j] =
                (double)((i * 7919 + j * 104729 + i * i * 31 * (j + 1)) % 9973) / 9973;
        T.data[3 * i] = d.X.data[3 * i] + T.data[3 * i] / 50;
    }
    d.X = mlk_mat_c(T);
    tree[0].max_depth = 2;
    tree[1].min_samples_leaf = 5;
    const mlk_candidate c[] = {{&mlk_tree_algo, &tree[0], false},
                               {&mlk_tree_algo, &tree[1], false}};
    require_scores(&c[1], 1, &d, three, numbers);
    halve(&d);
    require_scores(&c[0], 1, &d, of_classes, classes);
}
END_TEST

/* Literal twin: fit and predict each split by hand. */
START_TEST(out_of_fold_predictions_are_those_of_models_fitted_without_the_fold)
{
    const mlk_data d = formula_data();
    const mlk_candidate c = {&mlk_ridge_algo, NULL};
    mlk_folds *f = new_folds(&d, MLK_FOLDS_SHUFFLE, 4, 2);
    mlk_cv *cv = run_cv(&c, 1, &d, f, (mlk_cv_opts){.keep_predictions = true});
    size_t rows[N];
    for (size_t s = 0; s < 8; s++) {
        size_t n_test;
        const size_t n = mlk_folds_train(f, s, rows), *test = mlk_folds_test(f, s, &n_test);
        mlk_mat X = test_mat(n, 3);
        mlk_vec y = test_vec(n), out = test_vec(1);
        mlk_model *m;
        for (size_t i = 0; i < n; i++) {
            memcpy(X.data + 3 * i, d.X.data + 3 * rows[i], 3 * sizeof(double));
            y.data[i] = d.y.data[rows[i]];
        }
        const mlk_data train = {.X = mlk_mat_c(X), .y = mlk_vec_c(y)};
        require_ok(mlk_model_fit(&mlk_ridge_algo, NULL, &train, NULL, &m));
        for (size_t i = 0; i < n_test; i++) {
            require_ok(mlk_model_predict(m, mlk_cmat_rows(d.X, test[i], test[i] + 1), NULL, out));
            require_close(mlk_cv_predictions(cv, 0, s / 4).data[test[i]], out.data[0], 1e-14);
        }
        mlk_model_free(m);
    }
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

/* Nothing of a held-out row reaches the model that predicts another held-out row: neither through
 * imputation, levels, monomials, scaling nor the target. The planted column equals the target. */
START_TEST(nothing_of_the_held_out_fold_leaks)
{
    static const size_t levels[] = {0, 4, 0};
    const mlk_data plain = formula_data();
    mlk_mat A = test_mat(N, 3), B = test_mat(N, 3);
    mlk_vec ya = test_vec(N), yb = test_vec(N);
    for (size_t i = 0; i < N; i++) {
        const double row[] = {plain.X.data[3 * i], (double)(i % 3), plain.y.data[i]};
        memcpy(A.data + 3 * i, row, sizeof row);
        memcpy(B.data + 3 * i, row, sizeof row);
        ya.data[i] = yb.data[i] = plain.y.data[i];
        if (i % 10 == 7)
            A.data[3 * i] = B.data[3 * i] = (double)NAN;
    }
    /* Rows 0 and 5 share fold 0; all of row 5 changes, with a level that no other row has. */
    const double wild[] = {1e9, 3, -1e9};
    memcpy(B.data + 3 * 5, wild, sizeof wild);
    yb.data[5] = 1e12;
    const mlk_data a = {.X = mlk_mat_c(A), .y = mlk_vec_c(ya), .levels = levels};
    const mlk_data b = {.X = mlk_mat_c(B), .y = mlk_vec_c(yb), .levels = levels};
    static const char *const scales[] = {"standard", "minmax", "robust"};
    mlk_folds *f = formula_folds();
    for (size_t k = 0; k < 3; k++) {
        const mlk_pipeline_opts o = {
            .impute = "mean", .scale = scales[k], .poly = 2, .algo = &mlk_ridge_algo};
        const mlk_candidate c = {&mlk_pipeline_algo, &o};
        mlk_cv *ca = run_cv(&c, 1, &a, f, (mlk_cv_opts){.keep_predictions = true});
        mlk_cv *cb = run_cv(&c, 1, &b, f, (mlk_cv_opts){.keep_predictions = true});
        const double *pa = mlk_cv_predictions(ca, 0, 0).data;
        const double *pb = mlk_cv_predictions(cb, 0, 0).data;
        for (size_t i = 0; i < N; i += 5) {
            if (i == 5)
                continue;
            require_same(&pa[i], &pb[i], sizeof(double)); /* the same fold: untouched */
        }
        ck_assert(pa[1] != pb[1]); /* another fold trained on row 5 */
        mlk_cv_free(ca);
        mlk_cv_free(cb);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(classifiers_get_all_metrics_and_probabilities)
{
    mlk_data d = {.X = test_random_mat(1, 40, 2), .n_classes = 2};
    mlk_vec y = test_vec(40);
    for (size_t i = 0; i < 40; i++)
        y.data[i] = (double)(i % 4 > 0);
    d.y = mlk_vec_c(y);
    const simple_opts o = {0};
    const mlk_candidate c[] = {{&mean_algo, &o}, {&mute_algo, &o}};
    mlk_folds *f = new_folds(&d, MLK_FOLDS_SHUFFLE, 5, 1);
    mlk_cv *cv = run_cv(c, 2, &d, f, (mlk_cv_opts){.keep_predictions = true});
    ck_assert_str_eq(mlk_cv_metric(cv, 0)->name, "accuracy");
    const size_t loss = mlk_cv_find(cv, "log_loss"), f1 = mlk_cv_find(cv, "f1");
    ck_assert_uint_ne(loss, SIZE_MAX);
    ck_assert_uint_eq(mlk_cv_find(cv, "f1_macro"), SIZE_MAX);
    ck_assert_uint_eq(mlk_cv_find(cv, "nonsense"), SIZE_MAX);
    require_close(mlk_cv_summarise(cv, 0, 0).mean, 0.75, 1e-15);
    require_close(mlk_cv_summarise(cv, 0, loss).mean, -0.75 * log(0.75) - 0.25 * log(0.25), 1e-12);
    require_close(mlk_cv_summarise(cv, 1, f1).mean, 1.5 / 1.75, 1e-15);
    ck_assert(isnan(mlk_cv_summarise(cv, 1, loss).mean)); /* mute gives no probabilities */
    const mlk_cmat P = mlk_cv_probabilities(cv, 0, 0);
    ck_assert(P.rows == 40 && P.cols == 2);
    for (size_t i = 0; i < 40; i++)
        require_close(P.data[2 * i + 1], 0.75, 1e-15);
    ck_assert_ptr_null(mlk_cv_probabilities(cv, 1, 0).data);
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

/* -------------------------------------------------------------- leave-one-out */

START_TEST(leave_one_out_pools_its_predictions_and_takes_the_shortcut)
{
    const mlk_data d = formula_data();
    const simple_opts o[] = {{.shift = 0}, {.shift = 0.5}};
    const mlk_candidate slow[] = {{&mean_algo, &o[0]}, {&mean_algo, &o[1]}};
    const mlk_candidate quick[] = {{&loo_algo, &o[0]}, {&loo_algo, &o[1]}};
    mlk_folds *f = new_folds(&d, MLK_FOLDS_LOO, 0, 1);
    atomic_store(&fits, 0);
    mlk_cv *b = run_cv(quick, 2, &d, f, (mlk_cv_opts){.metrics = three, .n_metrics = 3});
    ck_assert_int_eq(atomic_load(&fits), 0);
    mlk_cv *a = run_cv(slow, 2, &d, f, (mlk_cv_opts){.metrics = three, .n_metrics = 3});
    ck_assert_int_eq(atomic_load(&fits), 2 * N);
    double sum = 0, square = 0;
    for (size_t i = 0; i < N; i++)
        sum += d.y.data[i];
    for (size_t i = 0; i < N; i++)
        square += pow(d.y.data[i] - (sum - d.y.data[i]) / (N - 1), 2);
    ck_assert_uint_eq(mlk_cv_splits(a), 1);
    require_relative(mlk_cv_values(a, 0, 1).data[0], square / N, 1e-13);
    for (size_t c = 0; c < 2; c++)
        for (size_t m = 0; m < 3; m++)
            require_close(mlk_cv_values(a, c, m).data[0], mlk_cv_values(b, c, m).data[0], 1e-13);
    ck_assert(isnan(mlk_cv_summarise(a, 0, 0).sd));
    mlk_cv_free(a);
    mlk_cv_free(b);
    mlk_folds_free(f);
}
END_TEST

/* A pipeline hands the shortcut on only where leaving a row out changes no step. */
START_TEST(leave_one_out_through_pipelines)
{
    const mlk_data d = formula_data();
    const simple_opts o = {0};
    mlk_folds *f = new_folds(&d, MLK_FOLDS_LOO, 0, 1);
    static const struct {
        const char *scale;
        int64_t poly;
        int fits;
    } cases[] = {{"none", 1, 0}, {"none", 2, 0}, {"standard", 1, N}};
    for (size_t k = 0; k < MLK_COUNT(cases); k++) {
        const mlk_pipeline_opts p = {
            .scale = cases[k].scale, .poly = cases[k].poly, .algo = &loo_algo, .algo_opts = &o};
        const mlk_candidate c = {&mlk_pipeline_algo, &p};
        atomic_store(&fits, 0);
        mlk_cv *cv = run_cv(&c, 1, &d, f, (mlk_cv_opts){.metrics = three, .n_metrics = 3});
        ck_assert_int_eq(atomic_load(&fits), cases[k].fits);
        ck_assert(mlk_cv_summarise(cv, 0, 1).mean > 0.1);
        mlk_cv_free(cv);
    }
    mlk_folds_free(f);
}
END_TEST

/* ------------------------------------------------------------------- failures */

START_TEST(a_failure_in_one_fold_is_reported_there_and_ends_nothing)
{
    const mlk_data d = formula_data();
    const simple_opts o = {0};
    const mlk_candidate c[] = {{&mean_algo, &o}, {&mlk_ridge_algo, NULL}};
    mlk_folds *f = formula_folds();
    forbidden = d.y.data[0]; /* row 0 is tested in fold 0, trained on in the others */
    mlk_cv *cv = run_cv(c, 2, &d, f, (mlk_cv_opts){.metrics = three, .n_metrics = 3});
    forbidden = -1e300;
    ck_assert_ptr_null(mlk_cv_failure(cv, 0, 0));
    for (size_t s = 1; s < 5; s++) {
        ck_assert_ptr_nonnull(strstr(mlk_cv_failure(cv, 0, s), "cannot bear"));
        ck_assert(isnan(mlk_cv_values(cv, 0, 0).data[s]));
        ck_assert_ptr_null(mlk_cv_failure(cv, 1, s));
    }
    const mlk_cv_summary broken = mlk_cv_summarise(cv, 0, 1), whole = mlk_cv_summarise(cv, 1, 1);
    ck_assert(isnan(broken.mean) && broken.count == 1 && broken.partial_mean > 0);
    ck_assert(whole.mean > 0 && whole.count == 5);

    mlk_doc *doc = mlk_doc_new();
    mlk_cv_report(cv, 0, doc);
    require_ok(mlk_doc_check(doc));
    ck_assert_str_eq(mlk_doc_text(mlk_doc_find(doc, "scoring")), "r2");
    ck_assert_uint_eq(mlk_doc_size(mlk_doc_find(doc, "failures")), 4);
    ck_assert_uint_eq(mlk_doc_size(mlk_doc_find(doc, "metrics")), 3);
    mlk_doc_free(doc);
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

START_TEST(one_of_many_that_fails_does_not_spoil_its_neighbours)
{
    static const double twin[] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5.5, 6, 6};
    static const double y[] = {1, 2, 2, 4, 5, 7};
    static const size_t fold_of[] = {0, 1, 0, 1, 0, 1};
    const mlk_data d = {.X = {twin, 6, 2, 2}, .y = {y, 6}};
    mlk_ridge_opts ridge[3];
    mlk_pipeline_opts p[3];
    mlk_candidate c[3];
    for (size_t k = 0; k < 3; k++) {
        ridge[k] = mlk_ridge_opts_default();
        ridge[k].alpha = k == 1 ? -1.0 : 2.0;
        p[k] = (mlk_pipeline_opts){.poly = 1, .algo = &mlk_ridge_algo, .algo_opts = &ridge[k]};
        c[k] = (mlk_candidate){&mlk_pipeline_algo, &p[k]};
    }
    mlk_folds *f;
    require_ok(mlk_folds_from(fold_of, 6, 2, &f));
    mlk_cv *cv = run_cv(c, 3, &d, f, (mlk_cv_opts){0});
    for (size_t k = 0; k < 3; k += 2)
        ck_assert(!isnan(mlk_cv_summarise(cv, k, 0).mean));
    ck_assert_ptr_nonnull(strstr(mlk_cv_failure(cv, 1, 0), "alpha = -1 is outside"));
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

START_TEST(refuses_bad_requests)
{
    static const char *const typo[] = {"msee"}, *const other[] = {"accuracy"};
    const mlk_data d = formula_data(), none = {.X = d.X};
    const mlk_candidate c = {&mean_algo, NULL}, empty = {NULL, NULL};
    mlk_folds *f = formula_folds();
    mlk_cv *cv;
    mlk_cv_opts o = mlk_cv_opts_default();
    require_fail(mlk_cross_validate(&c, 1, &none, f, &o, NULL, &cv), MLK_EINVAL,
                 "X has 60 rows but y has 0 values");
    const mlk_data less = {.X = mlk_cmat_rows(d.X, 0, 50), .y = {d.y.data, 50}};
    require_fail(mlk_cross_validate(&c, 1, &less, f, &o, NULL, &cv), MLK_EINVAL,
                 "the folds are of 60 rows but X has 50");
    require_fail(mlk_cross_validate(&c, 0, &d, f, &o, NULL, &cv), MLK_EINVAL, "no candidate");
    require_fail(mlk_cross_validate(&empty, 1, &d, f, &o, NULL, &cv), MLK_EINVAL, "no algorithm");
    o.metrics = typo;
    o.n_metrics = 1;
    require_fail(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv), MLK_EINVAL, "did you mean 'mse'");
    o.metrics = other;
    require_fail(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv), MLK_EINVAL, "classification");
    o.n_metrics = 0;
    require_fail(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv), MLK_EINVAL, "no metric");
    o = mlk_cv_opts_default();
    o.beta = 0;
    require_fail(mlk_cross_validate(&c, 1, &d, f, &o, NULL, &cv), MLK_EINVAL, "beta = 0");
    ck_assert_ptr_null(cv);
    mlk_folds_free(f);
}
END_TEST

typedef struct lines {
    char text[1024];
    int left; /* polls before it cancels; < 0: never */
} lines;

static void keep_line(void *user, const char *line)
{
    lines *l = user;
    strcat(strcat(l->text, line), "\n");
}

static bool cancel_later(void *user)
{
    lines *l = user;
    return l->left >= 0 && l->left-- == 0;
}

START_TEST(warns_once_of_undefined_metrics_and_unpredicted_rows)
{
    mlk_data d = formula_data();
    mlk_mat X = test_mat(N, 3);
    memcpy(X.data, d.X.data, N * 3 * sizeof(double));
    X.data[4] = X.data[100] = (double)NAN;
    d.X = mlk_mat_c(X);
    const mlk_pipeline_opts p = {.impute = "drop", .poly = 1, .algo = &mlk_ridge_algo};
    const mlk_candidate c = {&mlk_pipeline_algo, &p};
    lines l = {"", -1};
    const mlk_run run = {.warn = keep_line, .user = &l};
    mlk_folds *f = formula_folds();
    mlk_cv *cv;
    const mlk_cv_opts errors = {.metrics = three, .n_metrics = 3, .beta = 1};
    require_ok(mlk_cross_validate(&c, 1, &d, f, &errors, &run, &cv));
    ck_assert_str_eq(l.text, "2 test rows have missing values and no prediction; the scores leave "
                             "them out\n");
    ck_assert(!isnan(mlk_cv_summarise(cv, 0, 0).mean));
    mlk_cv_free(cv);
    mlk_folds_free(f);

    static const double same[] = {1, 1, 2, 3}, x[] = {1, 2, 3, 4};
    static const size_t fold_of[] = {0, 0, 1, 1};
    static const char *const r2[] = {"r2"};
    const mlk_data flat = {.X = {x, 4, 1, 1}, .y = {same, 4}};
    const mlk_candidate mean = {&mean_algo, NULL};
    const mlk_cv_opts o = {.metrics = r2, .n_metrics = 1, .beta = 1};
    l = (lines){"", -1};
    require_ok(mlk_folds_from(fold_of, 4, 2, &f));
    require_ok(mlk_cross_validate(&mean, 1, &flat, f, &o, &run, &cv));
    ck_assert_ptr_nonnull(strstr(l.text, "r2: "));
    ck_assert_ptr_nonnull(strstr(l.text, "(in 1 of 2 splits)\n"));
    ck_assert(isnan(mlk_cv_values(cv, 0, 0).data[0]) && isnan(mlk_cv_summarise(cv, 0, 0).mean));
    mlk_cv_free(cv);
    mlk_folds_free(f);
}
END_TEST

START_TEST(ends_when_cancelled_with_what_is_finished_if_asked)
{
    const mlk_data d = formula_data();
    const mlk_candidate c[] = {{&mean_algo, NULL}, {&mute_algo, NULL}, {&mlk_ridge_algo, NULL}};
    mlk_folds *f = formula_folds();
    mlk_cv_opts o = mlk_cv_opts_default();
    for (int after = 0; after < 30; after += 7) {
        mlk_cv *cv;
        lines l = {"", after};
        const mlk_run run = {.threads = 1, .cancelled = cancel_later, .user = &l};
        o.partial = false;
        ck_assert_int_eq(mlk_cross_validate(c, 3, &d, f, &o, &run, &cv), MLK_ECANCELLED);
        ck_assert_ptr_null(cv);
        l.left = after;
        o.partial = true;
        require_ok(mlk_cross_validate(c, 3, &d, f, &o, &run, &cv));
        ck_assert_str_eq(mlk_cv_failure(cv, 2, 4), "cancelled");
        ck_assert(after == 0 || !mlk_cv_failure(cv, 0, 0));
        mlk_cv_free(cv);
    }
    mlk_folds_free(f);
}
END_TEST

START_TEST(gives_the_same_bytes_for_any_number_of_threads)
{
    static const int threads[] = {1, 2, 3, 8};
    const mlk_data d = formula_data();
    const mlk_ridge_opts ridge[] = {{.alpha = 0.7, .fit_intercept = true},
                                    {.alpha = 3, .fit_intercept = true}};
    mlk_pipeline_opts p[2];
    for (size_t k = 0; k < 2; k++)
        p[k] = (mlk_pipeline_opts){
            .scale = "standard", .poly = 2, .algo = &mlk_ridge_algo, .algo_opts = &ridge[k]};
    const mlk_candidate c[] = {
        {&mlk_pipeline_algo, &p[0]}, {&mlk_pipeline_algo, &p[1]}, {&mean_algo, NULL}};
    mlk_folds *f = new_folds(&d, MLK_FOLDS_SHUFFLE, 5, 3);
    mlk_cv_opts o = mlk_cv_opts_default();
    o.keep_predictions = true;
    mlk_cv *first = NULL, *cv;
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        require_ok(mlk_cross_validate(c, 3, &d, f, &o, &run, &cv));
        if (t == 0) {
            first = cv;
            continue;
        }
        for (size_t k = 0; k < 3; k++) {
            for (size_t m = 0; m < mlk_cv_metrics(cv); m++)
                require_same(mlk_cv_values(cv, k, m).data, mlk_cv_values(first, k, m).data,
                             15 * sizeof(double));
            for (size_t r = 0; r < 3; r++)
                require_same(mlk_cv_predictions(cv, k, r).data,
                             mlk_cv_predictions(first, k, r).data, N * sizeof(double));
        }
        mlk_cv_free(cv);
    }
    mlk_cv_free(first);
    mlk_folds_free(f);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = formula_data();
    const mlk_ridge_opts ridge = {.alpha = 0.7, .fit_intercept = true};
    const mlk_pipeline_opts p = {
        .scale = "standard", .poly = 1, .algo = &mlk_ridge_algo, .algo_opts = &ridge};
    const mlk_candidate c[] = {{&mlk_pipeline_algo, &p}, {&loo_algo, &(simple_opts){0}}};
    for (int loo = 0; loo < 2; loo++) {
        mlk_folds *f = loo ? new_folds(&d, MLK_FOLDS_LOO, 0, 1) : formula_folds();
        const mlk_run run = {.threads = 1};
        const mlk_cv_opts o = {.metrics = three, .n_metrics = 3, .beta = 1};
        bool whole = false;
        for (int k = 0; !whole; k += loo ? 13 : 1) {
            mlk_cv *cv;
            mlk_test_fail_at = k;
            const mlk_status st = mlk_cross_validate(c, 2, &d, f, &o, &run, &cv);
            whole = mlk_test_fail_at >= 0;
            ck_assert(st == MLK_OK ? cv != NULL : st == MLK_ENOMEM && cv == NULL);
            mlk_cv_free(cv); /* OK: a fit without memory is the failure of its fold */
        }
        mlk_test_fail_at = -1;
        mlk_folds_free(f);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("selection/cross_validate");
    TCase *score = test_case(s, "score"), *errors = test_case(s, "errors");
    tcase_add_test(score, scores_equal_scikit_learns_on_the_same_folds);
    tcase_add_test(score, scores_of_classifiers_and_neighbours_equal_scikit_learns);
    tcase_add_test(score, scores_of_trees_equal_scikit_learns);
    tcase_add_test(score, out_of_fold_predictions_are_those_of_models_fitted_without_the_fold);
    tcase_add_test(score, nothing_of_the_held_out_fold_leaks);
    tcase_add_test(score, classifiers_get_all_metrics_and_probabilities);
    tcase_add_test(score, leave_one_out_pools_its_predictions_and_takes_the_shortcut);
    tcase_add_test(score, leave_one_out_through_pipelines);
    tcase_add_test(score, gives_the_same_bytes_for_any_number_of_threads);
    tcase_add_test(errors, a_failure_in_one_fold_is_reported_there_and_ends_nothing);
    tcase_add_test(errors, one_of_many_that_fails_does_not_spoil_its_neighbours);
    tcase_add_test(errors, refuses_bad_requests);
    tcase_add_test(errors, warns_once_of_undefined_metrics_and_unpredicted_rows);
    tcase_add_test(errors, ends_when_cancelled_with_what_is_finished_if_asked);
    tcase_add_test(errors, survives_each_failing_allocation);
    return s;
}
