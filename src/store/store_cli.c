/* store_cli.c - a store from the shell, for tests and benches; built, not installed.
 *
 *     store_cli [options] ls URL [PREFIX [START_AFTER]]     key, size, ETag, tab between, keys as JSON strings
 *     store_cli [options] head|get|rm URL KEY
 *     store_cli [options] put URL KEY FILE                  "-" is standard input
 *     store_cli [options] cp URL KEY FROM_URL FROM_KEY      by the server; with -O type, metadata and headers are those given
 *     store_cli [options] tags URL KEY [TAGS]               shows them, or sets them: "a=1&b=2"
 *     store_cli [options] rms URL FILE                      the keys in FILE, JSON strings, a line each: deleted together; key and outcome
 *     store_cli [options] uploads URL [PREFIX]              unfinished ones: key, id, parts, bytes
 *     store_cli [options] abort URL KEY UPLOAD_ID
 *     store_cli [options] bulk URL IN_FLIGHT                get everything that is listed; prints counts and CPU time
 *     store_cli [options] download URL DIRECTORY IN_FLIGHT [KEY]   everything that is listed, or KEY, into files; prints counts and CPU time
 *     options: -a anonymous, -e ENDPOINT, -r REGION, -p PROFILE, -s path|virtual|auto, -k (no TLS check), -c CA_FILE, -n (no sync)
 *              -x (escape names), -i (put if absent), -t TYPE, -m NAME=VALUE (repeatable), -g OFFSET-LENGTH, -E ETAG, -A ATTEMPTS,
 *              -P PART_BYTES, -M MULTIPART_BYTES, -N PARTS_MAX (of download and put), -S NAME=VALUE (of the store: provider, storage_class,
 *              encryption, customer_key, bucket_owner, requester_pays, checksum), -R (start CHANGED ones over, once),
 *              -H NAME=VALUE (a header of the object, as `head` names them), -G TAGS, -u ETAG (put or copy if the target is that), -O (cp),
 *              -V VERSION (cp: of the source; -E is its ETag, -P, -M and -N are parts of a copy)
 * Keys may be given as they are or, when they begin with '"', as JSON strings. Exit status: that of the error's code. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/json.h"
#include "base/time_text.h"
#include "store/download.h"
#include "store/options.h"

extern char **environ;

enum { METADATA_MAX = 32 };
#define BODY_LIMIT ((size_t)1 * GIB)

typedef struct Command {
    StoreOptions options;
    PutOptions put;
    MetadataEntry metadata[METADATA_MAX];
    ByteRange range;
    Str if_etag;
    DownloadOptions download;
    bool start_over;
    bool overwrite; /* cp */
    bool tagged;
    Str from_version;
    char **words;
    int word_count;
} Command;

static void log_to_stderr(void *context, LogLevel level, const char *message)
{
    (void)context;
    (void)level;
    fprintf(stderr, "store_cli: %s\n", message);
}

MUST_USE static Error *parse_range(Str text, ByteRange *ret_range)
{
    size_t dash = str_find_char(text, '-');
    if (dash == SIZE_MAX || !str_to_u64(str_slice(text, 0, dash), &ret_range->offset_bytes)
        || !str_to_u64(str_slice(text, dash + 1, text.len), &ret_range->length_bytes))
        return FAIL(INVALID, "-g wants OFFSET-LENGTH, not '" STR_FMT "'", STR_ARG(text));
    return NULL;
}

MUST_USE static Error *add_metadata(Command *command, Str text)
{
    size_t equals = str_find_char(text, '=');
    if (equals == SIZE_MAX || command->put.metadata.count == METADATA_MAX)
        return FAIL(INVALID, "-m wants NAME=VALUE, at most %d times", METADATA_MAX);
    command->metadata[command->put.metadata.count++] =
        (MetadataEntry){str_slice(text, 0, equals), str_slice(text, equals + 1, text.len)};
    return NULL;
}

typedef struct HeaderName {
    Str name;
    Str *value;
} HeaderName;
enum { HEADER_NAMES = 14 };

