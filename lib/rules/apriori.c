#include <mlkit/rules/apriori.h>

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "model/algo.h"
#include "rules/itemsets.h"

static const mlk_word none[] = {{"none", 0}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_REAL_OPEN(mlk_apriori_opts, min_support, 0.1, 0, 1,
                      "least share of the baskets that hold all items of a rule"),
    MLK_OPT_REAL(mlk_apriori_opts, min_confidence, 0.8, 0, 1,
                 "of the baskets with the antecedent, the least share with the consequent"),
    MLK_OPT_REAL(mlk_apriori_opts, min_lift, 0, 0, INFINITY,
                 "least confidence over the consequent's support; 1 is independence"),
    MLK_OPT_INT_WORDS(mlk_apriori_opts, max_length, 0, 1, INFINITY, none,
                      "most items of a rule, both sides together"),
    MLK_OPT_END,
};

mlk_apriori_opts mlk_apriori_opts_default(void)
{
    mlk_apriori_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

/* A rule: a set, which of its items are the antecedent, and where both sides stand among the sets.
 */
typedef struct rule {
    uint32_t set, antecedent, consequent;
} rule;

struct mlk_apriori {
    size_t n_baskets, n_items, n_rules;
    mlk_item *items;
    mlk_itemsets sets;
    rule *rules;
};

void mlk_apriori_free(mlk_apriori *m)
{
    if (!m)
        return;
    mlk_itemsets_free(&m->sets);
    mlk_free(m->items);
    mlk_free(m->rules);
    mlk_free(m);
}

static mlk_status out_of_memory(void) { return MLK_FAIL(MLK_ENOMEM, "no memory for rules"); }

/* ----------------------------------------------------------------------- items */

/* The items of a column: numbers that occur, ascending, or all level codes. */
typedef struct column {
    size_t first;    /* number of its first item */
    size_t n;        /* items, */
    size_t n_values; /* of so many values: */
    double values[MLK_APRIORI_MOST_VALUES];
    bool numeric, indicator;
} column;

/* Find the place of v among the values, and put it there when it is new. False: no room. */
static bool add_value(column *c, double v)
{
    size_t at = 0;
    while (at < c->n_values && c->values[at] < v)
        at++;
    if (at < c->n_values && c->values[at] == v)
        return true;
    if (c->n_values == MLK_APRIORI_MOST_VALUES)
        return false;
    memmove(c->values + at + 1, c->values + at, (c->n_values - at) * sizeof *c->values);
    c->values[at] = v;
    c->n_values++;
    return true;
}

static mlk_status read_column(const mlk_data *data, size_t j, column *c)
{
    const size_t levels = data->levels ? data->levels[j] : 0;
    char name[MLK_LABEL];
    *c = (column){.first = c->first, .n = levels, .numeric = !levels};
    for (size_t i = 0; c->numeric && i < data->X.rows; i++) {
        const double v = data->X.data[i * data->X.ld + j];
        if (!isnan(v) && !add_value(c, v))
            return MLK_FAIL(MLK_EINVAL,
                            "%s holds more than %d different numbers; expected categories, such "
                            "as bins of its range",
                            mlk_column_label(data, j, name, sizeof name), MLK_APRIORI_MOST_VALUES);
    }
    if (!c->numeric)
        return MLK_OK;
    c->indicator = c->n_values && c->values[0] >= 0.0 && c->values[c->n_values - 1] <= 1.0 &&
                   c->values[c->n_values - 1] == 1.0 &&
                   (c->n_values == 1 || (c->n_values == 2 && c->values[0] == 0.0));
    /* All zeros: an indicator that never indicates. */
    if (c->n_values == 1 && c->values[0] == 0.0)
        c->n = 0;
    else
        c->n = c->indicator ? 1 : c->n_values;
    return MLK_OK;
}

/* Number of the item of value v, or SIZE_MAX. */
static size_t item_of(const column *c, double v)
{
    if (isnan(v) || !c->n)
        return SIZE_MAX;
    if (!c->numeric) /* checked: a code, or a level never seen */
        return v >= 0.0 ? c->first + (size_t)v : SIZE_MAX;
    if (c->indicator)
        return v == 1.0 ? c->first : SIZE_MAX;
    size_t at = 0;
    while (at < c->n_values && c->values[at] != v)
        at++;
    return at < c->n_values ? c->first + at : SIZE_MAX;
}

static mlk_status read_items(const mlk_data *data, column *columns, mlk_apriori *m)
{
    size_t n = 0;
    for (size_t j = 0; j < data->X.cols; j++) {
        columns[j].first = n;
        MLK_TRY(read_column(data, j, &columns[j]));
        n += columns[j].n;
    }
    if (n >= UINT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "%zu items; expected fewer than 2^32 - 1", n);
    m->n_items = n;
    m->items = mlk_alloc(n, sizeof *m->items);
    if (!m->items)
        return out_of_memory();
    for (size_t j = 0; j < data->X.cols; j++) {
        const column *c = &columns[j];
        for (size_t k = 0; k < c->n; k++)
            m->items[c->first + k] = (mlk_item){j,
                                                !c->numeric    ? (double)k
                                                : c->indicator ? 1.0
                                                               : c->values[k],
                                                c->indicator};
    }
    return MLK_OK;
}

/* Rows by basket: order holds rows, those of a basket together. */
static mlk_status order_rows(const mlk_data *data, size_t *order)
{
    if (data->y.n)
        return mlk_argsort(data->y.data, data->y.n, order);
    for (size_t i = 0; i < data->X.rows; i++)
        order[i] = i;
    return MLK_OK;
}

/* Baskets of the rows; an item that several rows of a basket have counts once. */
static mlk_status fill_baskets(const mlk_data *data, const column *columns, size_t n_items,
                               mlk_scratch *scratch, mlk_baskets *out)
{
    const size_t n = data->X.rows, p = data->X.cols;
    size_t *order = mlk_scratch_take(scratch, n, sizeof *order);
    size_t *start = mlk_scratch_take(scratch, n + 1, sizeof *start);
    size_t *last = mlk_scratch_take(scratch, n_items + 1, sizeof *last); /* basket + 1 with it */
    uint32_t *items =
        p && n > SIZE_MAX / p ? NULL : mlk_scratch_take(scratch, n * p, sizeof *items);
    if (scratch->failed || !items)
        return out_of_memory();
    MLK_TRY(order_rows(data, order));
    memset(last, 0, n_items * sizeof *last);
    size_t baskets = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        const double *row = data->X.data + order[i] * data->X.ld;
        if (i == 0 || !data->y.n || data->y.data[order[i]] != data->y.data[order[i - 1]])
            start[baskets++] = at;
        for (size_t j = 0; j < p; j++) {
            const size_t item = item_of(&columns[j], row[j]);
            if (item == SIZE_MAX || last[item] == baskets)
                continue;
            last[item] = baskets;
            items[at++] = (uint32_t)item;
        }
    }
    start[baskets] = at;
    *out = (mlk_baskets){baskets, n_items, start, items};
    return MLK_OK;
}

