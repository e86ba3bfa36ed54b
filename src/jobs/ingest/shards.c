#include "jobs/ingest/shards.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/json.h"
#include "document/element_json.h"
#include "parquet/reader.h"
#include "parquet/table_builder.h"
#include "parquet/writer.h"

#define DOCUMENTS_KEY STR("quern.documents")

enum {
    LIST_BYTES = 2 << 20,           /* of the documents in a footer: many that are small or empty fill a shard too */
    SHARD_BYTES = 16 << 20,         /* of a file; also what a kill can cost */
    BATCH_BYTES = 2 << 20,          /* rows gathered before they go to the writer */
    DOCUMENT_BATCH_BYTES = 8 << 20, /* a document with more rows than that goes to the writer batch by batch */
    ROW_BYTES = 512,                /* of an element beside its text: id, place, metadata */
    ROW_GROUP_BYTES = 8 << 20,      /* before compression */
    FOOTER_MAX_BYTES = 4 << 20,     /* of a file of ours: its list and some row groups */
    LIST_ARENA_BYTES = 1 << 30,
    METADATA_MAX_BYTES = 64 << 20,
};

enum Column {
    COLUMN_ELEMENT_ID,
    COLUMN_TYPE,
    COLUMN_TEXT,
    COLUMN_PAGE_NUMBER,
    COLUMN_PARENT_ID,
    COLUMN_FILENAME,
    COLUMN_FILETYPE,
    COLUMN_LANGUAGES,
    COLUMN_URL,
    COLUMN_VERSION,
    COLUMN_METADATA,
    COLUMN_COUNT
};

/* The names of spec/commands.md 2. */
static const TableColumn columns[COLUMN_COUNT] = {
    [COLUMN_ELEMENT_ID] = {{"element_id", 10}, COLUMN_STRING, false, true},
    [COLUMN_TYPE] = {{"type", 4}, COLUMN_STRING, false, true},
    [COLUMN_TEXT] = {{"text", 4}, COLUMN_STRING, false, true},
    [COLUMN_PAGE_NUMBER] = {{"page_number", 11}, COLUMN_INT32, false, false},
    [COLUMN_PARENT_ID] = {{"parent_id", 9}, COLUMN_STRING, false, false},
    [COLUMN_FILENAME] = {{"filename", 8}, COLUMN_STRING, false, false},
    [COLUMN_FILETYPE] = {{"filetype", 8}, COLUMN_STRING, false, false},
    [COLUMN_LANGUAGES] = {{"languages", 9}, COLUMN_STRING, true, false},
    [COLUMN_URL] = {{"url", 3}, COLUMN_STRING, false, true},
    [COLUMN_VERSION] = {{"version", 7}, COLUMN_STRING, false, false},
    [COLUMN_METADATA] = {{"metadata", 8}, COLUMN_STRING, false, true},
};

/* A document in a footer's list. */
typedef struct Listed {
    Str key, version;
    Str made_with; /* "": an older program's */
    Str part;      /* "": whole */
} Listed;

/* A shard that is there: its range of keys, and its list while the plan is within it. */
typedef struct DoneShard {
    const char *name; /* in `names`, as first and last */
    Str first, last;  /* `data` NULL: no documents */
    Arena *arena;     /* of `listed`; NULL: not loaded */
    Listed *listed;
    size_t count, next; /* listed[next] is the first not yet passed */
} DoneShard;

struct Shards {
    Store *output;
    Str shown_place; /* as the user named it */
    Str made_with;
    const Cancel *cancel;
    Log *log;
    char prefix[64]; /* of the names: "part-" */

    /* Planner. */
    DoneShard *done; /* [done_count], malloc */
    size_t done_count;
    uint64_t superseded; /* documents found with another version, or made with other options */
    Arena *names;

