#include <stdio.h>

#include "base/buffer.h"
#include "base/testing.h"
#include "document/pdf/pdf.h"

/* ---- PDFs of our own making ---- */

#define OBJECTS_MAX 16

/* The bodies of objects 1, 2, ...; 1 is the catalog. */
typedef struct Objects {
    const char *bodies[OBJECTS_MAX];
    const char *trailer; /* entries besides Size and Root */
} Objects;

static void write_pdf(const Objects *objects, Buffer *pdf)
{
    size_t offsets[OBJECTS_MAX], count = 0;
    buffer_clear(pdf);
    assert_ok(buffer_append_str(pdf, STR("%PDF-1.7\n")));
    for (; count < OBJECTS_MAX && objects->bodies[count]; count++) {
        offsets[count] = pdf->len;
        assert_ok(buffer_append_format(pdf, "%zu 0 obj\n%s\nendobj\n", count + 1, objects->bodies[count]));
    }
    size_t xref = pdf->len;
    assert_ok(buffer_append_format(pdf, "xref\n0 %zu\n0000000000 65535 f \n", count + 1));
    for (size_t i = 0; i < count; i++)
        assert_ok(buffer_append_format(pdf, "%010zu 00000 n \n", offsets[i]));
    assert_ok(buffer_append_format(pdf, "trailer\n<< /Size %zu /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF\n", count + 1,
                                   objects->trailer ? objects->trailer : "", xref));
}

#define CATALOG "<< /Type /Catalog /Pages 2 0 R >>"
#define PAGES "<< /Type /Pages /Kids [3 0 R] /Count 1 >>"
#define PAGE_WITH(more)                                                                                                \
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> " more \
    " >>"
#define PAGE PAGE_WITH("")
#define FONT "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"

/* A document of one page whose content stream is `content`; `page` and `more` may replace and add objects. */
static void write_page(const char *content, const char *page, const char *more, Buffer *pdf)
{
    char stream[2000];
    int length = snprintf(stream, sizeof(stream), "<< /Length %zu >>\nstream\n%s\nendstream", strlen(content), content);
    assert_in_range(length, 1, sizeof(stream) - 1);
    Objects objects = {.bodies = {CATALOG, PAGES, page, stream, FONT, more}};
    write_pdf(&objects, pdf);
}

/* ---- running and looking ---- */

typedef struct Progress {
    uint64_t calls, last;
} Progress;

static void count_progress(void *context, uint64_t units_done)
{
    Progress *progress = context;
    progress->calls++;
    progress->last = units_done;
}

static Error *run(const Buffer *pdf, const PartitionOptions *options, Elements *elements)
{
    return partition_pdf(buffer_bytes(pdf), STR("application/pdf"), options, NULL, elements);
}

/* "Title p1 text|..." */
static void describe(const Elements *elements, Buffer *text)
{
    buffer_clear(text);
    for (size_t i = 0; i < elements->count; i++) {
        const Element *element = &elements->items[i];
        Str type = element_type_name(element->type);
        assert_ok(buffer_append_format(text, "%s" STR_FMT " p%u " STR_FMT, i ? "|" : "", STR_ARG(type),
                                       element->page_number, STR_ARG(element->text)));
    }
}

static const struct {
    const char *name, *content, *elements;
} pages[] = {
    {"one word", "BT /F 24 Tf 50 700 Td (Introduction) Tj ET", "Title p1 Introduction"},
    {"two columns",
     "BT /F 10 Tf 50 700 Td (Port side) Tj 250 0 Td (Star side) Tj -250 -40 Td (Port below) Tj 250 0 Td (Star below) Tj ET",
     "Title p1 Port side|Title p1 Port below|Title p1 Star side|Title p1 Star below"},
    {"bullets lose their mark", "BT /F 10 Tf 50 700 Td (\\225 First thing) Tj 0 -30 Td (\\225 Second thing) Tj ET",
     "ListItem p1 First thing|ListItem p1 Second thing"},
    {"a list item goes on", "BT /F 10 Tf 50 700 Td (\\225  First thing) Tj 12 -11 Td (and) Tj ET",
     "ListItem p1 First thing and"},
    {"a lone bullet is nothing", "BT /F 10 Tf 50 700 Td (\\225) Tj 0 -60 Td (Heading) Tj ET", "Title p1 Heading"},
    {"header and footer by place", "BT /F 10 Tf 50 780 Td (Above) Tj 0 -400 Td (Middle) Tj 0 -360 Td (Below) Tj ET",
     "Header p1 Above|Title p1 Middle|Footer p1 Below"},
    {"a paragraph",
     "BT /F 10 Tf 50 700 Td (This is a sentence that goes) Tj 0 -12 Td (on to another line, and it ends.) Tj ET",
     "NarrativeText p1 This is a sentence that goes on to another line, and it ends."},
    {"a letter drawn twice for weight", "BT /F 10 Tf 50 700 Td (Bold) Tj 0.3 0 Td (Bold) Tj ET", "Title p1 Bold"},
    {"runs up the page", "BT /F 10 Tf 0 1 -1 0 50 300 Tm (Upwards here) Tj ET", "Title p1 Upwards here"},
    {"a page that lies on its side",
     "BT /F 10 Tf 0 -1 1 0 400 700 Tm (First line) Tj 0 -1 1 0 300 700 Tm (Second one) Tj ET",
     "Title p1 First line|Title p1 Second one"},
    {"drawn from the bottom", "BT /F 10 Tf 50 400 Td (Second) Tj 0 200 Td (First) Tj ET",
     "Title p1 First|Title p1 Second"},
};

