#include "support/maps.h"

#include <mlkit/model/archive.h>

#include <stdio.h>

#include "support/jacobi.h"

mlk_cmat test_roll(size_t first, size_t n)
{
    const double pi = 3.14159265358979323846;
    mlk_mat X = test_mat(n, 3);
    for (size_t i = 0; i < n; i++) {
        const double at = (double)(first + i + 1);
        const double u = fmod(at * 0.6180339887498949, 1.0);
        const double t = 1.5 * pi * (1.0 + 2.0 * fmod(at * 0.4142135623730951, 1.0));
        X.data[3 * i] = t * cos(t);
        X.data[3 * i + 1] = 21.0 * u;
        X.data[3 * i + 2] = t * sin(t);
    }
    return mlk_mat_c(X);
}

mlk_cmat test_table(const char *name, size_t columns)
{
    char path[80];
    snprintf(path, sizeof path, "datasets/%s.csv", name);
    mlk_cmat X = test_read_csv(test_source_path(path));
    X.cols = columns;
    return X;
}

mlk_mat test_distances(mlk_cmat A, mlk_cmat B)
{
    mlk_mat D = test_mat(A.rows, B.rows);
    for (size_t i = 0; i < A.rows; i++)
        for (size_t j = 0; j < B.rows; j++) {
            double sum = 0.0;
            for (size_t c = 0; c < A.cols; c++) {
                const double d = A.data[i * A.ld + c] - B.data[j * B.ld + c];
                sum += d * d;
            }
            D.data[i * B.rows + j] = sqrt(sum);
        }
    return D;
}

void test_classical(mlk_cmat D, mlk_vec lambda, mlk_mat Z)
{
    const size_t n = D.rows;
    mlk_mat B = test_mat(n, n), V = test_mat(n, n);
    mlk_vec all = test_vec(n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            long double sum = 0.0L; /* (J S J)_ij, term by term */
            for (size_t k = 0; k < n; k++) {
                const long double a = D.data[i * D.ld + k], b = D.data[k * D.ld + j];
                sum += (a * a + b * b) / (long double)n;
                for (size_t l = 0; l < n; l++)
                    sum -= (long double)D.data[k * D.ld + l] * D.data[k * D.ld + l] /
                           ((long double)n * (long double)n);
            }
            const long double d = D.data[i * D.ld + j];
            B.data[i * n + j] = (double)(-0.5L * (d * d - sum));
        }
    test_jacobi(mlk_mat_c(B), all, V);
    for (size_t c = 0; c < lambda.n; c++) {
        lambda.data[c] = all.data[c];
        for (size_t i = 0; i < n; i++)
            Z.data[i * Z.ld + c] = V.data[i * n + c] * sqrt(all.data[c]);
    }
}

void test_same_columns(mlk_cmat A, mlk_cmat B, double tol)
{
    ck_assert_uint_eq(A.rows, B.rows);
    ck_assert_uint_eq(A.cols, B.cols);
    for (size_t c = 0; c < A.cols; c++) {
        double along = 0.0, largest = 0.0;
        for (size_t i = 0; i < A.rows; i++) {
            along += A.data[i * A.ld + c] * B.data[i * B.ld + c];
            largest = fmax(largest, fabs(B.data[i * B.ld + c]));
        }
        const double sign = along < 0.0 ? -1.0 : 1.0;
        for (size_t i = 0; i < A.rows; i++)
            require_close(sign * A.data[i * A.ld + c], B.data[i * B.ld + c], tol * largest);
    }
}

/* All of a model's file. */
static void *bytes_of(const mlk_model *model, size_t *size)
{
    mlk_doc *doc = mlk_doc_new();
    void *encoded, *bytes;
    mlk_model_save(model, doc);
    require_ok(mlk_archive_encode(doc, &encoded, size));
    bytes = memcpy(test_alloc(*size), encoded, *size);
    mlk_archive_free(encoded);
    mlk_doc_free(doc);
    return bytes;
}

void test_map_repeats(const mlk_algo *algo, const void *opts, mlk_cmat X, mlk_cmat rows)
{
    static const int threads[] = {1, 2, 3, 8};
    void *first = NULL;
    size_t first_size = 0;
    mlk_mat first_map = {NULL, 0, 0, 0};
    for (size_t t = 0; t < MLK_COUNT(threads); t++) {
        const mlk_run run = {.threads = threads[t]};
        mlk_model *model, *back;
        mlk_doc *doc;
        size_t size;
        require_ok(mlk_model_fit(algo, opts, &(mlk_data){.X = X}, &run, &model));
        void *bytes = bytes_of(model, &size);
        require_ok(mlk_archive_decode(bytes, size, &doc));
        require_ok(mlk_model_load(doc, &back));
        mlk_doc_free(doc);
        const size_t k = mlk_model_n_components(model);
        mlk_mat map = test_mat(rows.rows, k), again = test_mat(rows.rows, k);
        require_ok(mlk_model_transform(model, rows, &run, map));
        require_ok(mlk_model_transform(back, rows, &run, again));
        require_same(map.data, again.data, rows.rows * k * sizeof(double));
        if (t == 0) {
            first = bytes;
            first_size = size;
            first_map = map;
        }
        ck_assert_uint_eq(size, first_size);
        require_same(bytes, first, size);
        require_same(map.data, first_map.data, rows.rows * k * sizeof(double));
        mlk_model_free(model);
        mlk_model_free(back);
    }
}

void test_map_survives(const mlk_algo *algo, const void *opts, mlk_cmat X, mlk_cmat rows)
{
    const mlk_run run = {.threads = 1};
    mlk_model *model = NULL;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_model_fit(algo, opts, &(mlk_data){.X = X}, &run, &model);
        mlk_test_fail_at = -1;
        ck_assert(st == MLK_OK ? model != NULL : st == MLK_ENOMEM && model == NULL);
    }
    const size_t d = mlk_model_n_components(model);
    mlk_mat Z = test_mat(rows.rows, d), back = test_mat(rows.rows, X.cols);
    for (int inverse = 0; inverse < (algo->inverse_transform ? 2 : 1); inverse++) {
        st = MLK_ENOMEM;
        for (int k = 0; st == MLK_ENOMEM; k++) {
            mlk_test_fail_at = k;
            st = inverse ? mlk_model_inverse_transform(model, mlk_mat_c(Z), &run, back)
                         : mlk_model_transform(model, rows, &run, Z);
            mlk_test_fail_at = -1;
        }
        ck_assert(st == MLK_OK || (inverse && st == MLK_EUNSUPPORTED));
    }
    mlk_model_free(model);
}
