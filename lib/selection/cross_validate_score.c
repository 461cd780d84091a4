#include "selection/cross_validate.h"

#include <math.h>
#include <string.h>

#include "core/status.h"

/* Which metrics, and their values. */

static bool reported(const mlk_metric *m, mlk_metric_task task, size_t n_classes)
{
    if (m->task != task || (m->needs & MLK_NEEDS_POINTS))
        return false;
    return m->classes == MLK_CLASSES_ANY || !n_classes ||
           (m->classes == MLK_CLASSES_BINARY) == (n_classes == 2);
}

/* All metrics of the task, the default scoring first; `out` NULL counts them. */
static size_t all_metrics(mlk_metric_task task, size_t n_classes, const mlk_metric **out)
{
    const mlk_metric *first = mlk_metric_default(task), *m;
    size_t n = 1;
    if (out)
        out[0] = first;
    for (size_t i = 0; (m = mlk_metric_at(i)); i++)
        if (m != first && reported(m, task, n_classes)) {
            if (out)
                out[n] = m;
            n++;
        }
    return n;
}

/* The scoring moves to the front, or is added there: the array has room for one more. */
static mlk_status put_first(const char *scoring, mlk_cv *cv)
{
    const mlk_metric *metric;
    size_t at = 0;
    MLK_TRY(mlk_metric_find(scoring, cv->task, cv->n_classes, &metric));
    while (at < cv->n_metrics && cv->metrics[at] != metric)
        at++;
    cv->n_metrics += at == cv->n_metrics;
    for (; at > 0; at--)
        cv->metrics[at] = cv->metrics[at - 1];
    cv->metrics[0] = metric;
    return MLK_OK;
}

mlk_status mlk_cv_choose_metrics(const mlk_cv_opts *o, mlk_cv *cv)
{
    cv->n_metrics = o->metrics ? o->n_metrics : all_metrics(cv->task, cv->n_classes, NULL);
    if (cv->n_metrics == 0)
        return MLK_FAIL(MLK_EINVAL, "no metric is asked for; expected at least one");
    cv->metrics = mlk_scratch_take(&cv->memory, cv->n_metrics + 1, sizeof *cv->metrics);
    if (!cv->metrics)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu metrics", cv->n_metrics);
    cv->all_metrics = !o->metrics;
    if (!o->metrics)
        all_metrics(cv->task, cv->n_classes, cv->metrics);
    for (size_t m = 0; o->metrics && m < cv->n_metrics; m++)
        MLK_TRY(mlk_metric_find(o->metrics[m], cv->task, cv->n_classes, &cv->metrics[m]));
    return o->scoring ? put_first(o->scoring, cv) : MLK_OK;
}

static mlk_status keep_note(mlk_cv_cell *at, const mlk_metric *metric, const char *why)
{
    if (at->note)
        return MLK_OK;
    const size_t bytes = strlen(metric->name) + strlen(why) + 3;
    if (!(at->note = mlk_alloc(bytes, 1)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for a note");
    memcpy(at->note, metric->name, strlen(metric->name) + 1);
    strcat(strcat(at->note, ": "), why);
    return MLK_OK;
}

mlk_status mlk_cv_score(const mlk_cv *cv, double *values, size_t c, size_t v, double beta,
                        const mlk_predictions *p, mlk_cv_cell *at, const mlk_run *run)
{
    unsigned have = MLK_NEEDS_TRUTH | MLK_NEEDS_PREDICTED;
    if (p->probabilities.data)
        have |= MLK_NEEDS_PROBABILITIES | MLK_NEEDS_SCORES;
    if (p->scores.data)
        have |= MLK_NEEDS_SCORES;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_metric **asked = mlk_scratch_take(&scratch, cv->n_metrics, sizeof *asked);
    mlk_score *scores = mlk_scratch_take(&scratch, cv->n_metrics, sizeof *scores);
    size_t n = 0;
    mlk_status st = MLK_OK;
    if (scratch.failed) {
        mlk_scratch_release(&scratch);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu metrics", cv->n_metrics);
    }
    for (size_t m = 0; m < cv->n_metrics; m++)
        if (!(cv->metrics[m]->needs & ~have))
            asked[n++] = cv->metrics[m];
    if (n)
        st = mlk_metrics_compute(p, asked, n, beta, run, scores);
    for (size_t m = 0, k = 0; st == MLK_OK && m < cv->n_metrics; m++) {
        const bool there = !(cv->metrics[m]->needs & ~have);
        const double value = there ? scores[k].value : (double)NAN;
        values[mlk_cv_value_index(cv, c, m, v)] = value;
        if (isnan(value) && (there || m == 0 || !cv->all_metrics))
            st = keep_note(at, cv->metrics[m],
                           there ? scores[k].note : "the model gives no probabilities");
        k += there;
    }
    mlk_scratch_release(&scratch);
    return st;
}
