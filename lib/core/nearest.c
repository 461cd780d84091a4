#include <mlkit/core.h>

#include <string.h>
#include <strings.h>

/* Damerau's edit distance (adjacent swaps count one) of two short words; long ones are far. */
static unsigned edit_distance(const char *a, const char *b)
{
    enum { LIMIT = 48 };
    const size_t n = strlen(a), m = strlen(b);
    unsigned d[3][LIMIT + 1];
    if (n > LIMIT || m > LIMIT)
        return LIMIT;
    for (size_t j = 0; j <= m; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = d[i % 3], *prev = d[(i - 1) % 3], *prev2 = d[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = prev[j - 1] + (a[i - 1] != b[j - 1]);
            if (prev[j] + 1 < best)
                best = prev[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                prev2[j - 2] + 1 < best)
                best = prev2[j - 2] + 1;
            now[j] = best;
        }
    }
    return d[n % 3][m];
}

enum { LEAST_PART = 3 };

const char *mlk_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *best = NULL;
    unsigned best_distance = (unsigned)strlen(word) / 2 + 1;
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(word, candidates[i]) == 0)
            return candidates[i];
    for (size_t i = 0; i < n; i++) {
        unsigned distance = edit_distance(word, candidates[i]);
        if (distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    if (best)
        return best;
    /* depth for max_depth, trees for extra-trees: the shortest that the word is a part of. */
    for (size_t i = 0; strlen(word) >= LEAST_PART && i < n; i++)
        if (strstr(candidates[i], word) && (!best || strlen(candidates[i]) < strlen(best)))
            best = candidates[i];
    if (best)
        return best;
    /* n_trees for n_estimators: a shared first part says more than the distance. */
    for (size_t i = 0; i < n; i++) {
        const char *under = strchr(candidates[i], '_');
        const size_t prefix = under ? (size_t)(under - candidates[i]) + 1 : 3;
        if (strncmp(word, candidates[i], prefix) == 0)
            return candidates[i];
    }
    return NULL;
}
