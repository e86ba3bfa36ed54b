/* A .env file: names are names, values hold no NUL, lines grow. */
#include <stdlib.h>

#include "jobs/options/dotenv.h"

static Error *check(void *context, Str name, Str value, unsigned line)
{
    unsigned *last_line = context;
    if (name.len == 0 || memchr(value.data, '\0', value.len) || line < *last_line)
        abort();
    *last_line = line;
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned last_line = 0;
    Error *error = dotenv_read(str_from(data, size), check, &last_line);
    if (error && error_code(error) != ERR_INVALID)
        abort();
    error_free(error); /* a wrong file is what we are looking at */
    return 0;
}
