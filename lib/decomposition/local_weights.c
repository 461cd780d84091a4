#include "decomposition/local_weights.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/sort.h"
#include "core/status.h"
#include "linalg/linalg.h"

size_t local_room(size_t k, size_t p) { return k * p + k * k; }

/* C (k x p) = differences from x, G = C C'; returns tr(G). */
static double local_gram(mlk_cmat X, const double *x, const size_t *near, size_t k, double *C,
                         double *G)
{
    const size_t p = X.cols;
    double trace = 0.0;
    for (size_t a = 0; a < k; a++) {
        for (size_t j = 0; j < p; j++)
            C[a * p + j] = X.data[near[a] * X.ld + j] - x[j];
        for (size_t b = 0; b <= a; b++) {
            double sum = 0.0;
            for (size_t j = 0; j < p; j++)
                sum += C[a * p + j] * C[b * p + j];
            G[a * k + b] = G[b * k + a] = sum;
        }
        trace += G[a * k + a];
    }
    return trace;
}

/* Solve G w = 1 by the Cholesky factor, in place; G is small and well conditioned. */
static void solve_ones(double *G, size_t k, double *w)
{
    for (size_t a = 0; a < k; a++) {
        for (size_t b = 0; b <= a; b++) {
            double sum = G[a * k + b];
            for (size_t c = 0; c < b; c++)
                sum -= G[a * k + c] * G[b * k + c];
            G[a * k + b] = b < a ? sum / G[b * k + b] : sqrt(sum);
        }
        double sum = 1.0;
        for (size_t c = 0; c < a; c++)
            sum -= G[a * k + c] * w[c];
        w[a] = sum / G[a * k + a];
    }
    for (size_t a = k; a-- > 0;) {
        for (size_t c = a + 1; c < k; c++)
            w[a] -= G[c * k + a] * w[c];
        w[a] /= G[a * k + a];
    }
}

static void divide_by_sum(double *w, size_t k)
{
    double sum = 0.0;
    for (size_t a = 0; a < k; a++)
        sum += w[a];
    for (size_t a = 0; a < k; a++)
        w[a] /= sum;
}

void local_weights(mlk_cmat X, const double *x, const size_t *near, size_t k, double reg,
                   double *room, double *w)
{
    double *G = room + k * X.cols;
    const double trace = local_gram(X, x, near, k, room, G);
    /* In units of the trace, so that sizes do not matter. */
    for (size_t i = 0; trace > 0.0 && i < k * k; i++)
        G[i] /= trace;
    for (size_t a = 0; a < k; a++)
        G[a * k + a] += reg;
    solve_ones(G, k, w);
    divide_by_sum(w, k);
}

/* ------------------------------------------------------------- modified method */

typedef struct bundles {
    mlk_cmat X;
    const size_t *near;
    size_t k, positive; /* eigenvalues that need not be 0: min(k, p) */
    size_t d;           /* n_components */
    double *values;     /* n x k, descending */
    double *rho;        /* n: small eigenvalues beside the large ones */
    double eta;
    double *room; /* workers x (k p + k k) */
    size_t *count;
    double *W; /* n x k x k: eigenvectors, then the weights */
} bundles;

static double sum_of(const double *v, size_t from, size_t to)
{
    double sum = 0.0;
    for (size_t i = from; i < to; i++)
        sum += v[i];
    return sum;
}

static mlk_status local_eigen_rows(void *ctx, const mlk_chunk *c)
{
    const bundles *t = ctx;
    const size_t k = t->k, p = t->X.cols;
    double *C = t->room + c->worker * local_room(k, p), *G = C + k * p;
    for (size_t i = c->begin; i < c->end; i++) {
        double *values = t->values + i * k;
        local_gram(t->X, t->X.data + i * t->X.ld, t->near + i * k, k, C, G);
        MLK_TRY(mlk_eigh((mlk_mat){G, k, k, k}, k, (mlk_vec){values, k},
                         (mlk_mat){t->W + i * k * k, k, k, k}));
        for (size_t a = 0; a < k; a++)
            values[a] = a < t->positive ? fmax(values[a], 0.0) : 0.0;
        const double large = sum_of(values, 0, t->d);
        t->rho[i] = large > 0.0 ? sum_of(values, t->d, k) / large : 0.0;
    }
    return MLK_OK;
}

