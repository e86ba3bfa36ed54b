#include "document/zip_reader.h"

#include "document/zip_testing.h"

static Expansion plenty(void)
{
    return (Expansion){.bytes_left = 64 * MIB, .members_left = 100, .levels_left = 10};
}

static void members_are_found_and_read(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    CLEANUP(buffer_done) Buffer out = {0};
    Expansion expansion = plenty();
    size_t index;
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("mimetype"), .content = STR("application/epub+zip")});
    zip_testing_part(&zip, "word/Document.xml", "<a>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</a>");
    zip_testing_add(&zip, (ZipTestingMember){
                              .name = STR("d.txt"), .content = STR("described"), .deflated = true, .descriptor = true});
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("empty"), .deflated = true});
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("Gr\x81n"), .content = STR("437")});
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("../x\0y"), .content = STR("nul")});
    assert_ok(zip_reader_new(zip_testing_end(&zip), &expansion, &reader));
    assert_int_equal(zip_reader_count(reader), 6);
    assert_str(zip_reader_name(reader, 4), "Gr\xC3\xBCn");
    assert_str(zip_reader_name(reader, 5), "../x y");
    assert_ok(zip_reader_read_name(reader, STR("MIMETYPE"), &out));
    assert_str(buffer_str(&out), "application/epub+zip");
    assert_ok(zip_reader_read_name(reader, STR("d.txt"), &out));
    assert_str(buffer_str(&out), "application/epub+zipdescribed"); /* behind what was there */
    buffer_clear(&out);
    assert_ok(zip_reader_read_name(reader, STR("word/document.xml"), &out));
    assert_int_equal(out.len, 52);
    buffer_clear(&out);
    assert_ok(zip_reader_read_name(reader, STR("empty"), &out));
    assert_int_equal(out.len, 0);
    assert_false(zip_reader_find(reader, STR("word/document"), &index));
    assert_fails(zip_reader_read_name(reader, STR("none"), &out), ERR_NOT_FOUND);
    assert_int_equal(expansion.members_left, 96);
    assert_int_equal(expansion.bytes_left, 64 * MIB - 20 - 9 - 52);
}

static void of_equal_names_the_last_counts(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = plenty();
    size_t index;
    zip_testing_part(&zip, "a", "1");
    zip_testing_part(&zip, "A", "2");
    zip_testing_part(&zip, "a", "3");
    zip_testing_part(&zip, "AB", "4");
    zip_testing_part(&zip, "aB", "5");
    assert_ok(zip_reader_new(zip_testing_end(&zip), &expansion, &reader));
    assert_true(zip_reader_find(reader, STR("a"), &index));
    assert_int_equal(index, 2);
    assert_true(zip_reader_find(reader, STR("A"), &index));
    assert_int_equal(index, 1);
    assert_true(zip_reader_find(reader, STR("ab"), &index));
    assert_int_equal(index, 4);
}

