#ifndef MLK_MODEL_H
#define MLK_MODEL_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>

/**
 * @file model.h
 * @brief What "any algorithm" is: its option table, its descriptor, and the
 *        handle of a fitted model. Selection, ensembles and tools know only this.
 */

MLK_BEGIN_DECLS

/* ---------------------------------------------------------------- options */

typedef enum mlk_opt_type {
    MLK_OPT_TYPE_END = 0,
    MLK_OPT_TYPE_REAL, /**< double */
    MLK_OPT_TYPE_INT,  /**< int64_t */
    MLK_OPT_TYPE_BOOL, /**< bool */
    MLK_OPT_TYPE_WORD, /**< int, one of the words' values */
    MLK_OPT_TYPE_TEXT  /**< const char *, free text; not owned by the struct, may be NULL */
} mlk_opt_type;

/** A word that an option takes, and the value it stands for. Lists end with {NULL, 0}. */
typedef struct mlk_word {
    const char *name;
    double value;
} mlk_word;

/**
 * One option of an algorithm: everything that --set, --help, validation, tuning
 * grids, model files and the manual know about it. REAL and INT options may take
 * words besides numbers (`gamma`: scale, auto or a number); a word's value then
 * lies outside lo..hi.
 */
typedef struct mlk_opt {
    const char *name;
    mlk_opt_type type;
    size_t offset;         /**< Of the field in the algorithm's options struct. */
    double value;          /**< Default of a REAL, INT, BOOL or WORD. */
    const char *text;      /**< Default of a TEXT. */
    double lo, hi;         /**< Domain of a number; an infinite bound is never attained. */
    bool lo_open, hi_open; /**< The bound itself is outside. */
    const mlk_word *words;
    const char *help; /**< One line: what it means. */
} mlk_opt;

/* Rows of an option table. Intervals: lo and hi belong to the domain, unless infinite;
 * the _OPEN form excludes lo (alpha > 0). */
#define MLK_OPT_REAL(T, field, def, lo, hi, help)                                                  \
    {                                                                                              \
#field, MLK_OPT_TYPE_REAL, offsetof(T, field), def, NULL, lo, hi, false, false, NULL, help \
    }
#define MLK_OPT_REAL_OPEN(T, field, def, lo, hi, help)                                             \
    {                                                                                              \
#field, MLK_OPT_TYPE_REAL, offsetof(T, field), def, NULL, lo, hi, true, false, NULL, help  \
    }
#define MLK_OPT_REAL_WORDS(T, field, def, lo, hi, open_lo, words, help)                            \
    {                                                                                              \
#field, MLK_OPT_TYPE_REAL, offsetof(T, field), def, NULL, lo, hi, open_lo, false, words,   \
            help                                                                                   \
    }
#define MLK_OPT_INT(T, field, def, lo, hi, help)                                                   \
    {                                                                                              \
#field, MLK_OPT_TYPE_INT, offsetof(T, field), def, NULL, lo, hi, false, false, NULL, help  \
    }
#define MLK_OPT_INT_WORDS(T, field, def, lo, hi, words, help)                                      \
    {                                                                                              \
#field, MLK_OPT_TYPE_INT, offsetof(T, field), def, NULL, lo, hi, false, false, words, help \
    }
#define MLK_OPT_BOOL(T, field, def, help)                                                          \
    {                                                                                              \
#field, MLK_OPT_TYPE_BOOL, offsetof(T, field), def, NULL, 0, 1, false, false, NULL, help   \
    }
#define MLK_OPT_WORD(T, field, def, words, help)                                                   \
    {                                                                                              \
#field, MLK_OPT_TYPE_WORD, offsetof(T, field), def, NULL, 0, 0, false, false, words, help  \
    }
#define MLK_OPT_TEXT(T, field, def, help)                                                          \
    {                                                                                              \
#field, MLK_OPT_TYPE_TEXT, offsetof(T, field), 0, def, 0, 0, false, false, NULL, help      \
    }
#define MLK_OPT_END                                                                                \
    {                                                                                              \
        NULL, MLK_OPT_TYPE_END, 0, 0, NULL, 0, 0, false, false, NULL, NULL                         \
    }

/** Set every option of the table to its default. */
void mlk_opts_set_default(const mlk_opt *table, void *opts);
/** MLK_EINVAL with "alpha = nan is outside [0, inf)" for the first value out of its domain. */
mlk_status mlk_opts_check(const mlk_opt *table, const void *opts);
/** The row with this name, or NULL. */
const mlk_opt *mlk_opts_find(const mlk_opt *table, const char *name);
/**
 * Parse `value` into the option `name`; a TEXT keeps the pointer. MLK_EINVAL for an unknown
 * name (with the nearest valid one: `unknown parameter 'n_trees' of forest; did you mean
 * 'n_estimators'?`), a malformed number or an unknown word. The domain is mlk_opts_check()'s job.
 * `owner` is the algorithm's name, for the text.
 */
