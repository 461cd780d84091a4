#include <mlkit/tree/show.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/number.h"
#include "core/strbuf.h"
#include "model/algo.h"
#include "tree/grow.h"
#include "tree/splitter.h"
#include "tree/threshold.h"

void mlk_tree_text_free(char *text) { mlk_free(text); }

/* ------------------------------------------------------------ names and numbers */

enum { DIGITS = 8, PICTURE_DIGITS = 5 };

typedef struct writer {
    const mlk_tree *tree;
    const mlk_tree_names *names;
    size_t p, k;
    int figures;     /* digits of figures */
    uint8_t *digits; /* of each column's thresholds; NULL when out of memory */
    mlk_strbuf out;
} writer;

static writer writer_of(const mlk_tree *tree, const mlk_tree_names *names)
{
    static const mlk_tree_names none;
    return (writer){.tree = tree,
                    .names = names ? names : &none,
                    .p = mlk_tree_n_features(tree),
                    .k = mlk_tree_n_classes(tree),
                    .figures = DIGITS,
                    .out = MLK_STRBUF_INIT};
}

/* Before the first threshold is written. */
static void begin(writer *w)
{
    w->digits = mlk_alloc(w->p, 1);
    w->out.failed = !w->digits || mlk_threshold_digits(w->tree, w->digits) != MLK_OK;
}

static mlk_status finish(writer *w, char **text)
{
    mlk_free(w->digits);
    mlk_strbuf_add(&w->out, "");
    *text = mlk_strbuf_take(&w->out);
    return *text ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for the text of a tree");
}

static void number(writer *w, double x, int digits)
{
    char buf[MLK_REAL_CHARS];
    mlk_format_digits(x, digits, buf);
    mlk_strbuf_add(&w->out, buf);
}

static void threshold(writer *w, size_t j, double x)
{
    char buf[MLK_REAL_CHARS];
    mlk_format_threshold(x, w->digits ? w->digits[j] : MLK_THRESHOLD_DIGITS, buf);
    mlk_strbuf_add(&w->out, buf);
}

static void rows(writer *w, size_t n)
{
    mlk_strbuf_printf(&w->out, n == 1 ? "%zu row" : "%zu rows", n);
}

static void feature_name(writer *w, size_t j)
{
    if (w->names->features)
        mlk_strbuf_add(&w->out, w->names->features[j]);
    else
        mlk_strbuf_printf(&w->out, "x%zu", j + 1);
}

static void class_name(writer *w, size_t c)
{
    if (w->names->classes)
        mlk_strbuf_add(&w->out, w->names->classes[c]);
    else
        mlk_strbuf_printf(&w->out, "%zu", c);
}

static const char *level_text(const writer *w, size_t j, size_t l)
{
    return w->names->levels && w->names->levels[j] ? w->names->levels[j][l] : NULL;
}

static void level_name(writer *w, size_t j, size_t l)
{
    const char *text = level_text(w, j, l);
    if (text)
        mlk_strbuf_add(&w->out, text);
    else
        mlk_strbuf_printf(&w->out, "%zu", l);
}

static const char *criterion_name(int criterion)
{
    static const char *const name[] = {"", "gini", "entropy", "variance", "absolute error"};
    return name[criterion];
}

/* The levels of column j marked in `in`, as "{a, b}". */
static void level_set(writer *w, size_t j, const uint8_t *in, size_t n)
{
    const char *between = "";
    mlk_strbuf_add(&w->out, "{");
    for (size_t l = 0; l < n; l++) {
        if (!in[l])
            continue;
        mlk_strbuf_add(&w->out, between);
        level_name(w, j, l);
        between = ", ";
    }
    mlk_strbuf_add(&w->out, "}");
}

static size_t largest_share(const writer *w, const double *value)
{
    size_t best = 0;
    for (size_t c = 1; c < w->k; c++)
        if (value[c] > value[best])
            best = c;
    return best;
}

static void prediction(writer *w, const mlk_tree_node *x)
{
    if (w->k)
        class_name(w, largest_share(w, x->value));
    else
        number(w, x->value[0], w->figures);
}

