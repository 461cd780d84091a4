#include "data/csv_split.h"

#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/simd.h"
#include "core/status.h"

enum { FIELD, PLAIN, QUOTED, CLOSED, STATES };
enum { LANES = 64 };

/* What a piece does to the state in which it begins. */
typedef struct effect {
    uint8_t end;    /* state at its end */
    size_t records; /* newlines that end a record */
    size_t first;   /* place behind the first of them; SIZE_MAX: none */
} effect;

typedef struct scan {
    effect effects[STATES];
    size_t newlines;
    bool quote, nul;
} scan;

/* Newlines, and whether there is any quote or NUL. */
MLK_SIMD_TILES static void tally(const char *bytes, size_t n, scan *s)
{
    size_t newlines = 0, i = 0;
    unsigned char quote[LANES] = {0}, nul[LANES] = {0};
    while (n - i >= LANES) {
        unsigned char count[LANES] = {0}; /* up to 255 rounds before a lane overflows */
        for (int round = 0; round < 255 && n - i >= LANES; round++, i += LANES)
            for (int k = 0; k < LANES; k++) {
                const char c = bytes[i + (size_t)k];
                count[k] = (unsigned char)(count[k] + (c == '\n'));
                quote[k] |= c == '"';
                nul[k] |= c == '\0';
            }
        for (int k = 0; k < LANES; k++)
            newlines += count[k];
    }
    for (; i < n; i++) {
        newlines += bytes[i] == '\n';
        quote[0] |= bytes[i] == '"';
        nul[0] |= bytes[i] == '\0';
    }
    s->newlines = newlines;
    s->quote = s->nul = false;
    for (int k = 0; k < LANES; k++) {
        s->quote |= quote[k];
        s->nul |= nul[k];
    }
}

size_t csv_count_lines(const char *bytes, size_t n)
{
    scan s;
    tally(bytes, n, &s);
    return s.newlines;
}

/* Without quotes there are only two cases: outside, where each newline counts, and inside. */
static void scan_plain(const char *bytes, size_t n, char delimiter, scan *s)
{
    const char *newline = s->newlines ? memchr(bytes, '\n', n) : NULL;
    const char last = bytes[n - 1];
    const effect outside = {last == delimiter || last == '\n' ? FIELD : PLAIN, s->newlines,
                            newline ? (size_t)(newline - bytes) + 1 : SIZE_MAX};
    s->effects[FIELD] = s->effects[PLAIN] = s->effects[CLOSED] = outside;
    s->effects[QUOTED] = (effect){QUOTED, 0, SIZE_MAX};
}

/* The four states side by side, from quote to quote: what lies between matters only outside. */
static void scan_quotes(const char *bytes, size_t n, char delimiter, scan *s)
{
    static const uint8_t on_quote[STATES] = {QUOTED, PLAIN, CLOSED, QUOTED};
    effect *e = s->effects;
    for (uint8_t k = 0; k < STATES; k++)
        e[k] = (effect){k, 0, SIZE_MAX};
    for (size_t i = 0; i < n; i++) {
        const size_t begin = i;
        size_t newlines = 0, first = SIZE_MAX;
        for (; i < n && bytes[i] != '"'; i++)
            if (bytes[i] == '\n' && newlines++ == 0)
                first = i + 1;
        for (int k = 0; k < STATES && i > begin; k++)
            if (e[k].end != QUOTED) {
                e[k].end = bytes[i - 1] == delimiter || bytes[i - 1] == '\n' ? FIELD : PLAIN;
                e[k].records += newlines;
                e[k].first = e[k].first == SIZE_MAX ? first : e[k].first;
            }
        for (int k = 0; k < STATES && i < n; k++)
            e[k].end = on_quote[e[k].end];
    }
}

typedef struct cutting {
    const csv_split *split;
    scan *scans;
    char delimiter;
} cutting;

static mlk_status scan_pieces(void *ctx, const mlk_chunk *chunk)
{
    const cutting *c = ctx;
    for (size_t i = chunk->begin; i < chunk->end; i++) {
        const csv_piece *p = &c->split->pieces[i];
        tally(p->bytes, p->size, &c->scans[i]);
        (c->scans[i].quote ? scan_quotes : scan_plain)(p->bytes, p->size, c->delimiter,
                                                       &c->scans[i]);
    }
    return MLK_OK;
}

/* Follow the states from piece to piece, then give each its end. */
static void resolve(csv_split *split, const scan *scans, const char *end)
{
    uint8_t state = FIELD;
    for (size_t i = 0; i < split->n; i++) {
        csv_piece *p = &split->pieces[i];
        const effect *e = &scans[i].effects[state];
        p->begin = i == 0 ? p->bytes : e->first < SIZE_MAX ? p->bytes + e->first : NULL;
        p->slots = e->records + (i == 0);
        p->first_slot = split->slots;
        p->lines = split->newlines;
        split->nul |= scans[i].nul;
        split->slots += p->slots;
        split->newlines += scans[i].newlines;
        state = e->end;
    }
    for (size_t i = split->n; i-- > 0;) {
        csv_piece *p = &split->pieces[i];
        p->end = end;
        if (p->begin)
            end = p->begin;
        else
            p->begin = end;
    }
}

mlk_status csv_split_new(const char *begin, const char *end, char delimiter, size_t size,
                         const mlk_run *run, csv_split *split)
{
    const size_t n = mlk_chunks((size_t)(end - begin), size);
    *split = (csv_split){.n = n};
    csv_piece *pieces = mlk_alloc_zero(n, sizeof *pieces);
    scan *scans = mlk_alloc(n, sizeof *scans);
    mlk_status st = MLK_OK;
    if (pieces && scans) {
        for (size_t i = 0; i < n; i++) {
            pieces[i].bytes = begin + i * size;
            pieces[i].size = i + 1 < n ? size : (size_t)(end - begin) - i * size;
        }
        split->pieces = pieces;
        st = mlk_parallel_for(run, n, 1, scan_pieces, &(cutting){split, scans, delimiter});
    } else {
        st = MLK_FAIL(MLK_ENOMEM, "no memory for %zu pieces of a file", n);
    }
    if (st == MLK_OK) {
        resolve(split, scans, end);
    } else {
        mlk_free(pieces);
        split->pieces = NULL;
    }
    mlk_free(scans);
    return st;
}
