#include "document/archive/tar.h"
#include "document/archive/unpack.h"
#include "document/detect.h"
#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#include <bzlib.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 512 };

/* partition_archive's tests do without poppler, which partition_child's table names. */
Error *partition_pdf(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)input;
    (void)options;
    (void)watch;
    (void)elements;
    return FAIL(UNSUPPORTED, "unsupported type: " STR_FMT, STR_ARG(filetype));
}

static void put_octal(uint8_t *block, size_t at, size_t len, size_t value)
{
    char digits[16];
    snprintf(digits, sizeof digits, "%0*zo", (int)(len - 1), value);
    memcpy(block + at, digits, len - 1);
}

/* A header of `type` and the content in whole blocks. */
static void tar_add(Buffer *out, const char *name, char type, Str content)
{
    uint8_t block[BLOCK] = {0};
    size_t sum = 0, padded = (content.len + BLOCK - 1) / BLOCK * BLOCK;
    memcpy(block, name, strlen(name));
    put_octal(block, 124, 12, content.len);
    block[156] = (uint8_t)type;
    memcpy(block + 257,
           "ustar\0"
           "00",
           8);
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += block[i];
    put_octal(block, 148, 7, sum);
    assert_ok(buffer_append(out, block, BLOCK));
    assert_ok(buffer_append_str(out, content));
    for (size_t i = content.len; i < padded; i++)
        assert_ok(buffer_append_byte(out, 0));
}

static void tar_end(Buffer *out)
{
    static const uint8_t zeros[2 * BLOCK];
    assert_ok(buffer_append(out, zeros, sizeof zeros));
}

static Error *read_archive(Bytes input, const char *filename, Arena *arena, Elements *ret_elements)
{
    Expansion expansion = expansion_for(input);
    PartitionOptions options = {.filename = str_of(filename), .uncompress = true, .expansion = &expansion};
    *ret_elements = (Elements){.arena = arena};
    return partition_archive(input, detect_filetype(input, STR_EMPTY), &options, NULL, ret_elements);
}

/* "path: text" for each element. */
static void assert_members(const Elements *elements, const char *expected)
{
    CLEANUP(buffer_done) Buffer got = {0};
    for (size_t i = 0; i < elements->count; i++) {
        const Element *e = &elements->items[i];
        assert_non_null(e->part);
        assert_ok(buffer_append_format(&got, STR_FMT "|" STR_FMT ": " STR_FMT "\n", STR_ARG(e->part->path),
                                       STR_ARG(e->part->filename), STR_ARG(e->text)));
    }
    assert_str(buffer_str(&got), expected);
}

static void make_tar(Buffer *out)
{
    tar_add(out, "folder/", '5', STR_EMPTY);
    tar_add(out, "folder/a.html", '0', STR("<h1>First file</h1>"));
    tar_add(out, "link", '2', STR_EMPTY);
    tar_add(out, "x", 'x', STR("25 path=long/p\xC3\xA4th/b.txt\n"));
    tar_add(out, "short.txt", '0', STR("Second file"));
    tar_add(out, "././@LongLink", 'L', STR("../../etc/long.txt\0"));
    tar_add(out, "../../etc/lo", '0', STR("Third file"));
    tar_end(out);
}

#define TAR_MEMBERS                                                                                                    \
    "folder/a.html|a.html: First file\nlong/p\xC3\xA4th/b.txt|b.txt: Second file\n../../etc/long.txt|long.txt: Third file\n"

static void members_of_tar(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer tar = {0};
    Elements elements;
    make_tar(&tar);
    assert_ok(read_archive(buffer_bytes(&tar), "a.tar", arena, &elements));
    assert_members(&elements, TAR_MEMBERS);
    assert_str(elements.items[0].part->filetype, "text/html");
}

static void pack_gzip(Bytes input, Buffer *out)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_ok(buffer_reserve(out, input.len + 100));
    stream.next_in = (uint8_t *)(uintptr_t)input.data;
    stream.avail_in = (unsigned)input.len;
    stream.next_out = out->data + out->len;
    stream.avail_out = (unsigned)(input.len + 100);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    buffer_grown(out, stream.total_out);
    deflateEnd(&stream);
}

static void pack_bzip2(Bytes input, Buffer *out)
{
    unsigned len = (unsigned)input.len + 1000;
    assert_ok(buffer_reserve(out, len));
    assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out->data + out->len, &len, (char *)(uintptr_t)input.data,
                                              (unsigned)input.len, 1, 0, 0),
                     BZ_OK);
    buffer_grown(out, len);
}

static void pack_zstd(Bytes input, Buffer *out)
{
    assert_ok(buffer_reserve(out, ZSTD_compressBound(input.len)));
    size_t len = ZSTD_compress(out->data + out->len, out->capacity - out->len, input.data, input.len, 1);
    assert_false(ZSTD_isError(len));
    buffer_grown(out, len);
}

static void packed_files(void **state)
{
    (void)state;
    static void (*const packers[])(Bytes, Buffer *) = {pack_gzip, pack_bzip2, pack_zstd};
    CLEANUP(buffer_done) Buffer tar = {0};
    make_tar(&tar);
    for (size_t i = 0; i < ARRAY_COUNT(packers); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(buffer_done) Buffer packed = {0};
        CLEANUP(buffer_done) Buffer single = {0};
        Elements elements;
        packers[i](buffer_bytes(&tar), &packed);
        assert_ok(read_archive(buffer_bytes(&packed), "a.tar.gz", arena, &elements));
        assert_members(&elements, TAR_MEMBERS);
        packers[i](str_bytes(STR("Only one")), &single);
        assert_ok(read_archive(buffer_bytes(&single), "a.TXT.bz2", arena, &elements));
        assert_members(&elements, "a.TXT|a.TXT: Only one\n");
        packed.len /= 2;
        assert_fails(read_archive(buffer_bytes(&packed), "a.tar.gz", arena, &elements), ERR_CORRUPT);
    }
}

