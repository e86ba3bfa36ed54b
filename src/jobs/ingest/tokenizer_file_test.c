#include "jobs/ingest/tokenizer_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/testing.h"

static bool is_shown(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

/* One in which every byte is a token. `version` makes another file of it. */
static void write_tokenizer(const char *path, const char *version)
{
    CLEANUP(buffer_done) Buffer json = {0};
    unsigned hidden = 0;
    assert_ok(buffer_append_format(&json,
                                   "{\"version\": \"%s\", \"pre_tokenizer\": {\"type\": \"ByteLevel\", "
                                   "\"add_prefix_space\": false}, \"model\": {\"type\": \"BPE\", \"merges\": [], "
                                   "\"vocab\": {",
                                   version));
    for (unsigned byte = 0; byte < 256; byte++) {
        char symbol[4];
        size_t len = utf8_encode(is_shown(byte) ? byte : 0x100 + hidden++, symbol);
        const char *escape = byte == '"' || byte == '\\' ? "\\" : "";
        assert_ok(buffer_append_format(&json, "%s\"%s%.*s\": %u", byte ? ", " : "", escape, (int)len, symbol, byte));
    }
    assert_ok(buffer_append_str(&json, STR("}}}")));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(json.data, 1, json.len, file), json.len);
    assert_int_equal(fclose(file), 0);
}

static int make_file(void **state)
{
    char *path = strdup("/tmp/quern-tokenizer-XXXXXX");
    assert_non_null(path);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    *state = path;
    return 0;
}

static int remove_file(void **state)
{
    unlink(*state);
    free(*state);
    return 0;
}

static void it_is_kept_while_the_file_is_the_same(void **state)
{
    const char *path = *state;
    size_t count;
    CLEANUP(tokenizer_file_closep) TokenizerFile *first = NULL;
    CLEANUP(tokenizer_file_closep) TokenizerFile *second = NULL;
    CLEANUP(tokenizer_file_closep) TokenizerFile *third = NULL;
    write_tokenizer(path, "1");
    assert_ok(tokenizer_file_open(path, NULL, &first));
    assert_ok(tokenizer_file_open(path, first, &second));
    assert_ptr_equal(first, second);
    write_tokenizer(path, "1.0");
    assert_ok(tokenizer_file_open(path, second, &third));
    assert_ptr_not_equal(third, second);
    assert_true(tokenizer_file_hash(third) != tokenizer_file_hash(second));
    assert_ok(tokenizer_count(tokenizer_file_tokenizer(first), STR("four"), &count)); /* who has it goes on with it */
    assert_int_equal(count, 4);
}

static void what_is_wrong_is_the_option(void **state)
{
    const char *path = *state;
    TokenizerFile *file = NULL;
    assert_fails_saying(tokenizer_file_open("/nowhere/t.json", NULL, &file), ERR_INVALID,
                        "--chunk-tokenizer '/nowhere/t.json': open: No such file");
    assert_fails_saying(tokenizer_file_open(path, NULL, &file), ERR_INVALID, "--chunk-tokenizer");
    assert_null(file);
    assert_true(tokenizer_file_hash(NULL) == 0);
    assert_null(tokenizer_file_share(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_kept_while_the_file_is_the_same, make_file, remove_file),
        cmocka_unit_test_setup_teardown(what_is_wrong_is_the_option, make_file, remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
