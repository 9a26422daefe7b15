/* What libmosquitto's callbacks saw, handed on after they have returned, so
 * that the owner may publish, reset or free. First in, first out. */
#ifndef TS_SYNC_MQTT_NEWS_H
#define TS_SYNC_MQTT_NEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

enum mqtt_news_kind {
    MQTT_NEWS_UP,
    MQTT_NEWS_MESSAGE,
    MQTT_NEWS_PUBLISHED,
    MQTT_NEWS_REFUSED
};

struct mqtt_news {
    STAILQ_ENTRY(mqtt_news) link;
    enum mqtt_news_kind kind;
    char *topic;      /* of a message, or the filter that was refused; owned */
    uint8_t *payload; /* owned */
    size_t len;
    bool retained;
    int message_id, reason;
};
STAILQ_HEAD(mqtt_news_queue, mqtt_news);

void mqtt_news_init(struct mqtt_news_queue *queue);
/* A new last one, all zero but its kind; it belongs to the queue. */
struct mqtt_news *mqtt_news_add(struct mqtt_news_queue *queue,
                                enum mqtt_news_kind kind);
/* The first, to be freed by the caller; NULL when there is none. */
struct mqtt_news *mqtt_news_take(struct mqtt_news_queue *queue);
void mqtt_news_free(struct mqtt_news *news);
/* Forgets all. */
void mqtt_news_clear(struct mqtt_news_queue *queue);

#endif
