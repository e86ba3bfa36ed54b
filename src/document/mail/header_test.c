#include "document/mail/header.h"

#include "base/testing.h"
#include "document/mail/mime.h"
#include "document/mail/transfer.h"
#include "document/text/charset.h"

/* Name, input, expected. */
typedef struct TextCase {
    const char *name, *input, *expected;
} TextCase;

static void texts(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"plain", "Hello there", "Hello there"},
        {"folded", "Hello\r\n there\n\tyou", "Hello there\tyou"},
        {"base64", "=?utf-8?B?R3LDvMOfZQ==?=",
         "Gr\xC3\xBC\xC3\x9F"
         "e"},
        {"quoted", "=?ISO-8859-1?q?caf=E9_=3F?= now", "caf\xC3\xA9 ? now"},
        {"language", "=?iso-8859-1*de?Q?=FC?=", "\xC3\xBC"},
        {"space between words goes", "=?utf-8?q?a?= =?utf-8?q?b?=  =?iso-8859-1?q?=E4?= c", "ab\xC3\xA4 c"},
        {"a character in two words", "=?utf-8?B?w7w=?==?utf-8?B?ww==?= =?utf-8?B?vA==?=", "\xC3\xBC\xC3\xBC"},
        {"in the middle of a word", "(=?utf-8?q?x?=)", "(x)"},
        {"raw UTF-8",
         "Gr\xC3\xBC\xC3\x9F"
         "e",
         "Gr\xC3\xBC\xC3\x9F"
         "e"},
        {"no UTF-8",
         "a\xFF"
         "b",
         "a\xEF\xBF\xBD"
         "b"},
        {"unknown charset", "=?x-none?q?=E9?=", "\xC3\xA9"},
        {"unknown encoding", "=?utf-8?x?abc?=", "=?utf-8?x?abc?="},
        {"not closed", "=?utf-8?q?abc", "=?utf-8?q?abc"},
        {"one not closed before one that is", "=?=?utf-8?q?a?=", "=?a"},
        {"bad escapes", "=?utf-8?q?a=b=4=41?=", "a=b=4A"},
        {"empty",
         "=?utf-8?q?"
         "?=",
         ""},
    };
    assert_ok(charset_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Str text;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_header_text(str_of(cases[i].input), arena, &text));
        assert_str(text, cases[i].expected);
    }
}

static void parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input, *parameter, *expected;
    } cases[] = {
        {"token", "text/plain; charset=utf-8", "charset", "utf-8"},
        {"quoted", "text/plain; Charset = \"a;\\\"b\" ; x=y", "charset", "a;\"b"},
        {"none", "text/plain; charset=utf-8", "name", ""},
        {"no value", "text/plain; name", "name", ""},
        {"quote left open", "a/b; name=\"x y", "name", "x y"},
        {"junk behind quotes", "a/b; charset=\"UTF-8\"Content-Transfer-Encoding: 8bit", "charset", "UTF-8"},
        {"folded", "a/b;\r\n name=\"x\r\n y\"", "name", "x y"},
        {"encoded word", "attachment; filename=\"=?utf-8?q?=C3=A4.txt?=\"", "filename", "\xC3\xA4.txt"},
        {"extended", "attachment; filename*=utf-8'en'%e2%82%ac%20rates; filename=x", "filename", "\xE2\x82\xAC rates"},
        {"extended in Latin 1", "attachment; filename*=iso-8859-1''%e4", "filename", "\xC3\xA4"},
        {"extended without charset", "attachment; filename*=abc", "filename", "abc"},
        {"bad percent", "attachment; filename*=utf-8''50%zz%4", "filename", "50%zz%4"},
        {"pieces", "attachment; filename*0=\"long \"; filename*1=\"name.txt\"", "filename", "long name.txt"},
        {"extended pieces", "attachment; filename*0*=utf-8''%C3; filename*1*=%BC; filename*2=.txt", "filename",
         "\xC3\xBC.txt"},
        {"a piece is missing", "attachment; filename*0=a; filename*2=c", "filename", "a"},
    };
    assert_ok(charset_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Str text;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_header_parameter(str_of(cases[i].input), str_of(cases[i].parameter), arena, &text));
        assert_str(text, cases[i].expected);
    }
}

