#ifndef REPORT_CHART_WORK_H
#define REPORT_CHART_WORK_H

#include <mlkit/report/chart.h>
#include <mlkit/report/text.h>

#include "core/alloc.h"

/* What the sources of charts share. */

/* The chart when its memory was found, else NULL; the scratch is released. */
static inline mlk_plot *mlk_chart_done(mlk_plot *p, mlk_scratch *s)
{
    if (s->failed) {
        mlk_plot_free(p);
        p = NULL;
    }
    mlk_scratch_release(s);
    return p;
}

/* Least and greatest finite value of v; false: there is none. */
bool mlk_chart_extent(mlk_cvec v, double *lo, double *hi);
/* The values at the rows that mlk_plot_sample() chose. */
mlk_cvec mlk_chart_pick(mlk_scratch *s, mlk_cvec v, const size_t *rows, size_t n);
/* rows with room for them, and the remark where some are left out. Returns their number. */
size_t mlk_chart_sample(mlk_scratch *s, mlk_plot *p, size_t n, size_t **rows);
/* One line between two points. */
void mlk_chart_segment(mlk_plot *p, int colour, mlk_plot_stroke stroke, double x0, double y0,
                       double x1, double y1);

#endif
