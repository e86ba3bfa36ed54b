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
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
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

static void load_elements(const json_t *array, Elements *elements)
{
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        ElementType type;
        Element *e;
        const json_t *metadata = json_object_get(item, "metadata");
        assert_true(element_type_from_name(json_get_str(item, "type", STR_EMPTY), &type));
        assert_ok(elements_add(elements, type, json_get_str(item, "text", STR_EMPTY), &e));
        e->page_number = (uint32_t)json_get_int(metadata, "page_number", 0);
        e->category_depth = (int32_t)json_get_int(metadata, "category_depth", -1);
    }
}

typedef struct IdTotals {
    bool parents; /* these files tell parents too */
    size_t files, bad_ids, bad_parents;
} IdTotals;

static bool ids_match(const json_t *array, Elements *elements, Str filename)
{
    assert_ok(elements_finish(elements, &(DocumentInfo){.filename = filename}));
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

/* The name that was hashed is the file's; one recorded set was hashed without any. */
static void check_ids(const char *path, void *context)
{
    IdTotals *totals = context;
    CLEANUP(cleanup_json) json_t *array = read_json_file(path);
    CLEANUP(arena_freep) Arena *arena = arena_new(256 * MIB);
    Elements elements = {.arena = arena};
    Str base = str_of(strrchr(path, '/') + 1);
    load_elements(array, &elements);
    totals->files++;
    bool ids = ids_match(array, &elements, STR_EMPTY) || ids_match(array, &elements, str_slice(base, 0, base.len - 5));
    if (!ids)
        print_error("%s: other ids\n", path);
    totals->bad_ids += !ids;
    totals->bad_parents += totals->parents && !parents_match(array, &elements);
}

/* Mail is left out, whose attachments are hashed under their own names, and rehydrated JSON, whose ids come from the input. */
static void recorded_ids_and_parents_are_ours(void **state)
{
    (void)state;
    static const struct {
        const char *folder;
        bool parents;
    } sets[] = {
        {"0.14.8-dev4", false},       {"0.15.14", false},           {"0.13-0.21", false},
        {"ingest-0.3.13", true},      {"api-2024-10", true},        {"local-0.16.12/txt", true},
        {"local-0.16.12/html", true}, {"local-0.16.12/md", true},   {"local-0.16.12/csv", true},
        {"local-0.27.32/docx", true}, {"local-0.16.12/epub", true}, {"local-0.16.12/pptx", true},
        {"local-0.16.12/xlsx", true}, {"local-0.27.32/txt", true},  {"local-0.27.32/html", true},
        {"local-0.27.32/pdf", true},
    };
    size_t files = 0;
    for (size_t i = 0; i < ARRAY_COUNT(sets); i++) {
        char path[1280];
        IdTotals totals = {.parents = sets[i].parents};
        snprintf(path, sizeof path, "%s/expected/%s", corpus_root(), sets[i].folder);
        for_each_json(path, check_ids, &totals);
        print_message("%s: %zu files\n", sets[i].folder, totals.files);
        assert_true(totals.files > 0);
        assert_int_equal(totals.bad_ids, 0);
        assert_int_equal(totals.bad_parents, 0);
        files += totals.files;
    }
    assert_true(files > 150);
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

static void words_and_verbs_are_those_of_the_labels(void **state)
{
    (void)state;
    CLEANUP(buffer_done) Buffer labelled = {0};
    char path[1024];
    size_t lines = 0, words = 0, verbs = 0;
    snprintf(path, sizeof path, "%s/pos/train.tsv.gz", corpus_root());
    read_gzip(path, &labelled);
    Str all = buffer_str(&labelled), line, source, text;
    while (str_next_piece(&all, '\n', &line) && line.len > 0) {
        assert_true(str_next_piece(&line, '\t', &source) && str_next_piece(&line, '\t', &text) && line.data);
        lines++;
        words += same_words(text, line);
        verbs += tagger_finds_verb(text, TAGGER_AS_IT_STANDS) == has_verb_label(line);
    }
    print_message("%zu texts: words equal in %.2f %%, contains a verb in %.2f %%\n", lines,
                  100.0 * (double)words / (double)lines, 100.0 * (double)verbs / (double)lines);
    assert_true(lines > 100000);
    assert_true(words * 1000 >= lines * 985);
    assert_true(verbs * 1000 >= lines * 985);
}

typedef struct TypeTotals {
    size_t texts, equal;
} TypeTotals;

static void check_types(const char *path, void *context)
{
    TypeTotals *totals = context;
    CLEANUP(cleanup_json) json_t *array = read_json_file(path);
    size_t i;
    json_t *item;
    json_array_foreach(array, i, item)
    {
        Str rest, type = json_get_str(item, "type", STR_EMPTY);
        if (str_equal(type, STR("ListItem"))) /* its bullet is gone */
            continue;
        totals->texts++;
        totals->equal +=
            str_equal(element_type_name(text_classify(json_get_str(item, "text", STR_EMPTY), &rest)), type);
    }
}

static void recorded_texts_get_their_types(void **state)
{
    (void)state;
    char path[1024];
    TypeTotals totals = {0};
    snprintf(path, sizeof path, "%s/expected/local-0.16.12/txt", corpus_root());
    for_each_json(path, check_types, &totals);
    print_message("%zu texts: %.2f %% have the recorded type\n", totals.texts,
                  100.0 * (double)totals.equal / (double)totals.texts);
    assert_true(totals.texts > 1000);
    assert_true(totals.equal * 100 >= totals.texts * 98);
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
