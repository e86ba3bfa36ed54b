#include "document/xml_reader.h"

#include "base/buffer.h"
#include "base/testing.h"
#include "document/text/charset.h"

/* "<name" with the namespace's last letter and the attribute `a`, ">name", "'text'", one after the other, until the end or an error. */
MUST_USE static Error *events_of(Bytes input, unsigned depth_max, Buffer *out)
{
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    XmlEvent event;
    TRY(xml_reader_new(input, depth_max, &xml));
    do {
        TRY(xml_reader_next(xml, &event));
        Str name = xml_reader_name(xml), uri = xml_reader_namespace(xml), value;
        if (event == XML_EVENT_START) {
            TRY(buffer_append_format(out, "<" STR_FMT, STR_ARG(name)));
            if (uri.len > 0)
                TRY(buffer_append_format(out, "@%c", uri.data[uri.len - 1]));
            if (xml_reader_attribute(xml, "a", &value))
                TRY(buffer_append_format(out, "[" STR_FMT "]", STR_ARG(value)));
        } else if (event == XML_EVENT_END)
            TRY(buffer_append_format(out, ">" STR_FMT "%u", STR_ARG(name), xml_reader_depth(xml)));
        else if (event == XML_EVENT_TEXT)
            TRY(buffer_append_format(out, "'" STR_FMT "'", STR_ARG(xml_reader_text(xml))));
    } while (event != XML_EVENT_DONE);
    return NULL;
}

