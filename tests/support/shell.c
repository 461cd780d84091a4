#include "support/shell.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[sizeof "/tmp/mlkit-tools-XXXXXX"], *home;

void shell_enter(void)
{
    home = realpath(".", NULL);
    strcpy(folder, "/tmp/mlkit-tools-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

void shell_leave(void)
{
    char command[100];
    ck_assert_int_eq(chdir(home), 0);
    free(home);
    snprintf(command, sizeof command, "rm -rf %s %s.out %s.err", folder, folder, folder);
    ck_assert_int_eq(system(command), 0);
}

char *shell_read(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    fseek(f, 0, SEEK_END);
    const size_t size = (size_t)ftell(f);
    rewind(f);
    char *text = test_alloc(size + 1);
    ck_assert_uint_eq(fread(text, 1, size, f), size);
    fclose(f);
    if (n)
        *n = size;
    return text;
}

void shell_write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    ck_assert_msg(f != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

void shell_write(const char *path, const char *text)
{
    shell_write_bytes(path, text, strlen(text));
}

shell_result shell_run(const char *fmt, ...)
{
    char command[4096], all[4400], out[40], err[40];
    va_list args;
    va_start(args, fmt);
    ck_assert_int_lt(vsnprintf(command, sizeof command, fmt, args), (int)sizeof command);
    va_end(args);
    snprintf(out, sizeof out, "%s.out", folder);
    snprintf(err, sizeof err, "%s.err", folder);
    snprintf(all, sizeof all, "{ %s\n} >%s 2>%s", command, out, err);
    const int status = system(all);
    shell_result r = {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                      shell_read(out, NULL), shell_read(err, NULL)};
    return r;
}

char *shell_out(const char *command)
{
    const shell_result r = shell_run("%s", command);
    ck_assert_msg(r.status == 0, "%s: %d, %s", command, r.status, r.err);
    return r.out;
}

void shell_require(int status, const char *err, const char *command)
{
    const shell_result r = shell_run("%s", command);
    ck_assert_msg(r.status == status, "%s: exit status %d, expected %d; stderr: %s", command,
                  r.status, status, r.err);
    if (err)
        ck_assert_msg(strstr(r.err, err) != NULL, "%s: stderr is \"%s\"; expected \"%s\"", command,
                      r.err, err);
    if (status == 0)
        return;
    ck_assert_msg(r.out[0] == '\0', "%s failed, but printed: %.200s", command, r.out);
    size_t lines = 0;
    for (const char *p = r.err; *p; p++)
        lines += *p == '\n' && strncmp(p + 1, "mlkit", 5) != 0;
    ck_assert_msg(lines == 1, "%s: stderr is not one line: %s", command, r.err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void shell_require_files(const char *names)
{
    enum { MOST = 64 };
    char *found[MOST], all[1024] = "";
    size_t n = 0;
    DIR *d = opendir(".");
    for (struct dirent *e; (e = readdir(d)) && n < MOST;)
        if (e->d_name[0] != '.')
            found[n++] = strcpy(test_alloc(strlen(e->d_name) + 1), e->d_name);
    closedir(d);
    qsort(found, n, sizeof *found, by_name);
    for (size_t i = 0; i < n; i++) {
        strcat(all, i ? " " : "");
        strcat(all, found[i]);
    }
    ck_assert_str_eq(all, names);
}

double shell_json_number(const char *json, const char *from, const char *key)
{
    char quoted[80];
    if (from) {
        snprintf(quoted, sizeof quoted, "\"%s\"", from);
        json = strstr(json, quoted);
        ck_assert_msg(json != NULL, "no %s in the JSON", quoted);
    }
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(json, quoted);
    ck_assert_msg(at != NULL, "no %s in the JSON", quoted);
    char *end;
    const double value = strtod(at + strlen(quoted), &end);
    return end == at + strlen(quoted) ? (double)NAN : value;
}

const char *shell_dataset(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "datasets/%s", name);
    return test_source_path(path);
}
