#include "drivers/presence.h"

uint64_t presence_hash(struct ts_slice id) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < id.len; i++)
        hash = (hash ^ id.data[i]) * UINT64_C(0x100000001b3);
    return hash ? hash : 1;
}

bool presence_holds(const struct presence *presence, uint64_t hash) {
    for (size_t i = 0; i < PRESENCE_CARDS; i++)
        if (presence->cards[i].hash == hash)
            return hash != 0;
    return false;
}

void presence_poll(struct presence *presence, uint64_t seen) {
    for (size_t i = 0; i < PRESENCE_CARDS; i++) {
        if (seen && presence->cards[i].hash == seen)
            presence->cards[i].misses = 0;
        else if (++presence->cards[i].misses >= PRESENCE_MISSES)
            presence->cards[i].hash = 0;
    }
}

void presence_add(struct presence *presence, uint64_t hash) {
    size_t place = 0;

    if (presence_holds(presence, hash))
        return;
    for (size_t i = 0; i < PRESENCE_CARDS; i++) {
        if (presence->cards[i].hash == 0) {
            place = i;
            break;
        }
        if (presence->cards[i].misses > presence->cards[place].misses)
            place = i;
    }
    presence->cards[place].hash = hash;
    presence->cards[place].misses = 0;
}

bool presence_comes(struct presence *presence, uint64_t hash) {
    bool held = presence_holds(presence, hash);

    presence_poll(presence, hash);
    presence_add(presence, hash);
    return !held;
}
