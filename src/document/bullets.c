#include "document/bullets.h"

#include "document/chars.h"

static bool is_dash(uint32_t c)
{
    return c == '-' || c == 0x2013;
}

bool char_is_bullet(uint32_t c, BulletRules rules)
{
    switch (c) {
    case 0x0095:
    case 0x2022:
    case 0x2023:
    case 0x2043:
    case 0x3164:
    case 0x204C:
    case 0x204D:
    case 0x2219:
    case 0x25CB:
    case 0x25CF:
    case 0x25D8:
    case 0x25E6:
    case 0x2619:
    case 0x2765:
    case 0x2767:
    case 0x29BE:
    case 0x29BF:
    case 0xF0B7:
    case '*':
    case 0x00B7: return true;
    case '-': return rules == BULLETS_AND_HYPHENS;
    default: return false;
    }
}

bool text_spaced_dash_at(Str text, size_t at)
{
    unsigned classes;
    if (at >= text.len || !is_dash(str_next_code_point(text, &at)))
        return false;
    if (at >= text.len)
        return true;
    chars_next(text, &at, &classes);
    return classes & CHAR_SPACE;
}

/* Behind a bullet any dash counts as another one. */
static bool bullet_follows(Str text, size_t at, BulletRules rules)
{
    if (at >= text.len)
        return false;
    uint32_t c = str_next_code_point(text, &at);
    return char_is_bullet(c, rules) || (rules == BULLETS_SPACED_DASHES && is_dash(c));
}

bool text_begins_with_bullet(Str text, BulletRules rules, size_t *ret_next)
{
    size_t next = 0;
    if (text.len == 0)
        return false;
    if (!char_is_bullet(str_next_code_point(text, &next), rules)
        && (rules == BULLETS_AND_HYPHENS || !text_spaced_dash_at(text, 0)))
        return false;
    *ret_next = next;
    return !bullet_follows(text, next, rules);
}
