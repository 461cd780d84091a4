#include <mlkit/preprocess/model_file.h>

#include <mlkit/linear/ridge.h>
#include <mlkit/preprocess/pipeline.h>

#include <unistd.h>

#include "support/mlk_test.h"

/* Parts that are sound by themselves but do not belong together. */

static mlk_dataset *dataset(const char *csv, const char *task)
{
    mlk_table *table;
    mlk_dataset *set;
    require_ok(mlk_table_read_memory("t.csv", csv, strlen(csv), NULL, NULL, &table));
    require_ok(mlk_dataset_new(table, &(mlk_roles){.target = "y", .task = task}, NULL, &set));
    mlk_table_free(table);
    return set;
}

/* The file of this schema and this model, read again. */
static mlk_status read_again(const mlk_schema *schema, const mlk_model *pipeline)
{
    char path[] = "/tmp/mlkit-test-XXXXXX";
    mlk_model_file file;
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    require_ok(mlk_model_file_write(path, schema, pipeline, (mlk_cvec){NULL, 0}, NULL, NULL));
    const mlk_status st = mlk_model_file_read(path, &file);
    unlink(path);
    if (st == MLK_OK)
        mlk_model_file_close(&file);
    return st;
}

START_TEST(a_model_of_numbers_is_no_model_of_classes)
{
    static const char csv[] = "a,y\n1,0\n2,1\n3,0\n4,1\n";
    mlk_dataset *numbers = dataset(csv, "regression"), *classes = dataset(csv, "classification");
    const mlk_data data = mlk_dataset_data(numbers);
    const mlk_pipeline_opts opts = mlk_pipeline_opts_default(&mlk_ridge_algo);
    mlk_model *pipeline;
    require_ok(mlk_model_fit(&mlk_pipeline_algo, &opts, &data, NULL, &pipeline));
    require_ok(read_again(mlk_dataset_schema(numbers), pipeline));
    ck_assert_int_eq(read_again(mlk_dataset_schema(classes), pipeline), MLK_EFORMAT);
    ck_assert_ptr_nonnull(strstr(mlk_error_message(MLK_EFORMAT), "do not belong together"));
    mlk_model_free(pipeline);
    mlk_dataset_free(numbers);
    mlk_dataset_free(classes);
}
END_TEST

Suite *test_suite(void)
{
    Suite *s = suite_create("preprocess/model_file");
    TCase *tc = test_case(s, "model_file");
    tcase_add_test(tc, a_model_of_numbers_is_no_model_of_classes);
    return s;
}
