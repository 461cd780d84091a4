#include "metrics/work.h"

#include <math.h>

#include "core/sort.h"

/*
 * All ranking metrics of one class come from its scores, sorted once. Rows are visited in groups of
 * equal scores, so ties count one half and the order of rows does not matter.
 *
 * Influences: phi_i is the derivative of the statistic with respect to the weight of row i, times
 * that weight. For the AUC it is DeLong's structural component of the row, centred and divided by
 * the size of its class; an average of AUCs has the average of their influences.
 */

/* The rows by the score of one class, ascending; classes and weights beside them, so that the
 * passes read memory in order. */
typedef struct ranks {
    const work *k;
    size_t n;
    uint32_t c;      /* the class that should score high */
    size_t *order;   /* n rows */
    double *score;   /* n */
    uint32_t *label; /* n */
    double *w;       /* n; NULL: all 1 */
} ranks;

static uint32_t class_of(const work *k, size_t i) { return (uint32_t)k->p->truth.data[i]; }
static double weight_at(const ranks *r, size_t i) { return r->w ? r->w[i] : 1.0; }

/* Places i.. that have the same score: weights of the class and of the rest; returns their end. */
static size_t group(const ranks *r, size_t i, double *pos, double *neg)
{
    const double s = r->score[i];
    *pos = *neg = 0.0;
    for (; i < r->n && r->score[i] == s; i++)
        *(r->label[i] == r->c ? pos : neg) += weight_at(r, i);
    return i;
}

/* AUC of the class against the rest; its influences times `share` are added to phi. */
static double auc_of(const ranks *r, double pos, double neg, double share, double *phi)
{
    double sum = 0.0, below_pos = 0.0, below_neg = 0.0, p, q;
    for (size_t i = 0, end; i < r->n; i = end) {
        end = group(r, i, &p, &q);
        const double up = (below_neg + 0.5 * q) / neg, down = (pos - below_pos - 0.5 * p) / pos;
        sum += p * (below_neg + 0.5 * q);
        for (size_t j = i; phi && j < end; j++)
            phi[r->order[j]] +=
                share * weight_at(r, j) * (r->label[j] == r->c ? up / pos : down / neg);
        below_pos += p;
        below_neg += q;
    }
    const double auc = fmin(sum / pos / neg, 1.0);
    for (size_t i = 0; phi && i < r->n; i++)
        phi[r->order[i]] -= share * auc * weight_at(r, i) / (r->label[i] == r->c ? pos : neg);
    return auc;
}

/* Average precision = sum of w P over the class's rows / pos, P the precision at their score. */
static double ap_of(const ranks *r, double pos)
{
    double sum = 0.0, above_pos = 0.0, above = 0.0;
    for (size_t i = r->n; i > 0;) {
        const double s = r->score[i - 1];
        double p = 0.0;
        for (; i > 0 && r->score[i - 1] == s; i--) {
            const double w = weight_at(r, i - 1);
            p += r->label[i - 1] == r->c ? w : 0.0;
            above += w;
        }
        above_pos += p;
        if (p > 0.0)
            sum += p * (above_pos / above);
    }
    return sum / pos;
}

/* With T and N the weights of the class and of all rows at or above a row's score, P = T / N:
 *   phi_j = w_j / pos * ([j positive] (P_j - ap) + sum over positive i no higher than j of
 *           w_i ([j positive] - P_i) / N_i). */
static void ap_influences(const ranks *r, double pos, double ap, double share, double *phi)
{
    double T = pos, N = r->k->total, gain = 0.0, loss = 0.0, p, q;
    for (size_t i = 0, end; i < r->n; i = end) {
        end = group(r, i, &p, &q);
        const double P = p + q > 0.0 ? fmin(fmax(T / N, 0.0), 1.0) : 0.0;
        if (p > 0.0) {
            gain += p * (1.0 - P) / N;
            loss += p * P / N;
        }
        for (size_t j = i; j < end; j++)
            phi[r->order[j]] +=
                share * weight_at(r, j) / pos * (r->label[j] == r->c ? P - ap + gain : -loss);
        T -= p;
        N -= p + q;
    }
}

/* Mean over the other classes d of the AUC of class c against d by the scores of c. auc, below and
 * here have n_classes places each; influences times `share` a pair are added to phi. */
