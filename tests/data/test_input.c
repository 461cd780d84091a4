#include "data/input.h"

#include <stdio.h>
#include <unistd.h>
#include <zlib.h>

#include "core/rng.h"
#include "support/mlk_test.h"

/* A file of these bytes in the folder for temporary ones; removed by the test. */
static const char *make_file(const char *ending, const void *bytes, size_t size)
{
    const char *folder = getenv("TMPDIR");
    char *path = test_alloc(256);
    snprintf(path, 256, "%s/mlk_input_%ld%s", folder ? folder : "/tmp", (long)getpid(), ending);
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, size, f), size);
    fclose(f);
    return path;
}

/* One gzip member. */
static size_t pack(const char *text, size_t size, unsigned char *to, size_t room)
{
    z_stream z = {0};
    ck_assert_int_eq(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)size;
    z.next_out = to;
    z.avail_out = (unsigned)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

/* Hardly compressible text, larger than the first buffers. */
static char *long_text(size_t size)
{
    mlk_rng rng = mlk_rng_stream(4, 4);
    char *text = test_alloc(size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)('0' + mlk_rng_below(&rng, 10));
    return text;
}

START_TEST(maps_a_file)
{
    mlk_input in;
    const char *path = make_file(".txt", "hello", 5);
    require_ok(mlk_input_open(path, NULL, &in));
    ck_assert(in.size == 5 && memcmp(in.bytes, "hello", 5) == 0 && in.mapping);
    mlk_input_close(&in);
    unlink(path);
}
END_TEST

START_TEST(inflates_all_members_by_ending_or_magic)
{
    enum { SIZE = 300000, ROOM = 2 * SIZE };
    const char *text = long_text(SIZE);
    unsigned char *packed = test_alloc(ROOM);
    size_t n = pack(text, 1000, packed, ROOM);
    n += pack(text + 1000, SIZE - 1000, packed + n, ROOM - n);
    for (int ending = 0; ending < 2; ending++) {
        mlk_input in;
        const char *path = make_file(ending ? ".gz" : ".csv", packed, n);
        require_ok(mlk_input_open(path, NULL, &in));
        ck_assert_uint_eq(in.size, SIZE);
        require_same(in.bytes, text, SIZE);
        mlk_input_close(&in);
        unlink(path);
    }
}
END_TEST

START_TEST(refuses_gzip_data_cut_anywhere_or_altered)
{
    enum { SIZE = 600 };
    unsigned char packed[1024];
    const size_t n = pack(long_text(SIZE), SIZE, packed, sizeof packed);
    mlk_input in;
    for (size_t cut = 2; cut < n; cut += 1 + cut / 8) {
        const char *path = make_file(".gz", packed, cut);
        require_fail(mlk_input_open(path, NULL, &in), MLK_EFORMAT, "end too early");
        unlink(path);
    }
    packed[n / 2] ^= 0x55;
    const char *path = make_file(".gz", packed, n);
    require_fail(mlk_input_open(path, NULL, &in), MLK_EFORMAT, "broken gzip data");
    unlink(path);
    path = make_file(".gz", "a,b\n1,2\n", 8);
    require_fail(mlk_input_open(path, NULL, &in), MLK_EFORMAT, "no gzip data");
    unlink(path);
}
END_TEST

START_TEST(reads_standard_input)
{
    enum { SIZE = 200000 };
    const char *text = long_text(SIZE);
    const char *path = make_file(".txt", text, SIZE);
    char command[512];
    /* Standard input becomes a pipe for a while. */
    const int saved = dup(STDIN_FILENO);
    snprintf(command, sizeof command, "cat '%s'", path);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    dup2(fileno(pipe), STDIN_FILENO);
    mlk_input in;
    require_ok(mlk_input_open("-", NULL, &in));
    dup2(saved, STDIN_FILENO);
    close(saved);
    pclose(pipe);
    unlink(path);
    ck_assert_uint_eq(in.size, SIZE);
    require_same(in.bytes, text, SIZE);
    mlk_input_close(&in);
}
END_TEST

START_TEST(survives_each_failing_allocation)
{
    enum { SIZE = 100000, ROOM = 2 * SIZE };
    unsigned char *packed = test_alloc(ROOM);
    const char *path = make_file(".gz", packed, pack(long_text(SIZE), SIZE, packed, ROOM));
    mlk_input in;
    mlk_status st = MLK_ENOMEM;
    for (int k = 0; st != MLK_OK; k++) {
        mlk_test_fail_at = k;
        st = mlk_input_open(path, NULL, &in);
        ck_assert(st == MLK_OK || (st == MLK_ENOMEM && !in.memory && !in.mapping));
    }
    mlk_test_fail_at = -1;
    ck_assert_uint_eq(in.size, SIZE);
    mlk_input_close(&in);
    unlink(path);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("data/input");
    TCase *input = test_case(s, "input");
    tcase_add_test(input, maps_a_file);
    tcase_add_test(input, inflates_all_members_by_ending_or_magic);
    tcase_add_test(input, refuses_gzip_data_cut_anywhere_or_altered);
    tcase_add_test(input, reads_standard_input);
    tcase_add_test(input, survives_each_failing_allocation);
    return s;
}
