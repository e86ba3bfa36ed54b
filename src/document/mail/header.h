/* header.h - what stands in the headers of mail: text, parameters, addresses. Everything that comes out is UTF-8 and lives in the arena.
 * One thread. Sources: RFC 5322 2.2, 3.4; RFC 2047 (words in other charsets); RFC 2231 (parameters); RFC 6532 (raw UTF-8). */
#ifndef DOCUMENT_MAIL_HEADER_H
#define DOCUMENT_MAIL_HEADER_H

#include "base/arena.h"
#include "base/buffer.h"

typedef struct MailHeader {
    Str name, value; /* as they stand in the mail, the value still folded, without white space before it */
} MailHeader;

typedef struct MailHeaders {
    MailHeader *items;
    size_t count;
} MailHeaders;

/* Cuts the headers off `*input`, with the empty line behind them. A line that is no header ends them too and stays. Errors: LIMIT (10,000
 * headers, arena), NO_MEMORY. */
MUST_USE Error *mail_headers_read(Bytes *input, Arena *arena, MailHeaders *ret_headers);

/* The first value of `name`, in any case of letters; false: there is none. */
bool mail_header_find(const MailHeaders *headers, Str name, Str *ret_value);
/* The same, as text; "" when there is none. Errors: as mail_header_text. */
MUST_USE Error *mail_header_find_text(const MailHeaders *headers, Str name, Arena *arena, Str *ret_text);

/* A value as text: unfolded, its encoded words decoded, bytes that are not UTF-8 as U+FFFD. Errors: LIMIT (a value of more than 100 kB;
 * arena), NO_MEMORY. */
MUST_USE Error *mail_header_text(Str value, Arena *arena, Str *ret_text);

/* What stands before the first semicolon, in lower case, trimmed. Errors: as above. */
MUST_USE Error *mail_header_word(Str value, Arena *arena, Str *ret_word);

/* The parameter `name` of a value like `text/plain; charset="utf-8"`, decoded; "" when there is none. Errors: as above. */
MUST_USE Error *mail_header_parameter(Str value, Str name, Arena *arena, Str *ret_text);

/* Addresses as `Name <address>`, with quotes where they are needed, or `address` alone; or with the quotes they have, decoded all the same. */
typedef enum MailAddressForm { MAIL_ADDRESS_FORMATTED, MAIL_ADDRESS_AS_IT_STANDS } MailAddressForm;

/* The addresses of all headers `name`. Errors: as above. */
MUST_USE Error *mail_header_addresses(const MailHeaders *headers, Str name, MailAddressForm form, Arena *arena,
                                      StrList *ret_list);

/* The Message-ID without white space and angles; "" when there is none. Errors: as above. */
MUST_USE Error *mail_header_message_id(const MailHeaders *headers, Arena *arena, Str *ret_id);

/* What charset_decode is to be told of a declared charset: "" for one that it does not know, and for ASCII, which says no more than "text". */
Str mail_charset(Str declared);

/* The moment that a Date header names, as `YYYY-MM-DDTHH:MM:SS+00:00`; "" when it names none. Errors: as above. */
MUST_USE Error *mail_header_date(Str value, Arena *arena, Str *ret_text);

/* Steps of the above, for address.c and parameter.c. */

static inline bool mail_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Without line ends. Errors: as above. */
MUST_USE Error *mail_header_unfold(Str value, Arena *arena, Str *ret_value);
/* An unfolded value as text. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mail_header_decode(Str value, Arena *arena, Str *ret_text);
/* The text in quotes at the start of `text`, without them and their backslashes; `*ret_len` is behind the closing one. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mail_header_unquote(Str text, Arena *arena, Str *ret_text, size_t *ret_len);
/* Appends `bytes` of that charset as UTF-8. Errors: LIMIT, NO_MEMORY. */
MUST_USE Error *mail_append_in_charset(Bytes bytes, Str charset, Arena *arena, Buffer *out);

#endif
