#ifndef BAYES_PRIORS_H
#define BAYES_PRIORS_H

#include <mlkit/core/doc.h>

#include "core/status.h"

/* Probabilities of the classes: those of the text ("0.2+0.8"), or, where it is NULL, the shares of
 * the rows' weights. MLK_EINVAL. */
mlk_status priors_find(const mlk_data *data, const char *text, mlk_vec prior);
/* The same from a model file: in [0, 1] with sum 1. MLK_EFORMAT. */
mlk_status priors_load(const mlk_doc *from, mlk_vec prior);

/* Log-likelihoods (plus log priors) to probabilities, in place; where all underflow, the priors. */
void priors_normalise(mlk_cvec prior, double *v);
/* The first of the largest. */
size_t priors_best(const double *v, size_t k);

#endif
