#include "jobs/fetch/json_walk.h"

#include "base/testing.h"

typedef struct Input {
    Str text;
    size_t step; /* bytes a call */
} Input;

static Error *read_some(void *context, uint8_t *out, size_t room, size_t *ret_len)
{
    Input *input = context;
    *ret_len = MIN(MIN(room, input->step), input->text.len);
    memcpy(out, input->text.data, *ret_len);
    input->text = str_slice(input->text, *ret_len, input->text.len);
    return NULL;
}

/* All tokens as text: "{ k:a 1 }". */
static Error *walk_all(Str text, size_t step, Buffer *out)
{
    static const char *const marks[] = {"{", "}", "[", "]", "k:", "s:", "n:", "w:"};
    Input input = {text, step};
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_some, &input);
    JsonToken token;
    for (;;) {
        TRY(json_walk_next(walk, &token));
        if (token == TOKEN_END)
            return NULL;
        TRY(buffer_append_format(out, "%s%s", out->len ? " " : "", marks[token]));
        if (token >= TOKEN_KEY)
            TRY(buffer_append_str(out, json_walk_text(walk)));
    }
}

static void tokens(void **state)
{
    (void)state;
    const struct {
        Str text;
        const char *tokens;
    } rows[] = {
        {STR("{}"), "{ }"},
        {STR(" [ ] "), "[ ]"},
        {STR("{\"a\":[1,-2.5e3,true,null],\"b\":{\"c\":\"d\"}}"),
         "{ k:a [ n:1 n:-2.5e3 w:true w:null ] k:b { k:c s:d } }"},
        {STR("\"\\u00e9\\n\\\"\\\\\\/\""), "s:\xc3\xa9\n\"\\/"},
        {STR("\"\\ud83d\\ude00\""), "s:\xf0\x9f\x98\x80"},
        {STR("\"\\ud83dx\""), "s:\xef\xbf\xbdx"},
        {STR("\"\\ud83d\\n\""), "s:\xef\xbf\xbd\n"},
        {STR("\"\\ud83d\""), "s:\xef\xbf\xbd"},
        {STR("\"\\udcff\""), "s:\xff"},
        {STR("NaN"), "n:NaN"},
        {STR("[-Infinity, 0, 0.5, 1E2]"), "[ n:-Infinity n:0 n:0.5 n:1E2 ]"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        for (size_t step = 1; step < 70; step *= 3) {
            CLEANUP(buffer_done) Buffer out = {0};
            assert_ok(walk_all(rows[i].text, step, &out));
            assert_str(buffer_str(&out), rows[i].tokens);
        }
    }
}

/* The words and places of Python's json. */
static void what_is_wrong(void **state)
{
    (void)state;
    const struct {
        Str text;
        const char *message;
    } rows[] = {
        {STR(""), "Expecting value: line 1 column 1 (char 0)"},
        {STR("{oops"), "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"},
        {STR("{\"a\" 1}"), "Expecting ':' delimiter: line 1 column 6 (char 5)"},
        {STR("{\"a\":1 \"b\""), "Expecting ',' delimiter: line 1 column 8 (char 7)"},
        {STR("{\"a\":1,}"), "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)"},
        {STR("[1,]"), "Expecting value: line 1 column 4 (char 3)"},
        {STR("[1 2]"), "Expecting ',' delimiter: line 1 column 4 (char 3)"},
        {STR("[\n\n  tru]"), "Expecting value: line 3 column 3 (char 5)"},
        {STR("[01]"), "Expecting value: line 1 column 2 (char 1)"},
        {STR("{} x"), "Extra data: line 1 column 4 (char 3)"},
        {STR("\"\xc3\xa9\xc3\xa9"), "Unterminated string starting at: line 1 column 1 (char 0)"},
        {STR("[\"\xc3\xa9\n\"]"), "Invalid control character at: line 1 column 4 (char 3)"},
        {STR("\"a\\x\""), "Invalid \\escape: line 1 column 3 (char 2)"},
        {STR("\"\\u12g4\""), "Invalid \\uXXXX escape: line 1 column 2 (char 1)"},
        {STR("\"\xff\""), "Invalid UTF-8 in the string starting at: line 1 column 1 (char 0)"},
        {STR("[1"), "Expecting ',' delimiter: line 1 column 3 (char 2)"},
        {STR("[}"), "Expecting value: line 1 column 2 (char 1)"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_fails_saying(walk_all(rows[i].text, 2, &out), ERR_CORRUPT, rows[i].message);
    }
}

static void limits(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer deep = {0}, shallow = {0}, out = {0}, text = {0};
    for (int i = 0; i < JSON_WALK_DEPTH_MAX; i++)
        assert_ok(buffer_append_byte(&shallow, '['));
    for (int i = 0; i < JSON_WALK_DEPTH_MAX; i++)
        assert_ok(buffer_append_byte(&shallow, ']'));
    assert_ok(walk_all(buffer_str(&shallow), 64, &out));
    for (int i = 0; i <= JSON_WALK_DEPTH_MAX; i++)
        assert_ok(buffer_append_byte(&deep, '['));
    assert_fails(walk_all(buffer_str(&deep), 64, &out), ERR_LIMIT);
    assert_ok(buffer_append_byte(&text, '"'));
    for (int i = 0; i <= JSON_WALK_TEXT_MAX; i++)
        assert_ok(buffer_append_byte(&text, 'x'));
    assert_fails(walk_all(buffer_str(&text), 65536, &out), ERR_LIMIT);
}

static void skipping(void **state)
{
    (void)state;
    Input input = {STR("[{\"a\":[1,{\"b\":2}]}, 7]"), 5};
    CLEANUP(json_walk_freep) JsonWalk *walk = json_walk_new(read_some, &input);
    JsonToken token;
    assert_ok(json_walk_next(walk, &token));
    assert_ok(json_walk_next(walk, &token));
    assert_int_equal(token, TOKEN_OBJECT);
    assert_ok(json_walk_skip(walk, token));
    assert_ok(json_walk_next(walk, &token));
    assert_int_equal(token, TOKEN_NUMBER);
    assert_ok(json_walk_skip(walk, token)); /* is over already */
    assert_str(json_walk_text(walk), "7");
    assert_ok(json_walk_next(walk, &token));
    assert_int_equal(token, TOKEN_ARRAY_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens),
        cmocka_unit_test(what_is_wrong),
        cmocka_unit_test(limits),
        cmocka_unit_test(skipping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
