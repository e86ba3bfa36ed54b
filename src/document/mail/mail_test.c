/* Whole mails to elements. */
#include "document/detect.h"
#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"

#define HEAD "From: Ann <a@b.c>\nTo: d@e.f\nSubject: Hi\nDate: Fri, 16 Dec 2022 17:04:16 -0500\nMessage-ID: <1@b.c>\n"
#define MIXED HEAD "Content-Type: multipart/mixed; boundary=\"B\"\n\n"

static Error *read_mail(Str mail, Elements *elements)
{
    Expansion expansion = expansion_for(str_bytes(mail));
    PartitionOptions options = {.filename = STR("m.eml"), .expansion = &expansion};
    return partition_mail(str_bytes(mail), STR("message/rfc822"), &options, NULL, elements);
}

/* Each element as "Type text", its file in brackets when that is another than the mail. */
static void assert_mail(const char *name, Str mail, const char *expected)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    CLEANUP(buffer_done) Buffer out = {0};
    Elements elements = {.arena = arena};
    assert_ok(read_mail(mail, &elements));
    for (size_t i = 0; i < elements.count; i++) {
        const Element *e = &elements.items[i];
        assert_non_null(e->part);
        assert_ok(
            buffer_append_format(&out, STR_FMT " " STR_FMT, STR_ARG(element_type_name(e->type)), STR_ARG(e->text)));
        if (e->part->attached_to_filename.len > 0)
            assert_ok(buffer_append_format(&out, " [" STR_FMT " in " STR_FMT ", " STR_FMT "]",
                                           STR_ARG(e->part->filename), STR_ARG(e->part->attached_to_filename),
                                           STR_ARG(e->part->filetype)));
        assert_ok(buffer_append_byte(&out, '\n'));
    }
    if (!str_equal(buffer_str(&out), str_of(expected)))
        print_error("%s: got\n" STR_FMT "instead of\n%s", name, STR_ARG(buffer_str(&out)), expected);
    assert_true(str_equal(buffer_str(&out), str_of(expected)));
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    assert_ok(detect_warm_up());
    html_warm_up();
    return 0;
}

#define PLAIN "Content-Type: text/plain\n\nThe cat sat here.\n"
#define HTML "Content-Type: text/html\n\n<h1>Cats</h1>\n"
#define FILE(type, name) "Content-Type: " type "\nContent-Disposition: attachment; filename=" name "\n\n"
#define TEXT "NarrativeText The cat sat here.\n"

static void bodies(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"plain", HEAD "\nThe cat sat here.\n", TEXT},
        {"html", HEAD HTML, "Title Cats\n"},
        {"no headers", "\nThe cat sat here.\n", TEXT},
        {"html before plain",
         HEAD "Content-Type: multipart/alternative; boundary=B\n\n--B\n" PLAIN "--B\n" HTML "--B--\n", "Title Cats\n"},
        {"line ends of Windows",
         HEAD "Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n\r\nThe cat sat here.\r\n--B--", TEXT},
        {"line ends of old Macs", "From: a\rTo: b\r\rThe cat sat here.\r", TEXT},
        {"preamble and epilogue", MIXED "before\n--B\n" PLAIN "--B--\nbehind\n", TEXT},
        {"no end", MIXED "--B\n" PLAIN, TEXT},
        {"space behind boundaries", MIXED "--B \t\n" PLAIN "--B-- \n", TEXT},
        {"longer boundaries are others", MIXED "--B\n" PLAIN "--BB\nx\n--B--\n", TEXT "Title --BB\nTitle x\n"},
        {"no boundary", HEAD "Content-Type: multipart/mixed\n\n--B\n" PLAIN, ""},
        {"boundary that does not come", MIXED "The cat sat here.\n", ""},
        {"nested",
         MIXED "--B\nContent-Type: multipart/alternative; boundary=C\n\n--C\n" PLAIN "--C\n" HTML "--C--\n--B--\n",
         "Title Cats\n"},
        {"nested without an end", MIXED "--B\nContent-Type: multipart/alternative; boundary=C\n\n--C\n" PLAIN "--B--\n",
         TEXT},
        {"related",
         HEAD "Content-Type: multipart/related; start=\"<r>\"; boundary=B\n\n--B\nContent-ID: <x>\n" PLAIN
              "--B\nContent-ID: <r>\n" HTML "--B--\n",
         "Title Cats\nNarrativeText The cat sat here. [ in m.eml, text/plain]\n"},
        {"quoted-printable", HEAD "Content-Transfer-Encoding: Quoted-Printable\n\nThe ca=\nt s=61t here.\n", TEXT},
        {"base64", HEAD "Content-Transfer-Encoding: base64\n\nVGhlIGNhdCBzYXQgaGVyZS4K\n", TEXT},
        {"charset",
         HEAD "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
              "The caf=E9 was closed.\n",
         "NarrativeText The caf\xC3\xA9 was closed.\n"},
        {"charset that is none", HEAD "Content-Type: text/plain; charset=x-none\n\nThe caf\xC3\xA9 was closed.\n",
         "NarrativeText The caf\xC3\xA9 was closed.\n"},
        {"UTF-16 that is not", HEAD "Content-Type: text/plain; charset=utf-16\n\nThe caf\xC3\xA9 was closed.\n",
         "NarrativeText The café was closed.\n"},
        {"ASCII that is not", HEAD "Content-Type: text/plain; charset=us-ascii\n\nThe caf\xC3\xA9 was closed.\n",
         "NarrativeText The caf\xC3\xA9 was closed.\n"},
        {"type that is none", HEAD "Content-Type: text\n\nThe cat sat here.\n", TEXT},
        {"a picture alone", HEAD "Content-Type: image/png\n\nxx\n", ""},
        {"encrypted", HEAD "Content-Type: multipart/encrypted; boundary=B\n\n--B\n" PLAIN "--B--\n", ""},
        {"a mark before it", "\xEF\xBB\xBF" HEAD "\nThe cat sat here.\n", TEXT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_mail(cases[i].name, str_of(cases[i].input), cases[i].expected);
    assert_mail("UTF-16", STR("F\0r\0o\0m\0:\0 \0a\0\n\0\n\0W\0e\0 \0s\0a\0w\0 \0i\0t\0.\0\n\0"),
                "NarrativeText We saw it.\n");
}

