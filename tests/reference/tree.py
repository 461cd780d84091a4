#!/usr/bin/env python3
"""Figures of tests/tree/test_tree.c: trees of scikit-learn and rpart on real tables.

usage: tree.py DATASETS          (the folder with boston.csv, ...; needs scikit-learn and R's rpart)

Prints one row a tree: table, target, classes?, max_depth, min_samples_leaf, leaves, and the impurity
of the training rows left in the leaves (Gini or variance, weighted by rows). Splits of these trees
do not tie, as is seen by the leaves and impurities that scikit-learn gives for several seeds.
"""
import subprocess
import sys

import pandas as pd
import sklearn
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

CASES = [
    ("boston", "medv", False, 4, 5),
    ("concrete", "compressive_strength", False, 5, 8),
    ("diabetes", "progression", False, 4, 10),
    ("breast_cancer", "diagnosis", True, 4, 7),
    ("wine", "cultivar", True, 3, 6),
    ("sonar", "Class", True, 4, 5),
]

R = """
library(rpart)
d <- read.csv("%s")
f <- rpart(%s ~ ., d, method = "%s", cp = -1, xval = 0, maxdepth = %d, minbucket = %d,
           minsplit = %d, maxsurrogate = 0, maxcompete = 0)
leaf <- split(d$%s, f$where)
impurity <- if (%s) function(y) { p <- table(y) / length(y); sum(p * (1 - p)) } else
    function(y) mean((y - mean(y))^2)
cat(length(leaf), sprintf("%%.17g", sum(sapply(leaf, function(y) impurity(y) * length(y))) / nrow(d)))
"""


def sklearn_tree(X, y, classes, depth, leaf, seed):
    make = DecisionTreeClassifier if classes else DecisionTreeRegressor
    tree = make(max_depth=depth, min_samples_leaf=leaf, random_state=seed).fit(X, y).tree_
    at = tree.children_left < 0
    share = tree.weighted_n_node_samples[at] / tree.weighted_n_node_samples[0]
    return int(at.sum()), float((share * tree.impurity[at]).sum())


def main():
    folder = sys.argv[1]
    print("scikit-learn", sklearn.__version__)
    for name, target, classes, depth, leaf in CASES:
        path = "%s/%s.csv" % (folder, name)
        data = pd.read_csv(path)
        X, y = data.drop(columns=target), data[target]
        found = {sklearn_tree(X, y, classes, depth, leaf, seed) for seed in range(20)}
        leaves = sorted({f[0] for f in found})
        impurity = sorted(f[1] for f in found)
        print('{"%s", "%s", %s, %d, %d, %s, %.15g}, // spread %.1g' % (
            name, target, str(classes).lower(), depth, leaf, "/".join(map(str, leaves)),
            impurity[0], impurity[-1] - impurity[0]))
        script = R % (path, target, "class" if classes else "anova", depth, leaf, 2 * leaf, target,
                      "TRUE" if classes else "FALSE")
        out = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
        print("    rpart:", out.stdout or out.stderr)


main()