static double ovo_of(const ranks *r, double share, double *auc, double *below, double *here,
                     double *phi)
{
    const size_t K = r->k->p->n_classes;
    const uint32_t c = r->c;
    const double *W = r->k->rank.class_weight;
    for (size_t d = 0; d < K; d++)
        below[d] = auc[d] = here[d] = 0.0;
    for (size_t i = 0, end; i < r->n; i = end) {
        for (end = i; end < r->n && r->score[end] == r->score[i]; end++)
            here[r->label[end]] += weight_at(r, end);
        double up = 0.0; /* sum over d of a row of class c's component */
        for (size_t d = 0; here[c] > 0.0 && d < K; d++) {
            if (d == c)
                continue;
            const double v = (below[d] + 0.5 * here[d]) / W[d];
            auc[d] += here[c] / W[c] * v;
            up += v;
        }
        const double down = (W[c] - below[c] - 0.5 * here[c]) / W[c];
        for (size_t j = i; phi && j < end; j++) {
            const uint32_t d = r->label[j];
            phi[r->order[j]] += share * weight_at(r, j) / W[d] * (d == c ? up : down);
        }
        for (size_t j = i; j < end; j++) {
            below[r->label[j]] += here[r->label[j]];
            here[r->label[j]] = 0.0;
        }
    }
    double sum = 0.0;
    for (size_t d = 0; d < K; d++)
        sum += d == c ? 0.0 : auc[d];
    for (size_t i = 0; phi && i < r->n; i++) {
        const uint32_t d = r->label[i];
        phi[r->order[i]] -= share * weight_at(r, i) / W[d] * (d == c ? sum : auc[d]);
    }
    return sum / (double)(K - 1);
}

/* ------------------------------------------------------------------- part */

static double *influences(work *k, bool wanted)
{
    double *phi = wanted && k->intervals ? mlk_scratch_vec(&k->scratch, k->n).data : NULL;
    for (size_t i = 0; phi && i < k->n; i++)
        phi[i] = 0.0;
    return phi;
}

static mlk_status new_ranks(work *k, ranks *r)
{
    const size_t n = k->n;
    *r = (ranks){.k = k, .n = n};
    r->order = mlk_scratch_take(&k->scratch, n, sizeof *r->order);
    r->score = mlk_scratch_take(&k->scratch, n, sizeof *r->score);
    r->label = mlk_scratch_take(&k->scratch, n, sizeof *r->label);
    r->w = k->p->w.n ? mlk_scratch_take(&k->scratch, n, sizeof *r->w) : NULL;
    return k->scratch.failed ? MLK_FAIL(MLK_ENOMEM, "no memory to rank %zu rows", n) : MLK_OK;
}

/* Rank the rows by the scores of class c; `room` has n places. */
static mlk_status sort_class(ranks *r, size_t c, double *room)
{
    const mlk_cmat S = mlk_ranking_scores(r->k->p);
    for (size_t i = 0; i < r->n; i++)
        room[i] = mlk_row_score(S, i, c);
    MLK_TRY(mlk_argsort(room, r->n, r->order));
    r->c = (uint32_t)c;
    for (size_t i = 0; i < r->n; i++) {
        const size_t row = r->order[i];
        r->score[i] = room[row];
        r->label[i] = class_of(r->k, row);
        if (r->w)
            r->w[i] = r->k->p->w.data[row];
    }
    return MLK_OK;
}

static void rank_positive(const ranks *r, ranking *out)
{
    const double *W = out->class_weight, pos = W[1], neg = W[0];
    if (pos > 0.0 && neg > 0.0)
        out->auc = auc_of(r, pos, neg, 1.0, out->phi_auc);
    if (pos > 0.0)
        out->ap = ap_of(r, pos);
    if (pos > 0.0 && out->phi_ap)
        ap_influences(r, pos, out->ap, 1.0, out->phi_ap);
}

