#include "jobs/ingest/quarantine.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/testing.h"

typedef struct Place {
    char directory[48], journal[64];
} Place;

static int make_place(void **state)
{
    Place *place = calloc(1, sizeof *place);
    if (!place)
        return -1;
    snprintf(place->directory, sizeof place->directory, "/tmp/quern-quarantine-XXXXXX");
    if (!mkdtemp(place->directory))
        return -1;
    snprintf(place->journal, sizeof place->journal, "%s/x.journal", place->directory);
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    Place *place = *state;
    char command[96];
    snprintf(command, sizeof command, "rm -r '%s'", place->directory);
    int failed = system(command);
    free(place);
    return failed;
}

static ObjectInfo object(const char *key, const char *etag)
{
    return (ObjectInfo){.key = str_of(key), .etag = str_of(etag)};
}

static Quarantine *open_again(const Place *place, Quarantine *before)
{
    Quarantine *quarantine = NULL;
    quarantine_free(before);
    assert_ok(quarantine_new(place->journal, 4, false, &quarantine));
    return quarantine;
}

static Standing die(Quarantine *quarantine, const ObjectInfo *document, const char *end)
{
    Standing standing = STANDING_GOOD;
    assert_ok(quarantine_died(quarantine, document, end, &standing));
    return standing;
}

static void two_deaths_quarantine_a_version(void **state)
{
    ObjectInfo bad = object("in/a.pdf", "v1"), newer = object("in/a.pdf", "v2"), other = object("in/b.pdf", "v1");
    const char *end = NULL;
    Quarantine *quarantine = open_again(*state, NULL);
    assert_int_equal(quarantine_standing(quarantine, &bad, NULL), STANDING_GOOD);
    assert_int_equal(die(quarantine, &bad, "oom"), STANDING_SUSPECT);
    quarantine = open_again(*state, quarantine);
    assert_int_equal(quarantine_standing(quarantine, &bad, &end), STANDING_SUSPECT);
    assert_int_equal(die(quarantine, &bad, "crash"), STANDING_QUARANTINED);
    quarantine = open_again(*state, quarantine);
    assert_int_equal(quarantine_standing(quarantine, &bad, &end), STANDING_QUARANTINED);
    assert_string_equal(end, "crash");
    assert_int_equal(quarantine_standing(quarantine, &newer, NULL), STANDING_GOOD);
    assert_int_equal(quarantine_standing(quarantine, &other, NULL), STANDING_GOOD);
    assert_ok(quarantine_lift(quarantine, &bad));
    assert_ok(quarantine_lift(quarantine, &other));
    quarantine = open_again(*state, quarantine);
    assert_int_equal(quarantine_standing(quarantine, &bad, NULL), STANDING_GOOD);
    quarantine_free(quarantine);
}

static void lifting_a_key_lifts_its_versions(void **state)
{
    ObjectInfo first = object("in/a\n.pdf", "v1"), second = object("in/a\n.pdf", "v2"), other = object("in/b", "v1");
    const ObjectInfo *documents[] = {&first, &second, &other};
    Quarantine *quarantine = open_again(*state, NULL);
    for (size_t i = 0; i < 2 * ARRAY_COUNT(documents); i++)
        die(quarantine, documents[i / 2], "crash");
    quarantine = open_again(*state, quarantine);
    assert_ok(quarantine_lift_key(quarantine, STR("in/a\\x0a.pdf")));
    quarantine = open_again(*state, quarantine);
    assert_int_equal(quarantine_standing(quarantine, &first, NULL), STANDING_GOOD);
    assert_int_equal(quarantine_standing(quarantine, &second, NULL), STANDING_GOOD);
    assert_int_equal(quarantine_standing(quarantine, &other, NULL), STANDING_QUARANTINED);
    quarantine_free(quarantine);
}

