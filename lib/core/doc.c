#include <mlkit/core/doc.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"

/*
 * Nodes, keys, texts and small arrays are cut from chunks of the arena that the
 * root owns; a large array gets a block of its own. All are released together.
 */
typedef struct arena {
    mlk_scratch blocks;
    char *at; /* free part of the newest chunk */
    size_t left, chunk;
} arena;

enum { FIRST_CHUNK = 1 << 10, LAST_CHUNK = 1 << 16, CUT = 16 /* alignment of what is cut */ };

struct mlk_doc {
    mlk_doc_kind kind;
    arena *owner;
    const char *key; /* in a map */
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *text;
        mlk_doc_array array;
        struct {
            mlk_doc **items;
            size_t n, cap;
        } members;
    } u;
};

static const size_t type_size[] = {
    [MLK_U8] = 1, [MLK_U16] = 2, [MLK_U32] = 4, [MLK_I32] = 4, [MLK_F32] = 4, [MLK_F64] = 8};

/* count * size bytes; NULL, remembered by the arena, when there is no memory. */
static void *take(arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > LAST_CHUNK / 4)
        return mlk_scratch_take(&a->blocks, count, size);
    bytes = (bytes + CUT - 1) / CUT * CUT;
    if (bytes > a->left) {
        const size_t chunk = bytes > a->chunk ? bytes : a->chunk;
        char *fresh = mlk_scratch_take(&a->blocks, chunk, 1);
        if (!fresh)
            return NULL;
        a->at = fresh;
        a->left = chunk;
        a->chunk = a->chunk < LAST_CHUNK ? 2 * a->chunk : a->chunk;
    }
    void *cut = a->at;
    a->at += bytes;
    a->left -= bytes;
    return cut;
}

mlk_doc *mlk_doc_new(void)
{
    arena *owner = mlk_alloc(1, sizeof *owner);
    if (!owner)
        return NULL;
    *owner = (arena){.blocks = MLK_SCRATCH_INIT, .chunk = FIRST_CHUNK};
    mlk_doc *root = take(owner, 1, sizeof *root);
    if (!root) {
        mlk_free(owner);
        return NULL;
    }
    *root = (mlk_doc){.kind = MLK_DOC_MAP, .owner = owner};
    return root;
}

void mlk_doc_free(mlk_doc *root)
{
    if (!root)
        return;
    arena *owner = root->owner;
    mlk_scratch_release(&owner->blocks);
    mlk_free(owner);
}

mlk_status mlk_doc_check(const mlk_doc *doc)
{
    return doc && !doc->owner->blocks.failed ? MLK_OK
                                             : MLK_FAIL(MLK_ENOMEM, "no memory for a document");
}

/* --------------------------------------------------------------- building */

