#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

enum { ETAG_WIDTH = 34 }; /* an MD5 in its quotes */

typedef struct Listing {
    Program *program;
    const char *place;
    bool recursive, count_only;
    uint64_t limit, keys, bytes;
    char *folder; /* printed last; what is below it is not shown again */
    size_t base;  /* of a key: the part up to the last "/" of the place */
} Listing;

static void print_when(int64_t modified_us)
{
    char text[32];
    time_t seconds = (time_t)(modified_us / 1000000);
    struct tm parts;
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    fputs(text, stdout);
}

static void print_object(const Listing *listing, const QuernObject *object)
{
    if (listing->program->terminal.json) {
        fputs("{\"type\": \"object\", \"key\": ", stdout);
        print_json_string(stdout, object->key);
        printf(", \"size_bytes\": %" PRIu64 ", \"modified\": \"", object->size_bytes);
        print_when(object->modified_us);
        fputs("\", \"etag\": ", stdout);
        print_json_string(stdout, object->etag);
        puts("}");
        return;
    }
    printf("%12" PRIu64 "  ", object->size_bytes);
    print_when(object->modified_us);
    fputs("  ", stdout);
    print_safe(stdout, object->etag);
    printf("%*s  ", strlen(object->etag) < ETAG_WIDTH ? (int)(ETAG_WIDTH - strlen(object->etag)) : 0, "");
    print_safe(stdout, object->key);
    putchar('\n');
}

static QuernError *print_folder(Listing *listing, const char *key, size_t len)
{
    free(listing->folder);
    listing->folder = strndup(key, len);
    if (!listing->folder)
        return quern_error_new(QUERN_NO_MEMORY, "out of memory");
    if (listing->program->terminal.json) {
        fputs("{\"type\": \"prefix\", \"key\": ", stdout);
        print_json_string(stdout, listing->folder);
        puts("}");
    } else {
        printf("%12s  %20s  %*s  ", "-", "", (int)ETAG_WIDTH, "");
        print_safe(stdout, listing->folder);
        putchar('\n');
    }
    return NULL;
}

/* Without --recursive a key below the next slash stands for its folder. */
static QuernError *take_object(Listing *listing, const QuernObject *object)
{
    listing->keys++;
    listing->bytes += object->size_bytes;
    if (listing->count_only)
        return NULL;
    size_t base = strlen(object->key) < listing->base ? 0 : listing->base;
    const char *slash = listing->recursive ? NULL : strchr(object->key + base, '/');
    if (!slash) {
        print_object(listing, object);
        return NULL;
    }
    size_t len = (size_t)(slash - object->key) + 1;
    if (listing->folder && strncmp(listing->folder, object->key, len) == 0 && listing->folder[len] == 0)
        return NULL;
    return print_folder(listing, object->key, len);
}

/* How much of a key the place has already named: "s3://bucket/a/b" lists below "a/". */
static size_t named_base(const char *place)
{
    const char *scheme = strstr(place, "://");
    if (!scheme || strncmp(place, "file:", 5) == 0)
        return 0;
    const char *slash = strchr(scheme + 3, '/');
    const char *last = slash ? strrchr(slash + 1, '/') : NULL;
    return last ? (size_t)(last - slash) : 0;
}

static QuernError *list(Listing *listing, QuernClient *client)
{
    QuernCursor *cursor = NULL;
    const QuernObject *object = NULL;
    QuernError *e = quern_client_list(client, listing->place, listing->program->control, &cursor);
    while (!e && listing->keys < listing->limit && !(e = quern_cursor_next(cursor, &object)) && object)
        e = take_object(listing, object);
    quern_cursor_free(cursor);
    return e;
}

static void print_count(const Listing *listing)
{
    if (listing->program->terminal.json)
        printf("{\"type\": \"summary\", \"keys\": %" PRIu64 ", \"bytes\": %" PRIu64 "}\n", listing->keys,
               listing->bytes);
    else if (listing->count_only)
        printf("%" PRIu64 " keys, %" PRIu64 " bytes\n", listing->keys, listing->bytes);
}

int command_ls(Program *program)
{
    QuernClient *client = NULL;
    if (program->arguments.count != 1)
        return program_fail(program,
                            quern_error_new(QUERN_INVALID, "ls takes one place: s3://bucket/prefix or a directory"));
    Listing listing = {
        .program = program,
        .place = program->arguments.values[0],
        .recursive = program_flag(program, "recursive"),
        .count_only = program_flag(program, "count"),
        .limit = (uint64_t)program_number(program, "limit", INT64_MAX),
    };
    listing.base = named_base(listing.place);
    QuernError *e = quern_client_new(program->options, &client);
    if (!e)
        e = list(&listing, client);
    if (!e)
        print_count(&listing);
    free(listing.folder);
    quern_client_free(client);
    return program_flush(program, program_fail(program, e));
}
