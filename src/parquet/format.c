#include "parquet/format.h"

#include "base/macros.h"

static const char *name_of(const char *const *names, size_t count, int32_t number)
{
    return number >= 0 && (size_t)number < count && names[number] ? names[number] : "unknown";
}

const char *physical_type_name(int32_t type)
{
    static const char *const names[] = {"BOOLEAN", "INT32",  "INT64",      "INT96",
                                        "FLOAT",   "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
    return name_of(names, ARRAY_COUNT(names), type);
}

const char *repetition_name(int32_t repetition)
{
    static const char *const names[] = {"REQUIRED", "OPTIONAL", "REPEATED"};
    return name_of(names, ARRAY_COUNT(names), repetition);
}

const char *encoding_name(int32_t encoding)
{
    static const char *const names[] = {"PLAIN",
                                        NULL,
                                        "PLAIN_DICTIONARY",
                                        "RLE",
                                        "BIT_PACKED",
                                        "DELTA_BINARY_PACKED",
                                        "DELTA_LENGTH_BYTE_ARRAY",
                                        "DELTA_BYTE_ARRAY",
                                        "RLE_DICTIONARY",
                                        "BYTE_STREAM_SPLIT",
                                        "ALP"};
    return name_of(names, ARRAY_COUNT(names), encoding);
}
