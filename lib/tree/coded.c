#include "tree/coded.h"

#include <string.h>

#include "core/alloc.h"
#include "core/fast.h"
#include "core/simd.h"
#include "core/status.h"

/* Above the codes of all numbers. */
static const uint32_t LEAF_CODE = UINT32_C(0xff800000);

/* -------------------------------------------------------------------- codes */

/*
 * The cell holds 21 binary digits and the exponent, as far as a float has it: beyond, all numbers
 * are in one cell. Cells of negative numbers begin at their lowest, as those of positive ones do.
 */
static inline uint32_t code_of(double x, uint32_t exact)
{
    static const uint64_t LOW = (uint64_t)(1023 - 127) << 52, HIGH = (UINT64_C(255) << 52) - 1;
    static const uint64_t INSIDE = (UINT64_C(1) << 31) - 1;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint64_t magnitude = bits & ~(UINT64_C(1) << 63);
    const bool small = magnitude<LOW, large = magnitude> LOW + HIGH;
    const uint64_t m = small ? 0 : large ? HIGH : magnitude - LOW;
    const uint32_t inside = small ? magnitude != 0 : (m & INSIDE) != 0;
    const uint32_t cell = (uint32_t)(m >> 31), negative = (uint32_t)(bits >> 63);
    const uint32_t place = (negative ? 0 - cell - inside : cell) + (UINT32_C(1) << 29);
    return 4 * place + (inside ? 2 : exact);
}

MLK_SIMD static bool code_values(const double *restrict x, size_t n, uint32_t *restrict code)
{
    uint64_t missing = 0;
    for (size_t i = 0; i < n; i++) {
        missing |= x[i] != x[i];
        code[i] = code_of(x[i], 0);
    }
    return !missing;
}

bool mlk_coded_rows(mlk_cmat X, uint32_t *code)
{
    for (size_t i = 0; i < X.rows; i++)
        if (!code_values(X.data + i * X.ld, X.cols, code + i * X.cols))
            return false;
    return true;
}

/* -------------------------------------------------------------------- trees */

/* Are these siblings leaves of one class each? */
static bool pure_pair(const mlk_node *x)
{
    const uint32_t pure = MLK_NODE_LEAF | MLK_NODE_PURE;
    return (x[0].what & x[1].what & pure) == pure;
}

/* The slot of each node; returns their number. Siblings stay neighbours and keep their order; of
 * pairs that are known already (`pair`: k x k slots by the classes, or NULL) there is one. */
static uint32_t number_slots(const mlk_nodes *t, uint32_t *pair, uint32_t *slot)
{
    uint32_t next = 1;
    slot[0] = 0;
    for (size_t i = 1; i < t->n; i += 2) {
        const mlk_node *x = &t->node[i];
        uint32_t *known = NULL;
        if (pair && pure_pair(x))
            known = &pair[(size_t)x[0].value * t->n_classes + (size_t)x[1].value];
        slot[i] = known && *known ? *known : next;
        slot[i + 1] = slot[i] + 1;
        if (slot[i] == next)
            next += 2;
        if (known)
            *known = slot[i];
    }
    return next;
}

static uint32_t leaf_code(const mlk_nodes *t, const mlk_node *leaf)
{
    if (!t->n_classes)
        return UINT32_MAX;
    const size_t first = leaf->what & MLK_NODE_PURE ? 0 : t->n_classes;
    return LEAF_CODE + (uint32_t)(first + (size_t)leaf->value);
}

static void write_slots(const mlk_nodes *t, const uint32_t *slot, mlk_coded *c)
{
    for (size_t i = 0; i < t->n; i++) {
        const mlk_node *x = &t->node[i];
        const uint32_t at = slot[i];
        if (c->node)
            c->node[at] = (uint32_t)i;
        c->slot[at] = x->what & MLK_NODE_LEAF
                          ? (mlk_slot){at << c->shift, leaf_code(t, x)}
                          : (mlk_slot){slot[x->left] << c->shift | (x->what & MLK_NODE_COLUMN),
                                       code_of(x->value, 1)};
    }
}

/* Do slots, columns and what the leaves say fit into their bits? */
static bool fits(const mlk_nodes *t, unsigned shift)
{
    return t->numeric && shift < 32 && t->n <= (UINT64_C(1) << (32 - shift)) &&
           t->n_classes + t->n_proba <= UINT32_MAX - LEAF_CODE;
}