static void name_headers(ObjectHeaders *h, HeaderName out[HEADER_NAMES])
{
    const HeaderName names[HEADER_NAMES] = {
        {STR("content_type"), &h->content_type},
        {STR("cache_control"), &h->cache_control},
        {STR("content_disposition"), &h->content_disposition},
        {STR("content_encoding"), &h->content_encoding},
        {STR("content_language"), &h->content_language},
        {STR("expires"), &h->expires},
        {STR("website_redirect"), &h->website_redirect},
        {STR("storage_class"), &h->storage_class},
        {STR("encryption"), &h->encryption},
        {STR("encryption_key_id"), &h->encryption_key_id},
        {STR("bucket_key"), &h->bucket_key},
        {STR("lock_mode"), &h->lock_mode},
        {STR("lock_until"), &h->lock_until},
        {STR("lock_legal_hold"), &h->lock_legal_hold},
    };
    memcpy(out, names, sizeof(names));
}

MUST_USE static Error *add_header(Command *command, Str text)
{
    HeaderName names[HEADER_NAMES];
    size_t equals = MIN(str_find_char(text, '='), text.len);
    name_headers(&command->put.headers, names);
    for (size_t i = 0; i < HEADER_NAMES; i++) {
        if (equals < text.len && str_equal(str_slice(text, 0, equals), names[i].name)) {
            *names[i].value = str_slice(text, equals + 1, text.len);
            return NULL;
        }
    }
    return FAIL(INVALID, "-H wants NAME=VALUE, not '" STR_FMT "'", STR_ARG(text));
}

MUST_USE static Error *set_store_option(StoreOptions *options, Str text)
{
    const struct {
        Str name;
        Str *value;
    } names[] = {
        {STR("provider"), &options->provider},
        {STR("storage_class"), &options->storage_class},
        {STR("encryption"), &options->encryption},
        {STR("customer_key"), &options->customer_key},
        {STR("bucket_owner"), &options->expected_bucket_owner},
        {STR("checksum"), &options->checksum_algorithm},
    };
    size_t equals = MIN(str_find_char(text, '='), text.len);
    for (size_t i = 0; equals < text.len && i < ARRAY_COUNT(names); i++) {
        if (str_equal(str_slice(text, 0, equals), names[i].name)) {
            *names[i].value = str_slice(text, equals + 1, text.len);
            return NULL;
        }
    }
    options->requester_pays = str_equal(text, STR("requester_pays=true"));
    return options->requester_pays ? NULL : FAIL(INVALID, "-S wants NAME=VALUE, not '" STR_FMT "'", STR_ARG(text));
}

MUST_USE static Error *parse_addressing(Str text, StoreAddressing *ret_addressing)
{
    if (str_equal(text, STR("path")))
        *ret_addressing = STORE_ADDRESSING_PATH;
    else if (str_equal(text, STR("virtual")))
        *ret_addressing = STORE_ADDRESSING_VIRTUAL;
    else if (!str_equal(text, STR("auto")))
        return FAIL(INVALID, "-s wants path, virtual or auto");
    return NULL;
}

MUST_USE static Error *parse_u64(int option, Str value, uint64_t *ret_number)
{
    return str_to_u64(value, ret_number) ? NULL : FAIL(INVALID, "-%c wants a number", option);
}

MUST_USE static Error *parse_option(Command *command, int option, Str value)
{
    uint64_t number = 0;
    switch (option) {
    case 'a': command->options.anonymous = true; return NULL;
    case 'e': command->options.endpoint_url = value; return NULL;
    case 'r': command->options.region = value; return NULL;
    case 'p': command->options.profile = value; return NULL;
    case 's': return parse_addressing(value, &command->options.addressing);
    case 'k': command->options.skip_tls_verify = true; return NULL;
    case 'c': command->options.ca_file = value; return NULL;
    case 'n': command->options.sync = STORE_SYNC_NONE; return NULL;
    case 'x': command->options.escape_names = true; return NULL;
    case 'i': command->put.mode = PUT_IF_ABSENT; return NULL;
    case 't': command->put.headers.content_type = value; return NULL;
    case 'm': return add_metadata(command, value);
    case 'g': return parse_range(value, &command->range);
    case 'E': command->if_etag = value; return NULL;
    case 'A':
        if (!str_to_u64(value, &number) || number > 100)
            return FAIL(INVALID, "-A wants a number up to 100");
        command->options.attempts_max = (unsigned)number;
        return NULL;
    case 'P': return parse_u64('P', value, &command->download.part_bytes);
    case 'M': return parse_u64('M', value, &command->download.multipart_bytes);
    case 'N':
        TRY(parse_u64('N', value, &number));
        command->download.parts_max = (unsigned)number;
        return NULL;
    case 'S': return set_store_option(&command->options, value);
    case 'R': command->start_over = true; return NULL;
    case 'H': return add_header(command, value);
    case 'G':
        command->put.tags = value;
        command->tagged = true;
        return NULL;
    case 'u':
        command->put.mode = PUT_IF_UNCHANGED;
        command->put.if_etag = value;
        return NULL;
    case 'O': command->overwrite = true; return NULL;
    case 'V': command->from_version = value; return NULL;
    default: return FAIL(INVALID, "unknown option; see the head of store_cli.c");
    }
}

