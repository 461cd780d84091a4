#!/usr/bin/env python3
"""Quality of the ensembles of trees beside scikit-learn, ranger and XGBoost on real tables.

usage: bench_ensembles.py BUILD [--datasets FOLDER] [--seeds 10] [--tables a,b] [--models a,b]

Each seed shuffles the table and holds a fifth out (classes: accuracy, numbers: R^2); all programs get
the same rows, the same columns (levels as indicators, gaps filled with medians: ames) and the same
settings, given below (gbdt-1: gbdt with leaves of one row and more). The table has the means, and the mean difference to each peer in standard
errors of the differences.
"""
import argparse
import os
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd
from sklearn.ensemble import (AdaBoostClassifier, AdaBoostRegressor, BaggingClassifier,
                              BaggingRegressor, ExtraTreesClassifier, ExtraTreesRegressor,
                              HistGradientBoostingClassifier, HistGradientBoostingRegressor,
                              RandomForestClassifier, RandomForestRegressor)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bench_tree import THREADS, Data, ours, quality, ranger

TABLES = {"spam": "type", "california_housing": "median_house_value", "ames": "Sale_Price",
          "diamonds10k": "price", "letter": "lettr"}
ADABOOST_DEPTH = {"letter": 10, "spam": 1}  # stumps cannot tell 26 letters apart
ROUNDS = {"letter": 40}  # of gbdt; 26 trees each


def real_table(folder, name, target, seed):
    d = pd.read_csv(os.path.join(folder, name + ".csv")).sample(frac=1, random_state=seed)
    y = d.pop(target)
    classes = y.nunique() if y.dtype == object else 0
    y = y.astype("category").cat.codes if classes else y
    d = pd.get_dummies(d, columns=[c for c in d if d[c].dtype == object])
    held = len(y) // 5
    d = d.fillna(d.iloc[:len(y) - held].median())
    return Data(d.values.astype(np.float32), y.values, held, classes)


def fitted(data, model):
    X = data.X.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X[:data.n], data.y[:data.n])
        return quality(data, model.predict(X[data.n:]))


def xgboost(data, rounds, seed):
    try:
        import xgboost as xgb
    except ImportError:
        return None
    params = {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": 31, "max_depth": 0,
              "max_bin": 255, "learning_rate": 0.1, "reg_lambda": 0, "min_child_weight": 1e-3,
              "nthread": THREADS, "verbosity": 0, "seed": seed,
              "objective": {0: "reg:squarederror", 2: "binary:logistic"}.get(data.k,
                                                                             "multi:softmax")}
    if data.k > 2:
        params["num_class"] = data.k
    else:  # begin where the others do, not at 0.5
        params["base_score"] = float(data.y[:data.n].mean())
    model = xgb.train(params, xgb.DMatrix(data.X[:data.n], label=data.y[:data.n]), rounds)
    said = model.predict(xgb.DMatrix(data.X[data.n:]))
    return quality(data, (said > 0.5).astype(float) if data.k == 2 else said)


def in_ranger(path, mtry, seed, extra=""):
    result = ranger(path, 100, mtry, seed, extra)
    return result["quality"] if result else None


def programs(model, name, data, seed, path):
    """Our options; and what each peer does with the same settings."""
    jobs = dict(n_jobs=THREADS, random_state=seed)
    share = "sqrt" if data.k else 1.0 / 3.0
    p = data.X.shape[1]
    mtry = int(p ** 0.5) if data.k else max(1, p // 3)
    if model == "forest":
        make = RandomForestClassifier if data.k else RandomForestRegressor
        return ("oob_score=false" + ("" if data.k else ",max_features=%d" % mtry),
                {"scikit-learn": lambda: fitted(data, make(100, max_features=share, **jobs)),
                 "ranger": lambda: in_ranger(path, mtry, seed)})
    if model == "extra-trees":
        make = ExtraTreesClassifier if data.k else ExtraTreesRegressor
        extra = (", splitrule = 'extratrees', num.random.splits = 1, replace = FALSE, "
                 "sample.fraction = 1")
        return ("",  # numbers: all columns a node, as all three do by default or advice
                {"scikit-learn": lambda: fitted(data, make(100, max_features="sqrt" if data.k else
                                                           1.0, **jobs)),
                 "ranger": lambda: in_ranger(path, mtry if data.k else p, seed, extra)})
    if model == "bagging":
        make = BaggingClassifier if data.k else BaggingRegressor
        return "n_estimators=25", {
            "scikit-learn": lambda: fitted(data, make(n_estimators=25, **jobs))}
    if model == "adaboost":
        depth = ADABOOST_DEPTH.get(name, 3)
        if data.k:
            peer = AdaBoostClassifier(DecisionTreeClassifier(max_depth=depth), algorithm="SAMME",
                                      random_state=seed)
        else:
            peer = AdaBoostRegressor(DecisionTreeRegressor(max_depth=depth), random_state=seed)
        return "base=tree:max_depth=%d" % depth, {"scikit-learn": lambda: fitted(data, peer)}
    rounds = ROUNDS.get(name, 100)
    if model == "gbdt-1":  # XGBoost has no least number of rows in a leaf
        return ("n_estimators=%d,min_samples_leaf=1" % rounds,
                {"XGBoost": lambda: xgboost(data, rounds, seed)})
    make = HistGradientBoostingClassifier if data.k else HistGradientBoostingRegressor
    peer = make(max_iter=rounds, early_stopping=False, random_state=seed)
    return "n_estimators=%d" % rounds, {"scikit-learn": lambda: fitted(data, peer)}


def compare(args, name, model, folder):
    path = os.path.join(folder, "data")
    scores = {}
    for seed in range(args.seeds):
        data = real_table(args.datasets, name, TABLES[name], seed)
        data.write(path)
        options, peers = programs(model, name, data, seed, path)
        options = ",".join(x for x in (options, "seed=%d" % seed) if x)
        result = ours(args.driver, path, model.split("-1")[0], options)
        scores.setdefault("mlkit", []).append(result["quality"])
        for program, call in peers.items():
            scores.setdefault(program, []).append(call())
    mine = np.array(scores.pop("mlkit"))
    line = "%-20s %-12s mlkit %.4f" % (name, model, mine.mean())
    for program, other in scores.items():
        if None in other:
            line += "   %s absent or failed" % program
            continue
        difference = mine - np.array(other)
        error = difference.std(ddof=1) / len(difference) ** 0.5
        line += "   %s %.4f (%+.1f SE)" % (program, np.mean(other), difference.mean() / error)
    print(line, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("build", nargs="?", default=os.path.join(here, "../build-bench"))
    parser.add_argument("--datasets", default=os.environ.get("MLK_DATASETS", ""))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--tables", default=",".join(TABLES))
    parser.add_argument("--models", default="forest,extra-trees,bagging,adaboost,gbdt,gbdt-1")
    args = parser.parse_args()
    args.driver = os.path.join(args.build, "bench", "bench_tree")
    os.environ["OMP_NUM_THREADS"] = str(THREADS)
    with tempfile.TemporaryDirectory() as folder:
        for name in args.tables.split(","):
            if not os.path.exists(os.path.join(args.datasets, name + ".csv")):
                print("%-20s absent" % name)
                continue
            for model in args.models.split(","):
                compare(args, name, model, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
