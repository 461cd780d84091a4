#include <mlkit/model.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/number.h"
#include "core/status.h"

/* The field of an option, typed. */
static void *field(const mlk_opt *opt, void *opts) { return (char *)opts + opt->offset; }
static const void *cfield(const mlk_opt *opt, const void *opts)
{
    return (const char *)opts + opt->offset;
}

/* The value of any but a TEXT option. */
static double get(const mlk_opt *opt, const void *opts)
{
    const void *f = cfield(opt, opts);
    switch (opt->type) {
    case MLK_OPT_TYPE_REAL:
        return *(const double *)f;
    case MLK_OPT_TYPE_INT:
        return (double)*(const int64_t *)f;
    case MLK_OPT_TYPE_BOOL:
        return *(const bool *)f;
    case MLK_OPT_TYPE_WORD:
        return *(const int *)f;
    case MLK_OPT_TYPE_TEXT:
    case MLK_OPT_TYPE_END:
        break;
    }
    return NAN;
}

static void set(const mlk_opt *opt, void *opts, double value)
{
    void *f = field(opt, opts);
    switch (opt->type) {
    case MLK_OPT_TYPE_REAL:
        *(double *)f = value;
        return;
    case MLK_OPT_TYPE_INT:
        *(int64_t *)f = (int64_t)value;
        return;
    case MLK_OPT_TYPE_BOOL:
        *(bool *)f = value != 0.0;
        return;
    case MLK_OPT_TYPE_WORD:
        *(int *)f = (int)value;
        return;
    case MLK_OPT_TYPE_TEXT:
    case MLK_OPT_TYPE_END:
        return;
    }
}

static const char *get_text(const mlk_opt *opt, const void *opts)
{
    return *(const char *const *)cfield(opt, opts);
}

static void set_text(const mlk_opt *opt, void *opts, const char *text)
{
    *(const char **)field(opt, opts) = text;
}

static const mlk_word *word_of(const mlk_opt *opt, double value)
{
    for (const mlk_word *w = opt->words; w && w->name; w++)
        if (w->value == value)
            return w;
    return NULL;
}

void mlk_opts_set_default(const mlk_opt *table, void *opts)
{
    for (const mlk_opt *o = table; o->name; o++) {
        if (o->type == MLK_OPT_TYPE_TEXT)
            set_text(o, opts, o->text);
        else
            set(o, opts, o->value);
    }
}

static bool in_domain(const mlk_opt *o, double v)
{
    if (o->type == MLK_OPT_TYPE_BOOL)
        return true;
    if (word_of(o, v))
        return true;
    return o->type != MLK_OPT_TYPE_WORD && (o->lo_open ? v > o->lo : v >= o->lo) &&
           (o->hi_open ? v < o->hi : v <= o->hi) && (o->type == MLK_OPT_TYPE_INT || isfinite(v));
}

mlk_status mlk_opts_check(const mlk_opt *table, const void *opts)
{
    for (const mlk_opt *o = table; o->name; o++) {
        if (o->type == MLK_OPT_TYPE_TEXT || in_domain(o, get(o, opts)))
            continue;
        char value[64], domain[256];
        mlk_opts_format(o, opts, value, sizeof value);
        mlk_opts_domain(o, domain, sizeof domain);
        return MLK_FAIL(MLK_EINVAL, "%s = %s is outside %s", o->name, value, domain);
    }
    return MLK_OK;
}

