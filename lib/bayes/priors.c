#include "bayes/priors.h"

#include <math.h>
#include <string.h>

#include "core/number.h"
#include "model/algo.h"

static mlk_status from_text(const char *text, mlk_vec prior)
{
    const char *at = text, *const end = text + strlen(text);
    double sum = 0.0;
    size_t count = 0;
    for (; *at; count++) {
        double v = NAN;
        const char *from = at;
        at = mlk_parse_real(from, end, &v);
        if (at == from || !(v >= 0.0 && v <= 1.0))
            return MLK_FAIL(MLK_EINVAL, "priors = %s; expected numbers in [0, 1], as 0.2+0.8",
                            text);
        if (count < prior.n)
            prior.data[count] = v;
        sum += v;
        at += strspn(at, "+, ");
    }
    if (count != prior.n)
        return MLK_FAIL(MLK_EINVAL, "priors = %s: %zu values; expected one for each of %zu classes",
                        text, count, prior.n);
    if (!(fabs(sum - 1.0) <= 1e-8))
        return MLK_FAIL(MLK_EINVAL, "priors = %s sum to %.10g; expected 1", text, sum);
    return MLK_OK;
}

mlk_status priors_find(const mlk_data *d, const char *text, mlk_vec prior)
{
    double sum = 0.0;
    if (text)
        return from_text(text, prior);
    for (size_t c = 0; c < prior.n; c++)
        prior.data[c] = 0.0;
    for (size_t i = 0; i < d->X.rows; i++) {
        prior.data[(size_t)d->y.data[i]] += mlk_weight(d->w, i);
        sum += mlk_weight(d->w, i);
    }
    for (size_t c = 0; c < prior.n; c++)
        prior.data[c] /= sum;
    return MLK_OK;
}

mlk_status priors_load(const mlk_doc *from, mlk_vec prior)
{
    mlk_cvec v;
    double sum = 0.0;
    MLK_TRY(mlk_doc_get_vec(from, "class_prior", prior.n, &v));
    for (size_t c = 0; c < prior.n; c++) {
        if (!(v.data[c] >= 0.0 && v.data[c] <= 1.0))
            return MLK_FAIL(MLK_EFORMAT, "'class_prior' has %g; expected [0, 1]", v.data[c]);
        sum += prior.data[c] = v.data[c];
    }
    if (!(fabs(sum - 1.0) <= 1e-8))
        return MLK_FAIL(MLK_EFORMAT, "'class_prior' sums to %g; expected 1", sum);
    return MLK_OK;
}

void priors_normalise(mlk_cvec prior, double *v)
{
    double top = -INFINITY, sum = 0.0;
    for (size_t c = 0; c < prior.n; c++)
        top = fmax(top, v[c]);
    if (!isfinite(top)) {
        for (size_t c = 0; c < prior.n; c++)
            v[c] = prior.data[c];
        return;
    }
    for (size_t c = 0; c < prior.n; c++)
        sum += v[c] = isnan(v[c]) ? 0.0 : exp(v[c] - top);
    for (size_t c = 0; c < prior.n; c++)
        v[c] /= sum;
}

size_t priors_best(const double *v, size_t k)
{
    size_t best = 0;
    for (size_t c = 1; c < k; c++)
        if (v[c] > v[best])
            best = c;
    return best;
}
