/* Walks an option table with its groups. */
#include "reverie/option.h"

static int rows_of(const rv_option *row)
{
    return row->group ? rv_option_count(row->group, row->group_count) : 1;
}

int rv_option_count(const rv_option *table, int count)
{
    int rows = 0;
    for (int i = 0; i < count; i++)
        rows += rows_of(&table[i]);
    return rows;
}

const rv_option *rv_option_at(const rv_option *table, int count, int index, size_t *offset)
{
    for (int i = 0; i < count; i++) {
        const rv_option *row = &table[i];
        int rows = rows_of(row);
        if (index < rows && !row->group)
            return row;
        if (index < rows) {
            *offset += row->offset;
            return rv_option_at(row->group, row->group_count, index, offset);
        }
        index -= rows;
    }
    return NULL;
}
