/* Outlook messages that the test writes, to elements. */
#include <stdio.h>

#include "document/detect.h"
#include "document/html/tree.h"
#include "document/ole_testing.h"
#include "document/testing.h"
#include "document/text/charset.h"

/* A message while it is written. Names and streams live until it is read. */
typedef struct MsgFile {
    OleFile ole;
    char names[OLE_TEST_ENTRIES][32];
    Buffer contents[OLE_TEST_ENTRIES];
    size_t name_count, content_count;
} MsgFile;

static void msg_done(MsgFile *msg)
{
    for (size_t i = 0; i < OLE_TEST_ENTRIES; i++)
        buffer_done(&msg->contents[i]);
}

static void add_binary(MsgFile *msg, uint32_t storage, unsigned property, unsigned type, Bytes content)
{
    char *name = msg->names[msg->name_count++];
    snprintf(name, sizeof msg->names[0], "__substg1.0_%04X%04X", property, type);
    ole_file_add(&msg->ole, storage, name, content);
}

static void add_string8(MsgFile *msg, uint32_t storage, unsigned property, const char *text)
{
    add_binary(msg, storage, property, 0x001E, str_bytes(str_of(text)));
}

static void add_string(MsgFile *msg, uint32_t storage, unsigned property, const char *ascii)
{
    Buffer *utf16 = &msg->contents[msg->content_count++];
    for (const char *c = ascii; *c; c++)
        ole_put(utf16, (uint8_t)*c, 2);
    add_binary(msg, storage, property, 0x001F, buffer_bytes(utf16));
}

/* The stream of rows: `header_bytes` and one row, or none for type 0. */
static void add_rows(MsgFile *msg, uint32_t storage, size_t header_bytes, unsigned property, unsigned type,
                     uint64_t value)
{
    Buffer *rows = &msg->contents[msg->content_count++];
    for (size_t i = 0; i < header_bytes; i++)
        ole_put(rows, 0, 1);
    if (type != 0)
        ole_put(rows, type, 2), ole_put(rows, property, 2), ole_put(rows, 0, 4), ole_put(rows, value, 8);
    ole_file_add(&msg->ole, storage, "__properties_version1.0", buffer_bytes(rows));
}

static Error *read_msg(MsgFile *msg, Elements *elements)
{
    CLEANUP(buffer_done) Buffer file = {0};
    ole_file_finish(&msg->ole, &file);
    Expansion expansion = expansion_for(buffer_bytes(&file));
    PartitionOptions options = {.filename = STR("m.msg"), .expansion = &expansion};
    assert_str(detect_filetype(buffer_bytes(&file), STR_EMPTY), "application/vnd.ms-outlook");
    return partition_msg(buffer_bytes(&file), STR("application/vnd.ms-outlook"), &options, NULL, elements);
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    assert_ok(detect_warm_up());
    html_warm_up();
    return 0;
}

