#include <mlkit/linear/logistic.h>

#include <stdio.h>

#include "support/mlk_test.h"

/* ------------------------------------------------------------ data and oracles */

/* Class numbers of the last column of a CSV file, its texts in their order. */
static mlk_cvec read_labels(const char *path, size_t n, size_t *k)
{
    char line[4096], names[16][64];
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    mlk_vec y = test_vec(n);
    char(*label)[64] = test_alloc(n * sizeof *label);
    ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
    *k = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_nonnull(fgets(line, sizeof line, f));
        line[strcspn(line, "\r\n")] = '\0';
        const char *comma = strrchr(line, ',');
        snprintf(label[i], sizeof label[i], "%.60s", comma + 1);
        size_t at = 0;
        while (at < *k && strcmp(names[at], label[i]) < 0)
            at++;
        if (at < *k && strcmp(names[at], label[i]) == 0)
            continue;
        ck_assert(*k < MLK_COUNT(names));
        memmove(names[at + 1], names[at], (*k - at) * sizeof names[0]);
        memcpy(names[at], label[i], sizeof names[0]);
        ++*k;
    }
    fclose(f);
    for (size_t i = 0; i < n; i++)
        while (strcmp(names[(size_t)y.data[i]], label[i]) != 0)
            y.data[i] += 1.0;
    return mlk_vec_c(y);
}

static void prepare(mlk_mat X, const char *how)
{
    for (size_t j = 0; j < X.cols; j++) {
        double mean = 0.0, var = 0.0;
        for (size_t i = 0; i < X.rows; i++)
            mean += X.data[i * X.ld + j] / (double)X.rows;
        for (size_t i = 0; i < X.rows; i++)
            var += pow(X.data[i * X.ld + j] - mean, 2.0) / (double)X.rows;
        for (size_t i = 0; i < X.rows; i++) {
            double *x = &X.data[i * X.ld + j];
            *x = strcmp(how, "unit") == 0   ? (*x - mean) / sqrt(var)
                 : strcmp(how, "16th") == 0 ? *x / 16.0
                                            : *x;
        }
    }
}

/* The table without its last column, and that one as classes; false: not there. */
static bool load(const char *name, const char *how, mlk_data *d)
{
    char file[128];
    snprintf(file, sizeof file, "datasets/%s.csv", name);
    const char *path = test_shared_path(file);
    if (!path)
        return false;
    const mlk_cmat A = test_read_csv(path);
    mlk_mat X = test_mat(A.rows, A.cols - 1);
    for (size_t i = 0; i < X.rows; i++)
        memcpy(X.data + i * X.ld, A.data + i * A.ld, X.cols * sizeof(double));
    prepare(X, how);
    *d = (mlk_data){.X = mlk_mat_c(X)};
    d->y = read_labels(path, A.rows, &d->n_classes);
    return true;
}

static mlk_data random_data(uint64_t seed, size_t n, size_t p, size_t k)
{
    const mlk_cmat X = test_random_mat(seed, n, p);
    return (mlk_data){.X = X, .y = test_classes(seed + 7, X, k), .n_classes = k};
}

static mlk_logistic_opts defaults(void) { return mlk_logistic_opts_default(); }

static double weight(const mlk_data *d, size_t i) { return d->w.n ? d->w.data[i] : 1.0; }

/* Score of row i for row a of the coefficients, by plain loops. */
static double score(const mlk_data *d, const mlk_logistic *m, size_t i, size_t a)
{
    const mlk_cmat W = mlk_logistic_coef(m);
    return test_dot(d->X.data + i * d->X.ld, W.data + a * W.ld, W.cols) +
           mlk_logistic_intercept(m).data[a];
}

/* What logistic.h (1) and (2) say of a model, recomputed: no class weights. */
typedef struct oracle {
    double objective, violation, gap, balance;
} oracle;

static double softmax(const mlk_data *d, const mlk_logistic *m, size_t i, double *p)
{
    const size_t K = d->n_classes;
    double top = -INFINITY, sum = 0.0;
    for (size_t c = 0; c < K; c++) {
        p[c] = K == 2 ? (c ? score(d, m, i, 0) : 0.0) : score(d, m, i, c);
        top = fmax(top, p[c]);
    }
    for (size_t c = 0; c < K; c++)
        sum += p[c] = exp(p[c] - top);
    for (size_t c = 0; c < K; c++)
        p[c] /= sum;
    return -log(p[(size_t)d->y.data[i]]);
}

