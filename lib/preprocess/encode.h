#ifndef PREPROCESS_ENCODE_H
#define PREPROCESS_ENCODE_H

#include <mlkit/core/doc.h>

/* Level codes to numbers. Numeric columns pass; a categorical one becomes as many columns as
 * levels were seen (onehot), one fewer (dummy), or one (ordinal, native). */

typedef enum mlk_encode {
    MLK_ENCODE_ONEHOT,
    MLK_ENCODE_DUMMY,
    MLK_ENCODE_ORDINAL,
    MLK_ENCODE_NATIVE
} mlk_encode;

typedef struct mlk_encoder {
    mlk_encode kind;
    size_t p, columns;   /* raw columns, design columns */
    bool categorical;    /* some column is */
    uint32_t *levels;    /* p counts, 0 = numeric */
    size_t *first;       /* p + 1: design column at which raw column j begins */
    size_t *offset;      /* p + 1: where the levels of column j begin in `seen` and `slot` */
    unsigned char *seen; /* per level: occurred in training */
    size_t *slot;        /* per level: its design column, SIZE_MAX = none */
} mlk_encoder;

/* Learn from the rows of X (`rows` of them, NULL: all n) which levels occur. MLK_EINVAL: a value
 * that is no level code; MLK_ENOMEM. */
mlk_status mlk_encoder_fit(mlk_cmat X, const size_t *rows, size_t n, const size_t *levels,
                           mlk_encode kind, mlk_encoder **encoder);
/* Raw rows are design rows: no column is categorical, or codes are handed on. */
bool mlk_encoder_is_identity(const mlk_encoder *encoder);
/* Is this value of column j a level that training saw? (Always, for a numeric column.) */
bool mlk_encoder_knows(const mlk_encoder *encoder, size_t j, double value);
/* Raw row x to design row `out`. A missing category is NaN in each of its columns. */
void mlk_encoder_row(const mlk_encoder *encoder, const double *x, double *out);
/* Design column j is an indicator of a level. */
bool mlk_encoder_is_indicator(const mlk_encoder *encoder, size_t j);
/* Raw column behind design column j, and the level that it indicates (SIZE_MAX: none). */
size_t mlk_encoder_source(const mlk_encoder *encoder, size_t j, size_t *level);
void mlk_encoder_save(const mlk_encoder *encoder, mlk_doc *to);
mlk_status mlk_encoder_load(const mlk_doc *from, size_t p, mlk_encode kind, mlk_encoder **encoder);
void mlk_encoder_free(mlk_encoder *encoder);

#endif
