#include <mlkit/report/json.h>

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "core/strbuf.h"
#include "report/utf8.h"

static char *valid_utf8(const char *s)
{
    mlk_strbuf b = MLK_STRBUF_INIT;
    mlk_utf8_add(&b, s);
    return mlk_strbuf_take(&b);
}

static json_t *json_text(const char *s)
{
    char *valid = valid_utf8(s);
    json_t *json = valid ? json_string_nocheck(valid) : NULL;
    mlk_free(valid);
    return json;
}

static json_t *json_number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *element(mlk_doc_array a, size_t i)
{
    switch (a.type) {
    case MLK_U8:
        return json_integer(((const uint8_t *)a.data)[i]);
    case MLK_U16:
        return json_integer(((const uint16_t *)a.data)[i]);
    case MLK_U32:
        return json_integer(((const uint32_t *)a.data)[i]);
    case MLK_I32:
        return json_integer(((const int32_t *)a.data)[i]);
    case MLK_F32:
        return json_number((double)((const float *)a.data)[i]);
    case MLK_F64:
        break;
    }
    return json_number(((const double *)a.data)[i]);
}

/* Elements begin..begin+n-1 as a list. */
static json_t *elements(mlk_doc_array a, size_t begin, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, element(a, begin + i)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *array_to_json(mlk_doc_array a)
{
    if (!a.cols)
        return elements(a, 0, a.rows);
    json_t *list = json_array();
    for (size_t i = 0; list && i < a.rows; i++)
        if (json_array_append_new(list, elements(a, i * a.cols, a.cols)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *to_json(const mlk_doc *doc);

static json_t *members_to_json(const mlk_doc *doc)
{
    const bool map = mlk_doc_kind_of(doc) == MLK_DOC_MAP;
    json_t *json = map ? json_object() : json_array();
    for (size_t i = 0; json && i < mlk_doc_size(doc); i++) {
        json_t *member = to_json(mlk_doc_at(doc, i));
        char *key = map ? valid_utf8(mlk_doc_key_at(doc, i)) : NULL;
        int failed;
        if (map && !key) {
            json_decref(member);
            failed = -1;
        } else {
            failed = map ? json_object_set_new_nocheck(json, key, member)
                         : json_array_append_new(json, member);
        }
        mlk_free(key);
        if (failed) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

static json_t *to_json(const mlk_doc *doc)
{
    switch (mlk_doc_kind_of(doc)) {
    case MLK_DOC_BOOL:
        return json_boolean(mlk_doc_bool(doc));
    case MLK_DOC_INT:
        return json_integer(mlk_doc_int(doc));
    case MLK_DOC_REAL:
        return json_number(mlk_doc_real(doc));
    case MLK_DOC_TEXT:
        return json_text(mlk_doc_text(doc));
    case MLK_DOC_ARRAY:
        return array_to_json(mlk_doc_array_of(doc));
    case MLK_DOC_LIST:
    case MLK_DOC_MAP:
        return members_to_json(doc);
    case MLK_DOC_NULL:
        break;
    }
    return json_null();
}

static int append(const char *text, size_t n, void *to)
{
    mlk_strbuf_add_n(to, text, n);
    return ((mlk_strbuf *)to)->failed ? -1 : 0;
}

mlk_status mlk_json_write(const mlk_doc *doc, char **text)
{
    mlk_strbuf b = MLK_STRBUF_INIT;
    *text = NULL;
    MLK_TRY(mlk_doc_check(doc));
    json_t *json = to_json(doc);
    const bool ok =
        json && json_dump_callback(json, append, &b,
                                   JSON_INDENT(1) | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY) == 0;
    json_decref(json);
    mlk_strbuf_add(&b, "\n");
    if (!ok)
        b.failed = true;
    *text = mlk_strbuf_take(&b);
    return *text ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to write JSON");
}

void mlk_text_free(char *text) { mlk_free(text); }
