#include "selection/cross_validate.h"

#include <math.h>
#include <string.h>

/* What a cross-validation found. */

size_t mlk_cv_candidates(const mlk_cv *cv) { return cv->n_candidates; }
size_t mlk_cv_splits(const mlk_cv *cv) { return cv->n_values; }
size_t mlk_cv_repeats(const mlk_cv *cv) { return cv->repeats; }
double mlk_cv_ratio(const mlk_cv *cv) { return cv->ratio; }
size_t mlk_cv_metrics(const mlk_cv *cv) { return cv->n_metrics; }
const mlk_metric *mlk_cv_metric(const mlk_cv *cv, size_t m) { return cv->metrics[m]; }

size_t mlk_cv_find(const mlk_cv *cv, const char *name)
{
    for (size_t m = 0; m < cv->n_metrics; m++)
        if (strcmp(cv->metrics[m]->name, name) == 0)
            return m;
    return SIZE_MAX;
}

mlk_cvec mlk_cv_values(const mlk_cv *cv, size_t candidate, size_t m)
{
    return (mlk_cvec){cv->values + mlk_cv_value_index(cv, candidate, m, 0), cv->n_values};
}

mlk_cvec mlk_cv_train_values(const mlk_cv *cv, size_t candidate, size_t m)
{
    if (!cv->train_values)
        return (mlk_cvec){NULL, 0};
    return (mlk_cvec){cv->train_values + mlk_cv_value_index(cv, candidate, m, 0), cv->n_values};
}

static mlk_cv_summary summarise(mlk_cvec v)
{
    mlk_cv_summary s = {(double)NAN, (double)NAN, 0, (double)NAN};
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < v.n; i++)
        if (!isnan(v.data[i])) {
            sum += v.data[i];
            s.count++;
        }
    if (s.count == 0)
        return s;
    s.partial_mean = sum / (double)s.count;
    if (s.count < v.n)
        return s;
    s.mean = s.partial_mean;
    for (size_t i = 0; i < v.n; i++)
        squares += (v.data[i] - s.mean) * (v.data[i] - s.mean);
    if (v.n > 1)
        s.sd = sqrt(squares / (double)(v.n - 1));
    return s;
}

mlk_cv_summary mlk_cv_summarise(const mlk_cv *cv, size_t candidate, size_t m)
{
    return summarise(mlk_cv_values(cv, candidate, m));
}

mlk_cv_summary mlk_cv_summarise_train(const mlk_cv *cv, size_t candidate, size_t m)
{
    return summarise(mlk_cv_train_values(cv, candidate, m));
}

bool mlk_cv_done(const mlk_cv *cv, size_t candidate, size_t s)
{
    return mlk_cv_cell_at(cv, candidate, s)->done;
}

const char *mlk_cv_failure(const mlk_cv *cv, size_t candidate, size_t s)
{
    const mlk_cv_cell *at = mlk_cv_cell_at(cv, candidate, s);
    return at->done ? at->failure : "cancelled";
}

double mlk_cv_fit_seconds(const mlk_cv *cv, size_t candidate)
{
    double sum = 0.0;
    for (size_t s = 0; s < cv->n_splits; s++)
        sum += mlk_cv_cell_at(cv, candidate, s)->fit_seconds;
    return sum;
}

double mlk_cv_predict_seconds(const mlk_cv *cv, size_t candidate)
{
    double sum = 0.0;
    for (size_t s = 0; s < cv->n_splits; s++)
        sum += mlk_cv_cell_at(cv, candidate, s)->predict_seconds;
    return sum;
}

mlk_cvec mlk_cv_predictions(const mlk_cv *cv, size_t candidate, size_t repeat)
{
    if (repeat >= cv->kept)
        return (mlk_cvec){NULL, 0};
    return (mlk_cvec){cv->predictions + (candidate * cv->kept + repeat) * cv->rows, cv->rows};
}

mlk_cmat mlk_cv_probabilities(const mlk_cv *cv, size_t candidate, size_t repeat)
{
    const size_t k = cv->n_classes;
    bool there = repeat < cv->kept && k > 0;
    for (size_t s = 0; there && s < cv->per_repeat; s++)
        there = mlk_cv_cell_at(cv, candidate, repeat * cv->per_repeat + s)->probable;
    if (!there)
        return (mlk_cmat){NULL, 0, 0, 0};
    return (mlk_cmat){cv->probabilities + (candidate * cv->kept + repeat) * cv->rows * k, cv->rows,
                      k, k};
}

static void report_metric(const mlk_cv *cv, size_t candidate, size_t m, mlk_doc *to)
{
    const mlk_cv_summary s = mlk_cv_summarise(cv, candidate, m);
    mlk_doc_put_real(to, "mean", s.mean);
    mlk_doc_put_real(to, "sd", s.sd);
    mlk_doc_put_vec(to, "folds", mlk_cv_values(cv, candidate, m));
}

void mlk_cv_report(const mlk_cv *cv, size_t candidate, mlk_doc *to)
{
    mlk_doc_put_text(to, "scoring", cv->metrics[0]->name);
    report_metric(cv, candidate, 0, to);
    mlk_cv_report_metrics(cv, candidate, to);
}

void mlk_cv_report_metrics(const mlk_cv *cv, size_t candidate, mlk_doc *to)
{
    mlk_doc *metrics = mlk_doc_put_map(to, "metrics"), *failures = NULL;
    for (size_t m = 0; m < cv->n_metrics; m++)
        report_metric(cv, candidate, m, mlk_doc_put_map(metrics, cv->metrics[m]->name));
    for (size_t s = 0; s < cv->n_splits; s++) {
        const char *failure = mlk_cv_failure(cv, candidate, s);
        if (!failure)
            continue;
        if (!failures)
            failures = mlk_doc_put_list(to, "failures");
        mlk_doc *entry = mlk_doc_put_map(failures, NULL);
        mlk_doc_put_int(entry, "fold", (int64_t)s);
        mlk_doc_put_text(entry, "error", failure);
    }
}
