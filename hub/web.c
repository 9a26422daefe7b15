#include "hub/web.h"

#include "base/log.h"
#include "hub/console.h"
#include "hub/customer.h"
#include "hub/link.h"
#include "hub/tokens.h"

static void healthz(void *ctx, struct ts_http_request *request) {
    (void)ctx;
    ts_http_reply(request, 200, "text/plain; charset=utf-8",
                  ts_slice_text("ok\n"));
}

static void readyz(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    struct ts_err err = {0};

    if (!web->db || db_ping(web->db, &err) != TS_OK)
        ts_http_reply(request, 503, "text/plain; charset=utf-8",
                      ts_slice_text("the database is away\n"));
    else if (!link_is_up(web->link))
        ts_http_reply(request, 503, "text/plain; charset=utf-8",
                      ts_slice_text("the broker is away\n"));
    else
        ts_http_reply(request, 200, "text/plain; charset=utf-8",
                      ts_slice_text("ready\n"));
}

static void metrics(void *ctx, struct ts_http_request *request) {
    const struct web *web = ctx;
    struct ts_buf text = {0};

    if (ts_metrics_render(web->metrics, &text) == TS_OK)
        ts_http_reply(request, 200, "text/plain; version=0.0.4; charset=utf-8",
                      ts_buf_slice(&text));
    else
        ts_http_reply_error(request, 500, "the metrics do not fit");
    ts_buf_fini(&text);
}

bool hub_authorised(const struct web *web, struct ts_http_request *request) {
    struct ts_err err = {0};
    enum ts_status status =
        tokens_check(web->config->token_file, ts_http_bearer(request), &err);

    if (status == TS_OK && web->db)
        return true;
    if (status == TS_OK) {
        ts_http_reply_error(request, 503,
                            "the database is away: ask again later");
        return false;
    }
    /* A wrong token is the client's matter, a wrong file is ours. */
    if (status != TS_DENIED)
        ts_log(TS_LOG_ERROR, "web", "%s", err.text);
    ts_http_add_header(request, "WWW-Authenticate", "Bearer");
    ts_http_reply_error(request, 401,
                        "give a bearer token; `tessera-hub token add NAME` "
                        "makes one");
    return false;
}

void web_reply_failure(struct ts_http_request *request, const char *what,
                       const struct ts_err *err) {
    ts_log(TS_LOG_ERROR, "web", "%s: %s", what, err->text);
    if (err->status == TS_INVALID || err->status == TS_CORRUPT)
        ts_http_reply_error(request, 500,
                            "the question failed: see the hub's log");
    else
        ts_http_reply_error(request, 503,
                            "the database is away: ask again later");
}

const struct ts_http_route web_routes[] = {
    {"/healthz", TS_HTTP_GET, healthz},
    {"/readyz", TS_HTTP_GET, readyz},
    {"/metrics", TS_HTTP_GET, metrics},
    {"/api/archive", TS_HTTP_GET, api_archive},
    {"/api/stores", TS_HTTP_GET, api_stores},
    {"/api/alarms", TS_HTTP_GET, api_alarms},
    {"/api/holes", TS_HTTP_GET, api_holes},
    {"/api/quarantine", TS_HTTP_GET, api_quarantine},
    {"/api/quarantine/replay", TS_HTTP_POST, api_quarantine_replay},
    {"/api/counts", TS_HTTP_GET, api_counts},
    {"/api/people", TS_HTTP_GET, customer_recent},
    {"/api/people/lookup", TS_HTTP_GET, customer_lookup},
    {"/api/people/counts", TS_HTTP_GET, customer_counts},
    {"/v1/*", TS_HTTP_GET | TS_HTTP_POST | TS_HTTP_OPTIONS, customer_collect},
    {"/console*", TS_HTTP_GET, console_handle},
    {NULL, 0, NULL},
};