static void documents_become_events(void **state)
{
    (void)state;
    const struct {
        Str input;
        const char *expected;
    } cases[] = {
        {STR("<r/>"), "<r>r0"},
        {STR("<?xml version=\"1.0\"?>\n<!-- c --><!DOCTYPE r><r>x</r>\n<!-- d --><?p?> "), "<r'x'>r0"},
        {STR("<r><a><b/>t</a>u</r>"), "<r<a<b>b2't'>a1'u'>r0"},
        {STR("<r>a&lt;b&gt;&amp;&quot;&apos;&#65;&#x42;&#x1F600;</r>"), "<r'a<b>&\"'AB\xF0\x9F\x98\x80'>r0"},
        {STR("<r>a<![CDATA[<&]]>b<!-- x -->c<?p q?>d</r>"), "<r'a<&bcd'>r0"},
        {STR("<r>a\r\nb\rc\n<![CDATA[\r\n\r]]></r>"), "<r'a\nb\nc\n\n\n'>r0"},
        {STR("<r><!-- x --></r>"), "<r>r0"},
        {STR("<r a='1&x;2&amp;'>a&x;b</r>"), "<r[12&]'ab'>r0"}, /* entities that nothing declares, too */
        {STR("\r\n <?xml version='1.0'?><r/>"), "<r>r0"},
        {STR("<r a='1' b=\"2\"/>"), "<r[1]>r0"},
        {STR("<r  a = \"x > y\"  />"), "<r[x > y]>r0"},
        {STR("<r b='&amp;' a='&lt;\t\r\n&#10;x&quot;'/>"), "<r[<  \nx\"]>r0"},
        {STR("<r><s a='&gt;'/><s a='2'/></r>"), "<r<s[>]>s1<s[2]>s1>r0"},
        {STR("<p:r xmlns:p='u1'><p:a xmlns:p='u2'><q/></p:a><p:b/></p:r>"), "<r@1<a@2<q>q2>a1<b@1>b1>r0"},
        {STR("<r><p:a xmlns:p='u1'/><p:b xmlns:p='u2'/><p:c/></r>"), "<r<a@1>a1<b@2>b1<c>c1>r0"},
        {STR("<r xmlns='u1'><a/><b xmlns=''/></r>"), "<r@1<a@1>a1<b>b1>r0"},
        {STR("<r xmlns:a='u'/>"), "<r>r0"},
        {STR("\xEF\xBB\xBF<r>\xC3\xA4</r>"), "<r'\xC3\xA4'>r0"},
        {STR("<?xml version='1.0' encoding='ISO-8859-1'?><r>\xE4</r>"), "<r'\xC3\xA4'>r0"},
        {STR("<?xml version='1.0' encoding='UTF-16'?><r>\xC3\xA4</r>"), "<r'\xC3\xA4'>r0"},
        {STR("\xFF\xFE<\0r\0/\0>\0"), "<r>r0"},
        {STR("\0<\0?\0x\0m\0l\0?\0>\0<\0r\0/\0>"), "<r>r0"},
        /* declared entities are left out, whatever they are */
        {STR("<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\"><!-- ' --><?p ' ?>"
             "<!ENTITY y '>]'>]><r>a&x;b&y;c</r>"),
         "<r'abc'>r0"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        print_message("%zu: %s\n", i, cases[i].expected);
        assert_ok(events_of(str_bytes(cases[i].input), 0, &out));
        assert_str(buffer_str(&out), cases[i].expected);
    }
}

static void what_is_no_xml(void **state)
{
    (void)state;
    const struct {
        Str input;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {STR(""), ERR_CORRUPT, "no element"},
        {STR("text"), ERR_CORRUPT, "outside"},
        {STR("<r/>text"), ERR_CORRUPT, "outside"},
        {STR("<r/><r/>"), ERR_CORRUPT, "second root"},
        {STR("<r>AT&T</r>"), ERR_CORRUPT, "line 1"},
        {STR("<r>a & b</r>"), ERR_CORRUPT, "line 1"},
        {STR("<r>&#0;</r>"), ERR_CORRUPT, "line 1"},
        {STR("<r>\1</r>"), ERR_CORRUPT, "line 1"},
        {STR("<r a='1' a='2'/>"), ERR_CORRUPT, "line 1"},
        {STR("<r>"), ERR_CORRUPT, "ends inside"},
        {STR("<r>\n\n<a></r>"), ERR_CORRUPT, "line 3: "},
        {STR("<r"), ERR_CORRUPT, "line 1"},
        {STR("<"), ERR_CORRUPT, "line 1"},
        {STR("< r/>"), ERR_CORRUPT, "line 1"},
        {STR("<r></r"), ERR_CORRUPT, "line 1"},
        {STR("<r a/>"), ERR_CORRUPT, "line 1"},
        {STR("<r a=1/>"), ERR_CORRUPT, "line 1"},
        {STR("<r a='1/>"), ERR_CORRUPT, "line 1"},
        {STR("<r a='<'/>"), ERR_CORRUPT, "line 1"},
        {STR("<r 'x'/>"), ERR_CORRUPT, "line 1"},
        {STR("<r>\n<!-- x</r>"), ERR_CORRUPT, "line 2"},
        {STR("<!--\n--><r>\n<![CDATA[x</r>"), ERR_CORRUPT, "line 3"},
        {STR("<r><!x></r>"), ERR_CORRUPT, "line 1"},
        {STR("<!DOCTYPE r [<!ENTITY x 'y>"), ERR_CORRUPT, "document type"},
        {STR("<!DOCTYPE r [>"), ERR_CORRUPT, "document type"},
        {STR("<r><a><b><c/></b></a></r>"), ERR_LIMIT, "more than 3 elements in one another"},
        {STR("<?xml version='1.0' encoding='x-no-such'?><r/>"), ERR_UNSUPPORTED, "x-no-such"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        print_message("%zu: %s\n", i, cases[i].says);
        assert_fails_saying(events_of(str_bytes(cases[i].input), 3, &out), cases[i].code, cases[i].says);
    }
}

static void repeat(Buffer *out, const char *text, size_t times)
{
    for (size_t i = 0; i < times; i++)
        assert_ok(buffer_append_str(out, str_of(text)));
}

/* 10^6 attributes, namespaces without end, a text that is too large, depth. */
static void bombs_meet_limits(void **state)
{
    (void)state;
    const struct {
        const char *before, *repeated;
        size_t times;
        const char *after, *says;
    } cases[] = {
        {"<r", " b='1'", 1000 * 1000, "/>", "attributes"},
        {"<r", " xmlns:p='u'", 20 * 1000, "/>", "namespaces"},
        {"<r>", "&amp;0123456789&amp;0123456789&amp;0123456789&amp;0123456789", 800 * 1000, "</r>", "bytes"},
        {"", "<a>", 100 * 1000, "", "256 elements"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer in = {0}, out = {0};
        repeat(&in, cases[i].before, 1);
        repeat(&in, cases[i].repeated, cases[i].times);
        repeat(&in, cases[i].after, 1);
        assert_fails_saying(events_of(buffer_bytes(&in), 0, &out), ERR_LIMIT, cases[i].says);
    }
}

/* Billion laughs and its quadratic sister: entities stand for nothing, however they are nested. */
static void entities_do_not_grow(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer in = {0}, out = {0};
    repeat(&in, "<!DOCTYPE r [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]><r>x", 1);
    repeat(&in, "&b;", 100 * 1000);
    repeat(&in, "</r>", 1);
    assert_ok(events_of(buffer_bytes(&in), 0, &out));
    assert_str(buffer_str(&out), "<r'x'>r0");
}

static void attributes_by_namespace(void **state)
{
    (void)state;
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    Str input = STR("<r xmlns:w='W' xmlns:r='R' id='1' r:id='2' w:val='3' xml:space='preserve'/>"), value;
    XmlEvent event;
    assert_ok(xml_reader_new(str_bytes(input), 0, &xml));
    assert_ok(xml_reader_next(xml, &event));
    assert_true(xml_reader_attribute(xml, "id", &value));
    assert_str(value, "1");
    assert_true(xml_reader_attribute_of(xml, "id", "R", &value));
    assert_str(value, "2");
    assert_true(xml_reader_attribute(xml, "val", &value));
    assert_true(xml_reader_attribute_of(xml, "space", "http://www.w3.org/XML/1998/namespace", &value));
    assert_false(xml_reader_attribute_of(xml, "id", "W", &value));
    assert_false(xml_reader_attribute_of(xml, "id", "", &value));
    assert_false(xml_reader_attribute(xml, "w", &value));
    assert_ok(xml_reader_next(xml, &event));
    assert_int_equal(event, XML_EVENT_END);
    assert_false(xml_reader_attribute(xml, "id", &value));
}

static void skipped_elements_that_are_malformed(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        ErrorCode code; /* of skipping the first child of the root */
    } cases[] = {
        {"<r><a b='x>' c='/'><!-- </a> --><![CDATA[</a>]]><?x </a>?><d e='>'/></a></r>", ERR_OK},
        {"<r><a><b></c></a></r>", ERR_CORRUPT},
        {"<r><a/></r>", ERR_OK},
        {"<r><a><b></a></r>", ERR_CORRUPT},
        {"<r><a></b></r>", ERR_CORRUPT},
        {"<r><a><b", ERR_CORRUPT},
        {"<r><a><b c='></a></r>", ERR_CORRUPT},
        {"<r><a><!-- </a></r>", ERR_CORRUPT},
        {"<r><a><b><c><d></d></c></b></a></r>", ERR_LIMIT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
        XmlEvent event;
        print_message("%s\n", cases[i].input);
        assert_ok(xml_reader_new(str_bytes(str_of(cases[i].input)), 4, &xml));
        assert_ok(xml_reader_next(xml, &event));
        assert_ok(xml_reader_next(xml, &event));
        assert_fails(xml_reader_skip(xml), cases[i].code);
        if (cases[i].code != ERR_OK)
            continue;
        assert_ok(xml_reader_next(xml, &event));
        assert_int_equal(event, XML_EVENT_END);
        assert_str(xml_reader_name(xml), "r");
    }
}

static void elements_are_skipped(void **state)
{
    (void)state;
    CLEANUP(xml_reader_freep) XmlReader *xml = NULL;
    Str input = STR("<r><a><a>x</a><b/></a>t<c/><d/></r>");
    XmlEvent event;
    assert_ok(xml_reader_new(str_bytes(input), 0, &xml));
    assert_ok(xml_reader_next(xml, &event));
    assert_ok(xml_reader_next(xml, &event));
    assert_ok(xml_reader_skip(xml)); /* a */
    assert_ok(xml_reader_next(xml, &event));
    assert_str(xml_reader_text(xml), "t");
    assert_int_equal(xml_reader_depth(xml), 1);
    assert_ok(xml_reader_next(xml, &event));
    assert_str(xml_reader_name(xml), "c");
    assert_ok(xml_reader_skip(xml)); /* empty */
    assert_ok(xml_reader_next(xml, &event));
    assert_str(xml_reader_name(xml), "d");
    assert_int_equal(event, XML_EVENT_START);
}

/* Cut anywhere, or any byte changed: events or an error, never more. */
static void cut_and_changed(void **state)
{
    (void)state;
    char text[] = "<?xml version='1.0'?><!DOCTYPE r [<!ENTITY x 'y'>]><p:r xmlns:p='u' a='&lt;'>a&amp;<![CDATA[x]]>"
                  "<!-- c --><b c=\"d\"/>&#65;</p:r>";
    Str whole = str_from(text, sizeof text - 1);
    for (size_t i = 0; i < whole.len; i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_fails(events_of(str_bytes(str_slice(whole, 0, i)), 0, &out), ERR_CORRUPT);
    }
    for (size_t i = 0; i < whole.len; i++) {
        static const char others[] = "<>&'\"/=!?[];#\n";
        char before = text[i];
        for (size_t o = 0; o < sizeof others; o++) {
            CLEANUP(buffer_done) Buffer out = {0};
            text[i] = others[o];
            error_free(events_of(str_bytes(whole), 0, &out));
        }
        text[i] = before;
    }
}

/* Longer than what the parser gets at a time: text, a value, names, a comment, all with characters of three bytes, cut anywhere. */
static void long_pieces(void **state)
{
    (void)state;
    enum { TIMES = 20 * 1000 };
    static const struct {
        const char *before, *after, *expected_before, *expected_after;
    } cases[] = {
        {"<r>", "</r>", "<r'", "'>r0"},
        {"<r><![CDATA[", "]]></r>", "<r'", "'>r0"},
        {"<r a='", "'/>", "<r[", "]>r0"},
        {"<r>x<!-- ", "--></r>", NULL, "<r'x'>r0"},
        {"<!-- ", "--><r/>", NULL, "<r>r0"},
        {"<r><a b='", "'/>x</r>", NULL, "<r<a>a1'x'>r0"},
        {"<r>x&amp;", "&amp;</r>", "<r'x&", "&'>r0"},
    };
    for (size_t i = 0; i < 3 * ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer in = {0}, out = {0}, expected = {0};
        repeat(&in, " ", i % 3);
        repeat(&in, cases[i / 3].before, 1);
        repeat(&in, "\xE2\x82\xAC", TIMES);
        repeat(&in, cases[i / 3].after, 1);
        if (cases[i / 3].expected_before) {
            repeat(&expected, cases[i / 3].expected_before, 1);
            repeat(&expected, "\xE2\x82\xAC", TIMES);
        }
        repeat(&expected, cases[i / 3].expected_after, 1);
        assert_ok(events_of(buffer_bytes(&in), 0, &out));
        assert_true(str_equal(buffer_str(&out), buffer_str(&expected)));
    }
}

/* What would be quadratic: attributes that are all different, one value without end. A test that hangs has failed. */
static void each_attribute_of_its_own(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer in = {0}, out = {0};
    assert_ok(buffer_append_str(&in, STR("<r")));
    for (int i = 0; i < 500 * 1000; i++)
        assert_ok(buffer_append_format(&in, " a%d='>'", i));
    assert_ok(buffer_append_str(&in, STR("/>")));
    assert_fails_saying(events_of(buffer_bytes(&in), 0, &out), ERR_LIMIT, "more than 1000 attributes");
    buffer_clear(&in);
    repeat(&in, "<r><a b='", 1);
    repeat(&in, "0123456789=\"", 3 * 1000 * 1000);
    repeat(&in, "'/></r>", 1);
    assert_ok(events_of(buffer_bytes(&in), 0, &out));
    assert_str(buffer_str(&out), "<r<a>a1>r0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_become_events),
        cmocka_unit_test(what_is_no_xml),
        cmocka_unit_test(bombs_meet_limits),
        cmocka_unit_test(entities_do_not_grow),
        cmocka_unit_test(attributes_by_namespace),
        cmocka_unit_test(elements_are_skipped),
        cmocka_unit_test(skipped_elements_that_are_malformed),
        cmocka_unit_test(cut_and_changed),
        cmocka_unit_test(long_pieces),
        cmocka_unit_test(each_attribute_of_its_own),
    };
    Error *error = charset_warm_up();
    if (error) {
        error_free(error);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
