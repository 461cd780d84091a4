#ifndef CLUSTER_EM_H
#define CLUSTER_EM_H

#include <mlkit/cluster/gmm.h>

#include "cluster/mixture.h"

typedef struct em_result {
    double total; /* of the weights */
    double log_likelihood;
    mlk_fit_info info;
} em_result;

/* Expectation-maximisation [dempster1977] from n_init starts of k-means; the best one to `mix`. */
mlk_status em_fit(const mlk_data *data, const mlk_gmm_opts *o, const mlk_run *run, mixture *mix,
                  em_result *r);

#endif
