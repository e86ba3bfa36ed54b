#include "document/mail/attach.h"

#include "document/html/html.h"
#include "document/language.h"
#include "document/text/text.h"

MUST_USE static Error *add_paragraphs(MailSink *sink, Str text, MailBodyForm form)
{
    if (form == MAIL_BODY_HTML)
        return html_add_elements(&sink->builder, text, sink->options);
    return sink->options->txt_lines ? text_add_lines(&sink->builder, text) : text_add_paragraphs(&sink->builder, text);
}

Error *mail_add_body(MailSink *sink, Str text, MailBodyForm form, const ElementPart *part)
{
    Elements *elements = sink->builder.elements;
    size_t first = elements->count;
    Error *error = add_paragraphs(sink, text, form);
    for (size_t i = first; i < elements->count; i++)
        elements->items[i].part = part;
    Error *language_error = languages_set(elements, first, sink->options->languages);
    if (!error)
        return language_error;
    error_free(language_error); /* what went wrong first is the news */
    return error;
}

Error *mail_mark_attached(MailSink *sink, size_t first, Str last_modified)
{
    Elements *elements = sink->builder.elements;
    const ElementPart *part_before = NULL;
    ElementPart *copy = NULL;
    for (size_t i = first; i < elements->count; i++) {
        Element *element = &elements->items[i];
        if (element->part != part_before) {
            part_before = element->part;
            copy = ARENA_NEW(elements->arena, ElementPart);
            if (!copy)
                return arena_error(elements->arena);
            *copy = *part_before;
            copy->attached_to_filename = sink->filename;
            copy->last_modified = last_modified;
        }
        element->part = copy;
    }
    return NULL;
}

Error *mail_add_attachment(MailSink *sink, const MailAttachment *attachment)
{
    Elements *elements = sink->builder.elements;
    size_t first = elements->count;
    ElementPart *part = ARENA_NEW(elements->arena, ElementPart);
    if (!part)
        return arena_error(elements->arena);
    part->filename = attachment->filename;
    part->filetype = attachment->filetype;
    TRY(expansion_take(sink->options->expansion, attachment->filename, attachment->content.len));
    Error *error = partition_child(attachment->content, part, sink->options, sink->builder.watch, elements,
                                   &sink->builder.text_left);
    Str date = attachment->last_modified.len > 0 ? attachment->last_modified : sink->last_modified;
    Error *mark_error = mail_mark_attached(sink, first, date);
    ErrorCode code = error_code(error);
    if (!error || code == ERR_UNSUPPORTED || code == ERR_CORRUPT || code == ERR_INVALID) {
        error_free(error); /* the mail is read; what is attached to it could not be */
        return mark_error;
    }
    error_free(mark_error); /* the news is the first */
    if (sink->options->expansion->levels_left < EXPANSION_LEVELS_MAX)
        return error; /* the mail is in another document, which names it */
    return error_wrap(error, "attachment '" STR_FMT "'", STR_ARG(attachment->filename));
}
