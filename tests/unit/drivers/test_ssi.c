/* The host's side of SSI: its packets byte for byte, when it answers, what it
 * asks again, and what it takes for the same scan. */
#include "drivers/ssi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SENT_MAX = 4096, TEXT_MAX = 4096, EAN_13 = 0x0b };

struct host {
    const struct driver *driver;
    void *state;
    struct driver_sink sink;
    struct ts_mono now;
    size_t scans, rejects;
    char text[TEXT_MAX];
    enum symbology symbology;
    char aim[4];
    bool retransmission;
    enum scan_error error;
    size_t notices[NOTICE_KINDS];
    char told[64];
    const char *hint;
    uint8_t sent[SENT_MAX];
    size_t sent_len;
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct host *host = ctx;

    host->scans++;
    assert_true(scan->text.len < sizeof host->text);
    memcpy(host->text, scan->text.data, scan->text.len);
    host->text[scan->text.len] = '\0';
    host->symbology = scan->symbology;
    memcpy(host->aim, scan->aim, sizeof host->aim);
    host->retransmission = scan->retransmission;
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct host *host = ctx;

    host->rejects++;
    host->error = error;
    host->hint = hint;
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct host *host = ctx;

    host->notices[notice->kind]++;
    host->hint = notice->hint;
    (void)strncpy(host->told, notice->text, sizeof host->told - 1);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct host *host = ctx;

    assert_true(host->sent_len + bytes.len <= sizeof host->sent);
    memcpy(host->sent + host->sent_len, bytes.data, bytes.len);
    host->sent_len += bytes.len;
}

static void host_open(struct host *host, const char *profile) {
    *host = (struct host){.driver = driver_find("ssi"), .now = {1000}};
    host->sink =
        (struct driver_sink){host, on_scan, on_reject, on_notice, on_send};
    host->state = calloc(1, host->driver->state_size);
    host->driver->open(host->state, driver_profile_find(host->driver, profile),
                       &host->sink);
}

static void host_close(struct host *host) { free(host->state); }

static void feed(struct host *host, struct ts_slice bytes) {
    host->driver->feed(host->state, bytes, host->now, &host->sink);
}

static void device_says(struct host *host, uint8_t opcode, uint8_t status,
                        struct ts_slice data) {
    uint8_t bytes[SSI_PACKET_MAX];
    struct ssi_packet packet = {opcode, SSI_DECODER, status, data};

    feed(host, ts_slice_of(bytes, ssi_encode(bytes, &packet)));
}

static void device_scans(struct host *host, uint8_t status, uint8_t type,
                         const char *text) {
    uint8_t data[SSI_LENGTH_MAX];
    struct ts_slice bytes = ts_slice_text(text);

    data[0] = type;
    memcpy(data + 1, bytes.data, bytes.len);
    device_says(host, SSI_DECODE_DATA, status,
                ts_slice_of(data, bytes.len + 1));
}

static void pass(struct host *host, int64_t ms) {
    struct ts_mono end = {host->now.ms + ms};
    struct ts_mono due;

    while (host->driver->deadline(host->state, &due) && due.ms <= end.ms) {
        if (due.ms > host->now.ms)
            host->now = due;
        host->driver->expire(host->state, host->now, &host->sink);
    }
    host->now = end;
}

static void confirm(struct host *host) {
    host->driver->confirm(host->state, TONE_NONE, &host->sink);
}

static void assert_sent(struct host *host, const char *hex) {
    char sent[2 * SENT_MAX + 1];

    ts_hex(sent, ts_slice_of(host->sent, host->sent_len));
    assert_string_equal(sent, hex);
    host->sent_len = 0;
}

#define ACK        "04d00400ff28"
#define NAK_RESEND "05d1040001ff25"
#define NAK_DENIED "05d1040006ff20"

struct encoder_row {
    uint8_t opcode, status, len;
    uint8_t data[4];
    const char *hex;
};

