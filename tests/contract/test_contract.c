#include <mlkit/model.h>
#include <mlkit/model/archive.h>

#include <stdatomic.h>
#include <stdio.h>

#include "support/mlk_test.h"

/*
 * What every registered algorithm must do, whatever it is: a new line in the registry is covered
 * from the start. Each test runs once per (algorithm, task) pair.
 */
enum { N = 60, P = 3, MAX_CASES = 128 };

typedef struct contract_case {
    const mlk_algo *algo;
    unsigned task;
} contract_case;

static contract_case cases[MAX_CASES];
static size_t n_cases;

static void list_cases(void)
{
    size_t n;
    const mlk_algo *const *algos = mlk_algo_list(&n);
    for (size_t i = 0; i < n; i++)
        for (unsigned task = MLK_REGRESSION; task <= MLK_RULES; task *= 2)
            if ((algos[i]->tasks & task) && n_cases < MAX_CASES)
                cases[n_cases++] = (contract_case){algos[i], task};
}

/* ---------------------------------------------------------------- fixtures */

/* Positive values, so that counts-based models take them too; categories where the task is rules.
 */
static mlk_data sample(const contract_case *c, size_t n)
{
    static const size_t two_levels[P] = {2, 2, 2};
    const mlk_cmat Z = test_random_mat(11, n, P);
    mlk_mat X = test_mat(n, P);
    for (size_t i = 0; i < n * P; i++)
        X.data[i] = c->task == MLK_RULES ? (double)(Z.data[i] > 0.0) : exp(0.5 * Z.data[i]);
    mlk_data d = {.X = mlk_mat_c(X)};
    if (c->task == MLK_RULES)
        d.levels = two_levels;
    if (c->task == MLK_REGRESSION)
        d.y = test_linear_target(5, d.X, 0.3);
    if (c->task == MLK_CLASSIFICATION) {
        d.y = test_classes(5, Z, 3);
        d.n_classes = 3;
    }
    return d;
}

static void *default_opts(const mlk_algo *algo)
{
    void *opts = test_alloc(algo->opts_size);
    mlk_opts_set_default(algo->opts, opts);
    /* Ensembles need not be large to keep the contract. */
    if (mlk_opts_find(algo->opts, "n_estimators"))
        require_ok(mlk_opts_parse(algo->opts, algo->name, "n_estimators", "5", opts));
    return opts;
}

static mlk_model *fit(const contract_case *c, const mlk_data *d, int threads)
{
    const mlk_run run = {.threads = threads};
    mlk_model *model;
    require_ok(mlk_model_fit(c->algo, default_opts(c->algo), d, &run, &model));
    return model;
}

/* The model's archive: all of its bytes. */
static void *bytes_of(const mlk_model *model, size_t *size)
{
    mlk_doc *doc = mlk_doc_new();
    void *encoded;
    mlk_model_save(model, doc);
    require_ok(mlk_archive_encode(doc, &encoded, size));
    void *bytes = test_alloc(*size);
    memcpy(bytes, encoded, *size);
    mlk_archive_free(encoded);
    mlk_doc_free(doc);
    return bytes;
}

static void require_same_model(const mlk_model *a, const mlk_model *b)
{
    size_t na, nb;
    const void *bytes_a = bytes_of(a, &na), *bytes_b = bytes_of(b, &nb);
    ck_assert_uint_eq(na, nb);
    require_same(bytes_a, bytes_b, na);
}

/* Everything the model can say about X, one after the other. */
static mlk_vec outputs(const mlk_model *m, mlk_cmat X, int threads)
{
    const mlk_algo *a = mlk_model_algo(m);
    const mlk_run run = {.threads = threads};
    const size_t n = X.rows, k = mlk_model_n_probabilities(m);
    const size_t q = mlk_model_n_decisions(m);
    const size_t t = a->transform ? mlk_model_n_components(m) : 0;
    mlk_vec all = test_vec(n * (1 + k + q + t));
    double *at = all.data;
    if (a->predict)
        require_ok(mlk_model_predict(m, X, &run, (mlk_vec){at, n}));
    at += n;
    if (k) { /* an option may be what makes probabilities available */
        const mlk_status st = mlk_model_predict_proba(m, X, &run, (mlk_mat){at, n, k, k});
        if (st != MLK_EUNSUPPORTED)
            require_ok(st);
    }
    at += n * k;
    if (q)
        require_ok(mlk_model_decision(m, X, &run, (mlk_mat){at, n, q, q}));
    at += n * q;
    if (t)
        require_ok(mlk_model_transform(m, X, &run, (mlk_mat){at, n, t, t}));
    return all;
}

