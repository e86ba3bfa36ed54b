#include "jobs/env.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

/* ---- what a job runs with ---- */

typedef struct Fixture {
    char directory[64], old_directory[512];
    Options *options;
    Config *config;
    StoreOptions store;
    JobEnv env;
    Buffer opened; /* URLs that were asked of open_remote, each with a bar behind it */
    bool refuse;
} Fixture;

/* Stands in for S3: notes the URL, and gives the directory. */
static Error *open_noted(void *context, Str url, Store **ret_store)
{
    Fixture *f = context;
    if (f->refuse)
        return FAIL(DENIED, "no");
    if (!str_starts_with(url, STR("s3://")))
        return NULL;
    TRY(buffer_append_format(&f->opened, STR_FMT "|", STR_ARG(url)));
    return store_open(str_of(f->directory), &f->store, ret_store);
}

static void configure(Fixture *f, const char *const *names_and_values)
{
    config_free(f->config);
    options_free(f->options);
    f->config = NULL;
    f->options = options_new();
    for (; *names_and_values; names_and_values += 2)
        options_set(f->options, str_of(names_and_values[0]), names_and_values[1]);
    assert_ok(options_resolve(f->options, COMMAND_INGEST, &f->config));
    f->env.config = f->config;
}

static int set_up(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    snprintf(f->directory, sizeof f->directory, "/tmp/quern-env-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_non_null(getcwd(f->old_directory, sizeof f->old_directory));
    assert_int_equal(chdir(f->directory), 0);
    f->store.sync = STORE_SYNC_NONE;
    f->env = (JobEnv){.store = &f->store, .open_remote = open_noted, .open_context = f, .clock = clock_system()};
    configure(f, (const char *[]){NULL});
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    char command[96];
    int failed = chdir(f->old_directory);
    config_free(f->config);
    options_free(f->options);
    buffer_done(&f->opened);
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    failed |= system(command);
    free(f);
    return failed;
}

static void put(Fixture *f, const char *key)
{
    CLEANUP(store_freep) Store *store = NULL;
    assert_ok(store_open(str_of(f->directory), &f->store, &store));
    assert_ok(store_put_bytes(store, NULL, str_of(key), str_bytes(STR("x")), NULL));
}

/* ---- places ---- */

static void a_bucket_is_a_root_and_a_prefix(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *url, *root, *prefix;
        size_t key_base;
    } rows[] = {
        {"s3://bucket", "s3://bucket|", "", 0},
        {"s3://bucket/", "s3://bucket|", "", 0},
        {"s3://bucket/a", "s3://bucket|", "a", 0},
        {"s3://bucket/a/", "s3://bucket|", "a/", 2},
        {"s3://bucket/a/b/c", "s3://bucket|", "a/b/c", 4},
        {"s3://bucket//a", "s3://bucket|", "/a", 1},
        {"s3://bucket/a://b/c", "s3://bucket|", "a://b/c", 6},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Place place = {0};
        buffer_clear(&f->opened);
        assert_ok(place_open(&f->env, str_of(rows[i].url), &place));
        assert_str(buffer_str(&f->opened), rows[i].root);
        assert_str(place.prefix, rows[i].prefix);
        assert_int_equal(place.key_base, rows[i].key_base);
        assert_false(place.whole_key);
        assert_string_equal(place.text, rows[i].url);
        place_done(&place);
        place_done(&place); /* a zeroed one is fine */
    }
}

static void a_directory_is_its_own_root_and_a_file_is_a_key(void **state)
{
    Fixture *f = *state;
    char whole[128], url[160];
    put(f, "docs/a.txt");
    snprintf(whole, sizeof whole, "%s/docs/a.txt", f->directory);
    snprintf(url, sizeof url, "file://%s", whole);
    const struct {
        const char *url, *prefix;
        bool whole_key;
    } rows[] = {
        {"docs", "", false},           {"docs/", "", false},   {".", "", false},     {f->directory, "", false},
        {"docs/a.txt", "a.txt", true}, {whole, "a.txt", true}, {url, "a.txt", true}, {"not/there", "", false},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Place place = {0};
        assert_ok(place_open(&f->env, str_of(rows[i].url), &place));
        assert_str(place.prefix, rows[i].prefix);
        assert_int_equal(place.whole_key, rows[i].whole_key);
        place_done(&place);
    }
    assert_int_equal(chdir("docs"), 0);
    Place place = {0};
    assert_ok(place_open(&f->env, STR("a.txt"), &place)); /* without a slash: of this directory */
    assert_str(place.prefix, "a.txt");
    assert_true(str_ends_with(store_url_view(place.store), STR("docs"))
                || str_ends_with(store_url_view(place.store), STR(".")));
    place_done(&place);
}

