/* A command line from bytes, an argument a line: read, and resolved for its command. */
#include <stdlib.h>

#include "jobs/options/options.h"

enum { ARGUMENTS_TRIED = 48 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(options_freep) Options *options = options_new();
    CLEANUP(buffer_done) Buffer text = {0}, out = {0};
    const char *argv[ARGUMENTS_TRIED] = {"quern"};
    int argc = 1;
    if (!options || buffer_append(&text, data, size) || !buffer_cstr(&text))
        abort();
    for (char *at = (char *)text.data, *end; *at && argc < ARGUMENTS_TRIED; at = end) {
        argv[argc++] = at;
        end = at + strcspn(at, "\n");
        if (*end)
            *end++ = '\0';
    }
    Arguments arguments;
    CLEANUP(config_freep) Config *config = NULL;
    Error *error = options_parse_args(options, argc, argv, &arguments);
    if (!error && arguments.command != COMMANDS)
        error = options_resolve(options, arguments.command, &config);
    if (config && (config_write_json(config, &out) || config_write_text(config, true, &out)))
        abort();
    if (error && error_code(error) != ERR_INVALID)
        abort();
    error_free(error); /* a wrong line is what we are looking at */
    return 0;
}