/* ------------------------------------------------------------------- options */

START_TEST(describes_itself)
{
    const mlk_algo *a = cases[_i].algo;
    ck_assert_ptr_eq(mlk_algo_find(a->name), a);
    ck_assert(a->fit != NULL);
    ck_assert(a->save != NULL);
    ck_assert(a->load != NULL);
    ck_assert(a->learned != NULL);
    ck_assert(a->free != NULL);
    ck_assert_uint_gt(strlen(a->help), 10);
    for (const mlk_opt *o = a->opts; o->name; o++) {
        ck_assert_msg(strlen(o->help) > 5, "%s.%s has no help", a->name, o->name);
        ck_assert_ptr_eq(mlk_opts_find(a->opts, o->name), o);
    }
    ck_assert(!(a->caps & MLK_CAP_SEED) == !mlk_opts_find(a->opts, "seed"));
}
END_TEST

START_TEST(defaults_are_valid_and_survive_text)
{
    const mlk_algo *a = cases[_i].algo;
    void *opts = test_alloc(a->opts_size), *back = test_alloc(a->opts_size);
    mlk_opts_set_default(a->opts, opts);
    require_ok(mlk_opts_check(a->opts, opts));
    mlk_opts_set_default(a->opts, back);
    for (const mlk_opt *o = a->opts; o->name; o++) {
        char text[256], again[256];
        if (o->type == MLK_OPT_TYPE_TEXT)
            continue;
        mlk_opts_format(o, opts, text, sizeof text);
        require_ok(mlk_opts_parse(a->opts, a->name, o->name, text, back));
        ck_assert_str_eq(mlk_opts_format(o, back, again, sizeof again), text);
    }
}
END_TEST

/* Set one number of `opts` just outside its domain; false where it has no end on that side. */
static bool push_out(const mlk_opt *o, bool low, void *opts)
{
    const double bound = low ? o->lo : o->hi;
    void *field = (char *)opts + o->offset;
    if (o->type == MLK_OPT_TYPE_REAL) {
        const bool open = low ? o->lo_open : o->hi_open;
        *(double *)field =
            open || isinf(bound) ? bound : nextafter(bound, low ? -INFINITY : INFINITY);
        for (const mlk_word *w = o->words; w && w->name; w++)
            if (w->value == *(double *)field)
                return false;
        return true;
    }
    if (o->type != MLK_OPT_TYPE_INT || isinf(bound) || fabs(bound) > 1e15)
        return false;
    *(int64_t *)field = (int64_t)bound + (low ? -1 : 1);
    for (const mlk_word *w = o->words; w && w->name; w++)
        if (w->value == (double)*(int64_t *)field)
            return false;
    return true;
}

START_TEST(refuses_each_option_outside_its_range)
{
    const mlk_algo *a = cases[_i].algo;
    const mlk_data d = sample(&cases[_i], N);
    for (const mlk_opt *o = a->opts; o->name; o++)
        for (int side = 0; side < 3; side++) {
            void *opts = default_opts(a);
            mlk_model *model;
            char text[80];
            if (side == 2 && o->type == MLK_OPT_TYPE_REAL)
                *(double *)(void *)((char *)opts + o->offset) = NAN;
            else if (side == 2 || !push_out(o, side == 0, opts))
                continue;
            snprintf(text, sizeof text, "%s = ", o->name);
            require_fail(mlk_model_fit(a, opts, &d, NULL, &model), MLK_EINVAL, text);
            ck_assert_ptr_null(model);
        }
}
END_TEST

