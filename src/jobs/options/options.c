/* options.c - an Options and what is loaded into it: variables, .env, configuration files. */
#include "jobs/options/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "jobs/options/dotenv.h"
#include "jobs/options/settings.h"
#include "jobs/options/table.h"

enum { FILE_MAX_BYTES = 1024 * 1024, TEXTS_MAX_BYTES = 32 * 1024 * 1024, PATH_MAX_BYTES = 4096 };

Options *options_new(void)
{
    Options *options = calloc(1, sizeof *options);
    if (!options)
        return NULL;
    options->arena = arena_new(TEXTS_MAX_BYTES);
    if (!options->arena) {
        free(options);
        return NULL;
    }
    return options;
}

void options_free(Options *options)
{
    if (!options)
        return;
    for (unsigned i = 0; i < options->files_count; i++)
        error_free(options->files[i].error);
    error_free(options->failure);
    arena_free(options->arena);
    free(options->settings);
    free(options);
}

/* What a call that cannot fail could not do: the first such error stays. */
static void keep_failure(Options *options, Error *take_error)
{
    if (options->failure)
        error_free(take_error); /* only the first is told */
    else
        options->failure = take_error;
}

static Error *keep_text(Options *options, Str *text)
{
    *text = arena_str(options->arena, *text);
    return text->data ? NULL : arena_error(options->arena);
}

Error *settings_add(Options *options, const Setting *setting)
{
    if (options->count == options->capacity) {
        size_t capacity = options->capacity ? options->capacity * 2 : 32;
        Setting *grown = reallocarray(options->settings, capacity, sizeof *grown);
        if (!grown)
            return FAIL(NO_MEMORY, "no memory for %zu settings", capacity);
        options->settings = grown;
        options->capacity = capacity;
    }
    Setting *own = &options->settings[options->count];
    *own = *setting;
    if (setting->none)
        own->value = STR_EMPTY;
    TRY(keep_text(options, &own->name));
    TRY(keep_text(options, &own->value));
    TRY(keep_text(options, &own->source));
    options->count++;
    return NULL;
}

void options_set(Options *options, Str name, const char *value)
{
    Setting setting = {
        .layer = LAYER_EXPLICIT, .name = name, .value = str_of(value), .none = !value, .source = STR("option")};
    Error *error = settings_add(options, &setting);
    if (error)
        keep_failure(options, error);
}

static Error *copy_into(const Options *options, Options *copy)
{
    for (size_t i = 0; i < options->count; i++)
        TRY(settings_add(copy, &options->settings[i]));
    for (unsigned i = 0; i < options->files_count; i++) {
        OptionsFile *file = &copy->files[i];
        *file = options->files[i];
        file->error = options->files[i].error ? error_copy(options->files[i].error) : NULL;
        copy->files_count = i + 1;
        TRY(keep_text(copy, &file->path));
        TRY(keep_text(copy, &file->exposed));
    }
    copy->failure = options->failure ? error_copy(options->failure) : NULL;
    return NULL;
}

Error *options_copy(const Options *options, Options **ret_copy)
{
    CLEANUP(options_freep) Options *copy = options_new();
    if (!copy)
        return FAIL(NO_MEMORY, "no memory for options");
    TRY(copy_into(options, copy));
    *ret_copy = copy;
    copy = NULL;
    return NULL;
}

/* ---- Variables -------------------------------------------------------------------------------------------------------------- */

static const char *variable_value(const OptionsPlace *place, Str name)
{
    for (const char *const *at = place->environment; at && *at; at++) {
        if (strncmp(*at, name.data, name.len) == 0 && (*at)[name.len] == '=')
            return *at + name.len + 1;
    }
    return NULL;
}

static Error *load_environment(Options *options, const OptionsPlace *place)
{
    for (const char *const *at = place->environment; at && *at; at++) {
        Str entry = str_of(*at);
        size_t equals = str_find_char(entry, '=');
        Str name = str_slice(entry, 0, MIN(equals, entry.len));
        if (equals == SIZE_MAX || !option_variable_known(name))
            continue;
        char source[OPTION_KEY_BYTES + 32];
        int len = snprintf(source, sizeof source, "environment " STR_FMT, STR_ARG(name));
        ASSERT(len > 0 && (size_t)len < sizeof source);
        Setting setting = {.layer = LAYER_ENVIRONMENT,
                           .name = name,
                           .value = str_slice(entry, equals + 1, entry.len),
                           .source = str_from(source, (size_t)len)};
        TRY(settings_add(options, &setting));
    }
    return NULL;
}

