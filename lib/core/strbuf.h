#ifndef CORE_STRBUF_H
#define CORE_STRBUF_H

#include <mlkit/core.h>

#include <stdarg.h>

/* A growing text. A failed allocation sets `failed`; all that follows does nothing. */
typedef struct mlk_strbuf {
    char *text; /* NUL-terminated once anything was added; else NULL */
    size_t len, cap;
    bool failed;
} mlk_strbuf;

#define MLK_STRBUF_INIT                                                                            \
    {                                                                                              \
        NULL, 0, 0, false                                                                          \
    }

void mlk_strbuf_add(mlk_strbuf *b, const char *text);
void mlk_strbuf_add_n(mlk_strbuf *b, const char *text, size_t n);
__attribute__((format(printf, 2, 3))) void mlk_strbuf_printf(mlk_strbuf *b, const char *fmt, ...);
void mlk_strbuf_vprintf(mlk_strbuf *b, const char *fmt, va_list args);
/* The text, for the caller to mlk_free(); NULL when it failed. The buffer is empty after. */
char *mlk_strbuf_take(mlk_strbuf *b);
void mlk_strbuf_free(mlk_strbuf *b);

#endif
