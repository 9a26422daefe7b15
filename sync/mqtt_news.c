#include "sync/mqtt_news.h"

#include "base/bytes.h"

#include <stdlib.h>

void mqtt_news_init(struct mqtt_news_queue *queue) { STAILQ_INIT(queue); }

struct mqtt_news *mqtt_news_add(struct mqtt_news_queue *queue,
                                enum mqtt_news_kind kind) {
    struct mqtt_news *news = ts_alloc(sizeof *news);

    news->kind = kind;
    STAILQ_INSERT_TAIL(queue, news, link);
    return news;
}

struct mqtt_news *mqtt_news_take(struct mqtt_news_queue *queue) {
    struct mqtt_news *news = STAILQ_FIRST(queue);

    if (news)
        STAILQ_REMOVE_HEAD(queue, link);
    return news;
}

void mqtt_news_free(struct mqtt_news *news) {
    if (!news)
        return;
    free(news->topic);
    free(news->payload);
    free(news);
}

void mqtt_news_clear(struct mqtt_news_queue *queue) {
    struct mqtt_news *news;

    while ((news = mqtt_news_take(queue)))
        mqtt_news_free(news);
}
