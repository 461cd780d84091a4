#ifndef CORE_PARALLEL_H
#define CORE_PARALLEL_H

#include <mlkit/core.h>

/*
 * The only place that knows threads. Work is cut into chunks by the size of the
 * problem, never by the number of threads; which thread runs a chunk is left to
 * chance, so a body's result may depend on its chunk alone. Reductions write one
 * partial result per chunk (index) and are summed in the order of the chunks.
 */
typedef struct mlk_chunk {
    size_t begin, end; /* half-open range of the n items */
    size_t index;      /* number of the chunk: begin / grain */
    unsigned worker;   /* < mlk_workers(): selects scratch memory, must not change results */
} mlk_chunk;

typedef mlk_status (*mlk_body)(void *ctx, const mlk_chunk *chunk);

/*
 * Calls body for each chunk of `grain` items (the last may be shorter), on up to mlk_workers()
 * threads. Between chunks it polls run->cancelled (MLK_ECANCELLED) and, on the caller's thread,
 * reports run->progress. Of several failures, that of the lowest chunk is returned, with its text.
 * Inside another parallel_for it runs on the calling thread alone.
 */
mlk_status mlk_parallel_for(const mlk_run *run, size_t n, size_t grain, mlk_body body, void *ctx);

/* Number of chunks, and threads that mlk_parallel_for() would use for n items. */
size_t mlk_chunks(size_t n, size_t grain);
unsigned mlk_workers(const mlk_run *run, size_t n, size_t grain);

/* A grain that gives each chunk about `work` units where an item costs `cost`; >= 1. */
size_t mlk_grain(size_t cost, size_t work);

/* MLK_ECANCELLED when the caller asks to stop. For sequential outer loops: also reports
 * progress, when done >= 0. */
mlk_status mlk_run_poll(const mlk_run *run, double done);
/* One line to run->log / run->warn; nothing when the caller does not listen. */
__attribute__((format(printf, 2, 3))) void mlk_run_log(const mlk_run *run, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void mlk_run_warn(const mlk_run *run, const char *fmt, ...);
/* The run of a part of the work: cancellation and threads as in `run`, no progress, log, warnings.
 */
mlk_run mlk_run_inner(const mlk_run *run);

/* Seconds of a monotonic clock. */
double mlk_seconds(void);

#endif
