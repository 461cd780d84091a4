#ifndef MLK_MLKIT_H
#define MLK_MLKIT_H

/* All of mlkit. */

#include <mlkit/bayes/naive_bayes.h>
#include <mlkit/core.h>
#include <mlkit/core/doc.h>
#include <mlkit/core/file.h>
#include <mlkit/data/dataset.h>
#include <mlkit/data/generate.h>
#include <mlkit/data/split.h>
#include <mlkit/data/table.h>
#include <mlkit/ensemble/adaboost.h>
#include <mlkit/ensemble/bagging.h>
#include <mlkit/ensemble/extra_trees.h>
#include <mlkit/ensemble/forest.h>
#include <mlkit/ensemble/gbdt.h>
#include <mlkit/kernel/kernel.h>
#include <mlkit/linear/elastic_net.h>
#include <mlkit/linear/lasso.h>
#include <mlkit/linear/linear.h>
#include <mlkit/linear/logistic.h>
#include <mlkit/linear/ridge.h>
#include <mlkit/metrics/curves.h>
#include <mlkit/metrics/evaluate.h>
#include <mlkit/metrics/metric.h>
#include <mlkit/model.h>
#include <mlkit/model/archive.h>
#include <mlkit/neighbors/knn.h>
#include <mlkit/model/calibration.h>
#include <mlkit/preprocess/model_file.h>
#include <mlkit/preprocess/pipeline.h>
#include <mlkit/report/c_source.h>
#include <mlkit/report/json.h>
#include <mlkit/report/text.h>
#include <mlkit/selection/bootstrap.h>
#include <mlkit/selection/compare.h>
#include <mlkit/selection/cross_validate.h>
#include <mlkit/selection/explain.h>
#include <mlkit/selection/folds.h>
#include <mlkit/selection/learning_curve.h>
#include <mlkit/selection/path.h>
#include <mlkit/selection/search.h>
#include <mlkit/selection/tuned.h>
#include <mlkit/stats/describe.h>
#include <mlkit/stats/distribution.h>
#include <mlkit/stats/special.h>
#include <mlkit/stats/studentized_range.h>
#include <mlkit/svm/linear_svc.h>
#include <mlkit/svm/linear_svr.h>
#include <mlkit/svm/one_class_svm.h>
#include <mlkit/svm/svc.h>
#include <mlkit/svm/svr.h>
#include <mlkit/tree/show.h>
#include <mlkit/tree/tree.h>

#endif
