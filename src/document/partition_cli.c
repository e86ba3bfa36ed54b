/* partition_cli [OPTION...] FILE... - partitions in this process, without a sandbox, and prints the elements as JSON: for tests and measurements, not
 * installed. With --repeat N each file is partitioned N times and the best time is printed instead. --titles-from-text, --txt-lines, --html-tree
 * and --html-seed are the older rules, --html-ontology and --table-cells are as the options of quern, --fast leaves out OCR, --uncompress asks for the documents in archives. */
#include <stdio.h>
#include <time.h>

#include "base/file.h"
#include "document/element_json.h"
#include "document/partition.h"

static void progress(void *context, uint64_t units_done)
{
    (void)context;
    (void)units_done;
}

static Str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return str_of(slash ? slash + 1 : path);
}

/* What the command line says. */
typedef struct Settings {
    PartitionOptions options; /* of every file; its name comes later */
    uint64_t repeats;         /* 0: print the elements */
} Settings;

MUST_USE static Error *partition_file(const char *path, const Settings *settings, Buffer *json)
{
    CLEANUP(buffer_done) Buffer input = {0};
    CLEANUP(arena_freep) Arena *arena = arena_new(2 * GIB);
    Elements elements = {.arena = arena};
    PartitionOptions options = settings->options;
    PartitionWatch watch = {progress, NULL};
    DocumentInfo info = {.filename = base_name(path)};
    options.filename = info.filename;
    if (!arena)
        return FAIL(NO_MEMORY, "no memory for '%s'", path);
    TRY(file_read(path, GIB, &input));
    TRY(partition(buffer_bytes(&input), &options, &watch, &elements, &info.filetype));
    TRY(elements_finish(&elements, &info));
    return elements_write_json(&elements, &info, (ElementJsonOptions){ELEMENT_JSON_ARRAY}, json);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

MUST_USE static Error *print_file(const char *path, const Settings *settings)
{
    CLEANUP(buffer_done) Buffer json = {0};
    double best = 1e9;
    for (uint64_t i = 0; i < MAX(settings->repeats, 1U); i++) {
        double start = now();
        buffer_clear(&json);
        TRY(partition_file(path, settings, &json));
        best = MIN(best, now() - start);
    }
    if (settings->repeats > 0)
        printf("%s: %.3f ms\n", path, best * 1e3);
    else
        printf(STR_FMT "\n", STR_ARG(buffer_str(&json)));
    return NULL;
}

/* The index of the first argument that is no option. */
static int read_options(int argc, char **argv, Settings *settings)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--titles-from-text") == 0)
            settings->options.titles_from_text = true;
        else if (strcmp(argv[i], "--txt-lines") == 0)
            settings->options.txt_lines = true;
        else if (strcmp(argv[i], "--html-ontology") == 0)
            settings->options.html_parser = HTML_PARSER_ONTOLOGY;
        else if (strcmp(argv[i], "--html-tree") == 0)
            settings->options.html_parser = HTML_PARSER_TREE;
        else if (strcmp(argv[i], "--html-seed") == 0)
            settings->options.html_parser = HTML_PARSER_SEED;
        else if (strcmp(argv[i], "--table-cells") == 0)
            settings->options.table_cells = true;
        else if (strcmp(argv[i], "--fast") == 0)
            settings->options.strategy = STRATEGY_FAST;
        else if (strcmp(argv[i], "--uncompress") == 0)
            settings->options.uncompress = true;
        else if (strcmp(argv[i], "--repeat") == 0 && i + 1 < argc
                 && str_to_u64(str_of(argv[i + 1]), &settings->repeats))
            i++;
        else
            return i;
    }
    return argc;
}

int main(int argc, char **argv)
{
    int status = 0;
    Settings settings = {0};
    int first = read_options(argc, argv, &settings);
    Error *error = partition_warm_up();
    for (int i = first; !error && i < argc; i++) {
        Error *file_error = print_file(argv[i], &settings);
        if (file_error) {
            fprintf(stderr, "%s: %s\n", argv[i], error_message_view(file_error));
            error_free(file_error);
            status = 1;
        }
    }
    if (error)
        fprintf(stderr, "partition_cli: %s\n", error_message_view(error));
    status |= error != NULL;
    error_free(error);
    return status;
}