static oracle recompute(const mlk_data *d, const mlk_logistic_opts *o, const mlk_logistic *m)
{
    const mlk_cmat W = mlk_logistic_coef(m);
    const size_t q = W.cols + 1, K = d->n_classes;
    const double C = o->penalty == MLK_LOGISTIC_NONE ? 1.0 : o->C;
    const double share = o->penalty == MLK_LOGISTIC_L1           ? 1.0
                         : o->penalty == MLK_LOGISTIC_ELASTICNET ? o->l1_ratio
                                                                 : 0.0;
    const double on = o->penalty == MLK_LOGISTIC_NONE ? 0.0 : 1.0;
    mlk_mat V = test_mat(W.rows, q); /* gradient of the loss, intercepts last */
    double *p = test_alloc(K * sizeof *p), loss = 0.0, rho = 1.0;
    for (size_t i = 0; i < d->X.rows; i++) {
        loss += C * weight(d, i) * softmax(d, m, i, p);
        for (size_t a = 0; a < W.rows; a++) {
            const size_t c = K == 2 ? 1 : a;
            const double r = C * weight(d, i) * (p[c] - ((size_t)d->y.data[i] == c));
            for (size_t j = 0; j < W.cols; j++)
                V.data[a * q + j] += r * d->X.data[i * d->X.ld + j];
            V.data[a * q + W.cols] += r;
        }
    }
    oracle t = {.objective = loss};
    for (size_t a = 0; a < W.rows; a++)
        for (size_t j = 0; j < q; j++) {
            const bool intercept = j == W.cols;
            const double l1 = intercept && !o->penalize_intercept ? 0.0 : on * share;
            const double l2 = intercept && !o->penalize_intercept ? 0.0 : on * (1.0 - share);
            const double w = intercept ? mlk_logistic_intercept(m).data[a] : W.data[a * W.ld + j];
            const double v = V.data[a * q + j], g = v + l2 * w;
            if (intercept && !o->fit_intercept)
                continue;
            if (intercept && !o->penalize_intercept)
                t.balance = fmax(t.balance, fabs(v));
            t.objective += l1 * fabs(w) + 0.5 * l2 * w * w;
            t.violation =
                fmax(t.violation, w != 0.0 ? fabs(g + copysign(l1, w)) : fmax(fabs(g) - l1, 0.0));
            t.gap += l1 * fabs(w) + 0.5 * l2 * w * w;
            if (l2 == 0.0 && l1 > 0.0 && fabs(v) * rho > l1)
                rho = l1 / fabs(v);
        }
    t.gap += (1.0 - rho) * loss;
    for (size_t a = 0; a < W.rows; a++)
        for (size_t j = 0; j < W.cols + o->penalize_intercept; j++) {
            const double w = j < W.cols ? W.data[a * W.ld + j] : mlk_logistic_intercept(m).data[a];
            const double v = rho * V.data[a * q + j], over = fmax(fabs(v) - on * share, 0.0);
            t.gap += w * v + (share < 1.0 ? over * over / (2.0 - 2.0 * share) : 0.0);
        }
    return t;
}

/* ------------------------------------------------------------------ optimality */

