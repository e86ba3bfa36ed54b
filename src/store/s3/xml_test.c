#include "store/s3/xml.h"

#include "base/testing.h"

/* The text of /r/x, or the error. */
static Error *read_x(Str document, Arena *arena, Str *ret_text)
{
    Xml xml;
    Str name;
    xml_init(&xml, document);
    TRY(xml_root(&xml, &name));
    for (;;) {
        TRY(xml_child(&xml, &name));
        if (name.len == 0)
            return xml_end(&xml);
        if (str_equal(name, STR("x")))
            TRY(xml_text(&xml, arena, ret_text));
        else
            TRY(xml_skip(&xml));
    }
}

static const struct {
    const char *document, *text;
} good[] = {
    {"<r><x>plain</x></r>", "plain"},
    {"\xef\xbb\xbf<?xml version=\"1.0\"?>\n<r xmlns=\"http://s3/\"><x>a</x></r>\n", "a"},
    {"  \n<r><x>keep-alive before</x></r>", "keep-alive before"},
    {"<n:r xmlns:n='u'><n:x>prefix</n:x></n:r>", "prefix"},
    {"<r><x>&lt;&gt;&amp;&quot;&apos;</x></r>", "<>&\"'"},
    {"<r><x>&#65;&#x42;&#xe9;&#x1F600;</x></r>", "AB\xc3\xa9\xf0\x9f\x98\x80"},
    {"<r><x>a<![CDATA[<&>]]>b</x></r>", "a<&>b"},
    {"<r><x>a<!-- <x>no</x> -->b</x></r>", "ab"},
    {"<r><x><!---->&#49;<!-- --><?pi > ?>2</x></r>", "12"},
    {"<r><!-- c --><y a='>' b=\"/>\"/><y><z>deep</z></y><x>after</x></r>", "after"},
    {"<r><x/></r>", ""},
    {"<r><x></x></r>", ""},
    {"<r><x a=\"1\" /></r>", ""},
    {"<r><x> spaces stay </x ></r >", " spaces stay "},
    {"<r><x>\xff\xfe</x></r>", "\xff\xfe"},
    {"<r>text<x>a</x>text</r>", "a"},
    {"<r><![CDATA[<x>no</x>]]><x>yes</x></r>", "yes"},
    {"<r/>", ""},
};

static void test_good(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
        Str text = STR_EMPTY;
        Error *err = read_x(str_of(good[i].document), arena, &text);
        if (err)
            print_error("'%s'\n", good[i].document);
        assert_ok(err);
        assert_str(text, good[i].text);
    }
}