/* ----------------------------------------------------------------------- rules */

static size_t length_of(const mlk_itemsets *sets, size_t i)
{
    return sets->start[i + 1] - sets->start[i];
}

/* Index of the items of set i that mask says. */
static size_t find_part(const mlk_itemsets *sets, size_t i, uint32_t mask)
{
    uint32_t part[MLK_APRIORI_MOST_LENGTH];
    size_t n = 0;
    for (size_t k = 0; k < length_of(sets, i); k++)
        if (mask >> k & 1)
            part[n++] = sets->items[sets->start[i] + k];
    return mlk_itemsets_find(sets, part, n);
}

/* Rules of a chunk of sets. */
typedef struct found {
    rule *rules;
    size_t n, cap;
} found;

typedef struct rule_search {
    const mlk_apriori *m;
    const mlk_apriori_opts *opts;
    found *chunks;
    _Atomic size_t found;
} rule_search;

/* Of a set, the rules with a consequent that extends `mask` by items from `next` on. A consequent
 * without enough confidence is not extended: that of a larger one is no greater. */
static mlk_status add_rules(rule_search *s, size_t set, uint32_t mask, size_t next, found *out)
{
    const mlk_itemsets *sets = &s->m->sets;
    const size_t length = length_of(sets, set);
    const uint32_t all = ((uint32_t)1 << length) - 1;
    for (size_t k = next; k < length; k++) {
        const uint32_t consequent = mask | (uint32_t)1 << k;
        if (consequent == all)
            continue;
        const size_t a = find_part(sets, set, all & ~consequent);
        const size_t c = find_part(sets, set, consequent);
        const double confidence = (double)sets->count[set] / (double)sets->count[a];
        if (confidence < s->opts->min_confidence)
            continue;
        if (confidence * (double)s->m->n_baskets >= s->opts->min_lift * (double)sets->count[c]) {
            if (atomic_fetch_add(&s->found, 1) >= MLK_APRIORI_MOST)
                return MLK_FAIL(MLK_EINVAL,
                                "more than %d rules; raise min_confidence, min_lift or "
                                "min_support, or lower max_length",
                                MLK_APRIORI_MOST);
            if (out->n == out->cap) {
                const size_t cap = 2 * out->cap + 64;
                rule *rules = mlk_regrow(out->rules, out->n, cap, sizeof *rules);
                if (!rules)
                    return out_of_memory();
                out->rules = rules;
                out->cap = cap;
            }
            out->rules[out->n++] = (rule){(uint32_t)set, (uint32_t)a, (uint32_t)c};
        }
        MLK_TRY(add_rules(s, set, consequent, k + 1, out));
    }
    return MLK_OK;
}

