#ifndef MLK_CORE_H
#define MLK_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * @file core.h
 * @brief What every part of mlkit speaks: status codes, views of matrices and
 *        vectors, the training data of an algorithm, and how a call is run.
 *
 * The library never prints, never exits and never aborts; it touches no
 * signal, no locale and no global thread setting. All of it is thread-safe
 * with respect to distinct objects, and fitted models may be shared freely.
 *
 * What holds for all calls, unless a header says otherwise:
 *
 * - What a call reads it borrows until it returns; a fitted model keeps no
 *   pointer to the data, the options or the run.
 * - What a call writes is the caller's memory: a vector or matrix of exactly
 *   the shape that is stated, with any ld >= cols. After a failure its content
 *   is undefined.
 * - A prediction takes an X with the columns that the fit saw, in their order,
 *   and any number of rows. A wrong shape is MLK_EINVAL; MLK_ENOMEM and
 *   MLK_ECANCELLED can come from whatever returns a status and takes a run.
 * - What an accessor hands out belongs to the object and lives as long as it.
 * - What is made is released by the _free() of its type, which allows NULL.
 */

/* Public headers bracket their declarations with these two: they give the
 * declarations C linkage and, in a library built with hidden visibility,
 * export exactly them. */
/* clang-format off */
#ifdef __cplusplus
#define MLK_BEGIN_DECLS _Pragma("GCC visibility push(default)") extern "C" {
#define MLK_END_DECLS } _Pragma("GCC visibility pop")
#else
#define MLK_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define MLK_END_DECLS _Pragma("GCC visibility pop")
#endif
/* clang-format on */

MLK_BEGIN_DECLS

/** How a call ended. The set is closed: a switch over it needs no default. */
typedef enum mlk_status {
    MLK_OK = 0,       /**< Done. */
    MLK_EINVAL,       /**< An argument is out of its domain. */
    MLK_ENOMEM,       /**< Out of memory. */
    MLK_EIO,          /**< The operating system refused to read or write. */
    MLK_EFORMAT,      /**< A file's content is not what its format asks for. */
    MLK_ESINGULAR,    /**< The problem has no unique or no finite solution. */
    MLK_EUNSUPPORTED, /**< A valid request that this algorithm cannot serve. */
    MLK_ECANCELLED,   /**< mlk_run.cancelled() said so. */
    MLK_EINTERNAL     /**< A bug in mlkit. */
} mlk_status;

/**
 * The text of the calling thread's latest failure with this status, such as
 * "X has 6 rows but y has 5 values"; a general phrase when there is none.
 * Valid until the thread's next failing call.
 */
const char *mlk_error_message(mlk_status status);

/** The library's version, "major.minor.patch". */
const char *mlk_version(void);

/** The candidate nearest to `word` by edit distance; else one that it is a part of, or shares the
 *  first part with; NULL when none is near. */
const char *mlk_nearest(const char *word, const char *const *candidates, size_t n);

/* ------------------------------------------------------------------ views */

/** Read-only row-major matrix: element (i, j) is data[i * ld + j], ld >= cols. */
typedef struct mlk_cmat {
    const double *data;
    size_t rows, cols, ld;
} mlk_cmat;

/** Writable row-major matrix. */
typedef struct mlk_mat {
    double *data;
    size_t rows, cols, ld;
} mlk_mat;

/** Read-only vector. {NULL, 0} is the empty vector: "none given". */
typedef struct mlk_cvec {
    const double *data;
    size_t n;
} mlk_cvec;

/** Writable vector. */
typedef struct mlk_vec {
    double *data;
    size_t n;
} mlk_vec;

/** A writable matrix, to read from. */
static inline mlk_cmat mlk_mat_c(mlk_mat A)
{
    mlk_cmat c = {A.data, A.rows, A.cols, A.ld};
    return c;
}
/** The same of a vector. */
static inline mlk_cvec mlk_vec_c(mlk_vec v)
{
    mlk_cvec c = {v.data, v.n};
    return c;
}
/** Row i of A. */
static inline mlk_cvec mlk_cmat_row(mlk_cmat A, size_t i)
{
    mlk_cvec c = {A.data + i * A.ld, A.cols};
    return c;
}
/** Rows begin..end-1 of A. */
static inline mlk_cmat mlk_cmat_rows(mlk_cmat A, size_t begin, size_t end)
{
    mlk_cmat c = {A.data + begin * A.ld, end - begin, A.cols, A.ld};
    return c;
}
/** The same, writable. */
static inline mlk_mat mlk_mat_rows(mlk_mat A, size_t begin, size_t end)
{
    mlk_mat c = {A.data + begin * A.ld, end - begin, A.cols, A.ld};
    return c;
}

/* ------------------------------------------------------------------- data */

/**
 * What an algorithm learns from. Fields that do not apply stay zero.
 *
 * A column j with levels[j] = L > 0 is categorical: its values are the codes
 * 0..L-1, or MLK_UNSEEN for a level that training did not know. NaN is a
 * missing value. Algorithms without the matching capability (mlk_algo.caps)
 * refuse both with MLK_EINVAL; a pipeline turns them into numbers first.
 */
typedef struct mlk_data {
    mlk_cmat X;               /**< n x p design, one sample per row. */
    mlk_cvec y;               /**< n targets; class numbers 0..n_classes-1 as doubles; or empty. */
    mlk_cvec w;               /**< n sample weights >= 0, or empty: all 1. */
    size_t n_classes;         /**< >= 2: classification; 0: regression, or no target. */
    const size_t *levels;     /**< p numbers of levels, 0 = numeric; NULL: all numeric. */
    const char *const *names; /**< p names of the columns, for messages; NULL: their numbers. */
} mlk_data;

/** Code of a categorical value whose level training never saw. */
#define MLK_UNSEEN (-1.0)

/* -------------------------------------------------------------------- run */

/**
 * How a call is computed; never what it computes. Where a function takes a
 * `const mlk_run *`, NULL means: all cores, silent, not cancellable.
 */
typedef struct mlk_run {
    int threads; /**< Threads to use; 0 = what OpenMP would (OMP_NUM_THREADS, or all cores). */
    void (*progress)(void *user, double done);  /**< done in [0, 1]; the caller's thread only. */
    void (*log)(void *user, const char *line);  /**< A line an iteration; caller's thread only. */
    void (*warn)(void *user, const char *line); /**< A warning; caller's thread only. */
    bool (*cancelled)(void *user);              /**< Polled from any thread. true: stop. */
    void *user;                                 /**< Passed to the four above. */
} mlk_run;

MLK_END_DECLS

#endif