    /* Commit thread. */
    uint64_t next_number;
    TableBuilder *builder;
    ParquetWriter *writer;
    Buffer file;                    /* of the shard being written */
    Buffer list;                    /* its documents, JSON, without the closing bracket */
    uint64_t documents, shard_rows; /* in it */
    uint64_t rows;                  /* of all documents */
    Error *failure; /* a shard could not be written: its documents, which have ended as done, are lost */
};

/* ---- keys in footers ---- */

/* JSON holds no arbitrary bytes: "%", control characters and what is not UTF-8 become %XX. */
static Error *append_escaped(Buffer *out, Str key)
{
    for (size_t at = 0; at < key.len;) {
        size_t start = at;
        uint32_t c = str_next_code_point(key, &at);
        bool broken = c == 0xfffd && at == start + 1;
        if (c >= 0x20 && c != '%' && !broken) {
            TRY(buffer_append(out, key.data + start, at - start));
            continue;
        }
        TRY(buffer_append_format(out, "%%%02X", (unsigned)(uint8_t)key.data[start]));
    }
    return NULL;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The reverse, in `arena`; `data` is NULL when `text` is no such escaped key, or without memory. */
static Str unescaped(Arena *arena, Str text)
{
    char *key = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; key && i < text.len; i++) {
        if (text.data[i] != '%') {
            key[len++] = text.data[i];
            continue;
        }
        int high = text.len - i > 2 ? hex_digit(text.data[i + 1]) : -1,
            low = high >= 0 ? hex_digit(text.data[i + 2]) : -1;
        if (low < 0)
            return (Str){NULL, 0};
        key[len++] = (char)(high * 16 + low);
        i += 2;
    }
    return (Str){key, len};
}

/* ---- what is there ---- */

typedef struct StoredFile {
    Store *store;
    const Cancel *cancel;
    Str key;
} StoredFile;

static Error *read_stored(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    StoredFile *file = context;
    CLEANUP(buffer_done) Buffer piece = {.limit = len};
    TRY(store_get(file->store, file->cancel, file->key, (ByteRange){offset, len}, STR_EMPTY, &piece));
    if (piece.len != len)
        return FAIL(CORRUPT, "%zu bytes at %llu are not there", len, (unsigned long long)offset);
    memcpy(out, piece.data, len);
    return NULL;
}

/* The list in one footer; `*ret_list` is NULL when the file is none of ours. */
static Error *read_list(Shards *shards, const char *name, json_t **ret_list)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    ObjectInfo info;
    StoredFile file = {shards->output, shards->cancel, str_of(name)};
    TRY(store_head(shards->output, shards->cancel, file.key, arena, &info));
    ParquetSource source = {&file, info.size_bytes, read_stored};
    CLEANUP(parquet_reader_freep) ParquetReader *reader = NULL;
    Str text;
    TRY_CTX(parquet_reader_open(&source, NULL, &reader), "'%s'", name);
    *ret_list = NULL;
    if (!parquet_reader_key_value(reader, DOCUMENTS_KEY, &text))
        return NULL;
    TRY_CTX(json_read(str_bytes(text), ret_list), "'%s': its list of documents", name);
    return NULL;
}

/* The text at `index`, copied into `arena`; "" when there is none. */
static Str text_at(Arena *arena, const json_t *entry, size_t index)
{
    const json_t *text = json_array_get(entry, index);
    return json_is_string(text) ? arena_str(arena, (Str){json_string_value(text), json_string_length(text)})
                                : STR_EMPTY;
}

/* ["key", "version", "options", "reason"] at `index`, of which the last two may be missing, copied into `arena`. */
static Error *listed_at(const char *name, const json_t *list, size_t index, Arena *arena, Listed *ret_listed)
{
    const json_t *entry = json_array_get(list, index), *key = json_array_get(entry, 0);
    if (!json_is_string(key) || !json_is_string(json_array_get(entry, 1)))
        return FAIL(CORRUPT, "'%s': its list of documents has no key and version at %zu", name, index);
    ret_listed->key = unescaped(arena, (Str){json_string_value(key), json_string_length(key)});
    ret_listed->version = text_at(arena, entry, 1);
    ret_listed->made_with = text_at(arena, entry, 2);
    ret_listed->part = text_at(arena, entry, 3);
    return ret_listed->key.data && ret_listed->version.data && ret_listed->made_with.data && ret_listed->part.data
               ? NULL
               : FAIL(CORRUPT, "'%s': no memory for its list, or not a key at %zu", name, index);
}