static void test_packets_byte_for_byte(void **state) {
    static const struct encoder_row rows[] = {
        {SSI_BEEP, 0, 1, {0x00}, "05e6040000ff11"},
        {SSI_BEEP, 0, 1, {0x05}, "05e6040005ff0c"},
        {SSI_CAPABILITIES_REQUEST, 0, 0, {0}, "04d30400ff25"},
        {SSI_CMD_ACK, 0, 0, {0}, "04d00400ff28"},
        {SSI_CMD_NAK, 0, 1, {SSI_RESEND}, "05d1040001ff25"},
        {SSI_CMD_NAK, 0, 1, {SSI_BAD_CONTEXT}, "05d1040002ff24"},
        {SSI_CMD_NAK, 0, 1, {SSI_DENIED}, "05d1040006ff20"},
        {SSI_CMD_NAK, 0, 1, {SSI_CANCEL}, "05d104000aff1c"},
        {SSI_LED_OFF, 0, 1, {0xff}, "05e80400fffe10"},
        {SSI_LED_ON, 0, 1, {0x01}, "05e7040001ff0f"},
        {SSI_PARAM_DEFAULTS, 0, 0, {0}, "04c80400ff30"},
        {SSI_PARAM_REQUEST, 0, 1, {0xfe}, "05c70400fefe32"},
        {SSI_PARAM_SEND, 0, 3, {0xff, 0xee, 0x01}, "07c60400ffee01fd41"},
        {SSI_PARAM_SEND, 0, 3, {0xff, 0x9f, 0x01}, "07c60400ff9f01fd90"},
        {SSI_PARAM_SEND, 0, 4, {0xff, 0xf0, 0x4e, 0}, "08c60400fff04e00fcf1"},
        {SSI_PARAM_SEND,
         SSI_PERMANENT,
         3,
         {0xff, 0xee, 0x01},
         "07c60408ffee01fd39"},
        {SSI_REQUEST_REVISION, 0, 0, {0}, "04a30400ff55"},
        {SSI_SCAN_DISABLE, 0, 0, {0}, "04ea0400ff0e"},
        {SSI_SCAN_ENABLE, 0, 0, {0}, "04e90400ff0f"},
        {SSI_SCAN_ENABLE, SSI_PERMANENT, 0, {0}, "04e90408ff07"},
        {SSI_START_SESSION, 0, 0, {0}, "04e40400ff14"},
        {SSI_STOP_SESSION, 0, 0, {0}, "04e50400ff13"},
        {SSI_FLUSH_QUEUE, 0, 0, {0}, "04d20400ff26"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[SSI_PACKET_MAX];
        char hex[2 * SSI_PACKET_MAX + 1];
        struct ssi_packet packet = {rows[i].opcode, SSI_HOST, rows[i].status,
                                    ts_slice_of(rows[i].data, rows[i].len)};
        ts_hex(hex, ts_slice_of(bytes, ssi_encode(bytes, &packet)));
        assert_string_equal(hex, rows[i].hex);
    }
    static const uint8_t ones[] = {0xff, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(ssi_checksum(ts_slice_of(ones, sizeof ones)), 0xfb05);
}

/* What a profile says is made of whole packets with their checksums. */
static void assert_packets(struct ts_slice bytes) {
    while (bytes.len) {
        size_t len = bytes.data[0];
        assert_true(len >= SSI_HEADER && len + 2 <= bytes.len);
        assert_int_equal(bytes.data[2], SSI_HOST);
        uint16_t sum = ssi_checksum(ts_slice_of(bytes.data, len));
        assert_int_equal(bytes.data[len] << 8 | bytes.data[len + 1], sum);
        bytes = ts_slice_of(bytes.data + len + 2, bytes.len - len - 2);
    }
}

static void test_profiles_hold_packets(void **state) {
    (void)state;
    for (const struct driver_profile *p = ssi_profiles; p->name; p++) {
        for (size_t i = 0; i < TONES; i++)
            assert_packets(p->tones[i]);
        assert_packets(p->commands.trigger_on);
        assert_packets(p->commands.trigger_off);
        assert_packets(p->commands.enable);
        assert_packets(p->commands.disable);
    }
}

static void device_acks(struct host *host) {
    device_says(host, SSI_CMD_ACK, 0, ts_slice_of(NULL, 0));
}

static void test_set_up_waits_for_each_answer(void **state) {
    static const char *const commands[] = {
        "04ea0400ff0e",       "05f7040000ff00",     "07c60400ffee01fd41",
        "07c60400ff9f01fd90", "07c60400ffec00fd44", "08c60400fff04e00fcf1",
        "07c60400ff5e01fdd1", "04a30400ff55"};
    struct host host;

    (void)state;
    host_open(&host, "usb-cdc");
    assert_sent(&host, "00");
    pass(&host, SSI_WAKE_MS - 1);
    assert_sent(&host, "");
    pass(&host, 1);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        assert_sent(&host, commands[i]);
        if (i + 1 < sizeof commands / sizeof commands[0])
            device_acks(&host);
    }
    device_says(&host, SSI_REPLY_REVISION, 0, ts_slice_text("PAABAS00 \x01"));
    assert_sent(&host, "04e90400ff0f");
    device_acks(&host);
    assert_sent(&host, "");
    assert_int_equal(host.notices[NOTICE_READY], 1);
    assert_string_equal(host.told, "PAABAS00");
    assert_string_equal(host.hint, "");
    host_close(&host);
}

static void test_a_silent_scanner_is_asked_three_times(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "zebra");
    pass(&host, SSI_WAKE_MS);
    assert_sent(&host, "0004ea0400ff0e");
    pass(&host, SSI_ANSWER_MS);
    assert_sent(&host, "04ea0401ff0d"); /* a retransmission of ours */
    pass(&host, SSI_ANSWER_MS);
    assert_sent(&host, "04ea0401ff0d");
    assert_int_equal(host.notices[NOTICE_SILENT], 0);
    pass(&host, SSI_ANSWER_MS);
    assert_sent(&host, "");
    assert_int_equal(host.notices[NOTICE_SILENT], 1);
    pass(&host, SSI_SILENT_RETRY_MS + SSI_WAKE_MS);
    assert_sent(&host, "0004ea0400ff0e");
    pass(&host, 60000);
    assert_int_equal(host.notices[NOTICE_SILENT], 1); /* told once */
    /* One word from it and the set-up begins anew. */
    host.sent_len = 0;
    device_scans(&host, 0, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 1);
    host_close(&host);
}

