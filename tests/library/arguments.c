/* arguments SOURCE WORK - what the calls make of arguments that are not wanted, out of range, or in the wrong place.
 *
 * NULL in the place of each output (shared/spec/api.md 1.2), numbers and enumerations that are none, options of the client elsewhere. SOURCE is
 * a directory with documents. Prints what went otherwise than it should; exit status 0 when nothing did. */
#include <quern/quern.h>
#include <stdio.h>
#include <string.h>

static const char *source, *work;
static QuernClient *client;
static int mistakes;

static const char *path_in(const char *name)
{
    static char paths[4][4200];
    static unsigned at;
    char *path = paths[at++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", work, name);
    return path;
}

static void expect(const char *what, QuernCode wanted, QuernError *error)
{
    if (quern_error_code(error) != wanted) {
        printf("%s: %s instead of %s: %s\n", what, quern_code_name(quern_error_code(error)), quern_code_name(wanted),
               quern_error_message(error));
        mistakes++;
    }
    quern_error_free(error);
}

#define WORKS(call) expect(#call, QUERN_OK, (call))
#define REFUSED(call) expect(#call, QUERN_INVALID, (call))

static QuernOptions *options_of(const char *const (*pairs)[2])
{
    QuernOptions *options = quern_options_new();
    for (; (*pairs)[0]; pairs++)
        quern_options_set(options, (*pairs)[0], (*pairs)[1]);
    return options;
}

/* ---- outputs that nobody wants ---- */

static void unwanted_texts(void)
{
    static const char *const words[] = {"quern", "ls", "s3://b/"};
    QuernOptions *options = quern_options_new();
    WORKS(quern_options_check(options, "ls", NULL));
    WORKS(quern_options_table("ls", NULL));
    WORKS(quern_options_value(options, "ls", "workers", NULL));
    WORKS(quern_options_value(options, "ls", "profile", NULL)); /* there is none */
    WORKS(quern_options_text(options, "ls", QUERN_TEXT_HELP, 80, NULL));
    WORKS(quern_options_parse(options, 3, words, NULL));
    quern_options_free(options);
}

static void unwanted_objects(void)
{
    QuernCursor *cursor = NULL;
    QuernUploads *uploads = NULL;
    const QuernObject *object = NULL;
    size_t bytes = 0;
    WORKS(quern_client_new(NULL, NULL));
    WORKS(quern_control_new(NULL));
    WORKS(quern_client_list(client, source, NULL, NULL));
    WORKS(quern_client_head(client, path_in("page.html"), NULL, NULL));
    WORKS(quern_client_get(client, path_in("page.html"), 0, 5, NULL, NULL, NULL));
    WORKS(quern_client_get(client, path_in("page.html"), 0, 5, NULL, NULL, &bytes));
    WORKS(quern_client_list_uploads(client, source, NULL, NULL, NULL));
    WORKS(quern_client_list_uploads(client, source, NULL, NULL, &uploads));
    WORKS(quern_uploads_next(uploads, NULL));
    quern_uploads_free(uploads);
    WORKS(quern_client_head(client, path_in("page.html"), NULL, &cursor));
    WORKS(quern_cursor_next(cursor, NULL));
    WORKS(quern_cursor_next(cursor, &object)); /* the only one has been passed over */
    WORKS(quern_cursor_next(cursor, NULL));
    quern_cursor_free(cursor);
    mistakes += bytes != 5 || object;
}

static void unwanted_results(void)
{
    const char *const ingest[][2] = {{"s3_url", source},
                                     {"structured_output_dir", path_in("elements")},
                                     {"output_format", "parquet"},
                                     {"state_dir", path_in("state")},
                                     {NULL, NULL}};
    const char *const fetch[][2] = {{"source", source},
                                    {"dataset_id", "d"},
                                    {"destination_directory", path_in("fetched")},
                                    {"state_dir", path_in("state")},
                                    {NULL, NULL}};
    QuernIngester *ingester = NULL;
    QuernElements *elements = NULL;
    QuernBytes page = {"<p>A paragraph.</p>", 19};
    QuernOptions *options = options_of(ingest), *fetched = options_of(fetch);
    WORKS(quern_ingest(client, NULL, NULL, options, NULL, NULL));
    WORKS(quern_ingester_new(client, fetched, NULL));
    WORKS(quern_ingester_new(client, fetched, &ingester));
    REFUSED(quern_ingester_fetch_data(ingester, (QuernFetchMode)7, NULL, NULL, NULL));
    WORKS(quern_ingester_fetch_data(ingester, QUERN_FETCH_IF_STALE, NULL, NULL, NULL));
    WORKS(quern_partition_prepare(client, NULL, NULL));
    WORKS(quern_partition(client, path_in("page.html"), NULL, NULL, NULL));
    WORKS(quern_partition_bytes(client, page, NULL, NULL, NULL, NULL));
    WORKS(quern_partition_bytes(client, page, NULL, NULL, NULL, &elements));
    WORKS(quern_elements_to_json(elements, NULL, NULL));
    WORKS(quern_doctor(client, NULL, NULL, NULL, NULL, NULL));
    quern_elements_free(elements);
    quern_ingester_free(ingester);
    quern_options_free(fetched);
    quern_options_free(options);
}

static void unwanted_columns(void)
{
    QuernParquetReader *reader = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    const char *url = path_in("elements/part-00000.parquet"), *copy = path_in("copy.parquet");
    memset(&stream, 0, sizeof stream);
    memset(&schema, 0, sizeof schema);
    WORKS(quern_parquet_reader_new(client, url, NULL, NULL, NULL));
    WORKS(quern_parquet_reader_new(client, url, NULL, NULL, &reader));
    WORKS(quern_parquet_reader_scan(reader, NULL, NULL, NULL));
    WORKS(quern_parquet_reader_scan(reader, NULL, NULL, &stream));
    if (stream.release && stream.get_schema(&stream, &schema) == 0)
        WORKS(quern_parquet_writer_new(client, copy, &schema, NULL, NULL));
    mistakes += schema.release != NULL; /* it was moved */
    WORKS(quern_parquet_reader_next_json(reader, NULL, NULL, NULL));
    const char *const late[][2] = {{"endpoint_url", "http://127.0.0.1:1"}, {NULL, NULL}};
    QuernOptions *of_the_client = options_of(late);
    REFUSED(quern_parquet_reader_scan(reader, of_the_client, NULL, NULL)); /* it is open, from somewhere else */
    quern_options_free(of_the_client);
    if (stream.release)
        stream.release(&stream);
    quern_parquet_reader_free(reader);
}

static void unwanted_manifests(void)
{
    static const char json[] = "{\"mft_version\": \"v1.0.0\", \"mft_generation_date\": \"2024-04-05 18:53:20\", "
                               "\"media_list\": []}";
    const char *url = path_in("rebuilt_v1-0-0.json");
    QuernDataManifest *manifest = NULL;
    WORKS(quern_client_put(client, url, (QuernBytes){json, sizeof json - 1}, NULL, QUERN_PUT_REPLACE, NULL));
    WORKS(quern_data_manifest_new(client, url, NULL, NULL, NULL, NULL));
    WORKS(quern_data_manifest_new(client, url, "", NULL, NULL, &manifest));
    WORKS(quern_data_manifest_changes(manifest, manifest, NULL));
    mistakes += quern_data_manifest_title_at(manifest, 0) != NULL;
    quern_data_manifest_free(manifest);
    quern_data_manifest_free(NULL);
}

static void unwanted_hits(void)
{
    char to[4300];
    snprintf(to, sizeof to, "sqlite:%s", path_in("library.db"));
    const char *const load[][2] = {
        {"source", path_in("elements")}, {"table", "t"}, {"to", to}, {"state_dir", path_in("state")}, {NULL, NULL}};
    const char *const ask[][2] = {{"table", "t"}, {"to", to}, {NULL, NULL}};
    QuernPipeline *pipeline = NULL;
    QuernSearch *search = NULL;
    QuernOptions *options = options_of(load), *asked = options_of(ask);
    WORKS(quern_pipeline_new(client, options, NULL));
    WORKS(quern_pipeline_new(client, options, &pipeline));
    WORKS(quern_pipeline_run(pipeline, NULL, NULL, NULL));
    WORKS(quern_search_new(client, asked, NULL));
    WORKS(quern_search_new(client, asked, &search));
    WORKS(quern_search_query(search, "fragment", NULL, NULL, NULL));
    WORKS(quern_search_query(search, "fragment", asked, NULL, NULL)); /* the same database */
    quern_options_set(asked, "to", "sqlite:elsewhere.db");
    REFUSED(quern_search_query(search, "fragment", asked, NULL, NULL));
    quern_search_free(search);
    quern_pipeline_free(pipeline);
    quern_options_free(asked);
    quern_options_free(options);
}

/* ---- numbers and enumerations ---- */

static void ranges(void)
{
    const char *url = path_in("page.html");
    void *data = NULL;
    size_t bytes = 1;
    WORKS(quern_client_get(client, url, 0, 0, NULL, &data, &bytes));
    mistakes += bytes != 0 || !data;
    quern_free(data);
    data = NULL;
    WORKS(quern_client_get(client, url, 3, UINT64_MAX - 1, NULL, &data, &bytes));
    mistakes += bytes != 16;
    quern_free(data);
    expect("no object", QUERN_NOT_FOUND, quern_client_get(client, path_in("none"), 0, 0, NULL, NULL, NULL));
    REFUSED(quern_client_get(client, url, 19, 0, NULL, NULL, NULL));
    REFUSED(quern_client_get(client, url, UINT64_MAX, 1, NULL, NULL, NULL));
    REFUSED(quern_client_get(client, url, UINT64_MAX, UINT64_MAX, NULL, NULL, NULL));
    REFUSED(quern_client_get(client, url, INT64_MAX, UINT64_MAX, NULL, NULL, NULL));
}

static void enumerations(void)
{
    QuernBytes body = {"x", 1};
    char *text = NULL;
    REFUSED(quern_client_put(client, path_in("page.html"), body, NULL, (QuernPutMode)7, NULL));
    REFUSED(quern_options_text(NULL, "ls", (QuernText)99, 80, &text));
}

/* ---- options of the client elsewhere ---- */

static void misplaced_options(void)
{
    static const char *const names[] = {"endpoint_url", "s3.endpoint_url", "profile", "sse"};
    static const char *const values[] = {"http://127.0.0.1:9", "http://127.0.0.1:9", "someone", "AES256"};
    const char *const fetch[][2] = {
        {"source", source}, {"dataset_id", "d"}, {"destination_directory", path_in("fetched")}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        QuernOptions *options = options_of(fetch), *ingest = quern_options_new(), *load = quern_options_new();
        quern_options_set(options, names[i], values[i]);
        quern_options_set(ingest, "s3_url", source);
        quern_options_set(ingest, names[i], values[i]);
        quern_options_set(load, names[i], values[i]);
        REFUSED(quern_ingester_new(client, options, NULL));
        REFUSED(quern_ingest(client, NULL, NULL, ingest, NULL, NULL));
        REFUSED(quern_pipeline_new(client, load, NULL));
        WORKS(quern_ingester_new(NULL, options, NULL)); /* its own client's */
        quern_options_free(load);
        quern_options_free(ingest);
        quern_options_free(options);
    }
    QuernOptions *region = options_of(fetch);
    quern_options_set(region, "aws_region_name", "eu-west-1");
    WORKS(quern_ingester_new(client, region, NULL));
    quern_options_free(region);
}

/* A file of the run's lines where one is asked for; not where none can be. */
static void log_files(void)
{
    const char *const wanted[][2] = {{"s3_partition_path", work},
                                     {"log_file", path_in("p.log")},
                                     {"no_copy", "true"},
                                     {"skip_unknown", "true"},
                                     {NULL, NULL}};
    const char *const nowhere[][2] = {
        {"s3_partition_path", work}, {"log_file", path_in("absent/p.log")}, {"no_copy", "true"}, {NULL, NULL}};
    QuernOptions *with = options_of(wanted), *without = options_of(nowhere);
    WORKS(quern_add_provider(NULL, with, NULL, NULL));
    FILE *file = fopen(path_in("p.log"), "r");
    if (file)
        fclose(file);
    else
        mistakes += puts("there is no log file") >= 0;
    expect("a log file that cannot be", QUERN_NOT_FOUND, quern_add_provider(NULL, without, NULL, NULL));
    quern_options_free(with);
    quern_options_free(without);
}

int main(int argc, char **argv)
{
    QuernBytes page = {"<p>A paragraph.</p>", 19};
    if (argc != 3)
        return 2;
    source = argv[1];
    work = argv[2];
    WORKS(quern_client_new(NULL, &client));
    WORKS(quern_client_put(client, path_in("page.html"), page, NULL, QUERN_PUT_REPLACE, NULL));
    unwanted_texts();
    unwanted_objects();
    unwanted_results();
    unwanted_columns();
    unwanted_manifests();
    unwanted_hits();
    ranges();
    enumerations();
    misplaced_options();
    log_files();
    quern_client_free(client);
    return mistakes ? 1 : 0;
}
