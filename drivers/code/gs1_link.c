/* GS1 Digital Link, "URI Syntax": scheme, host, any path, then the pairs of
 * key and qualifiers, then attributes in the query. */
#include "drivers/code/gs1_parts.h"

#include <string.h>
#include <strings.h>

struct link {
    struct ts_slice host;
    struct ts_slice path;  /* from its first slash */
    struct ts_slice query; /* behind the question mark */
    bool trusted_form;     /* no user name, no odd character */
};

static struct ts_slice from_to(const uint8_t *from, const uint8_t *to) {
    return ts_slice_of(from, (size_t)(to - from));
}

static bool is_alnum(uint8_t byte) {
    return (gs1_sets[byte] & GS1_Z) && byte != '-' && byte != '_';
}

static size_t scheme_length(struct ts_slice uri) {
    const char *text = (const char *)uri.data;

    if (uri.len > 8 && strncasecmp(text, "https://", 8) == 0)
        return 8;
    return uri.len > 7 && strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
}

/* RFC 3986: every character that a URI may hold. */
static bool uri_characters(struct ts_slice uri) {
    static const char others[] = "-._~:/?#[]@!$&'()*+,;=%";

    for (size_t i = 0; i < uri.len; i++) {
        if (!is_alnum(uri.data[i]) &&
            !memchr(others, uri.data[i], sizeof others - 1))
            return false;
    }
    return true;
}

/* Name or address without user and port; an empty slice: not acceptable. */
static struct ts_slice host_of(struct ts_slice authority) {
    const uint8_t *end = authority.data + authority.len;

    for (size_t i = 0; i < authority.len; i++) {
        uint8_t byte = authority.data[i];
        if (!is_alnum(byte) && !strchr("-.:[]", byte))
            return ts_slice_of(end, 0);
    }
    const uint8_t *stop = authority.len && authority.data[0] == '['
                              ? memchr(authority.data, ']', authority.len)
                              : memchr(authority.data, ':', authority.len);
    if (stop && *stop == ']')
        stop++;
    return from_to(authority.data, stop ? stop : end);
}

static bool link_split(struct link *link, struct ts_slice uri) {
    size_t scheme = scheme_length(uri);
    const uint8_t *end = uri.data + uri.len;

    if (!scheme)
        return false;
    const uint8_t *at = uri.data + scheme;
    const uint8_t *hash = memchr(at, '#', (size_t)(end - at));
    if (hash)
        end = hash;
    const uint8_t *mark = memchr(at, '?', (size_t)(end - at));
    const uint8_t *path_end = mark ? mark : end;
    const uint8_t *slash = memchr(at, '/', (size_t)(path_end - at));
    if (!slash || slash == at)
        return false;
    link->path = from_to(slash, path_end);
    link->query = mark ? from_to(mark + 1, end) : from_to(end, end);
    link->host = host_of(from_to(at, slash));
    link->trusted_form = link->host.len && uri_characters(uri);
    return true;
}

