#include <mlkit/svm/libsvm.h>

#include "core/number.h"
#include "core/status.h"
#include "core/strbuf.h"
#include "svm/libsvm.h"

static void put_real(mlk_strbuf *b, const char *before, double x)
{
    char number[MLK_REAL_CHARS];
    mlk_format_real(x, number);
    mlk_strbuf_printf(b, "%s%s", before, number);
}

static void put_kernel(mlk_strbuf *b, const mlk_kernel *k)
{
    static const char *const names[] = {"rbf", "linear", "polynomial", "sigmoid"};
    mlk_strbuf_printf(b, "kernel_type %s\n", names[k->kind]);
    if (k->kind == MLK_KERNEL_POLY)
        mlk_strbuf_printf(b, "degree %lld\n", (long long)k->degree);
    if (k->kind != MLK_KERNEL_LINEAR)
        put_real(b, "gamma ", k->gamma);
    if (k->kind != MLK_KERNEL_LINEAR)
        mlk_strbuf_add(b, "\n");
    if (k->kind == MLK_KERNEL_POLY || k->kind == MLK_KERNEL_SIGMOID) {
        put_real(b, "coef0 ", k->coef0);
        mlk_strbuf_add(b, "\n");
    }
}

/* The sigmoids, where there are any. */
static void put_sigmoids(mlk_strbuf *b, const libsvm_view *v)
{
    double A, B;
    if (!v->calibrator || !mlk_calibrator_sigmoid(v->calibrator, 0, &A, &B))
        return;
    for (int which = 0; which < 2; which++) {
        mlk_strbuf_add(b, which ? "probB" : "probA");
        for (size_t m = 0; m < v->bias.n; m++) {
            mlk_calibrator_sigmoid(v->calibrator, m, &A, &B);
            put_real(b, " ", which ? B : A);
        }
        mlk_strbuf_add(b, "\n");
    }
}

/* Vectors of the positive class of two: those with a positive coefficient. */
static size_t count_positive(const mlk_machine *m)
{
    size_t count = 0;
    for (size_t s = 0; s < m->n_sv; s++)
        count += m->coef[s * m->width] > 0.0;
    return count;
}

/* Two classes: LIBSVM's first label is the one that positive values mean, so class 1. */
static void put_classes(mlk_strbuf *b, const libsvm_view *v, const int64_t *labels)
{
    const mlk_machine *m = v->machine;
    mlk_strbuf_add(b, "label");
    for (size_t c = 0; c < v->k; c++)
        mlk_strbuf_printf(b, " %lld", (long long)labels[v->k == 2 ? 1 - c : c]);
    mlk_strbuf_add(b, "\n");
    put_sigmoids(b, v);
    mlk_strbuf_add(b, "nr_sv");
    if (v->k == 2) {
        const size_t positive = count_positive(m);
        mlk_strbuf_printf(b, " %zu %zu", positive, m->n_sv - positive);
    }
    for (size_t c = 0; v->k > 2 && c < v->k; c++)
        mlk_strbuf_printf(b, " %zu", m->starts[c + 1] - m->starts[c]);
    mlk_strbuf_add(b, "\n");
}

static void put_vector(mlk_strbuf *b, const mlk_machine *m, size_t s)
{
    for (size_t v = 0; v < m->width; v++)
        put_real(b, v ? " " : "", m->coef[s * m->width + v]);
    for (size_t j = 0; j < m->p; j++)
        if (m->sv[s * m->p + j] != 0.0) {
            mlk_strbuf_printf(b, " %zu:", j + 1);
            put_real(b, "", m->sv[s * m->p + j]);
        }
    mlk_strbuf_add(b, " \n");
}

static void put_vectors(mlk_strbuf *b, const libsvm_view *v)
{
    const mlk_machine *m = v->machine;
    mlk_strbuf_add(b, "SV\n");
    for (int positive = 1; positive >= 0; positive--)
        for (size_t s = 0; s < m->n_sv; s++)
            if (v->k == 2 ? (m->coef[s * m->width] > 0.0) == positive : positive)
                put_vector(b, m, s);
}

static mlk_status view_of(const mlk_model *model, libsvm_view *v)
{
    const mlk_algo *algo = mlk_model_algo(model);
    if (algo == &mlk_svc_algo)
        *v = mlk_svc_view(mlk_model_state(model));
    else if (algo == &mlk_svr_algo)
        *v = mlk_svr_view(mlk_model_state(model));
    else if (algo == &mlk_one_class_svm_algo)
        *v = mlk_one_class_svm_view(mlk_model_state(model));
    else
        return MLK_FAIL(MLK_EUNSUPPORTED,
                        "%s cannot be written for LIBSVM; expected svc, svr or one-class-svm",
                        algo->name);
    if (v->ovr)
        return MLK_FAIL(MLK_EUNSUPPORTED,
                        "one-versus-rest machines cannot be written for LIBSVM; expected ovo");
    if (v->machine->index)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a precomputed kernel cannot be written for LIBSVM");
    return MLK_OK;
}

mlk_status mlk_libsvm_write(const mlk_model *model, const int64_t *labels, char **text)
{
    mlk_strbuf b = MLK_STRBUF_INIT;
    libsvm_view v;
    *text = NULL;
    MLK_TRY(view_of(model, &v));
    mlk_strbuf_printf(&b, "svm_type %s\n", v.type);
    put_kernel(&b, &v.machine->kernel);
    mlk_strbuf_printf(&b, "nr_class %zu\ntotal_sv %zu\nrho", v.k ? v.k : 2, v.machine->n_sv);
    for (size_t m = 0; m < v.bias.n; m++)
        put_real(&b, " ", -v.bias.data[m]);
    mlk_strbuf_add(&b, "\n");
    if (v.k)
        put_classes(&b, &v, labels);
    put_vectors(&b, &v);
    *text = mlk_strbuf_take(&b);
    return *text ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for the model's text");
}
