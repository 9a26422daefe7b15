#include "agent/screen_parts.h"

#include <stdio.h>
#include <string.h>

extern const struct ts_slice web_art_js, web_base_css, web_basket_js,
    web_checkout_css, web_checkout_html, web_checkout_js, web_closing_js,
    web_customer_js, web_dom_js, web_icon_svg, web_kiosk_css, web_kiosk_html,
    web_kiosk_js, web_live_js, web_money_js, web_notice_js, web_scenes_js,
    web_terminal_js, web_text_js;

struct asset {
    const char *name;
    const char *type;
    const struct ts_slice *content;
};

static const char js[] = "text/javascript; charset=utf-8";
static const char css[] = "text/css; charset=utf-8";
static const char html[] = "text/html; charset=utf-8";

static const struct asset assets[] = {
    {"art.js", js, &web_art_js},
    {"base.css", css, &web_base_css},
    {"basket.js", js, &web_basket_js},
    {"checkout.css", css, &web_checkout_css},
    {"checkout.html", html, &web_checkout_html},
    {"checkout.js", js, &web_checkout_js},
    {"closing.js", js, &web_closing_js},
    {"customer.js", js, &web_customer_js},
    {"dom.js", js, &web_dom_js},
    {"icon.svg", "image/svg+xml", &web_icon_svg},
    {"kiosk.css", css, &web_kiosk_css},
    {"kiosk.html", html, &web_kiosk_html},
    {"kiosk.js", js, &web_kiosk_js},
    {"live.js", js, &web_live_js},
    {"money.js", js, &web_money_js},
    {"notice.js", js, &web_notice_js},
    {"scenes.js", js, &web_scenes_js},
    {"terminal.js", js, &web_terminal_js},
    {"text.js", js, &web_text_js},
};

static const struct asset *find(const char *name) {
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++)
        if (strcmp(assets[i].name, name) == 0)
            return &assets[i];
    return NULL;
}

/* A module imports its neighbours by relative address, so all of them share
 * one name for the build: an updated terminal never mixes old and new. */
void screen_assets_bundle(char out[SCREEN_BUNDLE_TEXT]) {
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof assets / sizeof assets[0]; i++)
        sum = (sum << 5 | sum >> 27) ^ ts_crc32(*assets[i].content);
    (void)snprintf(out, SCREEN_BUNDLE_TEXT, "%08x", (unsigned)sum);
}

/* True after the answer 304. */
static bool is_fresh(struct ts_http_request *request,
                     const struct asset *asset) {
    char tag[16];
    (void)snprintf(tag, sizeof tag, "\"%08x\"",
                   (unsigned)ts_crc32(*asset->content));
    ts_http_add_header(request, "ETag", tag);
    const char *known = ts_http_header(request, "If-None-Match");
    if (!known || strcmp(known, tag) != 0)
        return false;
    ts_http_reply(request, 304, asset->type, ts_slice_of(NULL, 0));
    return true;
}

static bool add_up_to_mark(struct ts_buf *out, struct ts_slice *rest,
                           const char *mark, const char *value) {
    const uint8_t *at = memmem(rest->data, rest->len, mark, strlen(mark));
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    if (ts_buf_add(out, ts_slice_of(rest->data, len)) != TS_OK || !at ||
        ts_buf_add_text(out, value) != TS_OK)
        return false;
    *rest = ts_slice_of(at + strlen(mark), rest->len - len - strlen(mark));
    return true;
}

void screen_assets_page(struct ts_http_request *request, const char *name) {
    const struct asset *asset = find(name);
    char bundle[SCREEN_BUNDLE_TEXT];
    screen_assets_bundle(bundle);
    struct ts_buf page = {0};
    struct ts_slice rest = *asset->content;
    while (add_up_to_mark(&page, &rest, "{{bundle}}", bundle))
        ;
    ts_http_add_header(request, "Cache-Control", "no-store");
    ts_http_reply(request, 200, asset->type, ts_buf_slice(&page));
    ts_buf_fini(&page);
}

void screen_assets_file(struct ts_http_request *request) {
    const char *name = ts_http_path(request) + strlen("/app/");
    char bundle[SCREEN_BUNDLE_TEXT];
    screen_assets_bundle(bundle);
    const char *slash = strchr(name, '/');
    bool exact = slash && slash - name == SCREEN_BUNDLE_TEXT - 1 &&
                 strncmp(name, bundle, SCREEN_BUNDLE_TEXT - 1) == 0;
    const struct asset *asset = find(slash ? slash + 1 : name);
    if (!asset || asset->type == html) {
        ts_http_reply_error(request, 404, "there is no such file");
        return;
    }
    ts_http_add_header(request, "Cache-Control",
                       exact ? "public, max-age=31536000, immutable"
                             : "no-cache");
    if (!is_fresh(request, asset))
        ts_http_reply(request, 200, asset->type, *asset->content);
}
