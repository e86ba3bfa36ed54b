/* metadata.c - the tables that say where each field of parquet.thrift lies in its C struct. */
#include "parquet/metadata.h"

#define FIELD(field_kind, type, member)                                                                                \
    {                                                                                                                  \
        .kind = (field_kind), .offset = offsetof(type, member)                                                         \
    }
#define REQUIRED(field_kind, type, member)                                                                             \
    {                                                                                                                  \
        .kind = (field_kind), .offset = offsetof(type, member), .required = true                                       \
    }
#define NESTED(field_kind, type, member, nested)                                                                       \
    {                                                                                                                  \
        .kind = (field_kind), .offset = offsetof(type, member), .of = &(nested)                                        \
    }
#define REQUIRED_NESTED(field_kind, type, member, nested)                                                              \
    {                                                                                                                  \
        .kind = (field_kind), .offset = offsetof(type, member), .of = &(nested), .required = true                      \
    }
#define EMPTY                                                                                                          \
    {                                                                                                                  \
        .kind = THRIFT_EMPTY                                                                                           \
    }
#define STRUCT(name, type, fields)                                                                                     \
    {                                                                                                                  \
        name, sizeof(type), ARRAY_COUNT(fields), fields                                                                \
    }

static const ThriftField DECIMAL_FIELDS[] = {
    [1] = REQUIRED(THRIFT_I32, DecimalType, scale),
    [2] = REQUIRED(THRIFT_I32, DecimalType, precision),
};
static const ThriftStruct DECIMAL_THRIFT = STRUCT("DecimalType", DecimalType, DECIMAL_FIELDS);

static const ThriftField TIME_UNIT_FIELDS[] = {
    [TIME_UNIT_MILLIS] = EMPTY,
    [TIME_UNIT_MICROS] = EMPTY,
    [TIME_UNIT_NANOS] = EMPTY,
};
static const ThriftStruct TIME_UNIT_THRIFT = STRUCT("TimeUnit", TimeUnit, TIME_UNIT_FIELDS);

static const ThriftField TIME_FIELDS[] = {
    [TIME_TYPE_UTC] = REQUIRED(THRIFT_BOOL, TimeType, is_adjusted_to_utc),
    [TIME_TYPE_UNIT] = REQUIRED_NESTED(THRIFT_STRUCT, TimeType, unit, TIME_UNIT_THRIFT),
};
static const ThriftStruct TIME_THRIFT = STRUCT("TimeType", TimeType, TIME_FIELDS);

static const ThriftField INTEGER_FIELDS[] = {
    [INTEGER_BIT_WIDTH] = REQUIRED(THRIFT_I8, IntegerType, bit_width),
    [INTEGER_IS_SIGNED] = REQUIRED(THRIFT_BOOL, IntegerType, is_signed),
};
static const ThriftStruct INTEGER_THRIFT = STRUCT("IntType", IntegerType, INTEGER_FIELDS);

static const ThriftField LOGICAL_TYPE_FIELDS[] = {
    [LOGICAL_STRING] = EMPTY,
    [LOGICAL_MAP] = EMPTY,
    [LOGICAL_LIST] = EMPTY,
    [LOGICAL_ENUM] = EMPTY,
    [LOGICAL_DECIMAL] = NESTED(THRIFT_STRUCT, LogicalType, decimal, DECIMAL_THRIFT),
    [LOGICAL_DATE] = EMPTY,
    [LOGICAL_TIME] = NESTED(THRIFT_STRUCT, LogicalType, time, TIME_THRIFT),
    [LOGICAL_TIMESTAMP] = NESTED(THRIFT_STRUCT, LogicalType, time, TIME_THRIFT),
    [LOGICAL_INTEGER] = NESTED(THRIFT_STRUCT, LogicalType, integer, INTEGER_THRIFT),
    [LOGICAL_UNKNOWN] = EMPTY,
    [LOGICAL_JSON] = EMPTY,
    [LOGICAL_BSON] = EMPTY,
    [LOGICAL_UUID] = EMPTY,
    [LOGICAL_FLOAT16] = EMPTY,
    [LOGICAL_VARIANT] = EMPTY,
    [LOGICAL_GEOMETRY] = EMPTY,
    [LOGICAL_GEOGRAPHY] = EMPTY,
    [LOGICAL_FILE] = EMPTY,
};
static const ThriftStruct LOGICAL_TYPE_THRIFT = STRUCT("LogicalType", LogicalType, LOGICAL_TYPE_FIELDS);

