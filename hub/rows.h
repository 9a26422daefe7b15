/* Small readers of rows and columns. */
#ifndef TS_HUB_ROWS_H
#define TS_HUB_ROWS_H

#include "hub/db.h"

/* For db_run: the first column of the first row into an int64_t, untouched
 * when there is no row. */
static inline bool row_number(void *arg, const struct db_value *columns,
                              size_t count) {
    if (count && columns[0].kind == DB_INT)
        *(int64_t *)arg = columns[0].number;
    return false;
}

/* A text column as a NUL-terminated copy, cut to the room there is. */
static inline void column_copy(char *out, size_t size,
                               const struct db_value *column) {
    size_t len = column->bytes.len < size - 1 ? column->bytes.len : size - 1;

    for (size_t i = 0; i < len; i++)
        out[i] = (char)column->bytes.data[i];
    out[len] = 0;
}

#endif
