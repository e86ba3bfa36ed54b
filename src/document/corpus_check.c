/* corpus_check - what the originals recorded, against ours: ids and parents of their outputs, the words and verbs of corpus/pos, the types of
 * texts. The corpus is QUERN_CORPUS, else shared/corpus beside the source tree; without it these tests fail. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/testing.h"
#include "document/element.h"
#include "document/rules.h"
#include "document/tagger.h"
#include "document/words.h"

static const char *corpus_root(void)
{
    const char *root = getenv("QUERN_CORPUS");
    return root && *root ? root : QUERN_CORPUS_DEFAULT;
}

typedef void FileFn(const char *path, void *context);

/* Calls `each` for every .json file below `directory`. */
static void for_each_json(const char *directory, FileFn *each, void *context)
{
    DIR *dir = opendir(directory);
    if (!dir)
        print_error("no directory '%s': set QUERN_CORPUS to the corpus\n", directory);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[1280];
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        assert_in_range(length, 1, sizeof path - 1);
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            for_each_json(path, each, context);
        else if (str_ends_with(str_of(entry->d_name), STR(".json")))
            each(path, context);
    }
    closedir(dir);
}

static json_t *read_json_file(const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
    if (!root)
        print_error("%s: %s\n", path, error.text);
    assert_non_null(root);
    return root;
}

/* ---- ids and parents ---- */

/* The name of a file that went into its elements' ids: what their metadata say, the file's own where that was left out of them, or none. */
typedef enum HashedName { NAME_OF_METADATA, NAME_OF_FILE, NAME_NONE, HASHED_NAMES } HashedName;

/* The part that `name` and, when `runs`, the page of an element belong to: of its own as soon as one of these changes. Up to 0.18.15 an index
 * counted within a run of one page number, which is what a part does here. */
static const ElementPart *part_for(Elements *elements, Str name, bool runs, uint32_t page_number)
{
    const Element *before = elements->count > 0 ? &elements->items[elements->count - 1] : NULL;
    if (before && str_equal(before->part->filename, name) && !(runs && before->page_number != page_number))
        return before->part;
    ElementPart *part = ARENA_ARRAY(elements->arena, ElementPart, 1);
    assert_non_null(part);
    *part = (ElementPart){.filename = name};
    return part;
}

static void load_elements(const json_t *array, HashedName name, bool runs, Elements *elements)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        ElementType type;
        Element *e;
        const json_t *metadata = json_object_get(item, "metadata");
        uint32_t page_number = (uint32_t)json_get_int(metadata, "page_number", 0);
        Str filename = name == NAME_OF_METADATA ? json_get_str(metadata, "filename", STR_EMPTY) : STR_EMPTY;
        const ElementPart *part = part_for(elements, filename, runs, page_number);
        assert_true(element_type_from_name(json_get_str(item, "type", STR_EMPTY), &type));
        assert_ok(elements_add(elements, type, json_get_str(item, "text", STR_EMPTY), &e));
        e->part = part;
        e->page_number = page_number;
        e->category_depth = (int32_t)json_get_int(metadata, "category_depth", -1);
    }
}

static bool ids_match(const json_t *array, const Elements *elements)
{
    for (size_t i = 0; i < elements->count; i++) {
        if (!str_equal(json_get_str(json_array_get(array, i), "element_id", STR_EMPTY), str_of(elements->items[i].id)))
            return false;
    }
    return true;
}

static bool parents_match(const json_t *array, const Elements *elements)
{
    for (size_t i = 0; i < elements->count; i++) {
        const json_t *metadata = json_object_get(json_array_get(array, i), "metadata");
        uint32_t parent = elements->items[i].parent;
        Str id = parent ? str_of(elements->items[parent - 1].id) : STR_EMPTY;
        if (!str_equal(json_get_str(metadata, "parent_id", STR_EMPTY), id))
            return false;
    }
    return true;
}

typedef struct IdTotals {
    size_t root_bytes; /* of the path of expected/ */
    size_t by_text, by_place, by_run, with_parents, without, bad_ids, bad_parents;
} IdTotals;

static bool starts_with_one_of(Str path, const char *const *prefixes)
{
    for (; *prefixes; prefixes++) {
        if (str_starts_with(path, str_of(*prefixes)))
            return true;
    }
    return false;
}

