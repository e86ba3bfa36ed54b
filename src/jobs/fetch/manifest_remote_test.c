#include "jobs/fetch/manifest_remote.h"

#include <stdio.h>

#include "base/testing.h"
#include "store/options.h"
#include "store/test_dir.h"

typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Store *store;
} Fixture;

static Error *note(void *context, const RemoteEntry *entry)
{
    TRY(buffer_append_str(context, entry->url));
    if (entry->has_length)
        TRY(buffer_append_format(context, "=%llu", (unsigned long long)entry->content_length));
    return buffer_append_byte(context, ';');
}

static Error *read_text(const Fixture *f, const char *text, Buffer *out)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    ObjectInfo object;
    test_dir_write(f->dir, "manifest", text);
    TRY(store_head(f->store, NULL, STR("manifest"), arena, &object));
    return manifest_remote_read(f->store, NULL, &object, note, out);
}

static void entries(void **state)
{
    const Fixture *f = *state;
    static const struct {
        const char *text, *entries;
    } good[] = {
        {"{\"entries\": [{\"url\": \"s3://b/p/a.csv\", \"meta\": {\"content_length\": 5}, \"mandatory\": true}]}",
         "s3://b/p/a.csv=5;"},
        {"{\"entries\": [{\"meta\": {}}, {\"url\": \"b\"}]}", "b;"},
        {"{\"entries\": [{\"url\": \"b\", \"meta\": {\"content_length\": \"5\"}}]}", "b;"},
        {"{\"entries\": [{\"url\": \"b\", \"meta\": null}]}", "b;"},
        {"{\"entries\": []}", ""},
        {"{\"schema\": {\"entries\": [1]}}", ""},
    };
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"{oops",
         "read the manifest 'manifest': Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
        {"[]", "no object"},
        {"{\"entries\": {}}", "no list"},
        {"{\"entries\": [3]}", "no object"},
        {"{\"entries\": [{\"url\": 3}]}", "no text"},
        {"", "Expecting value"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(read_text(f, good[i].text, &out));
        assert_str(buffer_str(&out), good[i].entries);
    }
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_fails_saying(read_text(f, bad[i].text, &out), ERR_CORRUPT, bad[i].message);
    }
}

/* More than one range, and more than one piece of the walk. */
static void a_large_one(void **state)
{
    const Fixture *f = *state;
    enum { ENTRIES = 60000 };
    CLEANUP(buffer_done) Buffer text = {0}, out = {0};
    assert_ok(buffer_append_str(&text, STR("{\"entries\": [")));
    for (int i = 0; i < ENTRIES; i++)
        assert_ok(buffer_append_format(&text, "%s{\"url\": \"prefix/%08d\"}", i ? ", " : "", i));
    assert_ok(buffer_append_str(&text, STR("]}")));
    assert_true(text.len > MIB);
    assert_ok(read_text(f, buffer_cstr(&text), &out));
    assert_int_equal(out.len, ENTRIES * (sizeof "prefix/00000000;" - 1));
}

static int set_up(void **state)
{
    static Fixture fixture;
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    test_dir_new(fixture.dir);
    assert_ok(store_open(str_of(fixture.dir), &options, &fixture.store));
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    store_free(f->store);
    test_dir_remove(f->dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries),
        cmocka_unit_test(a_large_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
