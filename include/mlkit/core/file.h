#ifndef MLK_CORE_FILE_H
#define MLK_CORE_FILE_H

#include <mlkit/core.h>

/**
 * @file file.h
 * @brief Whole files in and out; a written file is either complete or not there.
 */

MLK_BEGIN_DECLS

/**
 * Write `size` bytes to `path`: beside it, flushed to the disk, then renamed over it, so that
 * whatever goes wrong the old file stays as it was and nothing half written remains. What is no
 * regular file (a pipe, /dev/null) is written as it is; "-" is standard output.
 * @retval MLK_EIO "path: No space left on device"
 */
mlk_status mlk_file_write(const char *path, const void *bytes, size_t size);

/** A file that is written and flushed beside its place, which nobody sees yet. */
typedef struct mlk_staged_file mlk_staged_file;

/**
 * mlk_file_write() in two steps, for several files that shall be there together or not at all:
 * first all that can go wrong, then the renaming. What is no regular file is written at once.
 *
 * @param[out] file Release with mlk_file_commit() or mlk_file_discard(). NULL on failure.
 */
mlk_status mlk_file_stage(const char *path, const void *bytes, size_t size, mlk_staged_file **file);
/** Into its place. MLK_EIO; the staged file is released either way. NULL is allowed. */
mlk_status mlk_file_commit(mlk_staged_file *file);
void mlk_file_discard(mlk_staged_file *file); /**< As if it had never been. NULL is allowed. */

/** All of a file ("-": standard input). Release *bytes with mlk_file_free(). NULL on failure. */
mlk_status mlk_file_read(const char *path, void **bytes, size_t *size);
void mlk_file_free(void *bytes);

/** SHA-256 of a file's bytes, as `sha256sum` prints it, into 65 characters. MLK_EIO. */
mlk_status mlk_file_sha256(const char *path, char *hex);

MLK_END_DECLS

#endif
