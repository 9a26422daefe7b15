#include "hub/console.h"

#include <string.h>

extern const struct ts_slice console_html, console_css, console_main_js,
    console_api_js, console_words_js, console_views_js, console_icons_js,
    console_favicon;

struct asset {
    const char *path;
    const char *type;
    const struct ts_slice *bytes;
};

static const char script[] = "text/javascript; charset=utf-8";

static const struct asset assets[] = {
    {"/console", "text/html; charset=utf-8", &console_html},
    {"/console/", "text/html; charset=utf-8", &console_html},
    {"/console/console.css", "text/css; charset=utf-8", &console_css},
    {"/console/main.js", script, &console_main_js},
    {"/console/api.js", script, &console_api_js},
    {"/console/words.js", script, &console_words_js},
    {"/console/views.js", script, &console_views_js},
    {"/console/icons.js", script, &console_icons_js},
    {"/console/favicon.svg", "image/svg+xml", &console_favicon},
    {NULL, NULL, NULL}};

void console_handle(void *ctx, struct ts_http_request *request) {
    const char *path = ts_http_path(request);

    (void)ctx;
    for (const struct asset *asset = assets; asset->path; asset++)
        if (strcmp(asset->path, path) == 0) {
            ts_http_add_header(request, "Cache-Control", "no-cache");
            ts_http_reply(request, 200, asset->type, *asset->bytes);
            return;
        }
    ts_http_reply_error(request, 404, "the console has no such page");
}
