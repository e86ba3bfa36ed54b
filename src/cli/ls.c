#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/program.h"

enum {
    SIZE_COLUMN = 12,
    ETAG_COLUMN = 34 /* an MD5 in its quotes */,
    CLASS_COLUMN = 19,
    VERSION_COLUMN = 32,
    DAY_S = 86400
};

typedef struct Listing {
    Program *program;
    const char *place;
    bool recursive, count_only, summary, human, show_class, versions;
    uint64_t limit, keys, prefixes, delete_markers, bytes;
    int64_t day; /* whose date is in `when` */
    char when[sizeof "2026-11-21T09:39:54Z"];
    time_t second; /* at which `now` was made */
    char now[sizeof "2026-11-21T09:39:54Z"];
} Listing;

/* ---- texts: a million lines are nothing special, so the usual ones are written without a format ---- */

static void put_two(char *out, unsigned value)
{
    out[0] = (char)('0' + value / 10);
    out[1] = (char)('0' + value % 10);
}

/* In `listing->when`. */
static const char *time_text(Listing *listing, int64_t modified_us)
{
    int64_t seconds = modified_us / 1000000 - (modified_us % 1000000 < 0);
    int64_t day = seconds / DAY_S - (seconds % DAY_S < 0);
    if (day != listing->day || !listing->when[0]) {
        time_t midnight = (time_t)(day * DAY_S);
        struct tm parts;
        gmtime_r(&midnight, &parts);
        strftime(listing->when, sizeof listing->when, "%Y-%m-%dT00:00:00Z", &parts);
        listing->day = day;
    }
    unsigned of_day = (unsigned)(seconds - day * DAY_S);
    put_two(listing->when + 11, of_day / 3600);
    put_two(listing->when + 14, of_day / 60 % 60);
    put_two(listing->when + 17, of_day % 60);
    return listing->when;
}

/* Fills spaces up to `width`, then the text; a longer one is written whole. */
static void print_right(const char *text, size_t len, size_t width)
{
    for (size_t i = len; i < width; i++)
        putchar_unlocked(' ');
    fwrite_unlocked(text, 1, len, stdout);
}

static void print_size(const Listing *listing, uint64_t size_bytes, size_t width)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    char text[32];
    size_t at = sizeof text, unit = 0;
    if (listing->human) {
        double value = (double)size_bytes;
        for (; value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]; unit++)
            value /= 1024;
        int len = snprintf(text, sizeof text, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
        print_right(text, (size_t)len, width);
        return;
    }
    do
        text[--at] = (char)('0' + size_bytes % 10);
    while (size_bytes /= 10);
    print_right(text + at, sizeof text - at, width);
}

/* A text as it is when a terminal and a reader of JSON can take it so: printable ASCII without quotes and backslashes. */
static bool is_plain(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
    return true;
}

static void print_text(const char *text, size_t width)
{
    size_t len = strlen(text);
    if (is_plain(text, len))
        fwrite_unlocked(text, 1, len, stdout);
    else
        print_safe(stdout, text);
    for (; len < width; len++)
        putchar_unlocked(' ');
}

static void print_member(const char *name, const char *text)
{
    size_t len = strlen(text);
    fputs_unlocked(name, stdout);
    if (!is_plain(text, len)) {
        print_json_string(stdout, text);
        return;
    }
    putchar_unlocked('"');
    fwrite_unlocked(text, 1, len, stdout);
    putchar_unlocked('"');
}

/* ---- objects ---- */