static void test_pages(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    CLEANUP(buffer_done) Buffer text = {0};
    for (size_t i = 0; i < ARRAY_COUNT(pages); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        write_page(pages[i].content, PAGE, NULL, &pdf);
        assert_ok(run(&pdf, NULL, &elements));
        describe(&elements, &text);
        if (!str_equal(buffer_str(&text), str_of(pages[i].elements)))
            print_error("%s\n", pages[i].name);
        assert_str(buffer_str(&text), pages[i].elements);
    }
}

static void test_place(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    write_page("BT /F 20 Tf 50 700 Td (Word) Tj ET", PAGE, NULL, &pdf);
    assert_ok(run(&pdf, NULL, &elements));
    ElementBox box = *elements.items[0].box;
    assert_true(box.layout_width == 600 && box.layout_height == 800 && box.left == 50);
    assert_true(box.top < 100 && box.bottom > 100 && box.bottom < 106 && box.bottom - box.top > 19.99
                && box.bottom - box.top < 20.01);
    assert_true(box.right > 90 && box.right < 110);
    assert_int_equal(elements.items[0].category_depth, -1);
}

static void test_two_pages(void **state)
{
    (void)state;
    const Objects objects = {.bodies = {CATALOG, "<< /Type /Pages /Kids [3 0 R 3 0 R 6 0 R] /Count 3 >>", PAGE,
                                        "<< /Length 34 >>\nstream\nBT /F 10 Tf 50 700 Td (Here) Tj ET\nendstream", FONT,
                                        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"}};
    CLEANUP(buffer_done) Buffer pdf = {0};
    CLEANUP(buffer_done) Buffer text = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    Progress progress = {0};
    PartitionWatch watch = {count_progress, &progress};
    write_pdf(&objects, &pdf);
    assert_ok(partition_pdf(buffer_bytes(&pdf), STR(""), NULL, &watch, &elements));
    describe(&elements, &text);
    assert_str(buffer_str(&text), "Title p1 Here|Title p2 Here");
    assert_int_equal(progress.calls, 3);
    assert_int_equal(progress.last, 3);
}

/* Pages: text, a scan, drawn, a scan. Without Tesseract, which this test never loads, what of them lacks is told. */
static void test_scans_among_text(void **state)
{
    (void)state;
#define PAGE_OF(contents)                                                                                              \
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents " contents                                         \
    " 0 R /Resources << /Font << /F 9 0 R >> /XObject << /I 10 0 R >> >> >>"
#define SCAN "<< /Length 34 >>\nstream\nq 600 0 0 800 0 0 cm /I Do Q      \nendstream"
    static const Objects objects = {
        {CATALOG, "<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R 4 0 R] /Count 4 >>", PAGE_OF("6"), PAGE_OF("7"),
         PAGE_OF("8"), "<< /Length 42 >>\nstream\nBT /F 12 Tf 72 700 Td (Some words) Tj ET   \nendstream", SCAN,
         "<< /Length 14 >>\nstream\n9 9 99 99 re f\nendstream", FONT,
         "<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 "
         "/Length 1 >>\nstream\na\nendstream"},
        NULL};
    static const struct {
        PartitionStrategy strategy;
        ErrorCode code;
    } cases[] = {{STRATEGY_AUTO, ERR_UNSUPPORTED}, {STRATEGY_OCR_ONLY, ERR_UNSUPPORTED}, {STRATEGY_FAST, ERR_OK}};
    CLEANUP(buffer_done) Buffer pdf = {0}, text = {0};
    write_pdf(&objects, &pdf);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        CLEANUP(error_freep) Error *error = run(&pdf, &(PartitionOptions){.strategy = cases[i].strategy}, &elements);
        assert_int_equal(error_code(error), cases[i].code);
        if (error)
            assert_non_null(strstr(error_message_view(error), "PDF: no text of pages 2, 4: needs OCR: "));
        describe(&elements, &text);
        assert_str(buffer_str(&text), "Title p1 Some words");
    }
}

static void test_rotated_page(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    write_page("BT /F 10 Tf 50 700 Td (Turned page) Tj ET", PAGE_WITH("/Rotate 90"), NULL, &pdf);
    assert_ok(run(&pdf, NULL, &elements));
    assert_int_equal(elements.count, 1);
    assert_str(elements.items[0].text, "Turned page");
    assert_true(elements.items[0].box->layout_width == 800 && elements.items[0].box->layout_height == 600);
}

static void test_links_and_fields(void **state)
{
    (void)state;
    const Objects objects = {
        .bodies = {
            "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [7 0 R] >> >>", PAGES,
            PAGE_WITH("/Annots [6 0 R 7 0 R]"),
            "<< /Length 42 >>\nstream\nBT /F 10 Tf 50 700 Td (\\225 See here) Tj ET\nendstream", FONT,
            "<< /Type /Annot /Subtype /Link /Rect [75 695 150 710] /A << /S /URI /URI (http://example.org/) >> >>",
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Jane Doe) /Rect [50 500 150 520] >>"}};
    CLEANUP(buffer_done) Buffer pdf = {0};
    CLEANUP(buffer_done) Buffer text = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    write_pdf(&objects, &pdf);
    assert_ok(run(&pdf, NULL, &elements));
    describe(&elements, &text);
    assert_str(buffer_str(&text), "ListItem p1 See here|Title p1 Jane Doe");
    assert_int_equal(element_rare(&elements.items[0])->link_count, 1);
    const ElementLink *link = &element_rare(&elements.items[0])->links[0];
    assert_str(link->text, "here");
    assert_str(link->url, "http://example.org/");
    assert_int_equal(link->start_index, 4);
    assert_true(elements.items[1].box->top == 280 && elements.items[1].box->bottom == 300);
}

/* ---- bad input ---- */

static const struct {
    const char *name;
    Objects objects;
    ErrorCode code;
    const char *says;
} bad[] = {
    {"no text",
     {{CATALOG, PAGES, PAGE, "<< /Length 10 >>\nstream\n0 0 9 9 re\nendstream", FONT}, NULL},
     ERR_UNSUPPORTED,
     "needs OCR"},
    {"no pages", {{CATALOG, "<< /Type /Pages /Kids [] /Count 0 >>"}, NULL}, ERR_CORRUPT, "no pages"},
    {"no catalog", {{"<< >>"}, NULL}, ERR_CORRUPT, "PDF"},
    {"the catalog is a number", {{"17"}, NULL}, ERR_CORRUPT, "PDF"},
    {"the page tree holds itself",
     {{CATALOG, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"}, NULL},
     ERR_CORRUPT,
     "PDF"},
    {"the page tree runs in a circle",
     {{CATALOG, "<< /Type /Pages /Kids [3 0 R] /Count 5 >>", "<< /Type /Pages /Kids [2 0 R] /Parent 2 0 R /Count 5 >>"},
      NULL},
     ERR_CORRUPT,
     "PDF"},
    {"the pages lie",
     {{CATALOG, "<< /Type /Pages /Kids [3 0 R] /Count 2000000000 >>", PAGE, "<< /Length 0 >>\nstream\n\nendstream",
       FONT},
      NULL},
     ERR_CORRUPT,
     "PDF"},
    {"a password is wanted",
     {{CATALOG, PAGES, PAGE},
      "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 "
      "/O <000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f> "
      "/U <000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f> >>"},
     ERR_UNSUPPORTED,
     "needs a password"},
};

static void test_bad(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        write_pdf(&bad[i].objects, &pdf);
        print_message("%s\n", bad[i].name);
        assert_fails_saying(run(&pdf, NULL, &elements), bad[i].code, bad[i].says);
        assert_int_equal(elements.count, 0);
    }
}

/* What is no PDF at all, and a table of objects that leads to itself. */
static void test_bad_bytes(void **state)
{
    (void)state;
    const Str inputs[] = {
        STR(""),
        STR("%PDF-1.7"),
        STR("plain text, nothing else"),
        STR("%PDF-1.4\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 /Prev 9 >>\nstartxref\n9\n%%EOF\n"),
        STR("%PDF-1.4\n1 0 obj\n1 0 R\nendobj\ntrailer\n<< /Root 1 0 R >>\n"),
        STR("%PDF-1.4\n1 0 obj\n<< /Type /XRef /Size 1 /W [1 1 1] /Prev 9 /Length 3 >>\nstream\n\1\0\0\nendstream\nendobj\nstartxref\n9\n%%EOF"),
    };
    for (size_t i = 0; i < ARRAY_COUNT(inputs); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        assert_fails(partition_pdf(str_bytes(inputs[i]), STR(""), NULL, NULL, &elements), ERR_CORRUPT);
    }
}

/* Cut anywhere a file gives its text, for poppler mends it, or says that it is damaged; never a wrong code, never a crash. */
static void test_truncated(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    size_t mended = 0;
    write_page("BT /F 10 Tf 50 700 Td (The text of the page) Tj ET", PAGE, NULL, &pdf);
    for (size_t len = 0; len < pdf.len; len += 7) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        CLEANUP(error_freep) Error *error = partition_pdf(bytes_from(pdf.data, len), STR(""), NULL, NULL, &elements);
        ErrorCode code = error_code(error);
        assert_true(code == ERR_OK || code == ERR_CORRUPT || code == ERR_UNSUPPORTED);
        assert_true((code == ERR_OK) == (elements.count == 1));
        assert_true(code != ERR_CORRUPT || strstr(error_message_view(error), "cut short"));
        mended += code == ERR_OK;
    }
    assert_true(mended > 0);
}

/* Every byte in turn is damaged. */
static void test_damaged(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    write_page("BT /F 10 Tf 50 700 Td (The text of the page) Tj ET", PAGE, NULL, &pdf);
    for (size_t at = 0; at < pdf.len; at += 3) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        uint8_t kept = pdf.data[at];
        pdf.data[at] ^= 0x15;
        error_free(run(&pdf, NULL, &elements)); /* any outcome will do: this is about memory and time */
        pdf.data[at] = kept;
    }
}

static void test_limits(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer pdf = {0};
    write_page("BT /F 10 Tf 50 700 Td (First) Tj 0 -100 Td (Second) Tj ET", PAGE, NULL, &pdf);
    {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena};
        PartitionOptions options = {.text_max_bytes = 8};
        assert_fails_saying(run(&pdf, &options, &elements), ERR_LIMIT,
                            "page 1: text of all elements is larger than the limit of 8 bytes");
        assert_int_equal(elements.count, 1);
    }
    {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements = {.arena = arena, .count_max = 1};
        assert_fails(run(&pdf, NULL, &elements), ERR_LIMIT);
        assert_int_equal(elements.count, 1);
    }
    {
        CLEANUP(arena_freep) Arena *arena = arena_new(64);
        Elements elements = {.arena = arena};
        assert_fails(run(&pdf, NULL, &elements), ERR_LIMIT);
    }
}

