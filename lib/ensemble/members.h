#ifndef ENSEMBLE_MEMBERS_H
#define ENSEMBLE_MEMBERS_H

#include <mlkit/model.h>

/*
 * The members of an ensemble before they are fitted, from a text such as
 *
 *     tree:max_depth=3+logistic:C=10
 *
 * : names of registered algorithms joined by "+", each with parameters of its own behind colons. A
 * "+" before a digit belongs to a number (C=1e+3). A parameter's value cannot hold a colon, so a
 * member that is itself an ensemble names its own members without parameters.
 */
typedef struct mlk_member {
    const mlk_algo *algo;
    void *opts; /* its texts are part of mlk_members.text */
} mlk_member;

typedef struct mlk_members {
    size_t n;
    mlk_member *member;
    char *text;
} mlk_members;

/* Where a list comes from, for messages, and what its members must do. */
typedef struct mlk_members_use {
    const char *option, *owner; /* "models" of "voting" */
    bool many;                  /* a list; otherwise one name, whose values may hold "+" */
    size_t n_classes;           /* of the data: which task they must serve */
    bool weights;               /* sample weights are given */
} mlk_members_use;

/*
 * MLK_EINVAL: no text, an empty or unknown name, a parameter that is unknown or out of its domain,
 * an algorithm for another task, or one that takes no weights where there are some. `members` is
 * for mlk_members_release() in any case.
 */
mlk_status mlk_members_parse(const char *text, const mlk_members_use *use, mlk_members *members);
void mlk_members_release(mlk_members *members);

/* Fit one on a raw design, behind the preprocessing it asks for. `seed` is for those that draw. */
mlk_status mlk_member_fit(const mlk_member *member, int64_t seed, const mlk_data *data,
                          const mlk_run *run, mlk_model **model);

#endif
