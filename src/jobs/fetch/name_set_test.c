#include "jobs/fetch/name_set.h"

#include <stdio.h>

#include "base/testing.h"

static void has_what_was_added(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 1000};
    for (size_t i = 0; i < ARRAY_COUNT(counts); i++) {
        CLEANUP(name_set_done) NameSet set = {0};
        char name[32];
        for (size_t k = 0; k < counts[i]; k++) {
            snprintf(name, sizeof name, "a/%zu", k * 7919 % 1009);
            assert_ok(name_set_add(&set, str_of(name)));
        }
        name_set_close(&set);
        for (size_t k = 0; k < counts[i]; k++) {
            snprintf(name, sizeof name, "a/%zu", k * 7919 % 1009);
            assert_true(name_set_has(&set, str_of(name)));
        }
        assert_false(name_set_has(&set, STR("a/1009")));
        assert_false(name_set_has(&set, STR("")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(has_what_was_added)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
