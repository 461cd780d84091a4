#include <mlkit/data/table.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "data/table_impl.h"

/* The items of a column: those of level l are item[first[l]] to item[first[l + 1]]. */
typedef struct item_lists {
    size_t *first;
    uint32_t *item; /* places among the column's new levels */
} item_lists;

static mlk_text trimmed(const char *begin, const char *end)
{
    while (begin < end && (*begin == ' ' || *begin == '\t'))
        begin++;
    while (begin < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (mlk_text){begin, (size_t)(end - begin)};
}

/* The next item at *at that is not missing, moving *at behind it; false: no more. */
static bool next_item(const char **at, char separator, mlk_text *item)
{
    while (*at) {
        const char *cut = strchr(*at, separator);
        *item = trimmed(*at, cut ? cut : *at + strlen(*at));
        *at = cut ? cut + 1 : NULL;
        if (!mlk_is_missing(item->begin, item->begin + item->length))
            return true;
    }
    return false;
}

static mlk_status no_memory(size_t rows)
{
    return MLK_FAIL(MLK_ENOMEM, "no memory for the items of %zu rows", rows);
}

/* Items as levels of `to`, in the order of levels; the lists say which each level of `from` has. */
static mlk_status cut_levels(const table_column *from, char separator, mlk_scratch *s,
                             item_lists *lists, table_column *to)
{
    mlk_dict dict = {0};
    mlk_text item;
    size_t n = 0;
    mlk_status st = MLK_OK;
    for (size_t l = 0; l < from->n_levels; l++)
        for (const char *at = from->levels[l]; next_item(&at, separator, &item);)
            n++;
    lists->first = mlk_scratch_take(s, from->n_levels + 1, sizeof *lists->first);
    lists->item = mlk_scratch_take(s, n + 1, sizeof *lists->item);
    if (s->failed)
        return no_memory(from->n_levels);
    n = 0;
    for (size_t l = 0; st == MLK_OK && l < from->n_levels; l++) {
        lists->first[l] = n;
        for (const char *at = from->levels[l]; st == MLK_OK && next_item(&at, separator, &item);)
            st = mlk_dict_add(&dict, item, false, &lists->item[n++]) ? MLK_OK
                                                                     : no_memory(from->n_levels);
    }
    lists->first[from->n_levels] = n;
    size_t *order = mlk_scratch_take(s, dict.n, sizeof *order);
    uint32_t *place = mlk_scratch_take(s, dict.n, sizeof *place);
    if (st == MLK_OK && s->failed)
        st = no_memory(from->n_levels);
    if (st == MLK_OK)
        st = mlk_text_order(dict.texts, dict.n, order);
    if (st == MLK_OK && !mlk_table_set_levels(to, dict.texts, order, dict.n))
        st = no_memory(from->n_levels);
    for (size_t i = 0; st == MLK_OK && i < dict.n; i++)
        place[order[i]] = (uint32_t)i;
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        lists->item[i] = place[lists->item[i]];
    mlk_dict_free(&dict);
    return st;
}

static size_t items_of(const table_column *c, const item_lists *lists, size_t row)
{
    const uint32_t code = c->codes[row];
    return code == MLK_MISSING_CODE ? 0 : lists->first[code + 1] - lists->first[code];
}

/* start[i]: where the items of row i begin among the new rows; at least one row each. */
static void count_rows(const mlk_table *t, const item_lists *lists, size_t *start)
{
    start[0] = 0;
    for (size_t i = 0; i < t->rows; i++) {
        size_t most = 1;
        for (size_t j = 0; j < t->cols; j++)
            if (t->columns[j].codes) {
                const size_t n = items_of(&t->columns[j], &lists[j], i);
                most = n > most ? n : most;
            }
        start[i + 1] = start[i] + most;
    }
}

static void fill_items(const table_column *from, const item_lists *lists, const size_t *start,
                       size_t rows, table_column *to)
{
    for (size_t i = 0; i < rows; i++) {
        const size_t n = items_of(from, lists, i);
        const uint32_t *item = n ? lists->item + lists->first[from->codes[i]] : NULL;
        for (size_t k = start[i]; k < start[i + 1]; k++)
            to->codes[k] = k - start[i] < n ? item[k - start[i]] : MLK_MISSING_CODE;
        to->n_missing += start[i + 1] - start[i] - n;
    }
}

/* values NULL: the number of the row, in all of its rows. */
static void fill_numbers(const double *values, const size_t *start, size_t rows, table_column *to)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = start[i]; k < start[i + 1]; k++) {
            to->values[k] = !values ? (double)(i + 1) : k == start[i] ? values[i] : (double)NAN;
            to->n_missing += isnan(to->values[k]);
        }
}