static int hex_value(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* A % that no two hex digits follow stays what it is. */
static uint8_t next_decoded(struct ts_slice text, size_t *at, bool query) {
    uint8_t byte = text.data[(*at)++];

    if (query && byte == '+')
        return ' ';
    if (byte != '%' || text.len - *at < 2)
        return byte;
    int high = hex_value(text.data[*at]);
    int low = hex_value(text.data[*at + 1]);
    if (high < 0 || low < 0)
        return byte;
    *at += 2;
    return (uint8_t)(high * 16 + low);
}

/* False: no room left. */
static bool decode(struct gs1 *out, struct ts_slice *text, bool query) {
    size_t begin = out->used;

    if (!memchr(text->data, '%', text->len) &&
        !(query && memchr(text->data, '+', text->len)))
        return true;
    if (text->len > sizeof out->values - begin)
        return gs1_fault(out, NULL, "the link is too long");
    for (size_t at = 0; at < text->len;)
        out->values[out->used++] = next_decoded(*text, &at, query);
    *text = ts_slice_of(out->values + begin, out->used - begin);
    return true;
}

static bool take_pair(struct gs1 *out, struct ts_slice name,
                      struct ts_slice value, bool query) {
    uint8_t row = gs1_ai_exact(name);

    if (!row)
        return gs1_fault(out, NULL, "an AI that does not exist");
    if (!decode(out, &value, query) || !gs1_take(out, row, name.data, value))
        return false;
    const char *why =
        value.len ? gs1_value_check(gs1_ai_at(row), value) : "has no value";
    if (why)
        return gs1_fault(out, out->elements[out->count - 1].ai, why);
    return true;
}

/* Takes the last segment off the path. */
static bool cut_segment(struct ts_slice *path, struct ts_slice *segment) {
    const uint8_t *slash = memrchr(path->data, '/', path->len);

    if (!slash)
        return false;
    *segment = from_to(slash + 1, path->data + path->len);
    path->len = (size_t)(slash - path->data);
    return true;
}

/* The pairs begin with the last key; what is ahead of it may be anything. */
static bool find_pairs(struct ts_slice path, struct ts_slice *pairs) {
    const uint8_t *end = path.data + path.len;
    struct ts_slice value;
    struct ts_slice name;

    while (cut_segment(&path, &value) && cut_segment(&path, &name)) {
        uint8_t row = gs1_ai_exact(name);
        if (!row)
            return false;
        if (gs1_ai_at(row)->paths) {
            *pairs = from_to(path.data + path.len, end);
            return true;
        }
    }
    return false;
}

static bool read_pairs(struct gs1 *out, struct ts_slice pairs) {
    (void)gs1_cut(&pairs, '/');
    while (pairs.len) {
        struct ts_slice name = gs1_cut(&pairs, '/');
        if (!take_pair(out, name, gs1_cut(&pairs, '/'), false))
            return false;
    }
    return true;
}

static bool all_digits(struct ts_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!(gs1_sets[text.data[i]] & GS1_N))
            return false;
    }
    return text.len > 0;
}

/* Names that are no number are the resolver's. */
static bool read_query(struct gs1 *out, struct ts_slice query) {
    while (query.len) {
        struct ts_slice value = gs1_cut(&query, '&');
        const uint8_t *end = value.data + value.len;
        struct ts_slice name = gs1_cut(&value, '=');
        bool assigned = name.data + name.len < end;
        if (assigned && all_digits(name) && !take_pair(out, name, value, true))
            return false;
    }
    return true;
}

static const uint8_t *next_sequence(const uint8_t *sequence) {
    while (*sequence)
        sequence++;
    return sequence + 1;
}

static size_t sequence_place(const uint8_t *sequence, uint8_t row) {
    for (size_t i = 0; sequence[i]; i++) {
        if (sequence[i] == row)
            return i + 1;
    }
    return 0;
}

/* The qualifiers come in the order of the sequence; any may be left out. */
static bool in_order(const uint8_t *sequence, const struct gs1 *out,
                     size_t pairs) {
    size_t last = 0;

    for (size_t i = 1; i < pairs; i++) {
        size_t place = sequence_place(sequence, out->elements[i].row);
        if (place <= last)
            return false;
        last = place;
    }
    return true;
}

static bool check_path(struct gs1 *out, size_t pairs) {
    const uint8_t *sequence = gs1_ai_at(out->elements[0].row)->paths;

    if (pairs == 1)
        return true;
    for (; *sequence; sequence = next_sequence(sequence)) {
        if (in_order(sequence, out, pairs))
            return true;
    }
    return gs1_fault(out, out->elements[0].ai,
                     "its qualifiers are wrong or in a wrong order");
}

static bool check_attribute(struct gs1 *out, size_t pairs,
                            const struct gs1_element *element) {
    const uint8_t *sequence = gs1_ai_at(out->elements[0].row)->paths;

    if (!(gs1_ai_at(element->row)->flags & GS1_ATTRIBUTE))
        return gs1_fault(out, element->ai, "may not stand in the query");
    for (; *sequence; sequence = next_sequence(sequence)) {
        if (sequence_place(sequence, element->row) &&
            in_order(sequence, out, pairs))
            return gs1_fault(out, element->ai, "belongs into the path");
    }
    return true;
}

static bool check_link(struct gs1 *out, size_t pairs) {
    if (!check_path(out, pairs) || !gs1_check_repeats(out, false))
        return false;
    for (size_t i = pairs; i < out->count; i++) {
        if (!check_attribute(out, pairs, &out->elements[i]))
            return false;
    }
    return gs1_check_companions(out);
}

