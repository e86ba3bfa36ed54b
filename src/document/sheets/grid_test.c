#include "document/sheets/grid.h"

#include "document/testing.h"

enum { SIDE = 8 };

/* A sheet drawn in text: rows, a character for each cell, "." and " " empty, digits numbers. */
static void draw(Grid *grid, const char *picture)
{
    uint32_t row = 0, column = 0;
    for (const char *c = picture; *c; c++, column++) {
        Value value = {.kind = VALUE_TEXT, .text = (Str){c, 1}};
        if (*c >= '0' && *c <= '9')
            value = (Value){.kind = VALUE_WHOLE, .whole = *c - '0'};
        if (*c == '#')
            assert_ok(grid_set(grid, row, column, NULL));
        else if (*c != '.' && *c != ' ' && *c != '\n')
            assert_ok(grid_set(grid, row, column, &value));
        if (*c == '\n') {
            row++;
            column = UINT32_MAX;
        }
    }
}

/* The elements' texts with bars between; tables in brackets as rows of their HTML. */
static void describe(const Elements *elements, Buffer *out)
{
    buffer_clear(out);
    for (size_t i = 0; i < elements->count; i++) {
        const Element *e = &elements->items[i];
        if (i > 0)
            assert_ok(buffer_append_byte(out, '|'));
        if (e->type != ELEMENT_TABLE) {
            assert_ok(buffer_append_str(out, e->text));
            continue;
        }
        Str rest = e->text_as_html, piece;
        assert_ok(buffer_append_byte(out, '['));
        while (str_next_piece(&rest, '<', &piece)) {
            size_t end = str_find_char(piece, '>');
            Str tag = str_slice(piece, 0, end == SIZE_MAX ? 0 : end), inner = str_slice(piece, end + 1, piece.len);
            if (str_equal(tag, STR("tr")) && out->data[out->len - 1] != '[')
                assert_ok(buffer_append_byte(out, '/'));
            if (str_equal(tag, STR("td")) || str_equal(tag, STR("td/")))
                assert_ok(buffer_append_str(out, inner.len > 0 ? inner : STR(".")));
        }
        assert_ok(buffer_append_byte(out, ']'));
    }
    assert_non_null(buffer_cstr(out));
}

static void blocks(void **state)
{
    (void)state;
    static const struct {
        const char *name, *picture, *expected;
    } cases[] = {
        {"nothing", "...\n...", ""},
        {"one cell", "..\n.a", "a"},
        {"a table", "ab\ncd", "[ab/cd]"},
        {"a title and a table", "a\nbc\nde", "a|[bc/de]"},
        {"and a last line", "a\nbc\nde\nf", "a|[bc/de]|f"},
        {"one cell in the middle stays", "ab\nc\nde", "[ab/c./de]"},
        {"single cells", "a\nb\n\nc", "a|b|c"},
        {"two tables", "ab\ncd\n\nef\ngh", "[ab/cd]|[ef/gh]"},
        {"rows that touch in no column", "ab..\n..cd", "[ab]|[cd]"},
        {"side by side is one", "ab..xy\ncd..zw", "[ab..xy/cd..zw]"},
        {"overlapping rows are one", "ab\nc...xy\n....zw", "[ab..../c...xy/....zw]"},
        {"the block is as wide as its title", "a\n..\n.bc\nxde", "a|[.bc/xde]"},
        {"its table too", "...t\n..ab\n..cd", "t|[ab/cd]"},
        {"an error is a gap", "1#\n23", "1.0|[23.0]"},
        {"a column with a gap elsewhere", "11\n\n22\n33", "[1.01.0]|[2.02.0/3.03.0]"},
        {"without one", "11\n22", "[11/22]"},
        {"an error further down", "11\n22\n#", "[1.01.0/2.02.0]"},
    };
    CLEANUP(buffer_done) Buffer got = {0};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
        Elements elements = {.arena = arena};
        Grid grid = {.arena = arena};
        Builder builder;
        builder_init(&builder, &(PartitionOptions){0}, NULL, &elements);
        draw(&grid, cases[i].picture);
        assert_ok(grid_add_elements(&grid, &builder, STR("Sheet"), 3));
        describe(&elements, &got);
        if (strcmp(buffer_cstr(&got), cases[i].expected) != 0)
            print_error("%s: %s instead of %s\n", cases[i].name, buffer_cstr(&got), cases[i].expected);
        assert_string_equal(buffer_cstr(&got), cases[i].expected);
        for (size_t e = 0; e < elements.count; e++) {
            assert_int_equal(elements.items[e].page_number, 3);
            assert_str(element_rare(&elements.items[e])->page_name, "Sheet");
        }
    }
}

