#include <mlkit/model/archive.h>

#include <cbor.h>
#include <limits.h>
#include <string.h>
#include <zlib.h>

#include <mlkit/core/file.h>

#include "core/alloc.h"
#include "core/status.h"
#include "core/strbuf.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "typed arrays are written as they lie in memory: little-endian"
#endif

enum { MAX_DEPTH = 64, TAG_MATRIX = 40 };

/* RFC 8746 tags of the element types, little-endian. */
static const struct {
    unsigned tag;
    size_t size;
} types[] = {[MLK_U8] = {64, 1},  [MLK_U16] = {69, 2}, [MLK_U32] = {70, 4},
             [MLK_I32] = {78, 4}, [MLK_F32] = {85, 4}, [MLK_F64] = {86, 8}};

/* Everything before the content: self-described tag, map of 4, the two first entries, and the
 * key of the third. The version is the byte at VERSION_AT. */
static const char prefix[] = "\xd9\xd9\xf7\xa4\x66"
                             "format\x65mlkit\x67version\x01\x67"
                             "content";
enum { PREFIX = sizeof prefix - 1, VERSION_AT = 3 + 1 + 7 + 6 + 8 };
/* Between content and checksum: the key, and the head of a 32-bit integer. */
static const char crc_key[] = "\x65"
                              "crc32\x1a";
enum { CRC_KEY = sizeof crc_key - 1 };

/* --------------------------------------------------------------- encoding */

typedef size_t (*encode_head)(uint64_t value, unsigned char *buffer, size_t size);

static void head(mlk_strbuf *to, encode_head encode, uint64_t value)
{
    unsigned char buffer[16];
    mlk_strbuf_add_n(to, (const char *)buffer, encode(value, buffer, sizeof buffer));
}

static void text(mlk_strbuf *to, const char *s)
{
    const size_t n = strlen(s);
    head(to, cbor_encode_string_start, n);
    mlk_strbuf_add_n(to, s, n);
}

static void array(mlk_strbuf *to, mlk_doc_array a)
{
    const size_t count = a.cols ? a.rows * a.cols : a.rows, bytes = count * types[a.type].size;
    if (a.cols) {
        head(to, cbor_encode_tag, TAG_MATRIX);
        head(to, cbor_encode_array_start, 2);
        head(to, cbor_encode_array_start, 2);
        head(to, cbor_encode_uint, a.rows);
        head(to, cbor_encode_uint, a.cols);
    }
    head(to, cbor_encode_tag, types[a.type].tag);
    head(to, cbor_encode_bytestring_start, bytes);
    mlk_strbuf_add_n(to, a.data, bytes);
}

static void real(mlk_strbuf *to, double x)
{
    unsigned char buffer[16];
    mlk_strbuf_add_n(to, (const char *)buffer, cbor_encode_double(x, buffer, sizeof buffer));
}

static void encode_node(mlk_strbuf *to, const mlk_doc *node)
{
    unsigned char byte;
    switch (mlk_doc_kind_of(node)) {
    case MLK_DOC_NULL:
        mlk_strbuf_add_n(to, (const char *)&byte, cbor_encode_null(&byte, 1));
        return;
    case MLK_DOC_BOOL:
        mlk_strbuf_add_n(to, (const char *)&byte, cbor_encode_bool(mlk_doc_bool(node), &byte, 1));
        return;
    case MLK_DOC_INT: {
        const int64_t v = mlk_doc_int(node);
        if (v >= 0)
            head(to, cbor_encode_uint, (uint64_t)v);
        else
            head(to, cbor_encode_negint, (uint64_t)(-1 - v));
        return;
    }
    case MLK_DOC_REAL:
        real(to, mlk_doc_real(node));
        return;
    case MLK_DOC_TEXT:
        text(to, mlk_doc_text(node));
        return;
    case MLK_DOC_ARRAY:
        array(to, mlk_doc_array_of(node));
        return;
    case MLK_DOC_LIST:
    case MLK_DOC_MAP:
        break;
    }
    const bool map = mlk_doc_kind_of(node) == MLK_DOC_MAP;
    head(to, map ? cbor_encode_map_start : cbor_encode_array_start, mlk_doc_size(node));
    for (size_t i = 0; i < mlk_doc_size(node); i++) {
        if (map)
            text(to, mlk_doc_key_at(node, i));
        encode_node(to, mlk_doc_at(node, i));
    }
}

