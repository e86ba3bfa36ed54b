#include "document/slides/ppt_record.h"

bool ppt_next(Reader *in, PptRecord *ret_record)
{
    Reader ahead = *in;
    uint16_t version_instance;
    uint32_t size;
    PptRecord record;
    if (!reader_u16le(&ahead, &version_instance) || !reader_u16le(&ahead, &record.type) || !reader_u32le(&ahead, &size)
        || !reader_take(&ahead, size, &record.body))
        return false;
    record.instance = version_instance >> 4;
    *ret_record = record;
    *in = ahead;
    return true;
}

bool ppt_find(Reader *in, PptType type, PptRecord *ret_record)
{
    while (ppt_next(in, ret_record)) {
        if (ret_record->type == type)
            return true;
    }
    return false;
}

bool ppt_find_in(Bytes body, PptType type, PptRecord *ret_record)
{
    Reader in = reader_of(body);
    return ppt_find(&in, type, ret_record);
}
