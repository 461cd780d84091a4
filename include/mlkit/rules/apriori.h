#ifndef MLK_RULES_APRIORI_H
#define MLK_RULES_APRIORI_H

#include <mlkit/core.h>
#include <mlkit/model.h>

/**
 * @file apriori.h
 * @brief Association rules: which items come together [Agrawal and Srikant 1994].
 *
 * A basket is a set of items. Over N baskets, with n(S) those that hold all items of S:
 *
 *     support(S) = n(S) / N                                               (1)
 *
 * An itemset is frequent when support(S) >= min_support. A rule A -> C of disjoint, not empty sets
 * whose union is frequent is reported when its confidence and lift reach their minima:
 *
 *     support     s(A u C)
 *     confidence  s(A u C) / s(A): of the baskets with A, those with C too
 *     lift        confidence / s(C): 1 when A and C are independent
 *     leverage    s(A u C) - s(A) s(C)
 *     conviction  (1 - s(C)) / (1 - confidence); infinite for confidence 1
 *
 * Rules are ordered by confidence, then support (the larger first), then by the items of both sides
 * together, then by those of the consequent.
 *
 * **Baskets from a table.** Each row is a basket. A column of categories gives the item
 * column=level; a column of numbers that are 0 and 1 alone the item `column` where it is 1 (a table
 * of indicators); other numbers, at most MLK_APRIORI_MOST_VALUES different ones, column=value.
 * Missing values are no items. With a target, rows of equal target are one basket: a table of two
 * columns, receipt and product, is read with the receipt as target.
 *
 * **Method.** Not the level-wise search of the paper, which scans all rows once a level, but the
 * same result depth first: baskets are projected on each frequent item in turn, the rarest first,
 * and the others' occurrences become bit sets over the projection, which are intersected
 * [Zaki 2000] and packed again where that pays [Burdick, Calimlim and Gehrke 2001]. Of a rule that
 * fails in confidence no item of A can move to C, so whole branches of rules are left out.
 *
 * Cost: O(sum of squared basket lengths) for pairs, then a word operation for 64 baskets of the
 * projection for each pair of extensions of a frequent set. At most MLK_APRIORI_MOST itemsets and
 * as many rules: their number can double with each item, so more is an error, not a wait.
 */

MLK_BEGIN_DECLS

enum {
    MLK_APRIORI_MOST = 1000000,   /**< Itemsets, and rules. */
    MLK_APRIORI_MOST_VALUES = 20, /**< Different numbers of a column. */
    MLK_APRIORI_MOST_LENGTH = 19  /**< A longer set has more subsets than that. */
};

/** Hyper-parameters. Start from mlk_apriori_opts_default(), then set fields. */
typedef struct mlk_apriori_opts {
    double min_support;    /**< (0, 1]. Default 0.1. */
    double min_confidence; /**< [0, 1]. Default 0.8. */
    double min_lift;       /**< [0, inf). Default 0. */
    int64_t max_length;    /**< Items of a set, >= 1; 0: any. Default 0. */
} mlk_apriori_opts;

/** The defaults named above. */
mlk_apriori_opts mlk_apriori_opts_default(void);

/** The frequent itemsets and the rules. Immutable. */
typedef struct mlk_apriori mlk_apriori;

/**
 * Find the itemsets and rules.
 *
 * @param[in]  data  X (n x p, n >= 1), levels or NULL; y: baskets (above), or empty.
 * @param[in]  opts  Hyper-parameters, or NULL for the defaults.
 * @param[in]  run   Threads and cancellation, or NULL.
 * @param[out] model Release it with mlk_apriori_free(). NULL on failure.
 * @retval MLK_EINVAL An option or a value is out of its domain; a column of too many numbers; more
 *                    than MLK_APRIORI_MOST itemsets or rules.
 * @retval MLK_ENOMEM, MLK_ECANCELLED
 */
mlk_status mlk_apriori_fit(const mlk_data *data, const mlk_apriori_opts *opts, const mlk_run *run,
                           mlk_apriori **model);

/** What an item is: a column of X and its value there. */
typedef struct mlk_item {
    size_t column;
    double value;   /**< Level code, or number. */
    bool indicator; /**< Of a column of 0 and 1: the item is the column. */
} mlk_item;

/** Items and a set of baskets that hold them; items ascend. Borrowed from the model. */
typedef struct mlk_itemset {
    const uint32_t *items;
    size_t n;
    size_t count; /**< Baskets. */
} mlk_itemset;

/** A -> C with its figures. */
typedef struct mlk_rule {
    mlk_itemset antecedent, consequent;
    size_t count; /**< Baskets with both. */
    double support, confidence, lift, leverage, conviction;
} mlk_rule;

size_t mlk_apriori_n_baskets(const mlk_apriori *model); /**< N */
size_t mlk_apriori_n_items(const mlk_apriori *model);   /**< All that occur, frequent or not. */
/** What item i is. */
mlk_item mlk_apriori_item(const mlk_apriori *model, size_t i);
size_t mlk_apriori_n_itemsets(const mlk_apriori *model); /**< Frequent ones. */
/** By length, then items. */
mlk_itemset mlk_apriori_itemset(const mlk_apriori *model, size_t i);
size_t mlk_apriori_n_rules(const mlk_apriori *model); /**< Reported ones. */
/** By confidence, support, items. */
mlk_rule mlk_apriori_rule(const mlk_apriori *model, size_t i);
void mlk_apriori_free(mlk_apriori *model); /**< NULL is allowed. */

extern const mlk_algo mlk_apriori_algo; /**< For the registry and mlk_model. */

MLK_END_DECLS

#endif
