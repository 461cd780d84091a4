#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local struct {
    mlk_status code;
    char text[512];
} last;

void mlk_fail(mlk_status code, const char *fmt, ...)
{
    /* A caller may wrap the text of a failure in its own, so format aside first. */
    char text[sizeof last.text];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    last.code = code;
    for (size_t i = 0; i < sizeof text; i++)
        if (!(last.text[i] = text[i]))
            break;
}

const char *mlk_error_message(mlk_status status)
{
    static const char *const general[] = {
        [MLK_OK] = "no error",
        [MLK_EINVAL] = "invalid argument",
        [MLK_ENOMEM] = "out of memory",
        [MLK_EIO] = "input/output error",
        [MLK_EFORMAT] = "malformed input",
        [MLK_ESINGULAR] = "singular to working precision",
        [MLK_EUNSUPPORTED] = "not supported",
        [MLK_ECANCELLED] = "cancelled",
        [MLK_EINTERNAL] = "internal error",
    };
    if (status != MLK_OK && last.code == status)
        return last.text;
    return (size_t)status < MLK_COUNT(general) ? general[status] : "unknown status";
}
