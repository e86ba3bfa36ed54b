#include "jobs/ingest/shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "base/testing.h"
#include "parquet/reader.h"
#include "parquet/rows_json.h"
#include "parquet/table_builder.h"
#include "parquet/writer.h"
#include "store/options.h"
#include "store/store_fault.h"

static const OptionShard whole = {0, 1};

/* ---- a directory for each test ---- */

typedef struct Fixture {
    char directory[64];
    Store *store;
} Fixture;

static int set_up(void **state)
{
    Fixture *f = calloc(1, sizeof *f);
    StoreOptions options = {.sync = STORE_SYNC_NONE};
    assert_non_null(f);
    snprintf(f->directory, sizeof f->directory, "/tmp/quern-shards-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    assert_ok(store_open(str_of(f->directory), &options, &f->store));
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    Fixture *f = *state;
    char command[96];
    store_free(f->store);
    snprintf(command, sizeof command, "rm -rf '%s'", f->directory);
    int failed = system(command);
    free(f);
    return failed;
}

static Shards *opened(Store *store)
{
    Shards *shards = NULL;
    assert_ok(shards_new(store, STR("out"), STR("options"), NULL, whole, NULL, &shards));
    return shards;
}

/* A document of `rows` paragraphs "<version> <n>"; `bad_row` (from 1) holds a byte that no text can. */
static Error *add(Shards *shards, Str key, const char *version, size_t rows, size_t bad_row)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(64 * MIB);
    Elements elements = {.arena = arena};
    DocumentInfo info = {.filename = key, .filetype = STR("text/plain")};
    for (size_t i = 1; i <= rows; i++) {
        char text[64];
        Element *element;
        snprintf(text, sizeof text, "%s %zu%s", version, i, i == bad_row ? "\xff" : "");
        TRY(elements_add(&elements, ELEMENT_NARRATIVE_TEXT, str_of(text), &element));
    }
    TRY(elements_finish(&elements, &info));
    ShardDocument document = {.key = key, .url = key, .version = str_of(version), .info = &info, .elements = &elements};
    return shards_add(shards, &document);
}

static bool have(Shards *shards, Str key, const char *version)
{
    OutputState made;
    Str part;
    assert_ok(shards_have(shards, key, str_of(version), &made, &part));
    assert_int_not_equal(made, OUTPUT_PART);
    return made == OUTPUT_WHOLE;
}

/* ---- reading back with the reader of the folder below ---- */

static Error *read_body(void *context, uint64_t offset, uint8_t *out, size_t len)
{
    const Buffer *body = context;
    memcpy(out, body->data + offset, len);
    return NULL;
}

static Error *append_piece(void *context, Bytes piece)
{
    return buffer_append(context, piece.data, piece.len);
}

typedef struct ReadBack {
    Store *store;
    Buffer names; /* each with a bar behind it */
    Buffer lines; /* rows as JSON */
    size_t rows;
} ReadBack;

static Error *read_shard(void *context, const ObjectInfo *object)
{
    ReadBack *back = context;
    CLEANUP(buffer_done) Buffer body = {0};
    CLEANUP(parquet_reader_freep) ParquetReader *reader = NULL;
    struct ArrowSchema schema;
    TRY(buffer_append_format(&back->names, STR_FMT "|", STR_ARG(object->key)));
    TRY(store_get(back->store, NULL, object->key, BYTE_RANGE_ALL, STR_EMPTY, &body));
    ParquetSource source = {&body, body.len, read_body};
    TRY(parquet_reader_open(&source, NULL, &reader));
    TRY(parquet_reader_schema(reader, &schema));
    for (;;) {
        struct ArrowArray batch;
        TRY(parquet_reader_next(reader, &batch));
        if (!batch.release)
            break;
        back->rows += (size_t)batch.length;
        TRY(rows_json_append(&schema, &batch, 0, (size_t)batch.length, &back->lines));
        batch.release(&batch);
    }
    schema.release(&schema);
    return NULL;
}

static void read_back(Store *store, ReadBack *ret_back)
{
    *ret_back = (ReadBack){.store = store};
    assert_ok(store_list(store, NULL, STR_EMPTY, STR_EMPTY, read_shard, ret_back));
}