static void addresses(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"alone", "a@b.c", "a@b.c|"},
        {"in angles", " <a@b.c> ", "a@b.c|"},
        {"with a name", "Ann  Bee <a@b.c>", "Ann Bee <a@b.c>|"},
        {"two", "Ann <a@b.c>, d@e.f", "Ann <a@b.c>|d@e.f|"},
        {"quoted", "\"Bee, Ann\" <a@b.c>", "\"Bee, Ann\" <a@b.c>|"},
        {"quoted for nothing", "\"Ann Bee\" <a@b.c>", "Ann Bee <a@b.c>|"},
        {"quotes in quotes", "\"A \\\"B\\\"\" <a@b.c>", "\"A \\\"B\\\"\" <a@b.c>|"},
        {"encoded name with a comma", "=?utf-8?q?Bee=2C_=C3=84nn?= <a@b.c>, x@y.z",
         "\"Bee, \xC3\x84nn\" <a@b.c>|x@y.z|"},
        {"comment", "a@b.c (Ann (or so) \\) Bee), (x) d@e.f", "a@b.c|d@e.f|"},
        {"group", "friends: a@b.c, Dee <d@e.f>;", "a@b.c|Dee <d@e.f>|"},
        {"empty group", "undisclosed-recipients:;", ""},
        {"empty", " , ,", ""},
        {"left open", "Ann <a@b.c", "Ann <a@b.c>|"},
        {"comment left open", "a@b.c (Ann", "a@b.c|"},
        {"quote left open", "\"Ann", "\"Ann|"},
        {"literal domain", "a@[IPv6:::1], d@e.f", "a@[IPv6:::1]|d@e.f|"},
    };
    assert_ok(charset_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer joined = {0};
        MailHeader header = {STR("TO"), str_of(cases[i].input)};
        MailHeaders headers = {&header, 1};
        StrList list;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_header_addresses(&headers, STR("To"), MAIL_ADDRESS_FORMATTED, arena, &list));
        for (size_t k = 0; k < list.count; k++)
            assert_ok(buffer_append_format(&joined, STR_FMT "|", STR_ARG(list.items[k])));
        assert_str(buffer_str(&joined), cases[i].expected);
    }
}

static void addresses_as_they_stand(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    MailHeader header = {STR("From"), STR("\"Bee, Ann\"  <a@b.c>, =?utf-8?q?=C3=84nn?= <d@e.f> , x@y.z")};
    MailHeaders headers = {&header, 1};
    StrList list;
    assert_ok(mail_header_addresses(&headers, STR("From"), MAIL_ADDRESS_AS_IT_STANDS, arena, &list));
    assert_int_equal(list.count, 3);
    assert_str(list.items[0], "\"Bee, Ann\" <a@b.c>");
    assert_str(list.items[1], "\xC3\x84nn <d@e.f>");
    assert_str(list.items[2], "x@y.z");
}

static void dates(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"RFC 5322", "Fri, 16 Dec 2022 17:04:16 -0500", "2022-12-16T22:04:16+00:00"},
        {"without a day", "1 Jan 2023 00:30 +0100", "2022-12-31T23:30:00+00:00"},
        {"zone's name in a comment", "Wed, 21 Dec 2022 10:55:33 -0500 (EST)", "2022-12-21T15:55:33+00:00"},
        {"zone by name", "Wed, 21 Dec 2022 10:55:33 EST", "2022-12-21T15:55:33+00:00"},
        {"UTC", "Wed, 21 Dec 2022 10:55:33 GMT", "2022-12-21T10:55:33+00:00"},
        {"two digits", "21 Dec 99 10:55:33 GMT", "1999-12-21T10:55:33+00:00"},
        {"ISO 8601", "2025-07-29T12:42:06.500Z", "2025-07-29T12:42:06+00:00"},
        {"ctime", "Fri Dec 16 17:04:16 2022", "2022-12-16T17:04:16+00:00"},
        {"Usenet", "16-Dec-2022 17:04:16 +00:30", "2022-12-16T16:34:16+00:00"},
        {"in words", "December 16, 2022 5:04 PM", "2022-12-16T17:04:00+00:00"},
        {"midnight", "16 Dec 2022 12:04 AM", "2022-12-16T00:04:00+00:00"},
        {"leap second", "31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59+00:00"},
        {"folded", "Fri,\r\n 16 Dec 2022 17:04:16 +0000", "2022-12-16T17:04:16+00:00"},
        {"numbers, month first", "12/16/2022 5:04 PM", "2022-12-16T17:04:00+00:00"},
        {"numbers, day first", "16/12/2022", "2022-12-16T00:00:00+00:00"},
        {"numbers, year first", "2022.12.16 17:04", "2022-12-16T17:04:00+00:00"},
        {"full stops in the time", "Fri, 16 Dec 2022 17.04.16 +0000", "2022-12-16T17:04:16+00:00"},
        {"month of numbers that is none", "2022-13-16 10:00", ""},
        {"no date", "INVALID-DATE-FORMAT", ""},
        {"no such day", "31 Feb 2022 10:00:00 +0000", ""},
        {"no such hour", "1 Feb 2022 25:00:00 +0000", ""},
        {"half a date", "16 Dec", ""},
        {"comment left open", "16 Dec 2022 10:00 (x", "2022-12-16T10:00:00+00:00"},
        {"numbers only", "123456789", ""},
        {"empty", "", ""},
    };
    assert_ok(charset_warm_up());
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Str text;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_header_date(str_of(cases[i].input), arena, &text));
        assert_str(text, cases[i].expected);
    }
}

