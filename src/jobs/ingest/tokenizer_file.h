/* tokenizer_file.h - the tokenizer of --chunk-tokenizer, read once for as many documents as use it. Shared: constant once read, any number of
 * threads. */
#ifndef JOBS_INGEST_TOKENIZER_FILE_H
#define JOBS_INGEST_TOKENIZER_FILE_H

#include "tokenizer/tokenizer.h"

typedef struct TokenizerFile TokenizerFile;

/* Reads the file, or takes `kept` (which may be NULL) once more when it is what this file holds: the same path, and nothing has changed there. Errors:
 * INVALID naming the option, whatever is wrong with the file; NO_MEMORY. */
MUST_USE Error *tokenizer_file_open(const char *path, TokenizerFile *kept, TokenizerFile **ret_file);

/* One more user, who closes it too. NULL is allowed here and there. */
TokenizerFile *tokenizer_file_share(TokenizerFile *file);
void tokenizer_file_close(TokenizerFile *file);
DEFINE_FREEP(TokenizerFile, tokenizer_file_close)

Tokenizer *tokenizer_file_tokenizer(TokenizerFile *file);
uint64_t tokenizer_file_hash(
    const TokenizerFile *file); /* of its contents: another under the same name makes other chunks; 0 for NULL */

#endif
