#include "jobs/ingest/tokenizer_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

struct TokenizerFile {
    _Atomic unsigned users;
    char *path;
    struct stat about; /* as it was read */
    uint64_t hash;
    Tokenizer *tokenizer;
};

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size
           && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A pipe says nothing of whether it has changed. */
static bool is_current(const TokenizerFile *kept, const char *path)
{
    struct stat about;
    return kept && strcmp(kept->path, path) == 0 && stat(path, &about) == 0 && S_ISREG(about.st_mode)
           && is_same(&kept->about, &about);
}

/* More than a tokenizer can be is not read. */
static Error *read_file(TokenizerFile *file)
{
    CLEANUP(buffer_done) Buffer json = {0};
    CLEANUP(cleanup_close) int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &file->about) != 0)
        return FAIL_ERRNO("open");
    TRY(file_read_rest(fd, TOKENIZER_FILE_BYTES_MAX, &json));
    file->hash = xxh64(buffer_bytes(&json));
    return tokenizer_read(buffer_bytes(&json), &file->tokenizer);
}

Error *tokenizer_file_open(const char *path, TokenizerFile *kept, TokenizerFile **ret_file)
{
    if (is_current(kept, path)) {
        *ret_file = tokenizer_file_share(kept);
        return NULL;
    }
    CLEANUP(tokenizer_file_closep) TokenizerFile *file = calloc(1, sizeof *file);
    if (!file)
        return FAIL(NO_MEMORY, "out of memory");
    file->users = 1;
    file->path = strdup(path);
    if (!file->path)
        return FAIL(NO_MEMORY, "out of memory");
    CLEANUP(error_freep) Error *error = read_file(file);
    if (error_code(error) == ERR_NO_MEMORY)
        return FAIL(NO_MEMORY, "out of memory");
    if (error) /* whatever is wrong with the file, it is the option that is wrong: nothing has been worked on */
        return FAIL(INVALID, "--chunk-tokenizer '%s': %s", path, error_message_view(error));
    *ret_file = file;
    file = NULL;
    return NULL;
}

TokenizerFile *tokenizer_file_share(TokenizerFile *file)
{
    if (file)
        file->users++;
    return file;
}

void tokenizer_file_close(TokenizerFile *file)
{
    if (!file || --file->users > 0)
        return;
    tokenizer_free(file->tokenizer);
    free(file->path);
    free(file);
}

Tokenizer *tokenizer_file_tokenizer(TokenizerFile *file)
{
    return file->tokenizer;
}

uint64_t tokenizer_file_hash(const TokenizerFile *file)
{
    return file ? file->hash : 0;
}
