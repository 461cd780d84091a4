#ifndef MLK_MODEL_ARCHIVE_H
#define MLK_MODEL_ARCHIVE_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>

/**
 * @file archive.h
 * @brief Documents as bytes: the model file format (.mlk).
 *
 * One CBOR data item [RFC 8949], tagged as self-described (55799), a map of four keys:
 *
 *     "format":  "mlkit"
 *     "version": 1
 *     "content": the document
 *     "crc32":   CRC-32 [RFC 1952] of all bytes before this number, as a 32-bit integer
 *
 * Maps, lists, texts, numbers, booleans and null are CBOR's own. An array is a byte string under a
 * typed-array tag [RFC 8746] of its little-endian element type; a matrix is tag 40, [[rows, cols],
 * array]. Any CBOR reader reads it.
 *
 * Decoding trusts nothing: it refuses whatever is not exactly of this form, in time and memory
 * proportional to the number of bytes, with bounded nesting.
 */

MLK_BEGIN_DECLS

/** Encode. Release *bytes with mlk_archive_free(); NULL on failure. MLK_ENOMEM. */
mlk_status mlk_archive_encode(const mlk_doc *doc, void **bytes, size_t *size);
/** Decode. MLK_EFORMAT: "not a model file", "cut short", "damaged", "format version 2; ...". */
mlk_status mlk_archive_decode(const void *bytes, size_t size, mlk_doc **doc);
void mlk_archive_free(void *bytes);

/** The same to and from a file; texts begin with the path. See mlk_file_write(). */
mlk_status mlk_archive_write(const char *path, const mlk_doc *doc);
mlk_status mlk_archive_read(const char *path, mlk_doc **doc);

MLK_END_DECLS

#endif
