/* A configuration file in JSON, resolved for every command. */
#include <stdlib.h>

#include "jobs/options/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(options_freep) Options *options = options_new();
    if (!options)
        abort();
    options->files[0] =
        (OptionsFile){.commands = UINT32_MAX, .layer = LAYER_FILE, .path = STR("fuzz.json"), .exposed = STR_EMPTY};
    options->files_count = 1;
    Error *error = config_file_read(options, 0, str_from(data, size));
    for (CommandId id = 0; id < COMMANDS && !error; id++) {
        CLEANUP(config_freep) Config *config = NULL;
        CLEANUP(buffer_done) Buffer out = {0};
        error = options_resolve(options, id, &config);
        if (config && config_write_json(config, &out))
            abort();
    }
    if (error && error_code(error) != ERR_INVALID)
        abort();
    error_free(error); /* a wrong file is what we are looking at */
    return 0;
}