/* Notes the range of keys of a shard; its list is read again when the plan gets there. */
static Error *note_range(Shards *shards, DoneShard *shard)
{
    CLEANUP(cleanup_json) json_t *list = NULL;
    Listed first, last;
    TRY(read_list(shards, shard->name, &list));
    size_t count = json_array_size(list);
    if (count == 0)
        return NULL;
    TRY(listed_at(shard->name, list, 0, shards->names, &first));
    TRY(listed_at(shard->name, list, count - 1, shards->names, &last));
    shard->first = first.key;
    shard->last = last.key;
    return NULL;
}

static Error *note_shard(void *context, const ObjectInfo *object)
{
    Shards *shards = context;
    if (!str_ends_with(object->key, STR(".parquet")))
        return NULL;
    DoneShard *grown = realloc(shards->done, (shards->done_count + 1) * sizeof *grown);
    if (!grown)
        return FAIL(NO_MEMORY, "out of memory");
    shards->done = grown;
    DoneShard *shard = &shards->done[shards->done_count];
    *shard = (DoneShard){.name = arena_cstr(shards->names, object->key)};
    if (!shard->name)
        return arena_error(shards->names);
    shards->done_count++;
    Str prefix = str_of(shards->prefix);
    uint64_t number;
    if (str_starts_with(object->key, prefix)
        && str_to_u64(str_slice(object->key, prefix.len, object->key.len - STR(".parquet").len), &number))
        shards->next_number = MAX(shards->next_number, number + 1);
    return NULL;
}

/* "part-00000.parquet", "part-1-of-4-00000.parquet". Other programs number their parts too, with other digits. */
static bool is_own_name(Str name)
{
    if (!str_starts_with(name, STR("part-")) || !str_ends_with(name, STR(".parquet")))
        return false;
    name = str_slice(name, STR("part-").len, name.len - STR(".parquet").len);
    size_t dash = str_rfind_char(name, '-');
    Str number = dash == SIZE_MAX ? name : str_slice(name, dash + 1, name.len);
    uint64_t value;
    bool part = dash == SIZE_MAX || str_find(str_slice(name, 0, dash), STR("-of-")) != SIZE_MAX;
    return part && number.len >= 5 && str_to_u64(number, &value);
}

/* Does the end of the file, where a footer would be, name our list? */
static Error *holds_list(Shards *shards, const char *name, bool *ret_holds)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * KIB);
    CLEANUP(buffer_done) Buffer end = {0};
    ObjectInfo info;
    if (!arena)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(store_head(shards->output, shards->cancel, str_of(name), arena, &info));
    uint64_t len = MIN(info.size_bytes, (uint64_t)FOOTER_MAX_BYTES);
    if (len)
        TRY(store_get(shards->output, shards->cancel, str_of(name), (ByteRange){info.size_bytes - len, len}, STR_EMPTY,
                      &end));
    *ret_holds = str_find(buffer_str(&end), DOCUMENTS_KEY) != SIZE_MAX;
    return NULL;
}

/* A shard of ours that cannot be read ends the run, which would else do its documents again; anybody else's file is none of our business. */
static Error *judge_unreadable(Shards *shards, const char *name, Error *take_error)
{
    ErrorCode code = error_code(take_error);
    bool ours = is_own_name(str_of(name));
    if (code != ERR_CORRUPT && code != ERR_UNSUPPORTED && code != ERR_LIMIT)
        return take_error;
    Error *error = ours ? NULL : holds_list(shards, name, &ours);
    if (ours || error) {
        error_free(error); /* what was wrong first is the news */
        return error_wrap(take_error, "move the file away, or mend it");
    }
    log_warning(shards->log, "%s: it is no shard of ours, and left alone", error_message_view(take_error));
    error_free(take_error);
    return NULL;
}

