#ifndef SVM_LIBSVM_H
#define SVM_LIBSVM_H

#include <mlkit/model/calibration.h>
#include <mlkit/svm/one_class_svm.h>
#include <mlkit/svm/svc.h>
#include <mlkit/svm/svr.h>

#include "svm/machine.h"

/* What libsvm.c writes of a fitted machine; borrowed. */
typedef struct libsvm_view {
    const char *type; /* LIBSVM's svm_type */
    const mlk_machine *machine;
    mlk_cvec bias;
    size_t k; /* classes; 0: none */
    bool ovr;
    const mlk_calibrator *calibrator; /* or NULL */
} libsvm_view;

libsvm_view mlk_svc_view(const mlk_svc *model);
libsvm_view mlk_svr_view(const mlk_svr *model);
libsvm_view mlk_one_class_svm_view(const mlk_one_class_svm *model);

#endif