/* No elements; elements before there were ids; ids that come from the document itself: of HTML written by the ontology's parser, and of JSON. */
static const char *const without_hashes[] = {"format-samples/filedata/", "format-samples/0.4.10/", "html-ontology/",
                                             "local-0.27.32/json/", NULL};
static const char *const hashed_by_text[] = {"0.5.0/", "0.8.0/", "0.10.0/", "format-samples/0.5.0/", NULL};
static const char *const counted_for_each_page[] = {"local-0.27.32/", NULL};
/* Elsewhere parents were left out, or come from the document. */
static const char *const with_parents[] = {"ingest-0.3.13/", "api-2024-10/", "local-", NULL};
static const char *const parents_of_document[] = {"local-0.16.12/json/", NULL};

/* Tries one way of making ids; counts the parents too when these are told. */
static bool try_ids(const json_t *array, Str path, HashedName name, bool runs, IdTotals *totals)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    Elements elements = {.arena = arena};
    Str base = str_slice(path, str_rfind_char(path, '/') + 1, path.len - 5);
    load_elements(array, name, runs, &elements);
    assert_ok(elements_finish(&elements, &(DocumentInfo){.filename = name == NAME_OF_FILE ? base : STR_EMPTY}));
    if (starts_with_one_of(path, hashed_by_text))
        assert_ok(elements_rename(&elements, ELEMENT_IDS_TEXT_HASH, NULL));
    if (!ids_match(array, &elements))
        return false;
    if (!runs && starts_with_one_of(path, with_parents) && !starts_with_one_of(path, parents_of_document)) {
        bool match = parents_match(array, &elements);
        totals->with_parents++;
        totals->bad_parents += !match;
        if (!match)
            print_error("%s: other parents\n", path.data);
    }
    return true;
}

static bool try_names(const json_t *array, Str path, bool runs, IdTotals *totals)
{
    for (HashedName name = 0; name < HASHED_NAMES; name++) {
        if (try_ids(array, path, name, runs, totals))
            return true;
    }
    return false;
}

static void check_ids(const char *full_path, void *context)
{
    IdTotals *totals = context;
    Str path = str_of(full_path + totals->root_bytes);
    CLEANUP(cleanup_json) json_t *array = read_json_file(full_path);
    if (starts_with_one_of(path, without_hashes) || json_array_size(array) == 0) {
        totals->without++;
    } else if (try_names(array, path, false, totals)) {
        size_t *count = starts_with_one_of(path, hashed_by_text) ? &totals->by_text : &totals->by_place;
        (*count)++;
    } else if (!starts_with_one_of(path, counted_for_each_page) && try_names(array, path, true, totals)) {
        totals->by_run++;
    } else {
        totals->bad_ids++;
        print_error("%s: other ids\n", path.data);
    }
}

/* Every file of expected/. */
static void recorded_ids_and_parents_are_ours(void **state)
{
    (void)state;
    char path[1280];
    int length = snprintf(path, sizeof path, "%s/expected", corpus_root());
    IdTotals totals = {.root_bytes = (size_t)length + 1};
    for_each_json(path, check_ids, &totals);
    print_message(
        "%zu files with ids of texts, %zu with ids of places, %zu with ids counted in runs of a page; %zu with parents; %zu without ids\n",
        totals.by_text, totals.by_place, totals.by_run, totals.with_parents, totals.without);
    assert_int_equal(totals.bad_ids, 0);
    assert_int_equal(totals.bad_parents, 0);
    assert_true(totals.by_text >= 9 && totals.by_place >= 280 && totals.by_run == 2 && totals.without <= 40);
    assert_true(totals.with_parents >= 200);
}

/* `token|TAG` pieces of one line: the next token, with its tag. */
static bool next_label(Str *rest, Str *ret_word, Str *ret_tag)
{
    Str piece;
    if (!str_next_piece(rest, ' ', &piece))
        return false;
    size_t bar = str_rfind_char(piece, '|');
    *ret_word = str_slice(piece, 0, MIN(bar, piece.len));
    *ret_tag = bar == SIZE_MAX ? STR_EMPTY : str_slice(piece, bar + 1, piece.len);
    return true;
}

/* Spaces and underscores are one thing in the labels. */
static bool same_word(Str ours, Str theirs)
{
    if (ours.len != theirs.len)
        return false;
    for (size_t i = 0; i < ours.len; i++) {
        char c = ours.data[i] == ' ' ? '_' : ours.data[i];
        if (c != theirs.data[i])
            return false;
    }
    return true;
}