static void streams_that_follow_one_another(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    static void (*const packers[])(Bytes, Buffer *) = {pack_gzip, pack_bzip2, pack_zstd};
    for (size_t i = 0; i < ARRAY_COUNT(packers); i++) {
        CLEANUP(buffer_done) Buffer packed = {0};
        Elements elements;
        packers[i](str_bytes(STR("Two ")), &packed);
        packers[i](str_bytes(STR("halves")), &packed);
        assert_ok(read_archive(buffer_bytes(&packed), "a.txt.gz", arena, &elements));
        assert_members(&elements, "a.txt|a.txt: Two halves\n");
    }
}

static void members_of_zip(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(zip_testing_done) ZipTesting inner = {0};
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    Elements elements;
    zip_testing_part(&inner, "deep.txt", "Inner text");
    zip_testing_part(&zip, "d/", "");
    zip_testing_part(&zip, "d/a.txt", "Outer text");
    zip_testing_part(&zip, "__MACOSX/d/._a.txt", "junk");
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("x.wav"), .content = STR("RIFF\x24\0\0\0WAVEfmt ")});
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("bad.txt"), .content = STR("x"), .crc32 = 1});
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("in.zip"), .content = bytes_str(zip_testing_end(&inner))});
    zip_testing_part(&zip, "/z.txt", "Last text");
    assert_fails_saying(read_archive(zip_testing_end(&zip), "a.zip", arena, &elements), ERR_UNSUPPORTED,
                        "archive: member 'x.wav': unsupported type: audio/x-wav");
    assert_members(&elements,
                   "d/a.txt|a.txt: Outer text\nin.zip/deep.txt|deep.txt: Inner text\n/z.txt|z.txt: Last text\n");
}

static void count_signs(void *context, uint64_t units_done)
{
    uint64_t *signs = context;
    assert_true(units_done > 0);
    ++*signs;
}

/* Nothing comes of most members, and all of them take longer than one may be silent. */
static void each_member_is_a_sign_of_life(void **state)
{
    (void)state;
    enum { MEMBERS = 40 };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer tar = {0};
    uint64_t signs = 0;
    PartitionWatch watch = {count_signs, &signs};
    for (size_t i = 0; i < MEMBERS; i++)
        tar_add(&tar, "empty.txt", '0', STR_EMPTY);
    tar_end(&tar);
    Expansion expansion = expansion_for(buffer_bytes(&tar));
    PartitionOptions options = {.uncompress = true, .expansion = &expansion};
    Elements elements = {.arena = arena};
    assert_ok(partition_archive(buffer_bytes(&tar), STR("application/x-tar"), &options, &watch, &elements));
    assert_int_equal(signs, MEMBERS);
}

/* A zip in a zip in a zip ... */
static void levels_are_bounded(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer content = {0};
    Elements elements;
    assert_ok(buffer_append_str(&content, STR("Some text")));
    for (int i = 0; i < EXPANSION_LEVELS_MAX + 2; i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        zip_testing_add(&zip, (ZipTestingMember){.name = STR("a"), .content = buffer_str(&content)});
        Bytes bytes = zip_testing_end(&zip);
        buffer_clear(&content);
        assert_ok(buffer_append(&content, bytes.data, bytes.len));
    }
    assert_fails_saying(read_archive(buffer_bytes(&content), "a.zip", arena, &elements), ERR_LIMIT, "levels deep");
    assert_int_equal(elements.count, 0);
}

static void a_bomb_meets_its_limit(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer zeros = {0};
    CLEANUP(buffer_done) Buffer packed = {0};
    Elements elements;
    size_t len = 16 * MIB;
    assert_ok(buffer_reserve(&zeros, len));
    memset(zeros.data, 0, len);
    buffer_grown(&zeros, len);
    pack_gzip(buffer_bytes(&zeros), &packed);
    assert_fails_saying(read_archive(buffer_bytes(&packed), "a.gz", arena, &elements), ERR_LIMIT,
                        "unpack to more than");
}

static void bad_input(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(buffer_done) Buffer tar = {0};
    Elements elements;
    PartitionOptions options = {.expansion = &(Expansion){0}};
    make_tar(&tar);
    elements = (Elements){.arena = arena};
    assert_fails_saying(partition_archive(buffer_bytes(&tar), STR("application/x-tar"), &options, NULL, &elements),
                        ERR_UNSUPPORTED,
                        "unsupported type: application/x-tar; the documents in it are read with --uncompress");
    Bytes cut = {tar.data, 2 * BLOCK + 10};
    assert_fails_saying(read_archive(cut, "a.tar", arena, &elements), ERR_CORRUPT,
                        "tar: the file ends inside the member at byte");
    tar.data[3 * BLOCK + 5] ^= 1;
    assert_fails_saying(read_archive(buffer_bytes(&tar), "a.tar", arena, &elements), ERR_CORRUPT,
                        "archive: tar: the header at byte 1536 is damaged");
    assert_int_equal(elements.count, 1);
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(partition_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_of_tar),
        cmocka_unit_test(packed_files),
        cmocka_unit_test(streams_that_follow_one_another),
        cmocka_unit_test(members_of_zip),
        cmocka_unit_test(each_member_is_a_sign_of_life),
        cmocka_unit_test(levels_are_bounded),
        cmocka_unit_test(a_bomb_meets_its_limit),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