/* Levels that go left at node i, as bytes; NULL: no memory, remembered by the text. */
static uint8_t *left_levels(writer *w, size_t i, size_t j)
{
    const size_t n = mlk_tree_n_levels(w->tree, j);
    uint8_t *in = mlk_alloc(n, 1);
    if (!in)
        w->out.failed = true;
    for (size_t l = 0; in && l < n; l++)
        in[l] = mlk_tree_level_left(w->tree, i, l);
    return in;
}

/* "petal_length <= 2.45", "sex in {female}", with "or missing" where missing values go left. */
static void condition(writer *w, size_t i, const mlk_tree_node *x)
{
    feature_name(w, x->feature);
    if (x->categorical) {
        uint8_t *in = left_levels(w, i, x->feature);
        mlk_strbuf_add(&w->out, " in ");
        if (in)
            level_set(w, x->feature, in, mlk_tree_n_levels(w->tree, x->feature));
        mlk_free(in);
    } else if (isinf(x->threshold)) {
        mlk_strbuf_add(&w->out, " is not missing");
        return;
    } else {
        mlk_strbuf_add(&w->out, " <= ");
        threshold(w, x->feature, x->threshold);
    }
    if (x->missing_left)
        mlk_strbuf_add(&w->out, " or missing");
}

/* ------------------------------------------------------------------------ text */

/* Walks the nodes depth first, left before right, without recursion: files may hold deep trees. */
typedef struct visit {
    size_t node, depth;
    int side; /* 0: the root, 1: reached by yes, 2: by no */
} visit;

typedef void visitor(writer *w, const visit *at, void *data);

static void walk(writer *w, visitor *visit_node, void *data)
{
    /* At most one waiting sibling for each node on the way down. */
    visit *stack = mlk_alloc(mlk_tree_depth(w->tree) + 2, sizeof *stack);
    size_t n = 0;
    if (!stack) {
        w->out.failed = true;
        return;
    }
    stack[n++] = (visit){0, 0, 0};
    while (n > 0) {
        const visit at = stack[--n];
        const mlk_tree_node x = mlk_tree_node_at(w->tree, at.node);
        visit_node(w, &at, data);
        if (!x.leaf) {
            stack[n++] = (visit){x.right, at.depth + 1, 2};
            stack[n++] = (visit){x.left, at.depth + 1, 1};
        }
    }
    mlk_free(stack);
}

/* "  150 rows, gini 0.667, setosa 0.333 versicolor 0.333" */
static void figures(writer *w, const mlk_tree_node *x)
{
    rows(w, x->samples);
    if (x->weight != (double)x->samples) {
        mlk_strbuf_add(&w->out, ", weight ");
        number(w, x->weight, w->figures);
    }
    mlk_strbuf_printf(&w->out, ", %s ", criterion_name(mlk_tree_criterion(w->tree)));
    number(w, x->impurity, w->figures);
    if (!w->k && !x->leaf) {
        mlk_strbuf_add(&w->out, ", value ");
        number(w, x->value[0], w->figures);
    }
    const char *between = ", ";
    for (size_t c = 0; c < w->k; c++) {
        if (x->value[c] == 0.0 || x->value[c] == 1.0)
            continue;
        mlk_strbuf_add(&w->out, between);
        class_name(w, c);
        mlk_strbuf_add(&w->out, " ");
        number(w, x->value[c], 3);
        between = " ";
    }
}

static void text_line(writer *w, const visit *at, void *data)
{
    static const char *const answer[] = {"", "yes: ", "no: "};
    const mlk_tree_node x = mlk_tree_node_at(w->tree, at->node);
    (void)data;
    for (size_t d = 0; d < at->depth; d++)
        mlk_strbuf_add(&w->out, "  ");
    mlk_strbuf_add(&w->out, answer[at->side]);
    if (x.leaf) {
        prediction(w, &x);
    } else {
        condition(w, at->node, &x);
        mlk_strbuf_add(&w->out, "?");
    }
    mlk_strbuf_printf(&w->out, "  [%zu] ", at->node);
    figures(w, &x);
    mlk_strbuf_add(&w->out, "\n");
}

