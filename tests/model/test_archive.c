#include <mlkit/model/archive.h>

#include <zlib.h>

#include "support/mlk_test.h"

static mlk_doc *sample(void)
{
    static const double v[] = {1.5, -2.25, 1e300, -0.0};
    static const uint8_t bytes[] = {1, 2, 3};
    mlk_doc *d = mlk_doc_new();
    mlk_doc_put_text(d, "name", "r\xc3\xa9sum\xc3\xa9");
    mlk_doc_put_bool(d, "flag", false);
    mlk_doc_put_int(d, "big", INT64_MIN);
    mlk_doc_put_int(d, "n", 300);
    mlk_doc_put_real(d, "x", 0.1);
    mlk_doc_put_null(d, "none");
    mlk_doc_put_vec(d, "v", (mlk_cvec){v, 4});
    mlk_doc_put_mat(d, "m", (mlk_cmat){v, 2, 2, 2});
    mlk_doc_put_array(d, "u8", MLK_U8, bytes, 3, 0);
    mlk_doc_put_int(mlk_doc_put_list(mlk_doc_put_map(d, "deep"), "list"), NULL, -1);
    return d;
}

static void encode_sample(unsigned char **bytes, size_t *size)
{
    mlk_doc *d = sample();
    void *encoded;
    require_ok(mlk_archive_encode(d, &encoded, size));
    *bytes = test_alloc(*size + 1);
    memcpy(*bytes, encoded, *size);
    mlk_archive_free(encoded);
    mlk_doc_free(d);
}

START_TEST(round_trips_to_the_same_bytes)
{
    unsigned char *bytes;
    size_t size, again_size;
    void *again;
    mlk_doc *d;
    encode_sample(&bytes, &size);
    require_ok(mlk_archive_decode(bytes, size, &d));
    require_ok(mlk_archive_encode(d, &again, &again_size));
    ck_assert_uint_eq(again_size, size);
    require_same(again, bytes, size);
    ck_assert_str_eq(mlk_doc_text(mlk_doc_find(d, "name")), "r\xc3\xa9sum\xc3\xa9");
    ck_assert_int_eq(mlk_doc_int(mlk_doc_find(d, "big")), INT64_MIN);
    mlk_archive_free(again);
    mlk_doc_free(d);
}
END_TEST

/* RFC 8949 and 8746 by hand: {"k": 86([1.5])} in the envelope that archive.h describes. */
START_TEST(writes_the_bytes_that_the_standard_asks_for)
{
    static const unsigned char expected[] = "\xd9\xd9\xf7\xa4\x66"
                                            "format\x65mlkit\x67version\x01\x67"
                                            "content\xa1\x61k\xd8\x56\x48\0\0\0\0\0\0\xf8\x3f\x65"
                                            "crc32\x1a";
    mlk_doc *d = mlk_doc_new();
    const double v = 1.5;
    void *bytes;
    size_t size;
    mlk_doc_put_vec(d, "k", (mlk_cvec){&v, 1});
    require_ok(mlk_archive_encode(d, &bytes, &size));
    ck_assert_uint_eq(size, sizeof expected - 1 + 4);
    require_same(bytes, expected, sizeof expected - 1);
    const uLong crc = crc32(crc32(0, NULL, 0), expected, sizeof expected - 1);
    const unsigned char *tail = (unsigned char *)bytes + size - 4;
    ck_assert_uint_eq((uLong)tail[0] << 24 | (uLong)tail[1] << 16 | (uLong)tail[2] << 8 | tail[3],
                      crc);
    mlk_archive_free(bytes);
    mlk_doc_free(d);
}
END_TEST