START_TEST(names_the_nearest_parameter)
{
    const mlk_algo *a = cases[_i].algo;
    void *opts = default_opts(a);
    char wrong[80], expected[200];
    if (!a->opts->name || strlen(a->opts->name) < 3)
        return;
    snprintf(wrong, sizeof wrong, "%sx", a->opts->name);
    snprintf(expected, sizeof expected, "unknown parameter '%s' of %s; did you mean '%s'?", wrong,
             a->name, a->opts->name);
    require_fail(mlk_opts_parse(a->opts, a->name, wrong, "1", opts), MLK_EINVAL, expected);
}
END_TEST

/* --------------------------------------------------------------- determinism */

START_TEST(gives_the_same_bytes_again_and_for_any_number_of_threads)
{
    const mlk_data d = sample(&cases[_i], N);
    mlk_model *one = fit(&cases[_i], &d, 1);
    const mlk_vec first = outputs(one, d.X, 1);
    static const int threads[] = {1, 2, 3, 8};
    for (size_t k = 0; k < MLK_COUNT(threads); k++) {
        mlk_model *other = fit(&cases[_i], &d, threads[k]);
        require_same_model(one, other);
        const mlk_vec out = outputs(other, d.X, threads[k]);
        require_same(out.data, first.data, first.n * sizeof(double));
        mlk_model_free(other);
    }
    mlk_model_free(one);
}
END_TEST

START_TEST(leaves_its_inputs_as_they_were)
{
    const mlk_data d = sample(&cases[_i], N), copy = sample(&cases[_i], N);
    mlk_model *model = fit(&cases[_i], &d, 2);
    outputs(model, d.X, 2);
    require_same(d.X.data, copy.X.data, N * P * sizeof(double));
    if (d.y.n)
        require_same(d.y.data, copy.y.data, N * sizeof(double));
    mlk_model_free(model);
}
END_TEST

START_TEST(takes_a_design_with_a_stride)
{
    const mlk_data d = sample(&cases[_i], N);
    mlk_mat wide = test_mat(N, P + 2);
    for (size_t i = 0; i < N; i++) {
        memcpy(wide.data + i * (P + 2), d.X.data + i * P, P * sizeof(double));
        wide.data[i * (P + 2) + P] = wide.data[i * (P + 2) + P + 1] = NAN;
    }
    mlk_data strided = d;
    strided.X = (mlk_cmat){wide.data, N, P, P + 2};
    mlk_model *a = fit(&cases[_i], &d, 1), *b = fit(&cases[_i], &strided, 1);
    require_same_model(a, b);
    const mlk_vec plain = outputs(a, d.X, 1), from_wide = outputs(a, strided.X, 1);
    for (size_t i = 0; i < plain.n; i++)
        require_close(from_wide.data[i], plain.data[i], 1e-12 * (1 + fabs(plain.data[i])));
    mlk_model_free(a);
    mlk_model_free(b);
}
END_TEST

/* Cluster numbers follow the order of the rows: count them by first appearance instead. */
static void renumber(double *label, size_t n)
{
    double *first = test_vec(n).data;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        size_t c = 0;
        while (c < k && first[c] != label[i])
            c++;
        if (c == k)
            first[k++] = label[i];
        label[i] = label[i] < 0.0 ? -1.0 : (double)c; /* noise stays noise */
    }
}

/* Rows in another order: the same model up to rounding and the stopping tolerance, which is made
 * small; algorithms that draw rows at random are left out. */
START_TEST(does_not_depend_on_the_order_of_the_rows)
{
    const mlk_algo *a = cases[_i].algo;
    if (a->caps & MLK_CAP_SEED)
        return;
    const mlk_data d = sample(&cases[_i], N);
    mlk_mat X = test_mat(N, P);
    mlk_vec y = test_vec(N);
    mlk_data shuffled = d;
    for (size_t i = 0; i < N; i++) {
        const size_t from = (7 * i + 3) % N; /* 7 and 60 have no common factor */
        memcpy(X.data + i * P, d.X.data + from * P, P * sizeof(double));
        y.data[i] = d.y.n ? d.y.data[from] : 0.0;
    }
    shuffled.X = mlk_mat_c(X);
    if (d.y.n)
        shuffled.y = mlk_vec_c(y);
    void *opts = default_opts(a);
    if (mlk_opts_find(a->opts, "tol"))
        require_ok(mlk_opts_parse(a->opts, a->name, "tol", "1e-9", opts));
    if (mlk_opts_find(a->opts, "max_iter"))
        require_ok(mlk_opts_parse(a->opts, a->name, "max_iter", "100000", opts));
    mlk_model *one, *other;
    require_ok(mlk_model_fit(a, opts, &d, NULL, &one));
    require_ok(mlk_model_fit(a, opts, &shuffled, NULL, &other));
    const mlk_vec before = outputs(one, d.X, 1), after = outputs(other, d.X, 1);
    if (cases[_i].task == MLK_CLUSTERING) {
        renumber(before.data, N);
        renumber(after.data, N);
    }
    /* Support vectors of a novelty detector lie on its boundary: their side is rounding. */
    for (size_t i = cases[_i].task == MLK_OUTLIER ? N : 0; i < before.n; i++)
        ck_assert_msg(fabs(before.data[i] - after.data[i]) <= 1e-6 * (1 + fabs(before.data[i])),
                      "%s: output %zu: %.17g, then %.17g", a->name, i, before.data[i],
                      after.data[i]);
    mlk_model_free(one);
    mlk_model_free(other);
}
END_TEST

