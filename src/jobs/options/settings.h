/* settings.h - inside of Options: every setting as it came, in the order in which it came. Which row it means, and whether its value is
 * good, is decided in resolve.c, when the command is known. */
#ifndef JOBS_OPTIONS_SETTINGS_H
#define JOBS_OPTIONS_SETTINGS_H

#include "base/arena.h"
#include "jobs/options/options.h"

/* Strongest first, as long as nobody asks for file-first. */
typedef enum SettingLayer {
    LAYER_EXPLICIT, /* the command line, options_set */
    LAYER_ENVIRONMENT,
    LAYER_DOTENV,
    LAYER_FILE,
    LAYERS
} SettingLayer;

typedef struct Setting {
    SettingLayer layer;
    unsigned file; /* LAYER_FILE, LAYER_DOTENV: index of the file; a lower one is stronger */
    Str name;      /* a name or a key; in LAYER_ENVIRONMENT and LAYER_DOTENV a variable */
    Str value;     /* with a NUL behind it; empty with `none` */
    bool none;     /* the value is "no value" */
    bool item;     /* a member of a JSON array: one item as it is */
    Str source;    /* as config_source gives it */
} Setting;

/* A file that was read, or could not be. */
typedef struct OptionsFile {
    uint32_t commands; /* those it counts for */
    SettingLayer layer;
    Error *error; /* owned; why it counts for nothing */
    Str path;
    Str exposed; /* the first secret key in it, if others may read the file */
} OptionsFile;

enum { OPTIONS_FILES_MAX = 8 };

struct Options {
    Arena *arena; /* all texts */
    Setting *settings;
    size_t count, capacity;
    OptionsFile files[OPTIONS_FILES_MAX];
    unsigned files_count;
    Error *failure; /* owned; lack of memory */
};

/* Keeps a copy; `value` is ignored with `none`. Errors: NO_MEMORY, LIMIT. */
Error *settings_add(Options *options, const Setting *setting) MUST_USE;

/* Reads a configuration file in JSON; see spec/commands.md 0.3. Errors: INVALID with file and line or key. */
Error *config_file_read(Options *options, unsigned file, Str text) MUST_USE;

#endif
