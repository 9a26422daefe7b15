/* A batch on the wire: a JSON array of CloudEvents of one journal, plain or
 * in one zstd frame, with or without the dictionary. */
#ifndef TS_SYNC_BATCH_H
#define TS_SYNC_BATCH_H

#include "base/json.h"

enum {
    BATCH_MAX_EVENTS = 1000,
    BATCH_MAX_BYTES = 1024 * 1024,  /* before compression */
    BATCH_MAX_PUBLISH = 128 * 1024, /* default of max_publish_bytes */
    BATCH_DICTIONARIES_MAX = 16,    /* as many as `dicts` of `hub` can name */
};

/* Compression state, reused over batches; one a thread. Up to 1 MB to send
 * with, made with the first batch. Dictionaries are borrowed. */
struct batch_codec;
/* Holds the dictionaries shipped, sends with the newest. */
struct batch_codec *batch_codec_shipped(void);
/* Sends and reads with `dictionary`; empty: none. The id is read from it. */
struct batch_codec *batch_codec_new(struct ts_slice dictionary);
/* Reads frames of this one too. At most BATCH_DICTIONARIES_MAX. */
void batch_codec_learn(struct batch_codec *codec, struct ts_slice dictionary);
void batch_codec_free(struct batch_codec *codec);
/* Gives the state back until the next batch needs it. */
void batch_codec_rest(struct batch_codec *codec);
/* The id of the dictionary that it sends with, or 0. */
uint32_t batch_codec_dictionary(const struct batch_codec *codec);
/* The ids of all that it reads, newest first; how many there are. */
size_t batch_codec_dictionaries(const struct batch_codec *codec,
                                uint32_t ids[BATCH_DICTIONARIES_MAX]);

/* Collects events for one publish. */
struct batch {
    struct ts_buf json;
    size_t events;
};
void batch_init(struct batch *batch);
void batch_fini(struct batch *batch);
void batch_clear(struct batch *batch);
/* TS_FULL when it would pass a limit; the batch stays as it was. */
enum ts_status batch_add(struct batch *batch,
                         struct ts_slice event) TS_MUST_USE;
/* The bytes to publish: the smaller of plain and zstd (up to 64 KiB with the
 * dictionary when `use_dictionary`; above it gains nothing). TS_FULL when over
 * `max_publish` bytes: send fewer events. */
enum ts_status batch_finish(struct batch *batch, struct batch_codec *codec,
                            bool use_dictionary, size_t max_publish,
                            struct ts_buf *out) TS_MUST_USE;

/* Why a batch was not taken; the words of the ack's `refused`. */
enum batch_refusal {
    BATCH_TAKEN = 0,
    BATCH_REFUSED_FORMAT,
    BATCH_REFUSED_SIZE,
    BATCH_REFUSED_DICTIONARY,
    BATCH_REFUSED_IDENTITY,
    BATCH_REFUSED_BUSY
};
const char *batch_refusal_name(enum batch_refusal refusal);
/* BATCH_REFUSED_FORMAT for a word that is not known. */
enum batch_refusal batch_refusal_find(struct ts_slice word);

/* Reads any of the three forms. *events is a new reference to an array of 1
 * to BATCH_MAX_EVENTS objects. Bounded: never inflates beyond
 * BATCH_MAX_BYTES. */
enum batch_refusal batch_decode(struct batch_codec *codec,
                                struct ts_slice payload, json_t **events,
                                struct ts_err *err) TS_MUST_USE;
/* Its two halves. *text is the payload itself, or borrowed from `room`, which
 * is cleared first. */
enum batch_refusal batch_text(struct batch_codec *codec,
                              struct ts_slice payload, struct ts_buf *room,
                              struct ts_slice *text,
                              struct ts_err *err) TS_MUST_USE;
enum batch_refusal batch_events(struct ts_slice text, json_t **events,
                                struct ts_err *err) TS_MUST_USE;

/* The dictionaries shipped, 4 KiB each (sync/dictionary_*.zdict): a frame can
 * be read with its own only, so none is ever changed or taken away. */
extern const struct ts_slice batch_dictionary_32769;
extern const struct ts_slice batch_dictionary_32770;

#endif