static const ThriftField SCHEMA_ELEMENT_FIELDS[] = {
    [SCHEMA_ELEMENT_TYPE] = FIELD(THRIFT_I32, SchemaElement, type),
    [SCHEMA_ELEMENT_TYPE_LENGTH] = FIELD(THRIFT_I32, SchemaElement, type_length),
    [SCHEMA_ELEMENT_REPETITION] = FIELD(THRIFT_I32, SchemaElement, repetition),
    [SCHEMA_ELEMENT_NAME] = REQUIRED(THRIFT_BINARY, SchemaElement, name),
    [SCHEMA_ELEMENT_NUM_CHILDREN] = FIELD(THRIFT_I32, SchemaElement, num_children),
    [SCHEMA_ELEMENT_CONVERTED_TYPE] = FIELD(THRIFT_I32, SchemaElement, converted_type),
    [SCHEMA_ELEMENT_SCALE] = FIELD(THRIFT_I32, SchemaElement, scale),
    [SCHEMA_ELEMENT_PRECISION] = FIELD(THRIFT_I32, SchemaElement, precision),
    [SCHEMA_ELEMENT_FIELD_ID] = FIELD(THRIFT_I32, SchemaElement, field_id),
    [SCHEMA_ELEMENT_LOGICAL_TYPE] = NESTED(THRIFT_STRUCT, SchemaElement, logical, LOGICAL_TYPE_THRIFT),
};
static const ThriftStruct SCHEMA_ELEMENT_THRIFT = STRUCT("SchemaElement", SchemaElement, SCHEMA_ELEMENT_FIELDS);

static const ThriftField KEY_VALUE_FIELDS[] = {
    [KEY_VALUE_KEY] = REQUIRED(THRIFT_BINARY, KeyValue, key),
    [KEY_VALUE_VALUE] = FIELD(THRIFT_BINARY, KeyValue, value),
};
static const ThriftStruct KEY_VALUE_THRIFT = STRUCT("KeyValue", KeyValue, KEY_VALUE_FIELDS);

static const ThriftField STATISTICS_FIELDS[] = {
    [STATISTICS_MAX] = FIELD(THRIFT_BINARY, Statistics, max),
    [STATISTICS_MIN] = FIELD(THRIFT_BINARY, Statistics, min),
    [STATISTICS_NULL_COUNT] = FIELD(THRIFT_I64, Statistics, null_count),
    [STATISTICS_DISTINCT_COUNT] = FIELD(THRIFT_I64, Statistics, distinct_count),
    [STATISTICS_MAX_VALUE] = FIELD(THRIFT_BINARY, Statistics, max_value),
    [STATISTICS_MIN_VALUE] = FIELD(THRIFT_BINARY, Statistics, min_value),
    [STATISTICS_IS_MAX_EXACT] = FIELD(THRIFT_BOOL, Statistics, is_max_exact),
    [STATISTICS_IS_MIN_EXACT] = FIELD(THRIFT_BOOL, Statistics, is_min_exact),
    [STATISTICS_NAN_COUNT] = FIELD(THRIFT_I64, Statistics, nan_count),
};
static const ThriftStruct STATISTICS_THRIFT = STRUCT("Statistics", Statistics, STATISTICS_FIELDS);

static const ThriftField ENCODING_STATS_FIELDS[] = {
    [ENCODING_STATS_PAGE_TYPE] = REQUIRED(THRIFT_I32, PageEncodingStats, page_type),
    [ENCODING_STATS_ENCODING] = REQUIRED(THRIFT_I32, PageEncodingStats, encoding),
    [ENCODING_STATS_COUNT] = REQUIRED(THRIFT_I32, PageEncodingStats, count),
};
static const ThriftStruct ENCODING_STATS_THRIFT = STRUCT("PageEncodingStats", PageEncodingStats, ENCODING_STATS_FIELDS);

static const ThriftField SIZE_STATISTICS_FIELDS[] = {
    [SIZE_STATISTICS_BYTES] = FIELD(THRIFT_I64, SizeStatistics, unencoded_byte_array_data_bytes),
    [SIZE_STATISTICS_REPETITION] = FIELD(THRIFT_I64_LIST, SizeStatistics, repetition_level_histogram),
    [SIZE_STATISTICS_DEFINITION] = FIELD(THRIFT_I64_LIST, SizeStatistics, definition_level_histogram),
};
static const ThriftStruct SIZE_STATISTICS_THRIFT = STRUCT("SizeStatistics", SizeStatistics, SIZE_STATISTICS_FIELDS);