static void test_a_refused_command(void **state) {
    static const uint8_t resend = SSI_RESEND, denied = SSI_DENIED;
    struct host host;

    (void)state;
    host_open(&host, "rts-high");
    pass(&host, SSI_WAKE_MS);
    assert_sent(&host, "0007c60400ff9a01fd95");
    device_says(&host, SSI_CMD_NAK, 0, ts_slice_of(&resend, 1));
    assert_sent(&host, "07c60401ff9a01fd94");
    device_says(&host, SSI_CMD_NAK, 0, ts_slice_of(&denied, 1));
    assert_sent(&host, "04ea0400ff0e");
    assert_int_equal(host.notices[NOTICE_NAK], 2);
    device_acks(&host);
    device_acks(&host);
    device_says(&host, SSI_CMD_NAK, 0, ts_slice_of(&denied, 1));
    assert_non_null(strstr(host.hint, "Packeted"));
    for (int i = 0; i < 6; i++)
        device_acks(&host);
    assert_int_equal(host.notices[NOTICE_READY], 1);
    assert_non_null(strstr(host.hint, "Packeted"));
    host_close(&host);
}

static void test_the_answer_waits_for_the_commit(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    assert_sent(&host, "");
    device_scans(&host, 0, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 1);
    assert_int_equal(host.symbology, SYMBOLOGY_EAN_13);
    pass(&host, 1000);
    assert_sent(&host, "");
    /* It comes again: one answer is still enough. */
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_sent(&host, "");
    assert_int_equal(host.scans, 1);
    assert_int_equal(host.notices[NOTICE_RETRANSMITTED], 1);
    confirm(&host);
    assert_sent(&host, ACK);
    confirm(&host); /* nobody waits for it */
    assert_sent(&host, "");
    /* The answer was lost. */
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_sent(&host, ACK);
    assert_int_equal(host.scans, 1);
    /* The same code once more, in its own right. */
    device_scans(&host, 0, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 2);
    host_close(&host);
}