typedef struct DotenvContext {
    Options *options;
    unsigned file;
    const char *path;
} DotenvContext;

static Error *add_dotenv(void *context, Str name, Str value, unsigned line)
{
    DotenvContext *to = context;
    if (!option_variable_known(name))
        return NULL;
    char *source = arena_format(to->options->arena, ".env %s:%u", to->path, line);
    if (!source)
        return arena_error(to->options->arena);
    Setting setting = {.layer = LAYER_DOTENV, .file = to->file, .name = name, .value = value, .source = str_of(source)};
    return settings_add(to->options, &setting);
}

/* ---- Files ------------------------------------------------------------------------------------------------------------------ */

/* Appends the file. Errors: NOT_FOUND and what else errno says, INVALID (too large). */
static Error *read_file(const char *path, Buffer *text, struct stat *ret_stat)
{
    CLEANUP(cleanup_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOTDIR ? FAIL(NOT_FOUND, "there is no such file") : FAIL_ERRNO("open");
    if (fstat(fd, ret_stat) != 0)
        return FAIL_ERRNO("look at");
    if (S_ISDIR(ret_stat->st_mode))
        return FAIL(INVALID, "it is a directory");
    Error *error = file_read_rest(fd, FILE_MAX_BYTES, text);
    if (error_code(error) != ERR_LIMIT)
        return error;
    error_free(error); /* a mistake of who named the file */
    return FAIL(INVALID, "it has more than %d bytes", FILE_MAX_BYTES);
}

typedef struct FileWanted {
    const char *path;
    SettingLayer layer; /* LAYER_DOTENV or LAYER_FILE */
    uint32_t commands;
    bool optional; /* one that is not there is no mistake */
} FileWanted;

static Error *fill_from_file(Options *options, unsigned index, const FileWanted *wanted, bool *ret_missing)
{
    CLEANUP(buffer_done) Buffer text = {0};
    struct stat about = {0};
    Error *error = read_file(wanted->path, &text, &about);
    *ret_missing = error_code(error) == ERR_NOT_FOUND;
    TRY(error);
    if (wanted->layer == LAYER_DOTENV) {
        DotenvContext context = {options, index, wanted->path};
        return dotenv_read(buffer_str(&text), add_dotenv, &context);
    }
    TRY(config_file_read(options, index, buffer_str(&text)));
    if (!(about.st_mode & (S_IRGRP | S_IROTH)))
        options->files[index].exposed = STR_EMPTY;
    return NULL;
}

/* Reads a file and remembers it with what went wrong: whether that matters, the command decides. True: it is there. */
static bool load_file(Options *options, const FileWanted *wanted)
{
    if (options->files_count == OPTIONS_FILES_MAX) {
        keep_failure(options, FAIL(INVALID, "more than %d configuration files", OPTIONS_FILES_MAX));
        return false;
    }
    unsigned index = options->files_count;
    OptionsFile *file = &options->files[index];
    *file = (OptionsFile){
        .commands = wanted->commands, .layer = wanted->layer, .path = str_of(wanted->path), .exposed = STR_EMPTY};
    Error *error = keep_text(options, &file->path);
    if (error) {
        keep_failure(options, error);
        return false;
    }
    options->files_count++; /* its settings name it */

    size_t settings_before = options->count;
    bool missing = false;
    error = fill_from_file(options, index, wanted, &missing);
    if (!error)
        return true;
    options->count = settings_before;
    if (error_code(error) == ERR_NO_MEMORY) {
        keep_failure(options, error);
        return true;
    }
    if (missing && wanted->optional) {
        options->files_count--;
        error_free(error); /* nobody asked for this file */
        return false;
    }
    const char *kind = wanted->layer == LAYER_DOTENV ? ".env" : "config file";
    file->error = FAIL(INVALID, "%s '%s': %s", kind, wanted->path, error_message_view(error));
    error_free(error); /* its message is in the new one */
    return true;
}

/* directory/name, or name if it is absolute. False: too long to be a path. */
static bool join_path(char out[PATH_MAX_BYTES], const char *directory, const char *name)
{
    bool alone = name[0] == '/' || strcmp(directory, ".") == 0;
    int len =
        alone ? snprintf(out, PATH_MAX_BYTES, "%s", name) : snprintf(out, PATH_MAX_BYTES, "%s/%s", directory, name);
    return len > 0 && len < PATH_MAX_BYTES;
}

/* The nearest .env from `directory` upwards. */
static void load_nearest_dotenv(Options *options, const char *directory)
{
    char *start = realpath(directory, NULL);
    if (!start)
        return; /* a directory that is gone holds no files */
    size_t len = strcmp(start, "/") == 0 ? 0 : strlen(start);
    for (;;) {
        char path[PATH_MAX_BYTES];
        start[len] = '\0';
        if (!join_path(path, start, ".env"))
            break;
        FileWanted wanted = {.path = path, .layer = LAYER_DOTENV, .commands = UINT32_MAX, .optional = true};
        if (load_file(options, &wanted) || len == 0)
            break;
        while (len > 0 && start[len] != '/')
            len--;
    }
    free(start);
}

static uint32_t commands_with_older_files(void)
{
    uint32_t commands = 0;
    for (CommandId id = 0; id < COMMANDS; id++)
        commands |= command_def(id)->older_files ? COMMAND_BIT(id) : 0;
    return commands;
}

static void load_optional(Options *options, const char *directory, const char *name, uint32_t commands)
{
    char path[PATH_MAX_BYTES];
    if (!directory || directory[0] == '\0' || !join_path(path, directory, name))
        return;
    FileWanted wanted = {.path = path, .layer = LAYER_FILE, .commands = commands, .optional = true};
    (void)load_file(options, &wanted);
}

/* spec/commands.md 0.4, the strongest first. */
static void load_found_files(Options *options, const OptionsPlace *place, const char *directory)
{
    const char *home = variable_value(place, STR("HOME"));
    const char *xdg = variable_value(place, STR("XDG_CONFIG_HOME"));
    uint32_t older = commands_with_older_files();
    load_optional(options, directory, "config.json", older);
    load_optional(options, directory, "config/config.json", older);
    load_optional(options, home, ".s3-postgres-pipeline/config.json", older);
    load_optional(options, directory, "quern.json", UINT32_MAX);
    if (xdg && xdg[0] == '/')
        load_optional(options, xdg, "quern/config.json", UINT32_MAX);
    else
        load_optional(options, home, ".config/quern/config.json", UINT32_MAX);
}

/* --config, or NULL. */
static const char *wanted_config(const Options *options)
{
    const OptionDef *row = option_find(COMMAND_INGEST, STR("config"));
    const char *path = NULL;
    OptionMatch match;
    for (size_t i = 0; i < options->count; i++) {
        const Setting *setting = &options->settings[i];
        if (setting->layer == LAYER_EXPLICIT && option_match_name(row, setting->name, &match))
            path = setting->none ? NULL : setting->value.data;
    }
    if (path)
        return path;
    Variable variable;
    for (size_t v = 0; option_variable(row, v, &variable); v++) {
        for (size_t i = 0; i < options->count; i++) {
            const Setting *setting = &options->settings[i];
            if (setting->layer == LAYER_ENVIRONMENT && setting->value.len > 0
                && str_equal(setting->name, str_of(variable.name)))
                return setting->value.data;
        }
    }
    return NULL;
}

/* A file somebody named. True if it is a .env. */
static bool load_named(Options *options, const char *path, const char *directory)
{
    bool dotenv = str_ends_with(str_of(path), STR(".env"));
    char joined[PATH_MAX_BYTES];
    if (!join_path(joined, directory, path)) {
        keep_failure(options,
                     FAIL(INVALID, "the path of the configuration file has more than %d bytes", PATH_MAX_BYTES));
        return dotenv;
    }
    FileWanted wanted = {.path = joined, .layer = dotenv ? LAYER_DOTENV : LAYER_FILE, .commands = UINT32_MAX};
    (void)load_file(options, &wanted);
    return dotenv;
}

void options_load(Options *options, const char *path, const OptionsPlace *place)
{
    const char *directory = place && place->directory ? place->directory : ".";
    if (path) {
        (void)load_named(options, path, directory);
        return;
    }
    OptionsPlace nowhere = {0};
    if (!place)
        place = &nowhere;
    Error *error = load_environment(options, place);
    if (error) {
        keep_failure(options, error);
        return;
    }
    const char *config = wanted_config(options);
    bool has_dotenv = false;
    if (config)
        has_dotenv = load_named(options, config, directory);
    else
        load_found_files(options, place, directory);
    if (!has_dotenv)
        load_nearest_dotenv(options, directory);
}
