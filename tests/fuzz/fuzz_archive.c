#include <mlkit/model.h>
#include <mlkit/model/archive.h>

#include <string.h>
#include <zlib.h>

#include "core/alloc.h"

/*
 * Bytes as the content of a model file, in an envelope whose checksum is right: whatever decodes is
 * loaded as a model, and whatever loads predicts. Nothing may crash, leak or run away.
 */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char before[] = "\xd9\xd9\xf7\xa4\x66"
                             "format\x65mlkit\x67version\x01\x67"
                             "content";
static const char after[] = "\x65"
                            "crc32\x1a";

static void use(const mlk_model *model)
{
    double x[16] = {0.5, -1.0, 2.0, 1.0}, out[16];
    const size_t p = mlk_model_n_features(model);
    if (p <= 16 && mlk_model_algo(model)->predict)
        (void)mlk_model_predict(model, (mlk_cmat){x, 1, p, p}, NULL, (mlk_vec){out, 1});
    if (p <= 16 && mlk_model_n_classes(model) <= 16)
        (void)mlk_model_predict_proba(model, (mlk_cmat){x, 1, p, p}, NULL,
                                      (mlk_mat){out, 1, mlk_model_n_classes(model), 16});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const size_t head = sizeof before - 1, tail = sizeof after - 1;
    unsigned char *file = mlk_alloc(size + head + tail + 4, 1);
    mlk_doc *doc;
    mlk_model *model;
    if (!file)
        return 0;
    memcpy(file, before, head);
    memcpy(file + head, bytes, size);
    memcpy(file + head + size, after, tail);
    const uLong crc = crc32(crc32(0, NULL, 0), file, (uInt)(head + size + tail));
    for (int i = 0; i < 4; i++)
        file[head + size + tail + (size_t)i] = (unsigned char)(crc >> (24 - 8 * i));
    if (mlk_archive_decode(file, head + size + tail + 4, &doc) == MLK_OK) {
        const mlk_doc *pipeline = mlk_doc_find(doc, "pipeline");
        if (mlk_model_load(pipeline ? pipeline : doc, &model) == MLK_OK) {
            use(model);
            mlk_model_free(model);
        }
        mlk_doc_free(doc);
    }
    mlk_free(file);
    return 0;
}