typedef bool Filled[SIDE][SIDE];

/* The rows of the group of connected cells that the cell is in, by the plain way. */
static void flood(Filled filled, Filled seen, int row, int column, int *top, int *bottom)
{
    if (row < 0 || column < 0 || row == SIDE || column == SIDE || !filled[row][column] || seen[row][column])
        return;
    seen[row][column] = true;
    *top = MIN(*top, row);
    *bottom = MAX(*bottom, row);
    flood(filled, seen, row - 1, column, top, bottom);
    flood(filled, seen, row + 1, column, top, bottom);
    flood(filled, seen, row, column - 1, top, bottom);
    flood(filled, seen, row, column + 1, top, bottom);
}

/* Which rows are in one block with the one above: those that a group goes on in. */
static void find_blocks_plainly(Filled filled, bool goes_on[SIDE])
{
    Filled seen = {{0}};
    memset(goes_on, 0, SIDE);
    for (int cell = 0; cell < SIDE * SIDE; cell++) {
        int top = SIDE, bottom = -1;
        flood(filled, seen, cell / SIDE, cell % SIDE, &top, &bottom);
        for (int row = top + 1; row <= bottom; row++)
            goes_on[row] = true;
    }
}

static int cells_of(Filled filled, int row)
{
    int cells = 0;
    for (int column = 0; column < SIDE; column++)
        cells += filled[row][column];
    return cells;
}

/* How many elements the rows [top, bottom) of a block make. */
static size_t elements_of_block(Filled filled, int top, int bottom)
{
    size_t elements = 0;
    for (; top < bottom && cells_of(filled, top) == 1; top++)
        elements++;
    for (; bottom > top && cells_of(filled, bottom - 1) == 1; bottom--)
        elements++;
    return elements + (bottom > top);
}

static size_t elements_of(Filled filled)
{
    size_t elements = 0;
    bool goes_on[SIDE];
    find_blocks_plainly(filled, goes_on);
    for (int top = 0, bottom; top < SIDE; top = bottom) {
        for (bottom = top + 1; bottom < SIDE && goes_on[bottom];)
            bottom++;
        if (cells_of(filled, top) > 0)
            elements += elements_of_block(filled, top, bottom);
    }
    return elements;
}

static void blocks_are_those_of_the_plain_way(void **state)
{
    (void)state;
    uint64_t random = 0x5EED; /* Knuth's linear congruential generator */
    for (int round = 0; round < 500; round++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
        Elements elements = {.arena = arena};
        Grid grid = {.arena = arena};
        Builder builder;
        Filled filled;
        size_t words = 0;
        Value word = {.kind = VALUE_TEXT, .text = STR("word")};
        builder_init(&builder, &(PartitionOptions){0}, NULL, &elements);
        for (uint32_t cell = 0; cell < SIDE * SIDE; cell++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bool is_filled = (random >> 33) % 100 < 10 + (uint64_t)round % 60;
            filled[cell / SIDE][cell % SIDE] = is_filled;
            words += is_filled;
            if (is_filled)
                assert_ok(grid_set(&grid, cell / SIDE, cell % SIDE, &word));
        }
        assert_ok(grid_add_elements(&grid, &builder, STR("s"), 1));
        assert_int_equal(elements.count, elements_of(filled));
        for (size_t e = 0; e < elements.count; e++)
            words -= (elements.items[e].text.len + 1) / sizeof "word";
        assert_int_equal(words, 0);
    }
}

