#ifndef PREPROCESS_SCALE_H
#define PREPROCESS_SCALE_H

#include <mlkit/core/doc.h>

#include "preprocess/columns.h"

/* (x - centre) / spread, column by column. */

typedef enum mlk_scale {
    MLK_SCALE_NONE,
    MLK_SCALE_STANDARD,
    MLK_SCALE_MINMAX,
    MLK_SCALE_ROBUST
} mlk_scale;

typedef struct mlk_scaler {
    size_t p;
    double *centre, *spread; /* p each; spread is never 0 */
} mlk_scaler;

/* Learn from the design D; columns with leave[j] != 0 get centre 0 and spread 1. `stats` of D, with
 * variances, or NULL. MLK_ENOMEM. */
mlk_status mlk_scaler_fit(mlk_cmat D, mlk_scale kind, const double *leave,
                          const mlk_column_stats *stats, const mlk_run *run, mlk_scaler **scaler);
void mlk_scaler_row(const mlk_scaler *scaler, double *x); /* in place */
void mlk_scaler_save(const mlk_scaler *scaler, mlk_doc *to);
mlk_status mlk_scaler_load(const mlk_doc *from, size_t p, mlk_scaler **scaler);
void mlk_scaler_free(mlk_scaler *scaler);

#endif
