/* Any bytes: a verdict that names a driver which exists, and no byte of the
 * input in what is told. */
#include "drivers/driver.h"
#include "drivers/recognise.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct port_line line = {
        .baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 1};
    struct heard heard;

    recognise(&heard, ts_slice_of(data, size), &line);
    if (heard.messages > size || heard.length > size)
        abort();
    if (heard.verdict == HEARD_LINE && heard.line.baud == line.baud &&
        heard.line.data_bits == line.data_bits)
        abort(); /* nothing else would be tried */
    if (heard.verdict != HEARD_READER)
        return 0;
    const struct driver *driver = driver_find(heard.driver);
    if (!driver)
        abort();
    if (heard.profile && !driver_profile_find(driver, heard.profile))
        abort();
    return 0;
}