/* As print_event_head, for a line of a million: the time is made once a second. */
static void print_row_head(Listing *listing, const char *type)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != listing->second) {
        listing->second = now.tv_sec;
        gmtime_r(&now.tv_sec, &parts);
        strftime(listing->now, sizeof listing->now, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    print_member("{\"type\": ", type);
    print_member(", \"time\": ", listing->now);
    print_member(", \"run\": ", quern_control_run_view(listing->program->control));
}

static void print_json_object(Listing *listing, const QuernObject *object)
{
    print_row_head(listing, object->is_prefix ? "prefix" : "object");
    print_member(", \"key\": ", object->key);
    if (!object->is_prefix)
        printf(", \"size_bytes\": %" PRIu64, object->size_bytes);
    if (object->modified_us || !object->is_prefix) /* a bucket has a time */
        print_member(", \"modified\": ", time_text(listing, object->modified_us));
    if (!object->is_prefix)
        print_member(", \"etag\": ", object->etag);
    if (object->storage_class[0])
        print_member(", \"storage_class\": ", object->storage_class);
    if (listing->versions) {
        print_member(", \"version_id\": ", object->version_id);
        printf(", \"is_latest\": %s, \"is_delete_marker\": %s", object->is_latest ? "true" : "false",
               object->is_delete_marker ? "true" : "false");
    }
    fputs_unlocked("}\n", stdout);
}

/* The usual line, put together before it is printed: an object with a plain ETag and key, and none of the columns that are asked for. */
static bool print_usual_line(Listing *listing, const QuernObject *object)
{
    enum { KEY_AT = SIZE_COLUMN + 2 + sizeof listing->when - 1 + 2 + ETAG_COLUMN + 2, KEY_MAX = 1024 };
    char line[KEY_AT + KEY_MAX + 1], *etag = line + KEY_AT - 2 - ETAG_COLUMN;
    size_t etag_len = strlen(object->etag), key_len = strlen(object->key), at = SIZE_COLUMN;
    uint64_t size_bytes = object->size_bytes;
    if (object->is_prefix || object->is_delete_marker || listing->human || listing->show_class || listing->versions
        || size_bytes >= 1000000000000 || etag_len > ETAG_COLUMN || key_len > KEY_MAX
        || !is_plain(object->etag, etag_len) || !is_plain(object->key, key_len))
        return false;
    memset(line, ' ', KEY_AT);
    do
        line[--at] = (char)('0' + size_bytes % 10);
    while (size_bytes /= 10);
    memcpy(line + SIZE_COLUMN + 2, time_text(listing, object->modified_us), sizeof listing->when - 1);
    memcpy(etag, object->etag, etag_len);
    memcpy(line + KEY_AT, object->key, key_len);
    line[KEY_AT + key_len] = '\n';
    fwrite_unlocked(line, 1, KEY_AT + key_len + 1, stdout);
    return true;
}

static void print_line(Listing *listing, const QuernObject *object)
{
    if (print_usual_line(listing, object))
        return;
    if (object->is_prefix || object->is_delete_marker)
        print_right("-", 1, SIZE_COLUMN);
    else
        print_size(listing, object->size_bytes, SIZE_COLUMN);
    fputs_unlocked("  ", stdout);
    bool has_time = !object->is_prefix || object->modified_us;
    print_text(has_time ? time_text(listing, object->modified_us) : "", sizeof listing->when - 1);
    fputs_unlocked("  ", stdout);
    print_text(object->is_delete_marker ? "(deleted)" : object->etag, ETAG_COLUMN);
    fputs_unlocked("  ", stdout);
    if (listing->show_class) {
        const char *class = object->storage_class[0] ? object->storage_class : "STANDARD";
        print_text(object->is_prefix || object->is_delete_marker ? "" : class, CLASS_COLUMN);
        fputs_unlocked("  ", stdout);
    }
    if (listing->versions) {
        print_text(object->version_id, VERSION_COLUMN);
        fputs_unlocked(object->is_latest ? " *  " : "    ", stdout);
    }
    print_text(object->key, 0);
    putchar_unlocked('\n');
}

static void take_object(Listing *listing, const QuernObject *object)
{
    listing->prefixes += object->is_prefix;
    listing->delete_markers += object->is_delete_marker;
    listing->keys += !object->is_prefix && !object->is_delete_marker;
    listing->bytes += object->size_bytes;
    if (listing->count_only)
        return;
    if (listing->program->terminal.json)
        print_json_object(listing, object);
    else
        print_line(listing, object);
}

static uint64_t shown(const Listing *listing)
{
    return listing->keys + listing->prefixes + listing->delete_markers;
}

/* A reader that has gone, or a full disk, ends the listing; program_flush says which. */
static QuernError *list(Listing *listing, QuernClient *client)
{
    QuernCursor *cursor = NULL;
    const QuernObject *object = NULL;
    QuernError *e = quern_client_list(client, listing->place, listing->program->control, &cursor);
    while (!e && shown(listing) < listing->limit && !ferror_unlocked(stdout)
           && !(e = quern_cursor_next(cursor, &object)) && object)
        take_object(listing, object);
    quern_cursor_free(cursor);
    return e;
}

/* ---- the whole ---- */

static void print_json_totals(const Listing *listing)
{
    print_event_head(stdout, "summary", quern_control_run_view(listing->program->control));
    printf(", \"command\": \"ls\", \"status\": \"ok\", \"keys\": %" PRIu64 ", \"bytes\": %" PRIu64, listing->keys,
           listing->bytes);
    if (listing->prefixes)
        printf(", \"prefixes\": %" PRIu64, listing->prefixes);
    if (listing->delete_markers)
        printf(", \"delete_markers\": %" PRIu64, listing->delete_markers);
    puts("}");
}

static void print_totals(const Listing *listing)
{
    if (listing->program->terminal.json) {
        print_json_totals(listing);
        return;
    }
    if (!listing->count_only && !listing->summary)
        return;
    printf("%" PRIu64 " keys", listing->keys);
    if (listing->prefixes)
        printf(", %" PRIu64 " prefixes", listing->prefixes);
    if (listing->delete_markers)
        printf(", %" PRIu64 " delete markers", listing->delete_markers);
    fputs(", ", stdout);
    print_size(listing, listing->bytes, 0);
    puts(listing->human ? "" : " bytes");
}

/* The place is there, else the listing would have failed. */
static void say_nothing_found(const Listing *listing)
{
    char *text = NULL;
    const char *hint =
        strpbrk(listing->place, "*?[") ? ": '*', '?' and '[' stand for themselves, --include takes patterns" : "";
    if (shown(listing) || listing->count_only
        || asprintf(&text, "there is nothing at '%s'%s", listing->place, hint) < 0)
        return;
    terminal_log(&listing->program->terminal, QUERN_LOG_INFO, text);
    free(text);
}

/* What a listing of the client is to be, from the command's own options. */
static void set_client_options(const Listing *listing, QuernOptions *options)
{
    quern_options_set(options, "recursive", listing->recursive ? "true" : "false");
    quern_options_set(options, "any_order", listing->count_only ? "true" : "false");
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
        .recursive = program_flag(program, "recursive") || program_flag(program, "count"),
        .count_only = program_flag(program, "count"),
        .summary = program_flag(program, "summary"),
        .human = program_flag(program, "human"),
        .show_class = program_flag(program, "show-class"),
        .versions = program_flag(program, "versions"),
        .limit = (uint64_t)program_number(program, "limit", INT64_MAX),
    };
    set_client_options(&listing, program->options);
    QuernError *e = quern_client_new(program->options, &client);
    if (!e)
        e = list(&listing, client);
    if (!e) {
        print_totals(&listing);
        say_nothing_found(&listing);
    }
    quern_client_free(client);
    return program_flush(program, program_fail(program, e));
}
