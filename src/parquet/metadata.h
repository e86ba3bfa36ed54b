/* metadata.h - the footer and page headers of a Parquet file as C structs, in the names of parquet.thrift.
 *
 * `present` tells which fields a file had (or a writer wants written): THRIFT_HAS(chunk, COLUMN_CHUNK_META_DATA). Field
 * numbers are the enums beside each struct. Only what we use has a field here; the rest is skipped by the tables.
 * Source: spec/parquet.md 3. */
#ifndef PARQUET_METADATA_H
#define PARQUET_METADATA_H

#include "parquet/thrift.h"

typedef struct DecimalType {
    uint64_t present;
    int32_t scale, precision;
} DecimalType;

typedef enum TimeUnitField { TIME_UNIT_MILLIS = 1, TIME_UNIT_MICROS, TIME_UNIT_NANOS } TimeUnitField;
typedef struct TimeUnit { /* a union: `present` is the choice */
    uint64_t present;
} TimeUnit;

enum { TIME_TYPE_UTC = 1, TIME_TYPE_UNIT };
typedef struct TimeType { /* of TIME and of TIMESTAMP */
    uint64_t present;
    bool is_adjusted_to_utc;
    TimeUnit unit;
} TimeType;

enum { INTEGER_BIT_WIDTH = 1, INTEGER_IS_SIGNED };
typedef struct IntegerType {
    uint64_t present;
    int8_t bit_width;
    bool is_signed;
} IntegerType;

/* A union: the one bit of `present` is the choice; none when the file's choice is unknown to us. */
typedef enum LogicalField {
    LOGICAL_STRING = 1,
    LOGICAL_MAP,
    LOGICAL_LIST,
    LOGICAL_ENUM,
    LOGICAL_DECIMAL,
    LOGICAL_DATE,
    LOGICAL_TIME,
    LOGICAL_TIMESTAMP,
    LOGICAL_INTEGER = 10,
    LOGICAL_UNKNOWN,
    LOGICAL_JSON,
    LOGICAL_BSON,
    LOGICAL_UUID,
    LOGICAL_FLOAT16,
    LOGICAL_VARIANT,
    LOGICAL_GEOMETRY,
    LOGICAL_GEOGRAPHY,
    LOGICAL_FILE,
    LOGICAL_FIELDS
} LogicalField;
typedef struct LogicalType {
    uint64_t present;
    DecimalType decimal;
    TimeType time; /* of TIME or TIMESTAMP */
    IntegerType integer;
} LogicalType;

enum {
    SCHEMA_ELEMENT_TYPE = 1,
    SCHEMA_ELEMENT_TYPE_LENGTH,
    SCHEMA_ELEMENT_REPETITION,
    SCHEMA_ELEMENT_NAME,
    SCHEMA_ELEMENT_NUM_CHILDREN,
    SCHEMA_ELEMENT_CONVERTED_TYPE,
    SCHEMA_ELEMENT_SCALE,
    SCHEMA_ELEMENT_PRECISION,
    SCHEMA_ELEMENT_FIELD_ID,
    SCHEMA_ELEMENT_LOGICAL_TYPE
};
typedef struct SchemaElement {
    uint64_t present;
    int32_t type, type_length, repetition;
    Str name;
    int32_t num_children, converted_type, scale, precision, field_id;
    LogicalType logical;
} SchemaElement;

enum { KEY_VALUE_KEY = 1, KEY_VALUE_VALUE };
typedef struct KeyValue {
    uint64_t present;
    Str key, value;
} KeyValue;

enum {
    STATISTICS_MAX = 1, /* deprecated */
    STATISTICS_MIN,     /* deprecated */
    STATISTICS_NULL_COUNT,
    STATISTICS_DISTINCT_COUNT,
    STATISTICS_MAX_VALUE,
    STATISTICS_MIN_VALUE,
    STATISTICS_IS_MAX_EXACT,
    STATISTICS_IS_MIN_EXACT,
    STATISTICS_NAN_COUNT
};
typedef struct Statistics {
    uint64_t present;
    Str max, min;
    int64_t null_count, distinct_count;
    Str max_value, min_value;
    bool is_max_exact, is_min_exact;
    int64_t nan_count;
} Statistics;

enum { ENCODING_STATS_PAGE_TYPE = 1, ENCODING_STATS_ENCODING, ENCODING_STATS_COUNT };
typedef struct PageEncodingStats {
    uint64_t present;
    int32_t page_type, encoding, count;
} PageEncodingStats;

enum { SIZE_STATISTICS_BYTES = 1, SIZE_STATISTICS_REPETITION, SIZE_STATISTICS_DEFINITION };
typedef struct SizeStatistics {
    uint64_t present;
    int64_t unencoded_byte_array_data_bytes;
    THRIFT_LIST(int64_t) repetition_level_histogram;
    THRIFT_LIST(int64_t) definition_level_histogram;
} SizeStatistics;

