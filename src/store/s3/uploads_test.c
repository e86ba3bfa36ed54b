/* Unfinished uploads: pages, markers, odd answers. */
#include "store/s3/uploads.h"

#include "store/s3/test_s3.h"

#define UPLOAD(key, id)                                                                                                \
    "<Upload><Key>" key "</Key><UploadId>" id "</UploadId><Initiated>2026-11-20T09:39:54.000Z</Initiated>"             \
    "<StorageClass>STANDARD</StorageClass></Upload>"
#define PAGE(inside) "<ListMultipartUploadsResult>" inside "</ListMultipartUploadsResult>"
#define MORE(key, id)                                                                                                  \
    "<IsTruncated>true</IsTruncated><NextKeyMarker>" key "</NextKeyMarker><NextUploadIdMarker>" id                     \
    "</NextUploadIdMarker>"

static Error *note(void *context, const UploadInfo *upload)
{
    Buffer *text = context;
    assert_int_equal(upload->started_us, INT64_C(1795253994000000) - INT64_C(86400000000));
    return buffer_append_format(text, STR_FMT "=" STR_FMT ";", STR_ARG(upload->key), STR_ARG(upload->upload_id));
}

typedef struct PagesRow {
    const char *name, *pages[3];
    ErrorCode code;
    const char *told;
} PagesRow;

static const PagesRow rows[] = {
    {"none", {PAGE("")}, ERR_OK, ""},
    {"two pages",
     {PAGE(UPLOAD("pre/a", "1") MORE("pre/a", "1")), PAGE(UPLOAD("pre/a", "2") UPLOAD("pre/b", "3"))},
     ERR_OK,
     "a=1;a=2;b=3;"},
    {"encoded", {PAGE("<EncodingType>url</EncodingType>" UPLOAD("pre%2Fa+%2B", "1"))}, ERR_OK, "a +=1;"},
    {"an empty page", {PAGE(MORE("pre/a", "1")), PAGE(UPLOAD("pre/b", "3"))}, ERR_OK, "b=3;"},
    {"a loop",
     {PAGE(UPLOAD("pre/a", "1") MORE("pre/a", "1")), PAGE(UPLOAD("pre/a", "1") MORE("pre/a", "1"))},
     ERR_CORRUPT,
     "a=1;a=1;"},
    {"truncated without marker", {PAGE(UPLOAD("pre/a", "1") "<IsTruncated>true</IsTruncated>")}, ERR_CORRUPT, "a=1;"},
    {"another prefix", {PAGE(UPLOAD("q/a", "1"))}, ERR_CORRUPT, ""},
    {"no id", {PAGE("<Upload><Key>pre/a</Key></Upload>")}, ERR_CORRUPT, ""},
    {"a bad time",
     {PAGE("<Upload><Key>pre/a</Key><UploadId>1</UploadId><Initiated>yesterday</Initiated></Upload>")},
     ERR_CORRUPT,
     ""},
    {"another document", {"<html></html>"}, ERR_CORRUPT, ""},
    {"error in 200, then well",
     {"<Error><Code>InternalError</Code></Error>", PAGE(UPLOAD("pre/a", "1"))},
     ERR_OK,
     "a=1;"},
};

static void test_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char texts[3][1024];
        TestReply replies[3];
        size_t count = 0;
        for (; count < 3 && rows[i].pages[count]; count++)
            replies[count] =
                (TestReply){.text = s3_test_reply(texts[count], sizeof(texts[count]), "200 OK", rows[i].pages[count])};
        CLEANUP(s3_test_done) S3Test f = {0};
        CLEANUP(buffer_done) Buffer told = {0};
        s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, count);
        Error *err = store_list_uploads(f.store, NULL, STR_EMPTY, note, &told);
        if (error_code(err) != rows[i].code)
            print_error("%s: %s\n", rows[i].name, error_message_view(err));
        assert_int_equal(error_code(err), rows[i].code);
        error_free(err);
        assert_str(buffer_str(&told), rows[i].told);
        assert_int_equal(s3_test_count(&f), count);
    }
}

static void test_queries(void **state)
{
    (void)state;
    char texts[2][1024];
    const TestReply replies[] = {
        {.text =
             s3_test_reply(texts[0], sizeof(texts[0]), "200 OK", PAGE(UPLOAD("pre/a b", "1") MORE("pre/a b", "x/1")))},
        {.text = s3_test_reply(texts[1], sizeof(texts[1]), "200 OK", PAGE(""))},
    };
    CLEANUP(s3_test_done) S3Test f = {0};
    CLEANUP(buffer_done) Buffer told = {0};
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, 2);
    assert_ok(store_list_uploads(f.store, NULL, STR("a"), note, &told));
    s3_test_sent(&f, 0, "GET /bucket?encoding-type=url&max-uploads=1000&prefix=pre%2Fa&uploads= HTTP/1.1\r\n");
    s3_test_sent(&f, 1,
                 "GET /bucket?encoding-type=url&key-marker=pre%2Fa%20b&max-uploads=1000&prefix=pre%2Fa"
                 "&upload-id-marker=x%2F1&uploads= HTTP/1.1\r\n");
}

static void test_parts(void **state)
{
    (void)state;
    char texts[2][1024];
    const TestReply replies[] = {
        {.text = s3_test_reply(
             texts[0], sizeof(texts[0]), "200 OK",
             "<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size></Part>"
             "<IsTruncated>true</IsTruncated><NextPartNumberMarker>1</NextPartNumberMarker></ListPartsResult>")},
        {.text =
             s3_test_reply(texts[1], sizeof(texts[1]), "200 OK",
                           "<ListPartsResult><Part><PartNumber>2</PartNumber><Size>7</Size></Part></ListPartsResult>")},
        {.text = "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>"},
    };
    CLEANUP(s3_test_done) S3Test f = {0};
    UploadParts parts = {0};
    s3_test_open(&f, "s3://bucket/pre/", (StoreOptions){0}, replies, 3);
    assert_ok(store_upload_parts(f.store, NULL, STR("x"), STR("u/1"), &parts));
    assert_int_equal(parts.count, 2);
    assert_int_equal(parts.size_bytes, 12);
    s3_test_sent(&f, 1, "GET /bucket/pre/x?max-parts=1000&part-number-marker=1&uploadId=u%2F1 HTTP/1.1\r\n");
    assert_fails(store_upload_parts(f.store, NULL, STR("x"), STR("u/1"), &parts), ERR_NOT_FOUND);
}

static void test_abort(void **state)
{
    (void)state;
    S3_TEST(f, {.text = "HTTP/1.1 204 N\r\n\r\n"},
            {.text = "HTTP/1.1 404 N\r\nContent-Length: 40\r\n\r\n<Error><Code>NoSuchUpload</Code></Error>"},
            {.text = "HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n"});
    assert_ok(store_abort_upload(f.store, NULL, STR("x"), STR("u 1")));
    s3_test_sent(&f, 0, "DELETE /bucket/pre/x?uploadId=u%201 HTTP/1.1\r\n");
    assert_ok(store_abort_upload(f.store, NULL, STR("x"), STR("u 1")));
    assert_fails(store_abort_upload(f.store, NULL, STR("x"), STR("u 1")), ERR_DENIED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
