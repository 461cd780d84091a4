# Reference values of tests/linear/test_linear.c (R 4.2.2): Rscript linear.R PATH-TO/mtcars.csv
d <- read.csv(commandArgs(TRUE)[1])
options(digits = 17)
show <- function(m) {
  s <- summary(m)
  print(coef(s)); print(confint(m))
  cat(s$sigma, s$r.squared, s$adj.r.squared, s$fstatistic[1],
      pf(s$fstatistic[1], s$fstatistic[2], s$fstatistic[3], lower.tail = FALSE), AIC(m), BIC(m), "\n", sep = " ")
}
show(lm(mpg ~ wt + hp + qsec, d))
show(lm(mpg ~ wt + hp + qsec, d, weights = carb))
show(lm(mpg ~ 0 + wt + hp + qsec, d))
