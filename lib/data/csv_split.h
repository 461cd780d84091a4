#ifndef DATA_CSV_SPLIT_H
#define DATA_CSV_SPLIT_H

#include <mlkit/core.h>

/*
 * Cutting a CSV file into pieces that begin with a record, for threads to read independently.
 *
 * The file is cut at multiples of some number of bytes, wherever that falls. Whether a newline
 * there ends a record depends on what precedes it, all the way from the start of the file; but a
 * piece can be scanned for each of the four states in which it might begin:
 *
 *     FIELD   at the start of a field        PLAIN   inside one without quotes
 *     QUOTED  inside quotes                  CLOSED  behind a quote that may have closed them
 *
 * The scans run in parallel; following the states from piece to piece then tells which of the
 * four was real. So the cut is right for any content and any place, without guessing.
 */

typedef struct csv_piece {
    const char *begin; /* first record that starts here; = end when none does */
    const char *end;   /* begin of the next piece with a record, or the end of the file */
    size_t slots;      /* the piece has at most this many records ... */
    size_t first_slot; /* ... and all pieces before together this many */
    size_t lines;      /* newlines before the bytes of this piece, in the region */
    const char *bytes; /* where the cut fell */
    size_t size;       /* bytes up to the next cut */
    size_t rows;       /* records found by the reader */
    unsigned worker;   /* which read them */
} csv_piece;

typedef struct csv_split {
    csv_piece *pieces;
    size_t n;
    size_t slots;    /* sum */
    size_t newlines; /* all of them, quoted or not */
    bool nul;        /* a NUL byte in some piece */
} csv_split;

/* Cut [begin, end), which starts with a record, every `size` bytes. mlk_free(split->pieces). */
mlk_status csv_split_new(const char *begin, const char *end, char delimiter, size_t size,
                         const mlk_run *run, csv_split *split);

/* Number of LF in n bytes. */
size_t csv_count_lines(const char *bytes, size_t n);

#endif
