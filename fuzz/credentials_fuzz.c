/* What gives credentials says so in JSON or XML, a profile names a program: no answer is believed that lacks a part, nothing is read
 * outside. The first byte says which it is. */
#include "store/s3/process.h"
#include "store/s3/search.h"

static void check_json(Str text)
{
    static const KeyNames names = {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"};
    CLEANUP(cleanup_secret_json) json_t *object = NULL;
    S3KeySet keys;
    Error *error = s3_read_json(text, &object);
    if (!error)
        error = s3_json_keys(object, &names, &keys);
    ASSERT(error || (keys.access_key_id.len > 0 && keys.secret_access_key.len > 0));
    error_free(error);
}

static void check_xml(Arena *arena, Str text)
{
    StsAnswer answer;
    Error *error = s3_read_sts_answer(text, arena, &answer);
    ASSERT(error || answer.keys.access_key_id.len <= text.len);
    error_free(error);
}

static void check_command(Arena *arena, Str text)
{
    char **words;
    size_t bytes = 0;
    Error *error = process_split(text, arena, &words);
    for (size_t i = 0; !error && words[i]; i++)
        bytes += strlen(words[i]);
    ASSERT(error || bytes <= text.len);
    error_free(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    if (size == 0)
        return 0;
    Str text = str_from(data + 1, size - 1);
    switch (data[0]) {
    case 'j': check_json(text); break;
    case 'x': check_xml(arena, text); break;
    default: check_command(arena, text); break;
    }
    return 0;
}
