#ifndef MLK_REPORT_TABLE_SUMMARY_H
#define MLK_REPORT_TABLE_SUMMARY_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>
#include <mlkit/data/table.h>
#include <mlkit/stats/describe.h>

/**
 * @file table_summary.h
 * @brief What a table holds, column by column, how its columns hang together, and what in it will
 *        cause trouble: the first look of a project.
 *
 * Two columns are compared over the rows where both have a value:
 *
 * - numbers with numbers: Pearson's r;
 * - numbers with categories (L of them): eta^2 = 1 - (1 - between / total) (n - 1) / (n - L), the
 *   share of variance that the categories explain, corrected for their number (epsilon^2 of
 *   [kelley1935]), at least 0;
 * - categories with categories: Cramer's V with the correction of [bergsma2013].
 *
 * The *power* of a column is what it alone predicts of the target: trees of few leaves are fitted
 * on one half of a sample of rows and judged on the other, both ways around; by R^2 of the target's
 * ranks, or by the mean recall of the classes, brought from 1/k..1 to 0..1. 1 is a perfect
 * prediction; 0 is none, or worse than none.
 *
 * Cost: a sort a numeric column, O(n) a categorical one, and O(rows) a pair of columns, for which
 * rows are sampled where the table is large (the summary says so). Columns behind the first
 * MLK_SUMMARY_PAIRED are not paired. The same bytes for any number of threads.
 */

MLK_BEGIN_DECLS

enum {
    MLK_SUMMARY_BINS = 20,     /**< Most bars of a histogram. */
    MLK_SUMMARY_TOP = 10,      /**< Most levels listed. */
    MLK_SUMMARY_PAIRS = 20,    /**< Most pairs listed. */
    MLK_SUMMARY_PAIRED = 1000, /**< Columns that are compared with each other. */
    MLK_SUMMARY_NAMED = 64     /**< Most columns that one remark names. */
};

/** How two columns were compared. */
typedef enum mlk_association_kind {
    MLK_ASSOCIATION_NONE, /**< Not at all: too few rows, a constant column, too many levels. */
    MLK_ASSOCIATION_R,
    MLK_ASSOCIATION_ETA2,
    MLK_ASSOCIATION_V
} mlk_association_kind;

typedef struct mlk_association {
    mlk_association_kind kind;
    double value; /**< NaN for none. */
} mlk_association;

/** Its name: "r", "eta2", "v"; "" for none. */
const char *mlk_association_name(mlk_association_kind kind);
/** Its size on one scale from 0 to 1: |r|, eta, V; NaN for none. */
double mlk_association_strength(mlk_association association);

/** A level and in how many rows it occurs. */
typedef struct mlk_level_count {
    const char *level;
    size_t count;
} mlk_level_count;

/** One column. Names and levels are the table's. */
typedef struct mlk_column_summary {
    const char *name;
    mlk_column_type type;
    bool integers;   /**< Numeric, and every value is an integer. */
    size_t missing;  /**< Rows without a value. */
    size_t distinct; /**< Different values, missing not counted. */
    /** Numeric: of the values; else only n and missing. */
    mlk_description numbers;
    /** Numeric: how many values lie in each of n_bins equal intervals of low..high. */
    size_t n_bins, bins[MLK_SUMMARY_BINS];
    double low, high;
    /** Categorical: the most frequent levels; those of the same count in the order of levels. */
    size_t n_top;
    mlk_level_count top[MLK_SUMMARY_TOP];
    mlk_association target; /**< With the target. */
    double power;           /**< See above; NaN without a target, and for the target itself. */
} mlk_column_summary;

/** Two columns that say nearly the same. */
typedef struct mlk_column_pair {
    size_t a, b; /**< a < b */
    mlk_association association;
} mlk_column_pair;