/* A scanner that gave its first scan up takes the next answer for one to its
 * second. */
static void test_only_the_newest_scan_is_answered(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, EAN_13, "8001120765741");
    device_scans(&host, 0, EAN_13, "8001230000015");
    assert_int_equal(host.scans, 2);
    confirm(&host);
    assert_sent(&host, "");
    host.driver->refuse(host.state, TONE_NONE, &host.sink);
    assert_sent(&host, NAK_DENIED);
    device_scans(&host, 0, EAN_13, "8001120765741");
    device_scans(&host, 0, EAN_13, "8001230000015");
    host.driver->refuse(host.state, TONE_NONE, &host.sink);
    assert_sent(&host, "");
    confirm(&host);
    assert_sent(&host, ACK);
    /* What was recorded is known when it comes again. */
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001230000015");
    assert_sent(&host, ACK);
    assert_int_equal(host.scans, 4);
    host_close(&host);
}

static void test_what_was_not_taken_is_new_when_it_comes_again(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, EAN_13, "8001120765741");
    host.driver->refuse(host.state, TONE_ALARM, &host.sink);
    assert_sent(&host, NAK_DENIED "05e6040008ff09");
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 2);
    assert_false(host.retransmission);
    host_close(&host);
}

static void test_a_tone_blocks_no_scan(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, EAN_13, "8001120765741");
    host.driver->confirm(host.state, TONE_ONE, &host.sink);
    assert_sent(&host, ACK "05e6040000ff11");
    device_scans(&host, 0, 0x0a, "96385074"); /* the beep is not answered */
    assert_int_equal(host.scans, 2);
    host.driver->confirm(host.state, TONE_NONE, &host.sink);
    assert_sent(&host, ACK);
    device_acks(&host); /* of the beep: now the light */
    assert_sent(&host, "05e7040001ff0f");
    device_acks(&host);
    pass(&host, SSI_LED_MS);
    assert_sent(&host, "05e80400fffe10");
    pass(&host, 60000); /* and nobody asks why it was not answered */
    assert_sent(&host, "");
    assert_int_equal(host.notices[NOTICE_SILENT], 0);
    host_close(&host);
}

static void test_a_retransmission_of_before_the_opening(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_true(host.retransmission);
    device_scans(&host, SSI_RETRANSMIT, 0x0a, "96385074");
    assert_int_equal(host.scans, 2);
    assert_false(host.retransmission); /* it follows one that was heard */
    host_close(&host);
}

/* The bytes were there in time, the host was not. */
static void test_a_host_that_reads_late(void **state) {
    uint8_t bytes[SSI_PACKET_MAX];
    struct ssi_packet packet = {SSI_DECODE_DATA, SSI_DECODER, 0,
                                ts_slice_text("\x0a"
                                              "96385074")};
    size_t len = ssi_encode(bytes, &packet);
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    feed(&host, ts_slice_of(bytes, 5));
    host.now.ms += (int64_t)10 * SSI_SILENCE_MS;
    feed(&host, ts_slice_of(bytes + 5, len - 5));
    assert_int_equal(host.scans, 1);
    /* Half a packet and, as late, a whole one. */
    feed(&host, ts_slice_of(bytes, 5));
    host.now.ms += (int64_t)10 * SSI_SILENCE_MS;
    feed(&host, ts_slice_of(bytes, len));
    pass(&host, SSI_SILENCE_MS);
    assert_int_equal(host.error, SCAN_TRUNCATED);
    assert_int_equal(host.scans, 2);
    host_close(&host);
}