static void base_names(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"plain", "a b.txt", "a b.txt"},
        {"path", "../../etc/passwd", "passwd"},
        {"Windows", "C:\\temp\\x.doc", "x.doc"},
        {"both", "a/b\\c", "c"},
        {"folder", "a/b/", ""},
        {"parent", "a/..", ""},
        {"this", ".", ""},
        {"control characters",
         "a\n\x7F\x01"
         "b",
         "ab"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Str name;
        assert_ok(mail_base_name(str_of(cases[i].input), arena, &name));
        assert_str(name, cases[i].expected);
    }
}

static void encodings(void **state)
{
    (void)state;
    static const struct {
        bool base64;
        const char *input, *expected;
    } cases[] = {
        {true, "aGVsbG8=", "hello"},
        {true, "aGVs\r\nbG8=\r\n", "hello"},
        {true, "aGVsbG8", "hello"},
        {true, "a-G*V!s bG8", "hello"},
        {true, "aGVsbG8gdw==aGVs", "hello w"},
        {true, "aGVsb", "aGVsb"},
        {true, "", ""},
        {false, "a=20b=\r\nc=\nd", "a bcd"},
        {false, "=C3=a4_", "\xC3\xA4_"},
        {false, "=ZZ=4==41=", "=ZZ=4=41"},
        {false, "=", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Bytes input = str_bytes(str_of(cases[i].input)), out;
        print_message("%s\n", cases[i].input);
        assert_ok(cases[i].base64 ? transfer_decode_base64(input, arena, &out)
                                  : transfer_decode_quoted_printable(input, TRANSFER_BODY, arena, &out));
        assert_str(bytes_str(out), cases[i].expected);
    }
}

static void message_ids(void **state)
{
    (void)state;
    static const TextCase cases[] = {
        {"usual", "<1@b.c>", "1@b.c"},          {"without angles", "1@b.c", "1@b.c"},
        {"more behind", "<1@b.c> x", "1@b.c"},  {"spaces", " < 1@b.c > ", "1@b.c"},
        {"angles twice", "<<1@b.c>>", "1@b.c"}, {"empty", "", ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        MailHeader header = {STR("message-id"), str_of(cases[i].input)};
        Str id;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_header_message_id(&(MailHeaders){&header, 1}, arena, &id));
        assert_str(id, cases[i].expected);
    }
}

static void header_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *name, *input, *found, *rest;
    } cases[] = {
        {"usual", "A: 1\r\nB:2\r\n\r\nbody", "A=1|B=2|", "body"},
        {"folded", "A: 1\n 2\n\t3\nB: x\n\nbody", "A=1\n 2\n\t3|B=x|", "body"},
        {"mbox", "From x@y Mon\nA: 1\n\nbody", "A=1|", "body"},
        {"no empty line", "A: 1\nno header\nB: 2\n", "A=1|", "no header\nB: 2\n"},
        {"no headers", "\nbody", "", "body"},
        {"only headers", "A: 1", "A=1|", ""},
        {"begins in the middle", " x\nA: 1\n\nbody", "A=1|", "body"},
        {"no name", ": x\nA: 1\n\nb", "A=1|", "b"},
        {"empty value", "A:\n\nb", "A=|", "b"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer joined = {0};
        Bytes input = str_bytes(str_of(cases[i].input));
        MailHeaders headers;
        print_message("%s\n", cases[i].name);
        assert_ok(mail_headers_read(&input, arena, &headers));
        for (size_t k = 0; k < headers.count; k++)
            assert_ok(buffer_append_format(&joined, STR_FMT "=" STR_FMT "|", STR_ARG(headers.items[k].name),
                                           STR_ARG(headers.items[k].value)));
        assert_str(buffer_str(&joined), cases[i].found);
        assert_str(bytes_str(input), cases[i].rest);
    }
}

static void limits(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer many = {0}, large = {0};
    for (size_t i = 0; i < 10001; i++)
        assert_ok(buffer_append_str(&many, STR("A:1\n")));
    for (size_t i = 0; i < 100001; i++)
        assert_ok(buffer_append_byte(&large, 'x'));
    Bytes input = buffer_bytes(&many);
    MailHeaders headers;
    Str text;
    assert_fails_saying(mail_headers_read(&input, arena, &headers), ERR_LIMIT, "10000 headers");
    assert_fails_saying(mail_header_text(buffer_str(&large), arena, &text), ERR_LIMIT, "100000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),         cmocka_unit_test(parameters),
        cmocka_unit_test(addresses),     cmocka_unit_test(addresses_as_they_stand),
        cmocka_unit_test(dates),         cmocka_unit_test(base_names),
        cmocka_unit_test(encodings),     cmocka_unit_test(message_ids),
        cmocka_unit_test(header_blocks), cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
