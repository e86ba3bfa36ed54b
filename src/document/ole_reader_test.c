#include "document/ole_reader.h"

#include <stdlib.h>

#include "document/ole_testing.h"

static uint8_t large_content[20000];

static void setup_content(void)
{
    for (size_t i = 0; i < sizeof large_content; i++)
        large_content[i] = (uint8_t)(i * 7 + i / 512);
}

/* A file with a large stream, small ones, and a storage that has one of each. */
static void make_file(Buffer *out, unsigned version, bool scattered)
{
    OleFile file = {.version = version, .scattered = scattered};
    ole_file_add(&file, 0, "Large", bytes_from(large_content, sizeof large_content));
    ole_file_add(&file, 0, "small", str_bytes(STR("a few bytes")));
    uint32_t storage = ole_file_add_storage(&file, 0, "Folder");
    ole_file_add(&file, storage, "small", bytes_from(large_content, 200));
    ole_file_add(&file, storage, "Large", bytes_from(large_content + 100, 4096));
    ole_file_add(&file, 0, "empty", BYTES_EMPTY);
    ole_file_finish(&file, out);
}

static void assert_stream(OleReader *reader, const char *path, Bytes expected)
{
    Bytes content;
    assert_ok(ole_reader_stream_at(reader, OLE_ROOT, str_of(path), &content));
    assert_true(str_equal(bytes_str(content), bytes_str(expected)));
}

static void test_streams(void **state)
{
    (void)state;
    setup_content();
    for (unsigned version = 3; version <= 4; version++) {
        for (int scattered = 0; scattered < 2; scattered++) {
            CLEANUP(buffer_done) Buffer file = {0};
            make_file(&file, version, scattered);
            CLEANUP(ole_reader_freep) OleReader *reader = NULL;
            assert_ok(ole_reader_new(buffer_bytes(&file), &reader));
            for (int again = 0; again < 2; again++) {
                assert_stream(reader, "Large", bytes_from(large_content, sizeof large_content));
                assert_stream(reader, "small", str_bytes(STR("a few bytes")));
                assert_stream(reader, "empty", BYTES_EMPTY);
                assert_stream(reader, "Folder/small", bytes_from(large_content, 200));
                assert_stream(reader, "FOLDER/LARGE", bytes_from(large_content + 100, 4096));
            }
            Bytes content;
            assert_fails(ole_reader_stream_at(reader, OLE_ROOT, STR("Folder/empty"), &content), ERR_NOT_FOUND);
            assert_fails(ole_reader_stream_at(reader, OLE_ROOT, STR("Large/small"), &content), ERR_NOT_FOUND);
            assert_fails(ole_reader_stream_at(reader, OLE_ROOT, STR("Folder"), &content), ERR_INVALID);
        }
    }
}

static void test_children(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    make_file(&file, 3, false);
    CLEANUP(ole_reader_freep) OleReader *reader = NULL;
    assert_ok(ole_reader_new(buffer_bytes(&file), &reader));
    size_t storages = 0, streams = 0;
    for (uint32_t at = ole_reader_entry(reader, OLE_ROOT)->first_child; at != OLE_NONE;
         at = ole_reader_entry(reader, at)->next_sibling) {
        storages += ole_reader_entry(reader, at)->is_storage;
        streams += !ole_reader_entry(reader, at)->is_storage;
    }
    assert_int_equal(storages, 1);
    assert_int_equal(streams, 3);
}

/* Where things stand in the file that make_file(version 3, not scattered) makes. */
enum {
    HEADER_VERSION = 26,
    HEADER_FIRST_DIRECTORY = 48,
    HEADER_FIRST_DIFAT = 68,
    HEADER_FIRST_FAT = 76,
    SECTORS_BEFORE_DIRECTORY = 40 + 8 + 1 + 1, /* the two large streams, small streams, their table */
    DIRECTORY = 512 + SECTORS_BEFORE_DIRECTORY * 512,
    ENTRY_RIGHT = 72,
    ENTRY_CHILD = 76,
    ENTRY_FIRST = 116,
    ENTRY_SIZE = 120,
    FAT = DIRECTORY + 2 * 512
};

