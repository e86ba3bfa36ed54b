#include "base/arena.h"

#include "base/testing.h"

static void gives_aligned_zeroed_memory_across_blocks(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4096, 3, 100000, 1 << 21, 1, 0};
    uint8_t *taken[ARRAY_COUNT(sizes)];
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        taken[i] = arena_alloc(arena, sizes[i]);
        assert_non_null(taken[i]);
        assert_int_equal((uintptr_t)taken[i] % 16, 0);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(taken[i][at], 0);
        memset(taken[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) /* nobody wrote into another's */
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(taken[i][at], i + 1);
}

static void refuses_past_its_limit(void **state)
{
    (void)state;
    static const struct {
        size_t limit, first, second;
        bool first_fits, second_fits;
    } rows[] = {
        {100, 100, 0, true, true},
        {100, 101, 100, false, true}, /* a refused piece is not counted */
        {100, 96, 4, true, true},
        {100, 96, 5, true, false},
        {100, 97, 1, true, false}, /* what aligns the first counts */
        {0, 0, 1, true, false},
        {SIZE_MAX, 16, SIZE_MAX - 16, true, false},
        {SIZE_MAX, SIZE_MAX, 16, false, true},
        {SIZE_MAX, SIZE_MAX - 15, 16, false, true}, /* with the block's head it would wrap round */
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(rows[i].limit);
        assert_int_equal(arena_alloc(arena, rows[i].first) != NULL, rows[i].first_fits);
        assert_int_equal(arena_alloc(arena, rows[i].second) != NULL, rows[i].second_fits);
    }
}

static void small_pieces_cannot_take_more_than_the_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1600);
    size_t count = 0;
    while (count < 10000 && arena_alloc(arena, 1))
        count++;
    assert_int_equal(count, 100);
    assert_fails_saying(arena_error(arena), ERR_LIMIT, "1600");
}

static void arrays_check_their_product(void **state)
{
    (void)state;
    static const struct {
        size_t count, size;
        bool fits;
    } rows[] = {{0, SIZE_MAX, true},
                {SIZE_MAX, 0, true},
                {10, 100, true},
                {11, 100, false},
                {SIZE_MAX / 2 + 1, 2, false},
                {SIZE_MAX, SIZE_MAX, false},
                {SIZE_MAX / 8 + 2, 8, false}};
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(1000);
        assert_int_equal(arena_alloc_array(arena, rows[i].count, rows[i].size) != NULL, rows[i].fits);
        if (!rows[i].fits)
            assert_fails(arena_error(arena), ERR_LIMIT);
    }
}

static void says_why_one_failed(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(SIZE_MAX - 15);
    assert_null(arena_alloc(arena, SIZE_MAX - 15)); /* within the limit, and no machine has it */
    assert_fails(arena_error(arena), ERR_NO_MEMORY);
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_non_null(arena_alloc(arena, 1)); /* those that are checked together: one that fits hides none that did not */
    assert_fails(arena_error(arena), ERR_LIMIT);
}

static void reset_gives_everything_back(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(10000);
    arena_reset(arena);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(arena_used(arena), 0);
        for (int i = 0; i < 5; i++) {
            uint8_t *piece = arena_alloc(arena, 2000);
            assert_non_null(piece);
            assert_int_equal(piece[0] | piece[1999], 0); /* zeroed again */
            memset(piece, 0xff, 2000);
        }
        assert_int_equal(arena_used(arena), 10000);
        assert_null(arena_alloc(arena, 1));
        arena_reset(arena);
    }
}

static void copies_end_in_a_nul(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1000);
    char text[] = "keys/a.pdf";
    Str copy = arena_str(arena, str_of(text));
    char *cstr = arena_cstr(arena, str_slice(str_of(text), 0, 4));
    char *formatted = arena_format(arena, "%s-%05d", "part", 42);
    Str empty = arena_str(arena, (Str){NULL, 0}), nul = arena_str(arena, str_from("a\0b", 3));
    text[0] = 'X';
    assert_str(copy, "keys/a.pdf");
    assert_int_equal(copy.data[copy.len], 0);
    assert_string_equal(cstr, "keys");
    assert_string_equal(formatted, "part-00042");
    assert_non_null(empty.data);
    assert_int_equal(empty.len, 0);
    assert_memory_equal(nul.data, "a\0b", 4);
}

static void copies_fail_past_the_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(8);
    Str copy = arena_str(arena, STR("12345678"));
    assert_null(copy.data);
    assert_int_equal(copy.len, 0);
    assert_null(arena_format(arena, "%s", "12345678"));
    assert_null(arena_cstr(arena, (Str){"", SIZE_MAX}));
    assert_fails(arena_error(arena), ERR_LIMIT);
    assert_string_equal(arena_format(arena, "%s", "1234567"), "1234567");
}

/* Small pieces and large ones, alone in their block or not, with others taken between. */
static void pieces_grow_with_their_contents(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 << 20);
    size_t sizes[2] = {0, 0};
    uint8_t *pieces[2] = {NULL, NULL};
    for (size_t size = 1; size < 8 << 20; size = size * 2 + 5) {
        for (size_t p = 0; p < 2; p++) {
            uint8_t *grown = arena_grow(arena, pieces[p], sizes[p], size);
            assert_non_null(grown);
            assert_int_equal((uintptr_t)grown % 16, 0);
            for (size_t i = 0; i < sizes[p]; i++)
                if (grown[i] != (uint8_t)(i * 7 + p))
                    fail_msg("byte %zu of %zu changed", i, sizes[p]);
            for (size_t i = sizes[p]; i < size; i++)
                grown[i] = (uint8_t)(i * 7 + p);
            pieces[p] = grown;
            sizes[p] = size;
            assert_non_null(arena_alloc(arena, 3)); /* its neighbour stays its own */
        }
    }
    size_t before = arena_used(arena);
    pieces[0] = arena_grow(arena, pieces[0], sizes[0], sizes[0] + (1 << 20));
    assert_non_null(pieces[0]);
    assert_true(arena_used(arena) - before <= (1 << 20) + 16); /* nothing left behind */
    assert_null(arena_grow(arena, pieces[1], sizes[1], 65 << 20));
    assert_int_equal(pieces[1][sizes[1] - 1], (uint8_t)((sizes[1] - 1) * 7 + 1));
    assert_fails(arena_error(arena), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_aligned_zeroed_memory_across_blocks),
        cmocka_unit_test(refuses_past_its_limit),
        cmocka_unit_test(small_pieces_cannot_take_more_than_the_limit),
        cmocka_unit_test(arrays_check_their_product),
        cmocka_unit_test(says_why_one_failed),
        cmocka_unit_test(reset_gives_everything_back),
        cmocka_unit_test(copies_end_in_a_nul),
        cmocka_unit_test(copies_fail_past_the_limit),
        cmocka_unit_test(pieces_grow_with_their_contents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
