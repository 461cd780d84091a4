#ifndef REPORT_TABLE_SUMMARY_IMPL_H
#define REPORT_TABLE_SUMMARY_IMPL_H

#include <mlkit/report/table_summary.h>

#include "core/alloc.h"

#define MLK_SUMMARY_LEAK  0.98 /* power */
#define MLK_SUMMARY_ALIKE 0.95 /* strength */

/* A column as numbers or as codes; a target of classes is codes whatever its type. */
typedef struct column_view {
    const double *values;  /* NaN: missing; NULL: codes */
    const uint32_t *codes; /* MLK_MISSING_CODE: missing */
    size_t n_levels;       /* 0: numbers */
} column_view;

struct mlk_table_summary {
    const mlk_table *table;
    size_t rows, cols, missing, duplicates;
    mlk_column_summary *columns;
    size_t target; /* SIZE_MAX: none */
    column_view target_view;
    size_t n_classes;
    mlk_level_count *classes;
    size_t paired, sampled;    /* columns and rows of the pairs */
    double *associations;      /* paired x paired, upper triangle; NaN: none */
    size_t n_pairs, n_remarks; /* n_alike: pairs that are nearly the same, listed or not */
    size_t n_alike;
    mlk_column_pair *pairs;
    mlk_remark *remarks;
    mlk_doc *texts; /* a document that keeps the texts */
    mlk_scratch memory;
};

/* How columns hang together: the target association, power, pairs. */
mlk_status mlk_summary_relate(mlk_table_summary *s, const mlk_run *run);
/* What there is to remark; everything else is filled in. */
mlk_status mlk_summary_remark(mlk_table_summary *s);

column_view mlk_summary_view(const mlk_table_summary *s, size_t j);

#endif
