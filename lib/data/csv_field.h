#ifndef DATA_CSV_FIELD_H
#define DATA_CSV_FIELD_H

#include <string.h>

#include <mlkit/core.h>

/* One field of a CSV record (RFC 4180). A quote opens a quoted field only as its first character;
 * elsewhere it stands for itself. */

typedef enum csv_stop {
    CSV_DELIMITER,  /* another field follows */
    CSV_NEWLINE,    /* the record ends with LF or CRLF */
    CSV_END,        /* ... with the file */
    CSV_OPEN_QUOTE, /* no closing quote until the end of the file */
    CSV_AFTER_QUOTE /* something else than a delimiter follows the closing quote */
} csv_stop;

typedef struct csv_field {
    const char *begin, *end; /* without the quotes around it */
    const char *next;        /* behind what stopped it; the offence */
    csv_stop stop;
    bool doubled; /* holds doubled quotes, still doubled */
} csv_field;

/* Bytes equal to c are 0x80 in the result, up to and including the first one. */
static inline uint64_t csv_match(uint64_t word, unsigned char c)
{
    const uint64_t ones = 0x0101010101010101, x = word ^ (ones * c);
    return (x - ones) & ~x & (ones * 0x80);
}

/* First delimiter or LF in [p, end), or end. */
static inline const char *csv_find_end(const char *p, const char *end, char delimiter)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - p >= 8; p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        const uint64_t hit = csv_match(word, (unsigned char)delimiter) | csv_match(word, '\n');
        if (hit)
            return p + __builtin_ctzll(hit) / 8;
    }
#endif
    while (p < end && *p != delimiter && *p != '\n')
        p++;
    return p;
}

/* The part of a quoted field behind its opening quote at p. */
static inline void csv_read_quoted(const char *p, const char *end, char delimiter, csv_field *f)
{
    const char *close = ++p;
    f->begin = p;
    f->doubled = false;
    for (;; close += 2) {
        close = memchr(close, '"', (size_t)(end - close));
        if (!close) {
            f->end = end;
            f->next = p - 1;
            f->stop = CSV_OPEN_QUOTE;
            return;
        }
        if (close + 1 == end || close[1] != '"')
            break;
        f->doubled = true;
    }
    f->end = close;
    p = close + 1;
    if (p < end && *p == '\r' && (p + 1 == end || p[1] == '\n'))
        p++;
    f->next = p + (p < end);
    f->stop = p == end          ? CSV_END
              : *p == delimiter ? CSV_DELIMITER
              : *p == '\n'      ? CSV_NEWLINE
                                : CSV_AFTER_QUOTE;
    if (f->stop == CSV_AFTER_QUOTE)
        f->next = close + 1;
}

static inline void csv_read_field(const char *p, const char *end, char delimiter, csv_field *f)
{
    if (p < end && *p == '"') {
        csv_read_quoted(p, end, delimiter, f);
        return;
    }
    f->begin = p;
    f->doubled = false;
    p = csv_find_end(p, end, delimiter);
    f->end = p;
    f->next = p + (p < end);
    f->stop = p == end ? CSV_END : *p == delimiter ? CSV_DELIMITER : CSV_NEWLINE;
    if (f->stop != CSV_DELIMITER && f->end > f->begin && f->end[-1] == '\r')
        f->end--;
}

/* The place behind the line ends that p is at: blank lines are no records. */
static inline const char *csv_skip_blank(const char *p, const char *end)
{
    for (;;) {
        if (p < end && *p == '\n')
            p++;
        else if (p < end && *p == '\r' && (p + 1 == end || p[1] == '\n'))
            p += p + 1 == end ? 1 : 2;
        else
            return p;
    }
}

#endif