mlk_status mlk_tree_text(const mlk_tree *tree, const mlk_tree_names *names, char **text)
{
    writer w = writer_of(tree, names);
    begin(&w);
    walk(&w, text_line, NULL);
    return finish(&w, text);
}

/* ------------------------------------------------------------------------- DOT */

/* What `from` has added since, with quotes and backslashes escaped for a DOT string. */
static void escape_from(writer *w, size_t from)
{
    if (w->out.failed || w->out.len == from)
        return;
    const size_t n = w->out.len - from;
    char *copy = mlk_alloc(n, 1);
    if (!copy) {
        w->out.failed = true;
        return;
    }
    memcpy(copy, w->out.text + from, n);
    w->out.len = from;
    w->out.text[from] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (copy[i] == '"' || copy[i] == '\\')
            mlk_strbuf_add(&w->out, "\\");
        mlk_strbuf_add_n(&w->out, copy + i, 1);
    }
    mlk_free(copy);
}

static void dot_node(writer *w, const visit *at, void *data)
{
    const mlk_tree_node x = mlk_tree_node_at(w->tree, at->node);
    (void)data;
    mlk_strbuf_printf(&w->out, "    n%zu [label=\"", at->node);
    size_t from = w->out.len;
    if (x.leaf)
        prediction(w, &x);
    else
        condition(w, at->node, &x);
    escape_from(w, from);
    mlk_strbuf_add(&w->out, "\\n");
    from = w->out.len;
    figures(w, &x);
    escape_from(w, from);
    mlk_strbuf_printf(&w->out, "\"%s];\n", x.leaf ? ", style=rounded" : "");
    if (!x.leaf)
        mlk_strbuf_printf(&w->out,
                          "    n%zu -> n%zu [label=\"yes\"];\n    n%zu -> n%zu [label=\"no\"];\n",
                          at->node, x.left, at->node, x.right);
}

mlk_status mlk_tree_dot(const mlk_tree *tree, const mlk_tree_names *names, char **text)
{
    writer w = writer_of(tree, names);
    w.figures = PICTURE_DIGITS;
    begin(&w);
    mlk_strbuf_add(&w.out, "digraph tree {\n    node [shape=box, fontname=\"sans-serif\"];\n"
                           "    edge [fontname=\"sans-serif\"];\n");
    walk(&w, dot_node, NULL);
    mlk_strbuf_add(&w.out, "}\n");
    return finish(&w, text);
}

/* ----------------------------------------------------------------------- rules */

/* What the way from the root says about one column. */
typedef struct bounds {
    double above, upto;  /* above < x <= upto */
    bool missing, known; /* may it be missing? may it be known? */
    uint8_t *levels;     /* those still possible */
} bounds;

typedef struct rules {
    uint32_t *parent;
    bounds *column;
    uint8_t *bytes; /* of all columns' levels */
    size_t n_bytes;
} rules;

static void follow(writer *w, rules *r, size_t parent, bool left)
{
    const mlk_tree_node x = mlk_tree_node_at(w->tree, parent);
    bounds *b = &r->column[x.feature];
    b->missing &= left == x.missing_left;
    if (x.categorical) {
        for (size_t l = 0; l < mlk_tree_n_levels(w->tree, x.feature); l++)
            b->levels[l] &= mlk_tree_level_left(w->tree, parent, l) == left;
    } else if (left) {
        b->upto = fmin(b->upto, x.threshold);
    } else {
        b->above = fmax(b->above, x.threshold);
        b->known &= !isinf(x.threshold);
    }
}

/* Nothing is known yet about any column. */
static void forget(writer *w, rules *r)
{
    uint8_t *at = r->bytes;
    memset(r->bytes, 1, r->n_bytes);
    for (size_t j = 0; j < w->p; j++) {
        r->column[j] = (bounds){-INFINITY, INFINITY, true, true, at};
        at += mlk_tree_n_levels(w->tree, j);
    }
}

static bool restricts(const writer *w, const bounds *b, size_t j)
{
    bool all = b->missing && b->known && isinf(b->above) && isinf(b->upto);
    for (size_t l = 0; l < mlk_tree_n_levels(w->tree, j); l++)
        all &= b->levels[l];
    return !all;
}