static void attachments(void **state)
{
    (void)state;
    static const PartitionCase cases[] = {
        {"text", MIXED "--B\n" PLAIN "--B\n" FILE("text/plain", "x.txt") "The dog ran away.\n--B--\n",
         TEXT "NarrativeText The dog ran away. [x.txt in m.eml, text/plain]\n"},
        {"by its name", MIXED "--B\n" PLAIN "--B\n" FILE("application/octet-stream", "x.md") "# Dogs\n--B--\n",
         TEXT "Title Dogs [x.md in m.eml, text/markdown]\n"},
        {"a path for a name",
         MIXED "--B\n" PLAIN "--B\n" FILE("text/plain", "\"../../etc/x.txt\"") "The dog ran away.\n--B--\n",
         TEXT "NarrativeText The dog ran away. [x.txt in m.eml, text/plain]\n"},
        {"a name of the type",
         MIXED "--B\n" PLAIN "--B\nContent-Type: text/html; name=x.html\n\n<p>Dogs ran away.</p>\n--B\n"
               "Content-Type: text/html; name=y.html\n\n<p>Dogs ran away.</p>\n--B--\n",
         "NarrativeText Dogs ran away.\nNarrativeText Dogs ran away. [y.html in m.eml, text/html]\n"},
        {"inline",
         MIXED "--B\nContent-Disposition: inline\n" PLAIN "--B\nContent-Disposition: inline\n" PLAIN "--B--\n",
         TEXT "NarrativeText The cat sat here. [ in m.eml, text/plain]\n"},
        {"what cannot be read",
         MIXED "--B\n" PLAIN "--B\n" FILE("audio/mpeg", "x.mp3") "\1\2\3\4\n--B\n" FILE(
             "text/plain", "x.txt") "The dog ran away.\n--B--\n",
         TEXT "NarrativeText The dog ran away. [x.txt in m.eml, text/plain]\n"},
        {"empty", MIXED "--B\n" PLAIN "--B\n" FILE("text/plain", "x.txt") "\n--B--\n", TEXT},
        {"a signature", MIXED "--B\n" PLAIN "--B\n" FILE("application/pkcs7-signature", "smime.p7s") "abc\n--B--\n",
         TEXT},
        {"a mail", MIXED "--B\n" PLAIN "--B\nContent-Type: message/rfc822\n\nSubject: In\n\nThe dog ran away.\n--B--\n",
         TEXT "NarrativeText The dog ran away. [ in m.eml, message/rfc822]\n"},
        {"a mail with a file",
         MIXED "--B\n" PLAIN "--B\n" FILE(
             "message/rfc822", "in.eml") "Content-Type: multipart/mixed; boundary=C\n\n--C\n" PLAIN
                                         "--C\n" FILE("text/plain", "x.txt") "The dog ran away.\n--C--\n--B--\n",
         TEXT "NarrativeText The cat sat here. [in.eml in m.eml, message/rfc822]\n"
              "NarrativeText The dog ran away. [x.txt in m.eml, text/plain]\n"},
        {"nothing but a mail", HEAD "Content-Type: message/rfc822\n\nSubject: In\n\nThe dog ran away.\n",
         "NarrativeText The dog ran away. [ in m.eml, message/rfc822]\n"},
        {"digest", HEAD "Content-Type: multipart/digest; boundary=B\n\n--B\n\nSubject: 1\n\nThe dog ran away.\n--B--\n",
         "NarrativeText The dog ran away. [ in m.eml, message/rfc822]\n"},
        {"a multipart",
         MIXED "--B\n" PLAIN "--B\nContent-Type: multipart/signed; boundary=C\n\n--C\n" PLAIN "--C--\n--B--\n",
         TEXT "NarrativeText The cat sat here. [ in m.eml, message/rfc822]\n"},
        {"what is signed, once",
         HEAD
         "Content-Type: multipart/signed; boundary=B\n\n--B\nContent-Type: multipart/mixed; boundary=C\n\n--C\n" PLAIN
         "--C\n" FILE("text/plain", "x.txt") "The dog ran away.\n--C--\n--B--\n",
         TEXT "NarrativeText The dog ran away. [x.txt in m.eml, text/plain]\n"},
        {"none in alternatives",
         HEAD "Content-Type: multipart/alternative; boundary=B\n\n--B\n" PLAIN
              "--B\nContent-Type: text/calendar\n\nx\n--B--\n",
         TEXT},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_mail(cases[i].name, str_of(cases[i].input), cases[i].expected);
}

static void metadata(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements = {.arena = arena};
    assert_ok(read_mail(
        STR("From: Ann <a@b.c>, x@y.z\nTo: d@e.f\nTo: g@h.i\nCc: j@k.l\nBcc: m@n.o\nsubject: =?utf-8?q?Hi?=\n"
            "Date: Fri, 16 Dec 2022 17:04:16 -0500\nMessage-Id: <1@b.c> \n"
            "Content-Type: multipart/mixed; boundary=B\n\n--B\n" PLAIN
            "--B\n" FILE("message/rfc822", "in.eml") "Subject: In\nDate: 1 Jan 2020 00:00\n\nThe dog ran away.\n"
                                                     "--B--\n"),
        &elements));
    assert_int_equal(elements.count, 2);
    const ElementPart *part = elements.items[0].part;
    assert_int_equal(part->sent_from.count, 1);
    assert_str(part->sent_from.items[0], "Ann <a@b.c>");
    assert_int_equal(part->sent_to.count, 2);
    assert_str(part->sent_to.items[1], "g@h.i");
    assert_str(part->cc_recipient.items[0], "j@k.l");
    assert_str(part->bcc_recipient.items[0], "m@n.o");
    assert_str(part->subject, "Hi");
    assert_str(part->email_message_id, "1@b.c");
    assert_str(part->last_modified, "2022-12-16T22:04:16+00:00");
    assert_str(part->attached_to_filename, "");
    assert_int_equal(elements.items[0].languages.count, 1);
    const ElementPart *inner = elements.items[1].part;
    assert_str(inner->subject, "In");
    assert_str(inner->last_modified, "2022-12-16T22:04:16+00:00"); /* the outer mail's */
    assert_int_equal(inner->sent_from.count, 0);
}

/* Multiparts in one another. */
static Error *read_nested(size_t levels)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    CLEANUP(buffer_done) Buffer mail = {0};
    Elements elements = {.arena = arena};
    for (size_t i = 0; i < levels; i++)
        assert_ok(buffer_append_format(&mail, "Content-Type: multipart/mixed; boundary=b%zu\n\n--b%zu\n", i, i));
    assert_ok(buffer_append_str(&mail, STR(PLAIN)));
    Error *error = read_mail(buffer_str(&mail), &elements);
    assert_int_equal(elements.count, error ? 0 : 1);
    return error;
}

