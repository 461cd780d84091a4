#ifndef BENCH_DRIVER_H
#define BENCH_DRIVER_H

#include <mlkit/core.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/alloc.h"

/* What the drivers share; DRIVER, the name of the program, comes from the build. */

static inline void stop(const char *what)
{
    fprintf(stderr, "%s: %s\n", DRIVER, what);
    exit(1);
}

static inline void check(mlk_status st)
{
    if (st != MLK_OK)
        stop(mlk_error_message(st));
}

/* Seconds of processor time of this program, all threads together: on a busy machine the
 * steadier figure. */
static inline double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A file of n doubles, in huge pages, as an array of that size would be in any program that cares;
 * for mlk_free(). */
static inline double *read_doubles(const char *path, size_t n)
{
    FILE *f = fopen(path, "rb");
    double *values = mlk_alloc(n, sizeof *values);
    if (!f || !values || fread(values, sizeof *values, n, f) != n)
        stop(path);
    fclose(f);
    return values;
}

/* A file of three 64-bit integers n, p, k (classes, 0: numbers) and then, as doubles, n x p rows
 * and n targets; free(*memory). */
static inline mlk_data read_data(const char *path, double **memory)
{
    FILE *f = fopen(path, "rb");
    int64_t head[3];
    if (!f || fread(head, sizeof head[0], 3, f) != 3)
        stop("cannot read the data");
    const size_t n = (size_t)head[0], p = (size_t)head[1];
    double *values = *memory = malloc(n * (p + 1) * sizeof *values);
    if (!values || fread(values, sizeof *values, n * (p + 1), f) != n * (p + 1))
        stop("the data is cut short");
    fclose(f);
    return (mlk_data){
        .X = {values, n, p, p}, .y = {values + n * p, n}, .n_classes = (size_t)head[2]};
}

/* Peak resident memory of this program; ru_maxrss would count that of the one which started it. */
static inline long peak_megabytes(void)
{
    char line[256];
    long kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %ld", &kilobytes) == 1)
            break;
    if (f)
        fclose(f);
    return kilobytes / 1024;
}

#endif
