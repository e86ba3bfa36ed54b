#include "jobs/glob.h"

#include "base/testing.h"

static void matches_as_the_originals(void **state)
{
    (void)state;
    static const struct {
        GlobDialect dialect;
        const char *pattern, *key;
        bool matches;
    } rows[] = {
        /* impresso.md 5.1 */
        {GLOB_RCLONE, "*.json", "a.json", true},
        {GLOB_RCLONE, "*.json", "x/y/z.json", true},
        {GLOB_RCLONE, "*.json", "a.jsonl.bz2", false},
        {GLOB_RCLONE, "*.json", "a.json.bz2", false},
        {GLOB_RCLONE, "*.json", "a.JSON", false},
        {GLOB_RCLONE, "/*.json", "x/a.json", false},
        {GLOB_RCLONE, "/*.json", "a.json", true},
        {GLOB_RCLONE, "b/*", "a/b/c", true},
        {GLOB_RCLONE, "b/*", "a/b/c/d", false},
        {GLOB_RCLONE, "b/**", "a/b/c/d", true},
        {GLOB_RCLONE, "b/", "a/b/c/d", true},
        {GLOB_RCLONE, "?.txt", "a.txt", true},
        {GLOB_RCLONE, "?.txt", "ab.txt", false},
        {GLOB_RCLONE, "*.{jpg,png}", "p/x.png", true},
        {GLOB_RCLONE, "*.{jpg,png}", "p/x.gif", false},
        {GLOB_RCLONE, "a,b", "a,b", true},
        {GLOB_RCLONE, "[a-c]x", "bx", true},
        {GLOB_RCLONE, "[^a-c]x", "bx", false},
        {GLOB_RCLONE, "\\*", "*", true},
        {GLOB_RCLONE, "\\*", "a", false},
        {GLOB_RCLONE, "{{\\d+}}.txt", "x/123.txt", true},
        {GLOB_RCLONE, "a.b", "axb", false},
        {GLOB_FNMATCH, "*.txt", "a/b.txt", true},
        {GLOB_FNMATCH, "a*", "b/a", false},
        {GLOB_FNMATCH, "[!a]", "b", true},
        {GLOB_FNMATCH, "[!a]", "a", false},
        {GLOB_FNMATCH, "[", "[", true},
        {GLOB_FNMATCH, "[]]", "]", true},
        {GLOB_FNMATCH, "a?c", "a\nc", true},
        {GLOB_FNMATCH, "*\xff*",
         "a\xff"
         "b",
         true},
        {GLOB_FNMATCH, "{a,b}", "a", false},
        {GLOB_FNMATCH, "a\\b", "a\\b", true},
        {GLOB_FNMATCH, "", "", true},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(glob_freep) Glob *glob = NULL;
        assert_ok(glob_new(str_of(rows[i].pattern), rows[i].dialect, &glob));
        if (glob_matches(glob, str_of(rows[i].key)) != rows[i].matches)
            fail_msg("'%s' on '%s'", rows[i].pattern, rows[i].key);
    }
}

static void bad_patterns_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *says;
    } rows[] = {{"[a", "has no ']'"}, {"{a", "has no '}'"},   {"a}", "has no '{'"},
                {"a\\", "ends in"},   {"{{a", "has no '}}'"}, {"{{(}}", "pattern"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Glob *glob = NULL;
        assert_fails_saying(glob_new(str_of(rows[i].pattern), GLOB_RCLONE, &glob), ERR_INVALID, rows[i].says);
    }
}

static void a_pattern_cannot_stall(void **state)
{
    (void)state;
    CLEANUP(glob_freep) Glob *glob = NULL;
    assert_ok(glob_new(STR("{{(a+)+$}}b"), GLOB_RCLONE, &glob));
    assert_false(glob_matches(glob, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches_as_the_originals),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(a_pattern_cannot_stall),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
