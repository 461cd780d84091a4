#include "svm/dual_cache.h"

#include "core/rng.h"
#include "svm/cases.h"

enum { ROWS = 900, P = 3, MOST = 600 };

/* The matrix of the members is the kernel's, both ways round. */
static void check_matrix(const dual_cache *c, mlk_cmat X)
{
    for (size_t i = 0; i < c->count; i++)
        for (size_t j = 0; j < c->count; j += 1 + (i + j) % 37) {
            const size_t a = dual_rows_at(&c->rows, c->members[i]);
            const size_t b = dual_rows_at(&c->rows, c->members[j]);
            const double k =
                plain_kernel(&c->set->kernel, X.data + a * P, X.data + b * P, P) / c->set->scale;
            require_close(c->K[i * c->ld + j], k, 2e-6);
            require_close(c->K[j * c->ld + i], k, 2e-6);
        }
}

/* Sets that grow, stay, shrink, lose all and take all, of members at random: after each change the
 * members are those kept and those new, each once, and the matrix is theirs. */
START_TEST(sets_change_and_keep_their_matrix)
{
    static const size_t kept_of_100[] = {0, 100, 60, 75, 20, 100, 90, 0, 50, 1};
    static const size_t sizes[] = {70, 300, 600, 600, 130, 131, 90, 512, 600, 300};
    const mlk_kernel kernel = {_i, 0.2, 0.5, 3};
    const mlk_cmat X = test_random_mat(6, ROWS, P);
    const dual_rows rows = {2, {10, 500}, {400, 890}}; /* 780 samples */
    const size_t n = dual_rows_n(&rows);
    mlk_rng rng = mlk_rng_stream(7, 0);
    mlk_kernel_set set;
    dual_cache c;
    require_ok(mlk_kernel_set_init(&set, &kernel, X, NULL));
    require_ok(mlk_dual_cache_init(&c, &set, n, 1.5)); /* room for some 580 */
    ck_assert_uint_lt(c.capacity, MOST);
    mlk_dual_cache_reset(&c, &rows);
    for (size_t step = 0; step < sizeof sizes / sizeof *sizes; step++) {
        size_t kept[MOST], fresh[MOST], n_kept = 0, n_fresh = 0;
        unsigned char wanted[ROWS] = {0}, in_set[ROWS] = {0};
        const size_t size = sizes[step] < c.capacity ? sizes[step] : c.capacity;
        for (size_t k = 0; k < c.count; k++) {
            in_set[c.members[k]] = 1;
            if (mlk_rng_below(&rng, 100) < kept_of_100[step] && n_kept < size) {
                kept[n_kept++] = k;
                wanted[c.members[k]] = 1;
            }
        }
        for (size_t i = mlk_rng_below(&rng, n), tries = 0; tries < n && n_kept + n_fresh < size;
             tries++, i = (i + 7) % n) /* 7 and 780 have no common divisor */
            if (!in_set[i]) {
                fresh[n_fresh++] = i;
                wanted[i] = 1;
            }
        require_ok(mlk_dual_cache_change(&c, kept, n_kept, fresh, n_fresh, NULL));
        ck_assert_uint_eq(c.count, n_kept + n_fresh);
        for (size_t k = 0; k < c.count; k++) {
            ck_assert(wanted[c.members[k]]);
            wanted[c.members[k]] = 0;
        }
        check_matrix(&c, X);
    }
    mlk_dual_cache_free(&c);
    mlk_kernel_set_free(&set);
}
END_TEST

/* f of all that are not members, against plain sums; the same bytes for any number of threads. */
START_TEST(moves_reach_all_other_samples)
{
    enum { MEMBERS = 301, MOVED = 267 };
    const mlk_kernel kernel = {_i, 0.2, 0.5, 3};
    const mlk_cmat X = test_random_mat(8, ROWS, P);
    const dual_rows rows = {1, {0}, {ROWS}};
    const mlk_cvec delta = test_random_vec(9, MOVED);
    size_t fresh[MEMBERS], moved[MOVED];
    unsigned char member[ROWS] = {0};
    mlk_vec f = test_vec(ROWS), first = test_vec(ROWS);
    mlk_kernel_set set;
    dual_cache c;
    require_ok(mlk_kernel_set_init(&set, &kernel, X, NULL));
    for (size_t k = 0; k < MEMBERS; k++) {
        fresh[k] = k * 2 + 5;
        member[fresh[k]] = 1;
    }
    for (size_t k = 0; k < MOVED; k++)
        moved[k] = MEMBERS - 1 - k;
    for (int threads = 1; threads <= 8; threads += threads == 3 ? 5 : 1) {
        const mlk_run run = {.threads = threads};
        require_ok(mlk_dual_cache_init(&c, &set, ROWS, 1.0));
        mlk_dual_cache_reset(&c, &rows);
        require_ok(mlk_dual_cache_change(&c, NULL, 0, fresh, MEMBERS, &run));
        memset(f.data, 0, ROWS * sizeof *f.data);
        require_ok(mlk_dual_cache_add(&c, member, moved, delta.data, MOVED, &run, f.data));
        mlk_dual_cache_free(&c);
        if (threads == 1)
            memcpy(first.data, f.data, ROWS * sizeof *f.data);
        require_same(first.data, f.data, ROWS * sizeof *f.data);
    }
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < MOVED && !member[i]; k++)
            sum += delta.data[k] / set.scale *
                   plain_kernel(&kernel, X.data + P * i, X.data + P * fresh[moved[k]], P);
        require_close(f.data[i], sum, 2e-5);
    }
    mlk_kernel_set_free(&set);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("svm/dual_cache");
    TCase *inside = test_case(s, "inside");
    tcase_add_loop_test(inside, sets_change_and_keep_their_matrix, 0, 4);
    tcase_add_loop_test(inside, moves_reach_all_other_samples, 0, 4);
    return s;
}
