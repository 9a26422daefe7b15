#include "tools/capture.h"

#include <stdlib.h>
#include <string.h>

enum {
    CAPTURE_MAX_BYTES = 16 * 1024 * 1024,
    CAPTURE_MAX_WAIT_MS = 24 * 3600 * 1000
};

static void add(struct ts_buf *buf, uint8_t byte) {
    /* No ceiling is set, so this cannot fail. */
    if (ts_buf_add(buf, ts_slice_of(&byte, 1)) != TS_OK)
        abort();
}

static bool unescape_hex(struct ts_buf *out, struct ts_slice *text) {
    uint8_t byte;
    size_t len;

    if (text->len < 3 ||
        ts_unhex(&byte, 1, &len, ts_slice_of(text->data + 1, 2)) != TS_OK)
        return false;
    add(out, byte);
    text->data += 3;
    text->len -= 3;
    return true;
}

/* `text` stands behind the backslash. */
static bool unescape(struct ts_buf *out, struct ts_slice *text) {
    static const char names[] = "rnt0\\";
    static const char values[] = "\r\n\t\0\\";

    if (text->len == 0)
        return false;
    if (text->data[0] == 'x')
        return unescape_hex(out, text);
    const char *found = text->data[0] ? strchr(names, text->data[0]) : NULL;
    if (!found)
        return false;
    add(out, (uint8_t)values[found - names]);
    text->data++;
    text->len--;
    return true;
}

static enum ts_status parse_bytes(struct ts_buf *out, struct ts_slice text,
                                  struct ts_err *err) {
    while (text.len) {
        uint8_t byte = *text.data++;
        text.len--;
        if (byte != '\\')
            add(out, byte);
        else if (!unescape(out, &text))
            return ts_fail(err, TS_INVALID,
                           "unknown escape; write \\r \\n \\t \\0 \\\\ or "
                           "\\xHH");
    }
    return TS_OK;
}

static enum ts_status parse_wait(struct capture_step *step,
                                 struct ts_slice text, struct ts_err *err) {
    unsigned ms = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' ||
            ms > CAPTURE_MAX_WAIT_MS)
            return ts_fail(err, TS_INVALID,
                           "a wait is a number of milliseconds, up to a day");
        ms = ms * 10 + (unsigned)(text.data[i] - '0');
    }
    if (text.len == 0 || ms > CAPTURE_MAX_WAIT_MS)
        return ts_fail(err, TS_INVALID,
                       "a wait is a number of milliseconds, up to a day");
    step->wait_ms = ms;
    return TS_OK;
}

static enum ts_status parse_plug(struct capture_step *step,
                                 struct ts_slice text, struct ts_err *err) {
    if (ts_slice_equal(text, ts_slice_text("unplug")))
        step->what = CAPTURE_UNPLUG;
    else if (ts_slice_equal(text, ts_slice_text("plug")))
        step->what = CAPTURE_PLUG;
    else
        return ts_fail(err, TS_INVALID,
                       "after ! stands unplug or plug, nothing else");
    return TS_OK;
}

static enum ts_status parse_step(struct capture_step *step, char mark,
                                 struct ts_slice text, struct ts_err *err) {
    switch (mark) {
    case '>':
    case '<':
        step->what = mark == '>' ? CAPTURE_SEND : CAPTURE_HOST;
        return parse_bytes(&step->bytes, text, err);
    case '.':
        step->what = CAPTURE_WAIT;
        return parse_wait(step, text, err);
    case '!':
        return parse_plug(step, text, err);
    case '=':
    case '@':
        step->what = mark == '=' ? CAPTURE_EXPECT : CAPTURE_OPTION;
        return ts_buf_add(&step->bytes, text);
    default:
        return ts_fail(err, TS_INVALID,
                       "a line begins with > < . ! = @ or #, and a space");
    }
}

enum ts_status capture_parse_line(struct capture_step *step,
                                  struct ts_slice line, struct ts_err *err) {
    *step = (struct capture_step){.what = CAPTURE_NOTHING};
    if (line.len && line.data[line.len - 1] == '\r')
        line.len--;
    if (line.len == 0 || line.data[0] == '#')
        return TS_OK;
    if (line.len < 2 || line.data[1] != ' ')
        return ts_fail(err, TS_INVALID,
                       "a line begins with > < . ! = @ or #, and a space");
    enum ts_status status =
        parse_step(step, (char)line.data[0],
                   ts_slice_of(line.data + 2, line.len - 2), err);
    if (status != TS_OK)
        ts_buf_fini(&step->bytes);
    return status;
}

static struct ts_slice line_take(struct ts_slice *text) {
    const uint8_t *end = memchr(text->data, '\n', text->len);
    size_t len = end ? (size_t)(end - text->data) : text->len;
    struct ts_slice line = ts_slice_of(text->data, len);
    size_t used = end ? len + 1 : len;

    text->data += used;
    text->len -= used;
    return line;
}

static void capture_add(struct capture *capture,
                        const struct capture_step *step) {
    size_t size = (capture->count + 1) * sizeof *capture->steps;

    capture->steps = ts_realloc(capture->steps, size);
    capture->steps[capture->count++] = *step;
}

enum ts_status capture_parse(struct capture *out, struct ts_slice text,
                             struct ts_err *err) {
    struct capture capture = {.count = 0};

    for (unsigned number = 1; text.len; number++) {
        struct capture_step step;
        enum ts_status status =
            capture_parse_line(&step, line_take(&text), err);
        if (status != TS_OK) {
            capture_fini(&capture);
            return ts_wrap(err, "line %u", number);
        }
        step.line = number;
        if (step.what != CAPTURE_NOTHING)
            capture_add(&capture, &step);
    }
    *out = capture;
    return TS_OK;
}

enum ts_status capture_load(struct capture *out, const char *path,
                            struct ts_err *err) {
    struct ts_buf text;

    ts_buf_init(&text, 0);
    enum ts_status status = ts_file_read(&text, path, CAPTURE_MAX_BYTES, err);
    if (status == TS_OK &&
        (status = capture_parse(out, ts_buf_slice(&text), err)) != TS_OK)
        status = ts_wrap(err, "%s", path);
    ts_buf_fini(&text);
    return status;
}

void capture_fini(struct capture *capture) {
    for (size_t i = 0; i < capture->count; i++)
        ts_buf_fini(&capture->steps[i].bytes);
    free(capture->steps);
    *capture = (struct capture){.count = 0};
}