mlk_status mlk_coded_new(const mlk_nodes *t, size_t n_features, mlk_coded *c)
{
    const size_t k = t->n_classes, pairs = k && k <= t->n / k ? k * k : 0;
    *c = (mlk_coded){0};
    while (c->shift < 32 && (n_features - 1) >> c->shift)
        c->shift++;
    if (!fits(t, c->shift))
        return MLK_OK;
    while (t->n >> (c->balanced + 2))
        c->balanced++;
    mlk_scratch s = MLK_SCRATCH_INIT;
    uint32_t *slot = mlk_scratch_take(&s, t->n, sizeof *slot);
    uint32_t *pair = pairs ? mlk_scratch_take(&s, pairs, sizeof *pair) : NULL;
    if (!s.failed) {
        if (pair)
            memset(pair, 0, pairs * sizeof *pair);
        c->n = number_slots(t, pair, slot);
        c->slot = mlk_alloc(c->n, sizeof *c->slot);
        c->node = pair ? mlk_alloc(c->n, sizeof *c->node) : NULL;
    }
    const bool done = c->slot && (c->node || !pair);
    if (done)
        write_slots(t, slot, c);
    else
        mlk_coded_release(c);
    mlk_scratch_release(&s);
    return done ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for the codes of %zu nodes", t->n);
}

void mlk_coded_release(mlk_coded *c)
{
    mlk_free(c->slot);
    mlk_free(c->node);
    *c = (mlk_coded){0};
}

/* --------------------------------------------------------------- prediction */

/*
 * So many rows go down side by side, all a step at a time: while the slot of one comes from memory,
 * the others' are compared. No step asks whether a row has arrived, which the processor could not
 * foresee; after some steps, those that have are taken out.
 */
enum { LANES = 128, STEPS = 4 };

typedef struct lane {
    const uint32_t *code;
    uint32_t at, row;
} lane;

static inline const mlk_node *node_of(const mlk_coded *c, const mlk_nodes *t, uint32_t slot)
{
    return &t->node[c->node ? c->node[slot] : slot];
}

/* Numbers whose codes are equal. */
static __attribute__((noinline)) uint32_t goes_right(const mlk_node *node, const double *x)
{
    return x[node->what & MLK_NODE_COLUMN] > node->value;
}

static inline void step(const mlk_coded *c, const mlk_nodes *t, mlk_cmat X, uint32_t mask, lane *l)
{
    const mlk_slot slot = c->slot[l->at];
    const uint32_t code = l->code[slot.link & mask];
    uint32_t next = slot.link >> c->shift;
    if (__builtin_expect(code == slot.code, 0))
        next += goes_right(node_of(c, t, l->at), X.data + l->row * X.ld);
    else
        next += code > slot.code;
    __builtin_prefetch(&c->slot[next]);
    l->at = next;
}

/* Lanes still on their way to the front; the slots of the others into `leaf`. */
static size_t take_out(const mlk_coded *c, lane *lanes, size_t n, uint32_t *leaf)
{
    size_t going = 0;
    for (size_t i = 0; i < n; i++) {
        const lane l = lanes[i];
        leaf[l.row] = l.at;
        lanes[going] = l;
        going += c->slot[l.at].link >> c->shift != l.at;
    }
    return going;
}

/* The slots of the leaves of at most LANES rows. */
static void descend(const mlk_coded *c, const mlk_nodes *t, mlk_cmat X, const uint32_t *code,
                    uint32_t *leaf)
{
    const uint32_t mask = (UINT32_C(1) << c->shift) - 1;
    lane lanes[LANES];
    size_t n = X.rows;
    for (size_t i = 0; i < n; i++)
        lanes[i] = (lane){code + i * X.cols, 0, (uint32_t)i};
    for (unsigned steps = c->balanced; n > 0; steps = STEPS) {
        for (unsigned s = 0; s < steps; s++)
            _Pragma("GCC unroll 4") for (size_t i = 0; i < n; i++) step(c, t, X, mask, &lanes[i]);
        n = take_out(c, lanes, n, leaf);
    }
}

static inline void add_classes(const mlk_nodes *t, uint32_t said, double *sums)
{
    const size_t k = t->n_classes;
    if (said < k) {
        sums[said] += 1.0;
        return;
    }
    const double *share = t->proba + (said - k) * k;
    for (size_t c = 0; c < k; c++)
        sums[c] += share[c];
}

void mlk_coded_add(const mlk_coded *c, const mlk_nodes *t, mlk_cmat X, const uint32_t *code,
                   double *sums, size_t ld)
{
    uint32_t leaf[LANES];
    for (size_t begin = 0; begin < X.rows; begin += LANES) {
        const size_t end = X.rows - begin < LANES ? X.rows : begin + LANES;
        descend(c, t, mlk_cmat_rows(X, begin, end), code + begin * X.cols, leaf);
        for (size_t i = begin; i < end; i++) {
            const uint32_t at = leaf[i - begin];
            if (t->n_classes)
                add_classes(t, c->slot[at].code - LEAF_CODE, sums + i * ld);
            else
                sums[i * ld] += t->node[at].value;
        }
    }
}
