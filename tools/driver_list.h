/* The drivers and profiles for people: line setting and commands. */
#ifndef TS_TOOLS_DRIVER_LIST_H
#define TS_TOOLS_DRIVER_LIST_H

void driver_list_print(void);

#endif