/* One member that is wrong: opening succeeds, reading fails and leaves the buffer alone. */
static void a_member_that_lies_is_refused(void **state)
{
    (void)state;
    const struct {
        ZipTestingMember member;
        ErrorCode code;
        const char *says;
    } cases[] = {
        {{.content = STR("x"), .flags = 1}, ERR_UNSUPPORTED, "encrypted"},
        {{.content = STR("x"), .method = 12}, ERR_UNSUPPORTED, "method 12"},
        {{.content = STR("some text"), .crc32 = 1}, ERR_CORRUPT, "checksum"},
        {{.content = STR("some text"), .deflated = true, .claimed_bytes = 8}, ERR_CORRUPT, "claims"},
        {{.content = STR("some text"), .deflated = true, .claimed_bytes = 10}, ERR_CORRUPT, "claims"},
        {{.content = STR("some text"), .claimed_bytes = 8}, ERR_CORRUPT, "claims"},
        {{.content = STR("some text"), .claimed_bytes = UINT32_MAX - 1}, ERR_CORRUPT, "cannot hold"},
        {{.content = STR("some text"), .deflated = true, .claimed_bytes = 4 * MIB}, ERR_CORRUPT, "cannot hold"},
        {{.content = STR("\xFF\xFF\xFF"), .method = 8}, ERR_CORRUPT, "deflated"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
        CLEANUP(buffer_done) Buffer out = {0};
        Expansion expansion = plenty();
        ZipTestingMember member = cases[i].member;
        print_message("%zu: %s\n", i, cases[i].says);
        member.name = STR("m");
        zip_testing_add(&zip, member);
        assert_ok(zip_reader_new(zip_testing_end(&zip), &expansion, &reader));
        assert_ok(buffer_append_str(&out, STR("before")));
        assert_fails_saying(zip_reader_read(reader, 0, &out), cases[i].code, cases[i].says);
        assert_str(buffer_str(&out), "before");
    }
}

/* Every entry of the directory points at the same packed bytes: 42 kB become gigabytes elsewhere. */
static void overlapping_members_meet_the_budget(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer zeros = {0};
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = {.bytes_left = 3 * MIB + MIB / 2, .members_left = 100};
    assert_ok(buffer_reserve(&zeros, MIB));
    memset(zeros.data, 0, MIB);
    buffer_grown(&zeros, MIB);
    ZipTestingMember member = {.name = STR("0"), .content = buffer_str(&zeros), .deflated = true};
    zip_testing_add(&zip, member);
    for (int i = 1; i < 50; i++)
        zip_testing_entry(&zip, &member, zip.out.len - 31, 0);
    assert_ok(zip_reader_new(zip_testing_end(&zip), &expansion, &reader));
    for (size_t i = 0; i < 3; i++) {
        CLEANUP(buffer_done) Buffer out = {0};
        assert_ok(zip_reader_read(reader, i, &out));
    }
    CLEANUP(buffer_done) Buffer out = {0};
    assert_fails_saying(zip_reader_read(reader, 3, &out), ERR_LIMIT, "unpack to more than");
    assert_int_equal(out.capacity, 0); /* nothing was taken for it */
}

static void more_members_than_allowed(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = {.bytes_left = MIB, .members_left = 40};
    ZipTestingMember member = {.name = STR("m"), .content = STR("x")};
    zip_testing_add(&zip, member);
    for (int i = 0; i < 40; i++)
        zip_testing_entry(&zip, &member, 1, 0);
    assert_fails_saying(zip_reader_new(zip_testing_end(&zip), &expansion, &reader), ERR_LIMIT, "members");
}

/* Cut anywhere, or with any byte changed: an error or members, never more. */
static void cut_and_changed_zips(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    zip_testing_part(&zip, "one", "the first");
    zip_testing_part(&zip, "two", "the second");
    Bytes whole = zip_testing_end(&zip);
    for (size_t i = 0; i < whole.len; i++) {
        CLEANUP(zip_reader_freep) ZipReader *cut = NULL;
        Expansion expansion = plenty();
        assert_fails(zip_reader_new((Bytes){whole.data, i}, &expansion, &cut), ERR_CORRUPT);
    }
    for (size_t i = 0; i < whole.len; i++) {
        CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
        CLEANUP(buffer_done) Buffer out = {.limit = MIB};
        Expansion expansion = plenty();
        zip.out.data[i] ^= 0x41;
        Error *error = zip_reader_new(whole, &expansion, &reader);
        for (size_t m = 0; !error && m < zip_reader_count(reader); m++)
            error_free(zip_reader_read(reader, m, &out));
        error_free(error);
        zip.out.data[i] ^= 0x41;
    }
}

static void a_zip_behind_other_bytes(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(buffer_done) Buffer out = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = plenty();
    zip_testing_part(&zip, "a", "content");
    assert_ok(buffer_append_str(&file, STR("#!/bin/sh\nexec something\n")));
    assert_ok(buffer_append_str(&file, bytes_str(zip_testing_end(&zip))));
    assert_ok(zip_reader_new(buffer_bytes(&file), &expansion, &reader));
    assert_ok(zip_reader_read_name(reader, STR("a"), &out));
    assert_str(buffer_str(&out), "content");
}

/* ZIP64: sizes and offsets of 64 bits, in an extra field and in an end record of their own. */
static void large_zips(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(buffer_done) Buffer out = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = plenty();
    static const uint8_t local[] = "PK\3\4-\0\0\0\0\0....\x89\xE1\x5F\xA3\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\0\0\0a64";
    static const uint8_t entry[] = "PK\1\2-\0-\0\0\0\0\0....\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1\0\x20\0\0\0"
                                   "\0\0\0\0....\xFF\xFF\xFF\xFF"
                                   "a\x99\x99\0\0\1\0\x18\0\2\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const uint8_t end64[] = "PK\6\6........\0\0\0\0........\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0";
    assert_ok(buffer_append(&file, local, sizeof local - 1));
    size_t directory_at = file.len;
    assert_ok(buffer_append(&file, entry, sizeof entry - 1));
    uint32_t crc = crc32_ieee(0, str_bytes(STR("64")));
    memcpy(file.data + directory_at + 16,
           (const uint8_t[]){(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16), (uint8_t)(crc >> 24)}, 4);
    size_t end_at = file.len;
    assert_ok(buffer_append(&file, end64, sizeof end64 - 1));
    assert_ok(buffer_append_u64le(&file, end_at - directory_at));
    assert_ok(buffer_append_u64le(&file, directory_at));
    assert_ok(buffer_append(&file, "PK\6\7\0\0\0\0", 8));
    assert_ok(buffer_append_u64le(&file, end_at));
    assert_ok(buffer_append_u32le(&file, 1));
    assert_ok(buffer_append(&file, "PK\5\6\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0", 22));
    assert_ok(zip_reader_new(buffer_bytes(&file), &expansion, &reader));
    assert_int_equal(zip_reader_count(reader), 1);
    assert_ok(zip_reader_read_name(reader, STR("a"), &out));
    assert_str(buffer_str(&out), "64");
}

/* Every end record in the last 64 KiB is a directory that would be read. */
static void more_end_records_than_sense(void **state)
{
    (void)state;
    enum { MEMBERS = 5000, ENDS = 1000 };
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = {.bytes_left = MIB, .members_left = MEMBERS};
    ZipTestingMember member = {.name = STR("m"), .content = STR("x")};
    zip_testing_add(&zip, member);
    for (int i = 1; i < MEMBERS; i++)
        zip_testing_entry(&zip, &member, 1, 0);
    uint32_t directory_at = (uint32_t)zip.out.len;
    (void)zip_testing_end(&zip);
    for (int i = 1; i < ENDS; i++)
        zip_testing_end_record(&zip, directory_at);
    assert_fails_saying(zip_reader_new(buffer_bytes(&zip.out), &expansion, &reader), ERR_LIMIT, "1000 end records");
}

/* ZIP64 with more entries than there can be: nothing is taken for them. */
static void a_directory_that_lies(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    Expansion expansion = plenty();
    static const uint8_t end64[] = "PK\6\6\x2C\0\0\0\0\0\0\0-\0-\0\0\0\0\0\0\0\0\0\0\0\0\x7F\0\0\0\0\0\0\0\x7F\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_ok(buffer_append(&file, end64, sizeof end64 - 1));
    assert_ok(buffer_append(&file, "PK\6\7\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0", 20));
    assert_ok(buffer_append(&file, "PK\5\6\0\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0", 22));
    assert_fails(zip_reader_new(buffer_bytes(&file), &expansion, &reader), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_and_read),    cmocka_unit_test(of_equal_names_the_last_counts),
        cmocka_unit_test(a_member_that_lies_is_refused), cmocka_unit_test(overlapping_members_meet_the_budget),
        cmocka_unit_test(more_members_than_allowed),     cmocka_unit_test(cut_and_changed_zips),
        cmocka_unit_test(a_zip_behind_other_bytes),      cmocka_unit_test(large_zips),
        cmocka_unit_test(more_end_records_than_sense),   cmocka_unit_test(a_directory_that_lies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
