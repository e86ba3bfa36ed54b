#include "jobs/options/text.h"

#include <stdarg.h>
#include <stdio.h>

enum { FORMAT_BYTES = 1024 };

const HelpSection HELP_SECTIONS[] = {
    {NULL, "Options"}, {"run", "Run"}, {"s3", "Stores"}, {"logging", "Log"}, {"general", "Every command"}, {NULL, NULL},
};

void text_add(Text *text, Str what)
{
    if (!text->error)
        text->error = buffer_append_str(text->out, what);
}

void text_format(Text *text, const char *format, ...)
{
    char line[FORMAT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0 && (size_t)len < sizeof line); /* everything written comes from our own table */
    text_add(text, str_from(line, (size_t)len));
}

Error *text_finish(Text *text)
{
    Error *error = text->error;
    text->error = NULL;
    return error;
}

void text_join(Text *text, Text *part)
{
    Error *error = text_finish(part);
    if (text->error)
        error_free(error); /* the first is kept */
    else
        text->error = error;
}

void text_wrap(Text *text, Str what, unsigned indent, unsigned column, unsigned width)
{
    Str rest = what, word;
    bool first = true;
    size_t at = column;
    while (str_next_piece(&rest, ' ', &word)) {
        if (word.len == 0)
            continue;
        if (!first && at + 1 + word.len > width) {
            text_format(text, "\n%*s", (int)indent, "");
            at = indent;
        } else if (!first) {
            text_add(text, STR(" "));
            at++;
        }
        text_add(text, word);
        at += word.len;
        first = false;
    }
    text_add(text, STR("\n"));
}

const char *option_value_text(const OptionDef *row)
{
    if (row->type == OPTION_BOOL)
        return "";
    return row->value_name ? row->value_name : row->choices;
}

void option_default_text(const OptionDef *row, Text *text)
{
    if (row->traits & OPTION_ACTION)
        return;
    if (row->type == OPTION_BOOL && row->fallback)
        text_add(text, str_of(strcmp(row->fallback, "true") == 0 ? "default: on" : ""));
    else if (row->fallback)
        text_format(text, "default: %s", row->fallback);
    else if (row->fallback_help)
        text_format(text, strcmp(row->fallback_help, "required") == 0 ? "%s" : "default: %s", row->fallback_help);
}

/* Sections that only some rows name beside their command's ("load" for --to) count as the command's own. */
static bool has_title(const char *section)
{
    for (const HelpSection *s = HELP_SECTIONS; s->title; s++) {
        if (s->section && strcmp(s->section, section) == 0)
            return true;
    }
    return false;
}

bool option_in_section(const OptionDef *row, CommandId command, const HelpSection *section)
{
    if (!option_in(row, command))
        return false;
    bool own = !row->section || !has_title(row->section);
    if (!section->section)
        return own && !(row->traits & OPTION_ACTION) && !(row->traits & OPTION_NO_KEY);
    if (own) /* --help, --set and the like stand with what every command has */
        return strcmp(section->section, "general") == 0 && row->traits & (OPTION_ACTION | OPTION_NO_KEY);
    return strcmp(section->section, row->section) == 0;
}
