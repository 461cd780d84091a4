/*
 * How often do the 95 % intervals of evaluate.h hold the truth? For each scenario: metrics of a
 * population (a very large sample), then SIMULATIONS samples of n rows, each evaluated with
 * intervals. Prints, per metric, the share of intervals that hold the population's value, and below
 * and above; with 2000 simulations the share itself is +- 1 %.
 *
 *   bench_coverage [SIMULATIONS [SCENARIO-NUMBER]]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mlkit/metrics/evaluate.h>

#include "core/rng.h"

enum { POPULATION = 4000000, MAX_METRICS = 64 };

typedef struct scenario {
    const char *name;
    size_t n, classes; /* 0 classes: regression */
    double noise;      /* regression: tails (0 normal, else lognormal of that sigma) */
    double share;      /* binary: of positives */
    double signal;     /* classes: how far apart; regression: slope */
    bool weights;
} scenario;

static const scenario scenarios[] = {
    {"regression, normal errors, n = 40", 40, 0, 0.0, 0, 1.5, false},
    {"regression, normal errors, n = 200", 200, 0, 0.0, 0, 1.5, false},
    {"regression, normal errors, weights, n = 400", 400, 0, 0.0, 0, 1.5, true},
    {"regression, normal errors, n = 5000 (groups)", 5000, 0, 0.0, 0, 1.5, false},
    {"regression, skewed errors, n = 200", 200, 0, 0.5, 0, 1.5, false},
    {"regression, skewed errors, n = 1000", 1000, 0, 0.5, 0, 1.5, false},
    {"binary, half positive, n = 60", 60, 2, 0, 0.5, 1.2, false},
    {"binary, half positive, n = 300", 300, 2, 0, 0.5, 1.2, false},
    {"binary, half positive, weights, n = 300", 300, 2, 0, 0.5, 1.2, true},
    {"binary, strong signal, n = 200", 200, 2, 0, 0.5, 3.0, false},
    {"binary, one in ten positive, n = 300", 300, 2, 0, 0.1, 1.5, false},
    {"binary, one in ten positive, n = 3000", 3000, 2, 0, 0.1, 1.5, false},
    {"four classes, n = 200", 200, 4, 0, 0, 1.5, false},
    {"four classes, n = 3000", 3000, 4, 0, 0, 1.5, false},
};

typedef struct rows {
    size_t n;
    double *truth, *predicted, *proba, *w;
} rows;

static rows rows_new(size_t n, size_t classes)
{
    const size_t cols = classes ? classes : 1;
    double *m = malloc(n * (3 + cols) * sizeof *m);
    if (!m)
        exit(EXIT_FAILURE);
    return (rows){n, m, m + n, m + 3 * n, m + 2 * n};
}

static void draw_regression(const scenario *s, mlk_rng *rng, rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        const double x = mlk_rng_normal(rng), z = mlk_rng_normal(rng);
        const double e = s->noise > 0.0 ? exp(s->noise * z) - exp(0.5 * s->noise * s->noise) : z;
        r->predicted[i] = 10.0 + s->signal * x;
        r->truth[i] = r->predicted[i] + e;
    }
}

/* Normal scores; probabilities from them by a model that is a little off. */
static void draw_classes(const scenario *s, mlk_rng *rng, rows *r)
{
    const size_t k = s->classes;
    for (size_t i = 0; i < r->n; i++) {
        const size_t y = k == 2 ? mlk_rng_uniform(rng) < s->share : (size_t)mlk_rng_below(rng, k);
        double *p = r->proba + i * k, sum = 0.0;
        size_t best = 0;
        for (size_t c = 0; c < k; c++) {
            const double prior = k == 2 ? (c ? s->share : 1.0 - s->share) : 1.0;
            const double at = mlk_rng_normal(rng) + s->signal * (c == y) / (k == 2 ? M_SQRT2 : 1.0);
            sum += p[c] = prior * exp(at * s->signal * 0.8);
        }
        for (size_t c = 0; c < k; c++) {
            p[c] /= sum;
            best = p[c] > p[best] ? c : best;
        }
        r->truth[i] = (double)y;
        r->predicted[i] = (double)best;
    }
}

static mlk_predictions draw(const scenario *s, uint64_t seed, uint64_t id, rows *r)
{
    mlk_rng rng = mlk_rng_stream(seed, id);
    (s->classes ? draw_classes : draw_regression)(s, &rng, r);
    for (size_t i = 0; i < r->n; i++)
        r->w[i] = 0.2 + mlk_rng_uniform(&rng);
    const size_t n = r->n;
    mlk_predictions p = {.task = s->classes ? MLK_METRIC_CLASSIFICATION : MLK_METRIC_REGRESSION,
                         .n_classes = s->classes,
                         .truth = {r->truth, n},
                         .predicted = {r->predicted, n},
                         .w = {r->w, s->weights ? n : 0}};
    if (s->classes)
        p.probabilities = (mlk_cmat){r->proba, n, s->classes, s->classes};
    return p;
}

static mlk_evaluation *evaluate(const mlk_predictions *p, bool intervals, int64_t seed)
{
    mlk_evaluate_opts o = mlk_evaluate_opts_default();
    mlk_evaluation *e;
    o.intervals = intervals;
    o.curves = false;
    o.beta = 2.0;
    o.seed = seed;
    if (mlk_evaluate(p, &o, NULL, &e) != MLK_OK) {
        fprintf(stderr, "%s\n", mlk_error_message(MLK_EINVAL));
        exit(EXIT_FAILURE);
    }
    return e;
}

static void simulate(const scenario *s, size_t simulations)
{
    size_t above[MAX_METRICS] = {0}, below[MAX_METRICS] = {0}, none[MAX_METRICS] = {0};
    rows all = rows_new(POPULATION, s->classes), sample = rows_new(s->n, s->classes);
    mlk_predictions p = draw(s, 1, 0, &all);
    mlk_evaluation *truth = evaluate(&p, false, 0);
    const size_t n = mlk_evaluation_size(truth);
    for (size_t t = 0; t < simulations; t++) {
        p = draw(s, 2, t, &sample);
        mlk_evaluation *e = evaluate(&p, true, (int64_t)t);
        for (size_t i = 0; i < n; i++) {
            const mlk_score *a = mlk_evaluation_at(e, i), *b = mlk_evaluation_at(truth, i);
            none[i] += isnan(a->low);
            below[i] += a->high < b->value;
            above[i] += a->low > b->value;
        }
        mlk_evaluation_free(e);
    }
    printf("%s\n  %-24s %9s %8s %7s %7s %6s\n", s->name, "metric", "truth", "covered", "below",
           "above", "none");
    for (size_t i = 0; i < n; i++) {
        const mlk_score *b = mlk_evaluation_at(truth, i);
        const double m = (double)(simulations - none[i]);
        if (m > 0.0)
            printf("  %-24s %9.4f %7.1f%% %6.1f%% %6.1f%% %6zu\n", b->metric->name, b->value,
                   100.0 * (1.0 - (double)(below[i] + above[i]) / m), 100.0 * (double)below[i] / m,
                   100.0 * (double)above[i] / m, none[i]);
    }
    mlk_evaluation_free(truth);
    free(all.truth);
    free(sample.truth);
}

int main(int argc, char **argv)
{
    const size_t simulations = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    const size_t one = argc > 2 ? strtoul(argv[2], NULL, 10) : SIZE_MAX;
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
        if (one == SIZE_MAX || one == i)
            simulate(&scenarios[i], simulations);
    return EXIT_SUCCESS;
}
