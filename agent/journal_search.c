#include "agent/journal_search.h"

#include <stdlib.h>
#include <string.h>

/* A scan waits for one piece at most. */
enum { STEP_ROWS = 500, STEP_BYTES = 256 << 10 };

struct place {
    char journal[TS_JOURNAL_TEXT];
    uint64_t through;
};

struct search {
    char **cards;
    size_t card_count;
    struct place *places;
    size_t place_count;
    size_t at;      /* of places */
    uint64_t from;  /* the next row of that one */
    bool by_visit;  /* the cards are found; now the rest of their visits */
    json_t *visits; /* in which one of the cards was presented */
    struct search_hit *hits;
    size_t count, room;
};

struct search *search_new(const json_t *cards) {
    struct search *search = ts_alloc(sizeof *search);
    size_t index;
    const json_t *card;

    *search = (struct search){.visits = json_object()};
    search->cards =
        ts_alloc((json_array_size(cards) + 1) * sizeof *search->cards);
    json_array_foreach(cards, index, card) {
        if (json_string_length(card))
            search->cards[search->card_count++] =
                ts_strdup(json_string_value(card));
    }
    return search;
}

void search_free(struct search *search) {
    if (!search)
        return;
    for (size_t i = 0; i < search->card_count; i++)
        free(search->cards[i]);
    free(search->cards);
    free(search->places);
    free(search->hits);
    json_decref(search->visits);
    free(search);
}

void search_add(struct search *search, const char *journal, uint64_t through) {
    struct place *place;

    search->places = ts_realloc(search->places, (search->place_count + 1) *
                                                    sizeof *search->places);
    place = &search->places[search->place_count++];
    *place = (struct place){.through = through};
    memcpy(place->journal, journal, strlen(journal) + 1);
}

static bool names_card(const struct search *search, struct ts_slice payload) {
    for (size_t i = 0; i < search->card_count; i++)
        if (memmem(payload.data, payload.len, search->cards[i],
                   strlen(search->cards[i])))
            return true;
    return false;
}

/* "" outside of a visit. event_encode writes the member ahead of data. */
static void visit_of(char out[TS_UUID_TEXT], struct ts_slice payload) {
    static const char member[] = "\"visit\":\"";
    const size_t skip = sizeof member - 1;
    const uint8_t *end = payload.data + payload.len;
    const uint8_t *at = memmem(payload.data, payload.len, member, skip);

    out[0] = 0;
    if (!at || (size_t)(end - at) < skip + TS_UUID_TEXT - 1)
        return;
    memcpy(out, at + skip, TS_UUID_TEXT - 1);
    out[TS_UUID_TEXT - 1] = 0;
}

static void add_hit(struct search *search, const struct store_row *row) {
    struct search_hit *hit;

    if (search->count == search->room) {
        search->room = search->room ? search->room * 2 : 64;
        search->hits =
            ts_realloc(search->hits, search->room * sizeof *search->hits);
    }
    hit = &search->hits[search->count++];
    *hit = (struct search_hit){.sequence = row->sequence,
                               .bytes = (int64_t)row->payload.len +
                                        STORE_ROW_OVERHEAD};
    memcpy(hit->journal, row->journal, sizeof hit->journal);
}

static void look(struct search *search, const struct store_row *row) {
    bool named = names_card(search, row->payload);
    char visit[TS_UUID_TEXT];

    visit_of(visit, row->payload);
    if (search->by_visit ? !named && json_object_get(search->visits, visit)
                         : named)
        add_hit(search, row);
    if (!search->by_visit && named && visit[0])
        (void)json_object_set_new(search->visits, visit, json_true());
}

/* Rows of one journal; TS_OK: its last one is behind us. */
static enum ts_status read_piece(struct search *search,
                                 struct journal_store *store,
                                 struct ts_err *err) {
    const struct place *place = &search->places[search->at];
    sqlite3_stmt *statement = store_prepare(store, STORE_READ);
    struct store_row row = {.sequence = 0};
    size_t bytes = 0;
    int step = SQLITE_ROW;
    enum ts_status status = TS_AGAIN;

    store_bind_text(statement, 1, place->journal);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)search->from);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)place->through);
    for (int i = 0; status == TS_AGAIN && i < STEP_ROWS && bytes < STEP_BYTES;
         i++) {
        step = sqlite3_step(statement);
        if (step != SQLITE_ROW)
            status = step == SQLITE_DONE ? TS_OK : store_fail(store, err);
        else if (!store_row_get(statement, &row))
            status = ts_fail(err, TS_CORRUPT,
                             "%s is damaged (a row does not fit its checksum)",
                             store->path);
        else
            look(search, &row);
        bytes += row.payload.len;
    }
    search->from = row.sequence + 1;
    (void)sqlite3_reset(statement);
    return status;
}

enum ts_status search_step(struct search *search, struct journal_store *store,
                           struct ts_err *err) {
    enum ts_status status;

    if (search->at == search->place_count) {
        if (search->by_visit || !json_object_size(search->visits))
            return TS_OK;
        search->by_visit = true;
        search->at = 0;
        search->from = 0;
        return TS_AGAIN;
    }
    status = read_piece(search, store, err);
    if (status != TS_OK)
        return status;
    search->at++;
    search->from = 0;
    return TS_AGAIN;
}

const struct search_hit *search_hits(const struct search *search,
                                     size_t *count) {
    *count = search->count;
    return search->hits;
}
