#include <mlkit/report/table_summary.h>

#include <stdio.h>

#include <mlkit/report/json.h>

#include "core/rng.h"
#include "support/mlk_test.h"

static mlk_table *table_of(const char *text)
{
    mlk_table *table;
    require_ok(mlk_table_read_memory("t.csv", text, strlen(text), NULL, NULL, &table));
    return table;
}

/* A table of `rows` lines that `line` writes. */
static char *write_rows(const char *header, size_t rows,
                        void (*line)(mlk_rng *rng, size_t i, char *to, size_t size))
{
    const size_t size = 200 * rows + 200;
    char *text = test_alloc(size);
    mlk_rng rng = mlk_rng_stream(7, 0);
    size_t at = (size_t)snprintf(text, size, "%s\n", header);
    for (size_t i = 0; i < rows; i++) {
        line(&rng, i, text + at, size - at);
        at += strlen(text + at);
    }
    return text;
}

static const mlk_remark *remark_of(const mlk_table_summary *s, mlk_remark_kind kind)
{
    const mlk_remark *remarks;
    const size_t n = mlk_table_summary_remarks(s, &remarks);
    for (size_t i = 0; i < n; i++)
        if (remarks[i].kind == kind)
            return &remarks[i];
    return NULL;
}

/* Worked out by hand. */
START_TEST(describes_each_column)
{
    mlk_table *table = table_of("a,b,c\n1,x,0.5\n2,y,NA\n4,x,2.5\n,x,1.5\n");
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, NULL, NULL, NULL, &s));
    ck_assert_uint_eq(mlk_table_summary_rows(s), 4);
    ck_assert_uint_eq(mlk_table_summary_missing(s), 2);
    ck_assert_uint_eq(mlk_table_summary_target(s), SIZE_MAX);
    const mlk_column_summary *a = mlk_table_summary_column(s, 0);
    ck_assert(a->integers);
    ck_assert_uint_eq(a->missing, 1);
    ck_assert_uint_eq(a->distinct, 3);
    require_relative(a->numbers.mean, 7.0 / 3.0, 1e-15);
    require_relative(a->numbers.sd, sqrt(7.0 / 3.0), 1e-15);
    require_relative(a->numbers.q1, 1.5, 1e-15);
    require_relative(a->numbers.q3, 3.0, 1e-15);
    ck_assert_uint_eq(a->n_bins, 4); /* 1, 2, 3, 4 */
    ck_assert_uint_eq(a->bins[2], 0);
    ck_assert_uint_eq(a->bins[3], 1);
    const mlk_column_summary *b = mlk_table_summary_column(s, 1);
    ck_assert_uint_eq(b->n_top, 2);
    ck_assert_str_eq(b->top[0].level, "x");
    ck_assert_uint_eq(b->top[0].count, 3);
    const mlk_column_summary *c = mlk_table_summary_column(s, 2);
    ck_assert_uint_eq(c->n_bins, MLK_SUMMARY_BINS);
    ck_assert_uint_eq(c->bins[0] + c->bins[10] + c->bins[19], 3);
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

static void two_by_two(mlk_rng *rng, size_t i, char *to, size_t size)
{
    static const char *const cells[] = {"p,u", "p,v", "q,u", "q,v"};
    static const size_t counts[] = {30, 10, 15, 45};
    size_t k = 0;
    (void)rng;
    for (size_t sum = counts[0]; i >= sum; sum += counts[++k])
        ;
    snprintf(to, size, "%s,%zu\n", cells[k], (i % 7) + 3 * (k < 2));
}

/* Chi-squared of 30 10 / 15 45 is 100 * 1200^2 / (40 60 45 55); the corrections by their formulas.
 */
START_TEST(relates_columns_of_either_type)
{
    mlk_table *table = table_of(write_rows("a,b,y", 100, two_by_two));
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, "y", "regression", NULL, &s));
    const double phi2 = 1200.0 * 1200.0 / (40.0 * 60.0 * 45.0 * 55.0) - 1.0 / 99.0;
    mlk_association v = mlk_table_summary_association(s, 1, 0);
    ck_assert_int_eq(v.kind, MLK_ASSOCIATION_V);
    require_relative(v.value, sqrt(phi2 / (1.0 - 1.0 / 99.0)), 1e-12);

    const mlk_column y = mlk_table_column(table, 2);
    double sums[2] = {0.0}, total = 0.0, mean = 0.0, between = 0.0;
    for (size_t i = 0; i < 100; i++) {
        sums[i >= 40] += y.values[i];
        mean += y.values[i] / 100.0;
    }
    for (size_t i = 0; i < 100; i++) {
        const double group = i < 40 ? sums[0] / 40.0 : sums[1] / 60.0;
        total += (y.values[i] - mean) * (y.values[i] - mean);
        between += (group - mean) * (group - mean);
    }
    const mlk_association eta = mlk_table_summary_column(s, 0)->target;
    ck_assert_int_eq(eta.kind, MLK_ASSOCIATION_ETA2);
    require_relative(eta.value, 1.0 - (1.0 - between / total) * 99.0 / 98.0, 1e-12);
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

