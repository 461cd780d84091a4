#include <float.h>
#include <math.h>
#include <string.h>

#include "core/status.h"
#include "linalg/linalg.h"
#include "linear/logistic_solve.h"

/* The component of least size in g + l1 d|theta|. */
static double subgradient(double theta, double g, double l1)
{
    if (theta != 0.0)
        return g + copysign(l1, theta);
    return g > l1 ? g - l1 : g < -l1 ? g + l1 : 0.0;
}

double logistic_violation(const logistic_problem *p, const double *theta, const double *g)
{
    double worst = 0.0;
    for (size_t j = 0; j < logistic_size(p); j++)
        worst = fmax(worst, fabs(subgradient(theta[j], g[j], p->l1[j % p->q])));
    return worst;
}

/* Largest gradient of a free intercept, as a share of the weight of all rows. */
static double imbalance(const logistic_problem *p, const double *g)
{
    double total = 0.0, worst = 0.0;
    for (size_t i = 0; i < p->X.rows; i++)
        total += p->c[i];
    for (size_t a = 0; a < p->k; a++)
        worst = fmax(worst, fabs(g[a * p->q + p->q - 1]));
    return worst / total;
}

/* The Hessian of the intercepts alone, made regular: a common shift of all changes nothing. */
static void intercept_hessian(const logistic_problem *p, mlk_mat H)
{
    const size_t k = p->k, n = p->X.rows;
    for (size_t a = 0; a < k; a++)
        for (size_t b = 0; b <= a; b++) {
            const double *pa = p->curvature + a * n, *pb = p->curvature + b * n;
            double sum = 0.0;
            for (size_t i = 0; i < n; i++)
                sum += k == 1 ? pa[i] : p->c[i] * pa[i] * (a == b ? 1.0 - pa[i] : -pb[i]);
            H.data[a * k + b] = H.data[b * k + a] = sum;
        }
    const double mean = k > 1 ? H.data[0] : 0.0;
    for (size_t j = 0; j < k * k; j++)
        H.data[j] += mean;
}

/* Newton's method on the intercepts alone, until their gradient is lost in rounding; where the
 * Hessian is singular or a step gains nothing, what is reached stays. trial, g: k q values. */
static mlk_status balance(logistic_problem *p, double *theta, logistic_end *end, mlk_mat H,
                          mlk_vec d, double *trial, double *g)
{
    enum { STEPS = 10 };
    const size_t k = p->k, q = p->q, last = q - 1;
    const double rounding = 1e-14;
    for (int step = 0; step < STEPS && imbalance(p, end->g) > rounding; step++) {
        intercept_hessian(p, H);
        const mlk_status st = mlk_chol(H, NULL);
        if (st == MLK_ESINGULAR)
            return MLK_OK;
        MLK_TRY(st);
        memcpy(trial, theta, k * q * sizeof *trial);
        for (size_t a = 0; a < k; a++)
            d.data[a] = -end->g[a * q + last];
        mlk_chol_solve(mlk_mat_c(H), (mlk_mat){d.data, k, 1, 1});
        for (size_t a = 0; a < k; a++)
            trial[a * q + last] += d.data[a];
        double f;
        MLK_TRY(logistic_eval(p, trial, &f, g));
        if (!(imbalance(p, g) < imbalance(p, end->g)))
            return MLK_OK;
        memcpy(theta, trial, k * q * sizeof *theta);
        memcpy(end->g, g, k * q * sizeof *g);
        end->f = f;
    }
    return MLK_OK;
}

static mlk_status balance_intercepts(logistic_problem *p, double *theta, logistic_end *end)
{
    const size_t size = logistic_size(p);
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    const mlk_mat H = mlk_scratch_mat(&scratch, p->k, p->k);
    const mlk_vec d = mlk_scratch_vec(&scratch, p->k);
    double *trial = mlk_scratch_vec(&scratch, size).data, *g = mlk_scratch_vec(&scratch, size).data;
    const mlk_status st = scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", size)
                                         : balance(p, theta, end, H, d, trial, g);
    mlk_scratch_release(&scratch);
    return st;
}