START_TEST(unit_weights_change_nothing)
{
    if (!(cases[_i].algo->caps & MLK_CAP_WEIGHTS))
        return;
    const mlk_data d = sample(&cases[_i], N);
    mlk_data weighted = d;
    mlk_vec w = test_vec(N);
    for (size_t i = 0; i < N; i++)
        w.data[i] = 1.0;
    weighted.w = mlk_vec_c(w);
    mlk_model *a = fit(&cases[_i], &d, 1), *b = fit(&cases[_i], &weighted, 1);
    const mlk_vec plain = outputs(a, d.X, 1), with = outputs(b, d.X, 1);
    for (size_t i = 0; i < plain.n; i++)
        require_close(with.data[i], plain.data[i], 1e-9 * (1 + fabs(plain.data[i])));
    mlk_model_free(a);
    mlk_model_free(b);
}
END_TEST

/* -------------------------------------------------------------- save and load */

START_TEST(round_trips_through_an_archive)
{
    const mlk_data d = sample(&cases[_i], N);
    mlk_model *model = fit(&cases[_i], &d, 1), *back;
    size_t size;
    void *bytes = bytes_of(model, &size);
    mlk_doc *doc;
    require_ok(mlk_archive_decode(bytes, size, &doc));
    require_ok(mlk_model_load(doc, &back));
    mlk_doc_free(doc); /* the model keeps nothing of it */
    require_same_model(model, back);
    const mlk_vec a = outputs(model, d.X, 1), b = outputs(back, d.X, 2);
    require_same(a.data, b.data, a.n * sizeof(double));
    mlk_model_free(model);
    mlk_model_free(back);
}
END_TEST

/* A copy of a saved model in which the `skip`-th scalar or array (depth first) is spoiled: the
 * checksum does not help here. */
static void spoil(mlk_doc *to, const mlk_doc *from, int *skip, int how)
{
    static const double huge[] = {1e308, -1e308};
    for (size_t i = 0; i < mlk_doc_size(from); i++) {
        const bool map = mlk_doc_kind_of(from) == MLK_DOC_MAP;
        const char *key = map ? mlk_doc_key_at(from, i) : NULL;
        const mlk_doc *node = mlk_doc_at(from, i);
        const mlk_doc_kind kind = mlk_doc_kind_of(node);
        if (kind == MLK_DOC_MAP || kind == MLK_DOC_LIST) {
            spoil(kind == MLK_DOC_MAP ? mlk_doc_put_map(to, key) : mlk_doc_put_list(to, key), node,
                  skip, how);
        } else if ((*skip)-- != 0) {
            mlk_doc_put_copy(to, key, node);
        } else if (how == 0) {
            mlk_doc_put_null(to, key);
        } else if (how == 1) {
            mlk_doc_put_int(to, key, INT64_MAX);
        } else if (how == 2) {
            mlk_doc_put_int(to, key, -1);
        } else if (how == 3) {
            mlk_doc_put_text(to, key, "");
        } else if (how == 4) {
            mlk_doc_put_real(to, key, NAN);
        } else if (how == 5) {
            mlk_doc_put_vec(to, key, (mlk_cvec){huge, 2});
        } else if (kind == MLK_DOC_ARRAY) { /* the same shape, all bits set: indices out of range */
            const mlk_doc_array a = mlk_doc_array_of(node);
            static const size_t size[] = {1, 2, 4, 4, 4, 8};
            const size_t bytes = a.rows * (a.cols ? a.cols : 1) * size[a.type];
            void *ones = test_alloc(bytes + 1);
            memset(ones, how == 6 ? 0xff : 0x7f, bytes);
            mlk_doc_put_array(to, key, a.type, ones, a.rows, a.cols);
        } else {
            mlk_doc_put_int(to, key, 1000000007);
        }
    }
}

