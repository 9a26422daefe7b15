/* ISO 4217: numbers, letters and decimal places of the currencies in use. */
#ifndef TS_DRIVERS_CODE_CURRENCY_H
#define TS_DRIVERS_CODE_CURRENCY_H

/* Of most currencies, and assumed where none is told. */
enum { CURRENCY_DECIMALS = 2 };

struct currency {
    unsigned short number;
    char letters[4];
    unsigned char decimals;
};

/* NULL: no such currency. */
const struct currency *currency_find(unsigned number);
const struct currency *currency_named(const char *letters);

#endif
