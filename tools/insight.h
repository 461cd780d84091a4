#ifndef TOOLS_INSIGHT_H
#define TOOLS_INSIGHT_H

#include <mlkit/preprocess/model_file.h>

#include "cli.h"

/* What mlkit-eval says of a model beyond its metrics. */

/* Boosting over its rounds: losses of training and validation from the model file, and loss and
 * score of the rows judged. */
typedef struct boosting_curves {
    mlk_cvec train, validation; /* of the model */
    double *loss, *score;       /* n_rounds each; NULL: the model is no gbdt */
    size_t n_rounds;
    const char *scoring;
} boosting_curves;

int boosting_make(cli *c, const mlk_model_file *file, const mlk_data *data, boosting_curves *b);
/* "boosting" into the map of curves. */
void boosting_put(const boosting_curves *b, mlk_doc *curves);
void boosting_print(const boosting_curves *b);
void boosting_free(boosting_curves *b);

/* Of each column of the table, how much worse the score gets when it is shuffled. */
typedef struct importances {
    size_t n;
    const mlk_schema *schema;
    const char *scoring;
    double *mean, *sd; /* NULL: not asked for */
} importances;

int importances_make(cli *c, const mlk_model_file *file, const mlk_data *data, importances *m);
void importances_put(const importances *m, mlk_doc *to);
void importances_print(const importances *m);
void importances_free(importances *m);

#endif
