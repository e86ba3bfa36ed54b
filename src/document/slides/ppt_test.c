#include "document/ole_testing.h"
#include "document/slides/ppt_record.h"
#include "document/testing.h"

enum { OBJECTS_MAX = 8, TITLE = 0, BODY = 1, OTHER = 4, RECTANGLE = 1, LINE = 20, MASTER_ID = 1 };

/* A presentation as it is made: objects one after the other, their places, the edit that knows them. */
typedef struct Show {
    Buffer stream;
    uint32_t offsets[OBJECTS_MAX]; /* of the objects, whose ids count from 1 */
    uint32_t objects;
    bool encrypted;
} Show;

static void show_done(Show *show)
{
    buffer_done(&show->stream);
}

static void put(Show *show, uint64_t value, unsigned bytes)
{
    ole_put(&show->stream, value, bytes);
}

static size_t begin(Show *show, unsigned type, unsigned instance)
{
    put(show, instance << 4 | 0xF, 2);
    put(show, type, 2);
    put(show, 0, 4);
    return show->stream.len;
}

static void end(Show *show, size_t start)
{
    size_t size = show->stream.len - start;
    for (unsigned i = 0; i < 4; i++)
        show->stream.data[start - 4 + i] = (uint8_t)(size >> 8 * i);
}

static void atom(Show *show, unsigned type, unsigned instance, const uint8_t *bytes, size_t count)
{
    size_t start = begin(show, type, instance);
    assert_ok(buffer_append(&show->stream, bytes, count));
    end(show, start);
}

