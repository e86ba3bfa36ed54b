#include "jobs/options/dotenv.h"

#include "base/testing.h"

/* "NAME=value@line;" for each setting. */
static Error *collect(void *context, Str name, Str value, unsigned line)
{
    return buffer_append_format(context, STR_FMT "=" STR_FMT "@%u;", STR_ARG(name), STR_ARG(value), line);
}

static void readings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *settings;
    } ROWS[] = {
        {"", ""},
        {"\n\n  \n# comment\n", ""},
        {"A=b", "A=b@1;"},
        {"A=b\nC=d\n", "A=b@1;C=d@2;"},
        {"A=b\r\nC=d\r\n", "A=b@1;C=d@2;"},
        {"\xEF\xBB\xBF"
         "A=b\n",
         "A=b@1;"},
        {"  A  =  b c  \n", "A=b c@1;"},
        {"export A=b\nexport\tC=d", "A=b@1;C=d@2;"},
        {"export=1", "export=1@1;"},
        {"A=\nB=c", "A=@1;B=c@2;"},
        {"A\nexport B\nC=d", "C=d@3;"},
        {"A # nothing\n", ""},
        {"A=b#c\n", "A=b#c@1;"},
        {"A=b # c\n", "A=b@1;"},
        {"A=# c\n", "A=@1;"},
        {"A=\"p=q #x\"\n", "A=p=q #x@1;"},
        {"A=\"b\" # c\n", "A=b@1;"},
        {"A='b \"c\" \\n $D'\n", "A=b \"c\" \\n $D@1;"},
        {"A=\"b\\n\\t\\\"c\\\" \\\\ \\$ \\x\"", "A=b\n\t\"c\" \\ $ \\x@1;"},
        {"A=\"b\nc\"\nD=e", "A=b\nc@1;D=e@3;"},
        {"A.b-c_1=d", "A.b-c_1=d@1;"},
        {"A=$B ${C}", "A=$B ${C}@1;"},
        {"A==b", "A==b@1;"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(buffer_done) Buffer got = {0};
        assert_ok(dotenv_read(str_of(ROWS[i].text), collect, &got));
        assert_str(buffer_str(&got), ROWS[i].settings);
    }
}

static void mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } ROWS[] = {
        {"A=b\n=c\n", "line 2: this is not NAME=value"},
        {"1A=b", "line 1: this is not NAME=value"},
        {"A b=c", "line 1: this is not NAME=value"},
        {"{\"a\": 1}", "line 1"},
        {"\n\nA=\"b\nc\n", "line 3: a quoted value has no closing \""},
        {"A='b", "no closing '"},
        {"A=\"b\"c\n", "line 1: there is text behind the closing \""},
        {"export export=1 2=3\nA=\"s3cret\"x", "line 2"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(ROWS); i++) {
        CLEANUP(buffer_done) Buffer got = {0};
        assert_fails_saying(dotenv_read(str_of(ROWS[i].text), collect, &got), ERR_INVALID, ROWS[i].says);
    }
    CLEANUP(buffer_done) Buffer got = {0};
    assert_fails_saying(dotenv_read(str_from("A=b\0c", 5), collect, &got), ERR_INVALID, "holds a NUL");
    Error *error = dotenv_read(STR("A=\"s3cret\"x"), collect, &got);
    assert_null(strstr(error_message_view(error), "s3cret"));
    error_free(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(readings), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests_name("options dotenv", tests, NULL, NULL);
}