static void a_place_that_cannot_be_opened_is_an_error(void **state)
{
    Fixture *f = *state;
    Place place = {0};
    Store *store = NULL;
    assert_fails(place_open(&f->env, STR("ftp://host/x"), &place), ERR_UNSUPPORTED);
    f->refuse = true;
    assert_fails(place_open(&f->env, STR("s3://bucket/x"), &place), ERR_DENIED);
    assert_fails(place_open_root(&f->env, STR("s3://bucket/x"), &store), ERR_DENIED);
    assert_null(place.text);
}

static void a_root_to_write_to_ends_in_a_slash(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *url, *opened;
    } rows[] = {{"s3://bucket", "s3://bucket|"},
                {"s3://bucket/", "s3://bucket/|"},
                {"s3://bucket/a", "s3://bucket/a/|"},
                {"s3://bucket/a/", "s3://bucket/a/|"}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Store *store = NULL;
        buffer_clear(&f->opened);
        assert_ok(place_open_root(&f->env, str_of(rows[i].url), &store));
        assert_str(buffer_str(&f->opened), rows[i].opened);
        store_free(store);
    }
    Store *store = NULL;
    put(f, "file");
    assert_fails_saying(place_open_root(&f->env, STR("file"), &store), ERR_INVALID, "not a directory");
}

static void a_target_within_the_source_is_known(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *target, *prefix;
    } rows[] = {{"docs/out", "out/"}, {"docs/out/", "out/"}, {"./docs/a/b", "a/b/"},
                {"docs-out", ""},     {"out", ""},           {"/docs/out", ""}};
    Place source = {0};
    put(f, "docs/a.txt");
    assert_ok(place_open(&f->env, STR("docs"), &source));
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer prefix = {0};
        assert_ok(place_within(&f->env, &source, str_of(rows[i].target), &prefix));
        assert_str(buffer_str(&prefix), rows[i].prefix);
    }
    place_done(&source);
}

static Error *append_key(void *context, const ObjectInfo *object)
{
    return buffer_append_format(context, STR_FMT "|", STR_ARG(object->key));
}

static Error *stop_listing(void *context, const ObjectInfo *object)
{
    (void)context;
    (void)object;
    return FAIL(CORRUPT, "mine");
}

static void a_place_lists_what_it_means(void **state)
{
    Fixture *f = *state;
    CLEANUP(buffer_done) Buffer keys = {0};
    Place place = {0};
    put(f, "a/1");
    put(f, "a/2");
    put(f, "ab");
    put(f, "b");
    assert_ok(place_open(&f->env, STR("s3://bucket/a"), &place));
    assert_ok(place_list(&place, NULL, append_key, &keys));
    assert_str(buffer_str(&keys), "a/1|a/2|ab|");
    assert_fails_saying(place_list(&place, NULL, stop_listing, NULL), ERR_CORRUPT, "mine"); /* as it is */
    place_done(&place);
    assert_ok(place_open(&f->env, STR("not/there"), &place));
    assert_fails_saying(place_list(&place, NULL, append_key, &keys), ERR_NOT_FOUND, "list 'not/there'");
    place_done(&place);
}

/* ---- filters ---- */

static void filters_decide_by_the_first_rule_that_matches(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *options[7];
        const char *taken; /* of the keys below, their indexes */
    } rows[] = {
        {{NULL}, "0123"},
        {{"include", "*.pdf"}, "02"},
        {{"exclude", "*.pdf"}, "13"},
        {{"exclude", "b/**"}, "01"},
        {{"exclude", "b/**", "include", "*.pdf"}, "0"},
        {{"include", "*.pdf", "exclude", "b/**"}, "02"},
        {{"file-glob", "*.txt"}, "13"},
        {{"file-glob", "docs/a*", "exclude", "*.pdf"}, "1"},
        {{"include", "nothing"}, ""},
    };
    static const char *const keys[] = {"docs/a.pdf", "docs/a.txt", "docs/b/c.pdf", "docs/b/c.txt"};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(key_filter_freep) KeyFilter *filter = NULL;
        char taken[8] = "";
        size_t count = 0;
        configure(f, rows[i].options);
        assert_ok(key_filter_new(f->config, config_list(f->config, "file-glob"), &filter));
        for (size_t k = 0; k < ARRAY_COUNT(keys); k++)
            if (key_filter_takes(filter, str_of(keys[k]), strlen("docs/")))
                taken[count++] = (char)('0' + k);
        if (strcmp(taken, rows[i].taken) != 0)
            fail_msg("row %zu: '%s' and not '%s'", i, taken, rows[i].taken);
    }
}

