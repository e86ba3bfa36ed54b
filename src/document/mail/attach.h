/* attach.h - what mail in both its forms, MIME and Outlook, does with its body and its attachments. */
#ifndef DOCUMENT_MAIL_ATTACH_H
#define DOCUMENT_MAIL_ATTACH_H

#include "document/builder.h"

/* One mail while it becomes elements. */
typedef struct MailSink {
    Builder builder;
    const PartitionOptions *options;
    Str filename;      /* of the mail; "": it has none */
    Str last_modified; /* its date; "": the document's */
} MailSink;

/* Adds the paragraphs of the body as elements of `part`, languages too. `is_html` or plain text. Errors: LIMIT, NO_MEMORY. */
typedef enum MailBodyForm { MAIL_BODY_PLAIN, MAIL_BODY_HTML } MailBodyForm;
MUST_USE Error *mail_add_body(MailSink *sink, Str text, MailBodyForm form, const ElementPart *part);

/* An attached file. */
typedef struct MailAttachment {
    Str filename;      /* base name; "": it has none */
    Str filetype;      /* "": by content and name */
    Str last_modified; /* "": the mail's */
    Bytes content;
} MailAttachment;

/* Adds the elements of an attachment. One that cannot be read as a document gives none, or those before the damage. Errors: LIMIT naming which,
 * NO_MEMORY. */
MUST_USE Error *mail_add_attachment(MailSink *sink, const MailAttachment *attachment);

/* Says of the elements from `first` on, and the parts they are of, that they are attached to the mail. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mail_mark_attached(MailSink *sink, size_t first, Str last_modified);

#endif