static void rule_condition(writer *w, const bounds *b, size_t j)
{
    const size_t levels = mlk_tree_n_levels(w->tree, j);
    const bool above = !levels && isfinite(b->above), upto = !levels && isfinite(b->upto);
    if (!levels && !above && !upto) {
        feature_name(w, j);
        mlk_strbuf_add(&w->out, b->known ? " is not missing" : " is missing");
        return;
    }
    if (b->missing)
        mlk_strbuf_add(&w->out, "(");
    if (above && upto) {
        threshold(w, j, b->above);
        mlk_strbuf_add(&w->out, " < ");
    }
    feature_name(w, j);
    if (levels) {
        mlk_strbuf_add(&w->out, " in ");
        level_set(w, j, b->levels, levels);
    } else {
        mlk_strbuf_add(&w->out, upto ? " <= " : " > ");
        threshold(w, j, upto ? b->upto : b->above);
    }
    if (b->missing)
        mlk_strbuf_add(&w->out, " or missing)");
}

static void rule_line(writer *w, const visit *at, void *data)
{
    rules *r = data;
    const mlk_tree_node x = mlk_tree_node_at(w->tree, at->node);
    const mlk_tree_node root = mlk_tree_node_at(w->tree, 0);
    const char *between = "if ";
    if (!x.leaf)
        return;
    forget(w, r);
    for (size_t i = at->node; i != 0; i = r->parent[i])
        follow(w, r, r->parent[i], mlk_tree_node_at(w->tree, r->parent[i]).left == i);
    for (size_t j = 0; j < w->p; j++) {
        if (!restricts(w, &r->column[j], j))
            continue;
        mlk_strbuf_add(&w->out, between);
        rule_condition(w, &r->column[j], j);
        between = " and ";
    }
    mlk_strbuf_add(&w->out, at->depth ? " then " : "always ");
    if (w->names->target)
        mlk_strbuf_printf(&w->out, "%s = ", w->names->target);
    prediction(w, &x);
    mlk_strbuf_add(&w->out, "  [");
    rows(w, x.samples);
    mlk_strbuf_add(&w->out, ", ");
    number(w, 100.0 * x.weight / root.weight, 3);
    mlk_strbuf_add(&w->out, " %");
    if (w->k) {
        mlk_strbuf_add(&w->out, ", share ");
        number(w, x.value[largest_share(w, x.value)], 3);
    }
    mlk_strbuf_add(&w->out, "]\n");
}

mlk_status mlk_tree_rules(const mlk_tree *tree, const mlk_tree_names *names, char **text)
{
    writer w = writer_of(tree, names);
    const size_t n = mlk_tree_n_nodes(tree);
    mlk_scratch s = MLK_SCRATCH_INIT;
    rules r = {0};
    for (size_t j = 0; j < w.p; j++)
        r.n_bytes += mlk_tree_n_levels(tree, j);
    r.parent = mlk_scratch_take(&s, n, sizeof *r.parent);
    r.column = mlk_scratch_take(&s, w.p, sizeof *r.column);
    r.bytes = mlk_scratch_take(&s, r.n_bytes, 1);
    begin(&w);
    w.out.failed |= s.failed;
    for (size_t i = 0; !s.failed && i < n; i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        if (!x.leaf)
            r.parent[x.left] = r.parent[x.right] = (uint32_t)i;
    }
    if (!s.failed)
        walk(&w, rule_line, &r);
    mlk_scratch_release(&s);
    return finish(&w, text);
}

/* -------------------------------------------------------------------- document */

static void doc_levels(const writer *w, size_t i, size_t j, mlk_doc *to)
{
    mlk_doc *list = mlk_doc_put_list(to, "levels");
    for (size_t l = 0; l < mlk_tree_n_levels(w->tree, j); l++) {
        if (!mlk_tree_level_left(w->tree, i, l))
            continue;
        if (level_text(w, j, l))
            mlk_doc_put_text(list, NULL, level_text(w, j, l));
        else
            mlk_doc_put_int(list, NULL, (int64_t)l);
    }
}