enum { SETS_A_CHUNK = 1024 };

static mlk_status rules_of_sets(void *ctx, const mlk_chunk *chunk)
{
    rule_search *s = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++)
        if (length_of(&s->m->sets, i) > 1)
            MLK_TRY(add_rules(s, i, 0, 0, &s->chunks[chunk->index]));
    return MLK_OK;
}

static double confidence_of(const mlk_apriori *m, const rule *r)
{
    return (double)m->sets.count[r->set] / (double)m->sets.count[r->antecedent];
}

/* By confidence, then support, then as they were. */
static mlk_status sort_rules(mlk_apriori *m)
{
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const size_t n = m->n_rules;
    const mlk_vec key = mlk_scratch_vec(&scratch, n);
    size_t *first = mlk_scratch_take(&scratch, n, sizeof *first);
    size_t *second = mlk_scratch_take(&scratch, n, sizeof *second);
    rule *sorted = mlk_alloc(n, sizeof *sorted);
    mlk_status st = scratch.failed || !sorted ? out_of_memory() : MLK_OK;
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        key.data[i] = -(double)m->sets.count[m->rules[i].set];
    if (st == MLK_OK)
        st = mlk_argsort(key.data, n, first);
    for (size_t i = 0; st == MLK_OK && i < n; i++)
        key.data[i] = -confidence_of(m, &m->rules[first[i]]);
    if (st == MLK_OK)
        st = mlk_argsort(key.data, n, second);
    if (st == MLK_OK) {
        for (size_t i = 0; i < n; i++)
            sorted[i] = m->rules[first[second[i]]];
        mlk_free(m->rules);
        m->rules = sorted;
    } else {
        mlk_free(sorted);
    }
    mlk_scratch_release(&scratch);
    return st;
}

static mlk_status make_rules(mlk_apriori *m, const mlk_apriori_opts *opts, const mlk_run *run)
{
    const size_t n = mlk_chunks(m->sets.n, SETS_A_CHUNK);
    rule_search s = {.m = m, .opts = opts, .chunks = mlk_alloc_zero(n, sizeof *s.chunks)};
    if (!s.chunks)
        return out_of_memory();
    mlk_status st = mlk_parallel_for(run, m->sets.n, SETS_A_CHUNK, rules_of_sets, &s);
    size_t total = 0, at = 0;
    for (size_t k = 0; k < n; k++)
        total += s.chunks[k].n;
    if (st == MLK_OK && !(m->rules = mlk_alloc(total, sizeof *m->rules)))
        st = out_of_memory();
    for (size_t k = 0; k < n; k++) {
        if (st == MLK_OK && s.chunks[k].n)
            memcpy(m->rules + at, s.chunks[k].rules, s.chunks[k].n * sizeof *m->rules);
        at += s.chunks[k].n;
        mlk_free(s.chunks[k].rules);
    }
    mlk_free(s.chunks);
    m->n_rules = total;
    return st == MLK_OK ? sort_rules(m) : st;
}