/* Gap (2); f is the smooth part of the objective. */
static double gap(const logistic_problem *p, const double *theta, double f, const double *g)
{
    const size_t size = logistic_size(p);
    double rho = 1.0, loss = f, sum = 0.0;
    for (size_t j = 0; j < size; j++) {
        const double l1 = p->l1[j % p->q], l2 = p->l2[j % p->q], v = g[j] - l2 * theta[j];
        loss -= 0.5 * l2 * theta[j] * theta[j];
        if (l2 == 0.0 && l1 > 0.0 && rho * fabs(v) > l1)
            rho = l1 / fabs(v);
    }
    for (size_t j = 0; j < size; j++) {
        const double l1 = p->l1[j % p->q], l2 = p->l2[j % p->q], w = theta[j];
        const double v = rho * (g[j] - l2 * w), over = fmax(fabs(v) - l1, 0.0);
        if (l1 == 0.0 && l2 > 0.0) /* a square: no cancellation */
            sum += 0.5 * (l2 * w + v) * (l2 * w + v) / l2;
        else if (l1 > 0.0)
            sum += l1 * fabs(w) + v * w + (l2 > 0.0 ? 0.5 * (l2 * w * w + over * over / l2) : 0.0);
    }
    return fmax((1.0 - rho) * loss + sum, 0.0);
}

/* Is each component as small as rounding lets it be? Residuals carry the rounding of their scores:
 * with |theta| large, they are no better than epsilon sum_j |x_ij theta_j|. */
static mlk_status at_rounding(const logistic_problem *p, const double *theta, const double *g,
                              double tol, bool *yes)
{
    const size_t m = p->X.cols, q = p->q;
    mlk_scratch scratch = MLK_SCRATCH_INIT;
    double *noise = mlk_scratch_vec(&scratch, m + 1).data; /* the intercept's last */
    *yes = true;
    for (size_t a = 0; !scratch.failed && *yes && a < p->k; a++) {
        memset(noise, 0, (m + 1) * sizeof *noise);
        for (size_t i = 0; i < p->X.rows; i++) {
            const double *x = p->X.data + i * p->X.ld;
            double score = 1.0;
            for (size_t j = 0; j < m; j++)
                score += fabs(x[j] * theta[a * q + j]);
            for (size_t j = 0; j < m; j++)
                noise[j] += p->c[i] * fabs(x[j]) * score;
            noise[m] += p->c[i] * score;
        }
        for (size_t j = 0; j < q; j++) {
            const double v = fabs(subgradient(theta[a * q + j], g[a * q + j], p->l1[j]));
            *yes = *yes && v <= fmax(tol, 4.0 * DBL_EPSILON * noise[j]);
        }
    }
    const bool failed = scratch.failed;
    mlk_scratch_release(&scratch);
    return failed ? MLK_FAIL(MLK_ENOMEM, "no memory for %zu weights", q) : MLK_OK;
}

/* Of the equivalent minimisers, that in which weights without a penalty sum to 0 over classes. */
static void centre_classes(const logistic_problem *p, double *theta)
{
    for (size_t j = 0; p->k > 1 && j < p->q; j++) {
        double mean = 0.0;
        if (p->l1[j] > 0.0 || p->l2[j] > 0.0)
            continue;
        for (size_t a = 0; a < p->k; a++)
            mean += theta[a * p->q + j] / (double)p->k;
        for (size_t a = 0; a < p->k; a++)
            theta[a * p->q + j] -= mean;
    }
}

mlk_status logistic_certify(logistic_problem *p, double tol, double *theta, logistic_end *end,
                            mlk_fit_info *info)
{
    const bool free_intercept = p->intercept && p->l2[p->q - 1] == 0.0 && p->l1[p->q - 1] == 0.0;
    double penalty = 0.0;
    if (p->penalised && free_intercept)
        MLK_TRY(balance_intercepts(p, theta, end));
    centre_classes(p, theta);
    for (size_t j = 0; j < logistic_size(p); j++)
        penalty += p->l1[j % p->q] * fabs(theta[j]);
    *info = mlk_fit_info_none();
    info->iterations = (int64_t)end->iterations;
    info->objective = end->f + penalty;
    info->kkt_violation = logistic_violation(p, theta, end->g);
    if (p->penalised)
        info->duality_gap = gap(p, theta, end->f, end->g);
    if (!end->separated)
        end->converged = info->kkt_violation <= tol;
    if (!end->converged && end->stalled)
        MLK_TRY(at_rounding(p, theta, end->g, tol, &end->converged));
    if (end->separated && !p->penalised)
        end->converged = false;
    info->converged = end->converged;
    return MLK_OK;
}