mlk_status mlk_opts_parse(const mlk_opt *table, const char *owner, const char *name,
                          const char *value, void *opts);
/** The value as text that mlk_opts_parse() reads back, in buf (of `size` bytes). Returns buf. */
const char *mlk_opts_format(const mlk_opt *opt, const void *opts, char *buf, size_t size);
/** The domain as text: "[0, inf)", "gini | entropy", "true | false". Returns buf. */
const char *mlk_opts_domain(const mlk_opt *opt, char *buf, size_t size);
/** All options into the map `to`, and back (missing keys: MLK_EFORMAT; texts borrow from `from`).
 */
void mlk_opts_save(const mlk_opt *table, const void *opts, mlk_doc *to);
mlk_status mlk_opts_load(const mlk_opt *table, const mlk_doc *from, void *opts);

/* -------------------------------------------------------------- certificate */

/** How a fit ended. NaN and -1: does not apply to this algorithm. */
typedef struct mlk_fit_info {
    int64_t iterations;   /**< Iterations of the outermost loop, or -1. */
    int converged;        /**< 1 yes, 0 stopped at max_iter, -1 direct method. */
    double objective;     /**< Of the header's equation (1). */
    double duality_gap;   /**< Upper bound on objective - optimum, in its units. */
    double kkt_violation; /**< Largest violation of the first-order conditions. */
} mlk_fit_info;

/** A fit_info in which nothing applies. */
mlk_fit_info mlk_fit_info_none(void);

/* -------------------------------------------------------------- descriptor */

/** What an algorithm is for; bits of mlk_algo.tasks. */
enum {
    MLK_REGRESSION = 1,
    MLK_CLASSIFICATION = 2,
    MLK_TRANSFORM = 4,
    MLK_CLUSTERING = 8,
    MLK_OUTLIER = 16,
    MLK_RULES = 32
};

/** What an algorithm can take; bits of mlk_algo.caps. */
enum {
    MLK_CAP_WEIGHTS = 1,     /**< mlk_data.w may be given. */
    MLK_CAP_MISSING = 2,     /**< NaN in X is handled natively. */
    MLK_CAP_CATEGORICAL = 4, /**< mlk_data.levels may mark categorical columns. */
    MLK_CAP_SEED = 8,        /**< Has an option `seed`, an int64_t, set from --seed. */
    MLK_CAP_CONVEX = 16      /**< fit_info carries an objective and a certificate. */
};

/** Preprocessing that the tools apply when the user does not say; words of the contract. */
typedef struct mlk_prep_defaults {
    const char *impute; /**< NULL: median for numbers, mode for categories. */
    const char *encode; /**< NULL: onehot. */
    const char *scale;  /**< NULL: none. */
} mlk_prep_defaults;

/** A writer of C source text, of use inside the library; report/c_source.h has what a program
 *  calls. */
typedef struct mlk_codegen mlk_codegen;

/**
 * An algorithm: a const descriptor. Thunks that do not apply are NULL. `opts` is the
 * algorithm's own options struct, `state` its fitted model; both are passed as void.
 *
 * Obligations of fit: check options (mlk_opts_check) and data (mlk_data_check); give the
 * same bytes for any run->threads; leave its inputs unchanged; *state = NULL on failure.
 * Fitted states are immutable.
 */
typedef struct mlk_algo {
    const char *name; /**< As the contract spells it: "elastic-net". */
    const char *help; /**< One line. */
    unsigned tasks, caps;
    mlk_prep_defaults prep;
    size_t opts_size;
    const mlk_opt *opts;

    mlk_status (*fit)(const mlk_data *data, const void *opts, const mlk_run *run, void **state);
    /** Regression: values. Classification: class numbers. Clustering: cluster numbers.
     *  Outliers: 1 or 0. */
    mlk_status (*predict)(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out);
    /** X.rows x n_probabilities(state) probabilities, rows summing to 1. */
    mlk_status (*predict_proba)(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out);
    /** Columns that predict_proba() writes; NULL: n_classes. */
    size_t (*n_probabilities)(const void *state);
    /** X.rows x n_decisions(state) raw decision values (outlier score in column 0). */
    mlk_status (*decision)(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out);
    /** Columns that decision() writes; NULL: 1, but n_classes for more than two classes. */
    size_t (*n_decisions)(const void *state);
    /** X.rows x n_components(state). */
    mlk_status (*transform)(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out);
    mlk_status (*inverse_transform)(const void *state, mlk_cmat Z, const mlk_run *run, mlk_mat out);
    size_t (*n_components)(const void *state);

    /**
     * Optional: fit the same data once per options struct, sharing work (warm starts, one
     * factorisation, kernel blocks). Each state must equal what fit() gives up to the
     * algorithm's tolerance. Without it the search calls fit() in turn.
     */
    mlk_status (*fit_many)(const mlk_data *data, const void *const *opts, size_t n_opts,
                           const mlk_run *run, void **states);
    /**
     * Optional: exact leave-one-out predictions, column j for opts[j] (X.rows x n_opts;
     * class numbers for classifiers), faster than n fits.
     */
    mlk_status (*loo)(const mlk_data *data, const void *const *opts, size_t n_opts,
                      const mlk_run *run, mlk_mat out);
    /**
     * Optional: the grid of --path NAME for this data, simplest model first: at most `cap`
     * values of option `name` into `values`, their count into *n. MLK_EUNSUPPORTED: no such path.
     */
    mlk_status (*path)(const mlk_data *data, const void *opts, const char *name, const mlk_run *run,
                       size_t cap, double *values, size_t *n);

    /** All that prediction needs, and no more, into the map `to`; and back, trusting nothing. */
    void (*save)(const void *state, mlk_doc *to);
    mlk_status (*load)(const mlk_doc *from, size_t n_features, size_t n_classes, void **state);
    /** What was learned, under the contract's names, into the map `to` (JSON "learned"). */
    void (*learned)(const void *state, mlk_doc *to);
    mlk_fit_info (*info)(const void *state);
    /** C source of the prediction, from the design row `x` to the array `out`. */
    mlk_status (*codegen)(const void *state, mlk_codegen *to);
    void (*free)(void *state);
} mlk_algo;

