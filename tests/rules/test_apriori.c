#include <mlkit/rules/apriori.h>

#include <mlkit/model/archive.h>

#include "support/mlk_test.h"

/* Baskets over a few items as a table of indicators. */
static mlk_data indicators(uint64_t seed, size_t n, size_t p, double share)
{
    const mlk_cmat Z = test_random_mat(seed, n, p);
    mlk_mat X = test_mat(n, p);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < p; j++)
            /* Items that go together, so that there are rules. */
            X.data[i * p + j] = Z.data[i * p + j] + 0.8 * Z.data[i * p + j / 3] > share;
    return (mlk_data){.X = mlk_mat_c(X)};
}

static mlk_apriori *fit(const mlk_data *data, double support, double confidence, double lift,
                        int64_t length, int threads)
{
    const mlk_apriori_opts opts = {support, confidence, lift, length};
    const mlk_run run = {.threads = threads};
    mlk_apriori *m;
    require_ok(mlk_apriori_fit(data, &opts, &run, &m));
    return m;
}

static unsigned mask_of(const mlk_apriori *m, mlk_itemset s)
{
    unsigned mask = 0;
    for (size_t k = 0; k < s.n; k++)
        mask |= 1u << mlk_apriori_item(m, s.items[k]).column;
    return mask;
}

/* ------------------------------------------------------------------ the textbook's */

/* Transactions D of Agrawal and Srikant 1994, figure 3: {1 3 4}, {2 3 5}, {1 2 3 5}, {2 5}; with
 * support 2 the large itemsets are those of the figure. */
START_TEST(finds_the_papers_itemsets)
{
    static const double X[] = {1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1};
    static const struct {
        unsigned mask;
        size_t count;
    } large[] = {{1, 2},     {2, 3},      {4, 3},      {16, 3},        {1 | 4, 2},
                 {2 | 4, 2}, {2 | 16, 3}, {4 | 16, 2}, {2 | 4 | 16, 2}};
    const mlk_data d = {.X = {X, 4, 5, 5}};
    mlk_apriori *m = fit(&d, 0.5, 1.0, 0.0, 0, 1);
    ck_assert_uint_eq(mlk_apriori_n_baskets(m), 4);
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), MLK_COUNT(large));
    for (size_t i = 0; i < MLK_COUNT(large); i++) {
        const mlk_itemset s = mlk_apriori_itemset(m, i);
        ck_assert_uint_eq(mask_of(m, s), large[i].mask);
        ck_assert_uint_eq(s.count, large[i].count);
    }
    /* Certain ones: 2 -> 5 and 5 -> 2 with 3 baskets; 1 -> 3, {2,3} -> 5, {3,5} -> 2 with 2. */
    ck_assert_uint_eq(mlk_apriori_n_rules(m), 5);
    const mlk_rule r = mlk_apriori_rule(m, 0);
    ck_assert_uint_eq(mask_of(m, r.antecedent), 16);
    ck_assert_uint_eq(mask_of(m, r.consequent), 2);
    ck_assert(r.count == 3 && r.support == 0.75 && r.confidence == 1.0);
    require_close(r.lift, 4.0 / 3.0, 1e-15);
    require_close(r.leverage, 0.75 - 0.5625, 1e-15);
    ck_assert(isinf(r.conviction));
    mlk_apriori_free(m);
}
END_TEST

/* ----------------------------------------------------------------- enumeration */

enum { P = 9 };

