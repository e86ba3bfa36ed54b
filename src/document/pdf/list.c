#include "document/pdf/list.h"

/* How far a continuation may reach beyond the item's box, in parts of the box's size. */
#define REACH_WIDTH 0.2
#define REACH_HEIGHT 0.3

#define LOOK_BACK 16 /* list items; those of other columns may stand between an item and its continuation */
#define NONE SIZE_MAX

/* What becomes of an item: the next of its chain, and for the head of one also the last. */
typedef struct Chain {
    size_t next, last;
    bool joined; /* continues another item */
} Chain;

/* The last list items, the latest at `count - 1`, each at its number modulo LOOK_BACK. */
typedef struct Heads {
    size_t items[LOOK_BACK];
    size_t count;
} Heads;

static bool continues(LayoutRect item, LayoutRect rect)
{
    double reach_x = REACH_WIDTH * (item.right - item.left), reach_y = REACH_HEIGHT * (item.bottom - item.top);
    return rect.left >= item.left && rect.right < item.right + reach_x && rect.top > item.top - reach_y
           && rect.top < item.bottom + reach_y;
}

/* The nearest list item before `item` that it continues, or NONE. */
static size_t find_head(const PageItems *items, const Heads *heads, size_t item)
{
    size_t oldest = heads->count - MIN(heads->count, (size_t)LOOK_BACK);
    for (size_t i = heads->count; i-- > oldest;) {
        size_t head = heads->items[i % LOOK_BACK];
        if (continues(items->items[head].rect, items->items[item].rect))
            return head;
    }
    return NONE;
}

static void find_chains(const PageItems *items, Chain *chains)
{
    Heads heads = {.count = 0};
    for (size_t i = 0; i < items->count; i++) {
        chains[i] = (Chain){.next = NONE, .last = i};
        if (items->items[i].type == ELEMENT_LIST_ITEM) {
            heads.items[heads.count++ % LOOK_BACK] = i;
            continue;
        }
        size_t head = find_head(items, &heads, i);
        if (head == NONE)
            continue;
        chains[chains[head].last].next = i;
        chains[head].last = i;
        chains[i].joined = true;
    }
}

static int64_t code_points_of(Str text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((uint8_t)text.data[i] & 0xC0) != 0x80;
    return count;
}

/* Appends `item` to `sum`, whose arrays have the room; `*code_points` is the length of its text. */
static void append(PageItem *sum, char *text, const PageItem *item, int64_t *code_points)
{
    if (sum->text.len) {
        text[sum->text.len++] = ' ';
        ++*code_points;
    }
    memcpy(text + sum->text.len, item->text.data, item->text.len);
    sum->text = str_from(text, sum->text.len + item->text.len);
    for (size_t i = 0; i < item->link_count; i++) {
        sum->links[sum->link_count] = item->links[i];
        sum->links[sum->link_count++].start_index += *code_points;
    }
    sum->rect = layout_rect_union(sum->rect, item->rect);
    *code_points += code_points_of(item->text);
}

/* Makes item `head` the sum of its chain. */
MUST_USE static Error *join_chain(PageItem *items, const Chain *chains, size_t head, Arena *arena)
{
    size_t bytes = 0, link_count = 0;
    for (size_t i = head; i != NONE; i = chains[i].next) {
        bytes += items[i].text.len + 1;
        link_count += items[i].link_count;
    }
    char *text = arena_alloc(arena, bytes);
    ElementLink *links = ARENA_ARRAY(arena, ElementLink, link_count);
    if (!text || !links)
        return arena_error(arena);

    PageItem sum = {.type = items[head].type, .rect = items[head].rect, .links = links};
    int64_t code_points = 0;
    for (size_t i = head; i != NONE; i = chains[i].next)
        append(&sum, text, &items[i], &code_points);
    items[head] = sum;
    return NULL;
}

Error *list_join(PageItems *items, Arena *arena)
{
    Chain *chains = ARENA_ARRAY(arena, Chain, items->count);
    if (!chains)
        return arena_error(arena);
    find_chains(items, chains);
    for (size_t i = 0; i < items->count; i++)
        if (chains[i].next != NONE && !chains[i].joined)
            TRY(join_chain(items->items, chains, i, arena));

    size_t kept = 0;
    for (size_t i = 0; i < items->count; i++)
        if (!chains[i].joined)
            items->items[kept++] = items->items[i];
    items->count = kept;
    return NULL;
}