MUST_USE static Error *parse_command(int argc, char **argv, Command *command)
{
    int option;
    while ((option = getopt(argc, argv, "ae:r:p:s:kc:nxit:m:g:E:A:P:M:N:RH:G:u:OV:S:")) != -1)
        TRY(parse_option(command, option, str_of(optarg)));
    command->words = argv + optind;
    command->word_count = argc - optind;
    command->put.metadata.entries = command->metadata;
    return command->word_count >= 2
               ? NULL
               : FAIL(INVALID, "usage: store_cli [options] ls|head|get|put|rm|cp|tags|bulk|download URL ...");
}

/* The word at `index` as a key; a JSON string is decoded into `arena`. */
MUST_USE static Error *key_word(const Command *command, int index, Arena *arena, Str *ret_key)
{
    Str word = index < command->word_count ? str_of(command->words[index]) : STR_EMPTY;
    *ret_key = word;
    if (!str_starts_with(word, STR("\"")))
        return NULL;
    CLEANUP(cleanup_json) json_t *value = json_loadb(word.data, word.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (!json_is_string(value))
        return FAIL(INVALID, "'" STR_FMT "' is no JSON string", STR_ARG(word));
    *ret_key = arena_str(arena, str_from(json_string_value(value), json_string_length(value)));
    return ret_key->data ? NULL : arena_error(arena);
}

/* ---- commands ---- */

static Error *print_object(void *context, const ObjectInfo *object)
{
    Buffer *line = context;
    buffer_clear(line);
    TRY(json_append_string(line, object->key));
    TRY(buffer_append_format(line, "\t%llu\t" STR_FMT "\n", (unsigned long long)object->size_bytes,
                             STR_ARG(object->etag)));
    return fwrite(line->data, 1, line->len, stdout) == line->len ? NULL : FAIL_ERRNO("write the listing");
}

MUST_USE static Error *run_ls(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(buffer_done) Buffer line = {0};
    Str prefix, start_after;
    TRY(key_word(command, 2, arena, &prefix));
    TRY(key_word(command, 3, arena, &start_after));
    return store_list(store, NULL, prefix, start_after, print_object, &line);
}

/* What is not always there: left out where it is absent. */
static void put_details(JsonWriter *w, ObjectInfo *info)
{
    HeaderName names[HEADER_NAMES];
    char checksum[CHECKSUM_TEXT_MAX_BYTES + 8];
    name_headers(&info->headers, names);
    for (size_t i = 1; i < HEADER_NAMES; i++) {
        if (names[i].value->len == 0)
            continue;
        json_put_key(w, names[i].name);
        json_put_str(w, *names[i].value);
    }
    if (info->version_id.len > 0)
        json_member(w, "version_id", str, info->version_id);
    if (info->checksum.kind != CHECKSUM_NONE) {
        checksum_text(&info->checksum, checksum);
        json_member(w, "checksum_kind", str, str_of(checksum_name(info->checksum.kind)));
        json_member(w, "checksum", str, str_of(checksum));
    }
    if (info->tag_count > 0)
        json_member(w, "tags", uint, info->tag_count);
    if (info->metadata_missing > 0)
        json_member(w, "metadata_missing", uint, info->metadata_missing);
    if (info->restore.len > 0)
        json_member(w, "restore", str, info->restore);
}

MUST_USE static Error *run_head(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(buffer_done) Buffer text = {0};
    ObjectInfo info;
    Str key;
    char time[TIME_TEXT_BYTES];
    JsonWriter w;

    TRY(key_word(command, 2, arena, &key));
    TRY(store_head(store, NULL, key, arena, &info));
    json_begin(&w, &text, 0);
    json_open_object(&w);
    json_member(&w, "key", str, info.key);
    json_member(&w, "size", uint, info.size_bytes);
    json_member(&w, "modified", str, time_iso8601(info.modified_us, time));
    json_member(&w, "etag", str, info.etag);
    json_member(&w, "content_type", str, info.headers.content_type);
    put_details(&w, &info);
    json_put_key(&w, STR("metadata"));
    json_open_object(&w);
    for (size_t i = 0; i < info.metadata.count; i++) {
        json_put_key(&w, info.metadata.entries[i].name);
        json_put_str(&w, info.metadata.entries[i].value);
    }
    json_close_object(&w);
    json_close_object(&w);
    TRY(json_finish(&w));
    printf(STR_FMT "\n", STR_ARG(buffer_str(&text)));
    return NULL;
}

MUST_USE static Error *run_get(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(buffer_done) Buffer body = {.limit = BODY_LIMIT};
    Str key;
    TRY(key_word(command, 2, arena, &key));
    TRY(store_get(store, NULL, key, command->range, command->if_etag, &body));
    return fwrite(body.data ? body.data : (const uint8_t *)"", 1, body.len, stdout) == body.len ? NULL
                                                                                                : FAIL_ERRNO("write");
}

MUST_USE static Error *read_all(const char *path, Buffer *body)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!in)
        return FAIL_ERRNO("open '%s'", path);
    Error *err = NULL;
    size_t got = 1;
    while (!err && got > 0) {
        err = buffer_reserve(body, 65536);
        got = err ? 0 : fread(body->data + body->len, 1, 65536, in);
        buffer_grown(body, got);
    }
    if (in != stdin)
        (void)fclose(in);
    return err;
}

