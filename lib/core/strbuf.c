#include "core/strbuf.h"

#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

/* Room for `more` characters and the terminator. */
static bool reserve(mlk_strbuf *b, size_t more)
{
    if (b->failed)
        return false;
    if (more < b->cap - b->len)
        return true;
    const size_t cap = 2 * b->cap + more + 64;
    char *text = mlk_regrow(b->text, b->len, cap, 1);
    if (!text) {
        b->failed = true;
        return false;
    }
    b->text = text;
    b->cap = cap;
    return true;
}

void mlk_strbuf_add_n(mlk_strbuf *b, const char *text, size_t n)
{
    if (!reserve(b, n))
        return;
    memcpy(b->text + b->len, text, n);
    b->len += n;
    b->text[b->len] = '\0';
}

void mlk_strbuf_add(mlk_strbuf *b, const char *text) { mlk_strbuf_add_n(b, text, strlen(text)); }

void mlk_strbuf_vprintf(mlk_strbuf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0)
        b->failed = true;
    else if (reserve(b, (size_t)n)) {
        vsnprintf(b->text + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void mlk_strbuf_printf(mlk_strbuf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    mlk_strbuf_vprintf(b, fmt, args);
    va_end(args);
}

char *mlk_strbuf_take(mlk_strbuf *b)
{
    if (!b->text && !b->failed)
        mlk_strbuf_add_n(b, "", 0);
    char *text = b->failed ? NULL : b->text;
    if (b->failed)
        mlk_free(b->text);
    *b = (mlk_strbuf)MLK_STRBUF_INIT;
    return text;
}

void mlk_strbuf_free(mlk_strbuf *b)
{
    mlk_free(b->text);
    *b = (mlk_strbuf)MLK_STRBUF_INIT;
}