/* The first sending was garbled, not the answer to the one before lost. */
static void test_the_same_code_behind_a_garbled_packet(void **state) {
    uint8_t bytes[SSI_PACKET_MAX];
    struct ssi_packet packet = {SSI_DECODE_DATA, SSI_DECODER, 0,
                                ts_slice_text("\x0b"
                                              "8001120765741")};
    size_t len = ssi_encode(bytes, &packet);
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    feed(&host, ts_slice_of(bytes, len));
    confirm(&host);
    host.sent_len = 0;
    bytes[10] ^= 1;
    feed(&host, ts_slice_of(bytes, len));
    assert_int_equal(host.error, SCAN_BAD_CHECKSUM);
    assert_sent(&host, NAK_RESEND);
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 2);
    host_close(&host);
}

static void test_a_late_repeat_is_new(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, EAN_13, "8001120765741");
    confirm(&host);
    pass(&host, SSI_RETRANSMIT_MS + 1);
    device_scans(&host, SSI_RETRANSMIT, EAN_13, "8001120765741");
    assert_int_equal(host.scans, 2);
    host_close(&host);
}

static void test_long_codes(void **state) {
    char part[251];
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    memset(part, 'x', 250);
    part[250] = '\0';
    device_scans(&host, SSI_CONTINUATION, 0x1c, part);
    assert_sent(&host, ACK); /* else the rest would not come */
    device_scans(&host, 0, 0x1c, "end\r");
    assert_sent(&host, "");
    assert_int_equal(strlen(host.text), 253);
    assert_string_equal(host.text + 250, "end");
    confirm(&host);
    /* The rest does not come. */
    device_scans(&host, SSI_CONTINUATION, 0x1c, part);
    pass(&host, SSI_PARTIAL_MS);
    assert_int_equal(host.notices[NOTICE_PARTIAL], 1);
    assert_string_equal(host.told, "QR Code");
    device_scans(&host, 0, 0x1c, "other");
    assert_string_equal(host.text, "other");
    confirm(&host);
    /* More than a text may be. */
    for (int i = 0; i < 17; i++)
        device_scans(&host, SSI_CONTINUATION, 0x1c, part);
    device_scans(&host, 0, 0x1c, "end");
    assert_int_equal(host.error, SCAN_OVERLONG);
    assert_int_equal(host.scans, 2);
    host_close(&host);
}

/* As RS5100 rings send them. */
static void test_cordless_segments(void **state) {
    uint8_t data[251] = {
        0, SSI_DECODE_DATA, 0, 0, 0x01, 0xf7, 0x1c, 0x01, 0x01, 0xf4};
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    memset(data + 10, 'a', 241);
    device_says(&host, SSI_MULTIPACKET_SEGMENT, 0, ts_slice_of(data, 251));
    assert_sent(&host, "04740400ff84");
    memset(data, 'b', 251);
    data[0] = 1;
    device_says(&host, SSI_MULTIPACKET_SEGMENT, 0, ts_slice_of(data, 251));
    memset(data, 'c', 10);
    data[0] = 2;
    device_says(&host, SSI_MULTIPACKET_SEGMENT, 0, ts_slice_of(data, 10));
    assert_int_equal(host.scans, 1);
    assert_int_equal(strlen(host.text), 500);
    assert_int_equal(host.text[499], 'c');
    host.sent_len = 0;
    confirm(&host);
    assert_sent(&host, "04740400ff84");
    device_says(&host, SSI_DECODE_DATA, 0x20,
                ts_slice_of((const uint8_t *)"\x0b\x01\x00\x0d"
                                             "8001120765741",
                            17));
    assert_string_equal(host.text, "8001120765741");
    confirm(&host);
    assert_sent(&host, ACK);
    host_close(&host);
}

static void test_aim_within_the_data(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, EAN_13, "]E08001120765741");
    assert_string_equal(host.text, "8001120765741");
    assert_string_equal(host.aim, "]E0");
    device_scans(&host, 0, 0x01, "]E0-SHELF"); /* printed so in a Code 39 */
    assert_string_equal(host.text, "]E0-SHELF");
    assert_string_equal(host.aim, "");
    host_close(&host);
}

