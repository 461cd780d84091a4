#include "core/parallel.h"

#include <omp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "core/status.h"

size_t mlk_chunks(size_t n, size_t grain) { return n / grain + (n % grain != 0); }

size_t mlk_grain(size_t cost, size_t work)
{
    const size_t grain = work / (cost ? cost : 1);
    return grain ? grain : 1;
}

unsigned mlk_workers(const mlk_run *run, size_t n, size_t grain)
{
    if (omp_in_parallel())
        return 1;
    const size_t chunks = mlk_chunks(n, grain);
    const int wanted = run && run->threads > 0 ? run->threads : omp_get_max_threads();
    return chunks < (size_t)wanted ? (chunks ? (unsigned)chunks : 1) : (unsigned)wanted;
}

mlk_status mlk_run_poll(const mlk_run *run, double done)
{
    if (run && run->cancelled && run->cancelled(run->user))
        return MLK_FAIL(MLK_ECANCELLED, "cancelled");
    if (run && run->progress && done >= 0.0)
        run->progress(run->user, done);
    return MLK_OK;
}

/* One call of mlk_parallel_for(), shared by its workers. */
typedef struct job {
    const mlk_run *run;
    size_t n, grain, chunks;
    mlk_body body;
    void *ctx;
    atomic_size_t next, done;
    atomic_bool stop;
    atomic_flag lock; /* guards the three below */
    size_t failed_chunk;
    mlk_status status;
    char text[512];
} job;

static void record_failure(job *j, size_t chunk, mlk_status status)
{
    atomic_store(&j->stop, true);
    while (atomic_flag_test_and_set(&j->lock))
        ;
    if (chunk < j->failed_chunk) {
        j->failed_chunk = chunk;
        j->status = status;
        snprintf(j->text, sizeof j->text, "%s", mlk_error_message(status));
    }
    atomic_flag_clear(&j->lock);
}

/* Take chunks in order until none is left. Because they are handed out in order, every chunk
 * before a failed one has been started and will be finished: the lowest failure is found. The
 * counters order nothing else (relaxed), so that a sanitizer sees races between chunks. */
static void work(job *j, unsigned worker)
{
    for (;;) {
        if (atomic_load_explicit(&j->stop, memory_order_relaxed))
            return;
        const size_t i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (i >= j->chunks)
            return;
        const size_t begin = i * j->grain;
        const size_t end = j->n - begin < j->grain ? j->n : begin + j->grain;
        const mlk_chunk chunk = {begin, end, i, worker};
        mlk_status st = mlk_run_poll(j->run, -1.0);
        if (st == MLK_OK)
            st = j->body(j->ctx, &chunk);
        if (st != MLK_OK)
            record_failure(j, i, st);
        const size_t done = atomic_fetch_add_explicit(&j->done, 1, memory_order_relaxed) + 1;
        if (worker == 0 && j->run && j->run->progress)
            j->run->progress(j->run->user, (double)done / (double)j->chunks);
    }
}

/*
 * libgomp's own synchronisation is invisible to ThreadSanitizer. These say what it guarantees: all
 * that the caller did happens before the workers start, all that they did before it goes on.
 */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define HAPPENS_BEFORE(address) __tsan_release(address)
#define HAPPENS_AFTER(address)  __tsan_acquire(address)
#define UNSEEN_BY_TSAN          __attribute__((no_sanitize_thread))
#else
#define HAPPENS_BEFORE(address) ((void)(address))
#define HAPPENS_AFTER(address)  ((void)(address))
#define UNSEEN_BY_TSAN
#endif

static void work_as_one_of_many(job *j, unsigned worker)
{
    HAPPENS_AFTER(&j->next);
    work(j, worker);
    HAPPENS_BEFORE(&j->done);
}

UNSEEN_BY_TSAN static void work_together(job *j, unsigned workers)
{
    HAPPENS_BEFORE(&j->next);
#pragma omp parallel num_threads((int)workers)
    work_as_one_of_many(j, (unsigned)omp_get_thread_num());
    HAPPENS_AFTER(&j->done);
}

mlk_status mlk_parallel_for(const mlk_run *run, size_t n, size_t grain, mlk_body body, void *ctx)
{
    job j = {.run = run,
             .n = n,
             .grain = grain,
             .chunks = mlk_chunks(n, grain),
             .body = body,
             .ctx = ctx,
             .lock = ATOMIC_FLAG_INIT,
             .failed_chunk = SIZE_MAX,
             .status = MLK_OK};
    const unsigned workers = mlk_workers(run, n, grain);

    if (workers == 1)
        work(&j, 0);
    else
        work_together(&j, workers);
    return j.status == MLK_OK ? MLK_OK : MLK_FAIL(j.status, "%s", j.text);
}

static void line(void (*to)(void *, const char *), void *user, const char *fmt, va_list args)
{
    char text[512];
    vsnprintf(text, sizeof text, fmt, args);
    to(user, text);
}

void mlk_run_log(const mlk_run *run, const char *fmt, ...)
{
    if (!run || !run->log)
        return;
    va_list args;
    va_start(args, fmt);
    line(run->log, run->user, fmt, args);
    va_end(args);
}

void mlk_run_warn(const mlk_run *run, const char *fmt, ...)
{
    if (!run || !run->warn)
        return;
    va_list args;
    va_start(args, fmt);
    line(run->warn, run->user, fmt, args);
    va_end(args);
}

mlk_run mlk_run_inner(const mlk_run *run)
{
    mlk_run inner = {0};
    if (run) {
        inner.threads = run->threads;
        inner.cancelled = run->cancelled;
        inner.user = run->user;
    }
    return inner;
}

double mlk_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
