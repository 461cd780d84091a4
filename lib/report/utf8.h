#ifndef REPORT_UTF8_H
#define REPORT_UTF8_H

#include "core/strbuf.h"

/* Length of the UTF-8 sequence at s [RFC 3629: no surrogates, nothing overlong], or 0. */
size_t mlk_utf8_length(const char *s);
/* The text with every byte that is no UTF-8 as U+FFFD. */
void mlk_utf8_add(mlk_strbuf *b, const char *s);

#endif
