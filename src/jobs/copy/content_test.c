#include "jobs/copy/content.h"

#include <stdlib.h>

#include "base/testing.h"
#include "store/options.h"
#include "store/test_dir.h"

#define SIZE_BYTES ((size_t)(5 * CONTENT_WINDOW_BYTES + 123)) /* more windows than are fetched ahead */

typedef struct Fixture {
    char dir[TEST_DIR_BYTES];
    Store *store;
    Arena *arena;
    uint8_t *body;
    ObjectInfo info;
} Fixture;

static void fixture_init(Fixture *f)
{
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    test_dir_new(f->dir);
    assert_ok(store_open(str_of(f->dir), &options, &f->store));
    f->arena = arena_new(MIB);
    f->body = malloc(SIZE_BYTES);
    assert_non_null(f->body);
    for (size_t i = 0; i < SIZE_BYTES; i++)
        f->body[i] = (uint8_t)(i * 31 + i / CONTENT_WINDOW_BYTES);
    assert_ok(store_put_bytes(f->store, NULL, STR("x"), bytes_from(f->body, SIZE_BYTES), NULL));
    assert_ok(store_head(f->store, NULL, STR("x"), f->arena, &f->info));
}

static void fixture_done(Fixture *f)
{
    free(f->body);
    arena_free(f->arena);
    store_free(f->store);
    test_dir_remove(f->dir);
}

static void test_all_comes_in_order(void **state)
{
    (void)state;
    Fixture f;
    fixture_init(&f);
    CLEANUP(content_freep) Content *content = NULL;
    Bytes piece;
    size_t at = 0;
    assert_ok(content_new(f.store, NULL, STR("x"), &f.info, &content));
    for (;; at += piece.len) {
        assert_ok(content_next(content, &piece));
        if (piece.len == 0)
            break;
        assert_true(piece.len <= SIZE_BYTES - at);
        assert_memory_equal(piece.data, f.body + at, piece.len);
    }
    assert_int_equal(at, SIZE_BYTES);
    assert_ok(content_next(content, &piece)); /* the end stays */
    assert_int_equal(piece.len, 0);
    content_free(content);
    content = NULL;
    fixture_done(&f);
}

/* Who asks again after an error is not given something else. */
static void test_an_error_stays(void **state)
{
    (void)state;
    Fixture f;
    fixture_init(&f);
    Bytes piece;
    const struct {
        const char *etag;
        uint64_t more_bytes; /* than there are */
    } rows[] = {{"of another one", 0}, {"", 5}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(content_freep) Content *content = NULL;
        ObjectInfo info = f.info;
        info.etag = str_of(rows[i].etag);
        info.size_bytes += rows[i].more_bytes;
        assert_ok(content_new(f.store, NULL, STR("x"), &info, &content));
        for (size_t good = 0; good < (rows[i].more_bytes ? 5 : 0); good++)
            assert_ok(content_next(content, &piece));
        for (size_t again = 0; again < 6; again++)
            assert_fails(content_next(content, &piece), ERR_CHANGED);
    }
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_comes_in_order),
        cmocka_unit_test(test_an_error_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
