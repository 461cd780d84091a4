#ifndef CORE_STATUS_H
#define CORE_STATUS_H

#include <mlkit/core.h>

/* Records code and text for the calling thread. Only through MLK_FAIL. */
__attribute__((format(printf, 2, 3))) void mlk_fail(mlk_status code, const char *fmt, ...);

/* The only producer of a status other than MLK_OK. The text says what was expected and what
 * was found, without a final full stop. */
#define MLK_FAIL(code, ...) (mlk_fail((code), __VA_ARGS__), (code))

/* Hand a failure on to the caller. */
#define MLK_TRY(expr)                                                                              \
    do {                                                                                           \
        const mlk_status mlk_try_status_ = (expr);                                                 \
        if (mlk_try_status_ != MLK_OK)                                                             \
            return mlk_try_status_;                                                                \
    } while (0)

#define MLK_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
