/* Mail as MIME. What is body and what attachment is as in spec/unstructured.md 3.7. */
#include "document/mail/attach.h"
#include "document/mail/mime.h"
#include "document/text/charset.h"

enum { SAMPLE_BYTES = 4 * 1024 };

/* What can be read of a mail without its key is not its text. */
static bool is_encrypted(const MimePart *part)
{
    return mime_is(part, "multipart/encrypted") || mime_is(part, "application/pkcs7-mime")
           || mime_is(part, "application/x-pkcs7-mime");
}

/* Says who signed, and nothing that a person would read. */
static bool is_signature(const MimePart *part)
{
    return mime_is(part, "application/pkcs7-signature") || mime_is(part, "application/x-pkcs7-signature")
           || mime_is(part, "application/pgp-signature");
}

/* What the headers say, for the elements of the body. */
MUST_USE static Error *read_metadata(const MimePart *mail, Arena *arena, ElementPart *part)
{
    const MailHeaders *headers = &mail->headers;
    Str date;
    TRY(mail_header_find_text(headers, STR("Subject"), arena, &part->subject));
    TRY(mail_header_message_id(headers, arena, &part->email_message_id));
    TRY(mail_header_addresses(headers, STR("From"), MAIL_ADDRESS_FORMATTED, arena, &part->sent_from));
    part->sent_from.count = MIN(part->sent_from.count, (size_t)1);
    TRY(mail_header_addresses(headers, STR("To"), MAIL_ADDRESS_FORMATTED, arena, &part->sent_to));
    TRY(mail_header_addresses(headers, STR("Cc"), MAIL_ADDRESS_FORMATTED, arena, &part->cc_recipient));
    TRY(mail_header_addresses(headers, STR("Bcc"), MAIL_ADDRESS_FORMATTED, arena, &part->bcc_recipient));
    return mail_header_find(headers, STR("Date"), &date) ? mail_header_date(date, arena, &part->last_modified) : NULL;
}

MUST_USE static Error *add_mail(MailSink *sink, const MimePart *mail, const MimePart *outer_body, Str filetype);

/* A multipart that is attached is read like a mail of its own: a signed one that was passed on, say. */
MUST_USE static Error *add_multipart(MailSink *sink, const MimePart *part, const MimePart *outer_body, Str filename)
{
    MailSink inner = *sink;
    size_t first = sink->builder.elements->count;
    inner.filename = filename;
    Error *error = add_mail(&inner, part, outer_body, STR("message/rfc822"));
    sink->builder = inner.builder;
    Error *mark_error = mail_mark_attached(sink, first, sink->last_modified);
    if (!error)
        return mark_error;
    error_free(mark_error); /* the news is the first */
    return error;
}

MUST_USE static Error *add_attachment(MailSink *sink, const MimePart *part, const MimePart *outer_body)
{
    Arena *arena = sink->builder.elements->arena;
    MailAttachment attachment = {0};
    Str text;
    TRY(mime_filename(part, arena, &attachment.filename));
    if (mime_is_multipart(part))
        return add_multipart(sink, part, outer_body, attachment.filename);
    if (mime_is_text(part)) {
        TRY(mime_decode_text(part, arena, &text));
        attachment.content = str_bytes(text);
    } else {
        TRY(mime_decode_body(part, arena, &attachment.content));
    }
    if (mime_is(part, "message/rfc822"))
        attachment.filetype = STR("message/rfc822");
    return mail_add_attachment(sink, &attachment);
}

MUST_USE static Error *add_body(MailSink *sink, const MimePart *body, const ElementPart *part)
{
    Str text;
    TRY(mime_decode_text(body, sink->builder.elements->arena, &text));
    return mail_add_body(sink, text, mime_is(body, "text/html") ? MAIL_BODY_HTML : MAIL_BODY_PLAIN, part);
}

/* `outer_body` is the body of the mail that this one is a part of, and may be below this one too: NULL, or there already. */
MUST_USE static Error *add_mail(MailSink *sink, const MimePart *mail, const MimePart *outer_body, Str filetype)
{
    Arena *arena = sink->builder.elements->arena;
    ElementPart *part = ARENA_NEW(arena, ElementPart);
    if (!part)
        return arena_error(arena);
    if (is_encrypted(mail))
        return NULL;
    TRY(read_metadata(mail, arena, part));
    part->filename = sink->filename;
    part->filetype = filetype;
    sink->last_modified = part->last_modified;
    const MimePart *body = mime_body(mail), *attached;
    if (body && body != outer_body)
        TRY(add_body(sink, body, part));
    if (mime_is(mail, "message/rfc822")) /* one that passes on another, and says nothing itself */
        return add_attachment(sink, mail, NULL);
    MimeAttachments walk = mime_attachments(mail);
    while ((attached = mime_attachments_next(&walk))) {
        if (!is_signature(attached))
            TRY(add_attachment(sink, attached, body));
    }
    return NULL;
}

/* Mail that was saved as UTF-16, with a mark before it, or with line ends of one carriage return: as what it was before. */
MUST_USE static Error *as_bytes_of_mail(Bytes input, Arena *arena, Bytes *ret_mail)
{
    Str sample = str_slice(bytes_str(input), 0, SAMPLE_BYTES), text;
    *ret_mail = input;
    if (str_find_char(sample, '\0') != SIZE_MAX || str_starts_with(sample, STR("\xEF\xBB\xBF"))) {
        TRY(charset_decode(input, STR_EMPTY, arena, &text));
        *ret_mail = str_bytes(text);
    }
    if (str_find_char(bytes_str(*ret_mail), '\n') != SIZE_MAX || str_find_char(bytes_str(*ret_mail), '\r') == SIZE_MAX)
        return NULL;
    char *copy = arena_cstr(arena, bytes_str(*ret_mail));
    if (!copy)
        return arena_error(arena);
    for (size_t i = 0; i < ret_mail->len; i++)
        copy[i] = copy[i] == '\r' ? '\n' : copy[i];
    *ret_mail = bytes_from(copy, ret_mail->len);
    return NULL;
}

/* Without a header it is mail by its name alone: text is let pass, a signature or a picture is not. */
MUST_USE static Error *check_mail(const MimePart *mail)
{
    Str sample = str_slice(bytes_str(mail->body), 0, SAMPLE_BYTES);
    for (size_t i = 0; mail->headers.count == 0 && i < sample.len; i++) {
        if ((unsigned char)sample.data[i] < '\a')
            return FAIL(CORRUPT, "mail: it begins with no header, and is no text");
    }
    return NULL;
}

Error *partition_mail(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                      Elements *elements)
{
    MailSink sink = {.options = options, .filename = options->filename};
    MimePart *mail;
    TRY(as_bytes_of_mail(input, elements->arena, &input));
    TRY(mime_read(input, elements->arena, &mail));
    TRY(check_mail(mail));
    builder_init(&sink.builder, options, watch, elements);
    return add_mail(&sink, mail, NULL, filetype);
}