/* Class r->c's part in the three averages; every class has rows. */
static void rank_one_of_many(const ranks *r, double *room, ranking *out)
{
    const size_t K = r->k->p->n_classes;
    const double pos = out->class_weight[r->c], share = 1.0 / (double)K;
    const double ap = ap_of(r, pos);
    out->ap_macro += share * ap;
    out->ovr += share * auc_of(r, pos, r->k->total - pos, share, out->phi_ovr);
    out->ovo +=
        share * ovo_of(r, share / (double)(K - 1), room, room + K, room + 2 * K, out->phi_ovo);
    if (out->phi_ap_macro)
        ap_influences(r, pos, ap, share, out->phi_ap_macro);
}

mlk_status mlk_work_rank(work *k, bool positive, bool all)
{
    const size_t n = k->n, K = k->p->n_classes;
    ranking *out = &k->rank;
    *out = (ranking){.auc = NAN, .ap = NAN};
    ranks r;
    double *column = mlk_scratch_vec(&k->scratch, n).data;
    double *room = mlk_scratch_take(&k->scratch, K, 3 * sizeof *room);
    out->class_weight = mlk_scratch_vec(&k->scratch, K).data;
    out->phi_auc = influences(k, positive);
    out->phi_ap = influences(k, positive);
    out->phi_ovr = influences(k, all);
    out->phi_ovo = influences(k, all);
    out->phi_ap_macro = influences(k, all);
    MLK_TRY(new_ranks(k, &r));

    bool every = true;
    for (size_t c = 0; c < K; c++)
        out->class_weight[c] = 0.0;
    for (size_t i = 0; i < n; i++)
        out->class_weight[class_of(k, i)] += mlk_row_weight(k->p, i);
    for (size_t c = 0; c < K; c++)
        every = every && out->class_weight[c] > 0.0;
    if (!every)
        out->ovr = out->ovo = out->ap_macro = (double)NAN;

    for (size_t c = all && every ? 0 : 1; c < (all && every ? K : 2); c++) {
        MLK_TRY(mlk_run_poll(k->run, -1.0));
        MLK_TRY(sort_class(&r, c, column));
        if (positive && c == 1)
            rank_positive(&r, out);
        if (all && every)
            rank_one_of_many(&r, room, out);
    }
    return MLK_OK;
}

/* --------------------------------------------------------------- variance */

double mlk_variance_by_class(const work *k, const double *phi)
{
    double sum = 0.0;
    for (size_t c = 0; c < k->p->n_classes; c++) {
        double squares = 0.0, w = 0.0, w2 = 0.0;
        for (size_t i = 0; i < k->n; i++) {
            if (class_of(k, i) != c)
                continue;
            const double wi = mlk_row_weight(k->p, i);
            squares += phi[i] * phi[i];
            w += wi;
            w2 += wi * wi;
        }
        const double rows = w2 > 0.0 ? w / w2 * w : 0.0;
        sum += rows > 1.0 ? squares * rows / (rows - 1.0) : 0.0;
    }
    return sum;
}

double mlk_variance_overall(const work *k, const double *phi)
{
    double sum = 0.0;
    for (size_t i = 0; i < k->n; i++)
        sum += phi[i] * phi[i];
    return k->n_eff > 1.0 ? sum * k->n_eff / (k->n_eff - 1.0) : 0.0;
}

/* ----------------------------------------------------------------- values */

/* NaN, naming the class that has no rows in the truth. */
static double absent(const work *k, const mlk_note *note)
{
    char buf[24];
    size_t c = 0;
    while (c + 1 < k->p->n_classes && k->rank.class_weight[c] > 0.0)
        c++;
    return mlk_undefined(note, "no row of the truth is of class %s", mlk_class_name(k->p, c, buf));
}

double mlk_of_auc(const work *k, const mlk_note *note)
{
    return isnan(k->rank.auc) ? absent(k, note) : k->rank.auc;
}

double mlk_of_ap(const work *k, const mlk_note *note)
{
    return isnan(k->rank.ap) ? absent(k, note) : k->rank.ap;
}

double mlk_of_auc_ovr(const work *k, const mlk_note *note)
{
    return isnan(k->rank.ovr) ? absent(k, note) : k->rank.ovr;
}

double mlk_of_auc_ovo(const work *k, const mlk_note *note)
{
    return isnan(k->rank.ovo) ? absent(k, note) : k->rank.ovo;
}

double mlk_of_ap_macro(const work *k, const mlk_note *note)
{
    return isnan(k->rank.ap_macro) ? absent(k, note) : k->rank.ap_macro;
}