static const struct {
    size_t n, p, k;
    int penalty, solver;
    double C, l1_ratio;
    bool fit_intercept, penalize_intercept;
} problems[] = {
    {80, 6, 2, MLK_LOGISTIC_L2, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {80, 6, 2, MLK_LOGISTIC_L2, MLK_LOGISTIC_LBFGS, 0.3, 0.5, true, false},
    {80, 6, 4, MLK_LOGISTIC_L2, MLK_LOGISTIC_NEWTON_CHOLESKY, 3.0, 0.5, true, false},
    {80, 6, 4, MLK_LOGISTIC_L2, MLK_LOGISTIC_LBFGS, 3.0, 0.5, true, false},
    {80, 6, 3, MLK_LOGISTIC_L2, MLK_LOGISTIC_AUTO, 1.0, 0.5, false, false},
    {80, 6, 3, MLK_LOGISTIC_L2, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, true},
    {80, 6, 2, MLK_LOGISTIC_NONE, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {200, 4, 3, MLK_LOGISTIC_NONE, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {20, 60, 2, MLK_LOGISTIC_L2, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {20, 60, 3, MLK_LOGISTIC_L2, MLK_LOGISTIC_LBFGS, 1.0, 0.5, true, false},
    {80, 6, 2, MLK_LOGISTIC_L1, MLK_LOGISTIC_AUTO, 0.5, 0.5, true, false},
    {80, 6, 4, MLK_LOGISTIC_L1, MLK_LOGISTIC_PROX_NEWTON, 0.5, 0.5, true, false},
    {40, 150, 2, MLK_LOGISTIC_L1, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {40, 150, 3, MLK_LOGISTIC_L1, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {80, 6, 3, MLK_LOGISTIC_L1, MLK_LOGISTIC_AUTO, 0.5, 0.5, true, true},
    {80, 6, 2, MLK_LOGISTIC_ELASTICNET, MLK_LOGISTIC_AUTO, 1.0, 0.3, true, false},
    {80, 6, 4, MLK_LOGISTIC_ELASTICNET, MLK_LOGISTIC_AUTO, 1.0, 0.7, false, false},
    {40, 100, 2, MLK_LOGISTIC_ELASTICNET, MLK_LOGISTIC_AUTO, 1.0, 0.5, true, false},
    {2000, 12, 2, MLK_LOGISTIC_L2, MLK_LOGISTIC_LBFGS, 1.0, 0.5, true, false},
};

static mlk_logistic_opts options_of(int i)
{
    mlk_logistic_opts o = defaults();
    o.penalty = problems[i].penalty;
    o.solver = problems[i].solver;
    o.C = problems[i].C;
    o.l1_ratio = problems[i].l1_ratio;
    o.fit_intercept = problems[i].fit_intercept;
    o.penalize_intercept = problems[i].penalize_intercept;
    return o;
}

START_TEST(certificate_holds_when_recomputed_from_the_header)
{
    const mlk_logistic_opts o = options_of(_i);
    mlk_data d = random_data(40 + (uint64_t)_i, problems[_i].n, problems[_i].p, problems[_i].k);
    mlk_vec w = test_vec(d.X.rows);
    for (size_t i = 0; i < w.n; i++)
        w.data[i] = (double)(i % 4) * 0.7;
    for (int weighted = 0; weighted < 2; weighted++) {
        mlk_logistic *m;
        d.w = weighted ? mlk_vec_c(w) : (mlk_cvec){NULL, 0};
        require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
        const mlk_fit_info info = mlk_logistic_info(m);
        const oracle t = recompute(&d, &o, m);
        ck_assert_int_eq(info.converged, 1);
        require_relative(info.objective, t.objective, 1e-12);
        ck_assert(t.violation <= 1e-4 * 1.001);
        require_close(info.kkt_violation, t.violation, 1e-11 * t.objective);
        if (o.penalty == MLK_LOGISTIC_NONE) {
            ck_assert(isnan(info.duality_gap));
        } else {
            ck_assert(info.duality_gap >= 0.0 && t.balance <= 1e-10 * (1.0 + t.objective));
            require_close(info.duality_gap, t.gap, 1e-11 * t.objective);
            ck_assert(info.duality_gap < 1e-4 * t.objective);
        }
        mlk_logistic_free(m);
    }
}
END_TEST

/* ---------------------------------------------------------------- closed forms */

START_TEST(intercept_alone_is_the_log_odds)
{
    const double x[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, y[] = {1, 0, 1, 1, 2, 1, 0, 1, 2, 2};
    const double z[] = {1, 0, 1, 1, 0, 1, 0, 1, 0, 0};
    mlk_data d = {.X = {x, 10, 1, 1}, .y = {z, 10}, .n_classes = 2};
    mlk_logistic *m;
    require_ok(mlk_logistic_fit(&d, NULL, NULL, &m)); /* 5 of 10 */
    require_close(mlk_logistic_intercept(m).data[0], 0.0, 1e-12);
    mlk_logistic_free(m);
    d.X.rows = d.y.n = 8; /* 5 of 8 */
    require_ok(mlk_logistic_fit(&d, NULL, NULL, &m));
    require_relative(mlk_logistic_intercept(m).data[0], log(5.0 / 3.0), 1e-12);
    require_close(mlk_logistic_coef(m).data[0], 0.0, 1e-15);
    mlk_logistic_free(m);

    d = (mlk_data){.X = {x, 10, 1, 1}, .y = {y, 10}, .n_classes = 3};
    require_ok(mlk_logistic_fit(&d, NULL, NULL, &m));
    const double *b = mlk_logistic_intercept(m).data;
    require_relative(b[1] - b[0], log(5.0 / 2.0), 1e-12);
    require_relative(b[1] - b[2], log(5.0 / 3.0), 1e-12);
    require_close(b[0] + b[1] + b[2], 0.0, 1e-12);
    mlk_logistic_free(m);
}
END_TEST

START_TEST(two_by_two_table_gives_the_log_odds_ratio)
{
    /* x = 0: 7 of 10 in class 1; x = 1: 12 of 40 */
    double x[50], y[50];
    for (int i = 0; i < 50; i++) {
        x[i] = i >= 10;
        y[i] = i < 10 ? i < 7 : i < 22;
    }
    const mlk_data d = {.X = {x, 50, 1, 1}, .y = {y, 50}, .n_classes = 2};
    mlk_logistic_opts o = defaults();
    mlk_logistic *m;
    o.penalty = MLK_LOGISTIC_NONE;
    require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
    require_relative(mlk_logistic_intercept(m).data[0], log(7.0 / 3.0), 1e-12);
    require_relative(mlk_logistic_coef(m).data[0], log(12.0 / 28.0) - log(7.0 / 3.0), 1e-12);
    mlk_logistic_free(m);
}
END_TEST

/* ------------------------------------------------- reference/logistic.py, and twins */

static void next_word(FILE *f, char *word) { ck_assert_int_eq(fscanf(f, "%63s", word), 1); }

static int word_of(const mlk_opt *opt, const char *text)
{
    for (const mlk_word *w = opt->words; w->name; w++)
        if (strcmp(w->name, text) == 0)
            return (int)w->value;
    ck_abort_msg("no word %s", text);
}

static void compare_case(FILE *f, const char *name)
{
    char how[64], penalty[64], multi[64], weights[64], cycle[64];
    double C;
    int on_intercept;
    size_t rows, cols;
    const mlk_opt *table = mlk_logistic_algo.opts;
    mlk_logistic_opts o = defaults();
    next_word(f, how);
    next_word(f, penalty);
    ck_assert_int_eq(fscanf(f, "%lf", &C), 1);
    next_word(f, multi);
    next_word(f, weights);
    next_word(f, cycle);
    ck_assert_int_eq(fscanf(f, "%d %zu %zu", &on_intercept, &rows, &cols), 3);
    o.penalty = word_of(mlk_opts_find(table, "penalty"), penalty);
    o.multi_class = word_of(mlk_opts_find(table, "multi_class"), multi);
    o.class_weight = word_of(mlk_opts_find(table, "class_weight"), weights);
    o.C = C;
    o.penalize_intercept = on_intercept != 0;
    mlk_data d;
    const bool there = load(name, how, &d);
    mlk_logistic *m = NULL;
    if (there) {
        mlk_vec s = test_vec(d.X.rows);
        for (size_t i = 0; i < s.n; i++)
            s.data[i] = (double)(1 + i % 3);
        if (strcmp(cycle, "cycle") == 0)
            d.w = mlk_vec_c(s);
        require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
        ck_assert_uint_eq(mlk_logistic_coef(m).rows, rows);
        ck_assert_uint_eq(mlk_logistic_coef(m).cols + 1, cols);
    }
    for (size_t a = 0; a < rows; a++)
        for (size_t j = 0; j < cols; j++) {
            double expected;
            ck_assert_int_eq(fscanf(f, "%lf", &expected), 1);
            if (m)
                require_close(j + 1 < cols ? mlk_logistic_coef(m).data[a * (cols - 1) + j]
                                           : mlk_logistic_intercept(m).data[a],
                              expected, 1e-6 * fmax(1.0, fabs(expected)));
        }
    mlk_logistic_free(m);
}

START_TEST(agrees_with_scikit_learn_to_six_digits)
{
    FILE *f = fopen(test_source_path("tests/reference/logistic.txt"), "r");
    char name[64];
    ck_assert_ptr_nonnull(f);
    int cases = 0;
    for (; fscanf(f, "%63s", name) == 1; cases++)
        compare_case(f, name);
    fclose(f);
    ck_assert_int_ge(cases, 10);
}
END_TEST

/* Gradient and Hessian of the multinomial problem by the letter, all k rows and intercepts. */
static void literal_derivatives(const mlk_data *d, double C, const double *theta, double *g,
                                double *H)
{
    const size_t q = d->X.cols + 1, k = d->n_classes, size = k * q;
    double *p = test_alloc(k * sizeof *p), *x = test_alloc(q * sizeof *x);
    memset(g, 0, size * sizeof *g);
    memset(H, 0, size * size * sizeof *H);
    for (size_t i = 0; i < d->X.rows; i++) {
        double sum = 0.0;
        memcpy(x, d->X.data + i * d->X.ld, (q - 1) * sizeof *x);
        x[q - 1] = 1.0;
        for (size_t a = 0; a < k; a++)
            sum += p[a] = exp(test_dot(x, theta + a * q, q));
        for (size_t a = 0; a < k; a++)
            p[a] /= sum;
        for (size_t a = 0; a < k; a++)
            for (size_t j = 0; j < q; j++) {
                g[a * q + j] += C * (p[a] - ((size_t)d->y.data[i] == a)) * x[j];
                for (size_t b = 0; b < k; b++)
                    for (size_t l = 0; l < q; l++)
                        H[(a * q + j) * size + b * q + l] +=
                            C * p[a] * ((a == b) - p[b]) * x[j] * x[l];
            }
    }
    for (size_t j = 0; j < size; j++) {
        const bool intercept = j % q == q - 1;
        g[j] += intercept ? 0.0 : theta[j];
        H[j * size + j] += intercept ? 1e-9 : 1.0; /* intercepts: up to a common shift */
    }
}

/* x := A^-1 x by elimination with pivoting. */
static void eliminate(size_t n, double *A, double *x)
{
    for (size_t c = 0; c < n; c++) {
        size_t best = c;
        for (size_t i = c + 1; i < n; i++)
            if (fabs(A[i * n + c]) > fabs(A[best * n + c]))
                best = i;
        for (size_t j = 0; j < n; j++) {
            const double t = A[c * n + j];
            A[c * n + j] = A[best * n + j];
            A[best * n + j] = t;
        }
        const double t = x[c];
        x[c] = x[best];
        x[best] = t;
        for (size_t i = 0; i < n; i++) {
            const double factor = i == c ? 0.0 : A[i * n + c] / A[c * n + c];
            for (size_t j = c; j < n; j++)
                A[i * n + j] -= factor * A[c * n + j];
            x[i] -= factor * x[c];
        }
    }
    for (size_t i = 0; i < n; i++)
        x[i] /= A[i * n + i];
}

START_TEST(multinomial_is_what_newton_by_the_letter_finds)
{
    const mlk_data d = random_data(3, 60, 3, 4);
    const size_t q = 4, k = 4, size = k * q;
    double *theta = test_alloc(size * sizeof *theta), *g = test_alloc(size * sizeof *g);
    double *H = test_alloc(size * size * sizeof *H);
    mlk_logistic_opts o = defaults();
    mlk_logistic *m;
    o.C = 0.8;
    for (int step = 0; step < 30; step++) {
        literal_derivatives(&d, o.C, theta, g, H);
        eliminate(size, H, g);
        for (size_t j = 0; j < size; j++)
            theta[j] -= g[j];
    }
    for (int solver = MLK_LOGISTIC_LBFGS; solver <= MLK_LOGISTIC_NEWTON_CHOLESKY; solver++) {
        o.solver = solver;
        o.tol = 1e-9;
        require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
        for (size_t a = 0; a < k; a++) {
            for (size_t j = 0; j + 1 < q; j++)
                require_close(mlk_logistic_coef(m).data[a * 3 + j], theta[a * q + j], 1e-9);
            require_close(mlk_logistic_intercept(m).data[a] - mlk_logistic_intercept(m).data[0],
                          theta[a * q + 3] - theta[3], 1e-8);
        }
        mlk_logistic_free(m);
    }
}
END_TEST

/* ------------------------------------------------------------------ invariances */

/* The rows of d in the order i -> step i mod n, as a copy. */
static mlk_data permuted(const mlk_data *d, size_t step)
{
    mlk_data t = *d;
    mlk_mat X = test_mat(d->X.rows, d->X.cols);
    mlk_vec y = test_vec(d->X.rows);
    for (size_t i = 0; i < X.rows; i++) {
        const size_t from = step * i % X.rows;
        memcpy(X.data + i * X.ld, d->X.data + from * d->X.ld, X.cols * sizeof(double));
        y.data[i] = d->y.data[from];
    }
    t.X = mlk_mat_c(X);
    t.y = mlk_vec_c(y);
    return t;
}

static void require_same_model(const mlk_logistic *a, const mlk_logistic *b, double tol)
{
    const mlk_cmat A = mlk_logistic_coef(a), B = mlk_logistic_coef(b);
    for (size_t j = 0; j < A.rows * A.cols; j++)
        require_close(A.data[j], B.data[j], tol);
    for (size_t c = 0; c < A.rows; c++)
        require_close(mlk_logistic_intercept(a).data[c], mlk_logistic_intercept(b).data[c], tol);
}

static const struct {
    size_t k;
    int penalty, multi_class, class_weight;
} forms[] = {{2, MLK_LOGISTIC_L2, MLK_LOGISTIC_MULTINOMIAL, MLK_LOGISTIC_EQUAL},
             {2, MLK_LOGISTIC_L1, MLK_LOGISTIC_MULTINOMIAL, MLK_LOGISTIC_BALANCED},
             {3, MLK_LOGISTIC_L2, MLK_LOGISTIC_MULTINOMIAL, MLK_LOGISTIC_BALANCED},
             {3, MLK_LOGISTIC_ELASTICNET, MLK_LOGISTIC_MULTINOMIAL, MLK_LOGISTIC_EQUAL},
             {3, MLK_LOGISTIC_L2, MLK_LOGISTIC_OVR, MLK_LOGISTIC_BALANCED},
             {3, MLK_LOGISTIC_NONE, MLK_LOGISTIC_MULTINOMIAL, MLK_LOGISTIC_EQUAL}};

static mlk_logistic_opts form_of(int i)
{
    mlk_logistic_opts o = defaults();
    o.penalty = forms[i].penalty;
    o.multi_class = forms[i].multi_class;
    o.class_weight = forms[i].class_weight;
    return o;
}

START_TEST(order_of_rows_changes_nothing_beyond_rounding)
{
    const mlk_logistic_opts o = form_of(_i);
    const mlk_data d = random_data(11, 211, 5, forms[_i].k), t = permuted(&d, 37);
    mlk_logistic *a, *b;
    require_ok(mlk_logistic_fit(&d, &o, NULL, &a));
    require_ok(mlk_logistic_fit(&t, &o, NULL, &b));
    require_same_model(a, b, 1e-9);
    mlk_logistic_free(a);
    mlk_logistic_free(b);
}
END_TEST

START_TEST(order_of_classes_only_renames_them)
{
    const mlk_logistic_opts o = form_of(_i);
    const size_t k = forms[_i].k;
    const mlk_data d = random_data(12, 150, 4, k);
    mlk_data t = d;
    mlk_vec y = test_vec(d.X.rows);
    mlk_logistic *a, *b;
    for (size_t i = 0; i < y.n; i++)
        y.data[i] = (double)(k - 1) - d.y.data[i];
    t.y = mlk_vec_c(y);
    require_ok(mlk_logistic_fit(&d, &o, NULL, &a));
    require_ok(mlk_logistic_fit(&t, &o, NULL, &b));
    const mlk_cmat A = mlk_logistic_coef(a), B = mlk_logistic_coef(b);
    for (size_t c = 0; c < A.rows; c++)
        for (size_t j = 0; j < A.cols; j++)
            require_close(A.data[c * A.ld + j],
                          (k == 2 ? -1.0 : 1.0) * B.data[(A.rows - 1 - c) * B.ld + j], 1e-9);
    mlk_logistic_free(a);
    mlk_logistic_free(b);
}
END_TEST

START_TEST(weights_are_duplicated_rows)
{
    const mlk_logistic_opts o = form_of(_i);
    mlk_data d = random_data(13, 90, 4, forms[_i].k), t = d;
    mlk_vec s = test_vec(90), y = test_vec(90);
    mlk_mat X = test_mat(90, 4);
    size_t n = 0;
    for (size_t i = 0; i < 60; i++) {
        s.data[i] = (double)(i % 3); /* 60 of 90 rows, weights 0, 1, 2 */
        for (size_t r = 0; r < i % 3; r++, n++) {
            memcpy(X.data + n * 4, d.X.data + i * 4, 4 * sizeof(double));
            y.data[n] = d.y.data[i];
        }
    }
    d.w = mlk_vec_c(s);
    t.X = (mlk_cmat){X.data, n, 4, 4};
    t.y = (mlk_cvec){y.data, n};
    mlk_logistic *a, *b;
    require_ok(mlk_logistic_fit(&d, &o, NULL, &a));
    require_ok(mlk_logistic_fit(&t, &o, NULL, &b));
    require_same_model(a, b, 1e-8);
    mlk_logistic_free(a);
    mlk_logistic_free(b);
}
END_TEST

START_TEST(any_number_of_threads_gives_the_same_bytes)
{
    mlk_logistic_opts o = form_of(_i);
    const mlk_data d = random_data(14, 3000, 9, forms[_i].k);
    const int threads[] = {1, 2, 3, 8};
    const size_t rows = forms[_i].k == 2 ? 1 : 3;
    mlk_logistic *m[4];
    mlk_mat P[4];
    for (size_t t = 0; t < 4; t++) {
        const mlk_run run = {.threads = threads[t]};
        P[t] = test_mat(3000, forms[_i].k);
        require_ok(mlk_logistic_fit(&d, &o, &run, &m[t]));
        require_ok(mlk_logistic_predict_proba(m[t], d.X, &run, P[t]));
        require_same(mlk_logistic_coef(m[t]).data, mlk_logistic_coef(m[0]).data,
                     rows * 9 * sizeof(double));
        require_same(mlk_logistic_intercept(m[t]).data, mlk_logistic_intercept(m[0]).data,
                     rows * sizeof(double));
        require_same(P[t].data, P[0].data, 3000 * forms[_i].k * sizeof(double));
    }
    for (size_t t = 0; t < 4; t++)
        mlk_logistic_free(m[t]);
}
END_TEST

/* -------------------------------------------------------------------- separation */

typedef struct warnings {
    int count;
    char text[600];
} warnings;

static void keep(void *user, const char *line)
{
    warnings *w = user;
    w->count++;
    snprintf(w->text, sizeof w->text, "%s", line);
}

/* Fit and require one warning with this text, or none (NULL). */
static mlk_fit_info require_warning(const mlk_data *d, const mlk_logistic_opts *o, const char *text)
{
    warnings w = {0, ""};
    const mlk_run run = {.warn = keep, .user = &w};
    mlk_logistic *m;
    require_ok(mlk_logistic_fit(d, o, &run, &m));
    const mlk_fit_info info = mlk_logistic_info(m);
    ck_assert_msg(w.count == (text != NULL), "%d warnings, the last '%s'", w.count, w.text);
    if (text)
        ck_assert_msg(strstr(w.text, text), "'%s' lacks '%s'", w.text, text);
    for (size_t j = 0; j < mlk_logistic_coef(m).cols; j++)
        ck_assert(isfinite(mlk_logistic_coef(m).data[j]));
    mlk_logistic_free(m);
    return info;
}

START_TEST(separation_is_found_and_said)
{
    const double x[] = {-3, -2, -1, 1, 2, 3}, tied[] = {-3, -2, 0, 0, 2, 3};
    const double y[] = {0, 0, 0, 1, 1, 1}, mixed[] = {0, 1, 0, 1, 0, 1},
                 three[] = {0, 0, 1, 1, 2, 2};
    mlk_data d = {.X = {x, 6, 1, 1}, .y = {y, 6}, .n_classes = 2};
    mlk_logistic_opts o = defaults();
    ck_assert_int_eq(require_warning(&d, &o, NULL).converged, 1);
    o.C = 1e12;
    require_warning(&d, &o, "perfectly separated");
    o.C = 1.0;
    o.penalty = MLK_LOGISTIC_NONE;
    for (int solver = MLK_LOGISTIC_AUTO; solver <= MLK_LOGISTIC_NEWTON_CHOLESKY; solver++) {
        o.solver = solver;
        ck_assert_int_eq(require_warning(&d, &o, "perfectly separated").converged, 0);
    }
    d.X.data = tied;
    o.solver = MLK_LOGISTIC_AUTO;
    ck_assert_int_eq(require_warning(&d, &o, "separated but for ties").converged, 0);
    d.y.data = mixed;
    ck_assert_int_eq(require_warning(&d, &o, NULL).converged, 1);
    d = (mlk_data){.X = {x, 6, 1, 1}, .y = {three, 6}, .n_classes = 3};
    /* -3 -2 | -1 1 | 2 3: a softmax of one column separates intervals */
    ck_assert_int_eq(require_warning(&d, &o, "perfectly separated").converged, 0);
}
END_TEST

START_TEST(stopping_early_is_said_with_the_figure_reached)
{
    const mlk_data d = random_data(5, 100, 5, 3);
    mlk_logistic_opts o = defaults();
    o.max_iter = 1;
    const mlk_fit_info info =
        require_warning(&d, &o, "did not converge in 1 iterations: violation");
    ck_assert_int_eq(info.converged, 0);
    ck_assert(info.kkt_violation > 1e-4 && info.duality_gap > 0.0);
    o.penalty = MLK_LOGISTIC_L1;
    ck_assert_int_eq(require_warning(&d, &o, "did not converge").converged, 0);
}
END_TEST

/* ---------------------------------------------------------------- hard designs */

/* Random columns, some of them replaced: 0 by a constant, 1 by huge values, 2 by tiny ones, 3 by a
 * copy of column 4. */
static mlk_data hard_data(size_t k)
{
    const mlk_data d = random_data(21, 120, 6, k);
    mlk_mat X = test_mat(120, 6);
    for (size_t i = 0; i < 120; i++) {
        const double *x = d.X.data + i * 6;
        const double row[] = {7.0, 1e300 * x[1], 1e-300 * x[2], x[4], x[4], 1e6 + x[5]};
        memcpy(X.data + i * 6, row, sizeof row);
    }
    mlk_data t = d;
    t.X = mlk_mat_c(X);
    return t;
}

START_TEST(extreme_constant_and_duplicate_columns_do_no_harm)
{
    const mlk_logistic_opts o = form_of(_i);
    const mlk_data d = hard_data(forms[_i].k);
    mlk_logistic *m;
    require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
    const mlk_cmat W = mlk_logistic_coef(m);
    mlk_mat P = test_mat(120, forms[_i].k);
    require_ok(mlk_logistic_predict_proba(m, d.X, NULL, P));
    ck_assert_int_eq(mlk_logistic_info(m).converged, 1);
    double gain = 0.0; /* the huge column is used: it costs no penalty */
    for (size_t c = 0; c < W.rows; c++) {
        for (size_t j = 0; j < 6; j++)
            ck_assert(isfinite(W.data[c * 6 + j]));
        gain = fmax(gain, fabs(W.data[c * 6 + 1]) * 1e300);
        if (forms[_i].penalty == MLK_LOGISTIC_L2) {
            require_relative(W.data[c * 6 + 3], W.data[c * 6 + 4], 1e-6);
            require_close(W.data[c * 6], 0.0, 1e-9); /* a constant: the intercept is free */
        }
    }
    ck_assert(gain > 0.05);
    for (size_t i = 0; i < 120 * forms[_i].k; i++)
        ck_assert(P.data[i] >= 0.0 && P.data[i] <= 1.0);
    mlk_logistic_free(m);
}
END_TEST

START_TEST(rank_deficiency_without_a_penalty_is_said)
{
    const mlk_data d = random_data(22, 100, 3, 2);
    mlk_mat X = test_mat(100, 4);
    mlk_data t = d;
    mlk_logistic_opts o = defaults();
    o.penalty = MLK_LOGISTIC_NONE;
    for (size_t i = 0; i < 100; i++) {
        memcpy(X.data + i * 4, d.X.data + i * 3, 3 * sizeof(double));
        X.data[i * 4 + 3] = d.X.data[i * 3] - 2.0 * d.X.data[i * 3 + 1];
    }
    t.X = mlk_mat_c(X);
    const mlk_fit_info a = require_warning(&d, &o, NULL),
                       b = require_warning(&t, &o, "rank-deficient");
    require_relative(a.objective, b.objective, 1e-10);
    ck_assert_int_eq(b.converged, 1);
}
END_TEST

START_TEST(an_absent_class_is_never_predicted)
{
    mlk_data d = random_data(23, 80, 3, 3), t = d;
    mlk_vec y = test_vec(80);
    for (size_t i = 0; i < 80; i++)
        y.data[i] = d.y.data[i] * 2.0; /* classes 0, 2, 4 of 5 */
    t.y = mlk_vec_c(y);
    t.n_classes = 5;
    for (int multi = 0; multi < 2; multi++) {
        mlk_logistic_opts o = defaults();
        mlk_logistic *a, *b;
        mlk_mat P = test_mat(80, 3), Q = test_mat(80, 5);
        o.multi_class = multi;
        require_ok(mlk_logistic_fit(&d, &o, NULL, &a));
        require_ok(mlk_logistic_fit(&t, &o, NULL, &b));
        require_ok(mlk_logistic_predict_proba(a, d.X, NULL, P));
        require_ok(mlk_logistic_predict_proba(b, d.X, NULL, Q));
        for (size_t i = 0; i < 80; i++) {
            ck_assert(Q.data[i * 5 + 1] == 0.0 && Q.data[i * 5 + 3] == 0.0);
            for (size_t c = 0; c < 3; c++)
                require_close(P.data[i * 3 + c], Q.data[i * 5 + 2 * c], 1e-14);
        }
        mlk_logistic_free(a);
        mlk_logistic_free(b);
    }
}
END_TEST

/* -------------------------------------------------------------------- prediction */

START_TEST(predictions_follow_from_the_scores)
{
    const mlk_logistic_opts o = form_of(_i);
    const size_t k = forms[_i].k, rows = k == 2 ? 1 : k;
    const mlk_data d = random_data(31, 500, 4, k);
    mlk_logistic *m;
    mlk_vec y = test_vec(500);
    mlk_mat P = test_mat(500, k), Z = test_mat(500, rows);
    require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
    require_ok(mlk_logistic_predict(m, d.X, NULL, y));
    require_ok(mlk_logistic_predict_proba(m, d.X, NULL, P));
    require_ok(mlk_logistic_decision(m, d.X, NULL, Z));
    for (size_t i = 0; i < 500; i++) {
        double p[3], sum = 0.0;
        size_t best = 0;
        for (size_t c = 0; c < rows; c++)
            require_close(Z.data[i * rows + c], score(&d, m, i, c), 1e-12);
        for (size_t c = 0; c < k; c++) {
            const double z = Z.data[i * rows + (k == 2 ? 0 : c)];
            p[c] = k == 2                  ? 1.0 / (1.0 + exp(c ? -z : z))
                   : forms[_i].multi_class ? 1.0 / (1.0 + exp(-z))
                                           : exp(z);
            sum += p[c];
        }
        for (size_t c = 0; c < k; c++) {
            require_close(P.data[i * k + c], p[c] / sum, 1e-14);
            best = P.data[i * k + c] > P.data[i * k + best] ? c : best;
        }
        ck_assert(y.data[i] == (double)best);
    }
    mlk_logistic_free(m);
}
END_TEST

START_TEST(fitting_many_equals_fitting_one_by_one)
{
    const mlk_data d = random_data(32, 200, 5, 3);
    const double Cs[] = {10.0, 0.01, 1.0, 0.1};
    mlk_logistic_opts o[4];
    const void *opts[4];
    void *states[4];
    for (int penalty = MLK_LOGISTIC_L2; penalty <= MLK_LOGISTIC_ELASTICNET; penalty++) {
        for (size_t t = 0; t < 4; t++) {
            o[t] = defaults();
            o[t].penalty = penalty;
            o[t].C = Cs[t];
            opts[t] = &o[t];
        }
        require_ok(mlk_logistic_algo.fit_many(&d, opts, 4, NULL, states));
        for (size_t t = 0; t < 4; t++) {
            mlk_logistic *m;
            require_ok(mlk_logistic_fit(&d, &o[t], NULL, &m));
            require_same_model(m, states[t], 1e-8);
            mlk_logistic_free(m);
            mlk_logistic_free(states[t]);
        }
    }
}
END_TEST

START_TEST(path_begins_where_the_first_weight_enters)
{
    const mlk_data d = random_data(33, 100, 8, 2 + (size_t)_i % 2);
    mlk_logistic_opts o = defaults();
    double C[50];
    size_t n;
    mlk_logistic *m;
    o.penalty = MLK_LOGISTIC_L1;
    o.multi_class = _i > 1;
    require_ok(mlk_logistic_algo.path(&d, &o, "C", NULL, 50, C, &n));
    ck_assert_uint_eq(n, 50);
    for (int above = 0; above < 2; above++) {
        double most = 0.0;
        o.C = C[0] * (above ? 1.001 : 0.999);
        o.tol = 1e-9;
        require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
        for (size_t j = 0; j < mlk_logistic_coef(m).rows * 8; j++)
            most = fmax(most, fabs(mlk_logistic_coef(m).data[j]));
        ck_assert((most > 0.0) == above);
        mlk_logistic_free(m);
    }
    for (size_t i = 1; i < n; i++)
        ck_assert(C[i] > C[i - 1]);
    require_fail(mlk_logistic_algo.path(&d, &o, "tol", NULL, 50, C, &n), MLK_EUNSUPPORTED,
                 "no path of tol");
}
END_TEST

START_TEST(saving_and_loading_keeps_every_bit)
{
    const mlk_logistic_opts o = form_of(_i);
    const size_t k = forms[_i].k;
    const mlk_data d = random_data(34, 60, 4, k);
    mlk_logistic *m;
    void *back;
    mlk_mat P = test_mat(60, k), Q = test_mat(60, k);
    require_ok(mlk_logistic_fit(&d, &o, NULL, &m));
    mlk_doc *doc = mlk_doc_new();
    mlk_logistic_algo.save(m, doc);
    require_ok(mlk_doc_check(doc));
    require_ok(mlk_logistic_algo.load(doc, 4, k, &back));
    require_ok(mlk_logistic_predict_proba(m, d.X, NULL, P));
    require_ok(mlk_logistic_predict_proba(back, d.X, NULL, Q));
    require_same(P.data, Q.data, 60 * k * sizeof(double));
    mlk_logistic_free(back);
    require_fail(mlk_logistic_algo.load(doc, 5, k, &back), MLK_EFORMAT, "coef");
    require_fail(mlk_logistic_algo.load(doc, 4, 7, &back), MLK_EFORMAT, "coef");
    require_fail(mlk_logistic_algo.load(doc, 4, 0, &back), MLK_EFORMAT, "0 classes");
    mlk_doc_free(doc);
    mlk_logistic_free(m);
}
END_TEST

/* ------------------------------------------------------------------------ errors */

START_TEST(rejects_bad_input_and_says_why)
{
    const mlk_data d = random_data(1, 20, 2, 3);
    mlk_data t = d;
    mlk_logistic_opts o;
    mlk_logistic *m;
#define refuse(field, value, text)                                                                 \
    o = defaults();                                                                                \
    o.field = (value);                                                                             \
    require_fail(mlk_logistic_fit(&d, &o, NULL, &m), MLK_EINVAL, text)
    refuse(C, 0.0, "C = 0 is outside (0, inf)");
    refuse(C, (double)NAN, "C = nan is outside (0, inf)");
    refuse(tol, -1.0, "tol = -1 is outside (0, inf)");
    refuse(max_iter, 0, "max_iter = 0 is outside [1, 2147483647]");
    refuse(penalty, 9, "penalty = 9 is outside l2 | l1 | elasticnet | none");
    refuse(l1_ratio, 0.3, "l1_ratio = 0.3 has no effect without penalty = elasticnet");
    refuse(solver, MLK_LOGISTIC_PROX_NEWTON, "solver = prox-newton is for penalty = l1");
#undef refuse
    o = defaults();
    o.penalty = MLK_LOGISTIC_L1;
    o.solver = MLK_LOGISTIC_LBFGS;
    require_fail(mlk_logistic_fit(&d, &o, NULL, &m), MLK_EINVAL,
                 "solver = lbfgs is for penalty = l2");
    o.penalty = MLK_LOGISTIC_NONE;
    o.C = 2.0;
    require_fail(mlk_logistic_fit(&d, &o, NULL, &m), MLK_EINVAL, "C = 2 has no effect");
    o.C = 1.0;
    o.penalize_intercept = true;
    require_fail(mlk_logistic_fit(&d, &o, NULL, &m), MLK_EINVAL, "penalize_intercept = true");
    t.y.n = 19;
    require_fail(mlk_logistic_fit(&t, NULL, NULL, &m), MLK_EINVAL, "X has 20 rows but y has 19");
    t = d;
    t.n_classes = 0;
    require_fail(mlk_logistic_fit(&t, NULL, NULL, &m), MLK_EINVAL, "n_classes = 0");
    t = d;
    mlk_vec y = test_vec(20);
    t.y = mlk_vec_c(y);
    require_fail(mlk_logistic_fit(&t, NULL, NULL, &m), MLK_EINVAL, "y holds 1 class");
    t = d;
    mlk_mat X = test_mat(20, 2);
    X.data[7] = INFINITY;
    t.X = mlk_mat_c(X);
    require_fail(mlk_logistic_fit(&t, NULL, NULL, &m), MLK_EINVAL, "X[3, 1] = inf");
    ck_assert_ptr_null(m);
    require_ok(mlk_logistic_fit(&d, NULL, NULL, &m));
    mlk_mat P = test_mat(20, 2);
    require_fail(mlk_logistic_predict_proba(m, d.X, NULL, P), MLK_EINVAL,
                 "2 columns; expected one");
    require_fail(mlk_logistic_decision(m, d.X, NULL, P), MLK_EINVAL, "2 columns; expected 3");
    mlk_logistic_free(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_logistic_opts o = form_of(_i);
    const mlk_data d = hard_data(forms[_i].k);
    mlk_logistic *m;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_logistic_fit(&d, &o, NULL, &m);
        ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && m == NULL);
    }
    mlk_logistic_free(m);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("linear/logistic");
    TCase *fit = test_case(s, "fit"), *same = test_case(s, "invariances");
    TCase *hard = test_case(s, "hard"), *use = test_case(s, "use"),
          *errors = test_case(s, "errors");
    const int all = (int)MLK_COUNT(forms);
    tcase_add_loop_test(fit, certificate_holds_when_recomputed_from_the_header, 0,
                        (int)MLK_COUNT(problems));
    tcase_add_test(fit, intercept_alone_is_the_log_odds);
    tcase_add_test(fit, two_by_two_table_gives_the_log_odds_ratio);
    tcase_add_test(fit, agrees_with_scikit_learn_to_six_digits);
    tcase_add_test(fit, multinomial_is_what_newton_by_the_letter_finds);
    tcase_add_loop_test(same, order_of_rows_changes_nothing_beyond_rounding, 0, all);
    tcase_add_loop_test(same, order_of_classes_only_renames_them, 0, all);
    tcase_add_loop_test(same, weights_are_duplicated_rows, 0, all);
    tcase_add_loop_test(same, any_number_of_threads_gives_the_same_bytes, 0, all);
    tcase_add_test(hard, separation_is_found_and_said);
    tcase_add_test(hard, stopping_early_is_said_with_the_figure_reached);
    tcase_add_loop_test(hard, extreme_constant_and_duplicate_columns_do_no_harm, 0, all);
    tcase_add_test(hard, rank_deficiency_without_a_penalty_is_said);
    tcase_add_test(hard, an_absent_class_is_never_predicted);
    tcase_add_loop_test(use, predictions_follow_from_the_scores, 0, all);
    tcase_add_test(use, fitting_many_equals_fitting_one_by_one);
    tcase_add_loop_test(use, path_begins_where_the_first_weight_enters, 0, 4);
    tcase_add_loop_test(use, saving_and_loading_keeps_every_bit, 0, all);
    tcase_add_test(errors, rejects_bad_input_and_says_why);
    tcase_add_loop_test(errors, survives_each_failing_allocation, 0, all);
    return s;
}
