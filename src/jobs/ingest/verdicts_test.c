#include "jobs/ingest/verdicts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"

typedef struct Place {
    char directory[48], journal[64], file[80];
} Place;

static int make_place(void **state)
{
    Place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    snprintf(place->directory, sizeof place->directory, "/tmp/quern-verdicts-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->journal, sizeof place->journal, "%s/x.journal", place->directory);
    snprintf(place->file, sizeof place->file, "%s.verdicts", place->journal);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    unlink(place->file);
    int failed = rmdir(place->directory);
    free(place);
    return failed;
}

static ObjectInfo object(const char *key, const char *etag)
{
    return (ObjectInfo){.key = str_of(key), .etag = str_of(etag)};
}

static Verdicts *opened(const Place *place, const char *judge)
{
    Verdicts *verdicts = NULL;
    assert_ok(verdicts_new(place->journal, str_of(judge), &verdicts));
    return verdicts;
}

static void a_verdict_is_of_a_version_and_its_judge(void **state)
{
    const Place *place = *state;
    ObjectInfo bad = object("in/a.pdf", "v1"), newer = object("in/a.pdf", "v2"), other = object("in/b.pdf", "v1");
    ObjectInfo shifted = object("in/a.pd", "fv1"), nameless = object("in/c.pdf", "");
    {
        CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
        assert_str(verdicts_find_view(verdicts, &bad), "");
        assert_ok(verdicts_put(verdicts, &bad, STR("needs a \"password\"")));
        assert_ok(verdicts_put(verdicts, &nameless, STR("no version")));
        assert_str(verdicts_find_view(verdicts, &bad), "needs a \"password\"");
    }
    CLEANUP(verdicts_freep) Verdicts *again = opened(place, "judge");
    assert_str(verdicts_find_view(again, &bad), "needs a \"password\"");
    assert_str(verdicts_find_view(again, &newer), "");
    assert_str(verdicts_find_view(again, &other), "");
    assert_str(verdicts_find_view(again, &shifted), "");
    assert_str(verdicts_find_view(again, &nameless), "");
    CLEANUP(verdicts_freep) Verdicts *elsewhere = opened(place, "another judge");
    assert_str(verdicts_find_view(elsewhere, &bad), "");
}

static void the_last_word_counts(void **state)
{
    const Place *place = *state;
    ObjectInfo document = object("a", "v1");
    static const char *const reasons[] = {"no OCR", "", "no OCR", "a password"};
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++) {
        CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
        assert_str(verdicts_find_view(verdicts, &document), i ? reasons[i - 1] : "");
        assert_ok(verdicts_put(verdicts, &document, str_of(reasons[i])));
    }
    CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
    assert_str(verdicts_find_view(verdicts, &document), "a password");
}

static void what_is_known_is_not_written_again(void **state)
{
    const Place *place = *state;
    ObjectInfo document = object("a", "v1"), good = object("b", "v1");
    struct stat before, after;
    CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
    assert_ok(verdicts_put(verdicts, &good, STR_EMPTY)); /* nobody doubted it */
    assert_int_not_equal(access(place->file, F_OK), 0);
    assert_ok(verdicts_put(verdicts, &document, STR("no")));
    assert_int_equal(stat(place->file, &before), 0);
    assert_ok(verdicts_put(verdicts, &document, STR("no")));
    assert_int_equal(stat(place->file, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
}

enum { MANY = 5000, REASONS = 1500 }; /* of which not all are kept */

static void many_of_them(void **state)
{
    const Place *place = *state;
    size_t found = 0;
    for (int round = 0; round < 2; round++) {
        CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
        for (unsigned i = 0; i < MANY; i++) {
            char key[16], reason[16];
            snprintf(key, sizeof key, "%u", i);
            snprintf(reason, sizeof reason, "reason %u", i % REASONS);
            ObjectInfo document = object(key, "v");
            if (round == 0)
                assert_ok(verdicts_put(verdicts, &document, str_of(reason)));
            Str said = verdicts_find_view(verdicts, &document);
            if (said.len > 0) /* one for which there was no room is none, and never another's */
                assert_str(said, reason);
            found += round == 1 && said.len > 0;
        }
    }
    assert_in_range(found, MANY / 2, MANY);
}

/* A cache: what is no line of it, or was cut short, is nothing. */
static void what_is_not_understood_is_passed_over(void **state)
{
    const Place *place = *state;
    ObjectInfo document = object("a", "v1");
    {
        CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
        assert_ok(verdicts_put(verdicts, &document, STR("no")));
    }
    FILE *file = fopen(place->file, "a");
    assert_non_null(file);
    fputs("rubbish\n[]\n{\"version\": 2}\n{\"version\": 1, \"id\": \"short\"}\n{\"version\": 1, \"id\": \"0123", file);
    fclose(file);
    CLEANUP(verdicts_freep) Verdicts *verdicts = opened(place, "judge");
    assert_str(verdicts_find_view(verdicts, &document), "no");
    ObjectInfo other = object("b", "v1");
    assert_ok(verdicts_put(verdicts, &other, STR("neither"))); /* behind the line that was cut */
    CLEANUP(verdicts_freep) Verdicts *again = opened(place, "judge");
    assert_str(verdicts_find_view(again, &other), "neither");
}

static void without_a_journal_nothing_is_remembered(void **state)
{
    (void)state;
    CLEANUP(verdicts_freep) Verdicts *verdicts = NULL;
    ObjectInfo document = object("a", "v1");
    assert_ok(verdicts_new("", STR("judge"), &verdicts));
    assert_ok(verdicts_put(verdicts, &document, STR("no")));
    assert_str(verdicts_find_view(verdicts, &document), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_verdict_is_of_a_version_and_its_judge), TEST(the_last_word_counts),
        TEST(what_is_known_is_not_written_again),      TEST(many_of_them),
        TEST(what_is_not_understood_is_passed_over),   TEST(without_a_journal_nothing_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