static const struct {
    const char *document;
    ErrorCode code;
} bad[] = {
    {"", ERR_CORRUPT},
    {"   ", ERR_CORRUPT},
    {"text", ERR_CORRUPT},
    {"<", ERR_CORRUPT},
    {"<>", ERR_CORRUPT},
    {"</r>", ERR_CORRUPT},
    {"<r", ERR_CORRUPT},
    {"<r><x>a</x>", ERR_CORRUPT},
    {"<r><x>a", ERR_CORRUPT},
    {"<r><x>a</y></r>", ERR_CORRUPT},
    {"<r></x>", ERR_CORRUPT},
    {"<r><x:>a</x:></r>", ERR_CORRUPT},
    {"<r><x>a</xy></r>", ERR_CORRUPT},
    {"<n:r><x>a</x></r>", ERR_CORRUPT},
    {"<r></r><r></r>", ERR_CORRUPT},
    {"<r></r>text", ERR_CORRUPT},
    {"<r><x>a<y>b</y></x></r>", ERR_CORRUPT},
    {"<r><x>&unknown;</x></r>", ERR_CORRUPT},
    {"<r><x>&amp</x></r>", ERR_CORRUPT},
    {"<r><x>&#0;</x></r>", ERR_CORRUPT},
    {"<r><x>&#xD800;</x></r>", ERR_CORRUPT},
    {"<r><x>&#x110000;</x></r>", ERR_CORRUPT},
    {"<r><x>&#99999999999;</x></r>", ERR_CORRUPT},
    {"<r><x>&#;</x></r>", ERR_CORRUPT},
    {"<r><x>&#x;</x></r>", ERR_CORRUPT},
    {"<!DOCTYPE r [<!ENTITY a \"aaaa\">]><r><x>&a;</x></r>", ERR_CORRUPT},
    {"<!DOCTYPE r SYSTEM \"file:///etc/passwd\"><r/>", ERR_CORRUPT},
    {"<r><!ELEMENT x></r>", ERR_CORRUPT},
    {"<r><x a='></r>", ERR_CORRUPT},
    {"<r <x/></r>", ERR_CORRUPT},
    {"<r><x / ></r>", ERR_CORRUPT},
    {"<r><!-- </r>", ERR_CORRUPT},
    {"<r><? </r>", ERR_CORRUPT},
    {"<r><x><![CDATA[a</x></r>", ERR_CORRUPT},
    {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", ERR_LIMIT},
};

static void test_bad(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
        Str text;
        Error *err = read_x(str_of(bad[i].document), arena, &text);
        if (error_code(err) != bad[i].code)
            print_error("'%s': %s\n", bad[i].document, error_message_view(err));
        assert_int_equal(error_code(err), bad[i].code);
        error_free(err);
    }
}

/* A document that is cut anywhere is never taken for a whole one. */
static void test_every_cut(void **state)
{
    (void)state;
    static const char document[] = "<?xml version='1.0'?><r><y a='b'/><x>a&amp;<![CDATA[b]]><!-- c --></x></r>";
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t len = 0; len < sizeof(document) - 1; len++) {
        Str text;
        assert_fails(read_x(str_from(document, len), arena, &text), ERR_CORRUPT);
    }
}

static void test_offset_and_depth(void **state)
{
    (void)state;
    Xml xml;
    Str name;
    xml_init(&xml, STR("<r><x>"));
    assert_ok(xml_root(&xml, &name));
    assert_ok(xml_child(&xml, &name));
    Error *err = xml_skip(&xml);
    assert_int_equal(error_offset(err), 6);
    error_free(err);
}

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        ErrorCode code;
        const char *a, *b;
    } rows[] = {
        {" \n<?xml version='1.0'?><r xmlns='x'><z><a>no</a></z><b/><a> 1&amp;2 </a></r>\n", ERR_OK, "1&2", ""},
        {"<r><a>first</a><a>second</a><b>3</b></r>", ERR_OK, "first", "3"},
        {"<p:r><p:a>1</p:a></p:r>", ERR_OK, "1", ""},
        {"<r/>", ERR_OK, "", ""},
        {"<other><a>1</a></other>", ERR_CORRUPT, "", ""},
        {"<r><a>1</a></r><r/>", ERR_CORRUPT, "", ""},
        {"<r><a><b/></a></r>", ERR_CORRUPT, "", ""},
        {"<r><a>1</a>", ERR_CORRUPT, "", ""},
        {"", ERR_CORRUPT, "", ""},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        XmlField fields[] = {{.name = STR("a")}, {.name = STR("b"), .text = STR("old")}};
        Error *err = xml_read_fields(str_of(rows[i].document), STR("r"), arena, fields, ARRAY_COUNT(fields));
        if (error_code(err) != rows[i].code)
            print_error("%s: %s\n", rows[i].document, error_message_view(err));
        assert_int_equal(error_code(err), rows[i].code);
        if (!err) {
            assert_str(fields[0].text, rows[i].a);
            assert_str(fields[1].text, rows[i].b);
        }
        error_free(err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
        cmocka_unit_test(test_every_cut), cmocka_unit_test(test_offset_and_depth),
        cmocka_unit_test(test_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
