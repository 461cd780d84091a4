#include <mlkit/core.h>

const char *mlk_version(void) { return MLK_VERSION; }