MUST_USE static Error *run_put(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(buffer_done) Buffer body = {.limit = BODY_LIMIT};
    Str key;
    if (command->word_count < 4)
        return FAIL(INVALID, "put wants URL, KEY and FILE");
    TRY(key_word(command, 2, arena, &key));
    TRY(read_all(command->words[3], &body));
    PutOptions options = command->put;
    options.multipart_from_bytes = command->download.multipart_bytes;
    options.part_bytes = command->download.part_bytes;
    options.parts_max = command->download.parts_max;
    return store_put_bytes(store, NULL, key, buffer_bytes(&body), &options);
}

static Error *print_deleted(void *context, Str key, Error *take_error)
{
    Buffer *line = context;
    buffer_clear(line);
    Error *err = json_append_string(line, key);
    if (!err)
        err = buffer_append_format(line, "\t%s\n", take_error ? error_code_name(error_code(take_error)) : "deleted");
    error_free(take_error); /* its code was told */
    TRY(err);
    return fwrite(line->data, 1, line->len, stdout) == line->len ? NULL : FAIL_ERRNO("write");
}

MUST_USE static Error *run_rms(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(buffer_done) Buffer text = {0}, line = {0};
    Str rest, piece;
    size_t count = 0;
    if (command->word_count < 3)
        return FAIL(INVALID, "rms wants URL and FILE");
    TRY(read_all(command->words[2], &text));
    Str *keys = ARENA_ARRAY(arena, Str, text.len + 1);
    if (!keys)
        return arena_error(arena);
    for (rest = buffer_str(&text); str_next_piece(&rest, '\n', &piece);) {
        if (piece.len == 0)
            continue;
        CLEANUP(cleanup_json) json_t *value = json_loadb(piece.data, piece.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        if (!json_is_string(value))
            return FAIL(INVALID, "'" STR_FMT "' is no JSON string", STR_ARG(piece));
        keys[count] = arena_str(arena, str_from(json_string_value(value), json_string_length(value)));
        if (!keys[count++].data)
            return arena_error(arena);
    }
    return store_delete_many(store, NULL, keys, count, print_deleted, &line);
}

typedef struct UploadPrinter {
    Store *store;
    Buffer line;
} UploadPrinter;

static Error *print_upload(void *context, const UploadInfo *upload)
{
    UploadPrinter *printer = context;
    UploadParts parts;
    TRY(store_upload_parts(printer->store, NULL, upload->key, upload->upload_id, &parts));
    buffer_clear(&printer->line);
    TRY(json_append_string(&printer->line, upload->key));
    TRY(buffer_append_format(&printer->line, "\t" STR_FMT "\t%llu\t%llu\n", STR_ARG(upload->upload_id),
                             (unsigned long long)parts.count, (unsigned long long)parts.size_bytes));
    return fwrite(printer->line.data, 1, printer->line.len, stdout) == printer->line.len ? NULL : FAIL_ERRNO("write");
}

MUST_USE static Error *run_uploads(const Command *command, Store *store, Arena *arena)
{
    UploadPrinter printer = {.store = store};
    Str prefix;
    TRY(key_word(command, 2, arena, &prefix));
    Error *err = store_list_uploads(store, NULL, prefix, print_upload, &printer);
    buffer_done(&printer.line);
    return err;
}

MUST_USE static Error *run_abort(const Command *command, Store *store, Arena *arena)
{
    Str key;
    if (command->word_count < 4)
        return FAIL(INVALID, "abort wants URL, KEY and UPLOAD_ID");
    TRY(key_word(command, 2, arena, &key));
    return store_abort_upload(store, NULL, key, str_of(command->words[3]));
}

MUST_USE static Error *run_rm(const Command *command, Store *store, Arena *arena)
{
    Str key;
    TRY(key_word(command, 2, arena, &key));
    return store_delete(store, NULL, key);
}

MUST_USE static Error *run_cp(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(store_freep) Store *from = NULL;
    Str key, from_key;
    CopyOptions options = {
        .from_version = command->from_version,
        .if_from_etag = command->if_etag,
        .mode = command->put.mode,
        .if_etag = command->put.if_etag,
        .replace = command->overwrite,
        .headers = command->put.headers,
        .metadata = command->put.metadata,
        .replace_tags = command->tagged,
        .tags = command->put.tags,
        .multipart_from_bytes = command->download.multipart_bytes,
        .part_bytes = command->download.part_bytes,
        .parts_max = command->download.parts_max,
    };
    if (command->word_count < 5)
        return FAIL(INVALID, "cp wants URL, KEY, FROM_URL and FROM_KEY");
    TRY(key_word(command, 2, arena, &key));
    TRY(key_word(command, 4, arena, &from_key));
    TRY(store_open(str_of(command->words[3]), &command->options, &from));
    return store_copy(store, NULL, key, from, from_key, &options);
}

MUST_USE static Error *run_tags(const Command *command, Store *store, Arena *arena)
{
    Str key, tags;
    TRY(key_word(command, 2, arena, &key));
    if (command->word_count > 3)
        return store_put_tags(store, NULL, key, str_of(command->words[3]));
    TRY(store_get_tags(store, NULL, key, arena, &tags));
    printf(STR_FMT "\n", STR_ARG(tags));
    return NULL;
}

/* ---- bulk ---- */

typedef struct KeyList {
    Arena *arena;
    Str *keys;
    size_t count, capacity;
} KeyList;

static Error *collect_key(void *context, const ObjectInfo *object)
{
    KeyList *list = context;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 1024;
        Str *grown = reallocarray(list->keys, list->capacity, sizeof(*grown));
        if (!grown)
            return FAIL(NO_MEMORY, "out of memory");
        list->keys = grown;
    }
    list->keys[list->count] = arena_str(list->arena, object->key);
    return list->keys[list->count++].data ? NULL : arena_error(list->arena);
}

