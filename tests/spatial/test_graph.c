#include "spatial/graph.h"

#include "spatial/neighbours.h"
#include "support/maps.h"

/* A matrix of edge lengths by the definition: infinite where there is none. */
static mlk_mat literal_edges(mlk_cmat D, size_t k, double radius)
{
    const size_t n = D.rows;
    mlk_mat E = test_mat(n, n);
    for (size_t i = 0; i < n * n; i++)
        E.data[i] = INFINITY;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            size_t nearer = 0; /* rows other than i that come before j */
            for (size_t l = 0; l < n; l++) {
                const double a = D.data[i * n + l], b = D.data[i * n + j];
                nearer += l != i && (a < b || (a == b && l < j));
            }
            if (i != j && (k ? nearer < k : D.data[i * n + j] <= radius))
                E.data[i * n + j] = E.data[j * n + i] = D.data[i * n + j];
        }
    return E;
}

static void floyd_warshall(mlk_mat E)
{
    const size_t n = E.rows;
    for (size_t i = 0; i < n; i++)
        E.data[i * n + i] = 0.0;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                E.data[i * n + j] = fmin(E.data[i * n + j], E.data[i * n + k] + E.data[k * n + j]);
}

static void make_graph(mlk_cmat X, size_t k, double radius, mlk_graph *g)
{
    if (!k) {
        require_ok(mlk_graph_radius(X, radius, NULL, g));
        return;
    }
    mlk_neighbours *search;
    size_t *rows = test_alloc(X.rows * k * sizeof *rows);
    mlk_vec distances = test_vec(X.rows * k);
    require_ok(mlk_neighbours_new(X, 2.0, MLK_NEIGHBOURS_AUTO, NULL, &search));
    require_ok(mlk_neighbours_query(search, X, k, 0, NULL, rows, distances.data));
    mlk_neighbours_free(search);
    require_ok(mlk_graph_nearest(X.rows, k, rows, distances.data, g));
}

static const struct {
    size_t n, p, k;
    double radius;
} cases[] = {{2, 1, 1, 0},  {12, 2, 2, 0},   {60, 3, 4, 0},   {90, 2, 7, 0},
             {30, 1, 1, 0}, {60, 2, 0, 0.6}, {80, 3, 0, 1.2}, {300, 2, 5, 0}};

START_TEST(shortest_paths_are_those_of_floyd_and_warshall)
{
    const size_t n = cases[_i].n;
    const mlk_cmat X = test_random_mat(20 + (uint64_t)_i, n, cases[_i].p);
    mlk_mat E = literal_edges(mlk_mat_c(test_distances(X, X)), cases[_i].k, cases[_i].radius);
    mlk_graph g;
    make_graph(X, cases[_i].k, cases[_i].radius, &g);
    for (size_t i = 0; i < n; i++) { /* the edges themselves, in order */
        size_t e = g.start[i];
        for (size_t j = 0; j < n; j++)
            if (E.data[i * n + j] < INFINITY) {
                ck_assert_uint_eq(g.to[e], j);
                require_relative(g.length[e], E.data[i * n + j], 1e-14);
                e++;
            }
        ck_assert_uint_eq(e, g.start[i + 1]);
    }
    floyd_warshall(E);
    const double none = 0.0;
    double *out = test_vec(n).data;
    mlk_paths *room = mlk_paths_init(test_alloc(mlk_paths_bytes(n)), n);
    mlk_mat all = test_mat(n, n), squares = test_mat(n, n);
    const mlk_run three = {.threads = 3};
    require_ok(mlk_graph_all_paths(&g, false, NULL, all));
    require_ok(mlk_graph_all_paths(&g, true, &three, squares));
    for (size_t i = 0; i < n; i++) {
        mlk_graph_paths(&g, 1, &i, &none, room, out);
        require_same(out, all.data + i * n, n * sizeof(double));
        for (size_t j = 0; j < n; j++)
            ck_assert(squares.data[i * n + j] == out[j] * out[j]);
        for (size_t j = 0; j < n; j++)
            if (isinf(E.data[i * n + j]))
                ck_assert(isinf(out[j]));
            else
                require_close(out[j], E.data[i * n + j], 1e-13 * (1.0 + out[j]));
    }
    mlk_graph_release(&g);
}
END_TEST

START_TEST(parts_are_counted_largest_first)
{
    const double x[] = {0, 1, 2, 10, 11, 12, 13, 30, 31};
    mlk_graph g;
    size_t count, size[9];
    make_graph((mlk_cmat){x, 9, 1, 1}, 0, 1.5, &g);
    require_ok(mlk_graph_components(&g, &count, size));
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(size[0], 4);
    ck_assert_uint_eq(size[1], 3);
    ck_assert_uint_eq(size[2], 2);
    require_fail(mlk_graph_connected(&g, "radius", 1.5), MLK_ESINGULAR,
                 "the neighbourhood graph falls into 3 parts of 4, 3, 2 rows with radius = 1.5; "
                 "raise radius, or map the parts one by one");
    mlk_graph_release(&g);
    make_graph((mlk_cmat){x, 9, 1, 1}, 0, 20.0, &g);
    require_ok(mlk_graph_connected(&g, "radius", 20.0));
    mlk_graph_release(&g);
    make_graph((mlk_cmat){x, 9, 1, 1}, 0, 0.5, &g);
    require_fail(mlk_graph_connected(&g, "radius", 0.5), MLK_ESINGULAR,
                 "9 parts of 1, 1, 1, 1, 1, ... rows");
    mlk_graph_release(&g);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("spatial/graph");
    tcase_add_loop_test(test_case(s, "paths"), shortest_paths_are_those_of_floyd_and_warshall, 0,
                        (int)MLK_COUNT(cases));
    tcase_add_test(test_case(s, "parts"), parts_are_counted_largest_first);
    return s;
}
