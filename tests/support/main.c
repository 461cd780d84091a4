#include "support/mlk_test.h"

int main(void)
{
    SRunner *runner = srunner_create(test_suite());
    /* One process for all tests: faster, and a sanitizer sees everything. CK_FORK=yes isolates. */
    if (!getenv("CK_FORK"))
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
