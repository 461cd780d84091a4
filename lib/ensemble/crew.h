#ifndef ENSEMBLE_CREW_H
#define ENSEMBLE_CREW_H

#include <mlkit/model.h>

#include "core/alloc.h"
#include "ensemble/members.h"

/* The fitted members of an ensemble, and their weighted mean. */
typedef struct mlk_crew {
    size_t n;          /* members */
    size_t p, k;       /* columns of the design; classes, 0: numbers */
    size_t q;          /* columns of a member; p unless `column` is given */
    mlk_model **model; /* n */
    uint32_t *column;  /* n x q columns of each member; or NULL */
} mlk_crew;

/* q = 0: the members have all columns, as they are. */
mlk_status mlk_crew_init(mlk_crew *crew, size_t n, size_t p, size_t k, size_t q);
void mlk_crew_release(mlk_crew *crew);

/* Fit each of `members` (crew->n of them, on all columns) to the data, at the same time; those that
 * draw, on streams of their own. */
mlk_status mlk_crew_fit(mlk_crew *crew, const mlk_members *members, const mlk_data *data,
                        uint64_t seed, const mlk_run *run);

/* Columns that a member's output has: its classes, or one. */
static inline size_t mlk_crew_width(const mlk_crew *crew) { return crew->k ? crew->k : 1; }

/*
 * What member b says about X, which has the member's q columns: values; or for classes its
 * probabilities, where it has any and `votes` is false, else 1 for the class it predicts and 0 for
 * the others. `v` has room for X.rows values.
 */
mlk_status mlk_crew_member(const mlk_crew *crew, size_t b, bool votes, mlk_cmat X,
                           const mlk_run *run, double *v, mlk_mat out);
/* Columns of member b, of the given rows (NULL: in turn) of X, into `out`. */
void mlk_crew_gather(const mlk_crew *crew, size_t b, mlk_cmat X, const uint32_t *rows, mlk_mat out);

/* Room for a sample of n rows and q columns. */
typedef struct mlk_sample {
    mlk_mat X;
    mlk_vec y, w;
    size_t *levels;
} mlk_sample;
mlk_sample mlk_sample_take(mlk_scratch *scratch, size_t n, size_t q);
/* The rows of `data`, row i times[i] times, in their order, with the columns of member b. */
mlk_data mlk_crew_sample(const mlk_crew *crew, size_t b, const mlk_data *data,
                         const uint32_t *times, const mlk_sample *room);

/* The mean of all members' outputs for X (p columns), X.rows x width; `weight`: one a member, or
 * NULL. */
mlk_status mlk_crew_mean(const mlk_crew *crew, const double *weight, bool votes, mlk_cmat X,
                         const mlk_run *run, mlk_mat out);
/* That, and for classes the first of the largest. */
mlk_status mlk_crew_predict(const mlk_crew *crew, const double *weight, bool votes, mlk_cmat X,
                            const mlk_run *run, mlk_vec out);

/* Has the model class probabilities? Some have, or not, by an option: asks it about one row. */
mlk_status mlk_has_probabilities(const mlk_model *model, const mlk_run *run, bool *has);
/* Warns once when members stopped before they converged. */
void mlk_crew_warn(const mlk_crew *crew, const mlk_run *run);

void mlk_crew_save(const mlk_crew *crew, mlk_doc *to);
/* `crew` is for mlk_crew_release() in any case. */
mlk_status mlk_crew_load(const mlk_doc *from, size_t p, size_t k, mlk_crew *crew);
/* What each member learned, as a list "estimators". */
void mlk_crew_learned(const mlk_crew *crew, mlk_doc *to);

/* First of the largest of k values. */
size_t mlk_first_largest(const double *v, size_t k);

#endif