static Error *read_mails_in_mails(size_t levels)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    CLEANUP(buffer_done) Buffer mail = {0};
    Elements elements = {.arena = arena};
    for (size_t i = 0; i < levels; i++)
        assert_ok(buffer_append_format(&mail, "Content-Type: multipart/digest; boundary=b%zu\n\n--b%zu\n\n", i, i));
    assert_ok(buffer_append_str(&mail, STR(PLAIN)));
    return read_mail(buffer_str(&mail), &elements);
}

static void limits(void **state)
{
    (void)state;
    assert_ok(read_nested(64));
    assert_fails_saying(read_nested(65), ERR_LIMIT, "64 levels");
    assert_fails_saying(read_nested(10000), ERR_LIMIT, "64 levels");
    assert_ok(read_mails_in_mails(10));
    assert_fails_saying(read_mails_in_mails(11), ERR_LIMIT, "10 levels");
    CLEANUP(buffer_done) Buffer many = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    Elements elements = {.arena = arena};
    assert_ok(buffer_append_str(&many, STR(MIXED)));
    for (size_t i = 0; i < 10000; i++)
        assert_ok(buffer_append_str(&many, STR("--B\n\n")));
    assert_fails_saying(read_mail(buffer_str(&many), &elements), ERR_LIMIT, "10000 parts");
    assert_fails_saying(read_mail(STR("\x30\x82\x01\x02\x01\0\0\x03\xFF"), &elements), ERR_CORRUPT, "no header");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies),
        cmocka_unit_test(attachments),
        cmocka_unit_test(metadata),
        cmocka_unit_test(limits),
    };
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
