#include "base/testing.h"

static void compares_in_byte_order(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {{"", "", 0}, {"a", "", 1}, {"a", "b", -1}, {"a.b", "a/b", -1}, {"ab", "a", 1}, {"\xc3", "z", 1}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(str_compare(str_of(cases[i].a), str_of(cases[i].b)), cases[i].order);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_in_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
