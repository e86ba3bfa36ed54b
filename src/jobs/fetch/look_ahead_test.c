#include "jobs/fetch/look_ahead.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/testing.h"
#include "store/test_dir.h"

typedef struct Answers {
    size_t count, fails_at; /* fails_at 0: never */
    size_t states[FILE_IMPOSSIBLE + 1];
} Answers;

/* Every third file is there, every third has another size. */
static FileState expected_state(size_t i)
{
    return i % 3 == 0 ? FILE_CURRENT : i % 3 == 1 ? FILE_DIFFERS : FILE_ABSENT;
}

static Error *take_answer(void *context, const SelectionItem *item, const SelectionName *name, FileState state)
{
    Answers *answers = context;
    char key[32], etag[32];
    snprintf(key, sizeof key, "p/f%05zu", answers->count);
    snprintf(etag, sizeof etag, "e%zu", answers->count);
    assert_str(item->key, key); /* in the order of adding */
    assert_str(item->etag, etag);
    assert_str(name->text, key + 2);
    assert_int_equal(item->modified_us, answers->count);
    assert_int_equal(state, expected_state(answers->count));
    answers->states[state]++;
    if (++answers->count == answers->fails_at)
        return FAIL(CHECK, "enough");
    return NULL;
}

typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Dataset dataset;
    Selection selection;
    Answers answers;
    LookAhead *look;
} Fixture;

static void set_up(Fixture *f)
{
    *f = (Fixture){.selection = {.prefix = STR("p/")}};
    test_dir_new(f->dir);
    assert_ok(dataset_init(&f->dataset, str_of(f->dir), STR("id")));
    assert_ok(dataset_open_to_change(&f->dataset));
}

static void tear_down(Fixture *f)
{
    look_ahead_free(f->look);
    selection_done(&f->selection);
    dataset_done(&f->dataset);
    test_dir_remove(f->dir);
}

static void begin(Fixture *f)
{
    assert_ok(look_ahead_new(&f->selection, &f->dataset, take_answer, &f->answers, &f->look));
}

static Error *add(Fixture *f, size_t i)
{
    char key[32], etag[32];
    snprintf(key, sizeof key, "p/f%05zu", i);
    snprintf(etag, sizeof etag, "e%zu", i);
    SelectionItem item = {.key = str_of(key),
                          .relative = str_of(key + 2),
                          .etag = str_of(etag),
                          .size_bytes = 3,
                          .modified_us = (int64_t)i};
    return look_ahead_add(f->look, &item);
}

static void files_are_found_in_the_order_of_the_listing(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 255, 256, 257, 5000}; /* around a batch, more than the ring */
    for (size_t k = 0; k < ARRAY_COUNT(counts); k++) {
        Fixture f;
        set_up(&f);
        for (size_t i = 0; i < counts[k]; i++) {
            char path[32];
            snprintf(path, sizeof path, "id/f%05zu", i);
            if (expected_state(i) != FILE_ABSENT)
                test_dir_write(f.dir, path, i % 3 ? "four" : "abc");
        }
        begin(&f);
        for (size_t i = 0; i < counts[k]; i++)
            assert_ok(add(&f, i));
        assert_ok(look_ahead_finish(f.look));
        assert_int_equal(f.answers.count, counts[k]);
        assert_int_equal(f.answers.states[FILE_CURRENT], (counts[k] + 2) / 3);
        assert_true(look_ahead_is_clean(f.look));
        tear_down(&f);
    }
}

/* What the last run's manifest names is looked at before it is added: the answers are the same. */
static void files_that_were_foreseen_are_found_too(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    Fixture f;
    set_up(&f);
    FILE *manifest = fopen((const char *)f.dataset.manifest.data, "w");
    assert_non_null(manifest);
    fputs("{\n  \"files\": [", manifest);
    for (size_t i = 0; i < COUNT; i++) {
        char path[32];
        snprintf(path, sizeof path, "id/f%05zu", i);
        if (expected_state(i) != FILE_ABSENT)
            test_dir_write(f.dir, path, i % 3 ? "four" : "abc");
        fprintf(manifest, "%s\n    {\n      \"name\": \"%s\",\n      \"size\": 3,\n      \"hash\": null\n    }",
                i ? "," : "", path + 3);
    }
    fputs("\n  ]\n}", manifest);
    assert_int_equal(fclose(manifest), 0);
    begin(&f);
    usleep(50 * 1000); /* as the first page of a listing takes; whatever the time, the answers are right */
    for (size_t i = 0; i < COUNT; i++)
        assert_ok(add(&f, i));
    assert_ok(look_ahead_finish(f.look));
    assert_int_equal(f.answers.count, COUNT);
    tear_down(&f);
}

static void what_the_receiver_refuses_ends_it(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    test_dir_write(f.dir, "id/f00000", "abc");
    f.answers.fails_at = 1;
    begin(&f);
    for (size_t i = 0; i < 10; i++)
        assert_ok(add(&f, i));
    assert_fails(look_ahead_finish(f.look), ERR_CHECK);
    assert_int_equal(f.answers.count, 1);
    tear_down(&f);
}

static void ending_early_drops_the_rest(void **state)
{
    (void)state;
    Fixture f;
    set_up(&f);
    begin(&f);
    tear_down(&f); /* without a single object */
}

static void leftovers_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        bool clean;
    } rows[] = {
        {"id/.hidden", true},
        {"id/.a.0123abcd.part", false},
        {"id/.a.0123abcd.state", false},
        {"id/.a.0123456789abcdef.fetched", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Fixture f;
        set_up(&f);
        test_dir_write(f.dir, rows[i].path, "x");
        begin(&f);
        assert_ok(look_ahead_finish(f.look));
        assert_int_equal(look_ahead_is_clean(f.look), rows[i].clean);
        tear_down(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_in_the_order_of_the_listing),
        cmocka_unit_test(files_that_were_foreseen_are_found_too),
        cmocka_unit_test(what_the_receiver_refuses_ends_it),
        cmocka_unit_test(ending_early_drops_the_rest),
        cmocka_unit_test(leftovers_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