enum {
    COLUMN_TYPE = 1,
    COLUMN_ENCODINGS,
    COLUMN_PATH,
    COLUMN_CODEC,
    COLUMN_NUM_VALUES,
    COLUMN_TOTAL_UNCOMPRESSED_SIZE,
    COLUMN_TOTAL_COMPRESSED_SIZE,
    COLUMN_DATA_PAGE_OFFSET = 9,
    COLUMN_DICTIONARY_PAGE_OFFSET = 11,
    COLUMN_STATISTICS,
    COLUMN_ENCODING_STATS,
    COLUMN_SIZE_STATISTICS = 16
};
typedef struct ColumnMetaData {
    uint64_t present;
    int32_t type;
    THRIFT_LIST(int32_t) encodings;
    THRIFT_LIST(Str) path_in_schema;
    int32_t codec;
    int64_t num_values, total_uncompressed_size, total_compressed_size;
    int64_t data_page_offset, dictionary_page_offset;
    Statistics statistics;
    THRIFT_LIST(PageEncodingStats) encoding_stats;
    SizeStatistics size_statistics;
} ColumnMetaData;

enum { COLUMN_CHUNK_FILE_PATH = 1, COLUMN_CHUNK_FILE_OFFSET, COLUMN_CHUNK_META_DATA, COLUMN_CHUNK_CRYPTO = 8 };
typedef struct ColumnChunk {
    uint64_t present;
    Str file_path;
    int64_t file_offset;
    ColumnMetaData meta_data;
} ColumnChunk;

enum {
    ROW_GROUP_COLUMNS = 1,
    ROW_GROUP_TOTAL_BYTE_SIZE,
    ROW_GROUP_NUM_ROWS,
    ROW_GROUP_FILE_OFFSET = 5,
    ROW_GROUP_TOTAL_COMPRESSED_SIZE,
    ROW_GROUP_ORDINAL
};
typedef struct RowGroup {
    uint64_t present;
    THRIFT_LIST(ColumnChunk) columns;
    int64_t total_byte_size, num_rows, file_offset, total_compressed_size;
    int32_t ordinal;
} RowGroup;

enum { COLUMN_ORDER_TYPE = 1 };
typedef struct ColumnOrder { /* a union: `present` is the choice */
    uint64_t present;
} ColumnOrder;

enum {
    FILE_VERSION = 1,
    FILE_SCHEMA,
    FILE_NUM_ROWS,
    FILE_ROW_GROUPS,
    FILE_KEY_VALUES,
    FILE_CREATED_BY,
    FILE_COLUMN_ORDERS,
    FILE_ENCRYPTION_ALGORITHM
};
typedef struct FileMetaData {
    uint64_t present;
    int32_t version;
    THRIFT_LIST(SchemaElement) schema;
    int64_t num_rows;
    THRIFT_LIST(RowGroup) row_groups;
    THRIFT_LIST(KeyValue) key_values;
    Str created_by;
    THRIFT_LIST(ColumnOrder) column_orders;
} FileMetaData;

enum { DATA_PAGE_NUM_VALUES = 1, DATA_PAGE_ENCODING, DATA_PAGE_DEFINITION_ENCODING, DATA_PAGE_REPETITION_ENCODING };
typedef struct DataPageHeader {
    uint64_t present;
    int32_t num_values, encoding, definition_level_encoding, repetition_level_encoding;
} DataPageHeader;

enum { DATA_PAGE_V2_IS_COMPRESSED = 7 };
typedef struct DataPageHeaderV2 {
    uint64_t present;
    int32_t num_values, num_nulls, num_rows, encoding;
    int32_t definition_levels_bytes, repetition_levels_bytes;
    bool is_compressed; /* absent: true */
} DataPageHeaderV2;

enum { DICTIONARY_PAGE_NUM_VALUES = 1, DICTIONARY_PAGE_ENCODING, DICTIONARY_PAGE_IS_SORTED };
typedef struct DictionaryPageHeader {
    uint64_t present;
    int32_t num_values, encoding;
    bool is_sorted;
} DictionaryPageHeader;

enum {
    PAGE_HEADER_TYPE = 1,
    PAGE_HEADER_UNCOMPRESSED_SIZE,
    PAGE_HEADER_COMPRESSED_SIZE,
    PAGE_HEADER_CRC,
    PAGE_HEADER_DATA,
    PAGE_HEADER_DICTIONARY = 7,
    PAGE_HEADER_DATA_V2
};
typedef struct PageHeader {
    uint64_t present;
    int32_t type, uncompressed_page_size, compressed_page_size, crc;
    DataPageHeader data;
    DictionaryPageHeader dictionary;
    DataPageHeaderV2 data_v2;
} PageHeader;

extern const ThriftStruct FILE_METADATA_THRIFT, PAGE_HEADER_THRIFT;

#endif