static void test_types(void **state) {
    (void)state;
    assert_int_equal(ssi_type_of(0x48).symbology, SYMBOLOGY_UPC_A_2);
    assert_int_equal(ssi_type_of(0x8b).symbology, SYMBOLOGY_EAN_13_5);
    assert_int_equal(ssi_type_of(0x8a).symbology, SYMBOLOGY_EAN_8_5);
    assert_int_equal(ssi_type_of(0x32).symbology,
                     SYMBOLOGY_GS1_DATABAR_EXPANDED);
    assert_int_equal(ssi_type_of(0xc2).symbology, SYMBOLOGY_GS1_QR);
    assert_int_equal(ssi_type_of(0x7e).symbology, SYMBOLOGY_UNKNOWN);
    assert_string_equal(ssi_cause_name(SSI_CANCEL), "CANCEL");
    assert_string_equal(ssi_cause_name(0x33), "unknown");
}

static void test_no_read_and_empty(void **state) {
    struct host host;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, 0, 0x01, "NR");
    assert_int_equal(host.notices[NOTICE_NO_READ], 1);
    assert_sent(&host, ACK);
    device_scans(&host, 0, EAN_13, "");
    assert_int_equal(host.error, SCAN_EMPTY);
    assert_sent(&host, ACK);
    device_says(&host, SSI_DECODE_DATA, 0, ts_slice_of(NULL, 0));
    assert_int_equal(host.rejects, 2);
    device_says(&host, SSI_BATCH_DATA, 0, ts_slice_text("x"));
    assert_sent(&host, ACK NAK_DENIED);
    assert_int_equal(host.scans, 0);
    host_close(&host);
}

static void test_wipe_leaves_no_digit(void **state) {
    static const char card[] = "4111111111111111";
    struct host host;
    size_t size = ssi_driver.state_size;

    (void)state;
    host_open(&host, "as-is");
    device_scans(&host, SSI_CONTINUATION, 0x1c, card);
    feed(&host, ts_slice_text("\x14\xf3"));
    assert_non_null(memmem(host.state, size, card, 16));
    host.driver->wipe(host.state);
    assert_null(memmem(host.state, size, card, 6));
    feed(&host, ts_slice_text(card)); /* as text, without packets */
    host.driver->wipe(host.state);
    assert_null(memmem(host.state, size, card, 6));
    /* Known again all the same: it is acknowledged, not refused twice. */
    device_scans(&host, 0, 0x03, card);
    host.driver->wipe(host.state);
    confirm(&host);
    device_scans(&host, SSI_RETRANSMIT, 0x03, card);
    assert_int_equal(host.scans, 1);
    assert_null(memmem(host.state, size, card, 6));
    host_close(&host);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packets_byte_for_byte),
        cmocka_unit_test(test_profiles_hold_packets),
        cmocka_unit_test(test_set_up_waits_for_each_answer),
        cmocka_unit_test(test_a_silent_scanner_is_asked_three_times),
        cmocka_unit_test(test_a_refused_command),
        cmocka_unit_test(test_the_answer_waits_for_the_commit),
        cmocka_unit_test(test_only_the_newest_scan_is_answered),
        cmocka_unit_test(test_what_was_not_taken_is_new_when_it_comes_again),
        cmocka_unit_test(test_a_tone_blocks_no_scan),
        cmocka_unit_test(test_a_retransmission_of_before_the_opening),
        cmocka_unit_test(test_a_host_that_reads_late),
        cmocka_unit_test(test_the_same_code_behind_a_garbled_packet),
        cmocka_unit_test(test_a_late_repeat_is_new),
        cmocka_unit_test(test_long_codes),
        cmocka_unit_test(test_cordless_segments),
        cmocka_unit_test(test_aim_within_the_data),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_no_read_and_empty),
        cmocka_unit_test(test_wipe_leaves_no_digit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