void mlk_tree_nodes_doc(const mlk_tree *tree, const mlk_tree_names *names, mlk_doc *to)
{
    const writer w = writer_of(tree, names);
    mlk_doc *list = mlk_doc_put_list(to, "nodes");
    for (size_t i = 0; i < mlk_tree_n_nodes(tree); i++) {
        const mlk_tree_node x = mlk_tree_node_at(tree, i);
        mlk_doc *node = mlk_doc_put_map(list, NULL);
        if (!x.leaf) {
            if (w.names->features)
                mlk_doc_put_text(node, "feature", w.names->features[x.feature]);
            else
                mlk_doc_put_int(node, "feature", (int64_t)x.feature);
            if (x.categorical)
                doc_levels(&w, i, x.feature, node);
            else
                mlk_doc_put_real(node, "threshold", x.threshold);
            mlk_doc_put_text(node, "missing", x.missing_left ? "left" : "right");
            mlk_doc_put_int(node, "left", (int64_t)x.left);
            mlk_doc_put_int(node, "right", (int64_t)x.right);
        }
        mlk_doc_put_int(node, "samples", (int64_t)x.samples);
        mlk_doc_put_real(node, "weight", x.weight);
        mlk_doc_put_real(node, "impurity", x.impurity);
        if (w.k)
            mlk_doc_put_vec(node, "value", (mlk_cvec){x.value, w.k});
        else
            mlk_doc_put_real(node, "value", x.value[0]);
    }
}

/* --------------------------------------------------------------------- explain */

/* The rows of the data that reach the node keep their weight, the others get 0. */
static mlk_status reach(const mlk_tree *tree, const mlk_data *data, size_t node, const mlk_run *run,
                        double *weight)
{
    const size_t n = data->X.rows, nodes = mlk_tree_n_nodes(tree);
    mlk_scratch s = MLK_SCRATCH_INIT;
    uint32_t *leaf = mlk_scratch_take(&s, n, sizeof *leaf);
    uint8_t *below = mlk_scratch_take(&s, nodes, 1);
    mlk_status st = MLK_OK;
    if (s.failed)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for the rows of a node");
    if (st == MLK_OK)
        st = mlk_tree_apply(tree, data->X, run, leaf);
    if (st == MLK_OK) {
        double sum = 0.0;
        memset(below, 0, nodes);
        below[node] = 1;
        for (size_t i = node; i < nodes; i++) { /* children come after their parents */
            const mlk_tree_node x = mlk_tree_node_at(tree, i);
            if (below[i] && !x.leaf)
                below[x.left] = below[x.right] = 1;
        }
        for (size_t i = 0; i < n; i++)
            sum += weight[i] = below[leaf[i]] ? mlk_weight(data->w, i) : 0.0;
        if (!(sum > 0.0))
            st = MLK_FAIL(MLK_EINVAL, "none of the %zu rows reaches node %zu", n, node);
    }
    mlk_scratch_release(&s);
    return st;
}

/* All that explain writes about. */
typedef struct explained {
    mlk_grown_node root;
    double *count;
    mlk_split_shown *shown;
    uint8_t *sides;
    size_t *side_start;
} explained;

static void term(writer *w, double part, double whole)
{
    number(w, part, DIGITS);
    mlk_strbuf_add(&w->out, "/");
    number(w, whole, DIGITS);
}

/* "gini = 1 - (50/150)^2 - (100/150)^2 = 0.44444444", or entropy, or the mean and the variance. */
static void impurity_line(writer *w, const mlk_grown_node *x, const double *count)
{
    const int criterion = mlk_tree_criterion(w->tree);
    const char *minus = "-";
    mlk_strbuf_printf(&w->out, "%s = ", criterion_name(criterion));
    if (criterion == MLK_TREE_GINI)
        mlk_strbuf_add(&w->out, "1");
    for (size_t c = 0; c < w->k; c++) {
        if (count[c] == 0.0)
            continue;
        mlk_strbuf_add(&w->out, criterion == MLK_TREE_GINI ? " - (" : minus);
        minus = " - ";
        term(w, count[c], x->weight);
        if (criterion == MLK_TREE_GINI) {
            mlk_strbuf_add(&w->out, ")^2");
        } else {
            mlk_strbuf_add(&w->out, " log2(");
            term(w, count[c], x->weight);
            mlk_strbuf_add(&w->out, ")");
        }
    }
    if (w->k)
        mlk_strbuf_add(&w->out, " = ");
    number(w, x->impurity, DIGITS);
    if (!w->k) {
        mlk_strbuf_add(&w->out, criterion == MLK_TREE_VARIANCE ? " around the mean "
                                                               : " around the median ");
        number(w, x->value, DIGITS);
    }
    mlk_strbuf_add(&w->out, "\n");
}