static Error *note_done(Shards *shards)
{
    Error *error = store_list(shards->output, shards->cancel, STR_EMPTY, STR_EMPTY, note_shard, shards);
    if (error_code(error) == ERR_NOT_FOUND) {
        error_free(error); /* no directory yet: nothing is done */
        return NULL;
    }
    TRY(error);
    for (size_t i = 0; i < shards->done_count; i++) {
        error = note_range(shards, &shards->done[i]);
        if (error)
            TRY(judge_unreadable(shards, shards->done[i].name, error));
    }
    return NULL;
}

static void unload(DoneShard *shard)
{
    arena_free(shard->arena);
    shard->arena = NULL;
    shard->listed = NULL;
    shard->count = 0;
}

static Error *load(Shards *shards, DoneShard *shard)
{
    CLEANUP(cleanup_json) json_t *list = NULL;
    TRY(read_list(shards, shard->name, &list));
    size_t count = json_array_size(list);
    shard->arena = arena_new(LIST_ARENA_BYTES);
    shard->listed = shard->arena ? ARENA_ARRAY(shard->arena, Listed, count) : NULL;
    if (!shard->listed)
        return FAIL(NO_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++)
        TRY(listed_at(shard->name, list, i, shard->arena, &shard->listed[i]));
    shard->count = count;
    shard->next = 0;
    return NULL;
}

/* Moves a loaded list up to `key`; its entry when it is there with this version and these options. A key may stand in several shards in several
 * versions, never twice in one. */
static const Listed *passes(DoneShard *shard, Str key, Str version, Str made_with, bool *other)
{
    while (shard->next < shard->count && str_compare(shard->listed[shard->next].key, key) < 0)
        shard->next++;
    const Listed *at = shard->next < shard->count ? &shard->listed[shard->next] : NULL;
    if (!at || !str_equal(at->key, key))
        return NULL;
    bool same = str_equal(at->version, version) && (at->made_with.len == 0 || str_equal(at->made_with, made_with));
    *other = *other || !same;
    return same ? at : NULL;
}

Error *shards_have(Shards *shards, Str key, Str version, OutputState *ret_state, Str *ret_part)
{
    bool older = false;
    *ret_state = OUTPUT_ABSENT;
    *ret_part = STR_EMPTY;
    for (size_t i = 0; i < shards->done_count && *ret_state != OUTPUT_WHOLE; i++) {
        DoneShard *shard = &shards->done[i];
        if (!shard->first.data || str_compare(key, shard->first) < 0)
            continue;
        if (str_compare(key, shard->last) > 0) {
            unload(shard);
            continue;
        }
        if (!shard->arena)
            TRY(load(shards, shard));
        const Listed *listed = passes(shard, key, version, shards->made_with, &older);
        if (!listed)
            continue;
        *ret_state = listed->part.len ? OUTPUT_PART : OUTPUT_WHOLE; /* a later shard may have what an earlier has not */
        *ret_part = listed->part;
    }
    shards->superseded += older && *ret_state == OUTPUT_ABSENT;
    return NULL;
}

/* ---- writing ---- */

static Error *append_to_file(void *context, Bytes piece)
{
    Shards *shards = context;
    return buffer_append(&shards->file, piece.data, piece.len);
}

static Error *begin_shard(Shards *shards)
{
    struct ArrowSchema schema = {0};
    ParquetSink sink = {shards, append_to_file};
    ParquetWriteOptions options = {.row_group_bytes_max = ROW_GROUP_BYTES};
    buffer_clear(&shards->file);
    buffer_clear(&shards->list);
    shards->documents = shards->shard_rows = 0;
    TRY(buffer_append_byte(&shards->list, '['));
    TRY(table_builder_schema(shards->builder, &schema));
    Error *error = parquet_writer_new(&sink, &schema, &options, &shards->writer);
    schema.release(&schema);
    return error;
}

