#ifndef SELECTION_COMPARISON_H
#define SELECTION_COMPARISON_H

#include <mlkit/selection/comparison.h>

#include "core/alloc.h"

/* A comparison; arrays have an entry a model, the baseline first. */
struct mlk_comparison {
    size_t n, n_splits;
    double level;
    mlk_contender *contenders;
    mlk_candidate *candidates;
    mlk_compared *models;
    size_t *rows; /* order of tables */
    mlk_cv *cv;
    mlk_doc **chosen; /* [model][split], NULL: no search */
    mlk_score_curve *learning;
    mlk_bootstrap_error *bootstrap;
    mlk_bias_variance *bias_variance;
    mlk_threshold_choice *threshold;
    bool interrupted;
    mlk_scratch memory; /* all arrays */
};

#endif
