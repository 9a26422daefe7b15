/* Holds the reader without a tree beside the one with it. */
#ifndef TS_TESTS_SUPPORT_PLAIN_H
#define TS_TESTS_SUPPORT_PLAIN_H

#include "base/bytes.h"

/* Whether the text is plain; aborts when it is and canonical bytes, what the
 * guard says of a member, or the event in it differ from the tree's. */
bool plain_agrees(struct ts_slice text);

#endif
