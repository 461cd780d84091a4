#ifndef SPATIAL_GRAPH_H
#define SPATIAL_GRAPH_H

#include <mlkit/core.h>

#include "core/alloc.h"

/*
 * Neighbourhood graphs: rows are nodes, and an undirected edge joins two rows of which one is among
 * the nearest of the other, or which are no farther apart than a radius; its length is their
 * Euclidean distance.
 */
typedef struct mlk_graph {
    mlk_scratch memory;
    size_t n;
    size_t *start;  /* n + 1 */
    uint32_t *to;   /* start[n]: the edges of node i are start[i]..start[i + 1] - 1, ascending */
    double *length; /* start[n] */
} mlk_graph;

/* All of these are released with mlk_graph_release(), also after a failure. */
/* From the k nearest of each row: n x k rows and distances. */
mlk_status mlk_graph_nearest(size_t n, size_t k, const size_t *rows, const double *distances,
                             mlk_graph *graph);
/* Of all pairs of rows of X within `radius`. O(n^2 p). */
mlk_status mlk_graph_radius(mlk_cmat X, double radius, const mlk_run *run, mlk_graph *graph);
/* Room for n nodes and `edges` directed edges, to be filled by the caller. */
mlk_status mlk_graph_room(size_t n, size_t edges, mlk_graph *graph);
void mlk_graph_release(mlk_graph *graph);

/* Number of connected components; size[c] rows in component c, of which there are at most n, in
 * descending order of size (equal sizes: as they appear). MLK_ENOMEM. */
mlk_status mlk_graph_components(const mlk_graph *graph, size_t *count, size_t *size);
/* MLK_ESINGULAR where there is more than one, with a text that says how many of which sizes and to
 * raise `option`, which is `value`. */
mlk_status mlk_graph_connected(const mlk_graph *graph, const char *option, double value);

/* What a worker needs for shortest paths. */
typedef struct mlk_paths mlk_paths;
size_t mlk_paths_bytes(size_t n);
mlk_paths *mlk_paths_init(void *room, size_t n);

/*
 * Lengths of the shortest paths to all nodes from a point that is joined to `count` nodes by edges
 * of given lengths, by Dijkstra's algorithm: O(edges log n). Infinite where there is no path.
 */
void mlk_graph_paths(const mlk_graph *graph, size_t count, const size_t *nodes,
                     const double *lengths, mlk_paths *room, double *out);

/*
 * D (n x n) = the lengths of the shortest paths between all pairs, row i those from node i; squared
 * if asked for. The same values as by mlk_graph_paths() from each node. MLK_ENOMEM, MLK_ECANCELLED.
 */
mlk_status mlk_graph_all_paths(const mlk_graph *graph, bool squared, const mlk_run *run, mlk_mat D);

#endif
