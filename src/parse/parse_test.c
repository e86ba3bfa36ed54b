/* The real quern-parse in real locked workers: documents of each kind that need something from outside while they are
 * parsed, or would like to. */
#include <stdio.h>

#include "base/testing.h"
#include "document/wire.h"
#include "sandbox/sandbox.h"
#include "sandbox/selftest.h"

static const char *program;

typedef struct Answer {
    Elements elements;
    Str filetype;
    size_t frames;
} Answer;

static Error *take_frame(void *context, Bytes frame)
{
    Answer *answer = context;
    answer->frames++;
    return wire_decode_elements(frame, &answer->elements, &answer->filetype);
}

static Sandbox *new_sandbox(void)
{
    Sandbox *sandbox = NULL;
    assert_ok(sandbox_new(&(SandboxOptions){.mode = SANDBOX_REQUIRE, .program = program, .workers_max = 1}, &sandbox));
    return sandbox;
}

/* A page with one string in a CJK font that is not embedded and has no ToUnicode: its text comes from poppler-data
 * alone. */
static void make_cjk_pdf(const char *encoding, const char *ordering, const char *hex, Buffer *out)
{
    assert_ok(buffer_append_format(
        out,
        "%%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R "
        "/Resources << /Font << /F 5 0 R >> >> >>\nendobj\n"
        "4 0 obj\n<< /Length %zu >>\nstream\nBT /F 12 Tf 20 100 Td <%s> Tj ET\nendstream\nendobj\n"
        "5 0 obj\n<< /Type /Font /Subtype /Type0 /BaseFont /Test /Encoding /%s /DescendantFonts [6 0 R] >>\nendobj\n"
        "6 0 obj\n<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Test /CIDSystemInfo << /Registry (Adobe) "
        "/Ordering (%s) /Supplement 2 >> /FontDescriptor 7 0 R >>\nendobj\n"
        "7 0 obj\n<< /Type /FontDescriptor /FontName /Test /Flags 4 /FontBBox [0 0 1000 1000] /ItalicAngle 0 "
        "/Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 >>\nendobj\n"
        "trailer\n<< /Size 8 /Root 1 0 R >>\n%%%%EOF\n",
        strlen("BT /F 12 Tf 20 100 Td <> Tj ET") + strlen(hex), hex, encoding, ordering));
}

static const struct {
    const char *encoding, *ordering, *hex, *text;
} cjk[] = {
    {"90ms-RKSJ-H", "Japan1", "93fa967b8cea", "日本語"},
    {"GBK-EUC-H", "GB1", "bcf2cce5d6d0cec4", "简体中文"},
    {"ETen-B5-H", "CNS1", "c163c5e9a4a4a4e5", "繁體中文"},
    {"KSCms-UHC-H", "Korea1", "c7d1b1b9beee", "한국어"},
};

typedef struct Case {
    const char *name;
    Str input;
    SandboxEnd end;
    ErrorCode code;
    const char *says; /* part of the error's message, or of an element's text */
} Case;

#define LITERAL(text)                                                                                                  \
    {                                                                                                                  \
        (text), sizeof(text) - 1                                                                                       \
    }