/* A child that is killed leaves its slots as they are. */
static void kill_with_in_flight(const Place *place, const ObjectInfo *document)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        Quarantine *quarantine = NULL;
        Error *error = quarantine_new(place->journal, 4, false, &quarantine);
        if (!error)
            error = quarantine_enter(quarantine, 0, &(ObjectInfo){.key = STR("done"), .etag = STR("1")});
        if (!error)
            error = quarantine_leave(quarantine, 0);
        if (!error)
            error = quarantine_enter(quarantine, 3, document);
        _exit(error ? 1 : 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* However often somebody kills the program, what it was at stays a suspect; one death of its own parser is then enough. */
static void what_was_in_flight_is_a_suspect(void **state)
{
    const Place *place = *state;
    ObjectInfo document = object("in/a.pdf", "v1"), done = object("done", "1");
    for (int i = 0; i < 4; i++)
        kill_with_in_flight(place, &document);
    Quarantine *quarantine = open_again(place, NULL);
    assert_int_equal(quarantine_standing(quarantine, &document, NULL), STANDING_SUSPECT);
    assert_int_equal(quarantine_standing(quarantine, &done, NULL), STANDING_GOOD);
    quarantine = open_again(place, quarantine); /* not forgotten by a run that never came to it */
    assert_int_equal(die(quarantine, &document, "timeout"), STANDING_QUARANTINED);
    quarantine_free(quarantine);
    char path[80];
    snprintf(path, sizeof path, "%s.inflight", place->journal);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void many_are_told_apart(void **state)
{
    enum { MANY = 1000 };
    char key[32];
    Quarantine *quarantine = open_again(*state, NULL);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "in/%d", i * 7 % MANY);
        ObjectInfo document = object(key, "e");
        for (int deaths = 0; deaths < i * 7 % MANY % 3; deaths++)
            die(quarantine, &document, "crash");
    }
    quarantine = open_again(*state, quarantine);
    for (int i = 0; i < MANY; i++) {
        snprintf(key, sizeof key, "in/%d", i);
        ObjectInfo document = object(key, "e");
        assert_int_equal(quarantine_standing(quarantine, &document, NULL), (Standing)(i % 3));
    }
    quarantine_free(quarantine);
}

static void failures_name_what_is_quarantined(void **state)
{
    const Place *place = *state;
    CLEANUP(cleanup_json) json_t *failures = json_object();
    ObjectInfo twice = object("in/a\n.pdf", "1"), once = object("in/b", "1"), lifted = object("in/c", "1");
    Quarantine *quarantine = open_again(place, NULL);
    die(quarantine, &twice, "crash");
    die(quarantine, &twice, "oom");
    die(quarantine, &once, "crash");
    die(quarantine, &lifted, "crash");
    die(quarantine, &lifted, "crash");
    assert_ok(quarantine_lift(quarantine, &lifted));
    assert_ok(quarantine_add_failures(place->journal, failures)); /* also while it is open */
    quarantine_free(quarantine);
    assert_int_equal(json_object_size(failures), 1);
    assert_str(json_get_str(json_object_get(failures, "in/a\\x0a.pdf"), "status", STR_EMPTY), "oom");
}

static void write_beside(const Place *place, const char *text)
{
    char path[80];
    snprintf(path, sizeof path, "%s.quarantine", place->journal);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void bad_files(void **state)
{
    static const struct {
        const char *text;
        ErrorCode code;
    } rows[] = {
        {"", ERR_OK},
        {"\n\n{\"version\":1,\"id\":\"00", ERR_OK}, /* cut by a kill */
        {"{\"version\":2}\n", ERR_STATE},
        {"{\"version\":1,\"id\":\"short\"}\n", ERR_STATE},
        {"[]\n", ERR_STATE},
        {"{\"version\":1,\"id\":\"00112233445566778899aabbccddeeff\",\"deaths\":-9223372036854775808}\n", ERR_OK},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(quarantine_freep) Quarantine *quarantine = NULL;
        write_beside(*state, rows[i].text);
        Error *error = quarantine_new(((Place *)*state)->journal, 1, false, &quarantine);
        assert_int_equal(error_code(error), rows[i].code);
        error_free(error);
    }
}

static void without_a_journal_a_run_remembers_itself(void **state)
{
    (void)state;
    CLEANUP(quarantine_freep) Quarantine *quarantine = NULL;
    ObjectInfo document = object("a", "1");
    assert_ok(quarantine_new("", 1, false, &quarantine));
    assert_ok(quarantine_enter(quarantine, 0, &document));
    die(quarantine, &document, "crash");
    assert_int_equal(die(quarantine, &document, "crash"), STANDING_QUARANTINED);
    assert_ok(quarantine_leave(quarantine, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_deaths_quarantine_a_version, make_place, remove_place),
        cmocka_unit_test_setup_teardown(lifting_a_key_lifts_its_versions, make_place, remove_place),
        cmocka_unit_test_setup_teardown(what_was_in_flight_is_a_suspect, make_place, remove_place),
        cmocka_unit_test_setup_teardown(many_are_told_apart, make_place, remove_place),
        cmocka_unit_test_setup_teardown(failures_name_what_is_quarantined, make_place, remove_place),
        cmocka_unit_test_setup_teardown(bad_files, make_place, remove_place),
        cmocka_unit_test(without_a_journal_a_run_remembers_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