START_TEST(loads_nothing_that_could_harm)
{
    const mlk_data d = sample(&cases[_i], 20);
    mlk_model *model;
    if (mlk_model_fit(cases[_i].algo, default_opts(cases[_i].algo), &d, NULL, &model) != MLK_OK)
        return; /* too few rows for its defaults: a small file keeps this test quick */
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    for (int how = 0; how < 8; how++)
        for (int item = 0;; item++) {
            int skip = item;
            mlk_doc *bad = mlk_doc_new();
            mlk_model *back;
            spoil(bad, doc, &skip, how);
            if (mlk_model_load(bad, &back) == MLK_OK) {
                /* A harmless change: then predicting must be harmless too. */
                if (mlk_model_n_features(back) == P)
                    outputs(back, d.X, 1);
                mlk_model_free(back);
            } else {
                ck_assert_ptr_null(back);
            }
            mlk_doc_free(bad);
            if (skip >= 0)
                break;
        }
    mlk_doc_free(doc);
    mlk_model_free(model);
}
END_TEST

/* ------------------------------------------------------------------ bad input */

START_TEST(refuses_malformed_data)
{
    const contract_case *c = &cases[_i];
    const mlk_data good = sample(c, N);
    mlk_model *model;
    mlk_data d = good;

    d.X.rows = 0;
    d.y.n = 0;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "X is 0 x 3");
    ck_assert_ptr_null(model);
    d = good;
    d.X.cols = 0;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "X is 60 x 0");
    d = good;
    d.X.data = NULL;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL,
                 "X has no data; expected 60 x 3 values");
    d = good;
    d.X.ld = 2;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL,
                 "X has ld 2; expected at least its 3 columns");
    if (good.y.n) {
        d = good;
        d.y.data = NULL;
        require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "y has no data");
        d = good;
        d.y.n = N - 1;
        require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL,
                     "X has 60 rows but y has 59 values");
    }
    mlk_vec w = test_vec(N);
    d = good;
    d.w = mlk_vec_c(w);
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "weights");
    w.data[0] = -1.0;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "w");
    d.w.data = NULL;
    require_fail(mlk_model_fit(c->algo, NULL, &d, NULL, &model), MLK_EINVAL, "w");
}
END_TEST

START_TEST(refuses_values_that_are_not_finite)
{
    const contract_case *c = &cases[_i];
    static const double bad[] = {INFINITY, -INFINITY, NAN};
    for (size_t k = 0; k < MLK_COUNT(bad); k++) {
        const mlk_data d = sample(c, N);
        mlk_mat X = test_mat(N, P);
        mlk_data spoilt = d;
        mlk_model *model;
        memcpy(X.data, d.X.data, N * P * sizeof(double));
        X.data[3 * P + 1] = bad[k];
        spoilt.X = mlk_mat_c(X);
        if (isnan(bad[k]) && (c->algo->caps & MLK_CAP_MISSING)) {
            mlk_model *with_missing = fit(c, &spoilt, 1);
            outputs(with_missing, spoilt.X, 1);
            mlk_model_free(with_missing);
            continue;
        }
        require_fail(mlk_model_fit(c->algo, NULL, &spoilt, NULL, &model), MLK_EINVAL, "X[3, 1] = ");
        ck_assert_ptr_null(model);
    }
}
END_TEST

