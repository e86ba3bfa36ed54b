#include "document/opc.h"

#include "document/text/charset.h"
#include "document/zip_testing.h"

#define TO(id, type, target, more) "<Relationship Id='" id "' Type='" type "' Target='" target "'" more "/>"

static void relations_of_a_part(void **state)
{
    (void)state;
    static const struct {
        const char *id, *type, *target;
        bool external;
    } expected[] = {
        {"a", "worksheet", "xl/sheets/one.xml", false},
        {"b", "styles", "styles.xml", false},
        {"c", "image", "media/a.png", false},
        {"d", "hyperlink", "http://127.0.0.1/../x", true},
        {"e", "plain", "xl/x/", false},
        {"f", "image", "etc/passwd", false},
    };
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    OpcRelations relations;
    zip_testing_part(&zip, "xl/_rels/book.xml.rels",
                     "<Relationships>" TO("e", "plain", "./x//", "")
                         TO("d", "http://x/y/hyperlink", "http://127.0.0.1/../x", " TargetMode='External'")
                             TO("b", "http://x/styles", "/styles.xml", "")
                                 TO("a", "http://x/worksheet", "sheets/./one.xml", "")
                                     TO("c", "http://x/image", "sheets/../../media/a.png", "")
                                         TO("f", "http://x/image", "../../../../etc/passwd",
                                            "") "<Relationship Id='incomplete'/></Relationships>");
    Bytes input = zip_testing_end(&zip);
    Expansion expansion = expansion_for(input);
    assert_ok(zip_reader_new(input, &expansion, &reader));
    assert_ok(opc_relations_read(reader, STR("xl/book.xml"), arena, &relations));
    assert_int_equal(relations.count, ARRAY_COUNT(expected));
    for (size_t i = 0; i < ARRAY_COUNT(expected); i++) {
        const OpcRelation *relation = opc_relation(&relations, str_of(expected[i].id));
        assert_non_null(relation);
        assert_str(relation->type, expected[i].type);
        assert_str(relation->target, expected[i].target);
        assert_int_equal(relation->external, expected[i].external);
    }
    assert_null(opc_relation(&relations, STR("g")));
    assert_null(opc_relation(&relations, STR("incomplete")));
    assert_str(opc_relation_of_type(&relations, "image")->id, "c");
    assert_null(opc_relation_of_type(&relations, "hyperlink")); /* external */
    assert_ok(opc_relations_read(reader, STR("xl/other.xml"), arena, &relations));
    assert_int_equal(relations.count, 0);
    assert_null(opc_relation(&relations, STR("a")));
}

static void the_main_part(void **state)
{
    (void)state;
    static const struct {
        const char *relations, *main;
    } cases[] = {
        {"<Relationships>" TO("x", "http://x/officeDocument", "/a/b.xml", "") "</Relationships>", "a/b.xml"},
        {"<Relationships>" TO("x", "http://x/thumbnail", "t.png", "") "</Relationships>", "fallback.xml"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        CLEANUP(zip_testing_done) ZipTesting zip = {0};
        CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
        CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
        Str main;
        zip_testing_part(&zip, "_rels/.rels", cases[i].relations);
        Bytes input = zip_testing_end(&zip);
        Expansion expansion = expansion_for(input);
        assert_ok(zip_reader_new(input, &expansion, &reader));
        assert_ok(opc_main_part(reader, STR("fallback.xml"), arena, &main));
        assert_str(main, cases[i].main);
    }
}

static void bad_relations(void **state)
{
    (void)state;
    CLEANUP(zip_testing_done) ZipTesting zip = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(MIB);
    CLEANUP(zip_reader_freep) ZipReader *reader = NULL;
    OpcRelations relations;
    zip_testing_part(&zip, "_rels/a.xml.rels", "<Relationships><Relationship");
    Bytes input = zip_testing_end(&zip);
    Expansion expansion = expansion_for(input);
    assert_ok(zip_reader_new(input, &expansion, &reader));
    assert_fails_saying(opc_relations_read(reader, STR("a.xml"), arena, &relations), ERR_CORRUPT, "'_rels/a.xml.rels'");
}

static int warm_up(void **state)
{
    (void)state;
    assert_ok(charset_warm_up());
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(relations_of_a_part), cmocka_unit_test(the_main_part),
                                       cmocka_unit_test(bad_relations)};
    return cmocka_run_group_tests(tests, warm_up, NULL);
}