/* Every subset of the columns counted one by one, every split of each. */
static void require_enumeration(const mlk_data *d, double support, double confidence, double lift,
                                size_t length)
{
    static size_t count[1 << P];
    const size_t n = d->X.rows;
    size_t sets = 0, rules = 0;
    memset(count, 0, sizeof count);
    for (size_t i = 0; i < n; i++) {
        unsigned row = 0;
        for (size_t j = 0; j < P; j++)
            row |= (unsigned)(d->X.data[i * P + j] == 1.0) << j;
        for (unsigned s = 1; s < 1u << P; s++)
            count[s] += (row & s) == s;
    }
    mlk_apriori *m = fit(d, support, confidence, lift, (int64_t)length, 2);
    for (unsigned s = 1; s < 1u << P; s++) {
        const bool fits = !length || (size_t)__builtin_popcount(s) <= length;
        if (!fits || count[s] == 0 || (double)count[s] / (double)n < support)
            continue;
        sets++;
        for (unsigned c = (s - 1) & s; c; c = (c - 1) & s)
            rules +=
                (double)count[s] / (double)count[s & ~c] >= confidence &&
                (double)count[s] * (double)n >= lift * (double)count[s & ~c] * (double)count[c];
    }
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), sets);
    for (size_t i = 0; i < sets; i++) {
        const mlk_itemset s = mlk_apriori_itemset(m, i);
        ck_assert_uint_eq(s.count, count[mask_of(m, s)]);
        ck_assert((double)s.count / (double)n >= support);
        ck_assert_uint_eq((size_t)__builtin_popcount(mask_of(m, s)), s.n);
    }
    ck_assert_uint_eq(mlk_apriori_n_rules(m), rules);
    for (size_t i = 0; i < rules; i++) {
        const mlk_rule r = mlk_apriori_rule(m, i);
        const unsigned a = mask_of(m, r.antecedent), c = mask_of(m, r.consequent);
        ck_assert(!(a & c));
        ck_assert_uint_eq(r.count, count[a | c]);
        const double sa = (double)count[a] / (double)n, sc = (double)count[c] / (double)n;
        const double s = (double)count[a | c] / (double)n;
        require_close(r.support, s, 0.0);
        require_relative(r.confidence, s / sa, 1e-15);
        require_relative(r.lift, s / sa / sc, 1e-14);
        require_close(r.leverage, s - sa * sc, 1e-15);
        if (count[a | c] != count[a])
            require_relative(r.conviction, (1.0 - sc) / (1.0 - s / sa), 1e-12);
        if (i) {
            const mlk_rule before = mlk_apriori_rule(m, i - 1);
            ck_assert(before.confidence > r.confidence ||
                      (before.confidence == r.confidence && before.support >= r.support));
        }
    }
    mlk_apriori_free(m);
}

START_TEST(equals_a_literal_enumeration)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        const mlk_data d = indicators(seed, 5 + 37 * (size_t)seed, P, -0.5 + 0.05 * (double)seed);
        require_enumeration(&d, 0.05 + 0.01 * (double)(seed % 7), 0.1 * (double)(seed % 10),
                            seed % 3 ? 0.0 : 1.1, seed % 4);
    }
}
END_TEST

START_TEST(supports_at_the_limit_count)
{
    /* 3 of 10 is 0.3, and 0.3 * 10 is more than 3 in doubles. */
    double X[10] = {1, 1, 1};
    const mlk_data d = {.X = {X, 10, 1, 1}};
    mlk_apriori *m = fit(&d, 0.3, 0.0, 0.0, 0, 1);
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), 1);
    mlk_apriori_free(m);
    m = fit(&d, 0.30000001, 0.0, 0.0, 0, 1);
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), 0);
    mlk_apriori_free(m);
}
END_TEST

/* ----------------------------------------------------------------------- tables */

START_TEST(columns_become_items)
{
    /* A category of three levels with a gap, an indicator, numbers of three values, zeros. */
    static const double X[] = {0, 1, 5, 0, 2, 0, 7, 0, NAN, 1, 5, 0, 2, NAN, -1, 0};
    static const size_t levels[] = {3, 0, 0, 0};
    const mlk_data d = {.X = {X, 4, 4, 4}, .levels = levels};
    mlk_apriori *m = fit(&d, 0.25, 1.0, 0.0, 1, 1);
    ck_assert_uint_eq(mlk_apriori_n_items(m), 3 + 1 + 3);
    static const mlk_item items[] = {{0, 0, false},  {0, 1, false}, {0, 2, false}, {1, 1, true},
                                     {2, -1, false}, {2, 5, false}, {2, 7, false}};
    static const size_t counts[] = {1, 0, 2, 2, 1, 2, 1};
    size_t at = 0;
    for (size_t i = 0; i < 7; i++) {
        const mlk_item item = mlk_apriori_item(m, i);
        ck_assert(item.column == items[i].column && item.value == items[i].value &&
                  item.indicator == items[i].indicator);
        if (!counts[i])
            continue;
        const mlk_itemset s = mlk_apriori_itemset(m, at++);
        ck_assert(s.n == 1 && s.items[0] == i && s.count == counts[i]);
    }
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), at);
    mlk_apriori_free(m);
}
END_TEST

START_TEST(a_target_names_the_basket)
{
    /* Receipts 7 {a, b}, 3 {a, c}, 5 {b}; a is twice on receipt 7. */
    static const double X[] = {0, 0, 1, 2, 0, 1}, y[] = {7, 3, 7, 3, 7, 5};
    static const size_t levels[] = {3};
    const mlk_data d = {.X = {X, 6, 1, 1}, .y = {y, 6}, .levels = levels};
    mlk_apriori *m = fit(&d, 0.01, 0.0, 0.0, 0, 1);
    ck_assert_uint_eq(mlk_apriori_n_baskets(m), 3);
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), 5);
    static const size_t counts[] = {2, 2, 1, 1, 1};
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(mlk_apriori_itemset(m, i).count, counts[i]);
    mlk_apriori_free(m);
}
END_TEST