static void read_back_done(ReadBack *back)
{
    buffer_done(&back->names);
    buffer_done(&back->lines);
}

static size_t count_of(const ReadBack *back, const char *part)
{
    size_t count = 0, at;
    Str rest = buffer_str(&back->lines);
    for (; (at = str_find(rest, str_of(part))) != SIZE_MAX; count++)
        rest = str_slice(rest, at + 1, rest.len);
    return count;
}

/* ---- what is written ---- */

static void documents_come_back_as_rows(void **state)
{
    Fixture *f = *state;
    CLEANUP(shards_freep) Shards *shards = opened(f->store);
    assert_ok(add(shards, STR("a.txt"), "v1", 2, 0));
    assert_ok(add(shards, STR("b\xff.txt"), "v1", 1, 0)); /* a name that is no text */
    assert_ok(add(shards, STR("c.txt"), "v1", 0, 0));
    assert_int_equal(shards_rows(shards), 0); /* none is there yet */
    assert_ok(shards_finish(shards));
    assert_int_equal(shards_rows(shards), 3);
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "part-00000.parquet|");
    assert_int_equal(back.rows, 3);
    assert_int_equal(count_of(&back, "\"text\": \"v1 2\""), 1);
    assert_int_equal(count_of(&back, "\"filename\": \"b%FF.txt\""), 1);
    assert_int_equal(count_of(&back, "\"type\": \"NarrativeText\""), 3);
}

static void nothing_is_there_before_the_end(void **state)
{
    Fixture *f = *state;
    Shards *shards = opened(f->store);
    assert_ok(add(shards, STR("a"), "v1", 5, 0));
    shards_free(shards);
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "");
    CLEANUP(shards_freep) Shards *again = opened(f->store);
    assert_false(have(again, STR("a"), "v1"));
    assert_ok(shards_finish(again)); /* nothing was added: no empty shard */
    shards_free(NULL);
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "");
}

enum { LARGE = 20000 }; /* rows, more than are held at once */

static void a_large_document_is_not_held_whole(void **state)
{
    Fixture *f = *state;
    CLEANUP(shards_freep) Shards *shards = opened(f->store);
    assert_ok(add(shards, STR("a"), "small", 2, 0));
    assert_ok(add(shards, STR("b"), "large", LARGE, 0));
    assert_ok(add(shards, STR("c"), "small", 2, 0));
    assert_ok(shards_finish(shards));
    assert_int_equal(shards_rows(shards), LARGE + 4);
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_int_equal(back.rows, LARGE + 4);
    assert_int_equal(count_of(&back, "\"text\": \"large 1\""), 1);
    assert_int_equal(count_of(&back, "\"text\": \"large 20000\""), 1);
    assert_int_equal(count_of(&back, "\"text\": \"small 2\""), 2);
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    assert_true(have(after, STR("b"), "large"));
}

static void a_document_that_fails_leaves_no_row(void **state)
{
    Fixture *f = *state;
    static const struct {
        size_t before, rows, bad_row; /* of documents that are good; of the bad one */
    } rows[] = {{0, 3, 1}, {0, 3, 3}, {1, 3, 2}, {2, 1, 1}, {1, LARGE, 1}, {1, LARGE, LARGE}};
    size_t good = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        for (size_t n = 0; n < rows[i].before; n++, good++)
            assert_ok(add(shards, str_from(&"abcdefgh"[good], 1), "good", 2, 0));
        assert_fails_saying(add(shards, STR("m"), "bad", rows[i].rows, rows[i].bad_row), ERR_INVALID, "element");
        if (i == 2)
            assert_ok(add(shards, STR("n"), "good", 2, 0)); /* and the next one is not harmed */
        assert_ok(shards_finish(shards));
    }
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_int_equal(count_of(&back, "\"text\": \"bad"), 0);
    assert_int_equal(count_of(&back, "\"text\": \"good"), 2 * good + 2);
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    assert_true(have(after, STR("a"), "good"));
    assert_false(have(after, STR("m"), "bad"));
    assert_true(have(after, STR("n"), "good"));
}

static bool safe(const Shards *shards)
{
    bool is_safe = false;
    assert_ok(shards_settle(shards, &is_safe));
    return is_safe;
}