START_TEST(correlations_with_gaps_are_those_of_the_complete_pairs)
{
    const size_t n = 200;
    const mlk_cvec x = test_random_vec(1, n), y = test_random_vec(2, n);
    char *text = test_alloc(100 * n);
    size_t at = (size_t)sprintf(text, "x,y,z\n");
    double with[200], without[200];
    for (size_t i = 0; i < n; i++) {
        const double z = x.data[i] + 0.5 * y.data[i];
        with[i] = i % 3 ? y.data[i] : (double)NAN;
        without[i] = z;
        char gap[40] = "";
        if (i % 3)
            sprintf(gap, "%.17g", y.data[i]);
        at += (size_t)sprintf(text + at, "%.17g,%s,%.17g\n", x.data[i], gap, z);
    }
    mlk_table *table = table_of(text);
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, NULL, NULL, NULL, &s));
    require_relative(mlk_table_summary_association(s, 1, 2).value,
                     mlk_correlation((mlk_cvec){with, n}, (mlk_cvec){without, n}), 1e-12);
    require_relative(mlk_table_summary_association(s, 0, 2).value,
                     mlk_correlation(x, (mlk_cvec){without, n}), 1e-12);
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

/* id, an empty column, a copy of the class, half of it, noise; the first row occurs twice. */
static void troubled(mlk_rng *rng, size_t i, char *to, size_t size)
{
    const bool yes = i % 20 == 3;
    snprintf(to, size, "row%zu,%zu,7,%s,%d,%.3f,%.3f,%s\n", i, i + 1, i % 3 ? "" : "w",
             yes ? 5 : -5, mlk_rng_normal(rng), mlk_rng_normal(rng) + (yes ? 1.0 : 0.0),
             yes ? "yes" : "no");
}

START_TEST(remarks_on_columns_that_are_text_by_accident)
{
    mlk_table *table = table_of("a;b;y\n1,5;0,1;1\n2,5;0,2;2\n3,25;0,3;3\n");
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, "y", NULL, NULL, &s));
    const mlk_remark *r = remark_of(s, MLK_REMARK_STRAY);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->n_columns, 2);
    ck_assert_str_eq(r->text, "column 'a' holds categories: its numbers have decimal commas ('1,5' "
                              "in line 2); expected points; likewise 'b'");
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

START_TEST(remarks_on_what_will_cause_trouble)
{
    char *text = write_rows("name,id,same,gaps,leak,noise,hint,y", 200, troubled);
    mlk_table *table = table_of(text);
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, "y", NULL, NULL, &s));
    const mlk_remark *r = remark_of(s, MLK_REMARK_IDENTIFIER);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->n_columns, 2);
    ck_assert_uint_eq(r->columns[1], 1);
    r = remark_of(s, MLK_REMARK_LEAK);
    ck_assert_ptr_nonnull(r);
    ck_assert_uint_eq(r->n_columns, 1);
    ck_assert_uint_eq(r->columns[0], 4);
    ck_assert_ptr_nonnull(strstr(r->text, "column 'leak' gives the target away"));
    r = remark_of(s, MLK_REMARK_CONSTANT);
    ck_assert_uint_eq(r->n_columns, 2); /* same, and gaps with its one level */
    ck_assert_ptr_nonnull(remark_of(s, MLK_REMARK_IMBALANCE));
    ck_assert_ptr_null(remark_of(s, MLK_REMARK_DUPLICATES));
    ck_assert_ptr_null(remark_of(s, MLK_REMARK_TARGET));
    ck_assert(mlk_table_summary_column(s, 5)->power < 0.3);
    const mlk_level_count *classes;
    ck_assert_uint_eq(mlk_table_summary_classes(s, &classes), 2);
    ck_assert_uint_eq(classes[1].count, 10);
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

START_TEST(counts_rows_that_are_copies)
{
    mlk_table *table = table_of("a,b\n1,x\n0,\n1,x\n-0,\n1,y\n1,x\n");
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, NULL, NULL, NULL, &s));
    ck_assert_uint_eq(mlk_table_summary_duplicates(s), 3);
    const mlk_remark *r = remark_of(s, MLK_REMARK_DUPLICATES);
    ck_assert(r && strstr(r->text, "3 rows (50 %)"));
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

/* Neither noise nor identifiers look like a leak, for numbers or classes. */
static void harmless(mlk_rng *rng, size_t i, char *to, size_t size)
{
    snprintf(to, size, "%.4f,n%zu,%c,%.4f\n", mlk_rng_normal(rng), i,
             'a' + (int)mlk_rng_below(rng, 20), exp(2.0 * mlk_rng_normal(rng)));
}

