/* whole_path SOURCE WORK - everything the library has now, as a user's program would call it: ingest, list, get, put, read and write Parquet,
 * load, search, partition. Prints a line for each; ends with the status of the first failure. */
#include <quern/quern.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Run {
    const char *source, *work;
    QuernClient *client;
    QuernControl *control;
    unsigned items, done, lines;
} Run;

static char *path_in(const Run *run, const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", run->work, name);
    return path;
}

static void on_item(void *user, const QuernItem *item)
{
    Run *run = (Run *)user;
    run->items++;
    run->done += item->outcome == QUERN_DONE;
}

static void on_log(void *user, QuernLogLevel level, const char *message)
{
    Run *run = (Run *)user;
    run->lines += level >= QUERN_LOG_INFO && *message != 0;
}

static QuernError *ingest(Run *run)
{
    QuernReport *report = NULL;
    QuernOptions *options = quern_options_new();
    quern_options_set(options, "s3_url", run->source);
    quern_options_set(options, "structured_output_dir", path_in(run, "elements"));
    quern_options_set(options, "output_format", "parquet");
    quern_options_set(options, "state_dir", path_in(run, "state"));
    QuernError *e = quern_ingest(run->client, NULL, NULL, options, run->control, &report);
    if (!e)
        printf("ingest: %llu done, %u items, %u of them done, log: %s\n",
               (unsigned long long)quern_report_count(report, QUERN_DONE), run->items, run->done,
               run->lines ? "yes" : "no");
    quern_report_free(report);
    quern_options_free(options);
    return e;
}

static QuernError *objects(Run *run)
{
    QuernCursor *cursor = NULL;
    const QuernObject *object = NULL;
    unsigned long long keys = 0;
    void *data = NULL;
    size_t bytes = 0;
    QuernBytes body = {"hello", 5};
    QuernError *e = quern_client_list(run->client, run->source, run->control, &cursor);
    while (!e && !(e = quern_cursor_next(cursor, &object)) && object)
        keys++;
    quern_cursor_free(cursor);
    if (!e)
        e = quern_client_put(run->client, path_in(run, "object"), body, "{\"color\": \"green\"}", QUERN_PUT_IF_ABSENT,
                             NULL);
    if (!e)
        e = quern_client_get(run->client, path_in(run, "object"), 1, 3, NULL, &data, &bytes);
    if (!e)
        printf("objects: %llu keys, '%.*s'\n", keys, (int)bytes, (const char *)data);
    quern_free(data);
    QuernError *again = quern_client_put(run->client, path_in(run, "object"), body, NULL, QUERN_PUT_IF_ABSENT, NULL);
    printf("objects: the second put %s\n", quern_error_code(again) == QUERN_EXISTS ? "was refused" : "went through");
    quern_error_free(again);
    cursor = NULL;
    if (!e)
        e = quern_client_head(run->client, path_in(run, "object"), NULL, &cursor);
    if (!e && !(e = quern_cursor_next(cursor, &object)) && object)
        printf("objects: %s, %llu bytes, %s\n", object->key, (unsigned long long)object->size_bytes,
               object->metadata_json);
    quern_cursor_free(cursor);
    return e;
}

/* Copies the file through the Arrow arrays of reader and writer. */
static QuernError *copy_rows(struct ArrowArrayStream *stream, QuernParquetWriter *writer, long long *rows)
{
    QuernError *e = NULL;
    for (;;) {
        struct ArrowArray batch;
        memset(&batch, 0, sizeof batch);
        if (stream->get_next(stream, &batch) != 0)
            return quern_error_new(QUERN_CORRUPT, "%s", stream->get_last_error(stream));
        if (!batch.release)
            return quern_parquet_writer_finish(writer, NULL);
        *rows += batch.length;
        e = quern_parquet_writer_write(writer, &batch, NULL);
        if (e) {
            batch.release(&batch);
            return e;
        }
    }
}

static QuernError *parquet(Run *run)
{
    QuernParquetReader *reader = NULL;
    QuernParquetWriter *writer = NULL;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    long long rows = 0;
    char *line = NULL;
    QuernOptions *options = quern_options_new();
    memset(&stream, 0, sizeof stream);
    memset(&schema, 0, sizeof schema);
    quern_options_set(options, "columns", "type,text");
    quern_options_set(options, "batch_rows", "7");
    QuernError *e =
        quern_parquet_reader_new(run->client, path_in(run, "elements/part-00000.parquet"), NULL, NULL, &reader);
    if (!e)
        e = quern_parquet_reader_scan(reader, options, NULL, &stream);
    if (!e && stream.get_schema(&stream, &schema) != 0)
        e = quern_error_new(QUERN_CORRUPT, "no schema");
    if (!e)
        e = quern_parquet_writer_new(run->client, path_in(run, "copy.parquet"), &schema, NULL, &writer);
    if (!e)
        e = copy_rows(&stream, writer, &rows);
    if (!e)
        e = quern_parquet_reader_next_json(reader, options, NULL, &line);
    if (!e)
        printf("parquet: %lld rows copied, the first batch begins %.9s\n", rows, line);
    quern_free(line);
    quern_parquet_writer_free(writer);
    if (stream.release)
        stream.release(&stream);
    quern_parquet_reader_free(reader);
    quern_options_free(options);
    return e;
}

