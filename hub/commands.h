/* The short commands of tessera-hub; they work beside a running hub. Each
 * prints for people, answers the program's exit status. */
#ifndef TS_HUB_COMMANDS_H
#define TS_HUB_COMMANDS_H

#include "hub/config.h"

enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

/* `words` after the command's name. */
int command_terminal(const struct hub_config *config, int count, char **words);
int command_token(const struct hub_config *config, int count, char **words);
/* What waits for a card at a store's terminals. */
int command_offer(const struct hub_config *config, int count, char **words);
/* Opens what the hub would open, changes nothing but the schema. */
int command_check(const struct hub_config *config);
/* Derives journeys and persons again from the archive; the hub must rest. */
int command_rebuild(const struct hub_config *config);
/* The database was put back from a backup: new desk logs. */
int command_restored(const struct hub_config *config);

#endif