static void bodies(void **state)
{
    (void)state;
    static const struct {
        const char *name, *html, *html8, *plain;
        unsigned codepage;
        const char *rtf, *expected;
    } cases[] = {
        {"html", "<h1>Cats</h1>", NULL, "The cat sat here.", 0, NULL, "Title:0 Cats\n"},
        {"html as text", NULL, "<h1>Cats</h1>", NULL, 0, NULL, "Title:0 Cats\n"},
        {"html in a code page", "<p>The caf\xE9 was closed.</p>", NULL, NULL, 1252, NULL,
         "NarrativeText The caf\xC3\xA9 was closed.\n"},
        {"html in ISO 8859-2", "<p>The \xE8 was here.</p>", NULL, NULL, 28592, NULL,
         "NarrativeText The \xC4\x8D was here.\n"},
        {"plain text", NULL, NULL, "The cat sat here.", 0, NULL, "NarrativeText The cat sat here.\n"},
        {"packed RTF", NULL, NULL, NULL, 0, "LZFu", "UncategorizedText hello world\n"},
        {"RTF", NULL, NULL, NULL, 0, "MELA{\\rtf1 The cat sat here.\\par}", "NarrativeText The cat sat here.\n"},
        {"none", NULL, NULL, NULL, 0, NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(msg_done) MsgFile msg = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        add_rows(&msg, 0, 32, 0x3FDE, cases[i].codepage ? 3 : 0, cases[i].codepage);
        if (cases[i].html)
            add_binary(&msg, 0, 0x1013, 0x0102, str_bytes(str_of(cases[i].html)));
        if (cases[i].html8)
            add_string8(&msg, 0, 0x1013, cases[i].html8);
        if (cases[i].plain)
            add_string(&msg, 0, 0x1000, cases[i].plain);
        if (cases[i].rtf) { /* the mark stands behind two sizes, before a checksum */
            static const uint8_t packed[] = "\x03\0\x0A\0rcpg125B\x32\x0A\xF3 hel\x09\0 bw\x05\xB0"
                                            "ld}\x0A\x80\x0F\xA0";
            bool plain = cases[i].rtf[0] == 'M';
            Buffer *rtf = &msg.contents[msg.content_count++];
            ole_put(rtf, 0, 4);
            ole_put(rtf, plain ? strlen(cases[i].rtf + 4) : 43, 4);
            assert_ok(buffer_append(rtf, cases[i].rtf, 4));
            ole_put(rtf, 0, 4);
            assert_ok(buffer_append(rtf, plain ? (const uint8_t *)cases[i].rtf + 4 : packed,
                                    plain ? strlen(cases[i].rtf + 4) : sizeof packed - 1));
            add_binary(&msg, 0, 0x1009, 0x0102, buffer_bytes(rtf));
        }
        assert_ok(read_msg(&msg, &elements));
        assert_elements(cases[i].name, &elements, cases[i].expected);
    }
}

static void metadata(void **state)
{
    (void)state;
    CLEANUP(msg_done) MsgFile msg = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    add_rows(&msg, 0, 32, 0x0039, 0x40, UINT64_C(133157018560000000));
    add_string(&msg, 0, 0x0037, "Hi");
    add_string(&msg, 0, 0x1000, "The cat sat here.");
    add_string8(&msg, 0, 0x007D, "From: \"Ann\" <a@b.c>\r\nCc: x@y.z, Dee <d@e.f>\r\nMessage-ID: <1@b.c>\r\n");
    uint32_t second = ole_file_add_storage(&msg.ole, 0, "__recip_version1.0_#00000001");
    add_string(&msg, second, 0x3003, "two@b.c");
    uint32_t first = ole_file_add_storage(&msg.ole, 0, "__recip_version1.0_#00000000");
    add_string(&msg, first, 0x39FE, "one@b.c");
    add_string(&msg, first, 0x3003, "/O=EXCHANGE/CN=ONE");
    assert_ok(read_msg(&msg, &elements));
    assert_int_equal(elements.count, 1);
    const ElementPart *part = elements.items[0].part;
    assert_str(part->filename, "m.msg");
    assert_str(part->subject, "Hi");
    assert_str(part->last_modified, "2022-12-16T22:04:16+00:00");
    assert_str(part->email_message_id, "1@b.c");
    assert_int_equal(part->sent_from.count, 1);
    assert_str(part->sent_from.items[0], "\"Ann\" <a@b.c>");
    assert_int_equal(part->sent_to.count, 2);
    assert_str(part->sent_to.items[0], "one@b.c");
    assert_str(part->sent_to.items[1], "two@b.c");
    assert_int_equal(part->cc_recipient.count, 2);
    assert_str(part->cc_recipient.items[1], "Dee <d@e.f>");
}

static void senders_without_headers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *address, *expected;
    } cases[] = {{"Ann", "a@b.c", "\"Ann\" <a@b.c>"}, {"", "a@b.c", "<a@b.c>"}, {"Ann", "", "Ann"}, {"", "", ""}};
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(msg_done) MsgFile msg = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
        Elements elements = {.arena = arena};
        add_rows(&msg, 0, 32, 0, 0, 0);
        add_string(&msg, 0, 0x1000, "The cat sat here.");
        add_string(&msg, 0, 0x0C1A, cases[i].name);
        add_string(&msg, 0, 0x0C1F, cases[i].address);
        assert_ok(read_msg(&msg, &elements));
        StrList from = elements.items[0].part->sent_from;
        assert_int_equal(from.count, *cases[i].expected != '\0');
        if (from.count > 0)
            assert_str(from.items[0], cases[i].expected);
    }
}

