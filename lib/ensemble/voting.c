#include <mlkit/ensemble/voting.h>

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "ensemble/crew.h"
#include "ensemble/members.h"
#include "model/algo.h"

struct mlk_voting {
    mlk_crew crew;
    bool hard;
};

enum { CAPS = MLK_CAP_WEIGHTS | MLK_CAP_MISSING | MLK_CAP_CATEGORICAL | MLK_CAP_SEED };

static const mlk_word votings[] = {{"soft", MLK_VOTING_SOFT}, {"hard", MLK_VOTING_HARD}, {NULL, 0}};

static const mlk_opt opt_table[] = {
    MLK_OPT_TEXT(mlk_voting_opts, models, "auto",
                 "models to fit, as name:parameter=value:...+name...; auto: logistic or ridge, "
                 "and tree"),
    MLK_OPT_WORD(mlk_voting_opts, voting, MLK_VOTING_SOFT, votings,
                 "classes by the mean of probabilities, or by the votes"),
    MLK_OPT_INT(mlk_voting_opts, seed, 0, 0, INFINITY, "of members that draw"),
    MLK_OPT_END,
};

mlk_voting_opts mlk_voting_opts_default(void)
{
    mlk_voting_opts opts;
    mlk_opts_set_default(opt_table, &opts);
    return opts;
}

static mlk_status check_probabilities(const mlk_members *members, const mlk_crew *crew,
                                      const mlk_run *run)
{
    for (size_t m = 0; m < crew->n; m++) {
        bool has;
        MLK_TRY(mlk_has_probabilities(crew->model[m], run, &has));
        if (!has)
            return MLK_FAIL(MLK_EINVAL,
                            "voting = soft, but %s has no class probabilities; expected hard",
                            members->member[m].algo->name);
    }
    return MLK_OK;
}

static mlk_status fit_members(const mlk_data *data, const mlk_voting_opts *o,
                              const mlk_members *members, const mlk_run *run, mlk_voting *fit)
{
    const size_t p = data->X.cols;
    fit->hard = o->voting == MLK_VOTING_HARD;
    MLK_TRY(mlk_crew_init(&fit->crew, members->n, p, data->n_classes, 0));
    MLK_TRY(mlk_crew_fit(&fit->crew, members, data, (uint64_t)o->seed, run));
    if (data->n_classes && !fit->hard)
        MLK_TRY(check_probabilities(members, &fit->crew, run));
    mlk_crew_warn(&fit->crew, run);
    return MLK_OK;
}

mlk_status mlk_voting_fit(const mlk_data *data, const mlk_voting_opts *opts, const mlk_run *run,
                          mlk_voting **model)
{
    const mlk_voting_opts o = opts ? *opts : mlk_voting_opts_default();
    *model = NULL;
    MLK_TRY(mlk_opts_check(opt_table, &o));
    MLK_TRY(mlk_data_check(data, CAPS, MLK_NEED_TARGET, run));
    if (o.voting == MLK_VOTING_HARD && !data->n_classes)
        return MLK_FAIL(MLK_EINVAL, "voting = hard is for classification");
    const mlk_members_use use = {.option = "models",
                                 .owner = "voting",
                                 .many = true,
                                 .n_classes = data->n_classes,
                                 .weights = data->w.n > 0};
    const char *text = o.models;
    if (text && strcmp(text, "auto") == 0)
        text = data->n_classes ? "logistic+tree" : "ridge+tree";
    mlk_members members;
    mlk_status st = mlk_members_parse(text, &use, &members);
    mlk_voting *fit = mlk_alloc_zero(1, sizeof *fit);
    if (st == MLK_OK && !fit)
        st = MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    if (st == MLK_OK)
        st = fit_members(data, &o, &members, run, fit);
    mlk_members_release(&members);
    if (st == MLK_OK)
        *model = fit;
    else
        mlk_voting_free(fit);
    return st;
}

mlk_status mlk_voting_predict(const mlk_voting *fit, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_crew_predict(&fit->crew, NULL, fit->hard, X, run, out);
}

mlk_status mlk_voting_predict_proba(const mlk_voting *fit, mlk_cmat X, const mlk_run *run,
                                    mlk_mat out)
{
    if (!fit->crew.k)
        return MLK_FAIL(MLK_EUNSUPPORTED, "a regression has no class probabilities");
    return mlk_crew_mean(&fit->crew, NULL, fit->hard, X, run, out);
}

size_t mlk_voting_n_members(const mlk_voting *fit) { return fit->crew.n; }
const mlk_model *mlk_voting_member(const mlk_voting *fit, size_t m) { return fit->crew.model[m]; }

void mlk_voting_free(mlk_voting *fit)
{
    if (!fit)
        return;
    mlk_crew_release(&fit->crew);
    mlk_free(fit);
}

/* ----------------------------------------------------------------- descriptor */

static mlk_status algo_fit(const mlk_data *data, const void *opts, const mlk_run *run, void **state)
{
    mlk_voting *fit;
    const mlk_status st = mlk_voting_fit(data, opts, run, &fit);
    *state = fit;
    return st;
}

static mlk_status algo_predict(const void *state, mlk_cmat X, const mlk_run *run, mlk_vec out)
{
    return mlk_voting_predict(state, X, run, out);
}

static mlk_status algo_predict_proba(const void *state, mlk_cmat X, const mlk_run *run, mlk_mat out)
{
    return mlk_voting_predict_proba(state, X, run, out);
}

static void algo_save(const void *state, mlk_doc *to)
{
    const mlk_voting *fit = state;
    mlk_doc_put_bool(to, "hard", fit->hard);
    mlk_crew_save(&fit->crew, to);
}

static mlk_status algo_load(const mlk_doc *from, size_t n_features, size_t n_classes, void **state)
{
    mlk_voting *fit = mlk_alloc_zero(1, sizeof *fit);
    if (!fit)
        return MLK_FAIL(MLK_ENOMEM, "no memory for a model");
    mlk_status st = mlk_doc_get_bool(from, "hard", &fit->hard);
    if (st == MLK_OK)
        st = mlk_crew_load(from, n_features, n_classes, &fit->crew);
    if (st == MLK_OK)
        *state = fit;
    else
        mlk_voting_free(fit);
    return st;
}

static void algo_learned(const void *state, mlk_doc *to)
{
    mlk_crew_learned(&((const mlk_voting *)state)->crew, to);
}

static void algo_free(void *state) { mlk_voting_free(state); }

const mlk_algo mlk_voting_algo = {
    .name = "voting",
    .help = "mean, or majority, of different models",
    .tasks = MLK_CLASSIFICATION | MLK_REGRESSION,
    .caps = CAPS,
    .prep = {.impute = "none", .encode = "native", .scale = "none"},
    .opts_size = sizeof(mlk_voting_opts),
    .opts = opt_table,
    .fit = algo_fit,
    .predict = algo_predict,
    .predict_proba = algo_predict_proba,
    .save = algo_save,
    .load = algo_load,
    .learned = algo_learned,
    .free = algo_free,
};
