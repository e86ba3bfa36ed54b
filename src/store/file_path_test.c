#include "store/file_path.h"

#include "base/random.h"
#include "base/testing.h"

#define LONG_PART "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
#define PART_255 LONG_PART LONG_PART "1234567890123456789012345678901234567890123456789012345"

typedef struct Row {
    Str key;
    const char *dir, *name; /* NULL: INVALID */
} Row;

#define KEY(literal)                                                                                                   \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

static const Row plain_rows[] = {
    {KEY("a"), "", "a"},
    {KEY("a/b/c.txt"), "a/b", "c.txt"},
    {KEY("a b/%41?#"), "a b", "%41?#"},
    {KEY("..."), "", "..."},
    {KEY(".hidden/..x"), ".hidden", "..x"},
    {KEY("x.part"), "", "x.part"},
    {KEY("\xff\xfe"), "", "\xff\xfe"},
    {KEY("line\nbreak\x01"), "", "line\nbreak\x01"},
    {KEY("d/"), "d", ""},
    {KEY(PART_255), "", PART_255},
    {KEY(""), NULL, NULL},
    {KEY("/"), NULL, NULL},
    {KEY("/etc/passwd"), NULL, NULL},
    {KEY("//x"), NULL, NULL},
    {KEY("a//b"), NULL, NULL},
    {KEY("a//"), NULL, NULL},
    {KEY(".."), NULL, NULL},
    {KEY("."), NULL, NULL},
    {KEY("../x"), NULL, NULL},
    {KEY("a/.."), NULL, NULL},
    {KEY("a/../../x"), NULL, NULL},
    {KEY("./x"), NULL, NULL},
    {KEY("a/./b"), NULL, NULL},
    {KEY("a\0b"), NULL, NULL},
    {KEY("a\0/b"), NULL, NULL},
    {KEY(PART_255 "6"), NULL, NULL},
    {KEY(".x.0123abcd.part"), NULL, NULL},
    {KEY("d/.x.0123abcd.part/y"), NULL, NULL},
    {KEY(".x.0123456789abcdef.quern-meta"), NULL, NULL},
};

static const Row escaped_rows[] = {
    {KEY("a/b"), "a", "b"},        {KEY("100%"), "", "100%25"},
    {KEY("%41"), "", "%2541"},     {KEY("../x"), "%2E%2E", "x"},
    {KEY("a/.."), "a", "%2E%2E"},  {KEY("./x"), "%2E", "x"},
    {KEY("a//b"), "a/%", "b"},     {KEY("/x"), "%", "x"},
    {KEY("d/"), "d", "%"},         {KEY("a\0b\n\x7f"), "", "a%00b%0A%7F"},
    {KEY("\xff"), "", "\xff"},     {KEY(".x.0123abcd.part"), "", "%2Ex.0123abcd.part"},
    {KEY(PART_255), "", PART_255}, {KEY(PART_255 "6"), NULL, NULL},
    {KEY(""), NULL, NULL},
};

static void check_rows(const Row *rows, size_t count, bool escape)
{
    for (size_t i = 0; i < count; i++) {
        FilePath path;
        Error *err = file_path_of(rows[i].key, escape, &path);
        ErrorCode wanted = rows[i].dir ? ERR_OK : ERR_INVALID;
        if (error_code(err) != wanted)
            print_error("row %zu '%s': %s\n", i, rows[i].key.data, error_message_view(err));
        assert_int_equal(error_code(err), wanted);
        if (!err) {
            assert_string_equal(path.dir, rows[i].dir);
            assert_int_equal(path.dir_len, strlen(rows[i].dir));
            assert_string_equal(path.name, rows[i].name);
        }
        error_free(err);
    }
}

static void test_plain(void **state)
{
    (void)state;
    check_rows(plain_rows, ARRAY_COUNT(plain_rows), false);
}

static void test_escaped(void **state)
{
    (void)state;
    check_rows(escaped_rows, ARRAY_COUNT(escaped_rows), true);
}

static void test_path_too_long(void **state)
{
    (void)state;
    static char key[PATH_MAX + 8];
    FilePath path;
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = i % 2 ? '/' : 'a';
    assert_fails(file_path_of(str_from(key, sizeof(key) - 1), false, &path), ERR_INVALID);
    assert_ok(file_path_of(str_from(key, 1023), false, &path));
}

/* Any part becomes a name that is safe, and gives the part back. */
static void test_escape_is_reversible(void **state)
{
    (void)state;
    static const char alphabet[] = {'.', '/', '%', '\0', 'a', '2', 'E', '\n', '\xff', ' '};
    Random random;
    random_init_seed(&random, 4711);
    for (unsigned round = 0; round < 20000; round++) {
        char part[40], name[NAME_MAX + 1], back[NAME_MAX + 1];
        size_t len = (size_t)random_below(&random, sizeof(part)), back_len;
        for (size_t i = 0; i < len; i++) {
            do {
                part[i] = alphabet[random_below(&random, sizeof(alphabet))];
            } while (part[i] == '/');
        }
        assert_true(file_name_of_part(str_from(part, len), true, name));
        assert_true(name[0] != '\0' && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !strchr(name, '/'));
        assert_true(file_part_of_name(str_of(name), true, back, &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, part, len);
    }
}

static void test_foreign_names(void **state)
{
    (void)state;
    static const char *const foreign[] = {"100%", "%4", "%zz", "%41", "%2e%2e", "%2F", "a%", ".x.0123abcd.part"};
    char back[NAME_MAX + 1];
    size_t len;
    for (size_t i = 0; i < ARRAY_COUNT(foreign); i++) {
        bool taken = file_part_of_name(str_of(foreign[i]), true, back, &len);
        if (taken)
            print_error("'%s' was taken\n", foreign[i]);
        /* "%2F" decodes to a slash, which is no part: it would not be written so */
        assert_false(taken);
    }
}

static void test_private_names(void **state)
{
    (void)state;
    char name[NAME_MAX + 1];
    file_name_private(name, "x", 0xabc, FILE_TEMP_DIGITS, FILE_TEMP_SUFFIX);
    assert_string_equal(name, ".x.00000abc.part");
    assert_true(file_name_is_private(str_of(name)));
    file_name_private(name, PART_255, UINT64_MAX, FILE_META_DIGITS, FILE_META_SUFFIX);
    assert_true(file_name_is_private(str_of(name)) && strlen(name) <= NAME_MAX);
    assert_false(file_name_is_private(STR("x.0123abcd.part")));
    assert_false(file_name_is_private(STR(".x.0123ABCD.part")));
    assert_false(file_name_is_private(STR(".part")));
    assert_false(file_name_is_private(STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),         cmocka_unit_test(test_escaped),
        cmocka_unit_test(test_path_too_long), cmocka_unit_test(test_escape_is_reversible),
        cmocka_unit_test(test_foreign_names), cmocka_unit_test(test_private_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
