#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "data/table_impl.h"

/* Columns of texts that were meant as numbers. */

enum { LEAST_NUMBERS = 10, LEAST_COMMAS = 3, MOST_DIGITS = 40 };

typedef enum kind { NUMBER, COMMA, OTHER } kind;

static kind kind_of(const char *text)
{
    double x;
    char copy[MOST_DIGITS + 1];
    const char *comma = strchr(text, ',');
    if (mlk_parse_real_all(text, &x))
        return NUMBER;
    if (!comma || strlen(text) > MOST_DIGITS)
        return OTHER;
    strcpy(copy, text);
    copy[comma - text] = '.';
    return mlk_parse_real_all(copy, &x) ? COMMA : OTHER;
}

bool mlk_table_stray(const mlk_table *t, size_t j, char *text, size_t size)
{
    const table_column *c = &t->columns[j];
    size_t found[3] = {0}, strays = 0, first = 0;
    for (size_t l = 0; l < c->n_levels; l++)
        found[kind_of(c->levels[l])]++;
    const bool commas = found[COMMA] >= LEAST_COMMAS && !found[OTHER];
    const size_t texts = found[COMMA] + found[OTHER];
    if (c->forced || !texts ||
        (!commas && (found[NUMBER] < LEAST_NUMBERS || found[NUMBER] < LEAST_NUMBERS * texts)))
        return false;
    for (size_t i = t->rows; i-- > 0;)
        if (c->codes[i] != MLK_MISSING_CODE && kind_of(c->levels[c->codes[i]]) != NUMBER) {
            strays++;
            first = i;
        }
    const char *value = c->levels[c->codes[first]];
    if (commas)
        snprintf(text, size,
                 "column '%s' holds categories: its numbers have decimal commas ('%.40s' in line "
                 "%zu); expected points",
                 c->name, value, mlk_table_line(t, first));
    else
        snprintf(text, size,
                 "column '%s' holds categories: %zu of its %zu values %s no number ('%.40s' in "
                 "line %zu)",
                 c->name, strays, t->rows - c->n_missing, strays == 1 ? "is" : "are", value,
                 mlk_table_line(t, first));
    return true;
}
