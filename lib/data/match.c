#include "data/match.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "core/sort.h"
#include "core/status.h"

static mlk_status match_numbers(const char *const *names, size_t n, mlk_match *m)
{
    double *values = mlk_alloc(n, sizeof *values);
    size_t *order = mlk_alloc(n, sizeof *order);
    mlk_status st = MLK_OK;
    m->numbers = mlk_alloc(n, sizeof *m->numbers);
    m->index = mlk_alloc(n, sizeof *m->index);
    if (!values || !order || !m->numbers || !m->index)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", n);
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        if (!mlk_parse_real_all(names[i], &values[i]))
            values[i] = NAN; /* goes last */
    if (st == MLK_OK)
        st = mlk_argsort(values, n, order);
    for (size_t i = 0; st == MLK_OK && i < n && !isnan(values[order[i]]); i++) {
        m->numbers[i] = values[order[i]];
        m->index[i] = order[i];
        m->n_numbers = i + 1;
    }
    mlk_free(values);
    mlk_free(order);
    return st;
}

mlk_status mlk_match_new(const char *const *names, size_t n, mlk_match *m)
{
    *m = (mlk_match){0};
    mlk_status st = match_numbers(names, n, m);
    for (size_t i = 0; st == MLK_OK && i < n; i++) {
        uint32_t code;
        if (!mlk_dict_add(&m->texts, (mlk_text){names[i], strlen(names[i])}, false, &code))
            st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu names", n);
    }
    if (st != MLK_OK)
        mlk_match_free(m);
    return st;
}

void mlk_match_free(mlk_match *m)
{
    mlk_dict_free(&m->texts);
    mlk_free(m->numbers);
    mlk_free(m->index);
    *m = (mlk_match){0};
}

size_t mlk_match_number(const mlk_match *m, double x)
{
    size_t lo = 0, hi = m->n_numbers;
    while (lo < hi) {
        const size_t mid = lo + (hi - lo) / 2;
        if (m->numbers[mid] < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n_numbers && m->numbers[lo] == x ? m->index[lo] : SIZE_MAX;
}

size_t mlk_match_text(const mlk_match *m, const char *text)
{
    const uint32_t code = mlk_dict_find(&m->texts, (mlk_text){text, strlen(text)});
    double x;
    if (code != MLK_NO_TEXT)
        return code;
    return mlk_parse_real_all(text, &x) ? mlk_match_number(m, x) : SIZE_MAX;
}
