/* What base does when memory runs out: the n-th allocation fails, for n = 0, 1, 2... until none does. The linker puts the functions below in
 * the place of the C library's (see meson.build). */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/testing.h"

static long left = -1; /* allocations until one fails; -1: none does */

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

int __real_vasprintf(char **ret_text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
int __wrap_vasprintf(char **ret_text, const char *format, va_list arguments)
{
    return fails() ? -1 : __real_vasprintf(ret_text, format, arguments);
}

int __wrap_asprintf(char **ret_text, const char *format, ...) PRINTF_LIKE(2, 3);
int __wrap_asprintf(char **ret_text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = __wrap_vasprintf(ret_text, format, arguments);
    va_end(arguments);
    return len;
}

/* ---- what is tried: each returns NULL when it went through, else the Error it got ---- */

static Error *make_errors(void)
{
    Error *error = error_wrap(FAIL(STATE, "cause"), "context");
    Error *copy = error_copy(error);
    bool whole = strcmp(error_message_view(copy), "context: cause") == 0 && error_code(copy) == ERR_STATE;
    bool told = error_code(copy) == ERR_NO_MEMORY || error_code(copy) == ERR_STATE;
    copy = error_at(copy, 5);
    error_free(error);
    error_free(copy);
    assert_true(told);
    return whole ? NULL : FAIL(NO_MEMORY, "a part is missing");
}

static Error *make_errno_errors(void)
{
    Error *error = error_from_errno(2, __FILE__, __LINE__, "open '%s'", "x");
    bool whole = strstr(error_message_view(error), "open 'x'") != NULL;
    error_free(error);
    return whole ? NULL : FAIL(NO_MEMORY, "a part is missing");
}

static Error *fill_an_arena(void)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    if (!arena)
        return FAIL(NO_MEMORY, "no arena");
    for (int i = 0; i < 100; i++)
        if (!arena_alloc(arena, 1000))
            return arena_error(arena);
    return arena_format(arena, "%d", 1) && arena_str(arena, STR("x")).data ? NULL : arena_error(arena);
}

static Error *fill_a_buffer(void)
{
    CLEANUP(buffer_done) Buffer buffer = {0};
    for (int i = 0; i < 500; i++) {
        size_t before = buffer.len;
        Error *error = buffer_append_format(&buffer, "%d,", i);
        if (error) {
            assert_int_equal(buffer.len, before);
            return error;
        }
    }
    return buffer_cstr(&buffer) ? NULL : FAIL(NO_MEMORY, "no terminator");
}

static Error *write_json(void)
{
    CLEANUP(buffer_done) Buffer out = {0};
    JsonWriter w;
    json_begin(&w, &out, 2);
    json_open_array(&w);
    for (int i = 0; i < 50; i++)
        json_put_str(&w, STR("a \x01 \xff \xc3\xa4"));
    json_close_array(&w);
    return json_finish(&w);
}

static Error *make_the_rest(void)
{
    CLEANUP(log_freep) Log *log = log_new(LOG_INFO, NULL, NULL);
    CLEANUP(sha256_freep) Sha256 *hash = sha256_new();
    Queue *queue = queue_new(4, 0);
    bool all = log && hash && queue;
    queue_free(queue, NULL);
    return all ? NULL : FAIL(NO_MEMORY, "something is missing");
}

static void every_failure_is_told_and_nothing_is_lost(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        Error *(*work)(void);
        long allocations_least;
    } rows[] = {
        {"errors", make_errors, 6},  {"errors from errno", make_errno_errors, 4},
        {"arena", fill_an_arena, 5}, {"buffer", fill_a_buffer, 5},
        {"JSON", write_json, 5},     {"log, hash, queue", make_the_rest, 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        assert_ok(rows[i].work());
        for (long n = 0;; n++) {
            left = n;
            Error *error = rows[i].work();
            bool fired = left < 0;
            left = -1;
            if (error && error_code(error) != ERR_NO_MEMORY)
                fail_msg("%s, allocation %ld: %s", rows[i].name, n, error_message_view(error));
            assert_true(strlen(error_message_view(error)) > 0 || !error);
            if (!fired) { /* went through with none failing */
                assert_null(error);
                assert_true(n >= rows[i].allocations_least);
                break;
            }
            if (!error)
                fail_msg("%s: allocation %ld failed and nobody said so", rows[i].name, n);
            error_free(error);
        }
    }
}

static void without_any_memory_there_is_still_an_error(void **state)
{
    (void)state;
    left = 0;
    Error *error = FAIL(CORRUPT, "%s", "page");
    assert_int_equal(error_code(error), ERR_NO_MEMORY);
    assert_string_equal(error_message_view(error), "out of memory");
    assert_ptr_equal(error_wrap(error, "context"), error);
    assert_ptr_equal(error_at(error, 7), error);
    assert_true(error_offset(error) == ERROR_NO_OFFSET);
    assert_string_equal(error_file_view(error), "");
    Error *copy = error_copy(error);
    assert_int_equal(error_code(copy), ERR_NO_MEMORY);
    error_free(copy);
    error_free(error);
    error_free(error); /* nobody owns it */
}

static void a_context_that_finds_no_memory_leaves_the_cause(void **state)
{
    (void)state;
    for (long n = 0; n < 2; n++) {
        CLEANUP(error_freep) Error *error = FAIL(CORRUPT, "page");
        left = n;
        error = error_wrap(error, "row group %d", 3);
        left = -1;
        assert_int_equal(error_code(error), ERR_CORRUPT);
        assert_string_equal(error_message_view(error), "page");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure_is_told_and_nothing_is_lost),
        cmocka_unit_test(without_any_memory_there_is_still_an_error),
        cmocka_unit_test(a_context_that_finds_no_memory_leaves_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
