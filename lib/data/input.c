#include "data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

#include "core/alloc.h"
#include "core/parallel.h"
#include "core/status.h"

enum { FIRST_BUFFER = 1 << 16, INFLATE_STEP = 1 << 22 };

static mlk_status refuse(const char *path, int error)
{
    char text[128];
    if (strerror_r(error, text, sizeof text) != 0)
        text[0] = '\0';
    return MLK_FAIL(MLK_EIO, "%s: %s", path, text);
}

/* A buffer that doubles. */
typedef struct buffer {
    char *bytes;
    size_t n, cap;
} buffer;

static mlk_status grow(const char *path, buffer *b)
{
    const size_t cap = b->cap ? 2 * b->cap : FIRST_BUFFER;
    char *bytes = mlk_regrow(b->bytes, b->n, cap, 1);
    if (!bytes)
        return MLK_FAIL(MLK_ENOMEM, "%s: no memory for %zu bytes", path, cap);
    b->bytes = bytes;
    b->cap = cap;
    return MLK_OK;
}

/* All of a pipe, terminal or device. */
static mlk_status read_stream(const char *path, int fd, const mlk_run *run, buffer *b)
{
    for (;;) {
        if (b->n == b->cap)
            MLK_TRY(grow(path, b));
        MLK_TRY(mlk_run_poll(run, -1.0));
        const ssize_t got = read(fd, b->bytes + b->n, b->cap - b->n);
        if (got == 0)
            return MLK_OK;
        if (got > 0)
            b->n += (size_t)got;
        else if (errno != EINTR)
            return refuse(path, errno);
    }
}

static mlk_status open_bytes(const char *path, int fd, const mlk_run *run, mlk_input *in)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return refuse(path, errno);
    if (S_ISDIR(info.st_mode))
        return MLK_FAIL(MLK_EIO, "%s: a folder; expected a file", path);
    const off_t at = lseek(fd, 0, SEEK_CUR); /* standard input may be a file half read */
    if (S_ISREG(info.st_mode) && at == 0 && info.st_size > 0) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            in->mapping = map;
            in->bytes = map;
            in->mapped = in->size = (size_t)info.st_size;
            return MLK_OK;
        }
    }
    buffer b = {NULL, 0, 0};
    const mlk_status st = read_stream(path, fd, run, &b);
    in->bytes = in->memory = b.bytes;
    in->size = b.n;
    return st;
}

/* ----------------------------------------------------------------------- gzip */

static void *z_alloc(void *user, unsigned count, unsigned size)
{
    (void)user;
    return mlk_alloc(count, size);
}

static void z_free(void *user, void *ptr)
{
    (void)user;
    mlk_free(ptr);
}

static bool is_gzip(const char *bytes, size_t size)
{
    return size >= 2 && (unsigned char)bytes[0] == 0x1F && (unsigned char)bytes[1] == 0x8B;
}

/* Inflate all members of the file one behind the other, as gzip does. */
static mlk_status inflate_members(const char *path, const mlk_input *in, const mlk_run *run,
                                  z_stream *z, buffer *out)
{
    size_t at = 0;
    for (;;) {
        MLK_TRY(mlk_run_poll(run, -1.0));
        if (out->n == out->cap)
            MLK_TRY(grow(path, out));
        const size_t room = out->cap - out->n, left = in->size - at;
        const unsigned feed = (unsigned)(left < INFLATE_STEP ? left : INFLATE_STEP);
        const unsigned take = (unsigned)(room < INFLATE_STEP ? room : INFLATE_STEP);
        z->next_in = (const unsigned char *)in->bytes + at;
        z->avail_in = feed;
        z->next_out = (unsigned char *)out->bytes + out->n;
        z->avail_out = take;
        const int code = inflate(z, Z_NO_FLUSH);
        at += feed - z->avail_in;
        out->n += take - z->avail_out;
        if (code == Z_MEM_ERROR)
            return MLK_FAIL(MLK_ENOMEM, "%s: no memory to decompress", path);
        if (code == Z_STREAM_END) {
            if (!is_gzip(in->bytes + at, in->size - at))
                return MLK_OK;
            inflateReset(z);
        } else if (code != Z_OK && code != Z_BUF_ERROR) {
            return MLK_FAIL(MLK_EFORMAT, "%s: broken gzip data: %s", path,
                            z->msg ? z->msg : "no valid stream");
        } else if (at == in->size && z->avail_out) {
            return MLK_FAIL(MLK_EFORMAT, "%s: the gzip data end too early", path);
        }
    }
}

static mlk_status decompress(const char *path, const mlk_run *run, mlk_input *in)
{
    z_stream z = {.zalloc = z_alloc, .zfree = z_free};
    if (inflateInit2(&z, 15 + 16) != Z_OK)
        return MLK_FAIL(MLK_ENOMEM, "%s: no memory to decompress", path);
    buffer out = {NULL, 0, 0};
    const mlk_status st = inflate_members(path, in, run, &z, &out);
    inflateEnd(&z);
    mlk_input_close(in);
    in->bytes = in->memory = out.bytes;
    in->size = out.n;
    return st;
}

static bool ends_in_gz(const char *path)
{
    const size_t n = strlen(path);
    return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

mlk_status mlk_input_open(const char *path, const mlk_run *run, mlk_input *in)
{
    *in = (mlk_input){0};
    const bool standard = strcmp(path, "-") == 0;
    const int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(path, errno);
    mlk_status st = open_bytes(path, fd, run, in);
    if (!standard)
        close(fd);
    if (st == MLK_OK && is_gzip(in->bytes, in->size))
        st = decompress(path, run, in);
    else if (st == MLK_OK && in->size && ends_in_gz(path))
        st = MLK_FAIL(MLK_EFORMAT, "%s: no gzip data, which its name promises", path);
    if (st != MLK_OK)
        mlk_input_close(in);
    return st;
}

void mlk_input_close(mlk_input *in)
{
    if (in->mapping)
        munmap(in->mapping, in->mapped);
    mlk_free(in->memory);
    *in = (mlk_input){0};
}