/** All registered algorithms in the order of the contract, `*n` of them. */
const mlk_algo *const *mlk_algo_list(size_t *n);
/** The registered algorithm (or the pipeline) of this name, or NULL. */
const mlk_algo *mlk_algo_find(const char *name);

/* ------------------------------------------------------------------- model */

/** A fitted model of any algorithm. Immutable: any number of threads may use it. */
typedef struct mlk_model mlk_model;

/**
 * Fit any algorithm.
 *
 * @param[in]  algo  Its descriptor.
 * @param[in]  opts  Its options struct, or NULL for the defaults; texts are copied.
 * @param[in]  data  What to learn from.
 * @param[in]  run   Threads, progress, cancellation; or NULL.
 * @param[out] model The fitted model; release it with mlk_model_free(). NULL on failure.
 * @retval MLK_EINVAL       An option or the data is out of the algorithm's domain.
 * @retval MLK_EUNSUPPORTED The task does not fit the algorithm.
 * @retval MLK_ESINGULAR    See the algorithm's header.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_model_fit(const mlk_algo *algo, const void *opts, const mlk_data *data,
                         const mlk_run *run, mlk_model **model);

/** Fit `data` once per options struct; models[j] belongs to opts[j]. On failure all are NULL. */
mlk_status mlk_model_fit_many(const mlk_algo *algo, const void *const *opts, size_t n_opts,
                              const mlk_data *data, const mlk_run *run, mlk_model **models);

/* Prediction: X has the columns of the fit; MLK_EINVAL otherwise, MLK_EUNSUPPORTED where the
 * algorithm has no such output. Shapes as in mlk_algo. */
mlk_status mlk_model_predict(const mlk_model *model, mlk_cmat X, const mlk_run *run, mlk_vec out);
mlk_status mlk_model_predict_proba(const mlk_model *model, mlk_cmat X, const mlk_run *run,
                                   mlk_mat out);
mlk_status mlk_model_decision(const mlk_model *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
mlk_status mlk_model_transform(const mlk_model *model, mlk_cmat X, const mlk_run *run, mlk_mat out);
mlk_status mlk_model_inverse_transform(const mlk_model *model, mlk_cmat Z, const mlk_run *run,
                                       mlk_mat out);

/* What a model is. Pointers live as long as the model. */
const mlk_algo *mlk_model_algo(const mlk_model *model);
const void *mlk_model_opts(const mlk_model *model);  /**< The options struct it was fitted with. */
const void *mlk_model_state(const mlk_model *model); /**< The algorithm's own fitted type. */
size_t mlk_model_n_features(const mlk_model *model);
size_t mlk_model_n_classes(const mlk_model *model);       /**< 0: not a classifier. */
size_t mlk_model_n_probabilities(const mlk_model *model); /**< 0: no probabilities. */
size_t mlk_model_n_decisions(const mlk_model *model);
size_t mlk_model_n_components(const mlk_model *model); /**< 0: no transform. */
mlk_fit_info mlk_model_info(const mlk_model *model);
void mlk_model_learned(const mlk_model *model, mlk_doc *to);
mlk_status mlk_model_codegen(const mlk_model *model, mlk_codegen *to);

/** Algorithm name, options, shapes and state into the map `to`. */
void mlk_model_save(const mlk_model *model, mlk_doc *to);
/** The inverse. MLK_EFORMAT: not what mlk_model_save() writes. */
mlk_status mlk_model_load(const mlk_doc *from, mlk_model **model);
void mlk_model_free(mlk_model *model); /**< NULL is allowed. */

MLK_END_DECLS

#endif
