/* Addresses in headers: RFC 5322 3.4, read as leniently as Python's email reads them. */
#include "document/mail/header.h"

/* One mailbox while its list is walked. */
typedef struct Mailbox {
    Buffer phrase;  /* the words before an address in angles, unquoted */
    Buffer raw;     /* all as it stands: without angles, the address */
    Buffer address; /* in angles */
    bool has_angles;
    MailAddressForm form;
} Mailbox;

static void mailbox_clear(Mailbox *mailbox)
{
    buffer_clear(&mailbox->phrase);
    buffer_clear(&mailbox->raw);
    buffer_clear(&mailbox->address);
    mailbox->has_angles = false;
}

static void mailbox_done(Mailbox *mailbox)
{
    buffer_done(&mailbox->phrase);
    buffer_done(&mailbox->raw);
    buffer_done(&mailbox->address);
}

/* Runs of white space as one space, none at the ends; in place. */
static void collapse_blanks(Buffer *text)
{
    size_t len = 0;
    for (size_t i = 0; i < text->len; i++) {
        bool blank = mail_is_blank((char)text->data[i]);
        if (!blank || (len > 0 && text->data[len - 1] != ' '))
            text->data[len++] = blank ? ' ' : text->data[i];
    }
    text->len = len > 0 && text->data[len - 1] == ' ' ? len - 1 : len;
}

/* `name <address>`, the name in quotes when it has marks of the grammar. */
MUST_USE static Error *append_mailbox(Str name, Str address, Buffer *out)
{
    bool quoted = false;
    for (size_t i = 0; i < name.len; i++)
        quoted = quoted || strchr("][\\()<>@,:;\".", name.data[i]);
    TRY(buffer_append_str(out, quoted ? STR("\"") : STR_EMPTY));
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '\\' || name.data[i] == '"')
            TRY(buffer_append_byte(out, '\\'));
        TRY(buffer_append_byte(out, (uint8_t)name.data[i]));
    }
    TRY(buffer_append_str(out, quoted ? STR("\"") : STR_EMPTY));
    return buffer_append_format(out, name.len > 0 ? " <" STR_FMT ">" : STR_FMT, STR_ARG(address));
}

/* Texts that a list grows by. */
typedef struct AddressList {
    StrList list;
    size_t capacity;
} AddressList;

MUST_USE static Error *list_add(AddressList *addresses, Str text, Arena *arena)
{
    StrList *list = &addresses->list;
    if (list->count == addresses->capacity) {
        size_t capacity = MAX(addresses->capacity * 2, (size_t)4);
        Str *items = arena_grow(arena, list->items, addresses->capacity * sizeof *items, capacity * sizeof *items);
        if (!items)
            return arena_error(arena);
        list->items = items;
        addresses->capacity = capacity;
    }
    Str copy = arena_str(arena, text);
    if (!copy.data)
        return arena_error(arena);
    list->items[list->count++] = copy;
    return NULL;
}

/* The mailbox is complete: adds it, unless it is empty. */
MUST_USE static Error *mailbox_end(Mailbox *mailbox, Arena *arena, AddressList *addresses)
{
    CLEANUP(buffer_done) Buffer out = {0};
    Str name = STR_EMPTY, address;
    collapse_blanks(&mailbox->phrase);
    collapse_blanks(&mailbox->raw);
    collapse_blanks(&mailbox->address);
    bool formatted = mailbox->has_angles && mailbox->form == MAIL_ADDRESS_FORMATTED;
    if (formatted)
        TRY(mail_header_decode(buffer_str(&mailbox->phrase), arena, &name));
    TRY(mail_header_decode(buffer_str(formatted ? &mailbox->address : &mailbox->raw), arena, &address));
    if (address.len > 0 || name.len > 0)
        TRY(append_mailbox(name, address, &out));
    mailbox_clear(mailbox);
    return out.len > 0 ? list_add(addresses, buffer_str(&out), arena) : NULL;
}

/* Behind the comment that begins at `at`, comments in it included. */
static size_t skip_comment(Str text, size_t at)
{
    size_t depth = 0;
    for (; at < text.len; at++) {
        depth += text.data[at] == '(';
        if (text.data[at] == ')' && --depth == 0)
            return at + 1;
        at += text.data[at] == '\\';
    }
    return text.len;
}

/* Takes what stands at `*at` into the mailbox: a quoted text, an address in angles, a literal domain, a comment, or one character. */
MUST_USE static Error *mailbox_take(Mailbox *mailbox, Str text, size_t *at, Arena *arena)
{
    size_t start = *at, len = 1;
    Str rest = str_slice(text, start, text.len), unquoted = str_slice(rest, 0, 1);
    switch (rest.data[0]) {
    case '(': *at = skip_comment(text, start); return buffer_append_byte(&mailbox->phrase, ' ');
    case '"': TRY(mail_header_unquote(rest, arena, &unquoted, &len)); break;
    case '<':
        len = MIN(str_find_char(rest, '>'), rest.len - 1) + 1;
        *at += len;
        mailbox->has_angles = true;
        buffer_clear(&mailbox->address);
        TRY(buffer_append_str(&mailbox->raw, str_slice(rest, 0, len)));
        return buffer_append_str(&mailbox->address, str_slice(rest, 1, rest.data[len - 1] == '>' ? len - 1 : len));
    case '[':
        len = MIN(str_find_char(rest, ']'), rest.len - 1) + 1;
        unquoted = str_slice(rest, 0, len);
        break;
    default: break;
    }
    *at += len;
    TRY(buffer_append_str(&mailbox->phrase, unquoted));
    return buffer_append_str(&mailbox->raw, str_slice(rest, 0, len));
}

MUST_USE static Error *add_addresses(Str text, Mailbox *mailbox, Arena *arena, AddressList *addresses)
{
    for (size_t at = 0; at < text.len;) {
        char c = text.data[at];
        if (c == ',' || c == ';')
            TRY(mailbox_end(mailbox, arena, addresses));
        else if (c == ':' && !mailbox->has_angles)
            mailbox_clear(mailbox); /* it was the name of a group */
        if (c == ',' || c == ';' || c == ':')
            at++;
        else
            TRY(mailbox_take(mailbox, text, &at, arena));
    }
    return mailbox_end(mailbox, arena, addresses);
}

Error *mail_header_addresses(const MailHeaders *headers, Str name, MailAddressForm form, Arena *arena,
                             StrList *ret_list)
{
    CLEANUP(mailbox_done) Mailbox mailbox = {.form = form};
    AddressList addresses = {0};
    for (size_t i = 0; i < headers->count; i++) {
        Str text;
        if (!str_equal_nocase(headers->items[i].name, name))
            continue;
        TRY(mail_header_unfold(headers->items[i].value, arena, &text));
        TRY(add_addresses(text, &mailbox, arena, &addresses));
    }
    *ret_list = addresses.list;
    return NULL;
}
