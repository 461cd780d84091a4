# Merge tables and heights of hclust, for tests/cluster/test_agglomerative.c:
#     Rscript tests/reference/hclust.R > tests/cluster/hclust.inc
# The rows are those of scattered() there: whole numbers below 100003, over 1000.
n <- 40; p <- 3
X <- outer(0:(n - 1), 0:(p - 1), function(i, j) (((p * i + j + 1)^3 * 7919) %% 100003) / 1000)
cat(sprintf("/* Made by tests/reference/hclust.R with R %s.%s. */\n", R.version$major, R.version$minor))
cat("static const double hclust_heights[4][39] = {\n")
trees <- lapply(c("ward.D2", "single", "complete", "average"), function(m) hclust(dist(X), m))
for (h in trees) cat("    {", paste(sprintf("%.17g", h$height), collapse = ", "), "},\n")
cat("};\n/* A row -i, a merge i, both from 1. */\nstatic const int hclust_merges[4][78] = {\n")
for (h in trees) cat("    {", paste(t(h$merge), collapse = ", "), "},\n")
cat("};\nstatic const int hclust_cuts[4][40] = { /* cutree(h, 5) */\n")
for (h in trees) cat("    {", paste(cutree(h, 5), collapse = ", "), "},\n")
cat("};\n")