/* Gives the writer the first `rows_kept` of the rows gathered, and drops the others. */
static Error *flush_batch(Shards *shards, size_t rows_kept)
{
    if (table_builder_rows(shards->builder) == 0)
        return NULL;
    struct ArrowArray batch = {0};
    TRY(table_builder_take_batch(shards->builder, &batch));
    batch.length = (int64_t)MIN((size_t)batch.length, rows_kept);
    Error *error = batch.length ? parquet_writer_write(shards->writer, &batch) : NULL;
    batch.release(&batch);
    return error;
}

/* The shard becomes an object: from here on its documents are done. */
static Error *publish_shard(Shards *shards)
{
    char name[96];
    TRY(flush_batch(shards, SIZE_MAX));
    TRY(buffer_append_byte(&shards->list, ']'));
    TRY(parquet_writer_add_key_value(shards->writer, DOCUMENTS_KEY, buffer_str(&shards->list)));
    TRY(parquet_writer_finish(shards->writer));
    snprintf(name, sizeof name, "%s%05llu.parquet", shards->prefix, (unsigned long long)shards->next_number);
    PutOptions put = {.mode = PUT_IF_ABSENT, .headers.content_type = STR("application/vnd.apache.parquet")};
    Error *error = store_put_bytes(shards->output, shards->cancel, str_of(name), buffer_bytes(&shards->file), &put);
    if (error_code(error) == ERR_EXISTS) {
        error_free(error);
        return FAIL(LOCKED, "another run has written '%s' meanwhile: let one end, then run this one again", name);
    }
    TRY_CTX(error, "write the shard '%s'", name);
    log_info(shards->log, "Wrote " STR_FMT "%s%s", STR_ARG(shards->shown_place),
             str_ends_with(shards->shown_place, STR("/")) ? "" : "/", name);
    shards->next_number++;
    shards->rows += shards->shard_rows;
    parquet_writer_free(shards->writer);
    shards->writer = NULL;
    return NULL;
}

/* What could not be written takes its documents with it, which the report has as done: so the run ends with this error, and nothing
 * more is added meanwhile. */
static Error *lose_shard(Shards *shards, Error *take_error)
{
    take_error = error_wrap(take_error, "%llu documents are not written, run again for them",
                            (unsigned long long)shards->documents);
    parquet_writer_free(shards->writer);
    shards->writer = NULL;
    shards->failure = error_copy(take_error);
    return take_error;
}

static Error *publish_or_lose(Shards *shards)
{
    Error *error = publish_shard(shards);
    return error ? lose_shard(shards, error) : NULL;
}

/* Text that the table can hold: keys may be any bytes. */
static void append_key_text(Shards *shards, enum Column column, Str text, Buffer *scratch)
{
    buffer_clear(scratch);
    Error *error = str_is_utf8(text) ? NULL : append_escaped(scratch, text);
    table_append_str(shards->builder, column, str_is_utf8(text) || error ? text : buffer_str(scratch));
    error_free(error); /* without memory the builder refuses the text, which says so */
}

static void append_optional(Shards *shards, enum Column column, Str text)
{
    if (text.len)
        table_append_str(shards->builder, column, text);
}

/* One document on its way into rows. */
typedef struct Rows {
    const ShardDocument *document;
    Buffer metadata, scratch;
} Rows;

