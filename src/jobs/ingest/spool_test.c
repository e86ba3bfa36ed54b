#include "jobs/ingest/spool.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/testing.h"

static const char *const here[] = {"/nowhere", "/tmp", NULL};

static void fill(uint8_t *piece, size_t len, uint64_t at)
{
    for (size_t i = 0; i < len; i++)
        piece[i] = (uint8_t)((at + i) * 2654435761u >> 7);
}

/* Small in memory, large in a file: either can be read at any place, more than once. */
static void what_was_written_can_be_read_anywhere(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, SPOOL_MEMORY_BYTES, SPOOL_MEMORY_BYTES + 1, 9 << 20};
    CLEANUP(cleanup_free) uint8_t *piece = malloc(300000), *read = malloc(300000);
    assert_true(piece && read);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        CLEANUP(spool_done) Spool spool = {.directories = here};
        for (uint64_t at = 0; at < sizes[i];) {
            size_t len = (size_t)MIN(sizes[i] - at, (uint64_t)299999);
            fill(piece, len, at);
            assert_ok(spool_write(&spool, bytes_from(piece, len)));
            at += len;
        }
        PutBody body = spool_body(&spool);
        assert_int_equal(body.size_bytes, sizes[i]);
        assert_int_equal(spool.in_file, sizes[i] > SPOOL_MEMORY_BYTES);
        for (uint64_t at = sizes[i] > 1000 ? sizes[i] - 1000 : 0, n = 0; n < 20; n++, at = at * 7 / 9) {
            size_t len = (size_t)MIN(sizes[i] - at, (uint64_t)300000);
            assert_ok(body.read_at(body.context, at, read, len));
            fill(piece, len, at);
            assert_memory_equal(read, piece, len);
        }
    }
}

static void it_fails_where_it_must(void **state)
{
    (void)state;
    static const char *const nowhere[] = {"/nowhere", "/nowhere/else", NULL};
    CLEANUP(spool_done) Spool limited = {.directories = here, .bytes_max = 10};
    CLEANUP(spool_done) Spool homeless = {.directories = nowhere};
    CLEANUP(buffer_done) Buffer large = {0};
    assert_ok(spool_write(&limited, str_bytes(STR("1234567890"))));
    assert_fails(spool_write(&limited, str_bytes(STR("1"))), ERR_LIMIT);
    assert_ok(buffer_reserve(&large, SPOOL_MEMORY_BYTES + 1));
    memset(large.data, 'x', SPOOL_MEMORY_BYTES + 1);
    buffer_grown(&large, SPOOL_MEMORY_BYTES + 1);
    assert_ok(spool_write(&homeless, str_bytes(STR("small"))));
    assert_fails_saying(spool_write(&homeless, buffer_bytes(&large)), ERR_NOT_FOUND, "/nowhere/else");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_can_be_read_anywhere),
        cmocka_unit_test(it_fails_where_it_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
