/* Records: the first byte picks a table, the rest is a payload. What decodes must encode to itself.
 */
#include "fuzz.h"
#include "schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct table *table;
    struct err err = {0};
    struct buf out;
    void *record;

    if (size < 1)
        return 0;
    table = sett_schema.tables[data[0] % sett_schema.table_count];
    if ((record = calloc(1, table->fields.struct_size)) == NULL)
        abort();
    if (fields_decode(&table->fields, table->version, data + 1, size - 1, record, &err) == 0) {
        buf_init(&out, 1u << 20);
        if (fields_encode(&table->fields, record, &out) == -1 || out.len != size - 1 ||
            memcmp(out.data == NULL ? "" : out.data, data + 1, out.len) != 0)
            abort();
        buf_free(&out);
    }
    free(record);
    return 0;
}
