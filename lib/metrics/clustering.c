#include "metrics/work.h"

#include <math.h>
#include <string.h>

#include "core/rng.h"
#include "core/simd.h"
#include "core/sort.h"

/* ---------------------------------------------------------------- labels */

/* Labels become 0..k-1 in ascending order, rows of weight 0 aside (SIZE_MAX). */
static mlk_status dense_labels(const mlk_predictions *p, mlk_cvec label, size_t *order,
                               size_t *dense, size_t *k)
{
    double last = (double)NAN;
    *k = 0;
    MLK_TRY(mlk_argsort(label.data, label.n, order));
    for (size_t i = 0; i < label.n; i++) {
        const size_t row = order[i];
        if (mlk_row_weight(p, row) == 0.0) {
            dense[row] = SIZE_MAX;
            continue;
        }
        *k += *k == 0 || label.data[row] != last;
        last = label.data[row];
        dense[row] = *k - 1;
    }
    return MLK_OK;
}

/* ----------------------------------------------------------------- points */

/* Rows of positive weight, sorted by cluster, centred, one column of X after the other. */
typedef struct points {
    size_t n, cols, k;
    size_t *row;      /* n: the row of X */
    size_t *start;    /* k + 1: where each cluster begins */
    double *w, *size; /* n weights; k sums of them */
    mlk_mat T;        /* cols x n */
    double *mean;     /* k x cols centroids */
    double *value;    /* n silhouettes */
} points;

static mlk_status sort_points(const mlk_predictions *p, mlk_scratch *s, points *out)
{
    const size_t n = p->predicted.n, cols = p->X.cols;
    size_t *order = mlk_scratch_take(s, n, sizeof *order);
    size_t *dense = mlk_scratch_take(s, n, sizeof *dense);
    out->row = mlk_scratch_take(s, n, sizeof *out->row);
    out->w = mlk_scratch_vec(s, n).data;
    out->value = mlk_scratch_vec(s, n).data;
    out->T = mlk_scratch_mat(s, cols, n);
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu x %zu points", n, cols);
    MLK_TRY(dense_labels(p, p->predicted, order, dense, &out->k));
    out->cols = cols;
    out->start = mlk_scratch_take(s, out->k + 1, sizeof *out->start);
    out->size = mlk_scratch_take(s, out->k + 1, sizeof *out->size);
    out->mean = mlk_scratch_mat(s, out->k, cols).data;
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu clusters", out->k);

    out->n = 0;
    for (size_t i = 0, c = 0; i < n; i++) {
        const size_t row = order[i];
        if (dense[row] == SIZE_MAX)
            continue;
        if (out->n == 0 || dense[row] != dense[out->row[out->n - 1]])
            out->size[c] = 0.0, out->start[c++] = out->n;
        out->row[out->n] = row;
        out->w[out->n++] = mlk_row_weight(p, row);
        out->size[c - 1] += mlk_row_weight(p, row);
    }
    out->start[out->k] = out->n;
    for (size_t j = 0; j < cols; j++)
        for (size_t i = 0; i < out->n; i++)
            out->T.data[j * out->T.ld + i] = p->X.data[out->row[i] * p->X.ld + j];
    return MLK_OK;
}

MLK_SIMD_TILES static void add_squares(const double *x, double from, size_t n, double *d)
{
    for (size_t j = 0; j < n; j++)
        d[j] += (x[j] - from) * (x[j] - from);
}