static void counts(writer *w, const mlk_grown_node *x, const double *count)
{
    rows(w, x->n);
    if (x->weight != x->n) {
        mlk_strbuf_add(&w->out, " of weight ");
        number(w, x->weight, DIGITS);
    }
    for (size_t c = 0; c < w->k; c++) {
        mlk_strbuf_add(&w->out, c ? ", " : ": ");
        class_name(w, c);
        mlk_strbuf_add(&w->out, " ");
        number(w, count[c], DIGITS);
    }
}

static void shown_condition(writer *w, const explained *e, size_t j)
{
    const mlk_split_shown *x = &e->shown[j];
    feature_name(w, j);
    if (x->categorical) {
        const size_t n = mlk_tree_n_levels(w->tree, j);
        uint8_t *side = e->sides + e->side_start[j];
        for (size_t l = 0; l < n; l++)
            side[l] = side[l] == MLK_SIDE_LEFT;
        mlk_strbuf_add(&w->out, " in ");
        level_set(w, j, side, n);
    } else if (isinf(x->threshold)) {
        mlk_strbuf_add(&w->out, " is not missing");
    } else {
        mlk_strbuf_add(&w->out, " <= ");
        threshold(w, j, x->threshold);
    }
    if (x->has_missing && x->missing_left)
        mlk_strbuf_add(&w->out, " or missing");
}

static void explain_feature(writer *w, const explained *e, size_t j, bool chosen)
{
    static const char *const answer[] = {"  yes: ", "  no:  "};
    const mlk_split_shown *x = &e->shown[j];
    const mlk_grown_node *root = &e->root, *l = &x->child[0], *r = &x->child[1];
    mlk_strbuf_add(&w->out, "\n");
    if (!x->found) {
        feature_name(w, j);
        mlk_strbuf_add(&w->out, ": no split\n");
        return;
    }
    shown_condition(w, e, j);
    mlk_strbuf_add(&w->out, chosen ? "   <- the split of the tree\n" : "\n");
    for (int s = 0; s < 2; s++) {
        const double *count = e->count + (1 + 2 * j + (size_t)s) * w->k;
        mlk_strbuf_add(&w->out, answer[s]);
        counts(w, &x->child[s], count);
        mlk_strbuf_add(&w->out, "\n       ");
        impurity_line(w, &x->child[s], count);
    }
    mlk_strbuf_add(&w->out, "  after: ");
    term(w, l->weight, root->weight);
    mlk_strbuf_add(&w->out, " * ");
    number(w, l->impurity, DIGITS);
    mlk_strbuf_add(&w->out, " + ");
    term(w, r->weight, root->weight);
    mlk_strbuf_add(&w->out, " * ");
    number(w, r->impurity, DIGITS);
    mlk_strbuf_add(&w->out, " = ");
    number(w, root->impurity - x->gain / root->weight, DIGITS);
    mlk_strbuf_add(&w->out, "\n  gain:  ");
    number(w, root->impurity, DIGITS);
    mlk_strbuf_add(&w->out, " - ");
    number(w, root->impurity - x->gain / root->weight, DIGITS);
    mlk_strbuf_add(&w->out, " = ");
    number(w, x->gain / root->weight, DIGITS);
    mlk_strbuf_add(&w->out, "\n");
}