START_TEST(refuses_targets_out_of_domain)
{
    const contract_case *c = &cases[_i];
    const mlk_data d = sample(c, N);
    if (!d.y.n)
        return;
    mlk_vec y = test_vec(N);
    mlk_data spoilt = d;
    mlk_model *model;
    memcpy(y.data, d.y.data, N * sizeof(double));
    spoilt.y = mlk_vec_c(y);
    y.data[7] = NAN;
    require_fail(mlk_model_fit(c->algo, NULL, &spoilt, NULL, &model), MLK_EINVAL, "y[7] = nan");
    if (d.n_classes) {
        y.data[7] = 3.0;
        require_fail(mlk_model_fit(c->algo, NULL, &spoilt, NULL, &model), MLK_EINVAL,
                     "expected a class number 0..2");
        y.data[7] = 0.5;
        require_fail(mlk_model_fit(c->algo, NULL, &spoilt, NULL, &model), MLK_EINVAL,
                     "expected a class number 0..2");
    }
}
END_TEST

START_TEST(survives_one_row_and_constant_columns)
{
    const contract_case *c = &cases[_i];
    const mlk_data d = sample(c, N);
    mlk_data one = d, flat = d;
    mlk_mat X = test_mat(N, P);
    mlk_model *model;
    for (size_t i = 0; i < N * P; i++)
        X.data[i] = 1.0;
    one.X.rows = 1;
    if (d.y.n)
        one.y.n = 1;
    flat.X = mlk_mat_c(X);
    /* Either an answer or a refusal with a text; never a crash. */
    const mlk_data *both[] = {&one, &flat};
    for (size_t k = 0; k < 2; k++) {
        const mlk_status st = mlk_model_fit(c->algo, default_opts(c->algo), both[k], NULL, &model);
        ck_assert((st == MLK_OK) == (model != NULL));
        ck_assert(st == MLK_OK || st == MLK_EINVAL || st == MLK_ESINGULAR);
        if (model)
            outputs(model, both[k]->X, 1);
        mlk_model_free(model);
    }
}
END_TEST

START_TEST(predicts_on_its_own_width_only)
{
    const mlk_data d = sample(&cases[_i], N);
    mlk_model *model = fit(&cases[_i], &d, 1);
    mlk_vec out = test_vec(N);
    if (cases[_i].algo->predict)
        require_fail(mlk_model_predict(model, (mlk_cmat){d.X.data, N, 2, P}, NULL, out), MLK_EINVAL,
                     "X has 2 columns; the model was fitted on 3");
    if (cases[_i].algo->predict) {
        require_fail(mlk_model_predict(model, (mlk_cmat){d.X.data, N, P, 2}, NULL, out), MLK_EINVAL,
                     "X has ld 2; expected at least its 3 columns");
        require_fail(mlk_model_predict(model, (mlk_cmat){NULL, N, P, P}, NULL, out), MLK_EINVAL,
                     "X has no data");
    }
    mlk_model_free(model);
}
END_TEST

START_TEST(probabilities_are_a_distribution)
{
    const contract_case *c = &cases[_i];
    if (c->task != MLK_CLASSIFICATION || !c->algo->predict_proba)
        return;
    const mlk_data d = sample(c, N);
    mlk_model *model;
    if (mlk_model_fit(c->algo, default_opts(c->algo), &d, NULL, &model) != MLK_OK)
        ck_abort_msg("%s: %s", c->algo->name, mlk_error_message(MLK_EINVAL));
    mlk_mat P3 = test_mat(N, 3);
    const mlk_status st = mlk_model_predict_proba(model, d.X, NULL, P3);
    if (st != MLK_EUNSUPPORTED) { /* svc without probability=true, say */
        require_ok(st);
        for (size_t i = 0; i < N; i++) {
            double sum = 0.0;
            for (size_t k = 0; k < 3; k++) {
                ck_assert(P3.data[3 * i + k] >= 0.0 && P3.data[3 * i + k] <= 1.0);
                sum += P3.data[3 * i + k];
            }
            require_close(sum, 1.0, 1e-12);
        }
    }
    mlk_model_free(model);
}
END_TEST

/* ------------------------------------------------------- cancelling and memory */

static bool at_poll(void *user) { return atomic_fetch_sub((atomic_int *)user, 1) <= 0; }

