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

/* Write to `temp`, a new file, and rename it to `target`. */
static mlk_status replace(const char *path, const char *target, const char *temp, mode_t mode,
                          const void *bytes, size_t size)
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
    if (ok && rename(temp, target) == 0) {
        sync_folder(target);
        return MLK_OK;
    }
    if (ok)
        error = errno;
    (void)unlink(temp);
    errno = error;
    return refused(path);
}

static mlk_status write_fd(const char *path, int fd, const void *bytes, size_t size)
{
    return write_all(fd, bytes, size) ? MLK_OK : refused(path);
}

mlk_status mlk_file_write(const char *path, const void *bytes, size_t size)
{
    static atomic_uint serial;
    struct stat info;

    if (strcmp(path, "-") == 0)
        return write_fd("standard output", STDOUT_FILENO, bytes, size);
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return refused(path);
    }
    if (exists && !S_ISREG(info.st_mode)) {
        const int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
            return refused(path);
        const mlk_status st = write_fd(path, fd, bytes, size);
        return close(fd) == 0 || st != MLK_OK ? st : refused(path);
    }
    /* A symbolic link is followed, so that it is its target that gets replaced. */
    char *target = exists ? realpath(path, NULL) : NULL;
    const char *goal = target ? target : path;
    const size_t room = strlen(goal) + 64;
    char *temp = mlk_alloc(room, 1);
    mlk_status st;
    if (temp) {
        snprintf(temp, room, "%s.%ld-%u.tmp", goal, (long)getpid(), atomic_fetch_add(&serial, 1));
        st = replace(path, goal, temp, exists ? info.st_mode & 0777 : 0666, bytes, size);
    } else {
        st = MLK_FAIL(MLK_ENOMEM, "no memory to write %s", path);
    }
    mlk_free(temp);
    free(target); /* realpath()'s */
    return st;
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
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refused(path);
    const mlk_status st = slurp(path, fd, bytes, size);
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