static void documents_are_safe_once_their_shard_is_there(void **state)
{
    Fixture *f = *state;
    CLEANUP(shards_freep) Shards *shards = opened(f->store);
    assert_true(safe(shards));
    assert_fails(add(shards, STR("a"), "bad", 1, 1), ERR_INVALID);
    assert_true(safe(shards)); /* none is waiting */
    assert_ok(add(shards, STR("b"), "v1", 1, 0));
    assert_false(safe(shards));
    assert_ok(shards_finish(shards));
    assert_true(safe(shards));
}

/* Documents without elements fill no file, and their list must not grow without end. */
static void shards_of_empty_documents_are_cut_too(void **state)
{
    Fixture *f = *state;
    CLEANUP(shards_freep) Shards *shards = opened(f->store);
    DocumentInfo info = {.filename = STR("x")};
    Elements none = {0};
    char key[1025] = {0};
    unsigned count = 0;
    do {
        memset(key, 'k', 1024);
        key[snprintf(key, sizeof key, "%06u", count++)] = 'k';
        ShardDocument document = {
            .key = str_of(key), .url = STR("x"), .version = STR("v1"), .info = &info, .elements = &none};
        assert_ok(shards_add(shards, &document));
    } while (!safe(shards) && count < 10000);
    assert_in_range(count, 1000, 4000);
}

static void large_shards_are_cut(void **state)
{
    Fixture *f = *state;
    enum { DOCUMENTS = 24, TEXT_BYTES = 1 << 20 };
    static char text[TEXT_BYTES];
    Random random;
    random_init_seed(&random, 1);
    CLEANUP(shards_freep) Shards *shards = opened(f->store);
    for (unsigned n = 0; n < DOCUMENTS; n++) {
        char key[8];
        CLEANUP(arena_freep) Arena *arena = arena_new(4 * MIB);
        Elements elements = {.arena = arena};
        DocumentInfo info = {.filename = STR("x")};
        Element *element;
        snprintf(key, sizeof key, "%02u", n);
        for (size_t i = 0; i < TEXT_BYTES; i++) /* little that a codec could save */
            text[i] = (char)(' ' + random_u64(&random) % 95);
        assert_ok(elements_add(&elements, ELEMENT_TITLE, str_from(text, TEXT_BYTES), &element));
        assert_ok(elements_finish(&elements, &info));
        ShardDocument document = {
            .key = str_of(key), .url = str_of(key), .version = STR("v1"), .info = &info, .elements = &elements};
        assert_ok(shards_add(shards, &document));
    }
    assert_ok(shards_finish(shards));
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "part-00000.parquet|part-00001.parquet|");
    assert_int_equal(back.rows, DOCUMENTS);
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    for (unsigned n = 0; n < DOCUMENTS; n++) {
        char key[8];
        snprintf(key, sizeof key, "%02u", n);
        assert_true(have(after, str_of(key), "v1"));
    }
}

static void a_shard_that_cannot_be_written_is_said_again(void **state)
{
    Fixture *f = *state;
    CLEANUP(store_freep) Store *faulty = NULL;
    StoreFaults faults = {.fail_call = 2}; /* the listing is the first */
    assert_ok(store_fault_new(f->store, &faults, &faulty));
    CLEANUP(shards_freep) Shards *shards = opened(faulty);
    assert_ok(add(shards, STR("a"), "v1", 1, 0));
    assert_ok(add(shards, STR("b"), "v1", 1, 0));
    assert_fails_saying(shards_finish(shards), ERR_UNAVAILABLE, "2 documents are not written");
    /* The report has them as done: nothing may go on as if they were. */
    assert_fails_saying(add(shards, STR("c"), "v1", 1, 0), ERR_UNAVAILABLE, "2 documents are not written");
    assert_fails(shards_finish(shards), ERR_UNAVAILABLE);
    bool is_safe = true;
    assert_fails(shards_settle(shards, &is_safe), ERR_UNAVAILABLE);
    assert_false(is_safe);
    assert_int_equal(shards_rows(shards), 0);
}

