#include <bzlib.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/testing.h"
#include "codec/codec.h"
#include "codec/text_reader.h"

/* ---- a text, its compressed forms, and reading them back ---- */

static void append_lines(Buffer *text, size_t len, uint64_t seed)
{
    Random random;
    random_init_seed(&random, seed);
    while (text->len < len)
        assert_ok(buffer_append_format(text, "{\"ts\": \"2024-%02u-01T00:00:00Z\", \"n\": %u}\n",
                                       1 + (unsigned)random_below(&random, 12),
                                       (unsigned)random_below(&random, 1u << 30)));
    text->len = len;
}

static void append_bzip2(Buffer *out, Bytes text, int level)
{
    unsigned room = (unsigned)(text.len + text.len / 50 + 1000);
    assert_ok(buffer_reserve(out, room));
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &room, (char *)(uintptr_t)text.data,
                                              (unsigned)text.len, level, 0, 0),
                     BZ_OK);
    buffer_grown(out, room);
}

static void append_codec(Buffer *out, Bytes text, const char *name)
{
    CLEANUP(codec_context_freep) CodecContext *context = codec_context_new();
    assert_ok(codec_compress(context, codec_by_name(str_of(name)), CODEC_LEVEL_DEFAULT, text, out));
}

/* Gives the bytes in pieces of `step`; fails behind `fail_at`. */
typedef struct Feed {
    Bytes bytes;
    size_t step, at, fail_at;
} Feed;

static Error *feed_read(void *context, size_t len, Buffer *input)
{
    Feed *feed = context;
    if (feed->at >= feed->fail_at)
        return FAIL(UNAVAILABLE, "the source is gone");
    size_t got = MIN(MIN(len, feed->step), feed->bytes.len - feed->at);
    const uint8_t *from = feed->bytes.data + feed->at;
    feed->at += got;
    return got > 0 ? buffer_append(input, from, got) : NULL;
}

/* The result of a piece is the piece. */
static Error *copy_piece(void *context, Bytes piece, void *result)
{
    Buffer *copy = result;
    (void)context;
    return buffer_append(copy, piece.data, piece.len);
}

static void clear_copy(void *result)
{
    buffer_done(result);
}

static const TextMap copying = {.map = copy_piece, .clear = clear_copy, .result_bytes = sizeof(Buffer)};

static Error *read_all(TextPool *pool, TextFormat format, Feed *feed, unsigned ahead, Buffer *out)
{
    CLEANUP(text_reader_freep) TextReader *reader = NULL;
    void *result;
    TRY(text_reader_new(pool, format, &(TextSource){feed_read, feed}, &copying, ahead, &reader));
    for (;;) {
        TRY(text_reader_next(reader, &result));
        if (!result)
            return NULL;
        const Buffer *piece = result;
        TRY(buffer_append(out, piece->data, piece->len));
    }
}

static Error *read_bytes(TextPool *pool, TextFormat format, Bytes bytes, size_t step, unsigned ahead, Buffer *out)
{
    Feed feed = {.bytes = bytes, .step = step, .fail_at = SIZE_MAX};
    return read_all(pool, format, &feed, ahead, out);
}

static TextPool *pool_of(unsigned threads)
{
    TextPool *pool = NULL;
    assert_ok(text_pool_new(threads, &pool));
    return pool;
}

/* ---- tests ---- */

static const struct {
    TextFormat format;
    const char *codec; /* NULL: bzip2 */
} forms[] = {
    {TEXT_PLAIN, "none"}, {TEXT_GZIP, "gzip"}, {TEXT_ZSTD, "zstd"}, {TEXT_BZIP2, NULL}, {TEXT_BZIP2_SERIAL, NULL},
};

static void append_form(Buffer *out, size_t form, Bytes text, int level)
{
    if (forms[form].codec)
        append_codec(out, text, forms[form].codec);
    else
        append_bzip2(out, text, level);
}

static void test_text_comes_back_in_order(void **state)
{
    static const size_t sizes[] = {1, 99999, 100000, 2500000};
    static const size_t steps[] = {SIZE_MAX, 4096, 7};
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(3);
    (void)state;
    for (size_t form = 0; form < ARRAY_COUNT(forms); form++) {
        for (size_t i = 0; i < ARRAY_COUNT(sizes) * ARRAY_COUNT(steps); i++) {
            size_t size = sizes[i % ARRAY_COUNT(sizes)], step = steps[i / ARRAY_COUNT(sizes)];
            CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, again = {0};
            append_lines(&text, step == 7 ? MIN(size, (size_t)100000) : size, size + i);
            append_form(&packed, form, buffer_bytes(&text), 1);
            assert_ok(read_bytes(pool, forms[form].format, buffer_bytes(&packed), step, (unsigned)i % 5, &again));
            assert_true(str_equal(buffer_str(&again), buffer_str(&text)));
        }
    }
}

