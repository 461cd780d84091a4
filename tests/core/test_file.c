#include <mlkit/core/file.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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
    require_fail(mlk_file_read("/", &bytes, &size), MLK_EIO, "/: Is a directory");
    ck_assert_ptr_null(bytes);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("core/file");
    TCase *tc = test_case(s, "file");
    tcase_add_test(tc, replaces_whole_files);
    tcase_add_test(tc, a_failure_leaves_the_old_file_and_nothing_else);
    tcase_add_test(tc, writes_through_links_and_to_devices);
    tcase_add_test(tc, says_why_it_cannot_read);
    return s;
}
