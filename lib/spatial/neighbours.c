#include "spatial/neighbours.h"

#include <math.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"
#include "spatial/brute.h"
#include "spatial/kd_tree.h"
#include "spatial/lanes.h"

struct mlk_neighbours {
    mlk_cmat X;
    double power;
    mlk_neighbours_method method;
    kd_tree tree;
    brute brute;
};

/* Estimates, for normal data: up to so many columns the tree is faster; by its products Euclidean
 * brute force is far ahead of that for other distances. */
enum { TREE_COLUMNS = 16, TREE_COLUMNS_OTHER = 32, TREE_ROWS = 256 };

static mlk_neighbours_method choose(mlk_cmat X, double power)
{
    const size_t most = power == 2.0 ? TREE_COLUMNS : TREE_COLUMNS_OTHER;
    return X.rows >= TREE_ROWS && X.cols <= most ? MLK_NEIGHBOURS_KD_TREE : MLK_NEIGHBOURS_BRUTE;
}

mlk_status mlk_neighbours_new(mlk_cmat X, double p, mlk_neighbours_method method,
                              const mlk_run *run, mlk_neighbours **search)
{
    mlk_neighbours *s = mlk_alloc_zero(1, sizeof *s);
    *search = NULL;
    if (!s)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a search");
    s->X = X;
    s->power = p;
    s->method = method == MLK_NEIGHBOURS_AUTO ? choose(X, p) : method;
    const mlk_status st = s->method == MLK_NEIGHBOURS_KD_TREE ? kd_tree_init(X, p, run, &s->tree)
                                                              : brute_init(X, p, run, &s->brute);
    if (st == MLK_OK)
        *search = s;
    else
        mlk_neighbours_free(s);
    return st;
}

void mlk_neighbours_free(mlk_neighbours *s)
{
    if (s) {
        kd_tree_release(&s->tree);
        brute_release(&s->brute);
    }
    mlk_free(s);
}

mlk_neighbours_method mlk_neighbours_method_of(const mlk_neighbours *search)
{
    return search->method;
}

typedef struct worker_room {
    brute_room brute;
    double *box;    /* p * LANES */
    near_row *item; /* BRUTE_QUERIES x k */
} worker_room;

typedef struct query {
    const mlk_neighbours *s;
    mlk_cmat Q;
    size_t k, first;
    worker_room *room; /* one a worker */
    size_t *rows;
    double *distances;
} query;

static void write_list(const query *q, size_t i, near_list *list)
{
    const size_t n = list->n;
    near_sort(list);
    for (size_t j = 0; j < n; j++) {
        q->rows[i * q->k + j] = list->item[j].row;
        q->distances[i * q->k + j] = lane_root(q->s->power, list->item[j].distance);
    }
}

static mlk_status query_rows(void *ctx, const mlk_chunk *c)
{
    const query *q = ctx;
    const worker_room *room = &q->room[c->worker];
    const size_t none = (size_t)-1;
    near_list lists[BRUTE_QUERIES];
    for (size_t i = c->begin; i < c->end; i++)
        lists[i - c->begin] = (near_list){room->item + (i - c->begin) * q->k, 0, q->k};
    if (q->s->method == MLK_NEIGHBOURS_BRUTE)
        brute_search(&q->s->brute, mlk_cmat_rows(q->Q, c->begin, c->end),
                     q->first == none ? none : q->first + c->begin, &room->brute, lists);
    for (size_t i = c->begin; i < c->end; i++) {
        if (q->s->method == MLK_NEIGHBOURS_KD_TREE)
            kd_tree_search(&q->s->tree, q->Q.data + i * q->Q.ld,
                           q->first == none ? none : q->first + i, room->box, &lists[i - c->begin]);
        write_list(q, i, &lists[i - c->begin]);
    }
    return MLK_OK;
}

mlk_status mlk_neighbours_query(const mlk_neighbours *s, mlk_cmat Q, size_t k, size_t first,
                                const mlk_run *run, size_t *rows, double *distances)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const unsigned workers = mlk_workers(run, Q.rows, BRUTE_QUERIES);
    worker_room *room = mlk_scratch_take(&scratch, workers, sizeof *room);
    for (unsigned w = 0; !scratch.failed && w < workers; w++) {
        if (s->method == MLK_NEIGHBOURS_BRUTE)
            room[w].brute = brute_take_room(&scratch, Q.cols);
        room[w].box = mlk_scratch_take(&scratch, Q.cols, LANES * sizeof(double));
        room[w].item = mlk_scratch_take(&scratch, k, BRUTE_QUERIES * sizeof(near_row));
    }
    query q = {s, Q, k, first, room, rows, distances};
    const mlk_status st = scratch.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours of each row", k)
                              : mlk_parallel_for(run, Q.rows, BRUTE_QUERIES, query_rows, &q);
    mlk_scratch_release(&scratch);
    return st;
}