static void test_several_members(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    (void)state;
    for (size_t form = 1; form < ARRAY_COUNT(forms); form++) {
        CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, again = {0};
        for (unsigned member = 0; member < 20; member++) {
            CLEANUP(buffer_done) Buffer part = {0};
            append_lines(&part, member * 9973 % 300000, member + 1);
            assert_ok(buffer_append(&text, part.data, part.len));
            append_form(&packed, form, buffer_bytes(&part), 1 + (int)member % 9);
        }
        assert_ok(read_bytes(pool, forms[form].format, buffer_bytes(&packed), 1000, 4, &again));
        assert_true(str_equal(buffer_str(&again), buffer_str(&text)));
    }
}

/* Runs of one byte: a block of 900,000 bytes holds 46 MB of them. */
static void test_runs(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(1);
    CLEANUP(buffer_done) Buffer packed = {0}, again = {0};
    size_t size = 47 * 1000000;
    uint8_t *zeros = calloc(1, size);
    (void)state;
    append_bzip2(&packed, bytes_from(zeros, size), 9);
    assert_ok(read_bytes(pool, TEXT_BZIP2, buffer_bytes(&packed), SIZE_MAX, 1, &again));
    assert_true(again.len == size && memcmp(again.data, zeros, size) == 0);
    free(zeros);
}

static void test_what_is_behind_the_last_stream(void **state)
{
    static const char *const ignored[] = {"x",  "garbage behind the end", "\0\0\0\0", "BZ0", "BZh0",
                                          "B!", "BZh9 is how it begins"};
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(1);
    (void)state;
    for (TextFormat format = TEXT_BZIP2; format <= TEXT_BZIP2_SERIAL; format++) {
        for (size_t i = 0; i < ARRAY_COUNT(ignored); i++) {
            CLEANUP(buffer_done) Buffer packed = {0}, again = {0};
            append_bzip2(&packed, str_bytes(STR("text")), 9);
            assert_ok(buffer_append(&packed, ignored[i], i == 2 ? 4 : strlen(ignored[i])));
            assert_ok(read_bytes(pool, format, buffer_bytes(&packed), SIZE_MAX, 1, &again));
            assert_str(buffer_str(&again), "text");
        }
    }
}

/* Cut at every byte: what is whole comes, then the error. */
static void test_cut(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    CLEANUP(buffer_done) Buffer text = {0};
    (void)state;
    append_lines(&text, 3000, 1);
    for (size_t form = 1; form < ARRAY_COUNT(forms); form++) {
        CLEANUP(buffer_done) Buffer packed = {0};
        append_form(&packed, form, buffer_bytes(&text), 1);
        for (size_t len = 0; len < packed.len; len++) {
            CLEANUP(buffer_done) Buffer again = {0};
            assert_fails(read_bytes(pool, forms[form].format, bytes_from(packed.data, len), 100, 1, &again),
                         ERR_CORRUPT);
            assert_true(again.len <= text.len
                        && memcmp(again.data ? again.data : text.data, text.data, again.len) == 0);
        }
    }
}

/* No flip of a bit goes unnoticed by bzip2: in a block its checksum, in a stream that of the blocks. */
static void test_flipped_bits(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
    (void)state;
    append_lines(&text, 150000, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    for (size_t bit = 0; bit < 8 * packed.len; bit += 8 * packed.len / 400 + 1) {
        CLEANUP(buffer_done) Buffer again = {0};
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        Error *error = read_bytes(pool, TEXT_BZIP2, buffer_bytes(&packed), SIZE_MAX, 3, &again);
        packed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!error) /* the level may grow, and the last bits may be padding */
            assert_true(str_equal(buffer_str(&again), buffer_str(&text)));
        else
            assert_fails(error, ERR_CORRUPT);
    }
}

