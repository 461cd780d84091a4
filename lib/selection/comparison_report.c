#include "selection/comparison.h"

#include <math.h>

void mlk_comparison_params(const mlk_comparison *c, size_t i, mlk_doc *to)
{
    const mlk_pipeline_opts *o = c->models[i].pipeline;
    if (!o)
        return;
    void *defaults = NULL;
    if (!o->algo_opts) {
        defaults = mlk_alloc_zero(1, o->algo->opts_size);
        if (defaults)
            mlk_opts_set_default(o->algo->opts, defaults);
    }
    if (o->algo_opts || defaults)
        mlk_opts_save(o->algo->opts, o->algo_opts ? o->algo_opts : defaults, to);
    mlk_opts_save(mlk_pipeline_algo.opts, o, to);
    mlk_free(defaults);
}

static void put_test(const mlk_compared *m, const mlk_test *t, double p_holm, mlk_doc *list)
{
    mlk_doc *to = mlk_doc_put_map(list, NULL);
    mlk_doc_put_text(to, "model", m->label);
    mlk_doc_put_real(to, "estimate", t->estimate);
    mlk_doc_put_real(to, "low", t->low);
    mlk_doc_put_real(to, "high", t->high);
    mlk_doc_put_real(to, "t", t->statistic);
    mlk_doc_put_real(to, "df", t->df);
    mlk_doc_put_real(to, "p", t->p);
    mlk_doc_put_real(to, "p_holm", p_holm);
    mlk_doc_put_real(to, "effect", t->effect);
}

static void put_mcnemar(const mlk_comparison *c, mlk_doc *to)
{
    mlk_doc *list = NULL;
    for (size_t r = 0; r < c->n; r++) {
        const mlk_compared *m = &c->models[c->rows[r]];
        if (isnan(m->mcnemar.p))
            continue;
        if (!list)
            list = mlk_doc_put_list(to, "mcnemar");
        mlk_doc *entry = mlk_doc_put_map(list, NULL);
        mlk_doc_put_text(entry, "model", m->label);
        mlk_doc_put_real(entry, "statistic", m->mcnemar.statistic);
        mlk_doc_put_real(entry, "p", m->mcnemar.p);
        mlk_doc_put_real(entry, "odds_ratio", m->mcnemar.effect);
    }
}

static void put_corrected_t(const mlk_comparison *c, mlk_doc *to)
{
    mlk_doc *t = mlk_doc_put_map(to, "corrected_t");
    mlk_doc_put_real(t, "level", c->level);
    mlk_doc_put_real(t, "test_over_train", mlk_cv_ratio(c->cv));
    mlk_doc *best = mlk_doc_put_list(t, "versus_best");
    for (size_t r = 0; r < c->n; r++) {
        const mlk_compared *m = &c->models[c->rows[r]];
        if (m->standing.rank > 1)
            put_test(m, &m->standing.versus_best, m->standing.p_holm, best);
    }
    mlk_doc *base = mlk_doc_put_list(t, "versus_baseline");
    for (size_t r = 1; r < c->n; r++) {
        const mlk_compared *m = &c->models[c->rows[r]];
        if (m->standing.rank > 0)
            put_test(m, &m->versus_baseline, m->p_baseline, base);
    }
}

static void put_chosen(const mlk_comparison *c, size_t i, mlk_doc *to)
{
    if (!c->models[i].tuned)
        return;
    mlk_doc *list = mlk_doc_put_list(to, "chosen");
    for (size_t s = 0; s < c->n_splits; s++) {
        const mlk_doc *chosen = mlk_comparison_chosen(c, i, s);
        if (chosen)
            mlk_doc_put_copy(list, NULL, chosen);
        else
            mlk_doc_put_null(list, NULL);
    }
}

static void put_bootstrap(const mlk_compared *m, mlk_doc *to)
{
    if (!m->bootstrap)
        return;
    const mlk_bootstrap_error *e = m->bootstrap;
    const mlk_bias_variance *b = m->bias_variance;
    mlk_doc *error = mlk_doc_put_map(to, "bootstrap"),
            *parts = mlk_doc_put_map(to, "bias_variance");
    mlk_doc_put_real(error, "e632_plus", e->e632_plus);
    mlk_doc_put_real(error, "e632", e->e632);
    mlk_doc_put_real(error, "out_of_bag", e->out_of_bag);
    mlk_doc_put_real(error, "se", e->se);
    mlk_doc_put_real(error, "apparent", e->apparent);
    mlk_doc_put_real(error, "no_information", e->no_information);
    mlk_doc_put_real(error, "overfitting", e->overfitting);
    mlk_doc_put_real(parts, "error", b->error);
    mlk_doc_put_real(parts, "bias2", b->bias2);
    mlk_doc_put_real(parts, "variance", b->variance);
    mlk_doc_put_real(parts, "variance_unbiased", b->variance_unbiased);
    mlk_doc_put_real(parts, "variance_biased", b->variance_biased);
}

static void put_threshold(const mlk_threshold_choice *t, mlk_doc *to)
{
    mlk_doc_put_real(to, "threshold", t->threshold);
    mlk_doc_put_real(to, "value", t->honest);
    mlk_doc_put_real(to, "value_where_chosen", t->value);
    mlk_doc_put_real(to, "value_at_half", t->at_half);
}

static void put_model(const mlk_comparison *c, size_t i, mlk_doc *to)
{
    const mlk_compared *m = &c->models[i];
    const mlk_standing *s = &m->standing;
    mlk_doc_put_text(to, "model", m->algo->name);
    mlk_doc_put_text(to, "label", m->label);
    mlk_comparison_params(c, i, mlk_doc_put_map(to, "params"));
    put_chosen(c, i, to);
    mlk_cv_report_metrics(c->cv, i, to);
    mlk_doc_put_real(to, "low", s->low);
    mlk_doc_put_real(to, "high", s->high);
    mlk_doc_put_real(to, "fit_seconds", m->fit_seconds);
    mlk_doc_put_real(to, "predict_seconds", m->predict_seconds);
    if (m->bytes)
        mlk_doc_put_int(to, "bytes", (int64_t)m->bytes);
    else
        mlk_doc_put_null(to, "bytes");
    if (s->rank)
        mlk_doc_put_int(to, "rank", (int64_t)s->rank);
    else
        mlk_doc_put_null(to, "rank");
    mlk_doc_put_real(to, "p_value_vs_best", s->p_holm);
    mlk_doc_put_real(to, "p_value_vs_baseline", m->p_baseline);
    if (m->learning)
        mlk_score_curve_report(m->learning, mlk_doc_put_map(to, "learning_curve"));
    put_bootstrap(m, to);
    if (m->threshold)
        put_threshold(m->threshold, mlk_doc_put_map(to, "threshold"));
}

void mlk_comparison_report(const mlk_comparison *c, mlk_doc *to)
{
    mlk_doc *results = mlk_doc_put_list(to, "results");
    for (size_t r = 0; r < c->n; r++)
        put_model(c, c->rows[r], mlk_doc_put_map(results, NULL));
    mlk_doc *tests = mlk_doc_put_map(to, "tests");
    if (mlk_cv_splits(c->cv) > 1) /* leave-one-out has a single value */
        put_corrected_t(c, tests);
    put_mcnemar(c, tests);
}
