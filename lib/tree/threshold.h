#ifndef TREE_THRESHOLD_H
#define TREE_THRESHOLD_H

#include <mlkit/tree/tree.h>

#include "core/number.h"

/*
 * Thresholds for people. A threshold lies midway between two values, so it has a digit more than
 * they have and often the noise of rounding (14.190000000000001). Shown are all digits where nine
 * do, without the noise; else six, but never fewer than one behind the point (1609459200.5), and
 * as many more as keep different thresholds of a column apart.
 */

enum { MLK_THRESHOLD_DIGITS = 6 };

/* For each column the digits that tell the tree's thresholds apart, p of them into `digits`.
 * MLK_ENOMEM. */
mlk_status mlk_threshold_digits(const mlk_tree *tree, uint8_t *digits);
/* The threshold with at least so many digits. Returns the text's length. */
size_t mlk_format_threshold(double x, int digits, char buf[MLK_REAL_CHARS]);

#endif
