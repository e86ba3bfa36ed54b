#include <stdlib.h>

#include "base/testing.h"
#include "codec/codec.h"

static const char *const NAMES[] = {"none", "snappy", "gzip", "zlib", "zstd"};
static const size_t SIZES[] = {0, 1, 2, 100, 65536, 1000003};

static void fill(Buffer *data, size_t len)
{
    uint64_t state = len + 1;

    for (size_t i = 0; i < len; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        assert_ok(buffer_append_byte(data, (uint8_t)((state >> 60) + (i & 64))));
    }
}

static void compressed_data_comes_back(void **state)
{
    (void)state;
    CLEANUP(codec_context_freep) CodecContext *context = codec_context_new();

    for (size_t n = 0; n < ARRAY_COUNT(NAMES); n++) {
        const Codec *codec = codec_by_name(str_of(NAMES[n]));
        assert_non_null(codec);
        for (size_t s = 0; s < ARRAY_COUNT(SIZES); s++) {
            CLEANUP(buffer_done) Buffer data = {0}, packed = {0}, again = {0};
            fill(&data, SIZES[s]);
            assert_ok(codec_compress(context, codec, CODEC_LEVEL_DEFAULT, buffer_bytes(&data), &packed));
            assert_ok(codec_decompress(context, codec, buffer_bytes(&packed), SIZES[s], &again));
            assert_int_equal(again.len, data.len);
            assert_true(str_equal(buffer_str(&again), buffer_str(&data)));

            uint8_t *out = malloc(data.len + 1);
            assert_ok(codec_decompress_exact(context, codec, buffer_bytes(&packed), out, data.len));
            assert_true(str_equal(str_from(out, data.len), buffer_str(&data)));
            if (data.len > 0)
                assert_fails(codec_decompress_exact(context, codec, buffer_bytes(&packed), out, data.len - 1),
                             ERR_CORRUPT);
            assert_fails(codec_decompress_exact(context, codec, buffer_bytes(&packed), out, data.len + 1), ERR_CORRUPT);
            free(out);
            if (data.len > 0)
                assert_fails(codec_decompress(context, codec, buffer_bytes(&packed), data.len - 1, &again), ERR_LIMIT);
            assert_int_equal(again.len, data.len); /* a failed call leaves the output alone */
        }
    }
}

static void cut_and_damaged_data_is_refused(void **state)
{
    (void)state;
    CLEANUP(codec_context_freep) CodecContext *context = codec_context_new();

    for (size_t n = 1; n < ARRAY_COUNT(NAMES); n++) {
        const Codec *codec = codec_by_name(str_of(NAMES[n]));
        CLEANUP(buffer_done) Buffer data = {0}, packed = {0}, out = {0};
        uint8_t room[1000];
        fill(&data, sizeof room);
        assert_ok(codec_compress(context, codec, CODEC_LEVEL_DEFAULT, buffer_bytes(&data), &packed));
        for (size_t cut = 0; cut < packed.len; cut++) {
            assert_fails(codec_decompress_exact(context, codec, bytes_from(packed.data, cut), room, sizeof room),
                         ERR_CORRUPT);
            assert_fails(codec_decompress(context, codec, bytes_from(packed.data, cut), 1 * MIB, &out), ERR_CORRUPT);
        }
        for (size_t i = 0; i < packed.len; i++) {
            packed.data[i] ^= 0x55;
            error_free(codec_decompress_exact(context, codec, buffer_bytes(&packed), room,
                                              sizeof room)); /* any outcome, no report */
            error_free(codec_decompress(context, codec, buffer_bytes(&packed), 1 * MIB, &out));
            packed.data[i] ^= 0x55;
        }
    }
}

static void gzip_takes_several_members_and_no_garbage(void **state)
{
    (void)state;
    CLEANUP(codec_context_freep) CodecContext *context = codec_context_new();
    CLEANUP(buffer_done) Buffer packed = {0}, out = {0};
    const Codec *gzip = codec_by_name(STR("gzip"));
    uint8_t room[6];

    assert_ok(codec_compress(context, gzip, 1, str_bytes(STR("abc")), &packed));
    assert_ok(codec_compress(context, gzip, 9, str_bytes(STR("def")), &packed));
    assert_ok(codec_decompress_exact(context, gzip, buffer_bytes(&packed), room, sizeof room));
    assert_str(str_from(room, sizeof room), "abcdef");
    assert_ok(codec_decompress(context, gzip, buffer_bytes(&packed), 6, &out));
    assert_str(buffer_str(&out), "abcdef");
    assert_ok(buffer_append_str(&packed, STR("garbage")));
    assert_fails(codec_decompress_exact(context, gzip, buffer_bytes(&packed), room, sizeof room), ERR_CORRUPT);
}

static void codecs_are_found_by_name_and_number(void **state)
{
    (void)state;
    static const struct {
        int32_t id;
        const char *name, *parquet_name;
    } rows[] = {{0, "none", "UNCOMPRESSED"}, {1, "snappy", "SNAPPY"}, {2, "gzip", "GZIP"}, {6, "zstd", "ZSTD"}};

    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        const Codec *codec = codec_by_parquet_id(rows[i].id);
        assert_ptr_equal(codec, codec_by_name(str_of(rows[i].name)));
        assert_int_equal(codec_parquet_id(codec), rows[i].id);
        assert_string_equal(codec_parquet_name(rows[i].id), rows[i].parquet_name);
    }
    assert_null(codec_by_parquet_id(3));
    assert_null(codec_by_parquet_id(-1));
    assert_null(codec_by_parquet_id(99));
    assert_string_equal(codec_parquet_name(3), "LZO");
    assert_string_equal(codec_parquet_name(-1), "unknown");
    assert_null(codec_by_name(STR("lzo")));
    assert_true(codec_is_none(codec_by_name(STR("UNCOMPRESSED"))));
}

static void a_level_the_codec_lacks_is_refused(void **state)
{
    (void)state;
    CLEANUP(codec_context_freep) CodecContext *context = codec_context_new();
    CLEANUP(buffer_done) Buffer out = {0};

    assert_fails_saying(codec_compress(context, codec_by_name(STR("zstd")), 23, BYTES_EMPTY, &out), ERR_INVALID,
                        "1 to 22");
    assert_fails(codec_compress(context, codec_by_name(STR("gzip")), 0, BYTES_EMPTY, &out), ERR_INVALID);
}

static void crc32_is_that_of_gzip(void **state)
{
    (void)state;
    assert_int_equal(codec_crc32(str_bytes(STR("123456789"))), 0xcbf43926);
    assert_int_equal(codec_crc32(BYTES_EMPTY), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_data_comes_back),
        cmocka_unit_test(cut_and_damaged_data_is_refused),
        cmocka_unit_test(gzip_takes_several_members_and_no_garbage),
        cmocka_unit_test(codecs_are_found_by_name_and_number),
        cmocka_unit_test(a_level_the_codec_lacks_is_refused),
        cmocka_unit_test(crc32_is_that_of_gzip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