/** What a remark is about. */
typedef enum mlk_remark_kind {
    MLK_REMARK_DUPLICATES, /**< Rows that are copies of earlier ones. */
    MLK_REMARK_CONSTANT,   /**< Columns of one value, or none. */
    MLK_REMARK_MISSING,    /**< Columns with more gaps than values. */
    MLK_REMARK_IDENTIFIER, /**< Columns that number or name the rows. */
    MLK_REMARK_LEAK,       /**< Columns that give the target away: power >= 0.98. */
    MLK_REMARK_ALIKE,      /**< Pairs of columns of strength >= 0.95. */
    MLK_REMARK_IMBALANCE,  /**< A class with under a tenth of the rows of the largest. */
    MLK_REMARK_TARGET,     /**< Rows without a target, or a target that is constant. */
    MLK_REMARK_STRAY       /**< Columns that are text by accident: mlk_table_stray(). */
} mlk_remark_kind;

/** Its name in JSON: "duplicate_rows", "constant", "missing", "identifier", "target_leak",
 *  "alike", "imbalance", "target", "stray_text". */
const char *mlk_remark_name(mlk_remark_kind kind);

/** Something to know before learning from the table. */
typedef struct mlk_remark {
    mlk_remark_kind kind;
    size_t n_columns;      /**< Columns it is about; */
    const size_t *columns; /**< the first MLK_SUMMARY_NAMED of them. */
    const char *text;      /**< One line. */
} mlk_remark;

/** A table's summary. Immutable; it borrows names and levels from the table. */
typedef struct mlk_table_summary mlk_table_summary;

/**
 * Look at a table.
 *
 * @param[in]  target Column of the target, as mlk_table_find() takes it; NULL: none.
 * @param[in]  task   "regression", "classification"; NULL: by the target, as mlk_dataset_new().
 * @param[out] summary Release with mlk_table_summary_free(), before the table. NULL on failure.
 * @retval MLK_EINVAL  No such column, an unknown task, or a regression on text.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_table_summary_new(const mlk_table *table, const char *target, const char *task,
                                 const mlk_run *run, mlk_table_summary **summary);

/* The table's name and shape, and column j < cols. */
const char *mlk_table_summary_name(const mlk_table_summary *summary); /**< Path of the table. */
size_t mlk_table_summary_rows(const mlk_table_summary *summary);      /**< All of them. */
size_t mlk_table_summary_cols(const mlk_table_summary *summary);      /**< Target included. */
/** Column j, as long as the summary. */
const mlk_column_summary *mlk_table_summary_column(const mlk_table_summary *summary, size_t j);
/** Index of the target; SIZE_MAX: none. */
size_t mlk_table_summary_target(const mlk_table_summary *summary);
/** Classes of the target (0: none, or a regression), and the rows of each; the names of classes
 *  that are numbers are in the summary. */
size_t mlk_table_summary_classes(const mlk_table_summary *summary, const mlk_level_count **classes);
size_t mlk_table_summary_missing(const mlk_table_summary *summary); /**< Cells without a value. */
size_t mlk_table_summary_duplicates(const mlk_table_summary *summary);
/** Pairs of columns by strength, strongest first; without the target. */
size_t mlk_table_summary_pairs(const mlk_table_summary *summary, const mlk_column_pair **pairs);
/** Columns i and j, both below MLK_SUMMARY_PAIRED. */
mlk_association mlk_table_summary_association(const mlk_table_summary *summary, size_t i, size_t j);
/** Rows that pairs were computed from; rows, unless sampled. */
size_t mlk_table_summary_sampled(const mlk_table_summary *summary);
size_t mlk_table_summary_remarks(const mlk_table_summary *summary, const mlk_remark **remarks);

/** {"rows","columns":[...],"target",...,"pairs","warnings"} into the map `to`. */
void mlk_table_summary_report(const mlk_table_summary *summary, mlk_doc *to);
void mlk_table_summary_free(mlk_table_summary *summary); /**< NULL is allowed. */

MLK_END_DECLS

#endif
