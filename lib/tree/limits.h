#ifndef TREE_LIMITS_H
#define TREE_LIMITS_H

#include <mlkit/model.h>
#include <mlkit/tree/tree.h>

#include "tree/grow.h"

/* What the options of trees and of their ensembles have in common. */

extern const mlk_word mlk_tree_criteria[], mlk_tree_none[], mlk_tree_features[],
    mlk_tree_class_weights[];

/* The limits of mlk_tree_opts for p columns. MLK_EINVAL for a max_features that is neither a share
 * nor a count of 1..p. */
mlk_status mlk_limits_resolve(const mlk_tree_opts *opts, size_t p, mlk_grow_opts *grow);

/* A number of units out of `all`, from a share in (0, 1] or a count from 2 on; `name` for the text.
 */
mlk_status mlk_share_resolve(const char *name, double value, size_t all, size_t *count);

#endif