static void attachments(void **state)
{
    (void)state;
    CLEANUP(msg_done) MsgFile msg = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    add_rows(&msg, 0, 32, 0, 0, 0);
    add_string(&msg, 0, 0x1000, "The cat sat here.");
    uint32_t file = ole_file_add_storage(&msg.ole, 0, "__attach_version1.0_#00000000");
    add_rows(&msg, file, 8, 0x3008, 0x40, UINT64_C(133157018560000000));
    add_string(&msg, file, 0x3707, "..\\x.txt");
    add_string(&msg, file, 0x3704, "SHORT.TXT");
    add_binary(&msg, file, 0x3701, 0x0102, str_bytes(STR("The dog ran away.")));
    uint32_t embedded = ole_file_add_storage(&msg.ole, 0, "__attach_version1.0_#00000001");
    uint32_t inner = ole_file_add_storage(&msg.ole, embedded, "__substg1.0_3701000D");
    add_rows(&msg, inner, 24, 0x0039, 0x40, 0);
    add_string(&msg, inner, 0x0037, "Inner");
    add_string(&msg, inner, 0x1000, "The bird flew off.");
    uint32_t nothing = ole_file_add_storage(&msg.ole, 0, "__attach_version1.0_#00000002");
    add_string(&msg, nothing, 0x3707, "by-reference.txt");
    assert_ok(read_msg(&msg, &elements));
    assert_elements(
        "attachments", &elements,
        "NarrativeText The cat sat here.\nNarrativeText The dog ran away.\nNarrativeText The bird flew off.\n");
    assert_str(elements.items[1].part->filename, "x.txt");
    assert_str(elements.items[1].part->filetype, "text/plain");
    assert_str(elements.items[1].part->attached_to_filename, "m.msg");
    assert_str(elements.items[1].part->last_modified, "2022-12-16T22:04:16+00:00");
    assert_str(elements.items[2].part->filename, "unknown");
    assert_str(elements.items[2].part->filetype, "application/vnd.ms-outlook");
    assert_str(elements.items[2].part->subject, "Inner");
    assert_str(elements.items[2].part->attached_to_filename, "m.msg");
}

static void refused(void **state)
{
    (void)state;
    CLEANUP(msg_done) MsgFile encrypted = {0}, deep = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    add_rows(&encrypted, 0, 32, 0, 0, 0);
    add_string(&encrypted, 0, 0x1000, "The cat sat here.");
    add_string(&encrypted, 0, 0x007D, "Content-Type: multipart/encrypted; boundary=x\n");
    assert_ok(read_msg(&encrypted, &elements));
    assert_int_equal(elements.count, 0);

    add_rows(&deep, 0, 32, 0, 0, 0);
    for (uint32_t i = 0, storage = 0; i < 11; i++) {
        storage = ole_file_add_storage(&deep.ole, storage, "__attach_version1.0_#00000000");
        storage = ole_file_add_storage(&deep.ole, storage, "__substg1.0_3701000D");
    }
    assert_fails_saying(read_msg(&deep, &elements), ERR_LIMIT, "10 levels");
    PartitionOptions options = {0};
    assert_fails(partition_msg(str_bytes(STR("\xD0\xCF\x11\xE0")), STR_EMPTY, &options, NULL, &elements), ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),      cmocka_unit_test(metadata), cmocka_unit_test(senders_without_headers),
        cmocka_unit_test(attachments), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