static void explain(writer *w, const explained *e, size_t node)
{
    const mlk_tree_node x = mlk_tree_node_at(w->tree, node);
    mlk_strbuf_printf(&w->out, "node %zu: ", node);
    counts(w, &e->root, e->count);
    mlk_strbuf_add(&w->out, "\n  ");
    impurity_line(w, &e->root, e->count);
    if (x.leaf) {
        mlk_strbuf_add(&w->out, "  a leaf, which predicts ");
        prediction(w, &x);
        mlk_strbuf_add(&w->out, "\n");
    }
    for (size_t j = 0; j < w->p; j++)
        explain_feature(w, e, j, !x.leaf && x.feature == j);
}

/* The best split of the rows of positive weight by each column. */
static mlk_status work_out(const writer *w, const mlk_data *masked, const mlk_run *run,
                           mlk_scratch *s, explained *e)
{
    const mlk_grow_opts opts = {.max_depth = 1,
                                .max_leaves = SIZE_MAX,
                                .min_samples_split = 2,
                                .min_samples_leaf = 1,
                                .max_features = w->p,
                                .keep_impurity = true};
    size_t levels = 0;
    e->side_start = mlk_scratch_take(s, w->p, sizeof *e->side_start);
    for (size_t j = 0; e->side_start && j < w->p; j++) {
        e->side_start[j] = levels;
        levels += mlk_tree_n_levels(w->tree, j);
    }
    e->sides = mlk_scratch_take(s, levels, 1);
    e->shown = mlk_scratch_take(s, w->p, sizeof *e->shown);
    e->count = mlk_scratch_take(s, 2 * w->p + 1, (w->k + 1) * sizeof *e->count);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory to explain a node");
    mlk_columns *columns = NULL;
    mlk_target *target = NULL;
    mlk_status st = mlk_columns_new(masked, false, run, &columns);
    if (st == MLK_OK)
        st = mlk_target_new(masked, columns, false, (mlk_criterion)mlk_tree_criterion(w->tree), 0,
                            &target);
    if (st == MLK_OK)
        st = mlk_grow_explain(columns, target, &opts, &e->root, e->count, e->shown, e->sides,
                              e->side_start);
    mlk_target_free(target);
    mlk_columns_free(columns);
    return st;
}

static mlk_status check_same_shape(const mlk_tree *tree, const mlk_data *d, size_t node)
{
    if (node >= mlk_tree_n_nodes(tree))
        return MLK_FAIL(MLK_EINVAL, "node %zu; the tree has %zu", node, mlk_tree_n_nodes(tree));
    MLK_TRY(mlk_predict_check(d->X, mlk_tree_n_features(tree), d->X.rows));
    if (d->n_classes != mlk_tree_n_classes(tree))
        return MLK_FAIL(MLK_EINVAL, "y has %zu classes; the tree was fitted on %zu", d->n_classes,
                        mlk_tree_n_classes(tree));
    for (size_t j = 0; j < d->X.cols; j++) {
        const size_t levels = d->levels ? d->levels[j] : 0;
        if (levels != mlk_tree_n_levels(tree, j))
            return MLK_FAIL(MLK_EINVAL, "column %zu has %zu levels; the tree was fitted on %zu", j,
                            levels, mlk_tree_n_levels(tree, j));
    }
    return MLK_OK;
}

mlk_status mlk_tree_explain(const mlk_tree *tree, const mlk_data *data, size_t node,
                            const mlk_tree_names *names, const mlk_run *run, char **text)
{
    const unsigned caps = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL;
    writer w = writer_of(tree, names);
    mlk_scratch s = MLK_SCRATCH_INIT;
    mlk_data masked = *data;
    explained e = {.shown = NULL};
    *text = NULL;
    MLK_TRY(mlk_data_check(data, caps, MLK_NEED_TARGET, run));
    MLK_TRY(check_same_shape(tree, data, node));
    const mlk_vec weight = mlk_scratch_vec(&s, data->X.rows);
    mlk_status st = weight.data ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to explain a node");
    if (st == MLK_OK)
        st = reach(tree, data, node, run, weight.data);
    masked.w = mlk_vec_c(weight);
    if (st == MLK_OK)
        st = work_out(&w, &masked, run, &s, &e);
    if (st == MLK_OK) {
        begin(&w);
        explain(&w, &e, node);
        st = finish(&w, text);
    }
    mlk_scratch_release(&s);
    return st;
}