/* Everything but the key is of the sequence or may be an attribute. */
static bool sequence_fits(const struct gs1 *out, size_t key,
                          const uint8_t *sequence) {
    for (size_t i = 0; i < out->count; i++) {
        uint8_t row = out->elements[i].row;
        if (i != key && !sequence_place(sequence, row) &&
            !(gs1_ai_at(row)->flags & GS1_ATTRIBUTE))
            return false;
    }
    return true;
}

/* A compressed link does not tell what is key, qualifier or attribute: the
 * first key that the rest goes with. NULL: none. */
static const uint8_t *find_roles(const struct gs1 *out, bool key_first,
                                 size_t *key) {
    static const uint8_t none[] = {0};

    for (size_t i = 0; i < (key_first ? 1 : out->count); i++) {
        const uint8_t *sequence = gs1_ai_at(out->elements[i].row)->paths;
        *key = i;
        for (const uint8_t *s = sequence; s && *s; s = next_sequence(s)) {
            if (sequence_fits(out, i, s))
                return s;
        }
        if (sequence && !*sequence && sequence_fits(out, i, none))
            return sequence;
    }
    return NULL;
}

/* Key, then qualifiers in their order, then the rest by AI. */
static int role_order(const struct gs1_element *a, const struct gs1_element *b,
                      const uint8_t *sequence) {
    size_t left = sequence_place(sequence, a->row);
    size_t right = sequence_place(sequence, b->row);

    if (left && right)
        return (left > right) - (left < right);
    if (left || right)
        return left ? -1 : 1;
    return strcmp(a->ai, b->ai);
}

static void arrange(struct gs1 *out, size_t key, const uint8_t *sequence) {
    struct gs1_element first = out->elements[key];

    out->elements[key] = out->elements[0];
    out->elements[0] = first;
    for (size_t i = 2; i < out->count; i++) {
        struct gs1_element moved = out->elements[i];
        size_t at = i;
        for (; at > 1; at--) {
            if (role_order(&out->elements[at - 1], &moved, sequence) <= 0)
                break;
            out->elements[at] = out->elements[at - 1];
        }
        out->elements[at] = moved;
    }
}

/* The last segment holds everything, or what follows the key. */
static bool read_packed(struct gs1 *out, struct ts_slice path, size_t *pairs) {
    enum { SHORTEST = 10 }; /* characters of the shortest key alone */
    struct ts_slice packed;
    struct ts_slice head;
    size_t key = 0;

    if (!cut_segment(&path, &packed))
        return false;
    bool partial = find_pairs(path, &head);
    if (partial ? !read_pairs(out, head) : packed.len < SHORTEST)
        return false;
    if (!gs1_unpack(out, packed))
        return false;
    const uint8_t *sequence = find_roles(out, partial, &key);
    if (!sequence)
        return gs1_fault(out, NULL, "AIs that do not go together in a link");
    arrange(out, key, sequence);
    *pairs = 1;
    while (*pairs < out->count &&
           sequence_place(sequence, out->elements[*pairs].row))
        ++*pairs;
    out->compressed = true;
    return true;
}

static bool read_link(struct gs1 *out, const struct link *link) {
    struct ts_slice segments;
    size_t pairs = 0;

    if (!link->trusted_form)
        return gs1_fault(out, NULL,
                         "a user name or character that no Digital "
                         "Link has");
    if (find_pairs(link->path, &segments)) {
        if (!read_pairs(out, segments))
            return false;
        pairs = out->count;
    } else if (!read_packed(out, link->path, &pairs)) {
        if (!out->fault[0])
            (void)gs1_fault(out, NULL, "no key in the path of the link");
        return false;
    }
    out->host = link->host;
    return read_query(out, link->query) && check_link(out, pairs);
}

enum gs1_result gs1_parse_link(struct gs1 *out, struct ts_slice uri) {
    struct link link;

    gs1_begin(out);
    if (!link_split(&link, uri))
        return GS1_ABSENT;
    if (read_link(out, &link))
        return GS1_OK;
    bool claimed = gs1_claims(link.path, link.query);
    out->count = 0;
    out->compressed = false;
    out->host = (struct ts_slice){NULL, 0};
    if (!claimed)
        out->fault[0] = 0;
    return claimed ? GS1_INVALID : GS1_ABSENT;
}