/* ------------------------------------------------------------------------ fit */

/* Least count c >= 1 with c / n >= share. */
static size_t least_count(double share, size_t n)
{
    size_t c = (size_t)floor(share * (double)n);
    while (c > 0 && (double)(c - 1) / (double)n >= share)
        c--;
    while ((double)c / (double)n < share)
        c++;
    return c ? c : 1;
}

mlk_status mlk_apriori_fit(const mlk_data *data, const mlk_apriori_opts *opts, const mlk_run *run,
                           mlk_apriori **model)
{
    const mlk_apriori_opts o = opts ? *opts : mlk_apriori_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, MLK_CAP_CATEGORICAL | MLK_CAP_MISSING, 0, run));
    if (data->X.rows >= UINT32_MAX)
        return MLK_FAIL(MLK_EINVAL, "X has %zu rows; expected fewer than 2^32 - 1", data->X.rows);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    mlk_baskets baskets;
    column *columns = mlk_scratch_take(&scratch, data->X.cols, sizeof *columns);
    mlk_apriori *m = mlk_alloc_zero(1, sizeof *m);
    mlk_status st = m && columns ? read_items(data, columns, m) : out_of_memory();
    if (st == MLK_OK)
        st = fill_baskets(data, columns, m->n_items, &scratch, &baskets);
    if (st == MLK_OK) {
        m->n_baskets = baskets.n;
        st = mlk_itemsets_mine(&baskets, least_count(o.min_support, baskets.n),
                               (size_t)o.max_length, run, &m->sets);
    }
    mlk_scratch_release(&scratch);
    if (st == MLK_OK)
        st = make_rules(m, &o, run);
    if (st != MLK_OK) {
        mlk_apriori_free(m);
        return st;
    }
    *model = m;
    return MLK_OK;
}

/* ------------------------------------------------------------------ accessors */

size_t mlk_apriori_n_baskets(const mlk_apriori *m) { return m->n_baskets; }
size_t mlk_apriori_n_items(const mlk_apriori *m) { return m->n_items; }
mlk_item mlk_apriori_item(const mlk_apriori *m, size_t i) { return m->items[i]; }
size_t mlk_apriori_n_itemsets(const mlk_apriori *m) { return m->sets.n; }
size_t mlk_apriori_n_rules(const mlk_apriori *m) { return m->n_rules; }

mlk_itemset mlk_apriori_itemset(const mlk_apriori *m, size_t i)
{
    return (mlk_itemset){m->sets.items + m->sets.start[i], length_of(&m->sets, i),
                         m->sets.count[i]};
}

mlk_rule mlk_apriori_rule(const mlk_apriori *m, size_t i)
{
    const rule *r = &m->rules[i];
    const double n = (double)m->n_baskets;
    mlk_rule out = {.antecedent = mlk_apriori_itemset(m, r->antecedent),
                    .consequent = mlk_apriori_itemset(m, r->consequent),
                    .count = m->sets.count[r->set]};
    const double a = (double)out.antecedent.count / n, c = (double)out.consequent.count / n;
    out.support = (double)out.count / n;
    out.confidence = confidence_of(m, r);
    out.lift = out.confidence / c;
    out.leverage = out.support - a * c;
    out.conviction =
        out.count == out.antecedent.count ? INFINITY : (1.0 - c) / (1.0 - out.confidence);
    return out;
}