/* ---------------------------------------------------------------- general conduct */

static void *bytes_of(const mlk_apriori *m, size_t *size)
{
    mlk_doc *doc = mlk_doc_new();
    void *encoded;
    mlk_apriori_algo.save(m, doc);
    require_ok(mlk_archive_encode(doc, &encoded, size));
    void *bytes = test_alloc(*size);
    memcpy(bytes, encoded, *size);
    mlk_archive_free(encoded);
    mlk_doc_free(doc);
    return bytes;
}

START_TEST(gives_the_same_bytes_for_any_threads_and_order)
{
    const mlk_data d = indicators(1, 700, 12, 0.0);
    size_t n, m;
    mlk_apriori *a = fit(&d, 0.02, 0.3, 0.0, 0, 1);
    const void *one = bytes_of(a, &n);
    ck_assert_uint_gt(mlk_apriori_n_rules(a), 1000);
    mlk_apriori_free(a);
    for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
        a = fit(&d, 0.02, 0.3, 0.0, 0, threads);
        const void *other = bytes_of(a, &m);
        ck_assert_uint_eq(n, m);
        require_same(one, other, n);
        mlk_apriori_free(a);
    }
    mlk_mat X = test_mat(700, 12); /* last row first */
    for (size_t i = 0; i < 700; i++)
        memcpy(X.data + i * 12, d.X.data + (699 - i) * 12, 12 * sizeof(double));
    const mlk_data turned = {.X = mlk_mat_c(X)};
    a = fit(&turned, 0.02, 0.3, 0.0, 0, 2);
    const void *other = bytes_of(a, &m);
    ck_assert_uint_eq(n, m);
    require_same(one, other, n);
    mlk_apriori_free(a);
}
END_TEST

START_TEST(what_is_loaded_is_what_was_saved)
{
    const mlk_data d = indicators(2, 200, 8, 0.0);
    mlk_apriori *a = fit(&d, 0.05, 0.4, 0.0, 0, 1);
    mlk_doc *doc = mlk_doc_new();
    void *state;
    size_t n, m;
    mlk_apriori_algo.save(a, doc);
    require_ok(mlk_apriori_algo.load(doc, 8, 0, &state));
    const void *saved = bytes_of(a, &n), *again = bytes_of(state, &m);
    ck_assert_uint_eq(n, m);
    require_same(saved, again, n);
    mlk_apriori_free(state);
    require_fail(mlk_apriori_algo.load(doc, 7, 0, &state), MLK_EFORMAT, "expected one of 7");
    mlk_doc_free(doc);
    mlk_apriori_free(a);
}
END_TEST

/* Two items, their three sets and two rules, with one number of one array replaced. */
static mlk_status load_changed(const char *key, size_t at, uint32_t to)
{
    static const double values[] = {1, 1};
    static const uint8_t indicators_[] = {1, 1};
    uint8_t length[] = {1, 1, 2};
    uint32_t columns[] = {0, 1}, count[] = {3, 4, 2}, items[] = {0, 1, 0, 1};
    uint32_t rules[] = {2, 0, 1, 2, 1, 0};
    void *state = NULL;
    mlk_doc *doc = mlk_doc_new();
    struct {
        const char *key;
        uint32_t *values;
    } all[] = {{"item_column", columns}, {"count", count}, {"items", items}, {"rules", rules}};
    for (size_t k = 0; k < MLK_COUNT(all); k++)
        if (strcmp(all[k].key, key) == 0)
            all[k].values[at] = to;
    if (strcmp(key, "length") == 0)
        length[at] = (uint8_t)to;
    mlk_doc_put_int(doc, "n_baskets", strcmp(key, "n_baskets") == 0 ? to : 5);
    mlk_doc_put_array(doc, "item_column", MLK_U32, columns, 2, 0);
    mlk_doc_put_array(doc, "item_value", MLK_F64, values, 2, 0);
    mlk_doc_put_array(doc, "item_indicator", MLK_U8, indicators_, 2, 0);
    mlk_doc_put_array(doc, "length", MLK_U8, length, 3, 0);
    mlk_doc_put_array(doc, "count", MLK_U32, count, 3, 0);
    mlk_doc_put_array(doc, "items", MLK_U32, items, 4, 0);
    mlk_doc_put_array(doc, "rules", MLK_U32, rules, 2, 3);
    const mlk_status st = mlk_apriori_algo.load(doc, 2, 0, &state);
    mlk_doc_free(doc);
    if (st == MLK_OK)
        mlk_apriori_free(state);
    return st;
}