/* zlib takes an unsigned int of bytes at a time. */
static uint32_t checksum(const unsigned char *bytes, size_t size)
{
    uLong crc = crc32(0, NULL, 0);
    while (size) {
        const uInt part = size < UINT_MAX ? (uInt)size : UINT_MAX;
        crc = crc32(crc, bytes, part);
        bytes += part;
        size -= part;
    }
    return (uint32_t)crc;
}

mlk_status mlk_archive_encode(const mlk_doc *doc, void **bytes, size_t *size)
{
    mlk_strbuf to = MLK_STRBUF_INIT;
    *bytes = NULL;
    MLK_TRY(mlk_doc_check(doc));
    mlk_strbuf_add_n(&to, prefix, PREFIX);
    encode_node(&to, doc);
    mlk_strbuf_add_n(&to, crc_key, CRC_KEY);
    if (!to.failed) {
        /* The checksum covers the head of its own number: no byte is outside it. */
        const uint32_t crc = checksum((const unsigned char *)to.text, to.len);
        const unsigned char big_endian[] = {(unsigned char)(crc >> 24), (unsigned char)(crc >> 16),
                                            (unsigned char)(crc >> 8), (unsigned char)crc};
        mlk_strbuf_add_n(&to, (const char *)big_endian, sizeof big_endian);
    }
    *size = to.len;
    *bytes = mlk_strbuf_take(&to);
    return *bytes ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to encode a model");
}

void mlk_archive_free(void *bytes) { mlk_free(bytes); }

/* --------------------------------------------------------------- decoding */

/* One CBOR head, as libcbor's stream decoder tells it. */
typedef enum token_kind {
    TOKEN_OTHER, /* anything the format does not use */
    TOKEN_UINT,
    TOKEN_NEGINT,
    TOKEN_REAL,
    TOKEN_BOOL,
    TOKEN_NULL,
    TOKEN_TEXT,
    TOKEN_BYTES,
    TOKEN_LIST,
    TOKEN_MAP,
    TOKEN_TAG
} token_kind;

typedef struct token {
    token_kind kind;
    uint64_t value; /* number, count, length or tag */
    double real;
    const unsigned char *bytes;
} token;

static void on_uint(void *t, uint64_t v) { *(token *)t = (token){.kind = TOKEN_UINT, .value = v}; }
static void on_uint8(void *t, uint8_t v) { on_uint(t, v); }
static void on_uint16(void *t, uint16_t v) { on_uint(t, v); }
static void on_uint32(void *t, uint32_t v) { on_uint(t, v); }
static void on_negint(void *t, uint64_t v)
{
    *(token *)t = (token){.kind = TOKEN_NEGINT, .value = v};
}
static void on_negint8(void *t, uint8_t v) { on_negint(t, v); }
static void on_negint16(void *t, uint16_t v) { on_negint(t, v); }
static void on_negint32(void *t, uint32_t v) { on_negint(t, v); }
static void on_real(void *t, double v) { *(token *)t = (token){.kind = TOKEN_REAL, .real = v}; }
static void on_bool(void *t, bool v) { *(token *)t = (token){.kind = TOKEN_BOOL, .value = v}; }
static void on_null(void *t) { *(token *)t = (token){.kind = TOKEN_NULL}; }
static void on_text(void *t, cbor_data bytes, size_t n)
{
    *(token *)t = (token){.kind = TOKEN_TEXT, .value = n, .bytes = bytes};
}
static void on_bytes(void *t, cbor_data bytes, size_t n)
{
    *(token *)t = (token){.kind = TOKEN_BYTES, .value = n, .bytes = bytes};
}
static void on_list(void *t, size_t n) { *(token *)t = (token){.kind = TOKEN_LIST, .value = n}; }
static void on_map(void *t, size_t n) { *(token *)t = (token){.kind = TOKEN_MAP, .value = n}; }
static void on_tag(void *t, uint64_t v) { *(token *)t = (token){.kind = TOKEN_TAG, .value = v}; }

typedef struct reader {
    const unsigned char *at, *end;
    struct cbor_callbacks callbacks;
} reader;

static mlk_status damaged(const char *what)
{
    return MLK_FAIL(MLK_EFORMAT, "the model file is damaged: %s", what);
}

static mlk_status next(reader *r, token *t)
{
    t->kind = TOKEN_OTHER;
    const struct cbor_decoder_result result =
        cbor_stream_decode(r->at, (size_t)(r->end - r->at), &r->callbacks, t);
    if (result.status != CBOR_DECODER_FINISHED)
        return damaged("an item is cut or malformed");
    if (t->kind == TOKEN_OTHER)
        return damaged("an item of a kind that model files do not hold");
    r->at += result.read;
    return MLK_OK;
}