START_TEST(refuses_every_cut_and_every_altered_byte)
{
    unsigned char *bytes;
    size_t size;
    mlk_doc *d;
    encode_sample(&bytes, &size);
    for (size_t cut = 0; cut < size; cut++) {
        ck_assert_int_eq(mlk_archive_decode(bytes, cut, &d), MLK_EFORMAT);
        ck_assert_ptr_null(d);
    }
    for (size_t i = 0; i < size; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            ck_assert_int_eq(mlk_archive_decode(bytes, size, &d), MLK_EFORMAT);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    ck_assert_int_eq(mlk_archive_decode(bytes, size + 1, &d), MLK_EFORMAT);
}
END_TEST

/* Content with a valid envelope: what an attacker who knows the checksum can send. */
static mlk_status decode_content(const char *content, size_t n)
{
    static const char before[] = "\xd9\xd9\xf7\xa4\x66"
                                 "format\x65mlkit\x67version\x01\x67"
                                 "content";
    static const char after[] = "\x65"
                                "crc32\x1a";
    unsigned char *b = test_alloc(n + 64);
    size_t at = 0;
    mlk_doc *d;
    memcpy(b, before, sizeof before - 1);
    at += sizeof before - 1;
    memcpy(b + at, content, n);
    at += n;
    memcpy(b + at, after, sizeof after - 1);
    at += sizeof after - 1;
    const uLong crc = crc32(crc32(0, NULL, 0), b, (uInt)at);
    for (int shift = 24; shift >= 0; shift -= 8)
        b[at++] = (unsigned char)(crc >> shift);
    const mlk_status st = mlk_archive_decode(b, at, &d);
    mlk_doc_free(d);
    return st;
}

START_TEST(refuses_hostile_content_without_harm)
{
#define HOSTILE(bytes)                                                                             \
    {                                                                                              \
        bytes, sizeof bytes - 1                                                                    \
    }
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        HOSTILE("\xbb\xff\xff\xff\xff\xff\xff\xff\xff"),                  /* map of 2^64 - 1 */
        HOSTILE("\xa1\x61k\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"),         /* list of 2^63 - 1 */
        HOSTILE("\xa1\x61k\x7b\x7f\xff\xff\xff\xff\xff\xff\xff"),         /* text of 2^63 - 1 */
        HOSTILE("\xa1\x61k\xd8\x56\x5b\xff\xff\xff\xff\xff\xff\xff\xf8"), /* doubles of 2^64 - 8 */
        HOSTILE("\xa1\x61k\xd8\x28\x82\x82\x1b\x80\0\0\0\0\0\0\0\x02\xd8\x56\x40"), /* 2^63 x 2 */
        HOSTILE("\xa1\x61k\xd8\x28\x82\x82\x02\0\xd8\x56\x40"),                     /* no columns */
        HOSTILE("\xa1\x61k\xd8\x56\x47\0\0\0\0\0\0\0"),           /* 7 bytes of doubles */
        HOSTILE("\xa1\x61k\xd8\x63\x40"),                         /* unknown tag */
        HOSTILE("\xbf\x61k\x01\xff"),                             /* indefinite map */
        HOSTILE("\xa1\x61k\x40"),                                 /* untagged bytes */
        HOSTILE("\xa1\x61k\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), /* 2^64 - 1 */
        HOSTILE("\xa2\x61k\x01\x61k\x01"),                        /* a key twice */
        HOSTILE("\xa1\x62k\0\x01"),                               /* NUL in a key */
        HOSTILE("\xa1\x01\x01"),                                  /* a number as key */
        HOSTILE("\xa1\x61k\x01\x01"),                             /* more than the content */
        HOSTILE("\x01"),                                          /* no map */
    };
    for (size_t i = 0; i < MLK_COUNT(cases); i++)
        ck_assert_msg(decode_content(cases[i].bytes, cases[i].n) == MLK_EFORMAT, "case %zu", i);
    char deep[10000];
    memset(deep, 0x81, sizeof deep);
    memcpy(deep, "\xa1\x61k", 3);
    require_fail(decode_content(deep, sizeof deep), MLK_EFORMAT, "nested too deeply");
}
END_TEST

START_TEST(names_an_unknown_version)
{
    unsigned char *bytes;
    size_t size;
    mlk_doc *d;
    encode_sample(&bytes, &size);
    bytes[4 + 7 + 6 + 8] = 2;
    require_fail(mlk_archive_decode(bytes, size, &d), MLK_EFORMAT,
                 "format version 2; this mlkit reads version 1");
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    unsigned char *bytes;
    size_t size;
    mlk_doc *d;
    encode_sample(&bytes, &size);
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_archive_decode(bytes, size, &d);
        ck_assert(st == MLK_OK || (st == MLK_ENOMEM && !d));
    }
    mlk_test_fail_at = 0;
    void *again;
    require_fail(mlk_archive_encode(d, &again, &size), MLK_ENOMEM, "no memory");
    ck_assert_ptr_null(again);
    mlk_doc_free(d);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("model/archive");
    TCase *tc = test_case(s, "archive");
    tcase_add_test(tc, round_trips_to_the_same_bytes);
    tcase_add_test(tc, writes_the_bytes_that_the_standard_asks_for);
    tcase_add_test(tc, refuses_every_cut_and_every_altered_byte);
    tcase_add_test(tc, refuses_hostile_content_without_harm);
    tcase_add_test(tc, names_an_unknown_version);
    tcase_add_test(tc, survives_each_failing_allocation);
    return s;
}
