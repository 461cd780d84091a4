#include "spatial/neighbours.h"

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

/* Fewer rows, or for Euclidean distances more columns: no tree is tried. */
enum { TREE_ROWS = 256, TREE_COLUMNS = 100 };
/* Searches that try a tree, for so many neighbours. */
enum { PROBES = 32, PROBE_NEIGHBOURS = 10 };
/*
 * Measured (bench_knn.py limits): a row that the tree measures costs as much as four that brute
 * force passes by its product; and each query of brute force as much as the product of 250,000
 * values besides, for the rows that it selects and measures again.
 */
static const double TREE_COST = 4.0, BRUTE_QUERY = 250000.0;

enum { TREE_QUERIES = 64 }; /* searched by a thread at a time */

/* Does the tree pay for Euclidean distances? By the leaves that searches from some of the rows look
 * at; so by how the rows lie, not by their columns alone, and never by a clock. */
static mlk_status try_tree(mlk_neighbours *s, bool *pays)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *box = mlk_scratch_take(&scratch, s->X.cols, LANES * sizeof *box);
    const size_t n = s->X.rows;
    near_row item[PROBE_NEIGHBOURS];
    double looked = 0.0;
    for (size_t i = 0; !scratch.failed && i < PROBES; i++) {
        const size_t row = i * (n / PROBES);
        near_list list = {item, 0, PROBE_NEIGHBOURS};
        looked += (double)kd_tree_search(&s->tree, s->X.data + row * s->X.ld, row, box, &list);
    }
    const double rows = looked / PROBES * KD_LEAF;
    *pays = TREE_COST * rows < (double)n + BRUTE_QUERY / (double)s->X.cols;
    const mlk_status st =
        scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu columns", s->X.cols) : MLK_OK;
    mlk_scratch_release(&scratch);
    return st;
}

/* The index of the method; auto becomes one of the others. For other than Euclidean distances brute
 * force measures every row as the tree does, so the tree is never much slower. */