static void cells_in_any_order(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    CLEANUP(buffer_done) Buffer got = {0};
    Elements elements = {.arena = arena};
    Grid grid = {.arena = arena};
    Builder builder;
    builder_init(&builder, &(PartitionOptions){0}, NULL, &elements);
    for (uint32_t i = 9; i-- > 0;) {
        Value value = {.kind = VALUE_WHOLE, .whole = i};
        assert_ok(grid_set(&grid, i / 3, i % 3, &value));
    }
    assert_ok(grid_set(&grid, 1, 1, &(Value){.kind = VALUE_TEXT, .text = STR("again")}));
    assert_ok(grid_add_elements(&grid, &builder, STR("s"), 1));
    describe(&elements, &got);
    assert_string_equal(buffer_cstr(&got), "[012/3again5/678]");
    grid_clear(&grid);
    assert_ok(grid_add_elements(&grid, &builder, STR("s"), 2));
    assert_int_equal(elements.count, 1);
}

static void far_corners_cost_little(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB); /* the columns of the widest sheet */
    Elements elements = {.arena = arena};
    Grid grid = {.arena = arena};
    Builder builder;
    Value value = {.kind = VALUE_WHOLE, .whole = 1};
    builder_init(&builder, &(PartitionOptions){0}, NULL, &elements);
    assert_ok(grid_set(&grid, 0, 0, &value));
    assert_ok(grid_set(&grid, GRID_ROWS_MAX - 1, GRID_COLUMNS_MAX - 1, &value));
    assert_ok(grid_add_elements(&grid, &builder, STR("s"), 1));
    assert_int_equal(elements.count, 2);
    assert_str(elements.items[1].text, "1.0");
    grid_clear(&grid);
    for (uint32_t r = 0; r < 100; r++) { /* two cells a row, and 1,600,000 between them */
        assert_ok(grid_set(&grid, r, 0, &value));
        assert_ok(grid_set(&grid, r, GRID_COLUMNS_MAX - 1, &value));
    }
    assert_fails_saying(grid_add_elements(&grid, &builder, STR("wide"), 1), ERR_LIMIT,
                        "sheet 'wide': a table of 100 rows and 16384 columns");
}

static void bullets_and_numbers(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    Elements elements = {.arena = arena};
    Grid grid = {.arena = arena};
    Builder builder;
    static const char *const texts[] = {"- an item", "2. point", "12,345", "This is a sentence that tells something."};
    builder_init(&builder, &(PartitionOptions){0}, NULL, &elements);
    for (uint32_t i = 0; i < ARRAY_COUNT(texts); i++)
        assert_ok(grid_set(&grid, i, 0, &(Value){.kind = VALUE_TEXT, .text = str_of(texts[i])}));
    assert_ok(grid_set(&grid, 4, 0, &(Value){.kind = VALUE_REAL, .real = -3.75}));
    assert_ok(grid_add_elements(&grid, &builder, STR("s"), 1));
    assert_elements("types", &elements,
                    "ListItem an item\nListItem 2. point\nUncategorizedText 12,345\n"
                    "NarrativeText This is a sentence that tells something.\nUncategorizedText -3.75\n");
}

static void too_many_cells(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    Grid grid = {.arena = arena};
    Value value = {.kind = VALUE_WHOLE, .whole = 1};
    for (uint32_t i = 0; i < GRID_CELLS_MAX; i++)
        assert_ok(grid_set(&grid, i, 0, &value));
    assert_fails_saying(grid_set(&grid, 0, 1, &value), ERR_LIMIT, "1000000 filled cells");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(blocks_are_those_of_the_plain_way),
        cmocka_unit_test(cells_in_any_order),
        cmocka_unit_test(far_corners_cost_little),
        cmocka_unit_test(bullets_and_numbers),
        cmocka_unit_test(too_many_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