static QuernError *load_and_search(Run *run)
{
    QuernPipeline *pipeline = NULL;
    QuernReport *report = NULL;
    QuernSearch *search = NULL;
    QuernHits *hits = NULL;
    char *results = NULL, to[4200];
    QuernOptions *options = quern_options_new(), *asked = quern_options_new();
    snprintf(to, sizeof to, "sqlite:%s", path_in(run, "library.db"));
    quern_options_set(options, "source", path_in(run, "elements"));
    quern_options_set(options, "table", "t");
    quern_options_set(options, "to", to);
    quern_options_set(options, "state_dir", path_in(run, "state"));
    QuernError *e = quern_pipeline_new(run->client, options, &pipeline);
    if (!e)
        e = quern_pipeline_run(pipeline, run->control, &results, &report);
    if (!e)
        printf("load: %s\n", strstr(results, "\"success\": true") ? "success" : results);
    quern_options_set(asked, "table", "t");
    quern_options_set(asked, "to", to);
    if (!e)
        e = quern_search_new(run->client, asked, &search);
    if (!e)
        e = quern_search_query(search, "cement fragment", asked, NULL, &hits);
    if (!e && quern_hits_at(hits, 0))
        printf("search: page %lld of %s\n", quern_hits_at(hits, 0)->page,
               strrchr(quern_hits_at(hits, 0)->document, '/'));
    quern_hits_free(hits);
    quern_search_free(search);
    quern_free(results);
    quern_report_free(report);
    quern_pipeline_free(pipeline);
    quern_options_free(asked);
    quern_options_free(options);
    return e;
}

/* Out and in again gives the same JSON; a chunk joins what it can. */
static QuernError *there_and_back(const QuernElements *elements, const char *json)
{
    QuernElements *read = NULL, *chunks = NULL;
    char *again = NULL;
    QuernBytes bytes = {json, strlen(json)};
    QuernError *e = quern_elements_from_json(bytes, &read);
    if (!e)
        e = quern_elements_to_json(read, NULL, &again);
    if (!e)
        e = quern_elements_chunk(elements, NULL, &chunks);
    if (!e)
        printf("partition: %s again, then one %s\n", strcmp(json, again) == 0 ? "the same" : "something else",
               quern_elements_at(chunks, 1) ? "of several" : quern_elements_at(chunks, 0)->type);
    quern_free(again);
    quern_elements_free(chunks);
    quern_elements_free(read);
    return e;
}

static QuernError *partition(Run *run)
{
    static const char html[] = "<h1>A heading</h1><p>And a paragraph that follows it.</p>";
    QuernBytes document = {html, sizeof html - 1};
    QuernElements *elements = NULL;
    const QuernElement *element;
    char *json = NULL;
    QuernError *e = quern_partition_bytes(run->client, document, "page.html", NULL, NULL, &elements);
    if (!e)
        e = quern_client_put(run->client, path_in(run, "page.html"), document, NULL, QUERN_PUT_REPLACE, NULL);
    for (size_t i = 0; !e && (element = quern_elements_at(elements, i)); i++)
        printf("partition: %s '%.*s'\n", element->type, (int)element->text_bytes, element->text);
    if (!e)
        e = quern_elements_to_json(elements, NULL, &json);
    if (!e)
        printf("partition: JSON %s\n", json[0] == '[' ? "yes" : "no");
    if (!e)
        e = there_and_back(elements, json);
    quern_free(json);
    quern_elements_free(elements);
    elements = NULL;
    if (!e)
        e = quern_partition(run->client, path_in(run, "page.html"), NULL, NULL, &elements);
    if (!e)
        printf("partition: of a file %s\n", quern_elements_at(elements, 1) ? "yes" : "no");
    quern_elements_free(elements);
    return e;
}

/* A mistake comes back as a value with a message, and frees what it must. */
static void mistakes(Run *run)
{
    QuernReport *report = NULL;
    QuernOptions *options = quern_options_new();
    quern_options_set(options, "output_fromat", "json");
    quern_options_set(options, "s3_url", run->source);
    QuernError *e = quern_ingest(run->client, NULL, NULL, options, NULL, &report);
    printf("mistake: %d %s, worth a retry: %s\n", (int)quern_error_code(e), quern_error_message(e),
           quern_error_retryable(e) ? "yes" : "no");
    quern_error_free(e);
    quern_report_free(report);
    quern_options_free(options);
    quern_error_free(NULL);
    quern_free(NULL);
    quern_client_free(NULL);
    quern_options_free(NULL);
    quern_report_free(NULL);
    printf("mistake: nothing is freed %s\n", quern_error_message(NULL));
}

int main(int argc, char **argv)
{
    QuernError *(*const steps[])(Run *) = {ingest, objects, parquet, load_and_search, partition};
    Run run = {argc > 1 ? argv[1] : ".", argc > 2 ? argv[2] : ".", NULL, NULL, 0, 0, 0};
    QuernError *e = quern_client_new(NULL, &run.client);
    if (!e)
        e = quern_control_new(&run.control);
    if (!e) {
        quern_control_on_item(run.control, on_item, &run);
        quern_control_on_log(run.control, QUERN_LOG_INFO, on_log, &run);
    }
    for (size_t i = 0; !e && i < sizeof steps / sizeof steps[0]; i++)
        e = steps[i](&run);
    if (!e)
        mistakes(&run);
    else
        fprintf(stderr, "%s\n", quern_error_message(e));
    int status = quern_exit_status(e, NULL);
    quern_error_free(e);
    quern_control_free(run.control);
    quern_client_free(run.client);
    return status;
}
