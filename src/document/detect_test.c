#include "document/detect.h"

#include "base/testing.h"
#include "document/language.h"
#include "document/ole_testing.h"
#include "document/zip_testing.h"

static void types_by_content_then_name(void **state)
{
    (void)state;
    const struct {
        Str input;
        const char *filename, *expected;
    } cases[] = {
        {STR(""), "a.txt", "inode/x-empty"},
        {STR("Hello there.\n"), "a.txt", "text/plain"},
        {STR("Hello there.\n"), "", "text/plain"},
        {STR("# Hello\n"), "README.md", "text/markdown"},
        {STR("%PDF-1.7\n"), "a.txt", "application/pdf"},
        {STR("junk\n%PDF-1.7\n"), "a.pdf", "application/pdf"},
        {STR("<!DOCTYPE html><p>"), "page", "text/html"},
        {STR(" \n<!-- x --><HTML>"), "", "text/html"},
        {STR("<p>x"), "a.htm", "text/html"},
        {STR("<?xml version='1.0'?><a/>"), "a", "application/xml"},
        {STR("<?xml version='1.0'?><html/>"), "a", "text/html"},
        {STR("<?xml version='1.0'?>\n<a>,</a>\n<b>,</b>"), "a.txt", "application/xml"},
        {STR("<a>b</a>"), "a.xml", "application/xml"},
        {STR("\xFF\xFE<\0a\0/\0>\0"), "a.xml", "application/xml"},
        {STR("{\\rtf1 a}"), "a", "text/rtf"},
        {STR("{\\pard a}"), "a.rtf", "text/rtf"},
        {STR("a,b\n1,2\n"), "a.txt", "text/csv"},
        {STR("a,b\n1,2\n"), "A.CSV", "text/csv"},
        {STR("{\"a\": 1}"), "a.txt", "application/json"},
        {STR("{\"a\": 1"), "a.txt", "text/plain"},
        {STR("{\"a\": 1"), "a.json", "application/json"},
        {STR("{\"a\":\n1}\n"), "a.json", "application/json"},
        {STR("{\"a\": 1}\n\n{}\n"), "a.json", "application/x-ndjson"},
        {STR("{\"a\": 1}\n[]\n"), "a", "application/x-ndjson"},
        {STR("{\"a\": 1}\n{]\n"), "a", "text/plain"},
        {STR("{\"a\": 1}\n"), "a.ndjson", "application/x-ndjson"},
        {STR("{\"a\": 1}\n"), "a.json", "application/json"},
        {STR("MIME-Version: 1.0\nDate: x\nMessage-ID: y\nSubject: s\nFrom: f\nTo: t\n\n"), "a", "message/rfc822"},
        {STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and no more"), "a.txt", "application/x-ole-storage"},
        {STR("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and no more"), "a.XLS", "application/vnd.ms-excel"},
        {STR("PK\3\4....word/document.xml"), "", "application/zip"},
        {STR("PK\3\4....word/document.xml"), "a.docx",
         "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}, /* cut off */
        {STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\2\0\0\0"), "a.txt", "image/png"},
        {STR("H\0i\0 \0y\0o\0u\0"), "a.txt", "text/plain"},
        {STR("\xFF\xFEH\0i\0"), "", "text/plain"},
        {STR("\1\2\3\4\5"), "a.bin", "application/octet-stream"},
    };
    assert_ok(detect_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        print_message("%zu: %s\n", i, cases[i].expected);
        assert_str(detect_filetype(str_bytes(cases[i].input), str_of(cases[i].filename)), cases[i].expected);
    }
}

static void compound_files_by_their_streams(void **state)
{
    (void)state;
    static const struct {
        const char *stream, *filename, *expected;
    } cases[] = {
        {"WordDocument", "a.txt", "application/msword"},
        {"Workbook", "a.doc", "application/vnd.ms-excel"},
        {"PowerPoint Document", "a", "application/vnd.ms-powerpoint"},
        {"__properties_version1.0", "a.msg", "application/vnd.ms-outlook"},
        {"EncryptedPackage", "a.docx", "application/encrypted"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        OleFile file = {0};
        ole_file_add(&file, 0, cases[i].stream, str_bytes(STR("W\0o\0r\0d\0D\0o\0c\0u\0m\0e\0n\0t\0")));
        ole_file_finish(&file, &out);
        assert_str(detect_filetype(buffer_bytes(&out), str_of(cases[i].filename)), cases[i].expected);
    }
}

static void zips_by_their_members(void **state)
{
    (void)state;
    static const struct {
        const char *member, *content, *filename, *expected;
    } cases[] = {
        {"word/document.xml", "", "a.zip", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"word/document2.xml", "", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
        {"xl/workbook.xml", "", "a.docx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
        {"ppt/presentation.xml", "", "", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
        {"mimetype", "application/epub+zip\n", "", "application/epub"},
        {"mimetype", "application/vnd.oasis.opendocument.text", "", "application/vnd.oasis.opendocument.text"},
        {"mimetype", "application/vnd.oasis.opendocument.spreadsheet", "", "application/zip"},
        {"a.txt", "word/document.xml xl/workbook.xml", "a.docx", "application/zip"},
        {"my/word/document.xml", "PK\3\4word/document.xml", "", "application/zip"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        zip_testing_add(&zip, (ZipTestingMember){.name = str_of(cases[i].member), .content = str_of(cases[i].content)});
        assert_str(detect_filetype(zip_testing_end(&zip), str_of(cases[i].filename)), cases[i].expected);
    }
    CLEANUP(zip_testing_done) ZipTesting empty = {0};
    assert_str(detect_filetype(zip_testing_end(&empty), STR("a.docx")), "application/zip");
}

static void add(Elements *elements, const char *text)
{
    Element *e;
    assert_ok(elements_add(elements, ELEMENT_NARRATIVE_TEXT, str_of(text), &e));
}

static void languages(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"Short text", "eng"},
        {"The quick brown fox jumps over the lazy dog and runs away.", "eng"},
        {"Der Vertrag wurde gestern unterschrieben und gilt ab sofort für alle.", "deu"},
        {"Все люди рождаются свободными и равными в своем достоинстве и правах.", "rus"},
        {"人人生而自由，在尊严和权利上一律平等。", "zho"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        Str found[LANGUAGES_FOUND_MAX];
        assert_int_equal(languages_find(str_of(cases[i].text), found), 1);
        assert_str(found[0], cases[i].expected);
    }
    Str found[LANGUAGES_FOUND_MAX];
    assert_int_equal(languages_find(STR(" \n"), found), 0);
}

static void a_document_has_one_language_or_each_element_its_own(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements one = {.arena = arena}, two = {.arena = arena}, told = {.arena = arena};
    add(&one, "Der Vertrag wurde gestern unterschrieben und gilt ab sofort für alle.");
    add(&one, "OK then");
    add(&one, "");
    assert_ok(languages_set(&one, 0, STR_EMPTY));
    assert_str(one.items[1].languages.items[0], "deu");
    assert_str(one.items[2].languages.items[0], "deu"); /* a page break or an image without words too */
    add(&two, "Der Vertrag wurde gestern unterschrieben und gilt ab sofort für alle.");
    add(&two, "The contract was signed yesterday and is valid for everybody from now on.");
    assert_ok(languages_set(&two, 0, STR("auto")));
    assert_str(two.items[0].languages.items[0], "deu");
    assert_str(two.items[1].languages.items[0], "eng");
    assert_ok(languages_set(&two, 0, STR("fr"))); /* they have theirs */
    assert_str(two.items[0].languages.items[0], "deu");
    add(&told, "Said to be in two languages.");
    assert_ok(languages_set(&told, 0, STR("fr, jpn,nonsense")));
    assert_int_equal(told.items[0].languages.count, 2);
    assert_str(told.items[0].languages.items[0], "fra");
    assert_str(told.items[0].languages.items[1], "jpn");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_by_content_then_name),
        cmocka_unit_test(compound_files_by_their_streams),
        cmocka_unit_test(zips_by_their_members),
        cmocka_unit_test(languages),
        cmocka_unit_test(a_document_has_one_language_or_each_element_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
