/* Between the files of the screen; nobody else includes this. */
#ifndef TS_AGENT_SCREEN_PARTS_H
#define TS_AGENT_SCREEN_PARTS_H

#include "agent/screen.h"
#include "base/http.h"

enum {
    SCREEN_MAX_BODY = 16 * 1024,
    SCREEN_MAX_STREAMS = 16,
    SCREEN_BUNDLE_TEXT = 9
};

/* Commands: bodies are checked here, before the terminal sees them. */
void screen_post_close(const struct screen_actions *actions,
                       struct ts_http_request *request);
void screen_post_cancel(const struct screen_actions *actions,
                        struct ts_http_request *request);
void screen_post_void(const struct screen_actions *actions,
                      struct ts_http_request *request);
void screen_post_feedback(const struct screen_actions *actions,
                          struct ts_http_request *request);
void screen_post_consent(const struct screen_actions *actions,
                         struct ts_http_request *request);

/* Names the build of all pages and modules together: 8 hex digits. */
void screen_assets_bundle(char out[SCREEN_BUNDLE_TEXT]);
/* `name` is "checkout.html" or "kiosk.html". */
void screen_assets_page(struct ts_http_request *request, const char *name);
/* /app/<bundle>/<name>, kept by the browser for a year, or /app/<name>. */
void screen_assets_file(struct ts_http_request *request);

/* Answers 403 and says false when the request is not of this machine. */
bool screen_guard_admits(struct ts_http_request *request, uint16_t port);

#endif
