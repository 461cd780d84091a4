#ifndef CORE_SHA256_H
#define CORE_SHA256_H

#include <mlkit/core.h>

/* SHA-256 [FIPS 180-4], a piece at a time. */
typedef struct mlk_sha256 {
    uint32_t state[8];
    uint64_t size;
    unsigned char block[64]; /* size % 64 bytes of it are filled */
} mlk_sha256;

mlk_sha256 mlk_sha256_begin(void);
void mlk_sha256_add(mlk_sha256 *s, const void *bytes, size_t size);
/* As 64 hexadecimal digits and a NUL. */
void mlk_sha256_end(mlk_sha256 *s, char hex[65]);

#endif