static void two_runs_on_one_output_are_told_apart(void **state)
{
    Fixture *f = *state;
    CLEANUP(shards_freep) Shards *first = opened(f->store);
    CLEANUP(shards_freep) Shards *second = opened(f->store);
    assert_ok(add(first, STR("a"), "v1", 1, 0));
    assert_ok(add(second, STR("b"), "v1", 1, 0));
    assert_ok(shards_finish(first));
    assert_fails_saying(shards_finish(second), ERR_LOCKED, "'part-00000.parquet'");
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    assert_true(have(after, STR("a"), "v1"));
    assert_false(have(after, STR("b"), "v1"));
}

static void a_part_of_many_has_names_of_its_own(void **state)
{
    Fixture *f = *state;
    for (uint32_t i = 0; i < 2; i++) {
        CLEANUP(shards_freep) Shards *shards = NULL;
        assert_ok(shards_new(f->store, STR("out"), STR("options"), NULL, (OptionShard){i, 2}, NULL, &shards));
        assert_ok(add(shards, i ? STR("b") : STR("a"), "v1", 1, 0));
        assert_ok(shards_finish(shards));
    }
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "part-0-of-2-00000.parquet|part-1-of-2-00000.parquet|");
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    assert_true(have(after, STR("a"), "v1") && have(after, STR("b"), "v1")); /* whoever made them */
}

static void numbers_go_on_after_the_highest(void **state)
{
    Fixture *f = *state;
    char from[128], to[128];
    for (int round = 0; round < 2; round++) {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        assert_ok(add(shards, round ? STR("b") : STR("a"), "v1", 1, 0));
        assert_ok(shards_finish(shards));
        snprintf(from, sizeof from, "%s/part-00000.parquet", f->directory);
        snprintf(to, sizeof to, "%s/part-00041.parquet", f->directory);
        if (round == 0)
            assert_int_equal(rename(from, to), 0);
    }
    CLEANUP(read_back_done) ReadBack back;
    read_back(f->store, &back);
    assert_str(buffer_str(&back.names), "part-00041.parquet|part-00042.parquet|");
}

static void a_shard_that_cannot_be_read_ends_the_run(void **state)
{
    Fixture *f = *state;
    Shards *shards = NULL;
    assert_ok(store_put_bytes(f->store, NULL, STR("notes.txt"), str_bytes(STR("no shard")), NULL));
    shards_free(opened(f->store));
    assert_ok(store_put_bytes(f->store, NULL, STR("part-00000.parquet"), str_bytes(STR("PAR1 and no more")), NULL));
    assert_fails_saying(shards_new(f->store, STR("out"), STR("options"), NULL, whole, NULL, &shards), ERR_CORRUPT,
                        "'part-00000.parquet'");
}

/* Broken files beside the shards: of another program, or ours under another name. */
static void a_broken_file_of_others_is_left_alone(void **state)
{
    static const struct {
        const char *name, *body;
        bool ours;
    } rows[] = {
        {"foreign.parquet", "PAR1 and no more", false},  {"empty.parquet", "", false},
        {"part-0.parquet", "PAR1 of another", false},    {"part-x-of-00000.parquet.parquet", "", false},
        {"part-1-of-2-00000.parquet", "PAR1 cut", true}, {"copy.parquet", "PAR1 with quern.documents in it", true},
    };
    Fixture *f = *state;
    {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        assert_ok(add(shards, STR("a"), "v1", 1, 0));
        assert_ok(shards_finish(shards));
    }
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        Shards *shards = NULL;
        assert_ok(store_put_bytes(f->store, NULL, str_of(rows[i].name), str_bytes(str_of(rows[i].body)), NULL));
        if (rows[i].ours) {
            assert_fails_saying(shards_new(f->store, STR("out"), STR("options"), NULL, whole, NULL, &shards),
                                ERR_CORRUPT, rows[i].name);
            assert_ok(store_delete(f->store, NULL, str_of(rows[i].name)));
            continue;
        }
        shards = opened(f->store);
        assert_true(have(shards, STR("a"), "v1"));
        shards_free(shards);
    }
}

/* ---- what is done ---- */