static mlk_status build(mlk_neighbours *s, const mlk_run *run)
{
    const bool asked = s->method != MLK_NEIGHBOURS_AUTO, euclidean = s->power == 2.0;
    if (!asked)
        s->method = s->X.rows >= TREE_ROWS && (!euclidean || s->X.cols <= TREE_COLUMNS)
                        ? MLK_NEIGHBOURS_KD_TREE
                        : MLK_NEIGHBOURS_BRUTE;
    if (s->method == MLK_NEIGHBOURS_KD_TREE) {
        bool pays = true;
        MLK_TRY(kd_tree_init(s->X, s->power, run, &s->tree));
        if (!asked && euclidean)
            MLK_TRY(try_tree(s, &pays));
        if (pays)
            return MLK_OK;
        kd_tree_release(&s->tree);
        s->tree = (kd_tree){.memory = MLK_SCRATCH_INIT};
        s->method = MLK_NEIGHBOURS_BRUTE;
    }
    return brute_init(s->X, s->power, run, &s->brute);
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
    s->method = method;
    const mlk_status st = build(s, run);
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
    const size_t *order; /* in which rows of Q are searched, or NULL */
    worker_room *room;   /* one a worker */
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

static size_t left_out(const query *q, size_t i)
{
    return q->first == (size_t)-1 ? q->first : q->first + i;
}

static mlk_status query_brute(void *ctx, const mlk_chunk *c)
{
    const query *q = ctx;
    const worker_room *room = &q->room[c->worker];
    near_list lists[BRUTE_QUERIES];
    for (size_t i = c->begin; i < c->end; i++)
        lists[i - c->begin] = (near_list){room->item + (i - c->begin) * q->k, 0, q->k};
    brute_search(&q->s->brute, mlk_cmat_rows(q->Q, c->begin, c->end), left_out(q, c->begin),
                 &room->brute, lists);
    for (size_t i = c->begin; i < c->end; i++)
        write_list(q, i, &lists[i - c->begin]);
    return MLK_OK;
}

static mlk_status query_tree(void *ctx, const mlk_chunk *c)
{
    const query *q = ctx;
    const worker_room *room = &q->room[c->worker];
    for (size_t o = c->begin; o < c->end; o++) {
        const size_t i = q->order ? q->order[o] : o;
        near_list list = {room->item, 0, q->k};
        kd_tree_search(&q->s->tree, q->Q.data + i * q->Q.ld, left_out(q, i), room->box, &list);
        write_list(q, i, &list);
    }
    return MLK_OK;
}

/* Queries by the leaf they are near, so that one finds in the caches what another has read. */
typedef struct placing {
    const query *q;
    size_t *leaf;
} placing;

static mlk_status place_rows(void *ctx, const mlk_chunk *c)
{
    const placing *t = ctx;
    for (size_t i = c->begin; i < c->end; i++)
        t->leaf[i] = kd_tree_locate(&t->q->s->tree, t->q->Q.data + i * t->q->Q.ld,
                                    t->q->room[c->worker].box);
    return MLK_OK;
}

static mlk_status sort_queries(const query *q, const mlk_run *run, mlk_scratch *scratch,
                               size_t **order)
{
    const size_t n = q->Q.rows, leaves = kd_tree_leaves(&q->s->tree);
    placing t = {q, mlk_scratch_take(scratch, n, sizeof *t.leaf)};
    size_t *next = mlk_scratch_take(scratch, leaves + 1, sizeof *next);
    *order = mlk_scratch_take(scratch, n, sizeof **order);
    if (scratch->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory to sort %zu rows", n);
    const mlk_run inner = mlk_run_inner(run);
    MLK_TRY(mlk_parallel_for(&inner, n, TREE_QUERIES, place_rows, &t));
    for (size_t l = 0; l <= leaves; l++)
        next[l] = 0;
    for (size_t i = 0; i < n; i++)
        next[t.leaf[i] + 1]++;
    for (size_t l = 0; l < leaves; l++)
        next[l + 1] += next[l];
    for (size_t i = 0; i < n; i++)
        (*order)[next[t.leaf[i]]++] = i;
    return MLK_OK;
}

/* A room a worker: `rows` lists. */
static worker_room *take_rooms(const query *q, unsigned workers, size_t rows, mlk_scratch *scratch)
{
    const bool all = q->s->method == MLK_NEIGHBOURS_BRUTE;
    worker_room *room = mlk_scratch_take(scratch, workers, sizeof *room);
    for (unsigned w = 0; !scratch->failed && w < workers; w++) {
        if (all)
            room[w].brute = brute_take_room(scratch, q->Q.cols);
        else
            room[w].box = mlk_scratch_take(scratch, q->Q.cols, LANES * sizeof(double));
        room[w].item = mlk_scratch_take(scratch, q->k, rows * sizeof(near_row));
    }
    return room;
}

mlk_status mlk_neighbours_query(const mlk_neighbours *s, mlk_cmat Q, size_t k, size_t first,
                                const mlk_run *run, size_t *rows, double *distances)
{
    const bool all = s->method == MLK_NEIGHBOURS_BRUTE;
    const size_t grain = all ? BRUTE_QUERIES : TREE_QUERIES;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    query q = {s, Q, k, first, NULL, NULL, rows, distances};
    size_t *order = NULL;
    q.room = take_rooms(&q, mlk_workers(run, Q.rows, grain), all ? grain : 1, &scratch);
    mlk_status st = scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbours of each row", k)
                        : MLK_OK;
    if (st == MLK_OK && !all && Q.rows > TREE_QUERIES)
        st = sort_queries(&q, run, &scratch, &order);
    q.order = order;
    if (st == MLK_OK)
        st = mlk_parallel_for(run, Q.rows, grain, all ? query_brute : query_tree, &q);
    mlk_scratch_release(&scratch);
    return st;
}
