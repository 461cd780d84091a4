#include <mlkit/core/file.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/sha256.h"
#include "support/mlk_test.h"

/* A path in a new folder of the test's own. */
static char *fresh_path(const char *name)
{
    char folder[] = "/tmp/mlkit-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char *path = test_alloc(sizeof folder + strlen(name) + 1);
    sprintf(path, "%s/%s", folder, name);
    return path;
}

static void require_content(const char *path, const char *expected)
{
    void *bytes;
    size_t size;
    require_ok(mlk_file_read(path, &bytes, &size));
    ck_assert_uint_eq(size, strlen(expected));
    require_same(bytes, expected, size);
    mlk_file_free(bytes);
}

static void remove_with_folder(const char *path)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(path, '/') - path), path);
    unlink(path);
    ck_assert_msg(rmdir(folder) == 0, "%s holds more than the one file", folder);
}

START_TEST(replaces_whole_files)
{
    const char *path = fresh_path("a.txt");
    require_ok(mlk_file_write(path, "first", 5));
    require_content(path, "first");
    chmod(path, 0600);
    require_ok(mlk_file_write(path, "second time", 11));
    require_content(path, "second time");
    struct stat info;
    stat(path, &info);
    ck_assert_int_eq(info.st_mode & 0777, 0600);
    remove_with_folder(path);
}
END_TEST

START_TEST(a_failure_leaves_the_old_file_and_nothing_else)
{
    const char *path = fresh_path("a.txt");
    require_ok(mlk_file_write(path, "old", 3));
    mlk_test_fail_at = 0;
    require_fail(mlk_file_write(path, "new", 3), MLK_ENOMEM, "no memory");
    require_content(path, "old");
    remove_with_folder(path);
    require_fail(mlk_file_write(path, "new", 3), MLK_EIO, "a.txt: No such file or directory");
    require_fail(mlk_file_write("/dev/full", "new", 3), MLK_EIO, "No space left on device");
}
END_TEST

START_TEST(a_staged_file_is_seen_when_it_is_committed)
{
    const char *path = fresh_path("a.txt");
    mlk_staged_file *file;
    require_ok(mlk_file_write(path, "old", 3));
    require_ok(mlk_file_stage(path, "new", 3, &file));
    require_content(path, "old");
    mlk_file_discard(file);
    require_content(path, "old");
    require_ok(mlk_file_stage(path, "new", 3, &file));
    require_ok(mlk_file_commit(file));
    require_content(path, "new");
    for (int k = 0; k < 4; k++) {
        mlk_test_fail_at = k;
        require_fail(mlk_file_stage(path, "bad", 3, &file), MLK_ENOMEM, "no memory to write");
        ck_assert_ptr_null(file);
    }
    mlk_test_fail_at = -1;
    require_ok(mlk_file_commit(NULL));
    mlk_file_discard(NULL);
    remove_with_folder(path);
}
END_TEST

START_TEST(writes_through_links_and_to_devices)
{
    const char *path = fresh_path("target"), *link = fresh_path("link");
    require_ok(mlk_file_write(path, "old", 3));
    ck_assert_int_eq(symlink(path, link), 0);
    require_ok(mlk_file_write(link, "new", 3));
    require_content(path, "new");
    struct stat info;
    ck_assert(lstat(link, &info) == 0 && S_ISLNK(info.st_mode));
    require_ok(mlk_file_write("/dev/null", "gone", 4));
    remove_with_folder(path);
    remove_with_folder(link);
}
END_TEST

START_TEST(says_why_it_cannot_read)
{
    void *bytes;
    size_t size;
    require_fail(mlk_file_read("/no/such/file", &bytes, &size), MLK_EIO,
                 "/no/such/file: No such file or directory");
    require_fail(mlk_file_read("/", &bytes, &size), MLK_EIO, "/: a folder; expected a file");
    ck_assert_ptr_null(bytes);
}
END_TEST

/* FIPS 180-4's examples, and lengths around a block's end against each other: the same bytes in
 * pieces. */
START_TEST(hashes_as_the_standard_says)
{
    static const char *const texts[] = {"abc", "",
                                        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"};
    static const char *const hashes[] = {
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"};
    char hex[65], pieces[65];
    for (size_t i = 0; i < MLK_COUNT(texts); i++) {
        mlk_sha256 s = mlk_sha256_begin();
        mlk_sha256_add(&s, texts[i], strlen(texts[i]));
        mlk_sha256_end(&s, hex);
        ck_assert_str_eq(hex, hashes[i]);
    }
    static char million[1000000];
    memset(million, 'a', sizeof million);
    mlk_sha256 s = mlk_sha256_begin();
    mlk_sha256_add(&s, million, sizeof million);
    mlk_sha256_end(&s, hex);
    ck_assert_str_eq(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    for (size_t n = 0; n < 200; n++) {
        mlk_sha256 a = mlk_sha256_begin(), b = mlk_sha256_begin();
        mlk_sha256_add(&a, million, n);
        for (size_t at = 0; at < n; at += 7)
            mlk_sha256_add(&b, million + at, n - at < 7 ? n - at : 7);
        mlk_sha256_end(&a, hex);
        mlk_sha256_end(&b, pieces);
        ck_assert_str_eq(hex, pieces);
    }
    require_fail(mlk_file_sha256("no such file", hex), MLK_EIO, "no such file");
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/file");
    TCase *tc = test_case(s, "file");
    tcase_add_test(tc, replaces_whole_files);
    tcase_add_test(tc, a_failure_leaves_the_old_file_and_nothing_else);
    tcase_add_test(tc, a_staged_file_is_seen_when_it_is_committed);
    tcase_add_test(tc, writes_through_links_and_to_devices);
    tcase_add_test(tc, says_why_it_cannot_read);
    tcase_add_test(tc, hashes_as_the_standard_says);
    return s;
}
