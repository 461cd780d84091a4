#ifndef MLK_CORE_DOC_H
#define MLK_CORE_DOC_H

#include <mlkit/core.h>

/**
 * @file doc.h
 * @brief A document: a tree of maps, lists, typed arrays, texts and numbers.
 *
 * One type serves all that leaves or enters the library in structured form:
 * the model file (archive.h writes it as CBOR), what a model learned and what
 * the tools print (report/json.h). Maps keep the order of insertion.
 *
 * **Building** never needs a check after each step: a failed allocation is
 * remembered by the whole document, everything after it does nothing, and
 * mlk_doc_check() reports it once. The functions accept NULL for the node.
 *
 * **Reading** trusts nothing: each getter checks presence, type and range and
 * fails with MLK_EFORMAT and a text that names the key.
 */

MLK_BEGIN_DECLS

typedef enum mlk_doc_kind {
    MLK_DOC_NULL,
    MLK_DOC_BOOL,
    MLK_DOC_INT,
    MLK_DOC_REAL,
    MLK_DOC_TEXT,
    MLK_DOC_LIST,
    MLK_DOC_MAP,
    MLK_DOC_ARRAY
} mlk_doc_kind;

/** Element types of arrays. */
typedef enum mlk_doc_type { MLK_U8, MLK_U16, MLK_U32, MLK_I32, MLK_F32, MLK_F64 } mlk_doc_type;

/** A typed array, borrowed from its document: rows x cols (cols = 0: a vector of `rows`). */
typedef struct mlk_doc_array {
    mlk_doc_type type;
    size_t rows, cols;
    const void *data; /**< rows * max(cols, 1) elements, row-major, aligned for its type. */
} mlk_doc_array;

/** A node of a document. The root owns all others. */
typedef struct mlk_doc mlk_doc;

/** A new document whose root is an empty map; NULL when out of memory. */
mlk_doc *mlk_doc_new(void);
/** Release a document. Root only; NULL is allowed. */
void mlk_doc_free(mlk_doc *root);
/** MLK_ENOMEM when any step of building the document failed (or it is NULL), else MLK_OK. */
mlk_status mlk_doc_check(const mlk_doc *doc);

/* Building. `to` is a map, and key its new key (copied); or a list, and key is NULL. */
void mlk_doc_put_null(mlk_doc *to, const char *key);
void mlk_doc_put_bool(mlk_doc *to, const char *key, bool value);
void mlk_doc_put_int(mlk_doc *to, const char *key, int64_t value);
void mlk_doc_put_real(mlk_doc *to, const char *key, double value);      /**< NaN, inf: JSON null. */
void mlk_doc_put_text(mlk_doc *to, const char *key, const char *value); /**< NULL: a null. */
mlk_doc *mlk_doc_put_map(mlk_doc *to, const char *key);
mlk_doc *mlk_doc_put_list(mlk_doc *to, const char *key);
/** Copies rows * max(cols, 1) elements of the type. */
void mlk_doc_put_array(mlk_doc *to, const char *key, mlk_doc_type type, const void *data,
                       size_t rows, size_t cols);
/** The same for the caller to fill: the elements, uninitialised; NULL when out of memory. */
void *mlk_doc_put_room(mlk_doc *to, const char *key, mlk_doc_type type, size_t rows, size_t cols);
void mlk_doc_put_vec(mlk_doc *to, const char *key, mlk_cvec v); /**< An MLK_F64 vector. */
void mlk_doc_put_mat(mlk_doc *to, const char *key, mlk_cmat A); /**< An MLK_F64 matrix, packed. */
/** A deep copy of another document's node (NULL copies nothing). */
void mlk_doc_put_copy(mlk_doc *to, const char *key, const mlk_doc *from);

/* Walking. */
mlk_doc_kind mlk_doc_kind_of(const mlk_doc *doc);
size_t mlk_doc_size(const mlk_doc *doc);                 /**< Members of a map or list; else 0. */
const mlk_doc *mlk_doc_at(const mlk_doc *doc, size_t i); /**< The i-th member, i < size. */
const char *mlk_doc_key_at(const mlk_doc *map, size_t i);
const mlk_doc *mlk_doc_find(const mlk_doc *map, const char *key); /**< NULL: absent (or no map). */

/* Values of a node itself; of another kind: false, 0, NaN, NULL, an empty array. */
bool mlk_doc_bool(const mlk_doc *doc);
int64_t mlk_doc_int(const mlk_doc *doc);
double mlk_doc_real(const mlk_doc *doc); /**< Of an integer too. */
const char *mlk_doc_text(const mlk_doc *doc);
mlk_doc_array mlk_doc_array_of(const mlk_doc *doc);

/* Checked getters: MLK_EFORMAT when absent, of another kind, or outside lo..hi. */
mlk_status mlk_doc_get_bool(const mlk_doc *map, const char *key, bool *out);
mlk_status mlk_doc_get_int(const mlk_doc *map, const char *key, int64_t lo, int64_t hi,
                           int64_t *out);
mlk_status mlk_doc_get_size(const mlk_doc *map, const char *key, size_t lo, size_t hi, size_t *out);
/** NaN is refused unless lo is NaN; then anything goes. */
mlk_status mlk_doc_get_real(const mlk_doc *map, const char *key, double lo, double hi, double *out);
mlk_status mlk_doc_get_text(const mlk_doc *map, const char *key, const char **out);
mlk_status mlk_doc_get_map(const mlk_doc *map, const char *key, const mlk_doc **out);
mlk_status mlk_doc_get_list(const mlk_doc *map, const char *key, const mlk_doc **out);
/** An array of exactly this type, any shape. */
mlk_status mlk_doc_get_array(const mlk_doc *map, const char *key, mlk_doc_type type,
                             mlk_doc_array *out);
/** An MLK_F64 vector of exactly n finite values. */
mlk_status mlk_doc_get_vec(const mlk_doc *map, const char *key, size_t n, mlk_cvec *out);
/** An MLK_F64 matrix of exactly rows x cols finite values. */
mlk_status mlk_doc_get_mat(const mlk_doc *map, const char *key, size_t rows, size_t cols,
                           mlk_cmat *out);

MLK_END_DECLS

#endif