static void test_damaged(void **state)
{
    (void)state;
    const struct {
        const char *name;
        size_t at;
        uint32_t value;
        const char *says; /* NULL: opens, and `stream` cannot be read */
        const char *stream;
    } cases[] = {
        {"signature", 0, 0, "header", NULL},
        {"version", HEADER_VERSION, 5, "version", NULL},
        {"directory outside", HEADER_FIRST_DIRECTORY, 4000, "sector 4000", NULL},
        {"no directory", HEADER_FIRST_DIRECTORY, 0xFFFFFFFE, "no root", NULL},
        {"directory in a stream", HEADER_FIRST_DIRECTORY, 0, "no root", NULL},
        {"table outside", HEADER_FIRST_FAT, 4000, "sector 4000", NULL},
        {"table twice", HEADER_FIRST_FAT + 4, SECTORS_BEFORE_DIRECTORY + 2, NULL, NULL},
        {"directory loops", FAT + 4 * (SECTORS_BEFORE_DIRECTORY + 1), SECTORS_BEFORE_DIRECTORY, "twice", NULL},
        {"siblings loop", DIRECTORY + 128 + ENTRY_RIGHT, 1, "twice", NULL},
        {"child outside", DIRECTORY + ENTRY_CHILD, 100, "entry 100", NULL},
        {"storage in itself", DIRECTORY + 3 * 128 + ENTRY_CHILD, 3, "twice", NULL},
        {"stream loops", FAT + 4 * 5, 2, NULL, "Large"},
        {"stream ends early", FAT + 4 * 5, 0xFFFFFFFE, NULL, "Large"},
        {"stream leads outside", FAT + 4 * 5, 77777, NULL, "Large"},
        {"size larger than the chain", DIRECTORY + 128 + ENTRY_SIZE, 25000, NULL, "Large"},
        {"size larger than the file", DIRECTORY + 128 + ENTRY_SIZE, 0x7FFFFFFF, NULL, "Large"},
        {"small stream outside", DIRECTORY + 2 * 128 + ENTRY_FIRST, 99, NULL, "small"},
        {"small streams too large", DIRECTORY + ENTRY_SIZE, 0x7FFFFFFF, NULL, "small"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(buffer_done) Buffer file = {0};
        make_file(&file, 3, false);
        for (unsigned b = 0; b < 4; b++)
            file.data[cases[i].at + b] = (uint8_t)(cases[i].value >> 8 * b);
        if (cases[i].at == HEADER_VERSION)
            file.data[cases[i].at + 2] = 0xFE, file.data[cases[i].at + 3] = 0xFF;
        CLEANUP(ole_reader_freep) OleReader *reader = NULL;
        Error *error = ole_reader_new(buffer_bytes(&file), &reader);
        if (cases[i].says) {
            assert_fails_saying(error, ERR_CORRUPT, cases[i].says);
            continue;
        }
        assert_ok(error);
        Bytes content;
        if (cases[i].stream)
            assert_fails(ole_reader_stream_at(reader, OLE_ROOT, str_of(cases[i].stream), &content), ERR_CORRUPT);
    }
}

static void test_shared_sectors(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    make_file(&file, 3, false);
    file.data[DIRECTORY + 5 * 128 + ENTRY_FIRST] = 0; /* Folder/Large begins where Large does */
    CLEANUP(ole_reader_freep) OleReader *reader = NULL;
    assert_ok(ole_reader_new(buffer_bytes(&file), &reader));
    Bytes content;
    assert_ok(ole_reader_stream_at(reader, OLE_ROOT, STR("Large"), &content));
    assert_fails_saying(ole_reader_stream_at(reader, OLE_ROOT, STR("Folder/Large"), &content), ERR_CORRUPT, "twice");
}

/* Cut off anywhere: an error, or an answer, never more than the file has. */
static void test_cut_off(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    make_file(&file, 3, true);
    for (size_t len = 0; len < file.len; len += 61) {
        OleReader *reader = NULL;
        Bytes content;
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, file.data, len);
        Error *error = ole_reader_new(bytes_from(copy, len), &reader);
        if (!error)
            error = ole_reader_stream_at(reader, OLE_ROOT, STR("Large"), &content);
        assert_true(!error || error_code(error) == ERR_CORRUPT || error_code(error) == ERR_NOT_FOUND);
        error_free(error);
        ole_reader_free(reader);
        free(copy);
    }
}

/* A table that needs more sectors than the header has room to name: sectors that name them. */
static void test_double_indirect(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    make_file(&file, 3, false);
    size_t fat_sector = (FAT - 512) / 512, difat_sector = file.len / 512 - 1;
    for (unsigned i = 0; i < 127; i++)
        ole_put(&file, i == 3 ? fat_sector : 0xFFFFFFFF, 4);
    ole_put(&file, 0xFFFFFFFE, 4);
    file.data[HEADER_FIRST_DIFAT] = (uint8_t)difat_sector;
    for (unsigned b = 1; b < 4; b++)
        file.data[HEADER_FIRST_DIFAT + b] = 0;
    memset(file.data + HEADER_FIRST_FAT, 0xFF, 4);
    CLEANUP(ole_reader_freep) OleReader *reader = NULL;
    assert_ok(ole_reader_new(buffer_bytes(&file), &reader));
    assert_stream(reader, "Large", bytes_from(large_content, sizeof large_content));
    for (unsigned b = 0; b < 4; b++) /* the table of tables leads to itself, and is not long enough before */
        file.data[file.len - 4 + b] = (uint8_t)(difat_sector >> 8 * b);
    memset(file.data + file.len - 512 + 12, 0xFF, 4);
    OleReader *looping = NULL;
    assert_fails_saying(ole_reader_new(buffer_bytes(&file), &looping), ERR_CORRUPT, "twice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),        cmocka_unit_test(test_children), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_shared_sectors), cmocka_unit_test(test_cut_off),  cmocka_unit_test(test_double_indirect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