static double cpu_seconds(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

MUST_USE static Error *fetch_all(Store *store, const KeyList *list, size_t in_flight, uint64_t *ret_bytes)
{
    CLEANUP(store_batch_freep) StoreBatch *batch = NULL;
    CLEANUP(cleanup_free) StoreFetch *fetches = calloc(in_flight, sizeof(*fetches));
    Error *err = NULL;
    size_t next = 0;
    if (!fetches)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(store_batch_new(store, NULL, &batch));
    for (size_t i = 0; i < in_flight && next < list->count; i++) {
        fetches[i] = (StoreFetch){.key = list->keys[next++], .range = BYTE_RANGE_ALL, .body = {.limit = BODY_LIMIT}};
        store_batch_get(batch, &fetches[i]);
    }
    for (StoreFetch *fetch; (fetch = store_batch_next(batch)) != NULL;) {
        *ret_bytes += fetch->body.len;
        buffer_clear(&fetch->body);
        if (fetch->error) {
            error_free(err);
            err = fetch->error;
            fetch->error = NULL;
        } else if (next < list->count && !err) {
            fetch->key = list->keys[next++];
            store_batch_get(batch, fetch);
        }
    }
    for (size_t i = 0; i < in_flight; i++)
        buffer_done(&fetches[i].body);
    return err;
}

MUST_USE static Error *run_bulk(const Command *command, Store *store, Arena *arena)
{
    KeyList list = {.arena = arena};
    uint64_t in_flight = 0, bytes = 0;
    if (command->word_count < 3 || !str_to_u64(str_of(command->words[2]), &in_flight) || in_flight == 0
        || in_flight > 10000)
        return FAIL(INVALID, "bulk wants URL and IN_FLIGHT");
    double list_begin = cpu_seconds();
    Error *err = store_list(store, NULL, STR_EMPTY, STR_EMPTY, collect_key, &list);
    double begin = cpu_seconds();
    int64_t begin_us = clock_monotonic_us(clock_system());
    if (!err)
        err = fetch_all(store, &list, (size_t)in_flight, &bytes);
    double cpu = cpu_seconds() - begin, wall = (double)(clock_monotonic_us(clock_system()) - begin_us) / 1e6;
    double count = list.count > 0 ? (double)list.count : 1;
    if (!err)
        printf("%zu objects, %llu bytes, %.3f s, %.3f s CPU, %.2f us CPU an object; list %.3f us CPU a key\n",
               list.count, (unsigned long long)bytes, wall, cpu, cpu * 1e6 / count, (begin - list_begin) * 1e6 / count);
    free(list.keys);
    return err;
}

/* ---- download ---- */

typedef struct WantedList {
    Arena *arena;
    Download *items;
    size_t count, capacity;
} WantedList;

static void cleanup_wanted(WantedList *list)
{
    free(list->items);
}

static Error *collect_download(void *context, const ObjectInfo *object)
{
    WantedList *list = context;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 1024;
        Download *grown = reallocarray(list->items, list->capacity, sizeof(*grown));
        if (!grown)
            return FAIL(NO_MEMORY, "out of memory");
        list->items = grown;
    }
    Download *item = &list->items[list->count++];
    Str key = arena_str(list->arena, object->key);
    *item = (Download){
        .key = key,
        .path = key,
        .etag = arena_str(list->arena, object->etag),
        .size_bytes = object->size_bytes,
        .modified_us = object->modified_us,
    };
    return item->key.data && item->etag.data ? NULL : arena_error(list->arena);
}

