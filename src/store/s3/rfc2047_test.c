#include "store/s3/rfc2047.h"

#include "base/buffer.h"
#include "base/random.h"
#include "base/testing.h"

static const struct {
    const char *value, *text;
} encoded[] = {
    {"", ""},
    {"plain text, with = and ?", "plain text, with = and ?"},
    {"Gr\xc3\xbc\xc3\x9f"
     "e",
     "=?UTF-8?B?R3LDvMOfZQ==?="},
    {" spaced", "=?UTF-8?B?IHNwYWNlZA==?="},
    {"two  spaces", "=?UTF-8?B?dHdvICBzcGFjZXM=?="},
    {"line\r\nbreak", "=?UTF-8?B?bGluZQ0KYnJlYWs=?="},
    {"=?UTF-8?B?eA==?=", "=?UTF-8?B?PT9VVEYtOD9CP2VBPT0/PQ==?="},
    {"\xc3\x84M\xc3\x84Z\xc3\x95\xc3\x91 S3", "=?UTF-8?B?w4RNw4Raw5XDkSBTMw==?="},
};

static void test_encode(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(encoded); i++) {
        Str text, back;
        assert_ok(rfc2047_encode(str_of(encoded[i].value), arena, &text));
        assert_str(text, encoded[i].text);
        assert_ok(rfc2047_decode(text, arena, &back));
        assert_str(back, encoded[i].value);
    }
    Str text;
    assert_fails(rfc2047_encode(STR("\xff"), arena, &text), ERR_INVALID);
}

static const struct {
    const char *text, *value;
} decoded[] = {
    {"=?UTF-8?B?w4PChE3Dg8KEWsODwpXDg8KRIFMz?=",
     "\xc3\x83\xc2\x84M\xc3\x83\xc2\x84Z\xc3\x83\xc2\x95\xc3\x83\xc2\x91 S3"},
    {"=?utf-8?q?Gr=C3=BC=C3=9Fe_an_alle?=", "Gr\xc3\xbc\xc3\x9f"
                                            "e an alle"},
    {"=?ISO-8859-1?Q?Gr=FC=DFe?=", "Gr\xc3\xbc\xc3\x9f"
                                   "e"},
    {"=?iso-8859-1?b?/A==?=", "\xc3\xbc"},
    {"=?us-ascii?q?a?= b", "a b"},
    {"=?UTF-8?B?YQ==?= =?UTF-8?B?Yg==?=", "ab"},
    {"=?UTF-8?B?YQ==?=  c =?UTF-8?B?Yg==?=", "a  c b"},
    {"=?UTF-8*en?B?YQ==?=", "a"},
    {"=?UTF-8?B?w7?= =?UTF-8?B?vA==?=", "=?UTF-8?B?w7?= \xbc"}, /* not base64, and not text: see below */
    {"=?UTF-8?Q?=C3?= =?UTF-8?Q?=BC?=", "\xc3\xbc"},            /* a character in two words */
    {"=?utf-7?Q?a?=", "=?utf-7?Q?a?="},
    {"=?UTF-8?X?a?=", "=?UTF-8?X?a?="},
    {"=?UTF-8?Q?a=Z1?=", "=?UTF-8?Q?a=Z1?="},
    {"=?UTF-8?Q?a b?=", "=?UTF-8?Q?a b?="},
    {"=?UTF-8?B?", "=?UTF-8?B?"},
    {"=?", "=?"},
    {"=?UTF-8?Q?=FF?=", "=?UTF-8?Q?=FF?="}, /* no UTF-8: stays as it is */
    {"raw \xc3\xbc", "raw \xc3\xbc"},
    {"latin \xfc", "latin \xc3\xbc"},
    {"\xfc =?UTF-8?Q?=C3=BC?=", "\xc3\xbc \xc3\xbc"},
    {"", ""},
};

static void test_decode(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    for (size_t i = 0; i < ARRAY_COUNT(decoded); i++) {
        Str value;
        assert_ok(rfc2047_decode(str_of(decoded[i].text), arena, &value));
        assert_true(str_is_utf8(value));
        if (str_is_utf8(str_of(decoded[i].value)))
            assert_str(value, decoded[i].value);
        else
            assert_str(value, decoded[i].text);
    }
}

/* Words keep to 75 characters and never cut a character. */
static void test_long_values(void **state)
{
    (void)state;
    Random random;
    random_init_seed(&random, 99);
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    for (unsigned round = 0; round < 500; round++) {
        char value[1200];
        size_t len = 0, count = (size_t)random_below(&random, 290);
        while (count-- > 0) {
            uint32_t code_point = (uint32_t)random_below(&random, 0x10000) + 0x80;
            len += utf8_encode(code_point >= 0xd800 && code_point < 0xe000 ? '~' : code_point, value + len);
        }
        Str text, back, word, rest;
        assert_ok(rfc2047_encode(str_from(value, len), arena, &text));
        rest = text;
        while (str_next_piece(&rest, ' ', &word)) {
            assert_true(word.len <= 75);
            Str alone;
            assert_ok(rfc2047_decode(word, arena, &alone));
            assert_true(word.len == 0 || !str_starts_with(alone, STR("=?")));
        }
        assert_ok(rfc2047_decode(text, arena, &back));
        assert_true(str_equal(back, str_from(value, len)));
        arena_reset(arena);
    }
}

/* Nothing that comes over the wire may write past the room, whatever it is. */
static void test_random_text(void **state)
{
    (void)state;
    static const char *const pieces[] = {"=?",  "?=",   "UTF-8", "ISO-8859-1", "?Q?", "?b?",
                                         "=FC", "/A==", "\xfc",  " ",          "_",   "a"};
    Random random;
    random_init_seed(&random, 7);
    CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
    for (unsigned round = 0; round < 20000; round++) {
        CLEANUP(buffer_done) Buffer text = {0};
        Str value;
        for (uint64_t i = random_below(&random, 12); i > 0; i--)
            assert_ok(buffer_append_str(&text, str_of(pieces[random_below(&random, ARRAY_COUNT(pieces))])));
        assert_ok(rfc2047_decode(buffer_str(&text), arena, &value));
        assert_true(str_is_utf8(value));
        arena_reset(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_decode),
        cmocka_unit_test(test_long_values),
        cmocka_unit_test(test_random_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
