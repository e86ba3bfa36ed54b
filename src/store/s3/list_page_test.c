#include "store/s3/list_page.h"

#include "base/buffer.h"
#include "base/testing.h"

#define OBJECT(key)                                                                                                    \
    "<Contents><Key>" key "</Key><LastModified>2026-11-21T09:39:54.123Z</LastModified><ETag>&quot;abc&quot;</ETag>"    \
    "<Size>12</Size><StorageClass>STANDARD</StorageClass><Owner><ID>o</ID></Owner></Contents>"

static void test_page(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    ListPage page;
    assert_ok(list_page_parse(
        STR("<?xml version='1.0'?>\n<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
            "<Name>b</Name><Prefix/><NextContinuationToken>1/+=</NextContinuationToken>"
            "<IsTruncated>true</IsTruncated>" OBJECT("a b&amp;c")
                OBJECT("d%2F+") "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>"),
        arena, &page));
    assert_int_equal(page.count, 3);
    assert_true(page.truncated);
    assert_str(page.next_token, "1/+=");
    assert_str(page.entries[0].key, "a b&c");
    assert_str(page.entries[0].etag, "abc");
    assert_int_equal(page.entries[0].size_bytes, 12);
    assert_int_equal(page.entries[0].modified_us, INT64_C(1795253994123000));
    assert_str(page.entries[1].key, "d%2F+");
    assert_true(page.entries[2].is_prefix);
    assert_str(page.entries[2].key, "p/");
}

/* The word that keys are encoded may stand behind them. */
static void test_url_encoding(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    ListPage page;
    assert_ok(list_page_parse(
        STR("<ListBucketResult>" OBJECT("a%0A+b%2B&amp;%c3%bc") "<EncodingType>url</EncodingType></ListBucketResult>"),
        arena, &page));
    assert_str(page.entries[0].key, "a\n b+&\xc3\xbc");
    assert_false(page.truncated);
}

static void test_empty(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    ListPage page;
    assert_ok(list_page_parse(STR("<ListBucketResult/>"), arena, &page));
    assert_int_equal(page.count, 0);
    assert_ok(list_page_parse(STR("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t"
                                  "</NextContinuationToken></ListBucketResult>"),
                              arena, &page));
    assert_true(page.truncated && page.count == 0);
}

static const char *const hostile[] = {
    "",
    "{}",
    "<html><body>login</body></html>",
    "<Error><Code>InternalError</Code></Error>",
    "<ListBucketResult>" OBJECT("a"),
    "<ListBucketResult>" OBJECT("") "</ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key><Size>18446744073709551616</Size></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key><Size>1x</Size></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key>a</Key><Size>1</Size><LastModified>soon</LastModified></Contents></ListBucketResult>",
    "<ListBucketResult><Contents><Key><b>a</b></Key><Size>1</Size></Contents></ListBucketResult>",
    "<ListBucketResult><CommonPrefixes><Prefix/></CommonPrefixes></ListBucketResult>",
    "<ListBucketResult></ListBucketResult><ListBucketResult></ListBucketResult>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><ListBucketResult><Name>&b;</Name></ListBucketResult>",
};

static void test_hostile(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * MIB);
    for (size_t i = 0; i < ARRAY_COUNT(hostile); i++) {
        ListPage page;
        Error *err = list_page_parse(str_of(hostile[i]), arena, &page);
        if (error_code(err) != ERR_CORRUPT)
            print_error("'%s': %s\n", hostile[i], error_message_view(err));
        assert_int_equal(error_code(err), ERR_CORRUPT);
        error_free(err);
    }
}

/* Memory is the arena's to bound, not the server's. */
static void test_too_many(void **state)
{
    (void)state;
    CLEANUP(arena_freep) Arena *arena = arena_new(512 * KIB);
    CLEANUP(buffer_done) Buffer text = {0};
    ListPage page;
    assert_ok(buffer_append_str(&text, STR("<ListBucketResult>")));
    for (unsigned i = 0; i < 20000; i++)
        assert_ok(buffer_append_str(&text, STR("<Contents><Key>a</Key><Size>1</Size></Contents>")));
    assert_ok(buffer_append_str(&text, STR("</ListBucketResult>")));
    assert_fails(list_page_parse(buffer_str(&text), arena, &page), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),    cmocka_unit_test(test_url_encoding), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
