#ifndef TOOLS_LEARN_H
#define TOOLS_LEARN_H

#include <mlkit/metrics/evaluate.h>
#include <mlkit/preprocess/model_file.h>
#include <mlkit/preprocess/pipeline.h>

#include "cli.h"

/* A model to fit as the command line describes it: the algorithm's options and the pipeline's. */
typedef struct learner {
    const mlk_algo *algo;
    void *opts;
    mlk_pipeline_opts pipeline;
    char *texts;        /* the pieces of --set, which text options point into */
    const char **names; /* of the features, for messages */
} learner;

/* MODEL and --set, --impute, ... into a learner; CLI_USAGE with the message out on failure. */
int learner_init(cli *c, const char *model, const cli_list *set, learner *l);
/* Cut the first NAME=VALUE off `texts`: *value points behind the '=', which becomes '\0'; returns
 * what comes behind the comma, or NULL. *value is NULL when there is no '='. */
char *learner_cut(char *texts, char **value);
/* Words of --impute, --encode and --scale; CLI_USAGE with the message out. */
int learner_check_words(const cli *c, const char *impute, const char *encode, const char *scale);
/* Names of the dataset's features for the pipeline's messages. */
int learner_names(cli *c, const mlk_schema *schema, learner *l);
int learner_fit(cli *c, const learner *l, const mlk_data *data, mlk_model **model);
/* The model file of a pipeline fitted on `train`. */
int learner_save(cli *c, const char *path, const mlk_schema *schema, const mlk_model *pipeline,
                 const mlk_data *train);
/* The resolved parameters, preprocessing included, into the map `to`. */
void learner_params(const mlk_model *pipeline, mlk_doc *to);
void learner_free(learner *l);

/* Predictions of a model on labelled data, and what they are worth. */
typedef struct outcome {
    mlk_vec predicted;
    mlk_mat probabilities, scores; /* data NULL: the model has none */
    mlk_mat points;                /* of a cluster model: the design */
    mlk_vec truth, weights;        /* data NULL: all rows have predictions, see the data */
    mlk_evaluation *evaluation;    /* NULL: nothing to judge by (a transform) */
} outcome;

int outcome_make(cli *c, const mlk_model *pipeline, const mlk_schema *schema, const mlk_data *data,
                 const mlk_evaluate_opts *opts, bool warn, outcome *o);
/* What was judged; points into the outcome, the data and `classes`. */
mlk_predictions outcome_predictions(const outcome *o, const mlk_model *pipeline,
                                    const mlk_schema *schema, const mlk_data *data,
                                    const char *const *classes);
void outcome_free(outcome *o);

/* Are the decision values those of pairs of classes? For three classes their number cannot tell. */
bool decides_by_pairs(const mlk_model *pipeline);

/* Class names of a schema for the metrics; NULL for none. Freed by free(). */
const char **class_names(const mlk_schema *schema);

/* Names of the design's columns ("features") into the map or list. */
void put_design_names(const mlk_model *pipeline, const mlk_schema *schema, mlk_doc *to);
/* iterations, converged, objective, duality_gap, kkt_violation */
void put_fit_info(mlk_fit_info info, mlk_doc *to);

#endif
