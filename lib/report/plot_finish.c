#include "report/plot_work.h"

#include <string.h>

#include "core/status.h"
#include "report/plot_svg.h"

/* Title and description of the whole: those of its charts. */
static void add_texts(const mlk_plot *const *plots, size_t n, const char *title, mlk_strbuf *all,
                      mlk_strbuf *description)
{
    mlk_strbuf_add(all, title ? title : "");
    for (size_t i = 0; i < n; i++) {
        if (!title)
            mlk_strbuf_printf(all, "%s%s", i ? "; " : "", mlk_plot_text_of(&plots[i]->title));
        mlk_strbuf_printf(description, "%s%s", i ? " " : "",
                          mlk_plot_text_of(&plots[i]->description));
        if (plots[i]->remark.len)
            mlk_strbuf_printf(description, " (%s)", plots[i]->remark.text);
    }
}

/* The date of a PDF file, as long as it was. */
static void blank_date(char *pdf, size_t size)
{
    static const char key[] = "/CreationDate (D:";
    const size_t length = strlen(key);
    for (size_t i = 0; i + length < size; i++)
        if (memcmp(pdf + i, key, length) == 0)
            for (size_t j = i + length; j < size && pdf[j] >= '0' && pdf[j] <= '9'; j++)
                pdf[j] = '0';
}

static mlk_status copy_checked(const mlk_plot_opts *opts, const char *drawn, size_t size,
                               mlk_strbuf *out)
{
    const bool pdf = opts->format == MLK_PLOT_PDF;
    const char *begins = pdf ? "%PDF-" : "\x89PNG\r\n";
    if (size < strlen(begins) || memcmp(drawn, begins, strlen(begins)) != 0)
        return MLK_FAIL(MLK_EFORMAT, "what was drawn is no %s", pdf ? "PDF" : "PNG");
    mlk_strbuf_add_n(out, drawn, size);
    if (pdf && !out->failed)
        blank_date(out->text, out->len);
    return MLK_OK;
}

/* A finished picture for the caller, or the failure of making it. */
static mlk_status hand_over(mlk_status st, mlk_strbuf *out, char **picture, size_t *size)
{
    *picture = NULL;
    *size = out->len;
    if (st == MLK_OK)
        *picture = mlk_strbuf_take(out);
    else
        mlk_strbuf_free(out);
    return st != MLK_OK ? st : *picture ? MLK_OK : MLK_FAIL(MLK_ENOMEM, "no memory for a picture");
}

static mlk_status finish(const mlk_plot_opts *opts, mlk_svg_texts texts, const char *unit,
                         const char *drawn, size_t drawn_size, mlk_strbuf *out)
{
    if (opts->format != MLK_PLOT_SVG)
        return copy_checked(opts, drawn, drawn_size, out);
    mlk_strbuf text = MLK_STRBUF_INIT; /* with a NUL behind */
    mlk_strbuf_add_n(&text, drawn, drawn_size);
    const mlk_status st = text.failed ? MLK_FAIL(MLK_ENOMEM, "no memory for a picture")
                                      : mlk_svg_rewrite(text.text, opts, texts, unit, out);
    mlk_strbuf_free(&text);
    return st;
}

mlk_status mlk_plot_finish(const mlk_plot *const *plots, size_t n, const mlk_plot_opts *opts,
                           const char *drawn, size_t drawn_size, char **picture, size_t *size)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf out = MLK_STRBUF_INIT, title = MLK_STRBUF_INIT, description = MLK_STRBUF_INIT;
    *picture = NULL;
    opts = opts ? opts : &defaults;
    MLK_TRY(mlk_plot_check(plots, n));
    add_texts(plots, n, opts->title, &title, &description);
    const mlk_svg_texts texts = {mlk_plot_text_of(&title), mlk_plot_text_of(&description)};
    const mlk_status st = title.failed || description.failed
                              ? MLK_FAIL(MLK_ENOMEM, "no memory for a picture")
                              : finish(opts, texts, "px", drawn, drawn_size, &out);
    mlk_strbuf_free(&title);
    mlk_strbuf_free(&description);
    return hand_over(st, &out, picture, size);
}

mlk_status mlk_plot_finish_graph(const mlk_plot_opts *opts, const char *drawn, size_t drawn_size,
                                 char **picture, size_t *size)
{
    const mlk_plot_opts defaults = mlk_plot_opts_default();
    mlk_strbuf out = MLK_STRBUF_INIT;
    opts = opts ? opts : &defaults;
    const mlk_svg_texts texts = {opts->title ? opts->title : "Graph", ""};
    return hand_over(finish(opts, texts, "pt", drawn, drawn_size, &out), &out, picture, size);
}
