#include "data/names.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/status.h"

/* Copy the name at *p to `to` and move *p behind it; false: its quote does not end well. */
static bool take_name(const char **p, char *to)
{
    const char *s = *p;
    if (*s != '"') {
        while (*s && *s != ',')
            *to++ = *s++;
    } else {
        for (s++; *s && (*s != '"' || s[1] == '"'); s++) {
            s += *s == '"';
            *to++ = *s;
        }
        if (*s++ != '"' || (*s && *s != ','))
            return false;
    }
    *to = '\0';
    *p = s;
    return true;
}

mlk_status mlk_names_split(const char *list, mlk_scratch *s, char ***names, size_t *n)
{
    const size_t length = strlen(list);
    size_t count = 0, max = 1;
    for (const char *c = list; *c; c++)
        max += *c == ',';
    char **all = mlk_scratch_take(s, max, sizeof *all);
    char *text = mlk_scratch_take(s, length + 1, 1);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a list of %zu names", max);
    for (const char *p = list; length; p++) {
        if (!take_name(&p, text))
            return MLK_FAIL(MLK_EINVAL, "'%s': a quote that does not end with its name", list);
        if (!*text)
            return MLK_FAIL(MLK_EINVAL, "'%s': name %zu is empty", list, count + 1);
        all[count++] = text;
        text += strlen(text) + 1;
        if (!*p)
            break;
    }
    *names = all;
    *n = count;
    return MLK_OK;
}

mlk_status mlk_names_find(const char *table, const char *const *names, size_t n, const char *name,
                          size_t *j)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0) {
            *j = i;
            return MLK_OK;
        }
    double index;
    if (mlk_parse_real_all(name, &index) && index >= 1.0 && index <= (double)n &&
        index == floor(index)) {
        *j = (size_t)index - 1;
        return MLK_OK;
    }
    const char *near = mlk_nearest(name, names, n);
    if (near)
        return MLK_FAIL(MLK_EINVAL, "%s: no column '%s'; did you mean '%s'?", table, name, near);
    return MLK_FAIL(MLK_EINVAL, "%s: no column '%s' among its %zu", table, name, n);
}