/* In byte order. Escaped in footers, where some of them would sort elsewhere, or be the same as another. */
static const Str odd_keys[] = {
    {"\x01", 1},
    {"\t tab", 5},
    {"\n", 1},
    {" ", 1},
    {"\"quoted\"", 8},
    {"%", 1},
    {"%0A", 3},
    {"%25", 3},
    {"%FF", 3},
    {"%\xff", 2},
    {"A", 1},
    {"a", 1},
    {"a\x00z", 3},
    {"a\x1f", 2},
    {"a%41", 4},
    {"a/b", 3},
    {"aA", 2},
    {"a\\b", 3},
    {"a\xc3\xa4", 3},
    {"a\xef\xbf\xbd", 4},
    {"a\xff", 2},
    {"a\xff\xfe/\x80", 5},
    {"z", 1},
    {"\x7f", 1},
    {"\xc3", 1},
    {"\xc3\xa4", 2},
    {"\xe2\x82", 2},
    {"\xed\xa0\x80", 3},
    {"\xef\xbf\xbd", 3},
    {"\xf0\x9f\x98\x80", 4},
    {"\xff", 1},
    {"\xff\xff", 2},
};

static void keys_of_any_bytes_are_found_again(void **state)
{
    Fixture *f = *state;
    for (size_t i = 1; i < ARRAY_COUNT(odd_keys); i++)
        assert_true(str_compare(odd_keys[i - 1], odd_keys[i]) < 0);
    /* Three runs whose shards overlap from end to end: the i-th key is of run i % 4, where 3 is none. */
    for (size_t run = 0; run < 3; run++) {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        for (size_t i = 0; i < ARRAY_COUNT(odd_keys); i++)
            if (i % 4 == run)
                assert_ok(add(shards, odd_keys[i], "v1", 1, 0));
        assert_ok(shards_finish(shards));
    }
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    for (size_t i = 0; i < ARRAY_COUNT(odd_keys); i++) {
        if (have(after, odd_keys[i], "v1") != (i % 4 != 3))
            fail_msg("key %zu", i);
        assert_false(have(after, odd_keys[i], "v2"));
    }
}

static void a_new_version_is_another_document(void **state)
{
    Fixture *f = *state;
    static const char *const versions[] = {"v1", "v2", ""};
    for (size_t v = 0; v < ARRAY_COUNT(versions); v++) {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        for (size_t i = 0; i < 3; i++) {
            assert_false(have(shards, str_from(&"abc"[i], 1), versions[v]));
            assert_ok(add(shards, str_from(&"abc"[i], 1), versions[v], 1, 0));
        }
        assert_int_equal(shards_superseded(shards), v ? 3 : 0); /* by this run, however many versions there are */
        assert_ok(shards_finish(shards));
    }
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    for (size_t i = 0; i < 3; i++) {
        for (size_t v = 0; v < ARRAY_COUNT(versions); v++)
            assert_true(have(after, str_from(&"abc"[i], 1), versions[v]));
        assert_int_equal(shards_superseded(after), i); /* what is done has changed nothing */
        assert_false(have(after, str_from(&"abc"[i], 1), "v3"));
    }
}

static Shards *opened_with(Store *store, const char *options)
{
    Shards *shards = NULL;
    assert_ok(shards_new(store, STR("out"), str_of(options), NULL, whole, NULL, &shards));
    return shards;
}

static void other_options_make_another_document(void **state)
{
    Fixture *f = *state;
    static const char *const options[] = {"one", "two"};
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        CLEANUP(shards_freep) Shards *shards = opened_with(f->store, options[i]);
        assert_false(have(shards, STR("a"), "v1"));
        assert_int_equal(shards_superseded(shards), i);
        assert_ok(add(shards, STR("a"), "v1", 1, 0));
        assert_ok(shards_finish(shards));
    }
    for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
        CLEANUP(shards_freep) Shards *after = opened_with(f->store, options[i]);
        assert_true(have(after, STR("a"), "v1"));
        assert_false(have(after, STR("a"), "v2"));
    }
}