START_TEST(a_hostile_file_is_refused)
{
    static const struct {
        const char *key;
        size_t at;
        uint32_t to;
    } bad[] = {{"n_baskets", 0, 0},      {"n_baskets", 0, 3}, {"item_column", 1, 2},
               {"count", 0, 0},          {"count", 1, 9},     {"count", 2, 4},
               {"items", 1, 0},          {"items", 0, 1},     {"items", 3, 2},
               {"items", 3, 0},          {"length", 0, 0},    {"length", 2, 3},
               {"length", 1, 20},        {"rules", 0, 3},     {"rules", 1, 1},
               {"rules", 2, 4000000000}, {"rules", 4, 2},     {"rules", 3, 0}};
    require_ok(load_changed("", 0, 0));
    for (size_t i = 0; i < MLK_COUNT(bad); i++)
        ck_assert_msg(load_changed(bad[i].key, bad[i].at, bad[i].to) == MLK_EFORMAT, "%s[%zu] = %u",
                      bad[i].key, bad[i].at, bad[i].to);
}
END_TEST

START_TEST(too_many_sets_or_rules_end_with_a_cure)
{
    mlk_mat X = test_mat(3, 40);
    for (size_t i = 0; i < 120; i++)
        X.data[i] = 1.0;
    mlk_data d = {.X = mlk_mat_c(X)};
    mlk_apriori_opts opts = mlk_apriori_opts_default();
    mlk_apriori *m;
    require_fail(mlk_apriori_fit(&d, &opts, NULL, &m), MLK_EINVAL,
                 "more than 1000000 itemsets are frequent; raise min_support or lower max_length");
    ck_assert_ptr_null(m);
    d.X.cols = 14; /* 16383 sets and 3^14 - 2^15 + 1 rules */
    require_fail(mlk_apriori_fit(&d, &opts, NULL, &m), MLK_EINVAL,
                 "more than 1000000 rules; raise min_confidence, min_lift or min_support");
    opts.max_length = 3;
    require_ok(mlk_apriori_fit(&d, &opts, NULL, &m));
    ck_assert_uint_eq(mlk_apriori_n_itemsets(m), 14 + 91 + 364);
    ck_assert_uint_eq(mlk_apriori_n_rules(m), 91 * 2 + 364 * 6);
    mlk_apriori_free(m);
}
END_TEST

START_TEST(refuses_what_is_out_of_its_domain)
{
    mlk_mat X = test_mat(30, 2);
    const mlk_data d = {.X = mlk_mat_c(X)};
    mlk_apriori_opts opts = mlk_apriori_opts_default();
    mlk_apriori *m;
    for (size_t i = 0; i < 30; i++)
        X.data[2 * i + 1] = (double)i;
    require_fail(mlk_apriori_fit(&d, NULL, NULL, &m), MLK_EINVAL,
                 "column 1 holds more than 20 different numbers; expected categories");
    opts.min_support = 0.0;
    require_fail(mlk_apriori_fit(&d, &opts, NULL, &m), MLK_EINVAL, "min_support = 0");
    opts = mlk_apriori_opts_default();
    opts.min_confidence = NAN;
    require_fail(mlk_apriori_fit(&d, &opts, NULL, &m), MLK_EINVAL, "min_confidence = nan");
    X.data[0] = INFINITY;
    require_fail(mlk_apriori_fit(&d, NULL, NULL, &m), MLK_EINVAL, "X[0, 0]");
    ck_assert_ptr_null(m);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    const mlk_data d = indicators(3, 60, 6, 0.0);
    const mlk_apriori_opts opts = {0.05, 0.5, 0.0, 0};
    const mlk_run run = {.threads = 1};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_apriori *m;
        mlk_test_fail_at = k;
        st = mlk_apriori_fit(&d, &opts, &run, &m);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? m != NULL : st == MLK_ENOMEM && !m);
        mlk_apriori_free(m);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("apriori");
    TCase *tc = test_case(suite, "apriori");
    tcase_add_test(tc, finds_the_papers_itemsets);
    tcase_add_test(tc, equals_a_literal_enumeration);
    tcase_add_test(tc, supports_at_the_limit_count);
    tcase_add_test(tc, columns_become_items);
    tcase_add_test(tc, a_target_names_the_basket);
    tcase_add_test(tc, gives_the_same_bytes_for_any_threads_and_order);
    tcase_add_test(tc, what_is_loaded_is_what_was_saved);
    tcase_add_test(tc, a_hostile_file_is_refused);
    tcase_add_test(tc, too_many_sets_or_rules_end_with_a_cure);
    tcase_add_test(tc, refuses_what_is_out_of_its_domain);
    tcase_add_test(tc, survives_each_failing_allocation);
    return suite;
}