const mlk_opt *mlk_opts_find(const mlk_opt *table, const char *name)
{
    for (const mlk_opt *o = table; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

static mlk_status unknown(const mlk_opt *table, const char *owner, const char *name)
{
    const char *names[64];
    size_t n = 0;
    for (const mlk_opt *o = table; o->name && n < MLK_COUNT(names); o++)
        names[n++] = o->name;
    const char *near = mlk_nearest(name, names, n);
    if (near)
        return MLK_FAIL(MLK_EINVAL, "unknown parameter '%s' of %s; did you mean '%s'?", name, owner,
                        near);
    return MLK_FAIL(MLK_EINVAL, "unknown parameter '%s' of %s; see --help %s", name, owner, owner);
}

/* The number or word that `value` spells, for this option. */
static bool parse(const mlk_opt *o, const char *value, double *out)
{
    for (const mlk_word *w = o->words; w && w->name; w++)
        if (strcmp(w->name, value) == 0) {
            *out = w->value;
            return true;
        }
    if (o->type == MLK_OPT_TYPE_WORD)
        return false;
    if (o->type == MLK_OPT_TYPE_BOOL) {
        const bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
        *out = yes;
        return yes || strcmp(value, "false") == 0 || strcmp(value, "0") == 0;
    }
    /* A number that happens to be the code of a word is not that word. */
    return mlk_parse_real_all(value, out) && !word_of(o, *out) &&
           (o->type != MLK_OPT_TYPE_INT || (*out == floor(*out) && fabs(*out) <= 0x1p53));
}

mlk_status mlk_opts_parse(const mlk_opt *table, const char *owner, const char *name,
                          const char *value, void *opts)
{
    const mlk_opt *o = mlk_opts_find(table, name);
    if (!o)
        return unknown(table, owner, name);
    if (o->type == MLK_OPT_TYPE_TEXT) {
        set_text(o, opts, value);
        return MLK_OK;
    }
    double v;
    if (!parse(o, value, &v)) {
        char domain[256];
        return MLK_FAIL(MLK_EINVAL, "%s = '%s' is not valid for %s; expected %s%s", name, value,
                        owner, o->type == MLK_OPT_TYPE_INT ? "an integer in " : "",
                        mlk_opts_domain(o, domain, sizeof domain));
    }
    set(o, opts, v);
    return MLK_OK;
}

const char *mlk_opts_format(const mlk_opt *opt, const void *opts, char *buf, size_t size)
{
    if (opt->type == MLK_OPT_TYPE_TEXT) {
        const char *text = get_text(opt, opts);
        snprintf(buf, size, "%s", text ? text : "");
        return buf;
    }
    const double value = get(opt, opts);
    const mlk_word *w = word_of(opt, value);
    char number[MLK_REAL_CHARS];
    mlk_format_real(value, number);
    const char *text = w ? w->name : number;
    if (opt->type == MLK_OPT_TYPE_BOOL)
        text = value != 0.0 ? "true" : "false";
    snprintf(buf, size, "%s", text);
    return buf;
}

const char *mlk_opts_domain(const mlk_opt *opt, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = '\0';
    if (opt->type == MLK_OPT_TYPE_BOOL) {
        snprintf(buf, size, "true | false");
        return buf;
    }
    if (opt->type == MLK_OPT_TYPE_TEXT) {
        snprintf(buf, size, "text");
        return buf;
    }
    for (const mlk_word *w = opt->words; w && w->name && at < size; w++)
        at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? " | " : "", w->name);
    if (opt->type != MLK_OPT_TYPE_WORD && at < size) {
        char lo[MLK_REAL_CHARS], hi[MLK_REAL_CHARS];
        mlk_format_real(opt->lo, lo);
        mlk_format_real(opt->hi, hi);
        snprintf(buf + at, size - at, "%s%c%s, %s%c", at ? " | " : "",
                 opt->lo_open || isinf(opt->lo) ? '(' : '[', lo, hi,
                 opt->hi_open || isinf(opt->hi) ? ')' : ']');
    }
    return buf;
}

void mlk_opts_save(const mlk_opt *table, const void *opts, mlk_doc *to)
{
    for (const mlk_opt *o = table; o->name; o++) {
        const mlk_word *w = o->words ? word_of(o, get(o, opts)) : NULL;
        if (w)
            mlk_doc_put_text(to, o->name, w->name);
        else if (o->type == MLK_OPT_TYPE_TEXT)
            mlk_doc_put_text(to, o->name, get_text(o, opts));
        else if (o->type == MLK_OPT_TYPE_BOOL)
            mlk_doc_put_bool(to, o->name, get(o, opts) != 0.0);
        else if (o->type == MLK_OPT_TYPE_INT)
            mlk_doc_put_int(to, o->name, *(const int64_t *)cfield(o, opts));
        else
            mlk_doc_put_real(to, o->name, get(o, opts));
    }
}

static mlk_status load_one(const mlk_opt *o, const mlk_doc *from, void *opts)
{
    const mlk_doc *node = mlk_doc_find(from, o->name);
    const mlk_doc_kind kind = mlk_doc_kind_of(node);
    const char *text = mlk_doc_text(node);
    double value;

    if (o->type == MLK_OPT_TYPE_TEXT && node && (text || kind == MLK_DOC_NULL)) {
        set_text(o, opts, text);
        return MLK_OK;
    }
    if (text && o->words && parse(o, text, &value)) {
        set(o, opts, value);
        return MLK_OK;
    }
    if (o->type == MLK_OPT_TYPE_BOOL && kind == MLK_DOC_BOOL) {
        set(o, opts, mlk_doc_bool(node));
        return MLK_OK;
    }
    if (o->type == MLK_OPT_TYPE_INT && kind == MLK_DOC_INT) {
        *(int64_t *)field(o, opts) = mlk_doc_int(node);
        return MLK_OK;
    }
    if (o->type == MLK_OPT_TYPE_REAL && (kind == MLK_DOC_REAL || kind == MLK_DOC_INT)) {
        set(o, opts, mlk_doc_real(node));
        return MLK_OK;
    }
    return MLK_FAIL(MLK_EFORMAT, "parameter '%s' is %s", o->name,
                    node ? "of the wrong kind" : "missing");
}

mlk_status mlk_opts_load(const mlk_opt *table, const mlk_doc *from, void *opts)
{
    for (const mlk_opt *o = table; o->name; o++)
        MLK_TRY(load_one(o, from, opts));
    const mlk_status st = mlk_opts_check(table, opts);
    return st == MLK_EINVAL ? MLK_FAIL(MLK_EFORMAT, "parameter %s", mlk_error_message(st)) : st;
}