/* w = V (V'1 / (lambda + reg)), the regularised weights, from the eigenpairs of G. */
static void weights_from_pairs(const double *V, const double *values, size_t k, double *w)
{
    const double total = sum_of(values, 0, k), reg = total > 0.0 ? 1e-3 * total : 1.0;
    memset(w, 0, k * sizeof *w);
    for (size_t c = 0; c < k; c++) {
        double ones = 0.0;
        for (size_t a = 0; a < k; a++)
            ones += V[a * k + c];
        ones /= values[c] + reg;
        for (size_t a = 0; a < k; a++)
            w[a] += V[a * k + c] * ones;
    }
    divide_by_sum(w, k);
}

/* Size of the almost null space: as many of the smallest eigenvalues as stay below eta beside the
 * rest. */
static size_t null_size(const bundles *t, const double *values)
{
    const double total = sum_of(values, 0, t->k);
    size_t s = 0;
    double rest = 0.0;
    for (size_t a = t->positive; a-- > 1; s++) {
        rest += values[a];
        if (!(rest < t->eta * (total - rest)))
            break;
    }
    s += t->k - t->positive;
    return s ? s : 1;
}

/* W (k x s) = V_s - 2 (V_s h) h' + (1 - alpha) w, V_s the last s eigenvectors. */
static void make_bundle(double *V, size_t k, size_t s, const double *w, double *h, double *along,
                        double *out)
{
    const double *Vs = V + (k - s);
    double squares = 0.0, norm = 0.0;
    for (size_t c = 0; c < s; c++) {
        h[c] = 0.0;
        for (size_t a = 0; a < k; a++)
            h[c] += Vs[a * k + c];
        squares += h[c] * h[c];
    }
    const double alpha = sqrt(squares / (double)s);
    for (size_t c = 0; c < s; c++) {
        h[c] = alpha - h[c];
        norm += h[c] * h[c];
    }
    norm = sqrt(norm);
    for (size_t c = 0; c < s; c++)
        h[c] = norm < 1e-12 ? 0.0 : h[c] / norm;
    for (size_t a = 0; a < k; a++) {
        along[a] = 0.0;
        for (size_t c = 0; c < s; c++)
            along[a] += Vs[a * k + c] * h[c];
    }
    for (size_t a = 0; a < k; a++)
        for (size_t c = 0; c < s; c++)
            out[a * k + c] = Vs[a * k + c] - 2.0 * along[a] * h[c] + (1.0 - alpha) * w[a];
    memcpy(V, out, k * k * sizeof *V);
}

static mlk_status bundle_rows(void *ctx, const mlk_chunk *c)
{
    const bundles *t = ctx;
    const size_t k = t->k;
    double *w = t->room + c->worker * (local_room(k, t->X.cols) + 3 * k), *h = w + k;
    double *along = h + k, *out = along + k;
    for (size_t i = c->begin; i < c->end; i++) {
        double *V = t->W + i * k * k;
        weights_from_pairs(V, t->values + i * k, k, w);
        t->count[i] = null_size(t, t->values + i * k);
        memset(out, 0, k * k * sizeof *out);
        make_bundle(V, k, t->count[i], w, h, along, out);
    }
    return MLK_OK;
}

mlk_status local_bundles(mlk_cmat X, const size_t *near, size_t k, size_t n_components,
                         const mlk_run *run, size_t *count, double *W)
{
    enum { ROWS = 64 };
    const size_t n = X.rows;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    bundles t = {.X = X, .near = near, .k = k, .d = n_components, .count = count, .W = W};
    t.positive = k < X.cols ? k : X.cols;
    t.values = mlk_scratch_mat(&scratch, n, k).data;
    t.rho = mlk_scratch_vec(&scratch, n).data;
    t.room =
        mlk_scratch_mat(&scratch, mlk_workers(run, n, ROWS), local_room(k, X.cols) + 3 * k).data;
    mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu neighbourhoods", n)
                                   : mlk_parallel_for(run, n, ROWS, local_eigen_rows, &t);
    if (st == MLK_OK) {
        t.eta = mlk_quantile(t.rho, n, 0.5);
        st = mlk_parallel_for(run, n, ROWS, bundle_rows, &t);
    }
    mlk_scratch_release(&scratch);
    return st;
}
