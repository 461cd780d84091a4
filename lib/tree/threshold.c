#include "tree/threshold.h"

#include <math.h>

#include "core/alloc.h"
#include "core/sort.h"
#include "model/algo.h"

enum { NOISE_FREE = 12, MOST_EXACT = 9, ALL_DIGITS = 17 };

/* Digits of a number's text but for zeros before the first other one. */
static int significant(const char *text)
{
    int n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0'))
            n++;
    return n;
}

size_t mlk_format_threshold(double x, int digits, char buf[MLK_REAL_CHARS])
{
    if (digits <= NOISE_FREE) {
        const size_t n = mlk_format_digits(x, NOISE_FREE, buf);
        if (significant(buf) <= MOST_EXACT)
            return n;
    }
    const double size = fabs(x);
    const int whole = size >= 1.0 ? (int)fmin(floor(log10(size)), ALL_DIGITS) + 1 : 0;
    const int needed = whole + 1 > digits ? whole + 1 : digits;
    return needed < ALL_DIGITS ? mlk_format_digits(x, needed, buf) : mlk_format_real(x, buf);
}

/* As shown, is a below b? */
static bool shown_below(double a, double b, int digits)
{
    char text[MLK_REAL_CHARS];
    double shown_a = a, shown_b = b;
    mlk_format_threshold(a, digits, text);
    mlk_parse_real_all(text, &shown_a);
    mlk_format_threshold(b, digits, text);
    mlk_parse_real_all(text, &shown_b);
    return shown_a < shown_b;
}

mlk_status mlk_threshold_digits(const mlk_tree *tree, uint8_t *digits)
{
    const size_t nodes = mlk_tree_n_nodes(tree), p = mlk_tree_n_features(tree);
    mlk_scratch s = MLK_SCRATCH_INIT;
    double *threshold = mlk_scratch_take(&s, nodes, sizeof *threshold);
    size_t *column = mlk_scratch_take(&s, nodes, sizeof *column);
    size_t *order = mlk_scratch_take(&s, nodes, sizeof *order);
    double *last = mlk_scratch_take(&s, p, sizeof *last);
    size_t n = 0;
    mlk_status st =
        s.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for the thresholds of a tree") : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < nodes; i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        if (x.leaf || x.categorical || !isfinite(x.threshold))
            continue;
        threshold[n] = x.threshold;
        column[n++] = x.feature;
    }
    for (size_t j = 0; st == MLK_OK && j < p; j++) {
        digits[j] = MLK_THRESHOLD_DIGITS;
        last[j] = -INFINITY;
    }
    if (st == MLK_OK)
        st = mlk_argsort(threshold, n, order);
    for (size_t k = 0; st == MLK_OK && k < n; k++) {
        const double t = threshold[order[k]];
        const size_t j = column[order[k]];
        while (last[j] < t && isfinite(last[j]) && digits[j] < ALL_DIGITS &&
               !shown_below(last[j], t, digits[j]))
            digits[j]++;
        last[j] = t;
    }
    mlk_scratch_release(&s);
    return st;
}