static void shards_share_the_keys_out(void **state)
{
    Fixture *f = *state;
    enum { SHARDS = 4, KEYS = 1000 };
    unsigned taken[KEYS] = {0};
    for (unsigned s = 0; s < SHARDS; s++) {
        CLEANUP(key_filter_freep) KeyFilter *filter = NULL;
        char shard[16];
        unsigned count = 0;
        snprintf(shard, sizeof shard, "%u/%d", s, SHARDS);
        configure(f, (const char *[]){"shard", shard, NULL});
        assert_ok(key_filter_new(f->config, (StrList){0}, &filter));
        for (unsigned k = 0; k < KEYS; k++) {
            char key[16];
            snprintf(key, sizeof key, "key-%u", k);
            bool takes = key_filter_takes(filter, str_of(key), 0);
            taken[k] += takes;
            count += takes;
        }
        assert_in_range(count, KEYS / SHARDS - 80, KEYS / SHARDS + 80);
    }
    for (unsigned k = 0; k < KEYS; k++)
        assert_int_equal(taken[k], 1); /* each by exactly one */
}

static void a_bad_pattern_is_refused(void **state)
{
    Fixture *f = *state;
    CLEANUP(key_filter_freep) KeyFilter *filter = NULL;
    configure(f, (const char *[]){"exclude", "a{b", NULL});
    assert_fails_saying(key_filter_new(f->config, (StrList){0}, &filter), ERR_INVALID, "--exclude");
    assert_null(filter);
    key_filter_free(NULL);
}

/* ---- engine options ---- */

static void engine_options_are_those_of_the_configuration(void **state)
{
    Fixture *f = *state;
    EngineOptions options;
    configure(
        f, (const char *[]){"workers", "7", "threads", "3", "limit", "11", "memory", "64MiB", "max-errors", "5", NULL});
    assert_ok(job_engine_options(&f->env, &options));
    assert_int_equal(options.workers, 7);
    assert_int_equal(options.cpu_tokens, 3);
    assert_int_equal(options.items_limit, 11);
    assert_int_equal(options.memory_bytes, 64 * MIB);
    assert_int_equal(options.errors_max, 5);
    assert_true(options.errors_max_percent == 0);

    configure(f, (const char *[]){"max-errors", "2.5%", NULL});
    assert_ok(job_engine_options(&f->env, &options));
    assert_true(options.errors_max == UINT64_MAX && options.errors_max_percent == 2.5);
    assert_true(options.cpu_tokens > 0 && options.workers > 0 && options.memory_bytes > 0);
    assert_int_equal(options.items_limit, 0);

    configure(f, (const char *[]){"max-errors", "0%", NULL});
    assert_ok(job_engine_options(&f->env, &options));
    assert_true(options.errors_max == 0 && options.errors_max_percent == 0);
}

/* ---- the journal ---- */

/* Is there a file in `directory`/`below` whose name begins and ends so? */
static bool exists(const char *directory, const char *below, const char *start, const char *end)
{
    char path[256];
    bool found = false;
    snprintf(path, sizeof path, "%s/%s", directory, below);
    DIR *open = opendir(path);
    for (struct dirent *entry; open && (entry = readdir(open));)
        found = found
                || (str_starts_with(str_of(entry->d_name), str_of(start))
                    && str_ends_with(str_of(entry->d_name), str_of(end)));
    if (open)
        closedir(open);
    return found;
}