static const ThriftField COLUMN_META_DATA_FIELDS[] = {
    [COLUMN_TYPE] = REQUIRED(THRIFT_I32, ColumnMetaData, type),
    [COLUMN_ENCODINGS] = FIELD(THRIFT_I32_LIST, ColumnMetaData, encodings),
    [COLUMN_PATH] = FIELD(THRIFT_BINARY_LIST, ColumnMetaData, path_in_schema),
    [COLUMN_CODEC] = REQUIRED(THRIFT_I32, ColumnMetaData, codec),
    [COLUMN_NUM_VALUES] = REQUIRED(THRIFT_I64, ColumnMetaData, num_values),
    [COLUMN_TOTAL_UNCOMPRESSED_SIZE] = REQUIRED(THRIFT_I64, ColumnMetaData, total_uncompressed_size),
    [COLUMN_TOTAL_COMPRESSED_SIZE] = REQUIRED(THRIFT_I64, ColumnMetaData, total_compressed_size),
    [COLUMN_DATA_PAGE_OFFSET] = REQUIRED(THRIFT_I64, ColumnMetaData, data_page_offset),
    [COLUMN_DICTIONARY_PAGE_OFFSET] = FIELD(THRIFT_I64, ColumnMetaData, dictionary_page_offset),
    [COLUMN_STATISTICS] = NESTED(THRIFT_STRUCT, ColumnMetaData, statistics, STATISTICS_THRIFT),
    [COLUMN_ENCODING_STATS] = NESTED(THRIFT_STRUCT_LIST, ColumnMetaData, encoding_stats, ENCODING_STATS_THRIFT),
    [COLUMN_SIZE_STATISTICS] = NESTED(THRIFT_STRUCT, ColumnMetaData, size_statistics, SIZE_STATISTICS_THRIFT),
};
static const ThriftStruct COLUMN_META_DATA_THRIFT = STRUCT("ColumnMetaData", ColumnMetaData, COLUMN_META_DATA_FIELDS);

static const ThriftField COLUMN_CHUNK_FIELDS[] = {
    [COLUMN_CHUNK_FILE_PATH] = FIELD(THRIFT_BINARY, ColumnChunk, file_path),
    [COLUMN_CHUNK_FILE_OFFSET] = FIELD(THRIFT_I64, ColumnChunk, file_offset),
    [COLUMN_CHUNK_META_DATA] = NESTED(THRIFT_STRUCT, ColumnChunk, meta_data, COLUMN_META_DATA_THRIFT),
    [COLUMN_CHUNK_CRYPTO] = EMPTY,
};
static const ThriftStruct COLUMN_CHUNK_THRIFT = STRUCT("ColumnChunk", ColumnChunk, COLUMN_CHUNK_FIELDS);

static const ThriftField ROW_GROUP_FIELDS[] = {
    [ROW_GROUP_COLUMNS] = REQUIRED_NESTED(THRIFT_STRUCT_LIST, RowGroup, columns, COLUMN_CHUNK_THRIFT),
    [ROW_GROUP_TOTAL_BYTE_SIZE] = REQUIRED(THRIFT_I64, RowGroup, total_byte_size),
    [ROW_GROUP_NUM_ROWS] = REQUIRED(THRIFT_I64, RowGroup, num_rows),
    [ROW_GROUP_FILE_OFFSET] = FIELD(THRIFT_I64, RowGroup, file_offset),
    [ROW_GROUP_TOTAL_COMPRESSED_SIZE] = FIELD(THRIFT_I64, RowGroup, total_compressed_size),
    [ROW_GROUP_ORDINAL] = FIELD(THRIFT_I16, RowGroup, ordinal),
};
static const ThriftStruct ROW_GROUP_THRIFT = STRUCT("RowGroup", RowGroup, ROW_GROUP_FIELDS);

static const ThriftField COLUMN_ORDER_FIELDS[] = {[COLUMN_ORDER_TYPE] = EMPTY, [2] = EMPTY, [3] = EMPTY};
static const ThriftStruct COLUMN_ORDER_THRIFT = STRUCT("ColumnOrder", ColumnOrder, COLUMN_ORDER_FIELDS);