static const Case cases[] = {
    {"a.txt", LITERAL("The committee approved the budget for the next year.\n"), SANDBOX_OK, ERR_OK,
     "The committee approved"},
    {"a.html", LITERAL("<!DOCTYPE html><html><body><p>The committee approved it.</p></body></html>"), SANDBOX_OK,
     ERR_OK, "The committee approved"},
    {"a.md", LITERAL("# The committee\n\nIt approved the budget.\n"), SANDBOX_OK, ERR_OK, "The committee"},
    {"a.csv", LITERAL("name,year\nAda,1815\n"), SANDBOX_OK, ERR_OK, "Ada"},
    {"a.txt",
     LITERAL("\xff\xfe"
             "T\0h\0e\0 \0e\0n\0d\0.\0\n\0"),
     SANDBOX_OK, ERR_OK, "The end."},
    {"a.txt",
     LITERAL("Die Stra\xdf"
             "e f\xfchrt \xfc"
             "ber die Br\xfc"
             "cke.\n"),
     SANDBOX_OK, ERR_OK, "führt"},
    {"a.json", LITERAL("{\"a\": [1, 2, {\"b\": null}]}"), SANDBOX_OK, ERR_OK, "\"b\": null"},
    {"a.ndjson", LITERAL("{\"type\": \"Title\", \"text\": \"An element\", \"metadata\": {\"x\": [1]}}\n"), SANDBOX_OK,
     ERR_OK, "An element"},
    {"a.xml", LITERAL("<?xml version='1.0' encoding='windows-1251'?><a><b>\xcf\xf0\xe8</b></a>"), SANDBOX_OK, ERR_OK,
     "При"},
    {"a.rtf", LITERAL("{\\rtf1\\ansicpg1251 \\'cf\\'f0\\'e8\\par}"), SANDBOX_OK, ERR_OK, "При"},
    {"a.org", LITERAL("* The committee\n- approved it[fn:1]\n\n[fn:1] unanimously"), SANDBOX_OK, ERR_OK, "unanimously"},
    {"a.rst", LITERAL("Committee\n=========\n\nIt approved_ it.\n\n.. _approved: http://x\n"), SANDBOX_OK, ERR_OK,
     "It approved it."},
    {"a.tar.gz", LITERAL("\x1f\x8b\x08\0\0\0\0\0\0\x03"), SANDBOX_UNSUPPORTED, ERR_UNSUPPORTED, "--uncompress"},
    {"a.txt", LITERAL("{\\pard The committee approved it.\\par}\n"), SANDBOX_OK, ERR_OK, "The committee approved it."},
    {"a.txt", LITERAL(""), SANDBOX_OK, ERR_OK, NULL},
    {"a.zip", LITERAL("PK\3\4\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), SANDBOX_UNSUPPORTED,
     ERR_UNSUPPORTED, "unsupported type"},
    {"a.pdf", LITERAL("%PDF-1.4\nnothing of a document follows\n"), SANDBOX_CORRUPT, ERR_CORRUPT, "PDF"},
    {"xxe.html",
     LITERAL("<!DOCTYPE html [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><html><body><p>root is &x; here</p>"
             "<img src=\"http://127.0.0.1:9/a.png\"></body></html>"),
     SANDBOX_OK, ERR_OK, "root is"},
};

static bool has_text(const Elements *elements, const char *part)
{
    for (size_t i = 0; i < elements->count; i++) {
        if (str_find(elements->items[i].text, str_of(part)) != SIZE_MAX)
            return true;
    }
    return false;
}

static void run_document(Sandbox *sandbox, const Case *c)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer request = {0};
    assert_non_null(arena);
    Answer answer = {.elements = {.arena = arena}};
    SandboxEnd end;
    assert_ok(wire_encode_request(&(PartitionOptions){.filename = str_of(c->name)}, &request));
    CLEANUP(error_freep)
    Error *error = sandbox_run(sandbox, NULL, buffer_bytes(&request), str_bytes(c->input), take_frame, &answer, &end);
    bool right = end == c->end && error_code(error) == c->code;
    if (right && error)
        right = strstr(error_message_view(error), c->says) != NULL;
    else if (right && c->says)
        right = has_text(&answer.elements, c->says);
    if (!right)
        print_error("%s ('%s'): %s, %s, %zu elements, '" STR_FMT "'\n", c->name, c->says, sandbox_end_name(end),
                    error_message_view(error), answer.elements.count,
                    STR_ARG(answer.elements.count ? answer.elements.items[0].text : STR_EMPTY));
    assert_true(right);
    assert_int_equal(answer.frames > 0, end == SANDBOX_OK);
    assert_false(has_text(&answer.elements, "root:")); /* of /etc/passwd */
}

/* Twice: what a worker keeps from one document must not matter to the next. */
static void test_documents(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox();
    for (size_t i = 0; i < 2 * ARRAY_COUNT(cases); i++)
        run_document(sandbox, &cases[i % ARRAY_COUNT(cases)]);
}

static void test_cjk(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox();
    for (size_t i = 0; i < ARRAY_COUNT(cjk); i++) {
        CLEANUP(buffer_done) Buffer pdf = {0};
        make_cjk_pdf(cjk[i].encoding, cjk[i].ordering, cjk[i].hex, &pdf);
        run_document(sandbox, &(Case){"cjk.pdf", buffer_str(&pdf), SANDBOX_OK, ERR_OK, cjk[i].text});
    }
}

static Error *no_frame(void *context, Bytes frame)
{
    (void)context;
    return FAIL(INTERNAL, "a frame of %zu bytes", frame.len);
}

static void test_malformed_request(void **state)
{
    (void)state;
    CLEANUP(sandbox_freep) Sandbox *sandbox = new_sandbox();
    SandboxEnd end;
    assert_fails_saying(sandbox_run(sandbox, NULL, str_bytes(STR("?")), BYTES_EMPTY, no_frame, NULL, &end), ERR_CORRUPT,
                        "parser failed (internal): request of 1 bytes is malformed");
    assert_int_equal(end, SANDBOX_INTERNAL);
}

static void see(void *context, const SandboxTrial *trial)
{
    if (!trial->stopped)
        print_message("%s: %s\n", trial->action, trial->how);
    *(unsigned *)context += !trial->stopped && strcmp(trial->action, "take more memory than allowed") != 0;
}

static void test_shipped_program_is_locked(void **state)
{
    (void)state;
    unsigned not_stopped = 0;
    SandboxSelfTest result;
    assert_ok(
        sandbox_self_test(&(SandboxOptions){.mode = SANDBOX_REQUIRE, .program = program}, see, &not_stopped, &result));
    assert_int_equal(not_stopped, 0);
    assert_true(result.tried >= 14);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_cjk),
        cmocka_unit_test(test_malformed_request),
        cmocka_unit_test(test_shipped_program_is_locked),
    };
    return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
