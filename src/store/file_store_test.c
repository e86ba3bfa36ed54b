#include "store/file_store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/random.h"
#include "base/testing.h"
#include "base/thread.h"
#include "store/test_dir.h"

/* A file system without user attributes, when a test asks for it. */
static bool attributes_missing;
int __real_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
ssize_t __real_fgetxattr(int fd, const char *name, void *value, size_t size);
ssize_t __real_flistxattr(int fd, char *list, size_t size);
int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags);
ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t size);
ssize_t __wrap_flistxattr(int fd, char *list, size_t size);

int __wrap_fsetxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
    errno = ENOTSUP;
    return attributes_missing ? -1 : __real_fsetxattr(fd, name, value, size, flags);
}

ssize_t __wrap_fgetxattr(int fd, const char *name, void *value, size_t size)
{
    errno = ENOTSUP;
    return attributes_missing ? -1 : __real_fgetxattr(fd, name, value, size);
}

ssize_t __wrap_flistxattr(int fd, char *list, size_t size)
{
    errno = ENOTSUP;
    return attributes_missing ? -1 : __real_flistxattr(fd, list, size);
}

/* An empty directory for each test. */
typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Store *store;
    Arena *arena;
} Fixture;

static void make_link(const Fixture *f, const char *target, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    assert_int_equal(symlink(target, path), 0);
}

static bool is_there(const Fixture *f, const char *name)
{
    struct stat st;
    return test_dir_stat(f->dir, name, &st);
}

static bool is_dir(const Fixture *f, const char *name)
{
    struct stat st;
    return test_dir_stat(f->dir, name, &st) && S_ISDIR(st.st_mode);
}

static int set_up(void **state)
{
    Fixture *fixture = calloc(1, sizeof(*fixture));
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    test_dir_new(fixture->dir);
    fixture->arena = arena_new(1 * MIB);
    assert_ok(store_open(str_of(fixture->dir), &options, &fixture->store));
    attributes_missing = false;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *fixture = *state;
    store_free(fixture->store);
    arena_free(fixture->arena);
    test_dir_remove(fixture->dir);
    free(fixture);
    return 0;
}

static Error *put_text(Store *store, const char *key, const char *text)
{
    return store_put_bytes(store, NULL, str_of(key), str_bytes(str_of(text)), NULL);
}