static const ThriftField FILE_METADATA_FIELDS[] = {
    [FILE_VERSION] = REQUIRED(THRIFT_I32, FileMetaData, version),
    [FILE_SCHEMA] = REQUIRED_NESTED(THRIFT_STRUCT_LIST, FileMetaData, schema, SCHEMA_ELEMENT_THRIFT),
    [FILE_NUM_ROWS] = REQUIRED(THRIFT_I64, FileMetaData, num_rows),
    [FILE_ROW_GROUPS] = REQUIRED_NESTED(THRIFT_STRUCT_LIST, FileMetaData, row_groups, ROW_GROUP_THRIFT),
    [FILE_KEY_VALUES] = NESTED(THRIFT_STRUCT_LIST, FileMetaData, key_values, KEY_VALUE_THRIFT),
    [FILE_CREATED_BY] = FIELD(THRIFT_BINARY, FileMetaData, created_by),
    [FILE_COLUMN_ORDERS] = NESTED(THRIFT_STRUCT_LIST, FileMetaData, column_orders, COLUMN_ORDER_THRIFT),
    [FILE_ENCRYPTION_ALGORITHM] = EMPTY,
};
const ThriftStruct FILE_METADATA_THRIFT = STRUCT("FileMetaData", FileMetaData, FILE_METADATA_FIELDS);

static const ThriftField DATA_PAGE_FIELDS[] = {
    [DATA_PAGE_NUM_VALUES] = REQUIRED(THRIFT_I32, DataPageHeader, num_values),
    [DATA_PAGE_ENCODING] = REQUIRED(THRIFT_I32, DataPageHeader, encoding),
    [DATA_PAGE_DEFINITION_ENCODING] = REQUIRED(THRIFT_I32, DataPageHeader, definition_level_encoding),
    [DATA_PAGE_REPETITION_ENCODING] = REQUIRED(THRIFT_I32, DataPageHeader, repetition_level_encoding),
};
static const ThriftStruct DATA_PAGE_THRIFT = STRUCT("DataPageHeader", DataPageHeader, DATA_PAGE_FIELDS);

static const ThriftField DICTIONARY_PAGE_FIELDS[] = {
    [DICTIONARY_PAGE_NUM_VALUES] = REQUIRED(THRIFT_I32, DictionaryPageHeader, num_values),
    [DICTIONARY_PAGE_ENCODING] = REQUIRED(THRIFT_I32, DictionaryPageHeader, encoding),
    [DICTIONARY_PAGE_IS_SORTED] = FIELD(THRIFT_BOOL, DictionaryPageHeader, is_sorted),
};
static const ThriftStruct DICTIONARY_PAGE_THRIFT =
    STRUCT("DictionaryPageHeader", DictionaryPageHeader, DICTIONARY_PAGE_FIELDS);

static const ThriftField DATA_PAGE_V2_FIELDS[] = {
    [1] = REQUIRED(THRIFT_I32, DataPageHeaderV2, num_values),
    [2] = REQUIRED(THRIFT_I32, DataPageHeaderV2, num_nulls),
    [3] = REQUIRED(THRIFT_I32, DataPageHeaderV2, num_rows),
    [4] = REQUIRED(THRIFT_I32, DataPageHeaderV2, encoding),
    [5] = REQUIRED(THRIFT_I32, DataPageHeaderV2, definition_levels_bytes),
    [6] = REQUIRED(THRIFT_I32, DataPageHeaderV2, repetition_levels_bytes),
    [DATA_PAGE_V2_IS_COMPRESSED] = FIELD(THRIFT_BOOL, DataPageHeaderV2, is_compressed),
};
static const ThriftStruct DATA_PAGE_V2_THRIFT = STRUCT("DataPageHeaderV2", DataPageHeaderV2, DATA_PAGE_V2_FIELDS);

static const ThriftField PAGE_HEADER_FIELDS[] = {
    [PAGE_HEADER_TYPE] = REQUIRED(THRIFT_I32, PageHeader, type),
    [PAGE_HEADER_UNCOMPRESSED_SIZE] = REQUIRED(THRIFT_I32, PageHeader, uncompressed_page_size),
    [PAGE_HEADER_COMPRESSED_SIZE] = REQUIRED(THRIFT_I32, PageHeader, compressed_page_size),
    [PAGE_HEADER_CRC] = FIELD(THRIFT_I32, PageHeader, crc),
    [PAGE_HEADER_DATA] = NESTED(THRIFT_STRUCT, PageHeader, data, DATA_PAGE_THRIFT),
    [PAGE_HEADER_DICTIONARY] = NESTED(THRIFT_STRUCT, PageHeader, dictionary, DICTIONARY_PAGE_THRIFT),
    [PAGE_HEADER_DATA_V2] = NESTED(THRIFT_STRUCT, PageHeader, data_v2, DATA_PAGE_V2_THRIFT),
};
const ThriftStruct PAGE_HEADER_THRIFT = STRUCT("PageHeader", PageHeader, PAGE_HEADER_FIELDS);
