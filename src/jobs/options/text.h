/* text.h - what help, manual, completion and templates share: appending that keeps its first failure, and texts about a row. */
#ifndef JOBS_OPTIONS_TEXT_H
#define JOBS_OPTIONS_TEXT_H

#include "jobs/options/table.h"

/* Calls can stand in a row unchecked: after a failure they do nothing, text_finish returns it. */
typedef struct Text {
    Buffer *out;
    Error *error;
} Text;

void text_add(Text *text, Str what);
void text_format(Text *text, const char *format, ...) PRINTF_LIKE(2, 3);
Error *text_finish(Text *text) MUST_USE;
/* Ends `part`, whose contents went into `text`: a failure of it is one of `text`. */
void text_join(Text *text, Text *part);

/* Breaks `what` at spaces into lines of `width` columns, each but the first behind `indent` spaces; `column` is where the
 * first begins. A word that is longer stays whole. Ends with a newline. */
void text_wrap(Text *text, Str what, unsigned indent, unsigned column, unsigned width);

/* What stands behind a flag: "FILE", "auto|path|virtual", "" for a switch. */
const char *option_value_text(const OptionDef *row);
/* "default: 30s", "default: that of the profile", or "" for a switch that is off. */
void option_default_text(const OptionDef *row, Text *text);

/* Sections in the order of help: rows with this section in this command. */
typedef struct HelpSection {
    const char *section; /* OptionDef.section; NULL: the command's own */
    const char *title;
} HelpSection;

extern const HelpSection HELP_SECTIONS[]; /* ended by a NULL title */
bool option_in_section(const OptionDef *row, CommandId command, const HelpSection *section);

#endif
