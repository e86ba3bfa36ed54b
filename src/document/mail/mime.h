/* mime.h - a mail as a tree of its parts. Only cut, not decoded: everything points into the input. One thread.
 *
 * Ours, not GMime's: that one opens a converter for each charset it meets in a header, which kills a locked worker, and where it
 * differs from Python's email on malformed mail the originals' texts differ.
 * Sources: RFC 2045, 2046 5.1; Python's email.feedparser for what is malformed. */
#ifndef DOCUMENT_MAIL_MIME_H
#define DOCUMENT_MAIL_MIME_H

#include "document/mail/header.h"

typedef struct MimePart MimePart;
struct MimePart {
    MailHeaders headers;
    Str type;                     /* "text/plain", in lower case */
    Bytes body;                   /* still in its transfer encoding */
    bool is_attachment;           /* by its Content-Disposition */
    MimePart *first_child, *next; /* of a multipart whose boundary was found */
};

/* Reads a whole mail; `input` must outlive the parts. Errors: LIMIT (64 levels of multiparts, 10,000 parts, headers; arena), NO_MEMORY. */
MUST_USE Error *mime_read(Bytes input, Arena *arena, MimePart **ret_root);

static inline bool mime_is(const MimePart *part, const char *type)
{
    return str_equal(part->type, str_of(type));
}
bool mime_is_multipart(const MimePart *part);
bool mime_is_text(const MimePart *part);

/* The part whose text is the mail's: of type `text/html` if there is one, else `text/plain`, attachments left out. NULL: none. */
const MimePart *mime_body(const MimePart *root);

/* A walk over the parts of `root` that are not its body; NULL at the end. Of each kind that may be a body the first is left out, as Python's
 * iter_attachments does. */
typedef struct MimeAttachments {
    const MimePart *root, *next;
    const MimePart *related_root; /* of a multipart/related: the one that is no attachment */
    bool seen_plain, seen_html, seen_related, seen_alternative;
} MimeAttachments;
MimeAttachments mime_attachments(const MimePart *root);
const MimePart *mime_attachments_next(MimeAttachments *walk);

/* The body of a part without its transfer encoding. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mime_decode_body(const MimePart *part, Arena *arena, Bytes *ret_bytes);
/* The same of a text, as UTF-8. */
MUST_USE Error *mime_decode_text(const MimePart *part, Arena *arena, Str *ret_text);

/* What the part calls itself, the last component of a path; "": it has no name. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mime_filename(const MimePart *part, Arena *arena, Str *ret_name);

/* The last component of what may be a path of any system, without control characters; "" when nothing is left that could name a file. In the
 * arena. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mail_base_name(Str path, Arena *arena, Str *ret_name);

#endif
