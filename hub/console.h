/* The console: a page for the people who run the hub. It holds no data; what
 * it shows it asks from the API with the token of who signed in. */
#ifndef TS_HUB_CONSOLE_H
#define TS_HUB_CONSOLE_H

#include "base/http.h"

/* For the paths "/console" and "/console/" and what begins so; GET. */
ts_http_handler console_handle;

#endif