START_TEST(can_be_cancelled_at_any_poll)
{
    const mlk_data d = sample(&cases[_i], N);
    for (int polls = 0; polls < 200; polls = 2 * polls + 1) {
        atomic_int left = polls;
        const mlk_run run = {.threads = 2, .cancelled = at_poll, .user = &left};
        mlk_model *model;
        const mlk_status st =
            mlk_model_fit(cases[_i].algo, default_opts(cases[_i].algo), &d, &run, &model);
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ECANCELLED && model == NULL);
        mlk_model_free(model);
    }
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = sample(&cases[_i], 30);
    const mlk_run run = {.threads = 1};
    void *opts = default_opts(cases[_i].algo);
    mlk_model *model;
    mlk_status st = MLK_ENOMEM;
    if (mlk_model_fit(cases[_i].algo, opts, &d, &run, &model) != MLK_OK)
        return; /* refused for its data, not for memory */
    mlk_model_free(model);
    for (int k = 0; st != MLK_OK && k < 3000; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_fit(cases[_i].algo, opts, &d, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert_msg(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL,
                      "%s, allocation %d: status %d: %s", cases[_i].algo->name, k, (int)st,
                      mlk_error_message(st));
        mlk_model_free(model);
    }
    ck_assert_int_eq(st, MLK_OK);
}
END_TEST

START_TEST(saves_loads_and_predicts_with_each_failing_allocation)
{
    const mlk_data d = sample(&cases[_i], 30);
    const mlk_run run = {.threads = 1};
    mlk_model *model, *back;
    if (mlk_model_fit(cases[_i].algo, default_opts(cases[_i].algo), &d, &run, &model) != MLK_OK)
        return;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK && k < 3000; k++) {
        void *bytes;
        size_t size;
        mlk_test_fail_at = k;
        mlk_doc *saved = mlk_doc_new();
        mlk_model_save(model, saved);
        st = mlk_archive_encode(saved, &bytes, &size);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || (st == MLK_ENOMEM && !bytes));
        mlk_archive_free(bytes);
        mlk_doc_free(saved);
    }
    ck_assert_int_eq(st, MLK_OK);
    mlk_doc *doc = mlk_doc_new();
    mlk_model_save(model, doc);
    st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK && k < 3000; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_load(doc, &back);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? back != NULL : st == MLK_ENOMEM && back == NULL);
        if (st != MLK_OK)
            mlk_model_free(back);
    }
    ck_assert_int_eq(st, MLK_OK);
    mlk_vec out = test_vec(30);
    st = cases[_i].algo->predict ? MLK_ENOMEM : MLK_OK;
    for (int k = 0; st != MLK_OK && k < 3000; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_predict(back, d.X, &run, out);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK || st == MLK_ENOMEM);
    }
    ck_assert_int_eq(st, MLK_OK);
    mlk_model_free(back);
    mlk_model_free(model);
    mlk_doc_free(doc);
}
END_TEST

Suite *test_suite(void)
{
    const struct {
        const char *name;
        const TTest *test;
    } tests[] = {
        {"describes itself", describes_itself},
        {"defaults", defaults_are_valid_and_survive_text},
        {"ranges", refuses_each_option_outside_its_range},
        {"nearest name", names_the_nearest_parameter},
        {"same bytes", gives_the_same_bytes_again_and_for_any_number_of_threads},
        {"inputs", leaves_its_inputs_as_they_were},
        {"stride", takes_a_design_with_a_stride},
        {"row order", does_not_depend_on_the_order_of_the_rows},
        {"unit weights", unit_weights_change_nothing},
        {"archive", round_trips_through_an_archive},
        {"hostile", loads_nothing_that_could_harm},
        {"malformed", refuses_malformed_data},
        {"not finite", refuses_values_that_are_not_finite},
        {"targets", refuses_targets_out_of_domain},
        {"degenerate", survives_one_row_and_constant_columns},
        {"width", predicts_on_its_own_width_only},
        {"distribution", probabilities_are_a_distribution},
        {"cancel", can_be_cancelled_at_any_poll},
        {"memory of fit", survives_each_failing_allocation},
        {"memory of load", saves_loads_and_predicts_with_each_failing_allocation},
    };
    Suite *s = suite_create("contract");
    list_cases();
    for (size_t i = 0; i < MLK_COUNT(tests); i++)
        tcase_add_loop_test(test_case(s, tests[i].name), tests[i].test, 0, (int)n_cases);
    return s;
}