static void assert_content(Store *store, const char *key, const char *text)
{
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(store_get(store, NULL, str_of(key), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_str(buffer_str(&body), text);
}

/* ---- reading and writing ---- */

static void test_round_trip(void **state)
{
    Fixture *f = *state;
    assert_ok(put_text(f->store, "a/b/c.txt", "one"));
    assert_content(f->store, "a/b/c.txt", "one");
    assert_ok(put_text(f->store, "a/b/c.txt", "two, longer"));
    assert_content(f->store, "a/b/c.txt", "two, longer");
    assert_ok(put_text(f->store, "empty", ""));
    assert_content(f->store, "empty", "");
    assert_ok(store_delete(f->store, NULL, STR("a/b/c.txt")));
    assert_ok(store_delete(f->store, NULL, STR("a/b/c.txt")));
    assert_ok(store_delete(f->store, NULL, STR("no/such/directory")));
    CLEANUP(buffer_done) Buffer body = {0};
    assert_fails(store_get(f->store, NULL, STR("a/b/c.txt"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    assert_fails(store_get(f->store, NULL, STR("empty/below"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    assert_fails(store_get(f->store, NULL, STR("a/b"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    StoreCounters counters = store_counters(f->store);
    assert_true(counters.requests > 8 && counters.bytes_in == 14 && counters.bytes_out == 14);
}

static const struct {
    uint64_t offset, length;
    ErrorCode code;
    const char *wanted;
} ranges[] = {
    {0, UINT64_MAX, ERR_OK, "0123456789"},
    {0, 1, ERR_OK, "0"},
    {3, 4, ERR_OK, "3456"},
    {9, 1, ERR_OK, "9"},
    {8, 100, ERR_OK, "89"},
    {8, UINT64_MAX, ERR_OK, "89"},
    {10, 1, ERR_INVALID, ""},
    {UINT64_MAX, UINT64_MAX, ERR_INVALID, ""},
};

static void test_ranges(void **state)
{
    Fixture *f = *state;
    assert_ok(put_text(f->store, "x", "0123456789"));
    for (size_t i = 0; i < ARRAY_COUNT(ranges); i++) {
        CLEANUP(buffer_done) Buffer body = {0};
        assert_ok(buffer_append_str(&body, STR("before ")));
        ByteRange range = {ranges[i].offset, ranges[i].length};
        Error *err = store_get(f->store, NULL, STR("x"), range, STR_EMPTY, &body);
        assert_int_equal(error_code(err), ranges[i].code);
        error_free(err);
        assert_str(str_slice(buffer_str(&body), 7, body.len), ranges[i].wanted);
    }
    CLEANUP(buffer_done) Buffer small = {.limit = 4};
    assert_fails(store_get(f->store, NULL, STR("x"), BYTE_RANGE_ALL, STR_EMPTY, &small), ERR_LIMIT);
    assert_int_equal(small.len, 0);
}

static void test_etag(void **state)
{
    Fixture *f = *state;
    ObjectInfo info;
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(put_text(f->store, "x", "one"));
    assert_ok(store_head(f->store, NULL, STR("x"), f->arena, &info));
    assert_int_equal(info.size_bytes, 3);
    assert_str(info.key, "x");
    assert_true(info.modified_us > INT64_C(1700000000000000));
    assert_ok(store_get(f->store, NULL, STR("x"), BYTE_RANGE_ALL, info.etag, &body));
    assert_ok(put_text(f->store, "x", "two"));
    assert_fails(store_get(f->store, NULL, STR("x"), BYTE_RANGE_ALL, info.etag, &body), ERR_CHANGED);
    assert_str(buffer_str(&body), "one");
}

static Error *read_pattern(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    (void)context;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)((offset + i) * 31 >> 3);
    return NULL;
}

/* More than one chunk each way. */
static void test_large(void **state)
{
    Fixture *f = *state;
    CLEANUP(buffer_done) Buffer body = {0};
    PutBody content = {.size_bytes = 5 * MIB + 123, .read_at = read_pattern};
    assert_ok(store_put(f->store, NULL, STR("large"), &content, NULL));
    assert_ok(store_get(f->store, NULL, STR("large"), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_int_equal(body.len, 5 * MIB + 123);
    for (size_t i = 0; i < body.len; i += 997)
        assert_int_equal(body.data[i], (uint8_t)(i * 31 >> 3));
}

/* ---- metadata ---- */

static void check_metadata(Fixture *f)
{
    MetadataEntry entries[] = {{STR("a"), STR("1")},
                               {STR("name"), STR("Gr\xc3\xbc\xc3\x9f"
                                                 "e\n ")},
                               {STR("empty"), STR("")}};
    PutOptions options = {.headers.content_type = STR("text/plain"), .metadata = {entries, 3}};
    ObjectInfo info;

    assert_ok(store_put_bytes(f->store, NULL, STR("d/x"), str_bytes(STR("x")), &options));
    assert_ok(store_head(f->store, NULL, STR("d/x"), f->arena, &info));
    assert_str(info.headers.content_type, "text/plain");
    assert_int_equal(info.metadata.count, 3);
    for (size_t i = 0; i < 3; i++) {
        size_t found = 0;
        for (size_t j = 0; j < 3; j++)
            found += str_equal(info.metadata.entries[j].name, entries[i].name)
                     && str_equal(info.metadata.entries[j].value, entries[i].value);
        assert_int_equal(found, 1);
    }
    assert_ok(put_text(f->store, "d/x", "without"));
    assert_ok(store_head(f->store, NULL, STR("d/x"), f->arena, &info));
    assert_int_equal(info.metadata.count, 0);
    assert_int_equal(info.headers.content_type.len, 0);
    assert_ok(store_put_bytes(f->store, NULL, STR("d/x"), str_bytes(STR("x")), &options));
    assert_ok(store_delete(f->store, NULL, STR("d/x")));
    assert_int_equal(test_dir_count(f->dir, "d"), 0);
}

static void test_metadata(void **state)
{
    check_metadata(*state);
}

static void test_metadata_without_attributes(void **state)
{
    attributes_missing = true;
    check_metadata(*state);
}

static Error *count_object(void *context, const ObjectInfo *object)
{
    (void)object;
    ++*(size_t *)context;
    return NULL;
}

/* The file beside it is no object, and belongs to one inode: a file that took the name by other means has none of it. */
static void test_metadata_beside(void **state)
{
    Fixture *f = *state;
    PutOptions options = {.headers.content_type = STR("text/plain")};
    ObjectInfo info;
    size_t count = 0;
    attributes_missing = true;
    assert_ok(store_put_bytes(f->store, NULL, STR("x"), str_bytes(STR("x")), &options));
    assert_ok(store_list(f->store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, 1);
    char from[64], to[64];
    test_dir_write(f->dir, "y", "new");
    snprintf(from, sizeof(from), "%s/y", f->dir);
    snprintf(to, sizeof(to), "%s/x", f->dir);
    assert_int_equal(rename(from, to), 0);
    assert_ok(store_head(f->store, NULL, STR("x"), f->arena, &info));
    assert_int_equal(info.headers.content_type.len, 0);
}

/* ---- copies, conditions ---- */

static void check_copies(Fixture *f)
{
    const MetadataEntry entry = {STR("a"), STR("1")};
    PutOptions put = {.headers = {.content_type = STR("text/x"),
                                  .cache_control = STR("no-cache"),
                                  .content_disposition = STR("attachment"),
                                  .content_encoding = STR("gzip"),
                                  .content_language = STR("de"),
                                  .expires = STR("0"),
                                  .storage_class = STR("GLACIER")},
                      .metadata = {&entry, 1}};
    ObjectInfo info;
    assert_ok(store_put_bytes(f->store, NULL, STR("a/x"), str_bytes(STR("content")), &put));
    assert_ok(store_copy(f->store, NULL, STR("b/y"), f->store, STR("a/x"), NULL));
    assert_content(f->store, "b/y", "content");
    assert_ok(store_head(f->store, NULL, STR("b/y"), f->arena, &info));
    assert_str(info.headers.content_type, "text/x");
    assert_str(info.headers.cache_control, "no-cache");
    assert_str(info.headers.content_disposition, "attachment");
    assert_str(info.headers.content_encoding, "gzip");
    assert_str(info.headers.content_language, "de");
    assert_str(info.headers.expires, "0");
    assert_str(info.headers.storage_class, "");
    assert_int_equal(info.metadata.count, 1);

    CopyOptions rewrite = {.replace = true, .headers.content_type = STR("text/y")};
    assert_ok(store_copy(f->store, NULL, STR("b/y"), f->store, STR("b/y"), &rewrite));
    assert_content(f->store, "b/y", "content");
    assert_ok(store_head(f->store, NULL, STR("b/y"), f->arena, &info));
    assert_str(info.headers.content_type, "text/y");
    assert_str(info.headers.cache_control, "");
    assert_int_equal(info.metadata.count, 0);
    assert_ok(store_delete(f->store, NULL, STR("b/y")));
    assert_int_equal(test_dir_count(f->dir, "b"), 0);
}

static void test_copies(void **state)
{
    check_copies(*state);
}

static void test_copies_without_attributes(void **state)
{
    attributes_missing = true;
    check_copies(*state);
}

static void test_copy_refused(void **state)
{
    Fixture *f = *state;
    ObjectInfo info;
    assert_ok(put_text(f->store, "x", "content"));
    assert_ok(put_text(f->store, "y", "other"));
    make_link(f, "x", "link");
    assert_ok(store_head(f->store, NULL, STR("x"), f->arena, &info));
    const struct {
        const char *to, *from;
        CopyOptions options;
        ErrorCode code;
    } rows[] = {
        {"z", "missing", {.parts_max = 0}, ERR_NOT_FOUND},
        {"z", "link", {.parts_max = 0}, ERR_DENIED},
        {"../z", "x", {.parts_max = 0}, ERR_INVALID},
        {"x", "x", {.parts_max = 0}, ERR_INVALID},
        {"y", "x", {.mode = PUT_IF_ABSENT}, ERR_EXISTS},
        {"y", "x", {.mode = PUT_IF_UNCHANGED, .if_etag = info.etag}, ERR_CHANGED},
        {"z", "x", {.mode = PUT_IF_UNCHANGED, .if_etag = info.etag}, ERR_CHANGED},
        {"z", "x", {.if_from_etag = STR("another")}, ERR_CHANGED},
        {"z", "x", {.from_version = STR("1")}, ERR_UNSUPPORTED},
        {"z", "x", {.replace_tags = true, .tags = STR("a=1")}, ERR_UNSUPPORTED},
        {"z", "x", {.mode = PUT_IF_ABSENT, .if_from_etag = info.etag}, ERR_OK},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Error *err = store_copy(f->store, NULL, str_of(rows[i].to), f->store, str_of(rows[i].from), &rows[i].options);
        if (error_code(err) != rows[i].code)
            print_error("row %zu: %s\n", i, error_message_view(err));
        assert_int_equal(error_code(err), rows[i].code);
        error_free(err);
        assert_int_equal(is_there(f, "z"), rows[i].code == ERR_OK);
    }
    assert_content(f->store, "y", "other");
}

static void test_put_if_unchanged(void **state)
{
    Fixture *f = *state;
    ObjectInfo info;
    PutOptions options = {.mode = PUT_IF_UNCHANGED, .if_etag = STR("none")};
    assert_fails(store_put_bytes(f->store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_CHANGED);
    assert_ok(put_text(f->store, "x", "1"));
    assert_fails(store_put_bytes(f->store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_CHANGED);
    assert_ok(store_head(f->store, NULL, STR("x"), f->arena, &info));
    options.if_etag = info.etag;
    assert_ok(store_put_bytes(f->store, NULL, STR("x"), str_bytes(STR("2")), &options));
    assert_fails(store_put_bytes(f->store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_CHANGED);
    assert_content(f->store, "x", "2");
    options = (PutOptions){.tags = STR("a=1")};
    assert_fails(store_put_bytes(f->store, NULL, STR("x"), BYTES_EMPTY, &options), ERR_UNSUPPORTED);
}

/* Between file systems nothing is shared, and the result is the same. */
static void test_copy_between_file_systems(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *other = NULL;
    CLEANUP(buffer_done) Buffer body = {0};
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    char dir[] = "/dev/shm/quern-copy-XXXXXX";
    PutBody content = {.size_bytes = 3 * MIB + 7, .read_at = read_pattern};
    if (!mkdtemp(dir))
        fail_msg("no directory in /dev/shm");
    assert_ok(store_open(str_of(dir), &options, &other));
    assert_ok(store_put(other, NULL, STR("x"), &content, NULL));
    assert_ok(store_copy(f->store, NULL, STR("y"), other, STR("x"), NULL));
    assert_ok(store_get(f->store, NULL, STR("y"), BYTE_RANGE_ALL, STR_EMPTY, &body));
    assert_int_equal(body.len, 3 * MIB + 7);
    for (size_t i = 0; i < body.len; i += 997)
        assert_int_equal(body.data[i], (uint8_t)(i * 31 >> 3));
    test_dir_remove(dir);
}

/* ---- attacks ---- */

static void test_bad_keys(void **state)
{
    Fixture *f = *state;
    static const struct {
        const char *key;
        size_t len;
    } keys[] = {{"", 0},     {"..", 2},  {"../x", 4}, {"a/../../x", 9}, {"/etc/passwd", 11},
                {"a//b", 4}, {"./x", 3}, {"a/.", 3},  {"a\0b", 3}};
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        CLEANUP(buffer_done) Buffer body = {0};
        Str key = str_from(keys[i].key, keys[i].len);
        ObjectInfo info;
        assert_fails(store_put_bytes(f->store, NULL, key, BYTES_EMPTY, NULL), ERR_INVALID);
        assert_fails(store_check_put(f->store, key, &(PutOptions){0}), ERR_INVALID);
        assert_fails(store_get(f->store, NULL, key, BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_INVALID);
        assert_fails(store_head(f->store, NULL, key, f->arena, &info), ERR_INVALID);
        assert_fails(store_delete(f->store, NULL, key), ERR_INVALID);
    }
    assert_ok(store_check_put(f->store, STR("a/b"), &(PutOptions){0}));
    assert_fails(store_check_put(f->store, STR("a/b"), &(PutOptions){.tags = STR("a=b")}), ERR_UNSUPPORTED);
    assert_int_equal(test_dir_count(f->dir, ""), 0);
}

/* Planted links lead nowhere: not as a directory, not as the file, not in a listing. */
static void test_symbolic_links(void **state)
{
    Fixture *f = *state;
    CLEANUP(buffer_done) Buffer body = {0};
    size_t count = 0;
    make_link(f, "/etc", "link");
    make_link(f, "/etc/passwd", "file");
    assert_fails(store_get(f->store, NULL, STR("link/passwd"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_DENIED);
    assert_fails(store_get(f->store, NULL, STR("file"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_DENIED);
    assert_fails(put_text(f->store, "link/evil", "x"), ERR_DENIED);
    assert_ok(store_list(f->store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, 0);
    assert_ok(put_text(f->store, "file", "replaces the link"));
    assert_content(f->store, "file", "replaces the link");
    struct stat st;
    assert_false(test_dir_stat("/etc", "evil", &st));
    assert_true(test_dir_stat(f->dir, "file", &st) && S_ISREG(st.st_mode));
    assert_true(test_dir_stat("/etc", "passwd", &st) && st.st_size != (off_t)strlen("replaces the link"));
}

static void test_not_a_file(void **state)
{
    Fixture *f = *state;
    CLEANUP(buffer_done) Buffer body = {0};
    char path[64];
    snprintf(path, sizeof(path), "%s/fifo", f->dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/dir", f->dir);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_fails(store_get(f->store, NULL, STR("fifo"), BYTE_RANGE_ALL, STR_EMPTY, &body), ERR_NOT_FOUND);
    assert_fails(put_text(f->store, "dir", "x"), ERR_INVALID);
    assert_ok(put_text(f->store, "a", "file"));
    assert_fails_saying(put_text(f->store, "a/b", "x"), ERR_INVALID, "a part of it is no directory");
    assert_ok(put_text(f->store, "marker/", ""));
    assert_fails(put_text(f->store, "marker/", "content"), ERR_INVALID);
    assert_ok(store_delete(f->store, NULL, STR("dir")));
    assert_true(is_dir(f, "marker") && is_dir(f, "dir"));
}

static void test_long_names(void **state)
{
    Fixture *f = *state;
    char key[1100];
    memset(key, 'k', 256);
    assert_fails_saying(store_put_bytes(f->store, NULL, str_from(key, 256), BYTES_EMPTY, NULL), ERR_INVALID,
                        "256 bytes");
    assert_ok(store_put_bytes(f->store, NULL, str_from(key, 255), str_bytes(STR("x")), NULL));
    for (size_t i = 0; i < 1024; i++)
        key[i] = i % 2 ? '/' : 'd';
    key[1023] = 'f';
    key[1022] = 'f';
    assert_ok(store_put_bytes(f->store, NULL, str_from(key, 1024), str_bytes(STR("deep")), NULL));
    size_t count = 0;
    assert_ok(store_list(f->store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, 2);
}

static void test_escaped_names(void **state)
{
    Fixture *f = *state;
    static const char *const keys[] = {"%",   "/",       "//", "/a",   "a/",       "a/../b",          "a//b",
                                       "a//", "../../x", ".",  "x\ny", "100%/%41", ".x.0123abcd.part"};
    CLEANUP(store_freep) Store *store = NULL;
    StoreOptions options = {.sync = STORE_SYNC_NONE, .escape_names = true};
    size_t count = 0;
    assert_ok(store_open(str_of(f->dir), &options, &store));
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) {
        Error *err = put_text(store, keys[i], keys[i]);
        /* "/" is a file, and "//" would lie below it: the second has to give way, loudly */
        bool clash = strcmp(keys[i], "//") == 0 || strcmp(keys[i], "a//b") == 0 || strcmp(keys[i], "a//") == 0;
        assert_int_equal(error_code(err), clash ? ERR_INVALID : ERR_OK);
        error_free(err);
        if (!clash)
            assert_content(store, keys[i], keys[i]);
    }
    assert_ok(store_list(store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, ARRAY_COUNT(keys) - 3);
    assert_false(is_there(f, "../x"));
}

/* ---- listing ---- */

enum { KEYS_MAX = 600 };

typedef struct KeySet {
    char *keys[KEYS_MAX];
    size_t count;
} KeySet;

static int compare_keys(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

static Error *collect(void *context, const ObjectInfo *object)
{
    KeySet *set = context;
    assert_true(set->count < KEYS_MAX);
    set->keys[set->count++] = strndup(object->key.data, object->key.len);
    return NULL;
}

static void key_set_done(KeySet *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->keys[i]);
}

/* A listing is what sorting and filtering all keys gives. */
static void check_listing(Store *store, const KeySet *all, const char *prefix, const char *after)
{
    CLEANUP(key_set_done) KeySet listed = {0};
    size_t at = 0;
    assert_ok(store_list(store, NULL, str_of(prefix), str_of(after), collect, &listed));
    for (size_t i = 0; i < all->count; i++) {
        if (strncmp(all->keys[i], prefix, strlen(prefix)) != 0 || strcmp(all->keys[i], after) <= 0)
            continue;
        if (at >= listed.count || strcmp(listed.keys[at], all->keys[i]) != 0)
            print_error("prefix '%s', after '%s': '%s' is missing\n", prefix, after, all->keys[i]);
        assert_true(at < listed.count);
        assert_string_equal(listed.keys[at], all->keys[i]);
        at++;
    }
    assert_int_equal(at, listed.count);
}

/* One level is what cutting all keys behind the delimiter gives, each once. */
static void check_one_level(Store *store, const KeySet *all, const char *prefix, const char *delimiter,
                            const char *after)
{
    CLEANUP(key_set_done) KeySet listed = {0};
    CLEANUP(buffer_done) Buffer cut_before = {0};
    ListOptions options = {.prefix = str_of(prefix), .delimiter = str_of(delimiter), .start_after = str_of(after)};
    size_t at = 0;
    assert_ok(store_list_with(store, NULL, &options, collect, &listed));
    for (size_t i = 0; i < all->count; i++) {
        if (strncmp(all->keys[i], prefix, strlen(prefix)) != 0 || strcmp(all->keys[i], after) <= 0)
            continue;
        const char *found = strstr(all->keys[i] + strlen(prefix), delimiter);
        size_t len = found ? (size_t)(found - all->keys[i]) + strlen(delimiter) : strlen(all->keys[i]);
        Str shown = str_from(all->keys[i], len);
        if (found && (str_equal(shown, buffer_str(&cut_before)) || str_equal(shown, str_of(after))))
            continue;
        buffer_clear(&cut_before);
        assert_ok(buffer_append_str(&cut_before, shown));
        assert_true(at < listed.count);
        assert_true(str_equal(shown, str_of(listed.keys[at])));
        at++;
    }
    assert_int_equal(at, listed.count);
}

static Error *append_random_key(Random *random, Buffer *key)
{
    static const char *const parts[] = {"a", "a.b", "a-", "a0", "b", "!", "\xc3\xbc", "~", "a b"};
    for (uint64_t depth = random_below(random, 4) + 1; depth > 0; depth--) {
        TRY(buffer_append_str(key, str_of(parts[random_below(random, ARRAY_COUNT(parts))])));
        if (random_below(random, 2) == 0)
            TRY(buffer_append_str(key, str_of(parts[random_below(random, ARRAY_COUNT(parts))])));
        if (depth > 1)
            TRY(buffer_append_byte(key, '/'));
    }
    return NULL;
}

/* Names that clash (a file where a directory is) are left out. */
static void make_random_keys(Store *store, Random *random, KeySet *all)
{
    const PutOptions once = {.mode = PUT_IF_ABSENT};
    for (unsigned i = 0; i < KEYS_MAX; i++) {
        CLEANUP(buffer_done) Buffer key = {0};
        assert_ok(append_random_key(random, &key));
        Error *err = store_put_bytes(store, NULL, buffer_str(&key), BYTES_EMPTY, &once);
        if (!err)
            all->keys[all->count++] = strdup(buffer_cstr(&key));
        error_free(err);
    }
    qsort(all->keys, all->count, sizeof(all->keys[0]), compare_keys);
}

static void test_listing_order(void **state)
{
    Fixture *f = *state;
    static const char *const prefixes[] = {"", "a", "a/", "a.", "a/a", "a/a.b/", "b/", "zzz/", "\xc3", "a0/x"};
    CLEANUP(key_set_done) KeySet all = {0};
    Random random;
    random_init_seed(&random, 20261121);
    make_random_keys(f->store, &random, &all);
    assert_true(all.count > 50);
    for (size_t p = 0; p < ARRAY_COUNT(prefixes); p++) {
        check_listing(f->store, &all, prefixes[p], "");
        for (size_t i = 0; i < 30; i++)
            check_listing(f->store, &all, prefixes[p], all.keys[random_below(&random, all.count)]);
        check_listing(f->store, &all, prefixes[p], "a/");
        check_listing(f->store, &all, prefixes[p], "a/a.b");
        check_listing(f->store, &all, prefixes[p], "a/a.b/zzz/y");
        check_listing(f->store, &all, prefixes[p], "\xff");
        check_one_level(f->store, &all, prefixes[p], "/", "");
        check_one_level(f->store, &all, prefixes[p], "/", "a/");
        check_one_level(f->store, &all, prefixes[p], "/", "a0");
        check_one_level(f->store, &all, prefixes[p], ".b", "");
        check_one_level(f->store, &all, prefixes[p], ".b", "a.b");
    }
}

static Error *stop_at_once(void *context, const ObjectInfo *object)
{
    (void)context;
    (void)object;
    return FAIL(NO_WORK, "enough");
}

static void test_listing_ends(void **state)
{
    Fixture *f = *state;
    Cancel stopped = {.level = CANCEL_STOP};
    CLEANUP(store_freep) Store *missing = NULL;
    size_t count = 0;
    assert_ok(put_text(f->store, "a/b", ""));
    assert_fails(store_list(f->store, NULL, STR_EMPTY, STR_EMPTY, stop_at_once, NULL), ERR_NO_WORK);
    assert_fails(store_list(f->store, &stopped, STR_EMPTY, STR_EMPTY, count_object, &count), ERR_CANCELLED);
    assert_fails(store_list(f->store, NULL, STR("../"), STR_EMPTY, count_object, &count), ERR_INVALID);
    assert_ok(store_list(f->store, NULL, STR("a/b/c/"), STR_EMPTY, count_object, &count));
    ListOptions versions = {.versions = true};
    assert_fails(store_list_with(f->store, NULL, &versions, count_object, &count), ERR_UNSUPPORTED);
    assert_int_equal(count, 0);
    assert_ok(store_open(STR("/tmp/quern-store-that-is-not-there"), NULL, &missing));
    assert_fails(store_list(missing, NULL, STR_EMPTY, STR_EMPTY, count_object, &count), ERR_NOT_FOUND);
    assert_fails(store_list(missing, NULL, STR("a/"), STR_EMPTY, count_object, &count), ERR_NOT_FOUND);
}

static void test_single_file(void **state)
{
    Fixture *f = *state;
    char url[64];
    CLEANUP(store_freep) Store *store = NULL;
    size_t count = 0;
    assert_ok(put_text(f->store, "doc.pdf", "one"));
    assert_ok(put_text(f->store, "doc.pdf.bak", "two"));
    snprintf(url, sizeof(url), "file://%s/doc.pdf", f->dir);
    assert_ok(store_open(str_of(url), NULL, &store));
    assert_str(store_url_view(store), url);
    assert_content(store, "", "one");
    assert_ok(store_list(store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, 1);
}

static void test_root_is_made(void **state)
{
    Fixture *f = *state;
    char path[64];
    CLEANUP(store_freep) Store *store = NULL;
    snprintf(path, sizeof(path), "%s/new/root", f->dir);
    assert_ok(store_open(str_of(path), NULL, &store));
    assert_ok(put_text(store, "x/y", "content"));
    assert_content(f->store, "new/root/x/y", "content");
    /* a directory that is deleted under the store's feet is made again */
    snprintf(path, sizeof(path), "%s/new", f->dir);
    test_dir_remove(path);
    assert_ok(put_text(store, "x/y", "again"));
    assert_content(store, "x/y", "again");
}

/* ---- writes that end early, or meet ---- */

static Error *fail_at_end(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    (void)context;
    memset(out, 'x', len);
    return offset > MIB ? FAIL(CORRUPT, "the source broke") : NULL;
}

static void test_failed_source(void **state)
{
    Fixture *f = *state;
    PutBody body = {.size_bytes = 4 * MIB, .read_at = fail_at_end};
    assert_ok(put_text(f->store, "x", "old"));
    assert_fails(store_put(f->store, NULL, STR("x"), &body, NULL), ERR_CORRUPT);
    assert_content(f->store, "x", "old");
    assert_int_equal(test_dir_count(f->dir, ""), 1);
}

static Error *die_in_the_middle(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    (void)context;
    memset(out, 'x', len);
    if (offset > MIB)
        raise(SIGKILL);
    return NULL;
}

/* Killed while it writes: nothing is left, or where a file has to have a name, a part that is no object. */
static void test_killed(void **state)
{
    Fixture *f = *state;
    size_t count = 0;
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        PutBody body = {.size_bytes = 4 * MIB, .read_at = die_in_the_middle};
        error_free(store_put(f->store, NULL, STR("x"), &body, NULL));
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_ok(store_list(f->store, NULL, STR_EMPTY, STR_EMPTY, count_object, &count));
    assert_int_equal(count, 0);
    CLEANUP(cleanup_close) int nameless = open(f->dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(test_dir_count(f->dir, ""), nameless >= 0 ? 0 : 1);
    assert_ok(put_text(f->store, "x", "next time"));
}

/* A full disk, as the kernel's limit on a file's size plays it. */
static void test_no_space(void **state)
{
    Fixture *f = *state;
    struct rlimit old, low;
    CLEANUP(buffer_done) Buffer body = {0};
    assert_ok(put_text(f->store, "x", "old"));
    assert_ok(buffer_reserve(&body, 100000));
    memset(body.data, 'x', 100000);
    buffer_grown(&body, 100000);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    Error *err = store_put_bytes(f->store, NULL, STR("x"), buffer_bytes(&body), NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_fails(err, ERR_NO_SPACE);
    assert_content(f->store, "x", "old");
    assert_int_equal(test_dir_count(f->dir, ""), 1);
}

enum { RACERS = 16, ROUNDS = 20 };

typedef struct Racer {
    Store *store;
    Thread thread;
    unsigned number, round;
    bool won;
} Racer;

static void race(void *context)
{
    Racer *racer = context;
    char key[32], text[32];
    PutOptions options = {.mode = PUT_IF_ABSENT};
    snprintf(key, sizeof(key), "race/%u", racer->round);
    snprintf(text, sizeof(text), "%u", racer->number);
    Error *err = store_put_bytes(racer->store, NULL, str_of(key), str_bytes(str_of(text)), &options);
    racer->won = !err;
    ASSERT(!err || error_code(err) == ERR_EXISTS);
    error_free(err);
}

static void test_if_absent_race(void **state)
{
    Fixture *f = *state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        Racer racers[RACERS];
        char key[32], text[32];
        unsigned winners = 0, winner = 0;
        for (unsigned i = 0; i < RACERS; i++) {
            racers[i] = (Racer){.store = f->store, .number = i, .round = round};
            assert_ok(thread_start(&racers[i].thread, "racer", race, &racers[i]));
        }
        for (unsigned i = 0; i < RACERS; i++) {
            thread_join(&racers[i].thread);
            winners += racers[i].won;
            winner = racers[i].won ? i : winner;
        }
        assert_int_equal(winners, 1);
        snprintf(key, sizeof(key), "race/%u", round);
        snprintf(text, sizeof(text), "%u", winner);
        assert_content(f->store, key, text);
    }
    assert_int_equal(test_dir_count(f->dir, "race"), ROUNDS);
}

/* Many directories, more than are kept open, from several threads. */
static void write_and_read(void *context)
{
    Racer *racer = context;
    for (unsigned i = 0; i < 300; i++) {
        CLEANUP(buffer_done) Buffer body = {0};
        char key[32];
        snprintf(key, sizeof(key), "%u/%u", (i * 7 + racer->number) % 100, racer->number);
        Error *err = store_put_bytes(racer->store, NULL, str_of(key), str_bytes(str_of(key)), NULL);
        ASSERT(!err);
        err = store_get(racer->store, NULL, str_of(key), BYTE_RANGE_ALL, STR_EMPTY, &body);
        ASSERT(!err && str_equal(buffer_str(&body), str_of(key)));
    }
}

static void test_threads(void **state)
{
    Fixture *f = *state;
    Racer racers[4];
    for (unsigned i = 0; i < 4; i++) {
        racers[i] = (Racer){.store = f->store, .number = i};
        assert_ok(thread_start(&racers[i].thread, "writer", write_and_read, &racers[i]));
    }
    for (unsigned i = 0; i < 4; i++)
        thread_join(&racers[i].thread);
}

/* ---- batch ---- */

static void test_batch(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    StoreFetch fetches[3] = {0};
    const char *const keys[3] = {"one", "missing", "three"};
    assert_ok(put_text(f->store, "one", "1"));
    assert_ok(put_text(f->store, "three", "333"));
    assert_ok(store_batch_new(f->store, NULL, &batch));
    assert_null(store_batch_next(batch));
    for (size_t i = 0; i < 3; i++) {
        fetches[i].key = str_of(keys[i]);
        fetches[i].range = BYTE_RANGE_ALL;
        store_batch_get(batch, &fetches[i]);
    }
    size_t back = 0;
    for (StoreFetch *fetch; (fetch = store_batch_next(batch)) != NULL; back++) {
        assert_int_equal(error_code(fetch->error), fetch == &fetches[1] ? ERR_NOT_FOUND : ERR_OK);
        error_free(fetch->error);
    }
    assert_int_equal(back, 3);
    assert_str(buffer_str(&fetches[2].body), "333");
    for (size_t i = 0; i < 3; i++)
        buffer_done(&fetches[i].body);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip),      TEST(test_ranges),           TEST(test_etag),
        TEST(test_large),           TEST(test_metadata),         TEST(test_metadata_without_attributes),
        TEST(test_metadata_beside), TEST(test_bad_keys),         TEST(test_symbolic_links),
        TEST(test_not_a_file),      TEST(test_long_names),       TEST(test_escaped_names),
        TEST(test_listing_order),   TEST(test_listing_ends),     TEST(test_single_file),
        TEST(test_root_is_made),    TEST(test_failed_source),    TEST(test_killed),
        TEST(test_no_space),        TEST(test_if_absent_race),   TEST(test_threads),
        TEST(test_batch),           TEST(test_copies),           TEST(test_copies_without_attributes),
        TEST(test_copy_refused),    TEST(test_put_if_unchanged), TEST(test_copy_between_file_systems),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