static Error *add_row(Shards *shards, Rows *rows, size_t index)
{
    const ShardDocument *document = rows->document;
    const Element *element = &document->elements->items[index];
    const DocumentInfo *info = document->info;
    buffer_clear(&rows->metadata);
    TRY(element_metadata_json(document->elements, index, info, document->selection,
                              &rows->metadata)); /* before the row is begun: it can fail */
    table_append_str(shards->builder, COLUMN_ELEMENT_ID, str_of(element->id));
    table_append_str(shards->builder, COLUMN_TYPE, element_type_name(element->type));
    table_append_str(shards->builder, COLUMN_TEXT, element->text);
    if (element->page_number)
        table_append_i64(shards->builder, COLUMN_PAGE_NUMBER, (int64_t)element->page_number);
    if (element->parent)
        table_append_str(shards->builder, COLUMN_PARENT_ID, str_of(document->elements->items[element->parent - 1].id));
    const ElementPart *part = element->part;
    bool own_name = part && part->filename.len > 0, own_type = part && part->filetype.len > 0;
    append_key_text(shards, COLUMN_FILENAME, own_name ? part->filename : info->filename, &rows->scratch);
    append_optional(shards, COLUMN_FILETYPE, own_type ? part->filetype : info->filetype);
    table_list_begin(shards->builder, COLUMN_LANGUAGES);
    for (size_t i = 0; i < element->languages.count; i++)
        table_append_str(shards->builder, COLUMN_LANGUAGES, element->languages.items[i]);
    table_list_end(shards->builder, COLUMN_LANGUAGES);
    append_key_text(shards, COLUMN_URL, document->url, &rows->scratch);
    append_optional(shards, COLUMN_VERSION, document->version);
    table_append_str(shards->builder, COLUMN_METADATA, buffer_str(&rows->metadata));
    return table_builder_end_row(shards->builder);
}

static Error *list_document(Shards *shards, const ShardDocument *document)
{
    CLEANUP(buffer_done) Buffer escaped = {0};
    TRY(append_escaped(&escaped, document->key));
    Str entry[] = {buffer_str(&escaped), document->version, shards->made_with, document->part};
    size_t count = ARRAY_COUNT(entry) - (document->part.len == 0);
    if (shards->list.len > 1)
        TRY(buffer_append_byte(&shards->list, ','));
    for (size_t i = 0; i < count; i++) {
        TRY(buffer_append_byte(&shards->list, i == 0 ? '[' : ','));
        TRY(json_append_string(&shards->list, entry[i]));
    }
    return buffer_append_byte(&shards->list, ']');
}

/* Adds its rows and hands them to `full`, which takes them all, whenever there are `batch_bytes`. */
static Error *add_rows(Shards *shards, Rows *rows, size_t batch_bytes, Error *(*full)(Shards *shards))
{
    for (size_t i = 0; i < rows->document->elements->count; i++) {
        TRY_CTX(add_row(shards, rows, i), "element %zu", i);
        if (table_builder_bytes(shards->builder) >= batch_bytes)
            TRY(full(shards));
    }
    return NULL;
}

static Error *write_batch(Shards *shards)
{
    return flush_batch(shards, SIZE_MAX);
}

static Error *drop_batch(Shards *shards)
{
    return flush_batch(shards, 0);
}

/* What is with the writer cannot be taken back, so the rows are made twice: first to see that all of them can be, which leaves only memory
 * to fail. */
static Error *add_large_document(Shards *shards, Rows *rows)
{
    Error *error = flush_batch(shards, SIZE_MAX);
    if (error)
        return lose_shard(shards, error);
    error = add_rows(shards, rows, BATCH_BYTES, drop_batch);
    Error *undropped = drop_batch(shards);
    if (undropped) {
        error_free(error); /* this document's rows are still there */
        return lose_shard(shards, undropped);
    }
    TRY(error);
    error = add_rows(shards, rows, BATCH_BYTES, write_batch);
    if (!error)
        error = list_document(shards, rows->document);
    return error ? lose_shard(shards, error) : NULL;
}

static Error *add_small_document(Shards *shards, Rows *rows)
{
    TRY(add_rows(shards, rows, SIZE_MAX, write_batch));
    return list_document(shards, rows->document);
}