/* ------------------------------------------------------------------ model file */

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_apriori *m = state;
    const size_t n = m->sets.n, k = m->n_items;
    mlk_doc_put_int(to, "n_baskets", (int64_t)m->n_baskets);
    uint32_t *columns = mlk_doc_put_room(to, "item_column", MLK_U32, k, 0);
    double *values = mlk_doc_put_room(to, "item_value", MLK_F64, k, 0);
    uint8_t *indicators = mlk_doc_put_room(to, "item_indicator", MLK_U8, k, 0);
    for (size_t i = 0; columns && values && indicators && i < k; i++) {
        columns[i] = (uint32_t)m->items[i].column;
        values[i] = m->items[i].value;
        indicators[i] = m->items[i].indicator;
    }
    uint8_t *lengths = mlk_doc_put_room(to, "length", MLK_U8, n, 0);
    for (size_t i = 0; lengths && i < n; i++)
        lengths[i] = (uint8_t)length_of(&m->sets, i);
    mlk_doc_put_array(to, "count", MLK_U32, m->sets.count, n, 0);
    mlk_doc_put_array(to, "items", MLK_U32, m->sets.items, m->sets.start[n], 0);
    uint32_t *rules = mlk_doc_put_room(to, "rules", MLK_U32, m->n_rules, 3);
    for (size_t i = 0; rules && i < m->n_rules; i++) {
        rules[3 * i] = m->rules[i].set;
        rules[3 * i + 1] = m->rules[i].antecedent;
        rules[3 * i + 2] = m->rules[i].consequent;
    }
}

static mlk_status load_items(const mlk_doc *from, size_t n_features, mlk_apriori *m)
{
    mlk_doc_array columns, value, indicator;
    MLK_TRY(mlk_doc_get_array(from, "item_column", MLK_U32, &columns));
    MLK_TRY(mlk_doc_get_array(from, "item_value", MLK_F64, &value));
    MLK_TRY(mlk_doc_get_array(from, "item_indicator", MLK_U8, &indicator));
    if (columns.cols || value.cols || indicator.cols || value.rows != columns.rows ||
        indicator.rows != columns.rows)
        return MLK_FAIL(MLK_EFORMAT, "items have %zu columns, %zu values and %zu kinds",
                        columns.rows, value.rows, indicator.rows);
    m->n_items = columns.rows;
    m->items = mlk_alloc(m->n_items, sizeof *m->items);
    if (!m->items)
        return out_of_memory();
    for (size_t i = 0; i < m->n_items; i++) {
        m->items[i] =
            (mlk_item){((const uint32_t *)columns.data)[i], ((const double *)value.data)[i],
                       ((const uint8_t *)indicator.data)[i] != 0};
        if (m->items[i].column >= n_features || !isfinite(m->items[i].value))
            return MLK_FAIL(MLK_EFORMAT, "item %zu is of column %zu, value %g; expected one of %zu",
                            i, m->items[i].column, m->items[i].value, n_features);
    }
    return MLK_OK;
}

/* Is set i what comes behind the one before: ascending items, in order, of a possible count? */
static bool is_set(const mlk_apriori *m, size_t i)
{
    const mlk_itemset b = mlk_apriori_itemset(m, i);
    if (b.n < 1 || b.n > MLK_APRIORI_MOST_LENGTH || b.count < 1 || b.count > m->n_baskets)
        return false;
    for (size_t k = 0; k < b.n; k++)
        if (b.items[k] >= m->n_items || (k && b.items[k] <= b.items[k - 1]))
            return false;
    if (!i)
        return true;
    const mlk_itemset a = mlk_apriori_itemset(m, i - 1);
    size_t k = 0;
    while (a.n == b.n && k < b.n && a.items[k] == b.items[k])
        k++;
    return a.n != b.n ? a.n < b.n : k < b.n && a.items[k] < b.items[k];
}

static mlk_status load_sets(const mlk_doc *from, mlk_apriori *m)
{
    mlk_doc_array length, count, items;
    size_t total = 0;
    MLK_TRY(mlk_doc_get_array(from, "length", MLK_U8, &length));
    MLK_TRY(mlk_doc_get_array(from, "count", MLK_U32, &count));
    MLK_TRY(mlk_doc_get_array(from, "items", MLK_U32, &items));
    if (length.cols || count.cols || items.cols || count.rows != length.rows ||
        length.rows > MLK_APRIORI_MOST)
        return MLK_FAIL(MLK_EFORMAT, "%zu itemsets with %zu counts", length.rows, count.rows);
    const size_t n = length.rows;
    m->sets = (mlk_itemsets){n, mlk_alloc(n + 1, sizeof *m->sets.start),
                             mlk_alloc(items.rows, sizeof *m->sets.items),
                             mlk_alloc(n, sizeof *m->sets.count)};
    if (!m->sets.start || !m->sets.items || !m->sets.count)
        return out_of_memory();
    for (size_t i = 0; i < n; i++) {
        m->sets.start[i] = total;
        total += ((const uint8_t *)length.data)[i];
    }
    m->sets.start[n] = total;
    if (total != items.rows)
        return MLK_FAIL(MLK_EFORMAT, "itemsets of %zu items in all, but there are %zu", total,
                        items.rows);
    for (size_t k = 0; k < total; k++)
        m->sets.items[k] = ((const uint32_t *)items.data)[k];
    for (size_t i = 0; i < n; i++) {
        m->sets.count[i] = ((const uint32_t *)count.data)[i];
        if (!is_set(m, i))
            return MLK_FAIL(MLK_EFORMAT, "itemset %zu is no set of items in its place", i);
    }
    return MLK_OK;
}