/* Room for the rows of `to`: numbers, codes, lines. */
static bool take_rows(const mlk_table *from, mlk_table *to)
{
    size_t numeric = 1;
    for (size_t j = 0; j < from->cols; j++)
        numeric += !from->columns[j].codes;
    to->numbers = mlk_alloc(to->rows, numeric * sizeof *to->numbers);
    to->lines = mlk_alloc(to->rows, sizeof *to->lines);
    if (!to->numbers || !to->lines)
        return false;
    double *next = to->numbers;
    for (size_t j = 0; j < to->cols; j++) {
        table_column *c = &to->columns[j];
        c->type = j < from->cols ? from->columns[j].type : MLK_NUMERIC;
        if (c->type == MLK_NUMERIC) {
            c->values = next;
            next += to->rows;
        } else if (!(c->codes = mlk_alloc(to->rows, sizeof *c->codes))) {
            return false;
        }
    }
    return true;
}

static mlk_status fill_table(const mlk_table *from, char separator, mlk_scratch *s, mlk_table *to)
{
    item_lists *lists = mlk_scratch_take(s, from->cols, sizeof *lists);
    size_t *start = mlk_scratch_take(s, from->rows + 1, sizeof *start);
    if (s->failed)
        return no_memory(from->rows);
    for (size_t j = 0; j < from->cols; j++)
        if (from->columns[j].codes)
            MLK_TRY(cut_levels(&from->columns[j], separator, s, &lists[j], &to->columns[j]));
    count_rows(from, lists, start);
    to->rows = start[from->rows];
    if (!take_rows(from, to))
        return no_memory(from->rows);
    for (size_t j = 0; j < from->cols; j++)
        if (from->columns[j].codes)
            fill_items(&from->columns[j], &lists[j], start, from->rows, &to->columns[j]);
        else
            fill_numbers(from->columns[j].values, start, from->rows, &to->columns[j]);
    fill_numbers(NULL, start, from->rows, &to->columns[from->cols]);
    for (size_t i = 0; i < from->rows; i++)
        for (size_t k = start[i]; k < start[i + 1]; k++)
            to->lines[k] = mlk_table_line(from, i);
    return MLK_OK;
}

mlk_status mlk_table_itemise(const mlk_table *table, char separator, const char *basket,
                             mlk_table **out)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_text *names = mlk_scratch_take(&s, table->cols + 1, sizeof *names);
    *out = NULL;
    for (size_t j = 0; names && j < table->cols; j++) {
        names[j] = (mlk_text){table->columns[j].name, strlen(table->columns[j].name)};
        if (strcmp(names[j].begin, basket) == 0) {
            mlk_scratch_release(&s);
            return MLK_FAIL(MLK_EINVAL, "there is a column '%s' already", basket);
        }
    }
    if (names)
        names[table->cols] = (mlk_text){basket, strlen(basket)};
    mlk_table *t = names ? mlk_table_new(table->name, names, table->cols + 1) : NULL;
    const mlk_status st = t ? fill_table(table, separator, &s, t) : no_memory(table->rows);
    mlk_scratch_release(&s);
    if (st == MLK_OK)
        *out = t;
    else
        mlk_table_free(t);
    return st;
}
