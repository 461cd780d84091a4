#include "ensemble/members.h"

#include <string.h>

#include "core/alloc.h"
#include "core/status.h"
#include "model/prepared.h"

/* ------------------------------------------------------------------- parsing */

/* Where the name at `text` ends: at a "+" that is no part of a number. */
static char *end_of_member(char *text, bool many)
{
    for (; *text; text++)
        if (many && *text == '+' && !(text[1] >= '0' && text[1] <= '9'))
            break;
    return text;
}

static size_t count_members(char *text, bool many)
{
    size_t n = 1;
    while (*(text = end_of_member(text, many))) {
        text++;
        n++;
    }
    return n;
}

static mlk_status unknown_name(const char *name, const mlk_members_use *use)
{
    const char *near[128];
    size_t n;
    const mlk_algo *const *all = mlk_algo_list(&n);
    n = n < MLK_COUNT(near) ? n : MLK_COUNT(near);
    for (size_t i = 0; i < n; i++)
        near[i] = all[i]->name;
    const char *best = mlk_nearest(name, near, n);
    if (best)
        return MLK_FAIL(MLK_EINVAL, "unknown model '%s' in %s of %s; did you mean '%s'?", name,
                        use->option, use->owner, best);
    return MLK_FAIL(MLK_EINVAL, "unknown model '%s' in %s of %s; see --list", name, use->option,
                    use->owner);
}

/* A registered algorithm that serves the task; the pipeline, which no name can describe, is none.
 */
static mlk_status find(const char *name, const mlk_members_use *use, const mlk_algo **algo)
{
    size_t n, i = 0;
    const mlk_algo *const *all = mlk_algo_list(&n);
    if (!*name)
        return MLK_FAIL(MLK_EINVAL, "%s of %s has an empty name; expected %s", use->option,
                        use->owner, use->many ? "models joined by '+'" : "a model");
    while (i < n && strcmp(all[i]->name, name) != 0)
        i++;
    if (i == n)
        return unknown_name(name, use);
    *algo = all[i];
    if (!((*algo)->tasks & (use->n_classes ? MLK_CLASSIFICATION : MLK_REGRESSION)))
        return MLK_FAIL(MLK_EINVAL, "%s in %s of %s does not predict %s", name, use->option,
                        use->owner, use->n_classes ? "classes" : "numbers");
    if (use->weights && !((*algo)->caps & MLK_CAP_WEIGHTS))
        return MLK_FAIL(MLK_EINVAL, "%s in %s of %s takes no sample weights", name, use->option,
                        use->owner);
    return MLK_OK;
}

/* "name=value" into the options. */
static mlk_status set(const mlk_member *m, char *pair)
{
    char *equals = strchr(pair, '=');
    if (!equals)
        return MLK_FAIL(MLK_EINVAL, "'%s' of %s is no parameter; expected name=value", pair,
                        m->algo->name);
    *equals = '\0';
    if ((m->algo->caps & MLK_CAP_SEED) && strcmp(pair, "seed") == 0)
        return MLK_FAIL(MLK_EINVAL, "the seed of %s follows from that of the ensemble",
                        m->algo->name);
    return mlk_opts_parse(m->algo->opts, m->algo->name, pair, equals + 1, m->opts);
}

/* name:parameter=value:..., which is cut up. */
static mlk_status parse_one(char *text, const mlk_members_use *use, mlk_member *m)
{
    char *rest = strchr(text, ':');
    if (rest)
        *rest++ = '\0';
    MLK_TRY(find(text, use, &m->algo));
    m->opts = mlk_alloc_zero(1, m->algo->opts_size);
    if (!m->opts)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the options of %s", m->algo->name);
    mlk_opts_set_default(m->algo->opts, m->opts);
    while (rest) {
        char *pair = rest;
        if ((rest = strchr(pair, ':')))
            *rest++ = '\0';
        MLK_TRY(set(m, pair));
    }
    return mlk_opts_check(m->algo->opts, m->opts);
}

mlk_status mlk_members_parse(const char *text, const mlk_members_use *use, mlk_members *members)
{
    *members = (mlk_members){0};
    if (!text)
        return MLK_FAIL(MLK_EINVAL, "%s of %s is not given", use->option, use->owner);
    if (!(members->text = mlk_strdup(text)))
        return MLK_FAIL(MLK_ENOMEM, "no memory for the %s of %s", use->option, use->owner);
    const size_t n = count_members(members->text, use->many);
    members->member = mlk_alloc_zero(n, sizeof *members->member);
    if (!members->member)
        return MLK_FAIL(MLK_ENOMEM, "no memory for %zu members", n);
    members->n = n;
    char *at = members->text;
    for (size_t i = 0; i < n; i++) {
        char *end = end_of_member(at, use->many);
        *end = '\0';
        MLK_TRY(parse_one(at, use, &members->member[i]));
        at = end + 1;
    }
    return MLK_OK;
}

void mlk_members_release(mlk_members *members)
{
    for (size_t i = 0; i < members->n; i++)
        mlk_free(members->member[i].opts);
    mlk_free(members->member);
    mlk_free(members->text);
    *members = (mlk_members){0};
}

/* ------------------------------------------------------------------- fitting */

mlk_status mlk_member_fit(const mlk_member *m, int64_t seed, const mlk_data *data,
                          const mlk_run *run, mlk_model **model)
{
    *model = NULL;
    if (!(m->algo->caps & MLK_CAP_SEED))
        return mlk_model_fit_prepared(m->algo, m->opts, data, run, model);
    char *opts = mlk_alloc(1, m->algo->opts_size);
    if (!opts)
        return MLK_FAIL(MLK_ENOMEM, "no memory for the options of %s", m->algo->name);
    memcpy(opts, m->opts, m->algo->opts_size);
    memcpy(opts + mlk_opts_find(m->algo->opts, "seed")->offset, &seed, sizeof seed);
    const mlk_status st = mlk_model_fit_prepared(m->algo, opts, data, run, model);
    mlk_free(opts);
    return st;
}