/* As programs wrote it that did not know of options: what is there is done, however it is asked for. */
static void a_list_of_versions_alone_is_understood(void **state)
{
    Fixture *f = *state;
    static const TableColumn column = {{"text", 4}, COLUMN_STRING, false, true};
    CLEANUP(table_builder_freep) TableBuilder *builder = table_builder_new(&column, 1, 0);
    CLEANUP(buffer_done) Buffer file = {0};
    CLEANUP(parquet_writer_freep) ParquetWriter *writer = NULL;
    struct ArrowSchema schema;
    ParquetSink sink = {&file, append_piece};
    assert_ok(table_builder_schema(builder, &schema));
    assert_ok(parquet_writer_new(&sink, &schema, NULL, &writer));
    schema.release(&schema);
    assert_ok(parquet_writer_add_key_value(writer, STR("quern.documents"), STR("[[\"a\",\"v1\"],[\"b\",\"v1\"]]")));
    assert_ok(parquet_writer_finish(writer));
    assert_ok(store_put_bytes(f->store, NULL, STR("part-00000.parquet"), buffer_bytes(&file), NULL));
    CLEANUP(shards_freep) Shards *shards = opened_with(f->store, "one");
    assert_true(have(shards, STR("a"), "v1"));
    assert_false(have(shards, STR("b"), "v2"));
}

static Error *add_part(Shards *shards, const char *part)
{
    DocumentInfo info = {.filename = STR("a")};
    Elements none = {0};
    ShardDocument document = {
        .key = STR("a"), .url = STR("a"), .version = STR("v1"), .part = str_of(part), .info = &info, .elements = &none};
    return shards_add(shards, &document);
}

static void a_part_is_told_until_the_whole_is_there(void **state)
{
    Fixture *f = *state;
    static const char *const parts[] = {"limit: too deep", "corrupt: another try", ""};
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        OutputState made;
        Str part;
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        assert_ok(shards_have(shards, STR("a"), STR("v1"), &made, &part));
        assert_int_equal(made, i ? OUTPUT_PART : OUTPUT_ABSENT);
        assert_str(part, i ? parts[i - 1] : "");
        assert_ok(add_part(shards, parts[i]));
        assert_ok(shards_finish(shards));
    }
    CLEANUP(shards_freep) Shards *after = opened(f->store);
    assert_true(have(after, STR("a"), "v1"));
}

/* Runs that stop anywhere, keys that change: what is said to be done is exactly what was written. Against a plain table. */
static void any_history_is_remembered(void **state)
{
    Fixture *f = *state;
    enum { KEYS = 60, RUNS = 8, VERSIONS = 3 };
    bool written[KEYS][VERSIONS] = {{false}};
    Random random;
    random_init_seed(&random, 7);
    for (int run = 0; run < RUNS; run++) {
        CLEANUP(shards_freep) Shards *shards = opened(f->store);
        bool added[KEYS][VERSIONS] = {{false}};
        for (size_t k = 0; k < KEYS; k++) {
            char key[8];
            size_t v = random_below(&random, VERSIONS);
            snprintf(key, sizeof key, "%c%c", (int)('!' + k), "%\xff z"[k % 4]);
            assert_int_equal(have(shards, str_of(key), (const char *[]){"0", "1", "2"}[v]), written[k][v]);
            if (written[k][v] || random_below(&random, 3))
                continue;
            assert_ok(add(shards, str_of(key), (const char *[]){"0", "1", "2"}[v], 1, 0));
            added[k][v] = true;
        }
        if (random_below(&random, 4) == 0)
            continue; /* killed: nothing of it is there */
        assert_ok(shards_finish(shards));
        for (size_t k = 0; k < KEYS; k++)
            for (size_t v = 0; v < VERSIONS; v++)
                written[k][v] = written[k][v] || added[k][v];
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(documents_come_back_as_rows),
        TEST(a_large_document_is_not_held_whole),
        TEST(nothing_is_there_before_the_end),
        TEST(a_document_that_fails_leaves_no_row),
        TEST(documents_are_safe_once_their_shard_is_there),
        TEST(shards_of_empty_documents_are_cut_too),
        TEST(large_shards_are_cut),
        TEST(a_shard_that_cannot_be_written_is_said_again),
        TEST(two_runs_on_one_output_are_told_apart),
        TEST(a_part_of_many_has_names_of_its_own),
        TEST(numbers_go_on_after_the_highest),
        TEST(a_shard_that_cannot_be_read_ends_the_run),
        TEST(a_broken_file_of_others_is_left_alone),
        TEST(keys_of_any_bytes_are_found_again),
        TEST(a_new_version_is_another_document),
        TEST(other_options_make_another_document),
        TEST(a_list_of_versions_alone_is_understood),
        TEST(a_part_is_told_until_the_whole_is_there),
        TEST(any_history_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
