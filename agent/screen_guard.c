#include "agent/screen_parts.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool port_matches(const char *text, uint16_t port) {
    char own[8];
    (void)snprintf(own, sizeof own, ":%u", (unsigned)port);
    return strcmp(text, own) == 0 || (*text == '\0' && port == 80);
}

static bool authority_is_ours(const char *authority, uint16_t port) {
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t len = strlen(names[i]);
        if (strncasecmp(authority, names[i], len) == 0 &&
            port_matches(authority + len, port))
            return true;
    }
    return false;
}

/* A page opened as localhost is not the origin of one opened as 127.0.0.1,
 * but both are this terminal's. */
static bool origin_is_ours(const char *origin, uint16_t port) {
    static const char scheme[] = "http://";
    size_t len = sizeof scheme - 1;
    return strncasecmp(origin, scheme, len) == 0 &&
           authority_is_ours(origin + len, port);
}

bool screen_guard_admits(struct ts_http_request *request, uint16_t port) {
    const char *host = ts_http_header(request, "Host");
    if (!host || !authority_is_ours(host, port)) {
        ts_http_reply_error(request, 403,
                            "this screen answers only on this machine: open "
                            "it as http://127.0.0.1 with its port");
        return false;
    }
    const char *origin = ts_http_header(request, "Origin");
    if (origin && !origin_is_ours(origin, port)) {
        ts_http_reply_error(request, 403,
                            "another page asked: only the terminal's own "
                            "pages may use this address");
        return false;
    }
    return true;
}