static bool same_words(Str text, Str labels)
{
    Str sentence, word, theirs, tag;
    while (words_next_sentence(&text, &sentence)) {
        WordWalk walk = word_walk(sentence);
        while (word_walk_next(&walk, &word)) {
            if (!next_label(&labels, &theirs, &tag) || !same_word(word, theirs))
                return false;
        }
    }
    return !labels.data;
}

static bool has_verb_label(Str labels)
{
    Str word, tag;
    bool verb = false;
    while (next_label(&labels, &word, &tag))
        verb |= str_starts_with(tag, STR("VB"));
    return verb;
}

static void read_gzip(const char *path, Buffer *out)
{
    gzFile file = gzopen(path, "rb");
    if (!file)
        print_error("no file '%s': set QUERN_CORPUS to the corpus\n", path);
    assert_non_null(file);
    int got = 1;
    while (got > 0) {
        assert_ok(buffer_reserve(out, MIB));
        got = gzread(file, out->data + out->len, (unsigned)MIB);
        assert_true(got >= 0);
        buffer_grown(out, (size_t)got);
    }
    gzclose(file);
}

/* Of the texts, one in HELD_BACK is not among those that scripts/train-tagger made the tagger of. */
enum { HELD_BACK = 10 };

static void words_and_verbs_are_those_of_the_labels(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer labelled = {0};
    char path[1024];
    size_t lines = 0, words = 0, held_back = 0, verbs = 0;
    snprintf(path, sizeof path, "%s/pos/train.tsv.gz", corpus_root());
    read_gzip(path, &labelled);
    Str all = buffer_str(&labelled), line, source, text;
    while (str_next_piece(&all, '\n', &line) && line.len > 0) {
        assert_true(str_next_piece(&line, '\t', &source) && str_next_piece(&line, '\t', &text) && line.data);
        words += same_words(text, line);
        if (lines++ % HELD_BACK != 0)
            continue;
        held_back++;
        verbs += tagger_finds_verb(text, TAGGER_AS_IT_STANDS) == has_verb_label(line);
    }
    print_message(
        "%zu texts: words equal in %.2f %%; %zu that the tagger was not made of: contains a verb in %.3f %%\n", lines,
        100.0 * (double)words / (double)lines, held_back, 100.0 * (double)verbs / (double)held_back);
    assert_true(lines > 100000);
    assert_true(words * 1000 >= lines * 999);
    assert_true(verbs * 1000 >= held_back * 985);
}

typedef struct TypeTotals {
    size_t texts, equal;
} TypeTotals;

/* A ListItem has lost its bullet; headers and footers are told by their place. */
static bool is_told_by_text(Str type)
{
    return str_equal(type, STR("Title")) || str_equal(type, STR("NarrativeText"))
           || str_equal(type, STR("UncategorizedText"));
}

static void check_types(const char *path, void *context)
{
    TypeTotals *totals = context;
    CLEANUP(cleanup_json) json_t *array = read_json_file(path);
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        Str rest, type = json_get_str(item, "type", STR_EMPTY);
        if (!is_told_by_text(type))
            continue;
        totals->texts++;
        totals->equal +=
            str_equal(element_type_name(text_classify(json_get_str(item, "text", STR_EMPTY), &rest)), type);
    }
}

/* Outputs of releases with the NLTK tagger whose types come from the text alone. */
static void recorded_texts_get_their_types(void **state)
{
    (void)state;
    static const char *const folders[] = {"local-0.16.12/txt",      "local-0.16.12/xml", "0.14.8-dev4/txt", "0.15.14",
                                          "format-samples/0.15.14", "api-2024-10/txt",   "ingest-0.3.13"};
    TypeTotals totals = {0};
    for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
        char path[1280];
        snprintf(path, sizeof path, "%s/expected/%s", corpus_root(), folders[i]);
        for_each_json(path, check_types, &totals);
    }
    print_message("%zu texts: %.2f %% have the recorded type\n", totals.texts,
                  100.0 * (double)totals.equal / (double)totals.texts);
    assert_true(totals.texts > 1800);
    assert_true(totals.equal * 1000 >= totals.texts * 990);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_ids_and_parents_are_ours),
        cmocka_unit_test(words_and_verbs_are_those_of_the_labels),
        cmocka_unit_test(recorded_texts_get_their_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
