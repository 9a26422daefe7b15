/* cmocka with the headers it wants in front of it. */
#ifndef TS_TESTS_UNIT_BASE_TEST_H
#define TS_TESTS_UNIT_BASE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