static void test_what_is_no_compressed_file(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(1);
    CLEANUP(buffer_done) Buffer again = {0};
    (void)state;
    for (size_t form = 1; form < ARRAY_COUNT(forms); form++) {
        assert_fails(read_bytes(pool, forms[form].format, str_bytes(STR("{\"plain\": \"text\"}\n")), 5, 1, &again),
                     ERR_CORRUPT);
        assert_fails(read_bytes(pool, forms[form].format, BYTES_EMPTY, 5, 1, &again), ERR_CORRUPT);
    }
    assert_ok(read_bytes(pool, TEXT_PLAIN, BYTES_EMPTY, 5, 1, &again));
    assert_fails_saying(read_bytes(pool, TEXT_BZIP2, str_bytes(STR("no bzip2")), 5, 1, &again), ERR_CORRUPT,
                        "Invalid data stream");
    assert_int_equal(again.len, 0);
}

static void test_source_fails_behind_what_was_read(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    (void)state;
    for (size_t form = 0; form < ARRAY_COUNT(forms); form++) {
        CLEANUP(buffer_done) Buffer text = {0}, packed = {0}, again = {0};
        append_lines(&text, 600000, 1);
        append_form(&packed, form, buffer_bytes(&text), 1);
        Feed feed = {.bytes = buffer_bytes(&packed), .step = 1000, .fail_at = packed.len * 3 / 4};
        assert_fails(read_all(pool, forms[form].format, &feed, 2, &again), ERR_UNAVAILABLE);
        assert_true(again.len < text.len && (form == 0 || again.len > 0));
        assert_memory_equal(again.data ? again.data : text.data, text.data, again.len);
    }
}

static Error *fail_in_map(void *context, Bytes piece, void *result)
{
    (void)context;
    (void)piece;
    (void)result;
    return FAIL(LIMIT, "too much");
}

static void test_map_fails(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
    CLEANUP(text_reader_freep) TextReader *reader = NULL;
    const TextMap failing = {.map = fail_in_map, .result_bytes = 1};
    void *result;
    (void)state;
    append_lines(&text, 500000, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    Feed feed = {.bytes = buffer_bytes(&packed), .step = SIZE_MAX, .fail_at = SIZE_MAX};
    assert_ok(text_reader_new(pool, TEXT_BZIP2, &(TextSource){feed_read, &feed}, &failing, 3, &reader));
    assert_fails(text_reader_next(reader, &result), ERR_LIMIT);
}

/* Without reading ahead, the first piece costs its own bytes and little more. */
static void test_first_piece_alone(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(1);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
    CLEANUP(text_reader_freep) TextReader *reader = NULL;
    void *result;
    (void)state;
    append_lines(&text, 2000000, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    Feed feed = {.bytes = buffer_bytes(&packed), .step = 1000, .fail_at = SIZE_MAX};
    assert_ok(text_reader_new(pool, TEXT_BZIP2, &(TextSource){feed_read, &feed}, &copying, 0, &reader));
    assert_ok(text_reader_next(reader, &result));
    assert_non_null(result);
    assert_true(feed.at < packed.len / 10);
}

/* Without reading ahead, a block gives its beginning, and the rest when that is asked for; its checksum (here a wrong one) is that of
 * all its text. */
static void test_beginning_of_block(void **state)
{
    CLEANUP(text_pool_freep) TextPool *pool = pool_of(2);
    CLEANUP(buffer_done) Buffer text = {0}, packed = {0};
    (void)state;
    append_lines(&text, 80000, 1);
    append_bzip2(&packed, buffer_bytes(&text), 1);
    packed.data[10] ^= 1;
    for (unsigned ahead = 0; ahead < 2; ahead++) {
        CLEANUP(text_reader_freep) TextReader *reader = NULL;
        Feed feed = {.bytes = buffer_bytes(&packed), .step = SIZE_MAX, .fail_at = SIZE_MAX};
        void *result;
        assert_ok(text_reader_new(pool, TEXT_BZIP2, &(TextSource){feed_read, &feed}, &copying, ahead, &reader));
        if (ahead == 0) {
            assert_ok(text_reader_next(reader, &result));
            const Buffer *begin = result;
            assert_true(begin && begin->len > 1000 && begin->len < 20000);
            assert_memory_equal(begin->data, text.data, begin->len);
        }
        assert_fails_saying(text_reader_next(reader, &result), ERR_CORRUPT, "checksum");
        assert_null(result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_comes_back_in_order),
        cmocka_unit_test(test_several_members),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_what_is_behind_the_last_stream),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_what_is_no_compressed_file),
        cmocka_unit_test(test_source_fails_behind_what_was_read),
        cmocka_unit_test(test_map_fails),
        cmocka_unit_test(test_first_piece_alone),
        cmocka_unit_test(test_beginning_of_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
