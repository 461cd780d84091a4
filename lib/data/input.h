#ifndef DATA_INPUT_H
#define DATA_INPUT_H

#include <mlkit/core.h>

/* The bytes of a file, decompressed: mapped where they are a plain file's, else in memory. */
typedef struct mlk_input {
    const char *bytes;
    size_t size;
    void *mapping; /* NULL, or what to unmap */
    size_t mapped;
    void *memory; /* NULL, or what to free */
} mlk_input;

/* `path` may be "-", standard input. Texts begin with the path. Release with
 * mlk_input_close(), which is fine after a failure too. */
mlk_status mlk_input_open(const char *path, const mlk_run *run, mlk_input *in);
void mlk_input_close(mlk_input *in);

#endif