/* Hundreds of filters on one stream, as bombs have them: ends, whatever comes out. */
static void test_filter_chain(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer filters = {0};
    CLEANUP(buffer_done) Buffer pdf = {0};
    for (unsigned i = 0; i < 300; i++)
        assert_ok(buffer_append_str(&filters, STR("/ASCIIHexDecode /RunLengthDecode ")));
    CLEANUP(buffer_done) Buffer stream = {0};
    assert_ok(buffer_append_format(&stream, "<< /Filter [" STR_FMT "] /Length 4 >>\nstream\n8100\nendstream",
                                   STR_ARG(buffer_str(&filters))));
    Objects objects = {.bodies = {CATALOG, PAGES, PAGE, buffer_cstr(&stream), FONT}};
    write_pdf(&objects, &pdf);
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    assert_fails(run(&pdf, NULL, &elements), ERR_UNSUPPORTED);
}

static void test_warm_up_again(void **state)
{
    (void)state;
    assert_ok(pdf_warm_up());
    assert_ok(pdf_warm_up());
}

static int warm_up(void **state)
{
    (void)state;
    Error *error = pdf_warm_up();
    error_free(error);
    return error ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),         cmocka_unit_test(test_place),
        cmocka_unit_test(test_two_pages),     cmocka_unit_test(test_scans_among_text),
        cmocka_unit_test(test_rotated_page),  cmocka_unit_test(test_links_and_fields),
        cmocka_unit_test(test_bad),           cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_truncated),     cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_filter_chain),
        cmocka_unit_test(test_warm_up_again),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