MLK_SIMD_TILES static double weighted_roots(const double *d, const double *w, size_t n)
{
    double a[8] = {0};
    size_t j = 0;
    for (; j + 8 <= n; j += 8)
        for (size_t t = 0; t < 8; t++)
            a[t] += w[j + t] * sqrt(d[j + t]);
    for (; j < n; j++)
        a[0] += w[j] * sqrt(d[j]);
    return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

enum { BLOCK = 512 };

/* Sums of distances from point i to each cluster, block by block of the points. */
static void distances_to_clusters(const points *p, size_t i, double *sum)
{
    double d[BLOCK];
    for (size_t c = 0; c < p->k; c++) {
        sum[c] = 0.0;
        for (size_t b = p->start[c]; b < p->start[c + 1]; b += BLOCK) {
            const size_t m = p->start[c + 1] - b < BLOCK ? p->start[c + 1] - b : BLOCK;
            memset(d, 0, m * sizeof d[0]);
            for (size_t j = 0; j < p->cols; j++)
                add_squares(p->T.data + j * p->T.ld + b, p->T.data[j * p->T.ld + i], m, d);
            sum[c] += weighted_roots(d, p->w + b, m);
        }
    }
}

typedef struct silhouette_job {
    const points *p;
    const size_t *place; /* which points; NULL: all */
    double *sums;        /* k per worker */
} silhouette_job;

static size_t cluster_of(const points *p, size_t i)
{
    size_t lo = 0, hi = p->k;
    while (hi - lo > 1) {
        const size_t mid = lo + (hi - lo) / 2;
        *(p->start[mid] <= i ? &lo : &hi) = mid;
    }
    return lo;
}

static double silhouette_of(const points *p, size_t i, double *sum)
{
    const size_t own = cluster_of(p, i);
    if (!(p->size[own] > 1.0))
        return 0.0;
    distances_to_clusters(p, i, sum);
    double other = (double)INFINITY;
    for (size_t c = 0; c < p->k; c++)
        if (c != own)
            other = fmin(other, sum[c] / p->size[c]);
    const double within = sum[own] / (p->size[own] - 1.0), most = fmax(within, other);
    return most > 0.0 ? (other - within) / most : 0.0;
}

static mlk_status silhouette_body(void *ctx, const mlk_chunk *chunk)
{
    const silhouette_job *job = ctx;
    for (size_t j = chunk->begin; j < chunk->end; j++) {
        const size_t i = job->place ? job->place[j] : j;
        job->p->value[i] = silhouette_of(job->p, i, job->sums + chunk->worker * job->p->k);
    }
    return MLK_OK;
}

/* Silhouettes of the m points at these places, each against all others. */
static mlk_status silhouettes(const points *p, const size_t *place, size_t m, const mlk_run *run,
                              mlk_scratch *s)
{
    const size_t grain = mlk_grain(p->n * (p->cols + 4), 4000000);
    silhouette_job job = {p, place, NULL};
    job.sums = mlk_scratch_take(s, mlk_workers(run, m, grain), p->k * sizeof(double));
    if (!job.sums)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the silhouettes of %zu points", m);
    return mlk_parallel_for(run, m, grain, silhouette_body, &job);
}

/* Distances that a mean silhouette may cost; beyond, a random sample of the points stands for all
 * (each still against all others). */
static const double most_distances = 4e8;

static mlk_status mean_silhouette(const points *p, const mlk_run *run, mlk_scratch *s, geometry *g)
{
    const double n = (double)p->n;
    double sum = 0.0, weights = 0.0;
    size_t *place = NULL;
    g->judged = n * n <= most_distances ? p->n : (size_t)(most_distances / n) + 1;
    if (g->judged < p->n) {
        mlk_rng rng = mlk_rng_stream(0, p->n);
        place = mlk_scratch_take(s, p->n, sizeof *place);
        if (!place)
            return MLK_FAIL(MLK_ENOMEM, "no memory for a sample of %zu points", p->n);
        mlk_rng_sample(&rng, place, p->n, g->judged);
    }
    MLK_TRY(silhouettes(p, place, g->judged, run, s));
    for (size_t j = 0; j < g->judged; j++) {
        const size_t i = place ? place[j] : j;
        sum += p->w[i] * p->value[i];
        weights += p->w[i];
    }
    g->silhouette = sum / weights;
    return MLK_OK;
}

/* Centroids; returns the sum of squared distances to them, and with `about` (k values) the mean
 * distance in each cluster. */
static double scatter(const points *p, double *about)
{
    double squares = 0.0;
    for (size_t c = 0; c < p->k; c++) {
        double *m = p->mean + c * p->cols;
        for (size_t j = 0; j < p->cols; j++) {
            m[j] = 0.0;
            for (size_t i = p->start[c]; i < p->start[c + 1]; i++)
                m[j] += p->w[i] * p->T.data[j * p->T.ld + i];
            m[j] /= p->size[c];
        }
        about[c] = 0.0;
        for (size_t i = p->start[c]; i < p->start[c + 1]; i++) {
            double d = 0.0;
            for (size_t j = 0; j < p->cols; j++) {
                const double e = p->T.data[j * p->T.ld + i] - m[j];
                d += e * e;
            }
            squares += p->w[i] * d;
            about[c] += p->w[i] * sqrt(d) / p->size[c];
        }
    }
    return squares;
}

static double distance(const double *a, const double *b, size_t n)
{
    double d = 0.0;
    for (size_t j = 0; j < n; j++)
        d += (a[j] - b[j]) * (a[j] - b[j]);
    return sqrt(d);
}

/* Mean over clusters of the largest (s_c + s_d) / |m_c - m_d|; inf where centroids coincide. */
static double davies_bouldin(const points *p, const double *about)
{
    double sum = 0.0;
    for (size_t c = 0; c < p->k; c++) {
        double worst = 0.0;
        for (size_t d = 0; d < p->k; d++) {
            if (d == c)
                continue;
            const double apart = distance(p->mean + c * p->cols, p->mean + d * p->cols, p->cols);
            const double spread = about[c] + about[d];
            worst = fmax(worst, apart > 0.0 ? spread / apart : (double)INFINITY);
        }
        sum += worst;
    }
    return sum / (double)p->k;
}

/* Sum of squares between: of the centroids about the mean of all. */
static double between(const points *p, double n)
{
    double sum = 0.0;
    for (size_t j = 0; j < p->cols; j++) {
        double mean = 0.0;
        for (size_t c = 0; c < p->k; c++)
            mean += p->size[c] / n * p->mean[c * p->cols + j];
        for (size_t c = 0; c < p->k; c++) {
            const double d = p->mean[c * p->cols + j] - mean;
            sum += p->size[c] * d * d;
        }
    }
    return sum;
}

static bool judgeable(const geometry *g) { return g->k >= 2 && (double)g->k < g->n; }

mlk_status mlk_work_points(work *k)
{
    points p = {0};
    geometry *g = &k->geometry;
    MLK_TRY(sort_points(k->p, &k->scratch, &p));
    g->k = p.k;
    g->n = k->total;
    if (!judgeable(g))
        return MLK_OK;
    double *about = mlk_scratch_vec(&k->scratch, p.k).data;
    if (!about)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu clusters", p.k);
    const double within = scatter(&p, about);
    g->davies_bouldin = davies_bouldin(&p, about);
    g->calinski_harabasz = between(&p, g->n) / within * (g->n - (double)p.k) / ((double)p.k - 1.0);
    g->points = p.n;
    return mean_silhouette(&p, k->run, &k->scratch, g);
}

mlk_status mlk_silhouette_samples(const mlk_predictions *p, const mlk_run *run, mlk_vec out)
{
    mlk_scratch s = MLK_SCRATCH_INIT;
    points pts = {0};
    mlk_status st = mlk_predictions_check(p, MLK_NEEDS_POINTS | MLK_NEEDS_PREDICTED);
    if (st == MLK_OK && out.n != p->X.rows)
        st = MLK_FAIL(MLK_EINVAL, "out has %zu values; expected %zu", out.n, p->X.rows);
    if (st == MLK_OK)
        st = sort_points(p, &s, &pts);
    if (st == MLK_OK && pts.k < 2)
        st = MLK_FAIL(MLK_EINVAL, "%zu cluster; silhouettes need 2 or more", pts.k);
    if (st == MLK_OK)
        st = silhouettes(&pts, NULL, pts.n, run, &s);
    if (st == MLK_OK) {
        for (size_t i = 0; i < out.n; i++)
            out.data[i] = 0.0;
        for (size_t i = 0; i < pts.n; i++)
            out.data[pts.row[i]] = pts.value[i];
    }
    mlk_scratch_release(&s);
    return st;
}

static double few(const geometry *g, const mlk_note *note)
{
    return mlk_undefined(note, "%zu clusters of %g rows; defined for 2 to n - 1", g->k, g->n);
}

double mlk_of_silhouette(const work *k, const mlk_note *note)
{
    const geometry *g = &k->geometry;
    if (!judgeable(g))
        return few(g, note);
    if (g->judged < g->points)
        mlk_note_set(note, "the mean of %zu rows drawn at random from %zu", g->judged, g->points);
    return g->silhouette;
}

double mlk_of_davies_bouldin(const work *k, const mlk_note *note)
{
    if (!judgeable(&k->geometry))
        return few(&k->geometry, note);
    return isfinite(k->geometry.davies_bouldin)
               ? k->geometry.davies_bouldin
               : mlk_undefined(note, "two clusters have the same centroid");
}

double mlk_of_calinski_harabasz(const work *k, const mlk_note *note)
{
    if (!judgeable(&k->geometry))
        return few(&k->geometry, note);
    return isfinite(k->geometry.calinski_harabasz)
               ? k->geometry.calinski_harabasz
               : mlk_undefined(note, "all points equal their centroids");
}

/* -------------------------------------------------------------- partition */

/* Contingency table of two partitions by its cells that are not empty. */
typedef struct contingency {
    size_t rows, cols, cells;
    double *row, *col; /* margins */
    size_t *cell_row, *cell_col;
    double *count;
    double total;
} contingency;

/* Sort the rows by (truth, cluster), stable in both, and count the runs. */
static mlk_status tabulate(const work *k, mlk_scratch *s, contingency *t)
{
    const size_t n = k->n;
    size_t *order = mlk_scratch_take(s, n, sizeof *order);
    size_t *a = mlk_scratch_take(s, n, sizeof *a), *b = mlk_scratch_take(s, n, sizeof *b);
    double *key = mlk_scratch_vec(s, n).data;
    t->cell_row = mlk_scratch_take(s, n, sizeof *t->cell_row);
    t->cell_col = mlk_scratch_take(s, n, sizeof *t->cell_col);
    t->count = mlk_scratch_vec(s, n).data;
    t->row = mlk_scratch_vec(s, n).data;
    t->col = mlk_scratch_vec(s, n).data;
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a table of %zu rows", n);
    MLK_TRY(dense_labels(k->p, k->p->truth, order, a, &t->rows));
    MLK_TRY(dense_labels(k->p, k->p->predicted, order, b, &t->cols));
    memset(t->row, 0, n * sizeof t->row[0]);
    memset(t->col, 0, n * sizeof t->col[0]);
    for (size_t i = 0; i < n; i++) /* rows x cols <= n^2 is exact in a double below 2^26 rows */
        key[i] =
            a[i] == SIZE_MAX ? (double)INFINITY : (double)a[i] * (double)t->cols + (double)b[i];
    MLK_TRY(mlk_argsort(key, n, order));
    t->cells = 0;
    for (size_t i = 0; i < n && a[order[i]] != SIZE_MAX; i++) {
        const size_t row = order[i];
        const double w = mlk_row_weight(k->p, row);
        if (t->cells == 0 || a[row] != t->cell_row[t->cells - 1] ||
            b[row] != t->cell_col[t->cells - 1]) {
            t->cell_row[t->cells] = a[row];
            t->cell_col[t->cells] = b[row];
            t->count[t->cells++] = 0.0;
        }
        t->count[t->cells - 1] += w;
        t->row[a[row]] += w;
        t->col[b[row]] += w;
    }
    t->total = k->total;
    return MLK_OK;
}

static double entropy(const double *count, size_t k, double total)
{
    double h = 0.0;
    for (size_t j = 0; j < k; j++)
        h -= count[j] / total * log(count[j] / total);
    return k > 1 ? h : 0.0;
}

static double mutual_information(const contingency *t)
{
    double sum = 0.0;
    for (size_t c = 0; c < t->cells; c++)
        sum += t->count[c] / t->total *
               log(t->count[c] / t->row[t->cell_row[c]] * (t->total / t->col[t->cell_col[c]]));
    return fmax(sum, 0.0);
}

static double pairs(double n) { return 0.5 * n * (n - 1.0); }

static double rand_adjusted(const contingency *t)
{
    double both = 0.0, rows = 0.0, cols = 0.0;
    for (size_t c = 0; c < t->cells; c++)
        both += pairs(t->count[c]);
    for (size_t j = 0; j < t->rows; j++)
        rows += pairs(t->row[j]);
    for (size_t j = 0; j < t->cols; j++)
        cols += pairs(t->col[j]);
    const double chance = rows / pairs(t->total) * cols, most = 0.5 * (rows + cols);
    return (both - chance) / (most - chance);
}

/* log n! for n = 0..total, by a running sum with its error carried along. */
static void log_factorials(double *f, size_t n)
{
    double error = 0.0;
    f[0] = 0.0;
    for (size_t i = 1; i <= n; i++) {
        const double term = log((double)i) - error, next = f[i - 1] + term;
        error = (next - f[i - 1]) - term;
        f[i] = next;
    }
}

/* One margin pair's share of the expected mutual information (Vinh et al. 2010, equation 24a). */
static double expected_cell(size_t a, size_t b, size_t N, const double *f)
{
    double sum = 0.0;
    const size_t least = a + b > N ? a + b - N : 1, most = a < b ? a : b;
    for (size_t m = least ? least : 1; m <= most; m++) {
        const double logp = f[a] + f[b] + f[N - a] + f[N - b] - f[N] - f[m] - f[a - m] - f[b - m] -
                            f[N - a - b + m];
        sum += (double)m / (double)N * log((double)N / (double)a * ((double)m / (double)b)) *
               exp(logp);
    }
    return sum;
}

/* Margins of equal size share their terms: sort, and count repeats. */
static size_t runs(double *v, size_t n, double *times)
{
    size_t k = 0;
    mlk_sort(v, n);
    for (size_t i = 0; i < n; i++) {
        if (k && v[k - 1] == v[i]) {
            times[k - 1] += 1.0;
        } else {
            v[k] = v[i];
            times[k++] = 1.0;
        }
    }
    return k;
}

static mlk_status expected_information(const work *k, mlk_scratch *s, contingency *t, double *out)
{
    const size_t N = (size_t)t->total;
    double *f = mlk_scratch_take(s, N + 1, sizeof *f);
    double *times_row = mlk_scratch_vec(s, t->rows).data;
    double *times_col = mlk_scratch_vec(s, t->cols).data;
    if (s->failed)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the chance level of %zu rows", N);
    log_factorials(f, N);
    const size_t rows = runs(t->row, t->rows, times_row), cols = runs(t->col, t->cols, times_col);
    *out = 0.0;
    for (size_t i = 0; i < rows; i++) {
        MLK_TRY(mlk_run_poll(k->run, -1.0));
        for (size_t j = 0; j < cols; j++)
            *out += times_row[i] * times_col[j] *
                    expected_cell((size_t)t->row[i], (size_t)t->col[j], N, f);
    }
    return MLK_OK;
}

static bool whole_weights(const mlk_predictions *p)
{
    for (size_t i = 0; i < p->w.n; i++)
        if (p->w.data[i] != floor(p->w.data[i]))
            return false;
    return true;
}

/* Both partitions are one cluster, or all clusters are single rows: a perfect match, though the
 * ratios are 0/0. */
static bool trivial_match(const contingency *t)
{
    const bool one = t->rows == 1 && t->cols == 1;
    const bool single = (double)t->rows == t->total && (double)t->cols == t->total;
    return one || single;
}

mlk_status mlk_work_partition(work *k)
{
    partition *out = &k->partition;
    contingency t = {0};
    MLK_TRY(tabulate(k, &k->scratch, &t));
    const double h_truth = entropy(t.row, t.rows, t.total), h = entropy(t.col, t.cols, t.total);
    const double mi = mutual_information(&t), mean = 0.5 * (h_truth + h);
    const bool match = trivial_match(&t);
    out->homogeneity = h_truth > 0.0 ? fmin(mi / h_truth, 1.0) : 1.0;
    out->completeness = h > 0.0 ? fmin(mi / h, 1.0) : 1.0;
    out->nmi = match ? 1.0 : mean > 0.0 ? fmin(mi / mean, 1.0) : 1.0;
    out->ari = match ? 1.0 : rand_adjusted(&t);
    out->counts = whole_weights(k->p) && t.total < 0x1p40;
    out->ami = 1.0;
    if (match || !out->counts)
        return MLK_OK;
    double chance = 0.0;
    MLK_TRY(expected_information(k, &k->scratch, &t, &chance));
    out->ami = mean - chance != 0.0 ? (mi - chance) / (mean - chance) : 0.0;
    return MLK_OK;
}

double mlk_of_ari(const work *k, const mlk_note *note)
{
    return isnan(k->partition.ari) ? mlk_undefined(note, "the index is 0/0") : k->partition.ari;
}

double mlk_of_nmi(const work *k, const mlk_note *note)
{
    (void)note;
    return k->partition.nmi;
}

double mlk_of_ami(const work *k, const mlk_note *note)
{
    return k->partition.counts ? k->partition.ami
                               : mlk_undefined(note, "the weights are not whole numbers");
}

double mlk_of_homogeneity(const work *k, const mlk_note *note)
{
    (void)note;
    return k->partition.homogeneity;
}

double mlk_of_completeness(const work *k, const mlk_note *note)
{
    (void)note;
    return k->partition.completeness;
}

double mlk_of_v_measure(const work *k, const mlk_note *note)
{
    (void)note;
    const double h = k->partition.homogeneity, c = k->partition.completeness;
    return h + c > 0.0 ? 2.0 * h * c / (h + c) : 0.0;
}
