#include "jobs/manifest/manifest_name.h"

#include <inttypes.h>
#include <stdio.h>

#define ENDING STR(".json")
enum { PART_DIGITS_MAX = 6 };

/* Cuts one number from the beginning of `rest`. */
static bool take_part(Str *rest, uint32_t *ret_part)
{
    uint32_t part = 0;
    size_t digits = 0;
    while (digits < rest->len && digits < PART_DIGITS_MAX && rest->data[digits] >= '0' && rest->data[digits] <= '9')
        part = part * 10 + (uint32_t)(rest->data[digits++] - '0');
    *rest = str_slice(*rest, digits, rest->len);
    *ret_part = part;
    return digits > 0;
}

bool manifest_version_parse(Str text, ManifestVersion *ret_version)
{
    ManifestVersion version;
    char mark = 'v'; /* before the first number; then what stands between them, one kind in one text */
    for (size_t i = 0; i < MANIFEST_VERSION_PARTS; i++) {
        if (i == 1)
            mark = str_starts_with(text, STR(".")) ? '.' : '-';
        if (text.len == 0 || text.data[0] != mark)
            return false;
        text = str_slice(text, 1, text.len);
        if (!take_part(&text, &version.parts[i]))
            return false;
    }
    if (text.len > 0)
        return false;
    *ret_version = version;
    return true;
}

Str manifest_version_text(const ManifestVersion *version, char out[MANIFEST_VERSION_BYTES])
{
    const uint32_t *parts = version->parts;
    int len = snprintf(out, MANIFEST_VERSION_BYTES, "v%" PRIu32 ".%" PRIu32 ".%" PRIu32, parts[0], parts[1], parts[2]);
    return str_from(out, (size_t)len);
}

static uint64_t rank_of(const ManifestVersion *version)
{
    uint64_t rank = 0;
    for (size_t i = 0; i < MANIFEST_VERSION_PARTS; i++)
        rank = rank * 100 + version->parts[i];
    return rank;
}

int manifest_version_compare(const ManifestVersion *a, const ManifestVersion *b)
{
    uint64_t rank_a = rank_of(a), rank_b = rank_of(b);
    return (rank_a > rank_b) - (rank_a < rank_b);
}

bool manifest_stage_is_known(Str stage)
{
    static const char *const stages[] = {"canonical",      "canonical-consolidated",
                                         "rebuilt",        "passim",
                                         "emb-words",      "emb-sents",
                                         "emb-docs",       "emb-entities",
                                         "emb-paragraphs", "emb-images",
                                         "classif-images", "entities",
                                         "newsagencies",   "langident",
                                         "lingproc",       "ocrqa",
                                         "langid-ocrqa",   "textreuse",
                                         "topics",         "solr-text-ingestion",
                                         "mysql-ingestion"};
    for (size_t i = 0; i < ARRAY_COUNT(stages); i++)
        if (str_equal(stage, str_of(stages[i])))
            return true;
    return false;
}

bool manifest_name_parse(Str key, ManifestName *ret_name)
{
    size_t slash = str_rfind_char(key, '/');
    Str file = slash == SIZE_MAX ? key : str_slice(key, slash + 1, key.len);
    if (!str_ends_with(file, ENDING))
        return false;
    Str stem = str_slice(file, 0, file.len - ENDING.len);
    size_t cut = str_rfind_char(stem, '_');
    ManifestName name = {.partition = slash == SIZE_MAX ? STR_EMPTY : str_slice(key, 0, slash)};
    if (cut == SIZE_MAX || str_find_char(stem, '.') != SIZE_MAX)
        return false;
    name.stage = str_slice(stem, 0, cut);
    if (!manifest_stage_is_known(name.stage)
        || !manifest_version_parse(str_slice(stem, cut + 1, stem.len), &name.version))
        return false;
    *ret_name = name;
    return true;
}