static void the_journal_lies_where_it_is_told(void **state)
{
    Fixture *f = *state;
    char state_dir[128], path[128], xdg[128], home[128];
    snprintf(state_dir, sizeof state_dir, "%s/state", f->directory);
    snprintf(path, sizeof path, "%s/own/j", f->directory);
    snprintf(xdg, sizeof xdg, "XDG_STATE_HOME=%s/xdg", f->directory);
    snprintf(home, sizeof home, "HOME=%s/home", f->directory);
    const struct {
        const char *options[3], *environment[3], *below, *start, *end;
    } rows[] = {
        {{"journal", path}, {xdg, home}, "own", "j", "j"},
        {{"state-dir", state_dir}, {xdg, home}, "state", "ingest-", ".journal"},
        {{NULL}, {xdg, home}, "xdg/quern", "ingest-", ".journal"},
        {{NULL}, {home, NULL}, "home/.local/state/quern", "ingest-", ".journal"},
        {{NULL},
         {"XDG_STATE_HOME=", home},
         "home/.local/state/quern",
         "ingest-",
         ".journal"}, /* empty is as good as none */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(journal_freep) Journal *journal = NULL;
        configure(f, rows[i].options);
        f->env.environ = rows[i].environment;
        assert_ok(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &journal));
        assert_non_null(journal);
        if (!exists(f->directory, rows[i].below, rows[i].start, rows[i].end))
            fail_msg("row %zu: nothing in '%s'", i, rows[i].below);
    }
    CLEANUP(journal_freep) Journal *journal = NULL;
    configure(f, (const char *[]){NULL});
    f->env.environ = (const char *[]){"HOMES=x", NULL};
    assert_ok(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &journal)); /* nobody asked for one */
    assert_null(journal);
    put(f, "file");
    configure(f, (const char *[]){"state-dir", "file/below", NULL});
    assert_fails(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &journal), ERR_NOT_FOUND);
}

static void a_dry_run_has_no_journal(void **state)
{
    Fixture *f = *state;
    CLEANUP(journal_freep) Journal *journal = NULL;
    configure(f, (const char *[]){"dry-run", "true", "state-dir", "state", NULL});
    assert_ok(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &journal));
    assert_null(journal);
    assert_int_not_equal(access("state", F_OK), 0);
}

static void a_journal_is_of_one_source_and_target(void **state)
{
    Fixture *f = *state;
    CLEANUP(journal_freep) Journal *first = NULL;
    configure(f, (const char *[]){"state-dir", f->directory, NULL});
    assert_ok(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &first));
    static const struct {
        const char *command, *source, *target;
        bool same;
    } rows[] = {{"ingest", "in", "out", true},
                {"load", "in", "out", false},
                {"ingest", "in", "other", false},
                {"ingest", "s3://in", "out", false},
                {"ingest", "ino", "ut", false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(journal_freep) Journal *journal = NULL;
        Error *error =
            job_open_journal(&f->env, rows[i].command, str_of(rows[i].source), str_of(rows[i].target), &journal);
        assert_int_equal(error_code(error), rows[i].same ? ERR_LOCKED : ERR_OK);
        error_free(error);
    }
    CLEANUP(journal_freep) Journal *of_part = NULL;
    configure(f, (const char *[]){"state-dir", f->directory, "shard", "1/2", NULL});
    assert_ok(job_open_journal(&f->env, "ingest", STR("in"), STR("out"), &of_part)); /* which runs beside the others */
    configure(f, (const char *[]){"state-dir", f->directory, NULL});
    char absolute[96]; /* a bare path is the same place as its whole one */
    CLEANUP(journal_freep) Journal *journal = NULL;
    snprintf(absolute, sizeof absolute, "%s/in", f->directory);
    assert_fails(job_open_journal(&f->env, "ingest", str_of(absolute), STR("out"), &journal), ERR_LOCKED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bucket_is_a_root_and_a_prefix),
        TEST(a_directory_is_its_own_root_and_a_file_is_a_key),
        TEST(a_place_that_cannot_be_opened_is_an_error),
        TEST(a_root_to_write_to_ends_in_a_slash),
        TEST(a_target_within_the_source_is_known),
        TEST(a_place_lists_what_it_means),
        TEST(filters_decide_by_the_first_rule_that_matches),
        TEST(shards_share_the_keys_out),
        TEST(a_bad_pattern_is_refused),
        TEST(engine_options_are_those_of_the_configuration),
        TEST(the_journal_lies_where_it_is_told),
        TEST(a_dry_run_has_no_journal),
        TEST(a_journal_is_of_one_source_and_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
