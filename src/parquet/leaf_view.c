#include "parquet/leaf_view.h"

#include "parquet/bitmap.h"

/* A column of no rows may come without offsets. */
static const int64_t NO_OFFSETS[1];

static const uint8_t *validity_of(const struct ArrowArray *array)
{
    return array->null_count == 0 ? NULL : array->buffers[0];
}

static uint32_t stored_width(const char *format, const SchemaLeaf *leaf)
{
    switch (format[0]) {
    case 'c':
    case 'C': return 1;
    case 's':
    case 'S': return 2;
    default: return leaf->width;
    }
}

void leaf_view_init(LeafView *view, const struct ArrowArray *array, const char *format, const SchemaLeaf *leaf)
{
    *view = (LeafView){.first = (size_t)array->offset, .validity = validity_of(array)};
    if (leaf->storage == LEAF_BYTES) {
        view->wide = format[0] == 'U' || format[0] == 'Z';
        view->offsets = array->buffers[1] ? array->buffers[1] : NO_OFFSETS;
        view->blob = array->buffers[2] ? array->buffers[2] : (const uint8_t *)NO_OFFSETS;
        return;
    }
    view->values = array->buffers[1];
    view->stored_width = stored_width(format, leaf);
    view->sign_extends = format[0] == 'c' || format[0] == 's';
}

void list_view_init(ListView *view, const struct ArrowArray *array, const char *format)
{
    view->validity = validity_of(array);
    view->wide = format[1] == 'L';
    view->offsets = array->buffers[1] ? array->buffers[1] : NO_OFFSETS;
}

static uint32_t load_narrow(const LeafView *view, size_t at)
{
    if (view->stored_width == 1)
        return view->sign_extends ? (uint32_t)(int32_t)((const int8_t *)view->values)[at] : view->values[at];
    uint16_t value;
    memcpy(&value, view->values + at * sizeof value, sizeof value);
    return view->sign_extends ? (uint32_t)(int32_t)(int16_t)value : value;
}

void leaf_view_widen(const LeafView *view, size_t from, size_t to, uint8_t *out)
{
    if (view->stored_width > 2) {
        memcpy(out, view->values + from * view->stored_width, (to - from) * view->stored_width);
        return;
    }
    for (size_t i = from; i < to; i++, out += sizeof(uint32_t)) {
        uint32_t value = load_narrow(view, i);
        memcpy(out, &value, sizeof value);
    }
}

uint64_t leaf_view_number(const LeafView *view, size_t at)
{
    uint64_t value = 0;

    if (view->stored_width <= 2)
        return load_narrow(view, at);
    if (view->stored_width == sizeof(uint32_t))
        memcpy(&value, view->values + at * sizeof(uint32_t), sizeof(uint32_t));
    else
        memcpy(&value, view->values + at * sizeof(uint64_t), sizeof(uint64_t));
    return value;
}

size_t leaf_view_run(const LeafView *view, size_t from, size_t to, bool *ret_valid)
{
    size_t at = from;

    if (!view->validity) {
        *ret_valid = true;
        return to - from;
    }
    *ret_valid = bitmap_get(view->validity, from);
    while (at < to) {
        size_t count = MIN(to - at, 64);
        uint64_t bits = bitmap_word(view->validity, at, count);
        uint64_t other = *ret_valid ? ~bits : bits; /* a set bit ends the run */
        if (count < 64)
            other &= (UINT64_C(1) << count) - 1;
        if (other != 0)
            return at + (size_t)__builtin_ctzll(other) - from;
        at += count;
    }
    return to - from;
}