static const char *copy_text(arena *owner, const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = take(owner, bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

/* A new member of `to`; NULL, remembered by the document, when there is no memory. */
static mlk_doc *append(mlk_doc *to, const char *key, mlk_doc_kind kind)
{
    if (!to || to->owner->blocks.failed)
        return NULL;
    if (to->u.members.n == to->u.members.cap) {
        const size_t cap = 2 * to->u.members.cap + 4;
        mlk_doc **items = take(to->owner, cap, sizeof *items);
        if (!items)
            return NULL;
        if (to->u.members.n)
            memcpy(items, to->u.members.items, to->u.members.n * sizeof *items);
        to->u.members.items = items;
        to->u.members.cap = cap;
    }
    mlk_doc *node = take(to->owner, 1, sizeof *node);
    if (!node)
        return NULL;
    *node = (mlk_doc){.kind = kind, .owner = to->owner};
    if (key && !(node->key = copy_text(to->owner, key)))
        return NULL;
    to->u.members.items[to->u.members.n++] = node;
    return node;
}

void mlk_doc_put_null(mlk_doc *to, const char *key) { (void)append(to, key, MLK_DOC_NULL); }

void mlk_doc_put_bool(mlk_doc *to, const char *key, bool value)
{
    mlk_doc *node = append(to, key, MLK_DOC_BOOL);
    if (node)
        node->u.boolean = value;
}

void mlk_doc_put_int(mlk_doc *to, const char *key, int64_t value)
{
    mlk_doc *node = append(to, key, MLK_DOC_INT);
    if (node)
        node->u.integer = value;
}

void mlk_doc_put_real(mlk_doc *to, const char *key, double value)
{
    mlk_doc *node = append(to, key, MLK_DOC_REAL);
    if (node)
        node->u.real = value;
}

void mlk_doc_put_text(mlk_doc *to, const char *key, const char *value)
{
    mlk_doc *node = append(to, key, value ? MLK_DOC_TEXT : MLK_DOC_NULL);
    if (node && value && !(node->u.text = copy_text(to->owner, value)))
        node->kind = MLK_DOC_NULL;
}

mlk_doc *mlk_doc_put_map(mlk_doc *to, const char *key) { return append(to, key, MLK_DOC_MAP); }

mlk_doc *mlk_doc_put_list(mlk_doc *to, const char *key) { return append(to, key, MLK_DOC_LIST); }

void *mlk_doc_put_room(mlk_doc *to, const char *key, mlk_doc_type type, size_t rows, size_t cols)
{
    mlk_doc *node = append(to, key, MLK_DOC_ARRAY);
    if (!node)
        return NULL;
    void *room = take(to->owner, cols ? rows * cols : rows, type_size[type]);
    node->u.array = (mlk_doc_array){type, rows, cols, room};
    return room;
}

void mlk_doc_put_array(mlk_doc *to, const char *key, mlk_doc_type type, const void *data,
                       size_t rows, size_t cols)
{
    void *copy = mlk_doc_put_room(to, key, type, rows, cols);
    const size_t count = cols ? rows * cols : rows;
    if (copy && count)
        memcpy(copy, data, count * type_size[type]);
}

void mlk_doc_put_vec(mlk_doc *to, const char *key, mlk_cvec v)
{
    mlk_doc_put_array(to, key, MLK_F64, v.data, v.n, 0);
}

void mlk_doc_put_mat(mlk_doc *to, const char *key, mlk_cmat A)
{
    mlk_doc *node = append(to, key, MLK_DOC_ARRAY);
    if (!node)
        return;
    double *copy = take(to->owner, A.rows * A.cols, sizeof *copy);
    for (size_t i = 0; copy && i < A.rows; i++)
        memcpy(copy + i * A.cols, A.data + i * A.ld, A.cols * sizeof *copy);
    node->u.array = (mlk_doc_array){MLK_F64, A.rows, A.cols, copy};
}

void mlk_doc_put_copy(mlk_doc *to, const char *key, const mlk_doc *from)
{
    if (!from)
        return;
    switch (from->kind) {
    case MLK_DOC_NULL:
        mlk_doc_put_null(to, key);
        return;
    case MLK_DOC_BOOL:
        mlk_doc_put_bool(to, key, from->u.boolean);
        return;
    case MLK_DOC_INT:
        mlk_doc_put_int(to, key, from->u.integer);
        return;
    case MLK_DOC_REAL:
        mlk_doc_put_real(to, key, from->u.real);
        return;
    case MLK_DOC_TEXT:
        mlk_doc_put_text(to, key, from->u.text);
        return;
    case MLK_DOC_ARRAY:
        mlk_doc_put_array(to, key, from->u.array.type, from->u.array.data, from->u.array.rows,
                          from->u.array.cols);
        return;
    case MLK_DOC_LIST:
    case MLK_DOC_MAP:
        to = append(to, key, from->kind);
        for (size_t i = 0; i < from->u.members.n; i++)
            mlk_doc_put_copy(to, from->u.members.items[i]->key, from->u.members.items[i]);
        return;
    }
}

/* ---------------------------------------------------------------- walking */

static bool has_members(const mlk_doc *doc)
{
    return doc && (doc->kind == MLK_DOC_LIST || doc->kind == MLK_DOC_MAP);
}

mlk_doc_kind mlk_doc_kind_of(const mlk_doc *doc) { return doc ? doc->kind : MLK_DOC_NULL; }

size_t mlk_doc_size(const mlk_doc *doc) { return has_members(doc) ? doc->u.members.n : 0; }

const mlk_doc *mlk_doc_at(const mlk_doc *doc, size_t i) { return doc->u.members.items[i]; }

const char *mlk_doc_key_at(const mlk_doc *map, size_t i) { return map->u.members.items[i]->key; }

const mlk_doc *mlk_doc_find(const mlk_doc *map, const char *key)
{
    if (map && map->kind == MLK_DOC_MAP)
        for (size_t i = 0; i < map->u.members.n; i++)
            if (strcmp(map->u.members.items[i]->key, key) == 0)
                return map->u.members.items[i];
    return NULL;
}

bool mlk_doc_bool(const mlk_doc *doc) { return doc && doc->kind == MLK_DOC_BOOL && doc->u.boolean; }

int64_t mlk_doc_int(const mlk_doc *doc)
{
    return doc && doc->kind == MLK_DOC_INT ? doc->u.integer : 0;
}

double mlk_doc_real(const mlk_doc *doc)
{
    if (doc && doc->kind == MLK_DOC_INT)
        return (double)doc->u.integer;
    return doc && doc->kind == MLK_DOC_REAL ? doc->u.real : NAN;
}

const char *mlk_doc_text(const mlk_doc *doc)
{
    return doc && doc->kind == MLK_DOC_TEXT ? doc->u.text : NULL;
}

mlk_doc_array mlk_doc_array_of(const mlk_doc *doc)
{
    return doc && doc->kind == MLK_DOC_ARRAY ? doc->u.array : (mlk_doc_array){MLK_F64, 0, 0, NULL};
}

/* -------------------------------------------------------- checked getters */

static mlk_status find_kind(const mlk_doc *map, const char *key, mlk_doc_kind kind,
                            const mlk_doc **out)
{
    static const char *const noun[] = {"null",   "a boolean", "an integer", "a number",
                                       "a text", "a list",    "a map",      "an array"};
    const mlk_doc *node = mlk_doc_find(map, key);
    if (!node)
        return MLK_FAIL(MLK_EFORMAT, "'%s' is missing; expected %s", key, noun[kind]);
    if (node->kind != kind && !(kind == MLK_DOC_REAL && node->kind == MLK_DOC_INT))
        return MLK_FAIL(MLK_EFORMAT, "'%s' is %s; expected %s", key, noun[node->kind], noun[kind]);
    *out = node;
    return MLK_OK;
}

mlk_status mlk_doc_get_bool(const mlk_doc *map, const char *key, bool *out)
{
    const mlk_doc *node;
    MLK_TRY(find_kind(map, key, MLK_DOC_BOOL, &node));
    *out = node->u.boolean;
    return MLK_OK;
}

mlk_status mlk_doc_get_int(const mlk_doc *map, const char *key, int64_t lo, int64_t hi,
                           int64_t *out)
{
    const mlk_doc *node;
    MLK_TRY(find_kind(map, key, MLK_DOC_INT, &node));
    if (node->u.integer < lo || node->u.integer > hi)
        return MLK_FAIL(MLK_EFORMAT, "'%s' = %" PRId64 " is outside [%" PRId64 ", %" PRId64 "]",
                        key, node->u.integer, lo, hi);
    *out = node->u.integer;
    return MLK_OK;
}

mlk_status mlk_doc_get_size(const mlk_doc *map, const char *key, size_t lo, size_t hi, size_t *out)
{
    int64_t value;
    MLK_TRY(mlk_doc_get_int(map, key, lo < INT64_MAX ? (int64_t)lo : INT64_MAX,
                            hi < INT64_MAX ? (int64_t)hi : INT64_MAX, &value));
    *out = (size_t)value;
    return MLK_OK;
}

mlk_status mlk_doc_get_real(const mlk_doc *map, const char *key, double lo, double hi, double *out)
{
    const mlk_doc *node;
    MLK_TRY(find_kind(map, key, MLK_DOC_REAL, &node));
    const double value = mlk_doc_real(node);
    if (!isnan(lo) && !(value >= lo && value <= hi))
        return MLK_FAIL(MLK_EFORMAT, "'%s' = %g is outside [%g, %g]", key, value, lo, hi);
    *out = value;
    return MLK_OK;
}

mlk_status mlk_doc_get_text(const mlk_doc *map, const char *key, const char **out)
{
    const mlk_doc *node;
    MLK_TRY(find_kind(map, key, MLK_DOC_TEXT, &node));
    *out = node->u.text;
    return MLK_OK;
}

mlk_status mlk_doc_get_map(const mlk_doc *map, const char *key, const mlk_doc **out)
{
    return find_kind(map, key, MLK_DOC_MAP, out);
}

mlk_status mlk_doc_get_list(const mlk_doc *map, const char *key, const mlk_doc **out)
{
    return find_kind(map, key, MLK_DOC_LIST, out);
}

mlk_status mlk_doc_get_array(const mlk_doc *map, const char *key, mlk_doc_type type,
                             mlk_doc_array *out)
{
    static const char *const noun[] = {"u8", "u16", "u32", "i32", "f32", "f64"};
    const mlk_doc *node;
    MLK_TRY(find_kind(map, key, MLK_DOC_ARRAY, &node));
    if (node->u.array.type != type)
        return MLK_FAIL(MLK_EFORMAT, "'%s' is an array of %s; expected %s", key,
                        noun[node->u.array.type], noun[type]);
    *out = node->u.array;
    return MLK_OK;
}

/* An MLK_F64 array of this shape and finite values. */
static mlk_status get_finite(const mlk_doc *map, const char *key, size_t rows, size_t cols,
                             const double **out)
{
    mlk_doc_array a;
    MLK_TRY(mlk_doc_get_array(map, key, MLK_F64, &a));
    if (a.rows != rows || a.cols != cols)
        return MLK_FAIL(MLK_EFORMAT, "'%s' has shape %zu x %zu; expected %zu x %zu", key, a.rows,
                        a.cols, rows, cols);
    const double *v = a.data;
    for (size_t i = 0, n = cols ? rows * cols : rows; i < n; i++)
        if (!isfinite(v[i]))
            return MLK_FAIL(MLK_EFORMAT, "'%s' holds %g; expected finite values", key, v[i]);
    *out = v;
    return MLK_OK;
}

mlk_status mlk_doc_get_vec(const mlk_doc *map, const char *key, size_t n, mlk_cvec *out)
{
    const double *v;
    MLK_TRY(get_finite(map, key, n, 0, &v));
    *out = (mlk_cvec){v, n};
    return MLK_OK;
}

mlk_status mlk_doc_get_mat(const mlk_doc *map, const char *key, size_t rows, size_t cols,
                           mlk_cmat *out)
{
    const double *v;
    MLK_TRY(get_finite(map, key, rows, cols, &v));
    *out = (mlk_cmat){v, rows, cols, cols};
    return MLK_OK;
}
