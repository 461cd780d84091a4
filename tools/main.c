#include "cli.h"

#include <string.h>
#include <unistd.h>

/* Each program is this main with its own description. */
extern const cli_tool CLI_TOOL;

/*
 * OpenMP's and OpenBLAS's threads wait by spinning unless the environment says otherwise, and both
 * read it in their constructors. On a few cores three spinning threads cost a short run a tenth of
 * a second, so, before any constructor runs, the program starts itself again with an environment
 * that says so (some 5 ms). mlkit calls BLAS with one thread anyway; what the user has set stays.
 */
#if defined(__linux__) && !defined(MLK_SANITIZED)
static void wait_without_spinning(int argc, char **argv, char **envp)
{
    enum { MOST = 4096 };
    char *environment[MOST + 3];
    static char passive[] = "OMP_WAIT_POLICY=passive", one[] = "OPENBLAS_NUM_THREADS=1";
    size_t n = 0;
    (void)argc;
    for (; envp[n] && n < MOST; n++) {
        if (strncmp(envp[n], passive, strcspn(passive, "=") + 1) == 0)
            return;
        environment[n] = envp[n];
    }
    if (envp[n])
        return;
    environment[n++] = passive;
    environment[n++] = one;
    environment[n] = NULL;
    execve("/proc/self/exe", argv, environment); /* where that fails all is as it was */
}

__attribute__((section(".preinit_array"),
               used)) static void (*const before_constructors)(int, char **,
                                                               char **) = wait_without_spinning;
#endif

int main(int argc, char **argv) { return cli_main(&CLI_TOOL, argc, argv); }
