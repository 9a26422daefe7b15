/* cmocka.h asks for these in front of it. */
#ifndef TS_UNIT_SYNC_CMOCKA_ALL_H
#define TS_UNIT_SYNC_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
