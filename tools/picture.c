#include "picture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mlkit/report/json.h>

extern char **environ;

/* A program that draws. */
typedef struct drawer {
    const char *const *argv;
    const char *package; /* Debian's */
} drawer;

/* Bytes as they arrive. */
typedef struct stream {
    char *data;
    size_t n, cap;
} stream;

/* A program that runs: what it is given, and its three ends. */
typedef struct child {
    pid_t pid;
    int in, out, err; /* -1: closed */
    stream drawn, said;
} child;

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* Close-on-exec, so that the child has no ends but its own. */
static bool make_pipe(int ends[2])
{
    if (pipe(ends) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
    return fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0;
}

/* errno's value, or 0. */
static int start(const drawer *d, child *k)
{
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}}, code = 0;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    for (int i = 0; i < 3 && !code; i++)
        if (!make_pipe(ends[i]))
            code = errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* ignored here, not there */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    for (int i = 0; i < 3 && !code; i++)
        code = posix_spawn_file_actions_adddup2(&actions, ends[i][i > 0], i);
    if (!code)
        code = posix_spawnp(&k->pid, d->argv[0], &actions, &attributes,
                            (char *const *)(uintptr_t)d->argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    for (int i = 0; i < 3; i++)
        close_end(&ends[i][i > 0]);
    k->in = ends[0][1];
    k->out = ends[1][0];
    k->err = ends[2][0];
    return code;
}

/* What there is to read; the end is closed when there is no more. False: no memory. */
static bool take(int *end, stream *to)
{
    if (to->cap - to->n < 65536) {
        const size_t cap = 2 * to->cap + 65537;
        char *data = realloc(to->data, cap);
        if (!data)
            return false;
        to->data = data;
        to->cap = cap;
    }
    const ssize_t n = read(*end, to->data + to->n, to->cap - to->n - 1);
    if (n > 0)
        to->n += (size_t)n;
    else if (n == 0 || errno != EINTR)
        close_end(end);
    to->data[to->n] = '\0';
    return true;
}

/* Give it all of the text while taking what it writes, whichever it does first. */
static bool converse(child *k, const char *text, size_t size)
{
    if (fcntl(k->in, F_SETFL, O_NONBLOCK) != 0)
        return false;
    while (k->in >= 0 || k->out >= 0 || k->err >= 0) {
        struct pollfd ends[] = {{k->in, POLLOUT, 0}, {k->out, POLLIN, 0}, {k->err, POLLIN, 0}};
        if (poll(ends, 3, -1) < 0 && errno != EINTR)
            return false;
        if (ends[0].revents) {
            const ssize_t n = write(k->in, text, size);
            if (n > 0) {
                text += n;
                size -= (size_t)n;
            }
            if (!size || (n < 0 && errno != EAGAIN && errno != EINTR))
                close_end(&k->in);
        }
        if ((ends[1].revents && !take(&k->out, &k->drawn)) ||
            (ends[2].revents && !take(&k->err, &k->said)))
            return false;
    }
    return true;
}

/* The last line that it said, which tells what is wrong; the lines before show where. */
static const char *last_line(stream *said)
{
    if (!said->n)
        return "no message";
    char *end = said->data + said->n;
    while (end > said->data && (end[-1] == '\n' || end[-1] == ' '))
        *--end = '\0';
    char *line = strrchr(said->data, '\n');
    line = line ? line + 1 : said->data;
    for (char *s = line; *s; s++)
        *s = (unsigned char)*s < 0x20 ? ' ' : *s;
    return *line ? line : "no message";
}

/* The program's output on this input, to be freed; NULL and an exit status otherwise. */
static int run(const cli *c, const drawer *d, const char *text, char **drawn, size_t *size)
{
    child k = {.in = -1, .out = -1, .err = -1};
    int end = 0, status = CLI_DONE;
    *drawn = NULL;
    const int code = start(d, &k);
    if (code) {
        close_end(&k.in);
        close_end(&k.out);
        close_end(&k.err);
        if (code == ENOENT)
            return cli_refuse(c, "--plot needs %s, which is not installed (Debian: %s)", d->argv[0],
                              d->package);
        return cli_refuse(c, "%s: cannot start: %s", d->argv[0], strerror(code));
    }
    const bool whole = converse(&k, text, strlen(text));
    close_end(&k.in);
    close_end(&k.out);
    close_end(&k.err);
    while (waitpid(k.pid, &end, 0) < 0 && errno == EINTR)
        ;
    if (!whole)
        status = cli_refuse(c, "out of memory");
    else if (!WIFEXITED(end) || WEXITSTATUS(end) != 0 || !k.drawn.n)
        status = cli_refuse(c, "%s failed: %s", d->argv[0], last_line(&k.said));
    free(k.said.data);
    if (status != CLI_DONE) {
        free(k.drawn.data);
        return status;
    }
    *drawn = k.drawn.data;
    *size = k.drawn.n;
    return CLI_DONE;
}

