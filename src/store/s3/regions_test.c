/* What is remembered of where buckets are. */
#include "store/s3/regions.h"

#include <stdio.h>

#include "base/testing.h"

static void assert_region(S3Regions *regions, const char *endpoint, const char *bucket, const char *wanted)
{
    char region[S3_REGION_MAX_BYTES + 1];
    bool found = s3_regions_find(regions, str_of(endpoint), str_of(bucket), region);

    assert_int_equal(found, wanted != NULL);
    if (found)
        assert_string_equal(region, wanted);
}

static void test_places(void **state)
{
    (void)state;
    S3Regions *regions = NULL;
    assert_ok(s3_regions_new(&regions));
    assert_region(regions, "", "a", NULL);
    assert_int_equal(s3_regions_lessons(regions), 0);
    s3_regions_learn(regions, STR(""), STR("a"), STR("eu-west-3"));
    s3_regions_learn(regions, STR("http://h"), STR("a"), STR("r2"));
    s3_regions_learn(regions, STR(""), STR("ab"), STR("r3"));
    assert_region(regions, "", "a", "eu-west-3");
    assert_region(regions, "http://h", "a", "r2");
    assert_region(regions, "http://g", "a", NULL);
    assert_region(regions, "", "ab", "r3");
    s3_regions_learn(regions, STR(""), STR("a"), STR("r4")); /* it has moved */
    assert_region(regions, "", "a", "r4");
    assert_int_equal(s3_regions_lessons(regions), 4);
    s3_regions_free(regions);
    s3_regions_free(NULL);
}

static void test_bound(void **state)
{
    (void)state;
    S3Regions *regions = NULL;
    char bucket[32];
    assert_ok(s3_regions_new(&regions));
    for (int i = 0; i < 1000; i++) {
        snprintf(bucket, sizeof bucket, "bucket%d", i);
        s3_regions_learn(regions, STR(""), str_of(bucket), STR("r"));
    }
    assert_region(regions, "", "bucket999", "r");
    assert_region(regions, "", "bucket800", "r");
    assert_region(regions, "", "bucket0", NULL);
    s3_regions_free(regions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