#define ATOM(show, type, instance, ...)                                                                                \
    atom(show, type, instance, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static size_t begin_object(Show *show, unsigned type)
{
    show->offsets[show->objects++] = (uint32_t)show->stream.len;
    return begin(show, type, 0);
}

/* "\r" ends a paragraph. A byte a character, or two. */
static void put_text(Show *show, unsigned kind, const char *text, bool wide)
{
    ATOM(show, PPT_TEXT_HEADER_ATOM, 0, (uint8_t)kind, 0, 0, 0);
    size_t start = begin(show, wide ? PPT_TEXT_CHARS_ATOM : PPT_TEXT_BYTES_ATOM, 0);
    for (; *text; text++)
        put(show, (uint8_t)*text, wide ? 2 : 1);
    end(show, start);
}

/* The style of the text before: a run with a bullet, or without one, at a level. */
typedef struct Run {
    uint32_t characters;
    uint16_t level;
    int bullet; /* -1: as the master says */
} Run;

static void put_runs(Show *show, const Run *runs, size_t count)
{
    enum { HAS_BULLET = 1, CHARACTER = 1 << 7, COLOR = 1 << 5, TABS = 1 << 20 };
    size_t start = begin(show, PPT_STYLE_TEXT_PROP_ATOM, 0);
    for (size_t i = 0; i < count; i++) {
        bool says = runs[i].bullet >= 0;
        put(show, runs[i].characters, 4);
        put(show, runs[i].level, 2);
        put(show, (says ? HAS_BULLET | CHARACTER | COLOR : 0) | TABS, 4);
        if (says)
            put(show, (uint64_t)runs[i].bullet, 2), put(show, 0x2022, 2), put(show, 0, 4);
        put(show, 1, 2), put(show, 0, 4); /* a tab stop */
    }
    end(show, start);
}

static size_t begin_shape(Show *show, unsigned kind, uint32_t flags, int16_t left, int16_t top)
{
    size_t shape = begin(show, PPT_OFFICE_ART_SP, 0), flags_at = begin(show, PPT_OFFICE_ART_FSP, kind);
    put(show, 0, 4), put(show, flags, 4);
    end(show, flags_at);
    size_t anchor = begin(show, PPT_OFFICE_ART_CLIENT_ANCHOR, 0);
    put(show, (uint16_t)top, 2), put(show, (uint16_t)left, 2), put(show, (uint16_t)(left + 100), 2);
    put(show, (uint16_t)(top + 100), 2);
    end(show, anchor);
    return shape;
}

static void add_shape(Show *show, unsigned kind, const char *text, int16_t left, int16_t top)
{
    size_t shape = begin_shape(show, RECTANGLE, 0, left, top), box = begin(show, PPT_OFFICE_ART_CLIENT_TEXTBOX, 0);
    put_text(show, kind, text, true);
    end(show, box);
    end(show, shape);
}

static void add_outline_shape(Show *show, uint8_t index, int16_t left, int16_t top)
{
    size_t shape = begin_shape(show, RECTANGLE, 0, left, top), box = begin(show, PPT_OFFICE_ART_CLIENT_TEXTBOX, 0);
    ATOM(show, PPT_OUTLINE_TEXT_REF_ATOM, 0, index, 0, 0, 0);
    end(show, box);
    end(show, shape);
}

static void put_rectangle(Show *show, unsigned type, const int32_t corners[4])
{
    size_t start = begin(show, type, 0);
    for (unsigned i = 0; i < 4; i++)
        put(show, (uint32_t)corners[i], 4);
    end(show, start);
}

/* A shape in a group, where its anchor is in the group's coordinates. */
static void add_child(Show *show, unsigned kind, const char *text, int32_t left, int32_t top)
{
    size_t shape = begin(show, PPT_OFFICE_ART_SP, 0);
    ATOM(show, PPT_OFFICE_ART_FSP, kind, 0, 0, 0, 0, 0, 0, 0, 0);
    put_rectangle(show, PPT_OFFICE_ART_CHILD_ANCHOR, (const int32_t[]){left, top, left + 10, top + 10});
    size_t box = begin(show, PPT_OFFICE_ART_CLIENT_TEXTBOX, 0);
    put_text(show, OTHER, text, false);
    end(show, box);
    end(show, shape);
}

/* At 100, 100 and 100 wide and high, with coordinates from 0 to 1000; a table when asked. */
static size_t begin_group(Show *show, bool table)
{
    size_t group = begin(show, PPT_OFFICE_ART_SPGR, 0), own = begin_shape(show, 0, 0, 100, 100);
    put_rectangle(show, PPT_OFFICE_ART_FSPGR, (const int32_t[]){0, 0, 1000, 1000});
    if (table)
        ATOM(show, PPT_OFFICE_ART_TERTIARY_FOPT, 2, 0x01, 0, 0, 0, 0, 0, 0x9F, 0x03, 1, 0, 0, 0);
    end(show, own);
    return group;
}

typedef struct SlideMarks {
    size_t slide, drawing, page, group;
} SlideMarks;

static SlideMarks begin_slide(Show *show)
{
    SlideMarks marks = {.slide = begin_object(show, PPT_SLIDE)};
    ATOM(show, PPT_SLIDE_ATOM, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0); /* its master is 1 */
    marks.drawing = begin(show, PPT_DRAWING, 0);
    marks.page = begin(show, PPT_OFFICE_ART_DG, 0);
    marks.group = begin(show, PPT_OFFICE_ART_SPGR, 0);
    end(show, begin_shape(show, 0, 0, 0, 0)); /* the page itself */
    return marks;
}

static void end_slide(Show *show, SlideMarks marks)
{
    end(show, marks.group), end(show, marks.page), end(show, marks.drawing), end(show, marks.slide);
}

/* A master whose bodies have bullets at the first level but not at the second. */
static void add_master(Show *show)
{
    size_t master = begin_object(show, PPT_MAIN_MASTER), styles = begin(show, PPT_TEXT_MASTER_STYLE_ATOM, BODY);
    put(show, 2, 2);
    put(show, 1, 4), put(show, 1, 2);                                                       /* has a bullet */
    put(show, 1 << 17 | 1 << 18 | 1, 4), put(show, 0, 2), put(show, 0, 2), put(show, 0, 4); /* bold, size, color */
    put(show, 1, 4), put(show, 0, 2);
    put(show, 0, 4);
    end(show, styles);
    end(show, master);
}

static void put_persist(Show *show, uint32_t object, uint32_t id)
{
    size_t start = begin(show, PPT_SLIDE_PERSIST_ATOM, 0);
    put(show, object, 4), put(show, 0, 8), put(show, id, 4), put(show, 0, 4);
    end(show, start);
}

/* The master is object 1, slides follow. `outline` gives a title and a body to the first slide. */
static void add_document(Show *show, uint32_t slides, bool outline)
{
    static const Run runs[] = {{7, 0, -1}, {7, 1, -1}, {7, 1, 1}, {6, 0, 0}};
    uint32_t id = show->objects + 1;
    size_t document = begin_object(show, PPT_DOCUMENT), list = begin(show, PPT_SLIDE_LIST_WITH_TEXT, 1);
    put_persist(show, 1, MASTER_ID);
    end(show, list);
    list = begin(show, PPT_SLIDE_LIST_WITH_TEXT, 0);
    for (uint32_t i = 0; i < slides; i++) {
        put_persist(show, 2 + i, 256 + i);
        if (i == 0 && outline) {
            put_text(show, TITLE, "The head\rand more", true);
            put_text(show, BODY, "Bullet\rsecond\rThird.\rLast.", false);
            put_runs(show, runs, ARRAY_COUNT(runs));
        }
    }
    end(show, list);
    end(show, document);
    assert_int_equal(id, show->objects);
}

/* The elements of what was made, or the error. */
MUST_USE static Error *partition_show(Show *show, uint32_t document, Elements *elements)
{
    static OleFile file;
    CLEANUP(buffer_done) Buffer user = {0}, bytes = {0};
    Show current = {0};
    size_t directory = show->stream.len, start = begin(show, PPT_PERSIST_DIRECTORY_ATOM, 0);
    put(show, (uint64_t)show->objects << 20 | 1, 4);
    for (uint32_t i = 0; i < show->objects; i++)
        put(show, show->offsets[i], 4);
    end(show, start);
    size_t edit = show->stream.len;
    start = begin(show, PPT_USER_EDIT_ATOM, 0);
    put(show, 0, 8), put(show, 0, 4), put(show, directory, 4), put(show, document, 4), put(show, 0, 8);
    end(show, start);
    start = begin(&current, PPT_CURRENT_USER_ATOM, 0);
    put(&current, 20, 4), put(&current, show->encrypted ? 0xF3D1C4DF : 0xE391C05F, 4), put(&current, edit, 4);
    end(&current, start);
    user = current.stream;
    file = (OleFile){0};
    ole_file_add(&file, 0, "Current User", buffer_bytes(&user));
    ole_file_add(&file, 0, "PowerPoint Document", buffer_bytes(&show->stream));
    ole_file_finish(&file, &bytes);
    PartitionOptions options = {0};
    return partition_ppt(buffer_bytes(&bytes), STR("ppt"), &options, NULL, elements);
}

#define ELEMENTS(name)                                                                                                 \
    CLEANUP(arena_freep) Arena *arena = arena_new(32 * MIB);                                                           \
    Elements name = {.arena = arena}

static void texts_of_the_outline_and_of_shapes(void **state)
{
    (void)state;
    CLEANUP(show_done) Show show = {0};
    ELEMENTS(elements);
    add_master(&show);
    SlideMarks slide = begin_slide(&show);
    add_shape(&show, OTHER, "At the bottom", 10, 900);
    add_outline_shape(&show, 1, 10, 300);
    add_outline_shape(&show, 0, 10, 100);
    add_outline_shape(&show, 1, 10, 950); /* a text has one shape */
    add_outline_shape(&show, 9, 10, 950); /* and this one none */
    add_shape(&show, OTHER, "Off the slide", -10, 900);
    size_t deleted = begin_shape(&show, RECTANGLE, 8, 10, 10), box = begin(&show, PPT_OFFICE_ART_CLIENT_TEXTBOX, 0);
    put_text(&show, OTHER, "Deleted", true);
    end(&show, box), end(&show, deleted);
    end_slide(&show, slide);
    slide = begin_slide(&show);
    add_shape(&show, TITLE, "Second\vslide", 10, 10);
    add_shape(&show, TITLE, "Another title", 10, 20);
    end_slide(&show, slide);
    add_document(&show, 3, true); /* the third is not there */
    assert_ok(partition_show(&show, 4, &elements));
    assert_elements("texts", &elements,
                    "Title:0 The head\nTitle:1 and more\nListItem:0 Bullet\nTitle:2 second\nListItem:1 Third.\n"
                    "Title:1 Last.\nTitle:1 At the bottom\nPageBreak \nTitle:0 Second\vslide\nTitle:1 Another title\n");
    assert_int_equal(elements.items[0].page_number, 1);
    assert_int_equal(elements.items[elements.count - 1].page_number, 2);
}

static void groups_tables_fields(void **state)
{
    (void)state;
    CLEANUP(show_done) Show show = {0};
    ELEMENTS(elements);
    add_master(&show);
    SlideMarks slide = begin_slide(&show);
    add_shape(&show, OTHER, "Below the group's first", 100, 140);
    size_t group = begin_group(&show, false);
    add_child(&show, RECTANGLE, "Second child", 0, 900); /* at 100, 190 */
    add_child(&show, RECTANGLE, "First child", 0, 100);  /* at 100, 110 */
    end(&show, group);
    group = begin_group(&show, true);
    add_child(&show, RECTANGLE, "d", 500, 500);
    add_child(&show, RECTANGLE, "a", 0, 0);
    add_child(&show, LINE, "line", 0, 250);
    add_child(&show, RECTANGLE, "b\rc", 500, 0);
    add_child(&show, RECTANGLE, "e", 750, 500);
    end(&show, group);
    size_t shape = begin_shape(&show, RECTANGLE, 0, 100, 500), box = begin(&show, PPT_OFFICE_ART_CLIENT_TEXTBOX, 0);
    put_text(&show, OTHER, "Page * of * today", true);
    ATOM(&show, PPT_SLIDE_NUMBER_MC_ATOM, 0, 5, 0, 0, 0);
    ATOM(&show, PPT_DATE_TIME_MC_ATOM, 0, 10, 0, 0, 0);
    end(&show, box), end(&show, shape);
    end_slide(&show, slide);
    add_document(&show, 1, false);
    assert_ok(partition_show(&show, 3, &elements));
    assert_elements("groups", &elements,
                    "Table a b c d e\nTitle:1 First child\nTitle:1 Below the group's first\nTitle:1 Second child\n"
                    "Title:1 Page 1 of  today\n");
    assert_str(elements.items[0].text_as_html, "<table><tr><td>a</td><td>b<br/>c</td><td/></tr>"
                                               "<tr><td/><td>d</td><td>e</td></tr></table>");
}

static void bad_presentations_are_refused(void **state)
{
    (void)state;
    enum { ENCRYPTED, NO_DOCUMENT, OVERLAP, DEEP, CASES };
    static const struct {
        ErrorCode code;
        const char *saying;
    } expected[CASES] = {
        [ENCRYPTED] = {ERR_UNSUPPORTED, "encrypted: "},
        [NO_DOCUMENT] = {ERR_CORRUPT, "ppt: there is no document"},
        [OVERLAP] = {ERR_CORRUPT, "parts of the presentation overlap"},
        [DEEP] = {ERR_LIMIT, "slide 1: groups are more than 64 deep"},
    };
    for (int i = 0; i < CASES; i++) {
        CLEANUP(show_done) Show show = {.encrypted = i == ENCRYPTED};
        ELEMENTS(elements);
        size_t groups[70];
        add_master(&show);
        SlideMarks slide = begin_slide(&show);
        for (size_t g = 0; i == DEEP && g < ARRAY_COUNT(groups); g++)
            groups[g] = begin_group(&show, false);
        for (size_t g = ARRAY_COUNT(groups); i == DEEP && g-- > 0;)
            end(&show, groups[g]);
        for (int shapes = 0; i == OVERLAP && shapes < 12; shapes++)
            add_shape(&show, OTHER, "A shape that takes some bytes of the slide", 1, 1);
        end_slide(&show, slide);
        for (; i == OVERLAP && show.objects < OBJECTS_MAX - 1; show.objects++)
            show.offsets[show.objects] = show.offsets[1];
        add_document(&show, i == OVERLAP ? 6 : 1, false);
        assert_fails_saying(partition_show(&show, i == NO_DOCUMENT ? 2 : show.objects, &elements), expected[i].code,
                            expected[i].saying);
    }
}

static void damaged_streams_do_no_harm(void **state)
{
    (void)state;
    CLEANUP(show_done) Show whole = {0};
    add_master(&whole);
    SlideMarks slide = begin_slide(&whole);
    add_shape(&whole, OTHER, "Some text", 1, 1);
    add_outline_shape(&whole, 0, 1, 2);
    end_slide(&whole, slide);
    add_document(&whole, 1, true);
    for (size_t at = 0; at < whole.stream.len; at++) { /* a byte at a time is wrong */
        CLEANUP(show_done) Show show = whole;
        ELEMENTS(elements);
        show.stream = (Buffer){0};
        assert_ok(buffer_append_str(&show.stream, buffer_str(&whole.stream)));
        show.stream.data[at] ^= 0xFF;
        error_free(partition_show(&show, 3, &elements));
        assert_true(elements.count < 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_of_the_outline_and_of_shapes), cmocka_unit_test(groups_tables_fields),
        cmocka_unit_test(bad_presentations_are_refused), cmocka_unit_test(damaged_streams_do_no_harm)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
