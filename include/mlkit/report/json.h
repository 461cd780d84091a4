#ifndef MLK_REPORT_JSON_H
#define MLK_REPORT_JSON_H

#include <mlkit/core.h>
#include <mlkit/core/doc.h>

/**
 * @file json.h
 * @brief A document as JSON [RFC 8259].
 *
 * UTF-8; numbers with 17 significant digits, so that they read back exactly; NaN and infinities are
 * null; an array is a list, a matrix a list of rows. Bytes that are no UTF-8 become U+FFFD.
 */

MLK_BEGIN_DECLS

/** One JSON document, indented, with a final newline, to release with mlk_text_free(). */
mlk_status mlk_json_write(const mlk_doc *doc, char **text);

/** Release a text that the report functions made; NULL is allowed. */
void mlk_text_free(char *text);

MLK_END_DECLS

#endif