START_TEST(noise_has_no_power)
{
    mlk_table *table = table_of(write_rows("x,id,c,y", 400, harmless));
    for (size_t t = 2; t < 4; t++) {
        mlk_table_summary *s;
        require_ok(mlk_table_summary_new(table, t == 2 ? "c" : "y", NULL, NULL, &s));
        for (size_t j = 0; j < 4; j++)
            if (j != t)
                ck_assert(mlk_table_summary_column(s, j)->power < 0.1);
        ck_assert_ptr_null(remark_of(s, MLK_REMARK_LEAK));
        mlk_table_summary_free(s);
    }
    mlk_table_free(table);
}
END_TEST

static void monotone(mlk_rng *rng, size_t i, char *to, size_t size)
{
    const double x = mlk_rng_normal(rng);
    (void)i;
    snprintf(to, size, "%.9g,%.9g\n", x, exp(3.0 * x));
}

START_TEST(finds_a_leak_through_a_curve)
{
    mlk_table *table = table_of(write_rows("x,y", 2000, monotone));
    mlk_table_summary *s;
    require_ok(mlk_table_summary_new(table, "y", NULL, NULL, &s));
    ck_assert(mlk_table_summary_column(s, 0)->power > 0.98);
    ck_assert_ptr_nonnull(remark_of(s, MLK_REMARK_LEAK));
    mlk_table_summary_free(s);
    mlk_table_free(table);
}
END_TEST

static char *json_of(const mlk_table *table, const char *target, int threads)
{
    const mlk_run run = {.threads = threads};
    mlk_table_summary *s;
    char *text;
    require_ok(mlk_table_summary_new(table, target, NULL, &run, &s));
    mlk_doc *doc = mlk_doc_new();
    mlk_table_summary_report(s, doc);
    require_ok(mlk_json_write(doc, &text));
    mlk_doc_free(doc);
    mlk_table_summary_free(s);
    return text;
}

START_TEST(gives_the_same_for_any_number_of_threads)
{
    mlk_table *table;
    require_ok(mlk_table_read(test_source_path("datasets/credit.csv"), NULL, NULL, &table));
    char *one = json_of(table, "Status", 1);
    for (int threads = 2; threads <= 8; threads += threads == 3 ? 5 : 1) {
        char *more = json_of(table, "Status", threads);
        ck_assert_str_eq(one, more);
        mlk_text_free(more);
    }
    mlk_text_free(one);
    mlk_table_free(table);
}
END_TEST

START_TEST(takes_small_and_odd_tables)
{
    static const char *const texts[] = {"a\n1\n", "a,b\n,\n,\n", "a,b\n1,x\n", "a,y\n1,2\n1,2\n",
                                        "a,y\n1e308,u\n-1e308,v\n"};
    for (size_t i = 0; i < MLK_COUNT(texts); i++) {
        mlk_table *table = table_of(texts[i]);
        mlk_table_summary *s;
        require_ok(mlk_table_summary_new(table, "1", NULL, NULL, &s));
        mlk_table_summary_free(s);
        mlk_table_free(table);
    }
}
END_TEST

START_TEST(refuses_what_it_cannot_use)
{
    mlk_table *table = table_of("a,b\n1,x\n2,y\n");
    mlk_table_summary *s;
    require_fail(mlk_table_summary_new(table, "c", NULL, NULL, &s), MLK_EINVAL, "no column 'c'");
    ck_assert_ptr_null(s);
    require_fail(mlk_table_summary_new(table, "a", "clustering", NULL, &s), MLK_EINVAL,
                 "unknown task 'clustering'");
    require_fail(mlk_table_summary_new(table, "b", "regression", NULL, &s), MLK_EINVAL,
                 "a regression needs numbers");
    mlk_table_free(table);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    mlk_table *table = table_of(write_rows("name,id,same,gaps,leak,noise,hint,y", 40, troubled));
    const mlk_run run = {.threads = 1};
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_table_summary *s;
        mlk_test_fail_at = k;
        st = mlk_table_summary_new(table, "y", NULL, &run, &s);
        mlk_test_fail_at = -1;
        ck_assert_int_eq(st == MLK_OK, s != NULL);
        if (st != MLK_OK)
            ck_assert_int_eq(st, MLK_ENOMEM);
        mlk_table_summary_free(s);
    }
    mlk_table_free(table);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("table_summary");
    TCase *t = test_case(s, "summary");
    tcase_add_test(t, describes_each_column);
    tcase_add_test(t, relates_columns_of_either_type);
    tcase_add_test(t, correlations_with_gaps_are_those_of_the_complete_pairs);
    tcase_add_test(t, remarks_on_columns_that_are_text_by_accident);
    tcase_add_test(t, remarks_on_what_will_cause_trouble);
    tcase_add_test(t, counts_rows_that_are_copies);
    tcase_add_test(t, noise_has_no_power);
    tcase_add_test(t, finds_a_leak_through_a_curve);
    tcase_add_test(t, gives_the_same_for_any_number_of_threads);
    tcase_add_test(t, takes_small_and_odd_tables);
    tcase_add_test(t, refuses_what_it_cannot_use);
    tcase_add_test(t, survives_each_failing_allocation);
    return s;
}
