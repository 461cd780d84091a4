#include "svm/single.h"

#include <float.h>

#include "core/status.h"
#include "model/algo.h"

/* Rows of positive weight; without any of weight 0, X itself. */
static mlk_status choose_rows(single_work *w, const mlk_data *data, bool precomputed)
{
    const mlk_cmat X = data->X;
    for (size_t i = 0; i < X.rows; i++)
        if (mlk_weight(data->w, i) > 0.0) {
            w->order[w->n] = i;
            w->weights[w->n++] = mlk_weight(data->w, i);
        }
    w->X = X;
    if (w->n == X.rows)
        return MLK_OK;
    const size_t cols = precomputed ? w->n : X.cols;
    const mlk_mat copy = mlk_scratch_mat(&w->scratch, w->n, cols);
    if (w->scratch.failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu rows", w->n);
    for (size_t i = 0; i < w->n; i++)
        for (size_t j = 0; j < cols; j++)
            copy.data[i * cols + j] = X.data[w->order[i] * X.ld + (precomputed ? w->order[j] : j)];
    w->X = mlk_mat_c(copy);
    return MLK_OK;
}

mlk_status mlk_single_work_init(single_work *w, const mlk_data *data, const mlk_kernel *kernel,
                                double cache_mb, const mlk_run *run)
{
    const size_t n = data->X.rows;
    *w = (single_work){.kernel = *kernel};
    w->order = mlk_scratch_take(&w->scratch, n, sizeof *w->order);
    w->weights = mlk_scratch_vec(&w->scratch, n).data;
    w->beta = mlk_scratch_mat(&w->scratch, n, 2).data;
    w->lo = mlk_scratch_mat(&w->scratch, n, 2).data;
    w->hi = mlk_scratch_mat(&w->scratch, n, 2).data;
    w->q = mlk_scratch_mat(&w->scratch, n, 2).data;
    w->f = mlk_scratch_vec(&w->scratch, n).data;
    mlk_status st = w->scratch.failed
                        ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu variables", 2 * n)
                        : choose_rows(w, data, kernel->kind == MLK_KERNEL_PRECOMPUTED);
    if (st == MLK_OK)
        st = mlk_kernel_set_init(&w->set, kernel, w->X, run);
    if (st == MLK_OK)
        st = mlk_dual_cache_init(&w->cache, &w->set, w->n, cache_mb);
    if (st == MLK_OK)
        mlk_dual_cache_reset(&w->cache, &(dual_rows){1, {0, 0}, {w->n, 0}});
    else
        mlk_single_work_free(w);
    return st;
}

void mlk_single_work_free(single_work *w)
{
    mlk_dual_cache_free(&w->cache);
    mlk_kernel_set_free(&w->set);
    mlk_scratch_release(&w->scratch);
}

static mlk_svm_info info_of(const dual *d, size_t n_sv)
{
    return (mlk_svm_info){.machines = 1,
                          .iterations = (int64_t)d->steps,
                          .converged = d->converged,
                          .primal = d->gap - d->objective,
                          .dual = -d->objective,
                          .gap = d->gap,
                          .violation = d->violation,
                          .n_sv = n_sv,
                          .n_bounded = d->n_bounded};
}

mlk_status mlk_single_build(mlk_single *s, const single_work *w, const dual *d, double bias,
                            mlk_cmat X)
{
    size_t n_sv = 0, at = 0;
    for (size_t i = 0; i < w->n; i++)
        n_sv += dual_coefficient(d, w->n, i) != 0.0;
    *s = (mlk_single){.bias = bias, .info = info_of(d, n_sv)};
    MLK_TRY(mlk_machine_init(&s->machine, &w->kernel, X.cols, n_sv, 1, 1));
    s->support = mlk_alloc(n_sv, sizeof *s->support);
    if (!s->support) {
        mlk_single_clear(s);
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu support vectors", n_sv);
    }
    for (size_t i = 0; i < w->n; i++)
        if (dual_coefficient(d, w->n, i) != 0.0) {
            mlk_machine_set_vector(&s->machine, at, X, w->order[i]);
            s->machine.coef[at] = dual_coefficient(d, w->n, i);
            s->support[at++] = w->order[i];
        }
    mlk_machine_finish(&s->machine);
    return MLK_OK;
}

void mlk_single_clear(mlk_single *s)
{
    mlk_machine_free(&s->machine);
    mlk_free(s->support);
    s->support = NULL;
}

typedef struct output {
    double bias, *out;
} output;

static void emit(void *ctx, size_t row, const double *sums)
{
    const output *o = ctx;
    o->out[row] = sums[0] + o->bias;
}

mlk_status mlk_single_apply(const mlk_single *s, mlk_cmat X, const mlk_run *run, double *out,
                            size_t out_rows)
{
    output o = {s->bias, out};
    MLK_TRY(mlk_predict_check(X, s->machine.p, out_rows));
    return mlk_machine_apply(&s->machine, X, run, emit, &o);
}

void mlk_single_save(const mlk_single *s, mlk_doc *to)
{
    mlk_doc_put_real(to, "intercept", s->bias);
    mlk_machine_save(&s->machine, to);
}

mlk_status mlk_single_load(mlk_single *s, const mlk_doc *from, size_t n_features)
{
    *s = (mlk_single){0};
    MLK_TRY(mlk_doc_get_real(from, "intercept", -DBL_MAX, DBL_MAX, &s->bias));
    return mlk_machine_load(&s->machine, from, n_features, 1, 1);
}

void mlk_single_learned(const mlk_single *s, mlk_doc *to)
{
    const mlk_machine *m = &s->machine;
    mlk_doc_put_int(to, "n_support_vectors", (int64_t)m->n_sv);
    mlk_doc_put_vec(to, "dual_coef", (mlk_cvec){m->coef, m->n_sv});
    if (s->support)
        mlk_machine_put_rows(to, s->support, m->n_sv);
    mlk_svm_info_learned(&s->info, to);
}
