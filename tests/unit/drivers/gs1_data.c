#include "gs1_data.h"

#include "drivers/code/gs1_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FIELDS = 5 };

static struct ts_slice unescape(char *text) {
    uint8_t *out = (uint8_t *)text;
    size_t len = 0;

    for (const char *at = text; *at; at++) {
        if (*at != '\\') {
            out[len++] = (uint8_t)*at;
        } else if (at[1] == 'x') {
            char hex[3] = {at[2], at[3], 0};
            out[len++] = (uint8_t)strtoul(hex, NULL, 16);
            at += 3;
        } else {
            assert_int_equal(at[1], '\\');
            out[len++] = '\\';
            at++;
        }
    }
    return ts_slice_of(text, len);
}

static void read_row(char *line, struct data_row *row) {
    char *fields[FIELDS];

    for (size_t i = 0; i < FIELDS; i++) {
        assert_non_null(line);
        fields[i] = strsep(&line, "\t");
    }
    assert_null(line);
    row->name = fields[0];
    row->kind = fields[1];
    row->verdict = fields[2];
    row->input = unescape(fields[3]);
    row->expected = unescape(fields[4]);
}

size_t data_each(const char *file,
                 void (*each)(void *ctx, const struct data_row *row),
                 void *ctx) {
    char path[512];
    char *line = NULL;
    size_t size = 0;
    size_t count = 0;

    (void)snprintf(path, sizeof path, "%s/tests/data/%s", TESSERA_SOURCE_DIR,
                   file);
    FILE *from = fopen(path, "r");
    assert_non_null(from);
    while (getline(&line, &size, from) > 0) {
        struct data_row row;
        line[strcspn(line, "\n")] = 0;
        if (line[0] == '#')
            continue;
        read_row(line, &row);
        each(ctx, &row);
        count++;
    }
    free(line);
    (void)fclose(from);
    return count;
}

void data_join(char *out, const struct gs1 *gs1) {
    bool separator = true;

    for (size_t i = 0; i < gs1->count; i++) {
        const struct gs1_element *element = &gs1->elements[i];
        out +=
            sprintf(out, "%s%s%.*s", separator ? "^" : "", element->ai,
                    (int)element->value.len, (const char *)element->value.data);
        separator = !(gs1_ai_at(element->row)->flags & GS1_PREDEFINED);
    }
    *out = 0;
}
