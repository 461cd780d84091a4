#include "cli.h"

/* Each program is this main with its own description. */
extern const cli_tool CLI_TOOL;

int main(int argc, char **argv) { return cli_main(&CLI_TOOL, argc, argv); }
