#include <mlkit/core/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/sha256.h"
#include "core/status.h"

static mlk_status refused(const char *path)
{
    return MLK_FAIL(MLK_EIO, "%s: %s", path, strerror(errno));
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        }
    }
    return true;
}

/* The folder's entry must reach the disk as well; file systems that cannot are not at fault. */
static void sync_folder(const char *path)
{
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    const int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

struct mlk_staged_file {
    char *path; /* as the caller calls it */
    char *goal; /* what gets replaced: a symbolic link is followed */
    char *temp; /* NULL: the bytes are already where they belong */
};

static void release(mlk_staged_file *f)
{
    mlk_free(f->path);
    mlk_free(f->goal);
    mlk_free(f->temp);
    mlk_free(f);
}

/* All of the file named `temp`, which is new. */
static mlk_status write_new(const char *path, const char *temp, mode_t mode, const void *bytes,
                            size_t size)
{
    const int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0)
        return refused(path);
    bool ok = write_all(fd, bytes, size) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        error = errno;
    }
    if (ok)
        return MLK_OK;
    (void)unlink(temp);
    errno = error;
    return refused(path);
}

static mlk_status write_fd(const char *path, int fd, const void *bytes, size_t size)
{
    return write_all(fd, bytes, size) ? MLK_OK : refused(path);
}

/* Into what is no regular file. */
static mlk_status write_through(const char *path, const void *bytes, size_t size)
{
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refused(path);
    const mlk_status st = write_fd(path, fd, bytes, size);
    return close(fd) == 0 || st != MLK_OK ? st : refused(path);
}

static mlk_status name_files(const char *path, bool exists, mlk_staged_file *f)
{
    static atomic_uint serial;
    char *target = exists ? realpath(path, NULL) : NULL;
    const char *goal = target ? target : path;
    const size_t room = strlen(goal) + 64;
    f->path = mlk_strdup(path);
    f->goal = mlk_strdup(goal);
    f->temp = mlk_alloc(room, 1);
    const bool ok = f->path && f->goal && f->temp;
    if (ok)
        snprintf(f->temp, room, "%s.%ld-%u.tmp", goal, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
    free(target); /* realpath()'s */
    return ok ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory to write %s", path);
}

mlk_status mlk_file_stage(const char *path, const void *bytes, size_t size, mlk_staged_file **file)
{
    struct stat info;
    *file = NULL;
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode))
        return MLK_FAIL(MLK_EIO, "%s: a folder; expected a file", path);
    mlk_staged_file *f = mlk_alloc_zero(1, sizeof *f);
    if (!f)
        return MLK_FAIL(MLK_ENOMEM, "no memory to write %s", path);
    mlk_status st;
    if (exists && !S_ISREG(info.st_mode)) {
        st = write_through(path, bytes, size);
    } else {
        st = name_files(path, exists, f);
        if (st == MLK_OK)
            st = write_new(path, f->temp, exists ? info.st_mode & 0777 : 0666, bytes, size);
    }
    if (st == MLK_OK)
        *file = f;
    else
        release(f);
    return st;
}

mlk_status mlk_file_commit(mlk_staged_file *f)
{
    mlk_status st = MLK_OK;
    if (!f)
        return MLK_OK;
    if (f->temp && rename(f->temp, f->goal) == 0) {
        sync_folder(f->goal);
    } else if (f->temp) {
        st = refused(f->path);
        (void)unlink(f->temp);
    }
    release(f);
    return st;
}

void mlk_file_discard(mlk_staged_file *f)
{
    if (!f)
        return;
    if (f->temp)
        (void)unlink(f->temp);
    release(f);
}

mlk_status mlk_file_write(const char *path, const void *bytes, size_t size)
{
    mlk_staged_file *file;
    if (strcmp(path, "-") == 0)
        return write_fd("standard output", STDOUT_FILENO, bytes, size);
    MLK_TRY(mlk_file_stage(path, bytes, size, &file));
    return mlk_file_commit(file);
}

/* Everything that can be read from fd. */
static mlk_status slurp(const char *path, int fd, void **bytes, size_t *size)
{
    struct stat info;
    size_t cap = 1 << 16, len = 0;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > 0)
        cap = (size_t)info.st_size + 1;
    char *buffer = mlk_alloc(cap, 1);
    while (buffer) {
        const ssize_t n = read(fd, buffer + len, cap - len);
        if (n == 0) {
            *bytes = buffer;
            *size = len;
            return MLK_OK;
        }
        if (n < 0 && errno != EINTR) {
            mlk_free(buffer);
            return refused(path);
        }
        len += n > 0 ? (size_t)n : 0;
        if (len == cap) {
            char *bigger = mlk_regrow(buffer, len, 2 * cap, 1);
            if (!bigger)
                break;
            buffer = bigger;
            cap *= 2;
        }
    }
    mlk_free(buffer);
    return MLK_FAIL(MLK_ENOMEM, "no memory to read %s", path);
}

mlk_status mlk_file_read(const char *path, void **bytes, size_t *size)
{
    *bytes = NULL;
    *size = 0;
    if (strcmp(path, "-") == 0)
        return slurp("standard input", STDIN_FILENO, bytes, size);
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused(path);
    const bool folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    const mlk_status st = folder ? MLK_FAIL(MLK_EIO, "%s: a folder; expected a file", path)
                                 : slurp(path, fd, bytes, size);
    close(fd);
    return st;
}

void mlk_file_free(void *bytes) { mlk_free(bytes); }

mlk_status mlk_file_sha256(const char *path, char *hex)
{
    unsigned char piece[1 << 16];
    mlk_sha256 s = mlk_sha256_begin();
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0)
        return refused(path);
    while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
        mlk_sha256_add(&s, piece, n > 0 ? (size_t)n : 0);
    const int error = errno;
    close(fd);
    errno = error;
    if (n < 0)
        return refused(path);
    mlk_sha256_end(&s, hex);
    return MLK_OK;
}