/* Are its rows more than are held at once? By its text, a good part of every row; what else is in a row is small, or rare. */
static bool is_large(const Elements *elements)
{
    size_t bytes = elements->count * ROW_BYTES;
    for (size_t i = 0; i < elements->count && bytes < DOCUMENT_BATCH_BYTES; i++)
        bytes += elements->items[i].text.len + 2 * elements->items[i].text_as_html.len;
    return bytes >= DOCUMENT_BATCH_BYTES;
}

/* Rows and list go back to what they held, so that a document that failed leaves nothing behind to be doubled by the next run. */
static Error *undo_document(Shards *shards, size_t rows, size_t list_len, Error *take_error)
{
    shards->list.len = list_len;
    Error *error = flush_batch(shards, rows);
    if (!error)
        return take_error;
    error_free(take_error); /* the other one's documents are more */
    return lose_shard(shards, error);
}

Error *shards_add(Shards *shards, const ShardDocument *document)
{
    if (shards->failure)
        return error_copy(shards->failure);
    if (!shards->writer)
        TRY(begin_shard(shards));
    size_t rows = table_builder_rows(shards->builder), list_len = shards->list.len;
    Rows adding = {.document = document, .metadata = {.limit = METADATA_MAX_BYTES}};
    bool large = is_large(document->elements);
    Error *error = (large ? add_large_document : add_small_document)(shards, &adding);
    buffer_done(&adding.metadata);
    buffer_done(&adding.scratch);
    if (error)
        return large ? error : undo_document(shards, rows, list_len, error);
    shards->documents++;
    shards->shard_rows += document->elements->count;
    if (table_builder_bytes(shards->builder) >= BATCH_BYTES && (error = flush_batch(shards, SIZE_MAX)))
        return lose_shard(shards, error);
    bool full = parquet_writer_bytes(shards->writer) >= SHARD_BYTES || shards->list.len >= LIST_BYTES;
    return full ? publish_or_lose(shards) : NULL;
}

Error *shards_finish(Shards *shards)
{
    if (shards->failure)
        return error_copy(shards->failure);
    return shards->writer && shards->documents ? publish_or_lose(shards) : NULL;
}

Error *shards_settle(const Shards *shards, bool *ret_safe)
{
    *ret_safe = !shards->failure && (!shards->writer || shards->documents == 0);
    return shards->failure ? error_copy(shards->failure) : NULL;
}

uint64_t shards_superseded(const Shards *shards)
{
    return shards->superseded;
}

uint64_t shards_rows(const Shards *shards)
{
    return shards->rows;
}

/* ---- life ---- */

Error *shards_new(Store *output, Str shown_place, Str made_with, const Cancel *cancel, OptionShard shard, Log *log,
                  Shards **ret_shards)
{
    CLEANUP(shards_freep) Shards *shards = calloc(1, sizeof *shards);
    if (!shards)
        return FAIL(NO_MEMORY, "out of memory");
    shards->output = output;
    shards->shown_place = shown_place;
    shards->made_with = made_with;
    shards->cancel = cancel;
    shards->log = log;
    if (shard.count > 1)
        snprintf(shards->prefix, sizeof shards->prefix, "part-%u-of-%u-", shard.index, shard.count);
    else
        snprintf(shards->prefix, sizeof shards->prefix, "part-");
    shards->builder = table_builder_new(columns, COLUMN_COUNT, 0);
    shards->names = arena_new(LIST_ARENA_BYTES);
    if (!shards->builder || !shards->names)
        return FAIL(NO_MEMORY, "out of memory");
    TRY(note_done(shards));
    *ret_shards = shards;
    shards = NULL;
    return NULL;
}

void shards_free(Shards *shards)
{
    if (!shards)
        return;
    for (size_t i = 0; i < shards->done_count; i++)
        unload(&shards->done[i]);
    free(shards->done);
    arena_free(shards->names);
    parquet_writer_free(shards->writer);
    table_builder_free(shards->builder);
    buffer_done(&shards->file);
    buffer_done(&shards->list);
    error_free(shards->failure);
    free(shards);
}