int picture_draw(const cli *c, const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                 char **drawn, size_t *size)
{
    /* Without the user's own settings. */
    static const char *const argv[] = {"gnuplot", "-d", NULL};
    static const drawer gnuplot = {argv, "gnuplot-nox"};
    char *script, *raw;
    size_t raw_size;
    *drawn = NULL;
    mlk_status st = mlk_plot_script(plots, n, opts, &script);
    if (st != MLK_OK)
        return cli_failed(c, st);
    int status = run(c, &gnuplot, script, &raw, &raw_size);
    mlk_text_free(script);
    if (status == CLI_DONE) {
        st = mlk_plot_finish(plots, n, opts, raw, raw_size, drawn, size);
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
        free(raw);
    }
    return status;
}

int picture_draw_graph(const cli *c, const char *dot, const mlk_plot_opts *opts, char **drawn,
                       size_t *size)
{
    static const char *const formats[] = {
        [MLK_PLOT_SVG] = "-Tsvg", [MLK_PLOT_PDF] = "-Tpdf", [MLK_PLOT_PNG] = "-Tpng"};
    static const char *const settings[] = {[MLK_PLOT_SVG] = "-Gbgcolor=transparent",
                                           [MLK_PLOT_PDF] = "-Gbgcolor=transparent",
                                           [MLK_PLOT_PNG] = "-Gdpi=192"};
    const char *const argv[] = {"dot", formats[opts->format], settings[opts->format], NULL};
    const drawer graphviz = {argv, "graphviz"};
    char *raw;
    size_t raw_size;
    *drawn = NULL;
    int status = run(c, &graphviz, dot, &raw, &raw_size);
    if (status == CLI_DONE) {
        const mlk_status st = mlk_plot_finish_graph(opts, raw, raw_size, drawn, size);
        status = st == MLK_OK ? CLI_DONE : cli_failed(c, st);
        free(raw);
    }
    return status;
}

int picture_check(const cli *c)
{
    mlk_plot_format format;
    if (c->set.plot && mlk_plot_format_of(c->set.plot, &format) != MLK_OK)
        return cli_usage(c, "--plot %s", mlk_error_message(MLK_EINVAL));
    return CLI_DONE;
}

static mlk_plot_opts opts_of(const cli *c, const char *title)
{
    mlk_plot_opts opts = mlk_plot_opts_default();
    (void)mlk_plot_format_of(c->set.plot, &opts.format); /* checked before */
    opts.title = title;
    return opts;
}

void picture_add(picture *p, mlk_plot *plot)
{
    if (p->n < sizeof p->plots / sizeof p->plots[0])
        p->plots[p->n++] = plot;
    else
        mlk_plot_free(plot);
}

int picture_make(const cli *c, picture *p, const char *title, const char *what)
{
    if (!p->n)
        return cli_refuse(c, "--plot: %s has nothing to draw", what);
    const mlk_plot_opts opts = opts_of(c, p->n > 1 ? title : NULL);
    return picture_draw(c, (const mlk_plot *const *)p->plots, p->n, &opts, &p->drawn, &p->size);
}

int picture_make_graph(const cli *c, picture *p, const char *dot, const char *title)
{
    const mlk_plot_opts opts = opts_of(c, title);
    return picture_draw_graph(c, dot, &opts, &p->drawn, &p->size);
}

int picture_save(const cli *c, const picture *p)
{
    return p->drawn ? cli_write(c, c->set.plot, p->drawn, p->size) : CLI_DONE;
}

void picture_free(picture *p)
{
    for (size_t i = 0; i < p->n; i++)
        mlk_plot_free(p->plots[i]);
    mlk_text_free(p->drawn);
    *p = (picture){.n = 0};
}
