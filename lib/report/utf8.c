#include "report/utf8.h"

size_t mlk_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    const size_t n = s[0] >= 0xC2 && s[0] <= 0xDF   ? 2
                     : s[0] >= 0xE0 && s[0] <= 0xEF ? 3
                     : s[0] >= 0xF0 && s[0] <= 0xF4 ? 4
                                                    : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
        (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

void mlk_utf8_add(mlk_strbuf *b, const char *s)
{
    while (*s) {
        const size_t n = mlk_utf8_length(s);
        if (n)
            mlk_strbuf_add_n(b, s, n);
        else
            mlk_strbuf_add(b, "\xEF\xBF\xBD");
        s += n ? n : 1;
    }
}
