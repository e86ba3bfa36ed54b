#include "store/download_state.h"

#include "base/testing.h"

static const DownloadIdentity identity = {{"k\xff\n", 3}, {"e-2", 3}, 100};

static void test_round_trip(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer record = {0};
    static const ChecksumKind kinds[] = {CHECKSUM_CRC32, CHECKSUM_CRC64NVME, CHECKSUM_SHA256};
    assert_ok(download_state_begin(&record, &identity, 40));
    for (uint64_t i = 0; i < ARRAY_COUNT(kinds); i++) {
        DownloadPart part = {i, checksum_of(kinds[i], str_bytes(STR("text")))};
        assert_ok(download_state_add(&record, &part));
    }

    /* cut anywhere, it holds what came before the last whole line */
    for (size_t cut = 0; cut <= record.len; cut++) {
        Str rest = str_slice(buffer_str(&record), 0, cut);
        uint64_t part_bytes = 0, lines = 0;
        for (size_t i = 0; i < cut; i++)
            lines += record.data[i] == '\n';
        assert_int_equal(download_state_open(&rest, &identity, &part_bytes), lines > 0);
        if (lines == 0)
            continue;
        assert_int_equal(part_bytes, 40);
        DownloadPart part;
        uint64_t count = 0;
        for (; download_state_next(&rest, &part); count++) {
            Checksum wanted = checksum_of(kinds[count], str_bytes(STR("text")));
            assert_int_equal(part.index, count);
            assert_true(checksum_equal(&part.checksum, &wanted));
        }
        assert_int_equal(count, lines - 1);
    }
}

static void test_of_another(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer record = {0};
    assert_ok(download_state_begin(&record, &identity, 40));
    const DownloadIdentity others[] = {
        {STR("k"), identity.etag, 100}, {identity.key, STR("e-3"), 100}, {identity.key, identity.etag, 101}};
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        Str rest = buffer_str(&record);
        uint64_t part_bytes;
        assert_false(download_state_open(&rest, &others[i], &part_bytes));
    }
}

static void test_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n",
                                        "quern-download 1\n",
                                        "quern-download 1 100\n",
                                        "quern-download 1 100 40\n",
                                        "quern-download 1 100 40 x\n",
                                        "quern-download 1 100 99999999999999999999999 x\n",
                                        "quern-download 2 100 40 x\n"};
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        Str rest = str_of(texts[i]);
        uint64_t part_bytes;
        assert_false(download_state_open(&rest, &identity, &part_bytes));
    }
    Str rest =
        STR("x\n1\n1 CRC32\n1 CRC32 ====\n-1 CRC32 NhCmhg==\n1 NONE NhCmhg==\n1 CRC32 NhCmhg==-2\n7 CRC32 NhCmhg==\n");
    DownloadPart part;
    assert_true(download_state_next(&rest, &part));
    assert_int_equal(part.index, 7);
    assert_false(download_state_next(&rest, &part));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_of_another),
        cmocka_unit_test(test_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
