#include "document/chars.h"
#include "document/clean/cleaner.h"
#include "document/text/paragraphs.h"

/* Cleaners lose no minus sign: theirs are the bullets of the later rules. */
static const BulletRules rules = BULLETS_SPACED_DASHES;

Error *clean_bullets(Str text, Buffer *out)
{
    size_t next;
    if (text_begins_with_bullet(text, rules, &next))
        text = chars_trim(str_slice(text, next, text.len));
    return buffer_append_str(out, text);
}

/* ---- ordered bullets ---- */

/* The next word between white space; false at the end. */
static bool next_word(Str *rest, Str *ret_word)
{
    size_t from = 0, to = 0;
    unsigned classes = 0;
    for (size_t next = 0; next < rest->len; from = next) {
        chars_next(*rest, &next, &classes);
        if (!(classes & CHAR_SPACE))
            break;
    }
    for (size_t next = to = from; next < rest->len; to = next) {
        chars_next(*rest, &next, &classes);
        if (classes & CHAR_SPACE)
            break;
    }
    *ret_word = str_slice(*rest, from, to);
    *rest = str_slice(*rest, to, rest->len);
    return ret_word->len > 0;
}

static size_t count_code_points(Str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        str_next_code_point(text, &at);
    return count;
}

size_t ordered_bullet(Str text, Str parts[ORDERED_PARTS], Str *ret_rest)
{
    Str word, part;
    size_t count = 0;
    if (!next_word(&text, &word) || str_find_char(word, '.') == SIZE_MAX || str_find(word, STR("..")) != SIZE_MAX)
        return 0;
    if (word.data[word.len - 1] == '.')
        word.len--;
    for (Str rest = word; count < ORDERED_PARTS && str_next_piece(&rest, '.', &part);)
        parts[count++] = part;
    *ret_rest = text;
    return count_code_points(parts[0]) <= 2 ? count : 0;
}

Error *clean_ordered_bullets(Str text, Buffer *out)
{
    Str parts[ORDERED_PARTS], rest, word;
    if (ordered_bullet(text, parts, &rest) == 0)
        return buffer_append_str(out, text);
    for (size_t words = 0; next_word(&rest, &word); words++) {
        if (words > 0)
            TRY(buffer_append_byte(out, ' '));
        TRY(buffer_append_str(out, word));
    }
    return NULL;
}

/* ---- paragraphs ---- */

/* Paragraphs with blank lines between them. */
typedef struct Joined {
    Buffer *out;
    bool begun;
} Joined;

static Error *append_paragraph(void *context, const Paragraph *paragraph)
{
    Joined *joined = context;
    if (joined->begun)
        TRY(buffer_append_str(joined->out, STR("\n\n")));
    joined->begun = true;
    TRY(buffer_reserve(joined->out, paragraph->text.len + 1));
    buffer_grown(joined->out, paragraph_write(paragraph, (char *)joined->out->data + joined->out->len));
    return NULL;
}

Error *clean_bullet_paragraph(Str text, Buffer *out)
{
    return text_each_item(text, rules, append_paragraph, &(Joined){.out = out});
}

Error *clean_broken_paragraphs(Str text, Buffer *out)
{
    return text_each_paragraph(text, rules, append_paragraph, &(Joined){.out = out});
}

Error *clean_new_lines(Str text, Buffer *out)
{
    Joined joined = {.out = out};
    for (size_t at = 0, end; at < text.len; at = end) {
        Str rest = str_slice(text, at, text.len);
        size_t line_end = str_find_char(rest, '\n');
        end = line_end == SIZE_MAX ? text.len : at + line_end + 1;
        Paragraph line = {.text = str_slice(text, at, end)};
        if (chars_trim(line.text).len > 0)
            TRY(append_paragraph(&joined, &line));
    }
    return NULL;
}

Error *clean_auto_paragraphs(Str text, Buffer *out)
{
    return text_has_few_blank_lines(text) ? clean_new_lines(text, out) : clean_broken_paragraphs(text, out);
}