/* The text of a token as a C string of its own; *copy is freed by the caller. */
static mlk_status c_string(const token *t, char **copy)
{
    if (t->kind != TOKEN_TEXT || memchr(t->bytes, '\0', (size_t)t->value))
        return damaged("a key or text is malformed");
    if (!(*copy = mlk_alloc((size_t)t->value + 1, 1)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a text");
    memcpy(*copy, t->bytes, (size_t)t->value);
    (*copy)[t->value] = '\0';
    return MLK_OK;
}

/* A typed array whose tag was just read; shape: rows x cols, or SIZE_MAX rows where the length
 * of the byte string decides. */
static mlk_status decode_array(reader *r, uint64_t tag, size_t rows, size_t cols, mlk_doc *to,
                               const char *key)
{
    size_t type = 0;
    while (type < MLK_COUNT(types) && types[type].tag != tag)
        type++;
    token t;
    if (type == MLK_COUNT(types))
        return damaged("an unknown tag");
    MLK_TRY(next(r, &t));
    if (t.kind != TOKEN_BYTES || t.value % types[type].size)
        return damaged("an array is malformed");
    size_t count = (size_t)t.value / types[type].size, expected = count;
    if (rows == SIZE_MAX)
        rows = count;
    else if (__builtin_mul_overflow(rows, cols, &expected) || expected != count)
        return damaged("an array is not of its shape");
    mlk_doc_put_array(to, key, (mlk_doc_type)type, t.bytes, rows, cols);
    return MLK_OK;
}

static mlk_status decode_matrix(reader *r, mlk_doc *to, const char *key)
{
    token outer, inner, rows, cols, tag;
    MLK_TRY(next(r, &outer));
    MLK_TRY(next(r, &inner));
    MLK_TRY(next(r, &rows));
    MLK_TRY(next(r, &cols));
    MLK_TRY(next(r, &tag));
    if (outer.kind != TOKEN_LIST || outer.value != 2 || inner.kind != TOKEN_LIST ||
        inner.value != 2 || rows.kind != TOKEN_UINT || cols.kind != TOKEN_UINT ||
        rows.value >= SIZE_MAX || cols.value == 0 || tag.kind != TOKEN_TAG)
        return damaged("a matrix is malformed");
    return decode_array(r, tag.value, (size_t)rows.value, (size_t)cols.value, to, key);
}

static mlk_status decode_node(reader *r, mlk_doc *to, const char *key, int depth);

static mlk_status decode_members(reader *r, const token *t, mlk_doc *to, int depth)
{
    const bool map = t->kind == TOKEN_MAP;
    if (depth > MAX_DEPTH)
        return damaged("it is nested too deeply");
    /* A member takes a byte at least, so a count beyond the rest of the file ends there. */
    for (uint64_t i = 0; i < t->value; i++) {
        char *key = NULL;
        mlk_status st = MLK_OK;
        if (map) {
            token k;
            MLK_TRY(next(r, &k));
            st = c_string(&k, &key);
            /* Maps of ours are short; looking further back would cost the square of the file. */
            if (st == MLK_OK && i < 64 && mlk_doc_find(to, key))
                st = damaged("a key stands twice");
        }
        if (st == MLK_OK)
            st = decode_node(r, to, key, depth);
        mlk_free(key);
        MLK_TRY(st);
    }
    return mlk_doc_check(to);
}

static mlk_status decode_text(const token *t, mlk_doc *to, const char *key)
{
    char *copy = NULL;
    const mlk_status st = c_string(t, &copy);
    if (st == MLK_OK)
        mlk_doc_put_text(to, key, copy);
    mlk_free(copy);
    return st;
}

static mlk_status decode_node(reader *r, mlk_doc *to, const char *key, int depth)
{
    token t;
    MLK_TRY(next(r, &t));
    switch (t.kind) {
    case TOKEN_UINT:
    case TOKEN_NEGINT:
        if (t.value > INT64_MAX)
            return damaged("an integer is out of range");
        mlk_doc_put_int(to, key, t.kind == TOKEN_UINT ? (int64_t)t.value : -1 - (int64_t)t.value);
        return MLK_OK;
    case TOKEN_REAL:
        mlk_doc_put_real(to, key, t.real);
        return MLK_OK;
    case TOKEN_BOOL:
        mlk_doc_put_bool(to, key, t.value != 0);
        return MLK_OK;
    case TOKEN_NULL:
        mlk_doc_put_null(to, key);
        return MLK_OK;
    case TOKEN_TEXT:
        return decode_text(&t, to, key);
    case TOKEN_LIST:
        return decode_members(r, &t, mlk_doc_put_list(to, key), depth + 1);
    case TOKEN_MAP:
        return decode_members(r, &t, mlk_doc_put_map(to, key), depth + 1);
    case TOKEN_TAG:
        return t.value == TAG_MATRIX ? decode_matrix(r, to, key)
                                     : decode_array(r, t.value, SIZE_MAX, 0, to, key);
    case TOKEN_BYTES:
    case TOKEN_OTHER:
        break;
    }
    return damaged("an item of a kind that model files do not hold");
}

/* Prefix, checksum and key: what is left is the content, from *begin to *end. */
static mlk_status unwrap(const unsigned char *bytes, size_t size, const unsigned char **begin,
                         const unsigned char **end)
{
    if (size < PREFIX || memcmp(bytes, prefix, VERSION_AT) != 0 ||
        memcmp(bytes + VERSION_AT + 1, prefix + VERSION_AT + 1, PREFIX - VERSION_AT - 1) != 0)
        return MLK_FAIL(MLK_EFORMAT, "not a model file, or one cut short");
    if (bytes[VERSION_AT] != (unsigned char)prefix[VERSION_AT])
        return MLK_FAIL(MLK_EFORMAT, "model file of format version %u; this mlkit reads version %u",
                        bytes[VERSION_AT], (unsigned)prefix[VERSION_AT]);
    if (size < PREFIX + 1 + CRC_KEY + 4)
        return MLK_FAIL(MLK_EFORMAT, "the model file is cut short");
    const unsigned char *crc = bytes + size - 4;
    const uint32_t stored =
        (uint32_t)crc[0] << 24 | (uint32_t)crc[1] << 16 | (uint32_t)crc[2] << 8 | crc[3];
    if (memcmp(crc - CRC_KEY, crc_key, CRC_KEY) != 0 || checksum(bytes, size - 4) != stored)
        return MLK_FAIL(MLK_EFORMAT, "the model file is cut short or damaged (checksum)");
    *begin = bytes + PREFIX;
    *end = crc - CRC_KEY;
    return MLK_OK;
}

mlk_status mlk_archive_decode(const void *bytes, size_t size, mlk_doc **doc)
{
    reader r = {.callbacks = cbor_empty_callbacks};
    r.callbacks.uint8 = on_uint8;
    r.callbacks.uint16 = on_uint16;
    r.callbacks.uint32 = on_uint32;
    r.callbacks.uint64 = on_uint;
    r.callbacks.negint8 = on_negint8;
    r.callbacks.negint16 = on_negint16;
    r.callbacks.negint32 = on_negint32;
    r.callbacks.negint64 = on_negint;
    r.callbacks.float8 = on_real;
    r.callbacks.boolean = on_bool;
    r.callbacks.null = on_null;
    r.callbacks.string = on_text;
    r.callbacks.byte_string = on_bytes;
    r.callbacks.array_start = on_list;
    r.callbacks.map_start = on_map;
    r.callbacks.tag = on_tag;

    *doc = NULL;
    MLK_TRY(unwrap(bytes, size, &r.at, &r.end));
    token t;
    MLK_TRY(next(&r, &t));
    if (t.kind != TOKEN_MAP)
        return damaged("its content is no map");
    mlk_doc *root = mlk_doc_new();
    mlk_status st = decode_members(&r, &t, root, 0);
    if (st == MLK_OK && r.at != r.end)
        st = damaged("it holds more than its content");
    if (st != MLK_OK) {
        mlk_doc_free(root);
        return st;
    }
    *doc = root;
    return MLK_OK;
}

/* ------------------------------------------------------------------ files */

mlk_status mlk_archive_write(const char *path, const mlk_doc *doc)
{
    void *bytes;
    size_t size;
    MLK_TRY(mlk_archive_encode(doc, &bytes, &size));
    const mlk_status st = mlk_file_write(path, bytes, size);
    mlk_archive_free(bytes);
    return st;
}

mlk_status mlk_archive_read(const char *path, mlk_doc **doc)
{
    void *bytes;
    size_t size;
    *doc = NULL;
    MLK_TRY(mlk_file_read(path, &bytes, &size));
    const mlk_status st = mlk_archive_decode(bytes, size, doc);
    mlk_file_free(bytes);
    if (st == MLK_EFORMAT)
        return MLK_FAIL(st, "%s: %s", path, mlk_error_message(st));
    return st;
}
