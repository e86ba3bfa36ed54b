#include "document/html/tree.h"
#include "document/testing.h"
#include "document/text/charset.h"
#include "document/zip_testing.h"

#define CONTAINER                                                                                                      \
    "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles><rootfile full-path='O/p.opf'/>"    \
    "</rootfiles></container>"
#define XHTML "application/xhtml+xml"

/* The members of a book besides its container; a NULL name ends them. */
typedef struct BookMember {
    const char *name, *content;
} BookMember;

static void make_book(const BookMember *members, Buffer *out)
{
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    zip_testing_add(&zip, (ZipTestingMember){.name = STR("mimetype"), .content = STR("application/epub+zip")});
    for (; members->name; members++)
        zip_testing_add(
            &zip,
            (ZipTestingMember){.name = str_of(members->name), .content = str_of(members->content), .deflated = true});
    zip_testing_end(&zip);
    assert_ok(buffer_append_str(out, buffer_str(&zip.out)));
}

static Error *read_book(Arena *arena, const BookMember *members, Elements *ret_elements)
{
    CLEANUP(buffer_done) Buffer book = {0};
    make_book(members, &book);
    Expansion expansion = expansion_for(buffer_bytes(&book));
    PartitionOptions options = {.expansion = &expansion};
    *ret_elements = (Elements){.arena = arena};
    return partition_epub(buffer_bytes(&book), STR("application/epub"), &options, NULL, ret_elements);
}

#define ONE_CHAPTER                                                                                                    \
    {"META-INF/container.xml", CONTAINER},                                                                             \
    {                                                                                                                  \
        "O/p.opf", "<package><manifest><item id='a' href='1.xhtml' media-type='" XHTML                                 \
                   "'/></manifest><spine><itemref idref='a'/></spine></package>"                                       \
    }

static void chapters_in_the_order_of_the_spine(void **state)
{
    (void)state;
    static const BookMember members[] = {
        {"META-INF/container.xml", CONTAINER},
        {"O/p.opf",
         "<package xmlns='http://www.idpf.org/2007/opf'><manifest>"
         "<item id='z' href='text/1%201.xhtml' media-type='" XHTML "'/><item id='a' href='./x/../2.xhtml#top' "
         "media-type='" XHTML "'/><item id='p' href='p.svg' media-type='image/svg+xml'/>"
         "</manifest><spine><itemref idref='a'/><itemref idref='p'/><itemref idref='z'/></spine></package>"},
        {"O/text/1 1.xhtml",
         "<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'><head><title>T</title></head>"
         "<body><h1>One</h1><p>Go <a href='../2.xhtml#top'>there</a> or <a href='#x'>here</a> or "
         "<a href='http://w/#y'>out</a></p></body></html>"},
        {"O/2.xhtml", "<html><body><h2>Two<br/></h2></body></html>"},
        {NULL, NULL},
    };
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    Elements elements;
    assert_ok(read_book(arena, members, &elements));
    assert_elements("spine", &elements, "Title:1 Two\nTitle:0 One\nNarrativeText Go there or here or out\n");
    assert_int_equal(element_rare(&elements.items[2])->link_urls.count, 3);
    assert_str(element_rare(&elements.items[2])->link_urls.items[0], "#2.xhtml_top");
    assert_str(element_rare(&elements.items[2])->link_urls.items[1], "#1 1.xhtml_x");
    assert_str(element_rare(&elements.items[2])->link_urls.items[2], "http://w/#y");
}

static void the_cover_comes_first(void **state)
{
    (void)state;
    static const char *const packages[] = {
        "<package><metadata><meta name='cover' content='c'/></metadata><manifest><item id='c' href='c.png' "
        "media-type='image/png'/></manifest></package>",
        "<package><manifest><item id='c' href='c.png' media-type='image/png' properties='cover-image'/></manifest></package>",
    };
    for (size_t i = 0; i < ARRAY_COUNT(packages); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        BookMember members[] = {{"META-INF/container.xml", CONTAINER}, {"O/p.opf", packages[i]}, {NULL, NULL}};
        Elements elements;
        assert_ok(read_book(arena, members, &elements));
        assert_elements("cover", &elements, "Image \n");
        assert_str(element_rare(&elements.items[0])->image_url, "c.png");
    }
}

static void trouble(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        BookMember members[4];
        ErrorCode code;
        const char *message, *elements;
    } cases[] = {
        {"no container", {{"a", "b"}}, ERR_CORRUPT, "epub: META-INF/container.xml: it is missing", ""},
        {"a container without a package",
         {{"META-INF/container.xml", "<container/>"}},
         ERR_CORRUPT,
         "epub: META-INF/container.xml names no package",
         ""},
        {"no package",
         {{"META-INF/container.xml", CONTAINER}},
         ERR_CORRUPT,
         "epub: package 'O/p.opf': it is missing",
         ""},
        {"a missing chapter", {ONE_CHAPTER}, ERR_CORRUPT, "epub: chapter 'O/1.xhtml': it is missing", ""},
        {"the others are read",
         {{"META-INF/container.xml", CONTAINER},
          {"O/p.opf", "<package><manifest><item id='a' href='../../etc/passwd' media-type='" XHTML
                      "'/><item id='b' href='b' media-type='text/html'/></manifest><spine><itemref idref='a'/>"
                      "<itemref idref='c'/><itemref idref='b'/></spine></package>"},
          {"O/b", "<p>Here we are"}},
         ERR_CORRUPT,
         "epub: chapter 'etc/passwd': it is missing",
         "NarrativeText Here we are\n"},
        {"protected",
         {ONE_CHAPTER,
          {"META-INF/encryption.xml",
           "<e:encryption xmlns:e='x'><EncryptionMethod Algorithm='http://www.w3.org/2001/04/"
           "xmlenc#aes128-cbc'/></e:encryption>"}},
         ERR_UNSUPPORTED,
         "epub: encrypted: the book is protected by 'http://www.w3.org/2001/04/xmlenc#aes128-cbc'",
         ""},
        {"masked fonts are no protection",
         {ONE_CHAPTER,
          {"META-INF/encryption.xml",
           "<encryption><EncryptionMethod Algorithm='http://www.idpf.org/2008/embedding'/></encryption>"}},
         ERR_CORRUPT,
         "epub: chapter 'O/1.xhtml': it is missing",
         ""},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        Elements elements;
        print_message("%s\n", cases[i].name);
        assert_fails_saying(read_book(arena, cases[i].members, &elements), cases[i].code, cases[i].message);
        assert_elements(cases[i].name, &elements, cases[i].elements);
    }
}

static int set_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    html_warm_up();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chapters_in_the_order_of_the_spine),
        cmocka_unit_test(the_cover_comes_first),
        cmocka_unit_test(trouble),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