/* Are antecedent and consequent the two parts of the set? */
static bool is_rule(const mlk_apriori *m, const rule *r)
{
    if (r->set >= m->sets.n || r->antecedent >= m->sets.n || r->consequent >= m->sets.n)
        return false;
    const mlk_itemset s = mlk_apriori_itemset(m, r->set);
    const mlk_itemset a = mlk_apriori_itemset(m, r->antecedent);
    const mlk_itemset c = mlk_apriori_itemset(m, r->consequent);
    size_t i = 0, j = 0;
    for (size_t k = 0; k < s.n; k++) {
        if (i < a.n && a.items[i] == s.items[k])
            i++;
        else if (j < c.n && c.items[j] == s.items[k])
            j++;
        else
            return false;
    }
    return i == a.n && j == c.n && s.count <= a.count && s.count <= c.count;
}

static mlk_status load_rules(const mlk_doc *from, mlk_apriori *m)
{
    mlk_doc_array rules;
    MLK_TRY(mlk_doc_get_array(from, "rules", MLK_U32, &rules));
    if (rules.rows && rules.cols != 3)
        return MLK_FAIL(MLK_EFORMAT, "rules of %zu numbers; expected 3", rules.cols);
    m->n_rules = rules.rows;
    m->rules = mlk_alloc(m->n_rules, sizeof *m->rules);
    if (!m->rules)
        return out_of_memory();
    for (size_t i = 0; i < m->n_rules; i++) {
        const uint32_t *r = (const uint32_t *)rules.data + 3 * i;
        m->rules[i] = (rule){r[0], r[1], r[2]};
        if (!is_rule(m, &m->rules[i]))
            return MLK_FAIL(MLK_EFORMAT, "rule %zu is none of its itemsets", i);
    }
    return MLK_OK;
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    (void)n_classes; /* baskets may have been given as classes */
    mlk_apriori *m = mlk_alloc_zero(1, sizeof *m);
    if (!m)
        return out_of_memory();
    mlk_status st = mlk_doc_get_size(from, "n_baskets", 1, UINT32_MAX, &m->n_baskets);
    if (st == MLK_OK)
        st = load_items(from, n_features, m);
    if (st == MLK_OK)
        st = load_sets(from, m);
    if (st == MLK_OK)
        st = load_rules(from, m);
    if (st != MLK_OK) {
        mlk_apriori_free(m);
        return st;
    }
    *state = m;
    return MLK_OK;
}

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_apriori *m;
    const mlk_status st = mlk_apriori_fit(data, opts, run, &m);
    *state = m;
    return st;
}

/* Names of items are the tools' business, and with them the sets and rules. */
static void algo_learned(const void *state, mlk_doc *to)
{
    const mlk_apriori *m = state;
    mlk_doc_put_int(to, "n_baskets", (int64_t)m->n_baskets);
    mlk_doc_put_int(to, "n_itemsets", (int64_t)m->sets.n);
    mlk_doc_put_int(to, "n_rules", (int64_t)m->n_rules);
}

static void algo_free(void *state) { mlk_apriori_free(state); }

const mlk_algo mlk_apriori_algo = {
    .name = "apriori",
    .help = "frequent itemsets and association rules",
    .tasks = MLK_RULES,
    .caps = MLK_CAP_CATEGORICAL | MLK_CAP_MISSING,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_apriori_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