enum { PUBLISH_MAX = 64 };

typedef struct DownloadRun {
    Downloads *downloads;
    WantedList *list;
    bool start_over;
    size_t next, failed, proven;
    uint64_t bytes, resumed_bytes;
    Download *ready[PUBLISH_MAX];
    size_t ready_count;
    Error *error; /* the last */
} DownloadRun;

static void download_failed(DownloadRun *run, Download *item, Error *take_error)
{
    fprintf(stderr, "store_cli: " STR_FMT ": %s: %s\n", STR_ARG(item->key), error_code_name(error_code(take_error)),
            error_message_view(take_error));
    download_keep(run->downloads, item);
    error_free(run->error);
    run->error = take_error;
    run->failed++;
}

static void publish_ready(DownloadRun *run)
{
    downloads_publish(run->downloads, run->ready, run->ready_count);
    for (size_t i = 0; i < run->ready_count; i++) {
        if (run->ready[i]->error)
            download_failed(run, run->ready[i], run->ready[i]->error);
    }
    run->ready_count = 0;
}

static void download_came(DownloadRun *run, Download *item)
{
    if (error_code(item->error) == ERR_CHANGED && run->start_over && !item->user) {
        error_free(item->error);
        download_discard(run->downloads, item);
        item->etag = STR_EMPTY;
        item->user = run;
        downloads_start(run->downloads, item);
        return;
    }
    if (item->error) {
        download_failed(run, item, item->error);
        return;
    }
    run->bytes += item->size_bytes;
    run->resumed_bytes += item->resumed_bytes;
    run->proven += item->proof.kind != CHECKSUM_NONE;
    run->ready[run->ready_count++] = item;
    if (run->ready_count == PUBLISH_MAX)
        publish_ready(run);
}

static void download_all(DownloadRun *run, size_t in_flight)
{
    for (; run->next < run->list->count && run->next < in_flight; run->next++)
        downloads_start(run->downloads, &run->list->items[run->next]);
    for (Download *item; (item = downloads_next(run->downloads)) != NULL;) {
        download_came(run, item);
        if (run->next < run->list->count)
            downloads_start(run->downloads, &run->list->items[run->next++]);
    }
    publish_ready(run);
}

MUST_USE static Error *run_download(const Command *command, Store *store, Arena *arena)
{
    CLEANUP(cleanup_wanted) WantedList list = {.arena = arena};
    uint64_t in_flight = 0;
    DownloadOptions options = command->download;
    CLEANUP(downloads_freep) Downloads *downloads = NULL;
    struct rusage usage;

    if (command->word_count < 4 || !str_to_u64(str_of(command->words[3]), &in_flight) || in_flight == 0)
        return FAIL(INVALID, "download wants URL, DIRECTORY and IN_FLIGHT");
    if (command->word_count > 4) {
        ObjectInfo unknown = {0};
        TRY(key_word(command, 4, arena, &unknown.key));
        TRY(collect_download(&list, &unknown));
    } else
        TRY(store_list(store, NULL, STR_EMPTY, STR_EMPTY, collect_download, &list));
    options.sync = command->options.sync == STORE_SYNC_EACH;
    options.escape_names = command->options.escape_names;
    TRY(downloads_new(store, str_of(command->words[2]), &options, &downloads));
    DownloadRun run = {.downloads = downloads, .list = &list, .start_over = command->start_over};
    double begin = cpu_seconds();
    int64_t begin_us = clock_monotonic_us(clock_system());
    download_all(&run, (size_t)in_flight);
    double cpu = cpu_seconds() - begin, wall = (double)(clock_monotonic_us(clock_system()) - begin_us) / 1e6;
    (void)getrusage(RUSAGE_SELF, &usage);
    StoreCounters counters = store_counters(store);
    printf(
        "{\"objects\": %zu, \"failed\": %zu, \"proven\": %zu, \"bytes\": %llu, \"resumed_bytes\": %llu, \"seconds\": %.3f, "
        "\"cpu_seconds\": %.3f, \"cpu_us_per_object\": %.2f, \"peak_kib\": %ld, \"requests\": %llu, \"retries\": %llu, "
        "\"bytes_in\": %llu}\n",
        list.count, run.failed, run.proven, (unsigned long long)run.bytes, (unsigned long long)run.resumed_bytes, wall,
        cpu, cpu * 1e6 / (double)MAX(list.count, 1), usage.ru_maxrss, (unsigned long long)counters.requests,
        (unsigned long long)counters.retries, (unsigned long long)counters.bytes_in);
    return run.error;
}

MUST_USE static Error *run(int argc, char **argv)
{
    static const struct {
        const char *name;
        Error *(*run)(const Command *command, Store *store, Arena *arena);
    } commands[] = {{"ls", run_ls},           {"head", run_head},   {"get", run_get},   {"put", run_put},
                    {"rm", run_rm},           {"cp", run_cp},       {"tags", run_tags}, {"rms", run_rms},
                    {"uploads", run_uploads}, {"abort", run_abort}, {"bulk", run_bulk}, {"download", run_download}};
    CLEANUP(log_freep) Log *log = log_new(LOG_INFO, log_to_stderr, NULL);
    CLEANUP(arena_freep) Arena *arena = arena_new(1 * GIB);
    CLEANUP(store_freep) Store *store = NULL;
    Command command = {.range = BYTE_RANGE_ALL, .options = {.log = log, .environment = (const char *const *)environ}};

    if (!log || !arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(parse_command(argc, argv, &command));
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++) {
        if (strcmp(command.words[0], commands[i].name) != 0)
            continue;
        TRY(store_open(str_of(command.words[1]), &command.options, &store));
        return commands[i].run(&command, store, arena);
    }
    return FAIL(INVALID, "unknown command '%s'", command.words[0]);
}

int main(int argc, char **argv)
{
    Error *err = run(argc, argv);
    int status = err ? error_code_exit_status(error_code(err)) : 0;
    if (err)
        fprintf(stderr, "store_cli: %s: %s\n", error_code_name(error_code(err)), error_message_view(err));
    error_free(err);
    return fflush(stdout) == 0 ? status : 3;
}
