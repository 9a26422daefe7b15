#include "drivers/code/gs1_parts.h"

#include <stddef.h>

/* Facts of the GS1 Barcode Syntax Dictionary, release of 2025: 541 AIs in 206
 * rows, in the order of their digits. A row is one AI, or a family that
 * differs in the last digit only. */
enum {
    ROW_NONE,
    ROW_00,
    ROW_01,
    ROW_02,
    ROW_03,
    ROW_10,
    ROW_11,
    ROW_12,
    ROW_13,
    ROW_15,
    ROW_16,
    ROW_17,
    ROW_20,
    ROW_21,
    ROW_22,
    ROW_235,
    ROW_240,
    ROW_241,
    ROW_242,
    ROW_243,
    ROW_250,
    ROW_251,
    ROW_253,
    ROW_254,
    ROW_255,
    ROW_30,
    ROW_310,
    ROW_311,
    ROW_312,
    ROW_313,
    ROW_314,
    ROW_315,
    ROW_316,
    ROW_320,
    ROW_321,
    ROW_322,
    ROW_323,
    ROW_324,
    ROW_325,
    ROW_326,
    ROW_327,
    ROW_328,
    ROW_329,
    ROW_330,
    ROW_331,
    ROW_332,
    ROW_333,
    ROW_334,
    ROW_335,
    ROW_336,
    ROW_337,
    ROW_340,
    ROW_341,
    ROW_342,
    ROW_343,
    ROW_344,
    ROW_345,
    ROW_346,
    ROW_347,
    ROW_348,
    ROW_349,
    ROW_350,
    ROW_351,
    ROW_352,
    ROW_353,
    ROW_354,
    ROW_355,
    ROW_356,
    ROW_357,
    ROW_360,
    ROW_361,
    ROW_362,
    ROW_363,
    ROW_364,
    ROW_365,
    ROW_366,
    ROW_367,
    ROW_368,
    ROW_369,
    ROW_37,
    ROW_390,
    ROW_391,
    ROW_392,
    ROW_393,
    ROW_394,
    ROW_395,
    ROW_400,
    ROW_401,
    ROW_402,
    ROW_403,
    ROW_410,
    ROW_411,
    ROW_412,
    ROW_413,
    ROW_414,
    ROW_415,
    ROW_416,
    ROW_417,
    ROW_420,
    ROW_421,
    ROW_422,
    ROW_423,
    ROW_424,
    ROW_425,
    ROW_426,
    ROW_427,
    ROW_4300,
    ROW_4301,
    ROW_4302,
    ROW_4303,
    ROW_4304,
    ROW_4305,
    ROW_4306,
    ROW_4307,
    ROW_4308,
    ROW_4309,
    ROW_4310,
    ROW_4311,
    ROW_4312,
    ROW_4313,
    ROW_4314,
    ROW_4315,
    ROW_4316,
    ROW_4317,
    ROW_4318,
    ROW_4319,
    ROW_4320,
    ROW_4321,
    ROW_4322,
    ROW_4323,
    ROW_4324,
    ROW_4325,
    ROW_4326,
    ROW_4330,
    ROW_4331,
    ROW_4332,
    ROW_4333,
    ROW_7001,
    ROW_7002,
    ROW_7003,
    ROW_7004,
    ROW_7005,
    ROW_7006,
    ROW_7007,
    ROW_7008,
    ROW_7009,
    ROW_7010,
    ROW_7011,
    ROW_7020,
    ROW_7021,
    ROW_7022,
    ROW_7023,
    ROW_703,
    ROW_7040,
    ROW_7041,
    ROW_710,
    ROW_711,
    ROW_712,
    ROW_713,
    ROW_714,
    ROW_715,
    ROW_716,
    ROW_717,
    ROW_723,
    ROW_7240,
    ROW_7241,
    ROW_7242,
    ROW_7250,
    ROW_7251,
    ROW_7252,
    ROW_7253,
    ROW_7254,
    ROW_7255,
    ROW_7256,
    ROW_7257,
    ROW_7258,
    ROW_7259,
    ROW_8001,
    ROW_8002,
    ROW_8003,
    ROW_8004,
    ROW_8005,
    ROW_8006,
    ROW_8007,
    ROW_8008,
    ROW_8009,
    ROW_8010,
    ROW_8011,
    ROW_8012,
    ROW_8013,
    ROW_8014,
    ROW_8017,
    ROW_8018,
    ROW_8019,
    ROW_8020,
    ROW_8026,
    ROW_8030,
    ROW_8040,
    ROW_8041,
    ROW_8042,
    ROW_8043,
    ROW_8110,
    ROW_8111,
    ROW_8112,
    ROW_8200,
    ROW_90,
    ROW_91,
    ROWS
};

/* Components: set, fewest, most, optional, rules. */
static const struct gs1_part n18_check_key2[] = {
    {GS1_N, 18, 18, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX_SECOND}},
    {0}};
static const struct gs1_part n14_check_key2[] = {
    {GS1_N, 14, 14, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX_SECOND}},
    {0}};
static const struct gs1_part xto20[] = {{GS1_X, 1, 20, false, {0}}, {0}};
static const struct gs1_part n6_date_open[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE_OPEN}}, {0}};
static const struct gs1_part n2[] = {{GS1_N, 2, 2, false, {0}}, {0}};
static const struct gs1_part xto28[] = {{GS1_X, 1, 28, false, {0}}, {0}};
static const struct gs1_part xto30[] = {{GS1_X, 1, 30, false, {0}}, {0}};
static const struct gs1_part nto6[] = {{GS1_N, 1, 6, false, {0}}, {0}};
static const struct gs1_part n13_check_key_or_xto17[] = {
    {GS1_N, 13, 13, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}},
    {GS1_X, 1, 17, true, {0}},
    {0}};
static const struct gs1_part n13_check_key_or_nto12[] = {
    {GS1_N, 13, 13, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}},
    {GS1_N, 1, 12, true, {0}},
    {0}};
static const struct gs1_part nto8[] = {{GS1_N, 1, 8, false, {0}}, {0}};
static const struct gs1_part n6[] = {{GS1_N, 6, 6, false, {0}}, {0}};
static const struct gs1_part nto15[] = {{GS1_N, 1, 15, false, {0}}, {0}};
static const struct gs1_part n3_currency_nto15[] = {
    {GS1_N, 3, 3, false, {GS1_RULE_CURRENCY}}, {GS1_N, 1, 15, false, {0}}, {0}};
static const struct gs1_part n4[] = {{GS1_N, 4, 4, false, {0}}, {0}};
static const struct gs1_part xto30_key[] = {
    {GS1_X, 1, 30, false, {GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part n17_check_key[] = {
    {GS1_N, 17, 17, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part n13_check_key[] = {
    {GS1_N, 13, 13, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part n3_country_xto9[] = {
    {GS1_N, 3, 3, false, {GS1_RULE_COUNTRY}}, {GS1_X, 1, 9, false, {0}}, {0}};
static const struct gs1_part n3_country[] = {
    {GS1_N, 3, 3, false, {GS1_RULE_COUNTRY}}, {0}};
static const struct gs1_part n3_country_more_countries[] = {
    {GS1_N, 3, 3, false, {GS1_RULE_COUNTRY}},
    {GS1_N, 3, 3, true, {GS1_RULE_COUNTRY}},
    {GS1_N, 3, 3, true, {GS1_RULE_COUNTRY}},
    {GS1_N, 3, 3, true, {GS1_RULE_COUNTRY}},
    {GS1_N, 3, 3, true, {GS1_RULE_COUNTRY}},
    {0}};
static const struct gs1_part xto3[] = {{GS1_X, 1, 3, false, {0}}, {0}};
static const struct gs1_part xto35_percent[] = {
    {GS1_X, 1, 35, false, {GS1_RULE_PERCENT}}, {0}};
static const struct gs1_part xto70_percent[] = {
    {GS1_X, 1, 70, false, {GS1_RULE_PERCENT}}, {0}};
static const struct gs1_part x2_country_letters[] = {
    {GS1_X, 2, 2, false, {GS1_RULE_COUNTRY_LETTERS}}, {0}};
static const struct gs1_part n10_latitude_n10_longitude[] = {
    {GS1_N, 10, 10, false, {GS1_RULE_LATITUDE}},
    {GS1_N, 10, 10, false, {GS1_RULE_LONGITUDE}},
    {0}};
static const struct gs1_part n1_yes_no[] = {
    {GS1_N, 1, 1, false, {GS1_RULE_YES_NO}}, {0}};
static const struct gs1_part n6_date_open_n4_hour_minute[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE_OPEN}},
    {GS1_N, 4, 4, false, {GS1_RULE_HOUR_MINUTE}},
    {0}};
static const struct gs1_part n6_date[] = {{GS1_N, 6, 6, false, {GS1_RULE_DATE}},
                                          {0}};
static const struct gs1_part n6_or_x1_hyphen[] = {
    {GS1_N, 6, 6, false, {0}}, {GS1_X, 1, 1, true, {GS1_RULE_HYPHEN}}, {0}};
static const struct gs1_part n13[] = {{GS1_N, 13, 13, false, {0}}, {0}};
static const struct gs1_part n6_date_n4_hour_minute[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE}},
    {GS1_N, 4, 4, false, {GS1_RULE_HOUR_MINUTE}},
    {0}};
static const struct gs1_part nto4[] = {{GS1_N, 1, 4, false, {0}}, {0}};
static const struct gs1_part xto12[] = {{GS1_X, 1, 12, false, {0}}, {0}};
static const struct gs1_part n6_date_or_n6_date[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE}},
    {GS1_N, 6, 6, true, {GS1_RULE_DATE}},
    {0}};
static const struct gs1_part xto10[] = {{GS1_X, 1, 10, false, {0}}, {0}};
static const struct gs1_part xto2[] = {{GS1_X, 1, 2, false, {0}}, {0}};
static const struct gs1_part n6_date_or_n4_hour_minute[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE}},
    {GS1_N, 4, 4, true, {GS1_RULE_HOUR_MINUTE}},
    {0}};
static const struct gs1_part n3_country_or_999_xto27[] = {
    {GS1_N, 3, 3, false, {GS1_RULE_COUNTRY_OR_999}},
    {GS1_X, 1, 27, false, {0}},
    {0}};
static const struct gs1_part n1_x1_x1_x1_importer[] = {
    {GS1_N, 1, 1, false, {0}},
    {GS1_X, 1, 1, false, {0}},
    {GS1_X, 1, 1, false, {0}},
    {GS1_X, 1, 1, false, {GS1_RULE_IMPORTER}},
    {0}};
static const struct gs1_part xto4_package[] = {
    {GS1_X, 1, 4, false, {GS1_RULE_PACKAGE}}, {0}};
static const struct gs1_part x2_xto28[] = {
    {GS1_X, 2, 2, false, {0}}, {GS1_X, 1, 28, false, {0}}, {0}};
static const struct gs1_part n2_medium[] = {
    {GS1_N, 2, 2, false, {GS1_RULE_MEDIUM}}, {0}};
static const struct gs1_part xto25[] = {{GS1_X, 1, 25, false, {0}}, {0}};
static const struct gs1_part n8_date_long[] = {
    {GS1_N, 8, 8, false, {GS1_RULE_DATE_LONG}}, {0}};
static const struct gs1_part n8_date_long_n4_hour_minute[] = {
    {GS1_N, 8, 8, false, {GS1_RULE_DATE_LONG}},
    {GS1_N, 4, 4, false, {GS1_RULE_HOUR_MINUTE}},
    {0}};
static const struct gs1_part n1_sex[] = {{GS1_N, 1, 1, false, {GS1_RULE_SEX}},
                                         {0}};
static const struct gs1_part xto40_percent[] = {
    {GS1_X, 1, 40, false, {GS1_RULE_PERCENT}}, {0}};
static const struct gs1_part xto90_percent[] = {
    {GS1_X, 1, 90, false, {GS1_RULE_PERCENT}}, {0}};
static const struct gs1_part x3_position[] = {
    {GS1_X, 3, 3, false, {GS1_RULE_POSITION}}, {0}};
static const struct gs1_part n4_nonzero_n5_nonzero_n3_nonzero_n1_winding_n1[] =
    {{GS1_N, 4, 4, false, {GS1_RULE_NONZERO}},
     {GS1_N, 5, 5, false, {GS1_RULE_NONZERO}},
     {GS1_N, 3, 3, false, {GS1_RULE_NONZERO}},
     {GS1_N, 1, 1, false, {GS1_RULE_WINDING}},
     {GS1_N, 1, 1, false, {0}},
     {0}};
static const struct gs1_part n1_zero_n13_check_key_or_xto16[] = {
    {GS1_N, 1, 1, false, {GS1_RULE_ZERO}},
    {GS1_N, 13, 13, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}},
    {GS1_X, 1, 16, true, {0}},
    {0}};
static const struct gs1_part n14_check_key2_n4_piece[] = {
    {GS1_N, 14, 14, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX_SECOND}},
    {GS1_N, 4, 4, false, {GS1_RULE_PIECE}},
    {0}};
static const struct gs1_part xto34_iban[] = {
    {GS1_X, 1, 34, false, {GS1_RULE_IBAN}}, {0}};
static const struct gs1_part n6_date_n2_hour_or_n2_sixty_or_n2_sixty[] = {
    {GS1_N, 6, 6, false, {GS1_RULE_DATE}},
    {GS1_N, 2, 2, false, {GS1_RULE_HOUR}},
    {GS1_N, 2, 2, true, {GS1_RULE_SIXTY}},
    {GS1_N, 2, 2, true, {GS1_RULE_SIXTY}},
    {0}};
static const struct gs1_part xto50[] = {{GS1_X, 1, 50, false, {0}}, {0}};
static const struct gs1_part yto30_key[] = {
    {GS1_Y, 1, 30, false, {GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part nto12_no_leading_zero[] = {
    {GS1_N, 1, 12, false, {GS1_RULE_NO_LEADING_ZERO}}, {0}};
static const struct gs1_part xto25_pair_key[] = {
    {GS1_X, 1, 25, false, {GS1_RULE_CHECK_PAIR, GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part xto25_pair_key_not_all_digits[] = {
    {GS1_X,
     1,
     25,
     false,
     {GS1_RULE_CHECK_PAIR, GS1_RULE_PREFIX, GS1_RULE_NOT_ALL_DIGITS}},
    {0}};
static const struct gs1_part n18_check_key[] = {
    {GS1_N, 18, 18, false, {GS1_RULE_CHECK_DIGIT, GS1_RULE_PREFIX}}, {0}};
static const struct gs1_part nto10[] = {{GS1_N, 1, 10, false, {0}}, {0}};
static const struct gs1_part zto90[] = {{GS1_Z, 1, 90, false, {0}}, {0}};
static const struct gs1_part n15[] = {{GS1_N, 15, 15, false, {0}}, {0}};
static const struct gs1_part n32[] = {{GS1_N, 32, 32, false, {0}}, {0}};
static const struct gs1_part n18_or_nto2[] = {
    {GS1_N, 18, 18, false, {0}}, {GS1_N, 1, 2, true, {0}}, {0}};
static const struct gs1_part xto70_coupon[] = {
    {GS1_X, 1, 70, false, {GS1_RULE_COUPON}}, {0}};
static const struct gs1_part xto70_offer[] = {
    {GS1_X, 1, 70, false, {GS1_RULE_OFFER}}, {0}};
static const struct gs1_part xto70[] = {{GS1_X, 1, 70, false, {0}}, {0}};
static const struct gs1_part xto90[] = {{GS1_X, 1, 90, false, {0}}, {0}};

/* Any of them: first row, last row, together with the next. */
static const struct gs1_ref ais_255_37[] = {
    {ROW_255, ROW_255, false}, {ROW_37, ROW_37, false}, {0}};
static const struct gs1_ref ais_01_03[] = {
    {ROW_01, ROW_01, false}, {ROW_03, ROW_03, false}, {0}};
static const struct gs1_ref ais_37[] = {{ROW_37, ROW_37, false}, {0}};
static const struct gs1_ref ais_01_02_37_235[] = {{ROW_01, ROW_01, false},
                                                  {ROW_02, ROW_02, false},
                                                  {ROW_37, ROW_37, false},
                                                  {ROW_235, ROW_235, false},
                                                  {0}};
static const struct gs1_ref ais_01_02_03_8006_8026[] = {
    {ROW_01, ROW_01, false},     {ROW_02, ROW_02, false},
    {ROW_03, ROW_03, false},     {ROW_8006, ROW_8006, false},
    {ROW_8026, ROW_8026, false}, {0}};
static const struct gs1_ref ais_8020[] = {{ROW_8020, ROW_8020, false}, {0}};
static const struct gs1_ref ais_01_02_03_255_8006_8026[] = {
    {ROW_01, ROW_01, false},
    {ROW_02, ROW_02, false},
    {ROW_03, ROW_03, false},
    {ROW_255, ROW_255, false},
    {ROW_8006, ROW_8006, false},
    {ROW_8026, ROW_8026, false},
    {0}};
static const struct gs1_ref ais_01_03_8006[] = {{ROW_01, ROW_01, false},
                                                {ROW_03, ROW_03, false},
                                                {ROW_8006, ROW_8006, false},
                                                {0}};
static const struct gs1_ref ais_235[] = {{ROW_235, ROW_235, false}, {0}};
static const struct gs1_ref ais_01[] = {{ROW_01, ROW_01, false}, {0}};
static const struct gs1_ref ais_01_02_8006_8026[] = {
    {ROW_01, ROW_01, false},
    {ROW_02, ROW_02, false},
    {ROW_8006, ROW_8006, false},
    {ROW_8026, ROW_8026, false},
    {0}};
static const struct gs1_ref ais_01and21_03and21_8006and21[] = {
    {ROW_01, ROW_01, true},
    {ROW_21, ROW_21, false},
    {ROW_03, ROW_03, true},
    {ROW_21, ROW_21, false},
    {ROW_8006, ROW_8006, true},
    {ROW_21, ROW_21, false},
    {0}};
static const struct gs1_ref ais_414[] = {{ROW_414, ROW_414, false}, {0}};
static const struct gs1_ref ais_01_02_415_8006_8020_8026[] = {
    {ROW_01, ROW_01, false},
    {ROW_02, ROW_02, false},
    {ROW_415, ROW_415, false},
    {ROW_8006, ROW_8006, false},
    {ROW_8020, ROW_8020, false},
    {ROW_8026, ROW_8026, false},
    {0}};
static const struct gs1_ref ais_01_02[] = {
    {ROW_01, ROW_01, false}, {ROW_02, ROW_02, false}, {0}};
static const struct gs1_ref ais_00_01[] = {
    {ROW_00, ROW_00, false}, {ROW_01, ROW_01, false}, {0}};
static const struct gs1_ref ais_00and02_00and8026[] = {
    {ROW_00, ROW_00, true},
    {ROW_02, ROW_02, false},
    {ROW_00, ROW_00, true},
    {ROW_8026, ROW_8026, false},
    {0}};
static const struct gs1_ref ais_255_8020[] = {
    {ROW_255, ROW_255, false}, {ROW_8020, ROW_8020, false}, {0}};
static const struct gs1_ref ais_391n_394n_8111[] = {{ROW_391, ROW_391, false},
                                                    {ROW_394, ROW_394, false},
                                                    {ROW_8111, ROW_8111, false},
                                                    {0}};
static const struct gs1_ref
    ais_01and30_01and31nn_01and32nn_01and35nn_01and36nn[] = {
        {ROW_01, ROW_01, true},
        {ROW_30, ROW_30, false},
        {ROW_01, ROW_01, true},
        {ROW_310, ROW_316, false},
        {ROW_01, ROW_01, true},
        {ROW_320, ROW_329, false},
        {ROW_01, ROW_01, true},
        {ROW_350, ROW_357, false},
        {ROW_01, ROW_01, true},
        {ROW_360, ROW_369, false},
        {0}};
static const struct gs1_ref ais_393n[] = {{ROW_393, ROW_393, false}, {0}};
static const struct gs1_ref ais_30_31nn_32nn_35nn_36nn[] = {
    {ROW_30, ROW_30, false},   {ROW_310, ROW_316, false},
    {ROW_320, ROW_329, false}, {ROW_350, ROW_357, false},
    {ROW_360, ROW_369, false}, {0}};
static const struct gs1_ref ais_255[] = {{ROW_255, ROW_255, false}, {0}};
static const struct gs1_ref ais_8111[] = {{ROW_8111, ROW_8111, false}, {0}};
static const struct gs1_ref ais_392n_393n_8005[] = {{ROW_392, ROW_392, false},
                                                    {ROW_393, ROW_393, false},
                                                    {ROW_8005, ROW_8005, false},
                                                    {0}};
static const struct gs1_ref ais_00[] = {{ROW_00, ROW_00, false}, {0}};
static const struct gs1_ref ais_421[] = {{ROW_421, ROW_421, false}, {0}};
static const struct gs1_ref ais_4307[] = {{ROW_4307, ROW_4307, false}, {0}};
static const struct gs1_ref ais_426[] = {{ROW_426, ROW_426, false}, {0}};
static const struct gs1_ref ais_01_02_03[] = {{ROW_01, ROW_01, false},
                                              {ROW_02, ROW_02, false},
                                              {ROW_03, ROW_03, false},
                                              {0}};
static const struct gs1_ref ais_01and422_02and422_03and422[] = {
    {ROW_01, ROW_01, true},
    {ROW_422, ROW_422, false},
    {ROW_02, ROW_02, true},
    {ROW_422, ROW_422, false},
    {ROW_03, ROW_03, true},
    {ROW_422, ROW_422, false},
    {0}};
static const struct gs1_ref ais_4302[] = {{ROW_4302, ROW_4302, false}, {0}};
static const struct gs1_ref ais_4312[] = {{ROW_4312, ROW_4312, false}, {0}};
static const struct gs1_ref ais_4331[] = {{ROW_4331, ROW_4331, false}, {0}};
static const struct gs1_ref ais_4330[] = {{ROW_4330, ROW_4330, false}, {0}};
static const struct gs1_ref ais_4333[] = {{ROW_4333, ROW_4333, false}, {0}};
static const struct gs1_ref ais_4332[] = {{ROW_4332, ROW_4332, false}, {0}};
static const struct gs1_ref ais_01and10_03and10[] = {{ROW_01, ROW_01, true},
                                                     {ROW_10, ROW_10, false},
                                                     {ROW_03, ROW_03, true},
                                                     {ROW_10, ROW_10, false},
                                                     {0}};
static const struct gs1_ref ais_01and416_03and416_8006and416[] = {
    {ROW_01, ROW_01, true},
    {ROW_416, ROW_416, false},
    {ROW_03, ROW_03, true},
    {ROW_416, ROW_416, false},
    {ROW_8006, ROW_8006, true},
    {ROW_416, ROW_416, false},
    {0}};
static const struct gs1_ref ais_01and7021_03and7021_8006and7021[] = {
    {ROW_01, ROW_01, true},
    {ROW_7021, ROW_7021, false},
    {ROW_03, ROW_03, true},
    {ROW_7021, ROW_7021, false},
    {ROW_8006, ROW_8006, true},
    {ROW_7021, ROW_7021, false},
    {0}};
static const struct gs1_ref ais_01_8004[] = {
    {ROW_01, ROW_01, false}, {ROW_8004, ROW_8004, false}, {0}};
static const struct gs1_ref ais_01_8006[] = {
    {ROW_01, ROW_01, false}, {ROW_8006, ROW_8006, false}, {0}};
static const struct gs1_ref ais_03[] = {{ROW_03, ROW_03, false}, {0}};
static const struct gs1_ref ais_8017_8018[] = {
    {ROW_8017, ROW_8017, false}, {ROW_8018, ROW_8018, false}, {0}};
static const struct gs1_ref ais_8018[] = {{ROW_8018, ROW_8018, false}, {0}};
static const struct gs1_ref ais_7251[] = {{ROW_7251, ROW_7251, false}, {0}};
static const struct gs1_ref ais_7250[] = {{ROW_7250, ROW_7250, false}, {0}};
static const struct gs1_ref ais_7256_7259[] = {
    {ROW_7256, ROW_7256, false}, {ROW_7259, ROW_7259, false}, {0}};
static const struct gs1_ref ais_8018and7259[] = {
    {ROW_8018, ROW_8018, true}, {ROW_7259, ROW_7259, false}, {0}};
static const struct gs1_ref ais_7256[] = {{ROW_7256, ROW_7256, false}, {0}};
static const struct gs1_ref ais_01_03_37[] = {{ROW_01, ROW_01, false},
                                              {ROW_03, ROW_03, false},
                                              {ROW_37, ROW_37, false},
                                              {0}};
static const struct gs1_ref ais_415[] = {{ROW_415, ROW_415, false}, {0}};
static const struct gs1_ref ais_00_01_03[] = {{ROW_00, ROW_00, false},
                                              {ROW_01, ROW_01, false},
                                              {ROW_03, ROW_03, false},
                                              {0}};
static const struct gs1_ref ais_8010[] = {{ROW_8010, ROW_8010, false}, {0}};
static const struct gs1_ref ais_8017[] = {{ROW_8017, ROW_8017, false}, {0}};
static const struct gs1_ref ais_02_03_8006[] = {{ROW_02, ROW_02, false},
                                                {ROW_03, ROW_03, false},
                                                {ROW_8006, ROW_8006, false},
                                                {0}};
static const struct gs1_ref
    ais_00_01and21_03and21_253_255_8003_8004_8006and21_8010and8011_8017_8018[] =
        {{ROW_00, ROW_00, false},     {ROW_01, ROW_01, true},
         {ROW_21, ROW_21, false},     {ROW_03, ROW_03, true},
         {ROW_21, ROW_21, false},     {ROW_253, ROW_253, false},
         {ROW_255, ROW_255, false},   {ROW_8003, ROW_8003, false},
         {ROW_8004, ROW_8004, false}, {ROW_8006, ROW_8006, true},
         {ROW_21, ROW_21, false},     {ROW_8010, ROW_8010, true},
         {ROW_8011, ROW_8011, false}, {ROW_8017, ROW_8017, false},
         {ROW_8018, ROW_8018, false}, {0}};
static const struct gs1_ref ais_01and21[] = {
    {ROW_01, ROW_01, true}, {ROW_21, ROW_21, false}, {0}};
static const struct gs1_ref ais_01and21and8040[] = {{ROW_01, ROW_01, true},
                                                    {ROW_21, ROW_21, true},
                                                    {ROW_8040, ROW_8040, false},
                                                    {0}};

/* Qualifiers of a Digital Link key in their order; each sequence and the list
 * of sequences end with 0. */
static const uint8_t path_end[] = {0};
static const uint8_t path_22_10_21_or_235[] = {ROW_22,  ROW_10, ROW_21, 0,
                                               ROW_235, 0,      0};
static const uint8_t path_254_or_7040[] = {ROW_254, 0, ROW_7040, 0, 0};
static const uint8_t path_8020[] = {ROW_8020, 0, 0};
static const uint8_t path_7040[] = {ROW_7040, 0, 0};
static const uint8_t path_22_10_21[] = {ROW_22, ROW_10, ROW_21, 0, 0};
static const uint8_t path_8011[] = {ROW_8011, 0, 0};
static const uint8_t path_8019[] = {ROW_8019, 0, 0};

/* AI, its length, fewest and most characters, flags, components; needs one
 * of, bars all of, qualifiers. */
static const struct gs1_ai rows[ROWS] = {
    [ROW_00] = {"00", 2, 18, 18, GS1_PREDEFINED | GS1_ATTRIBUTE, n18_check_key2,
                NULL, NULL, path_end},
    [ROW_01] = {"01", 2, 14, 14, GS1_PREDEFINED | GS1_ATTRIBUTE, n14_check_key2,
                NULL, ais_255_37, path_22_10_21_or_235},
    [ROW_02] = {"02", 2, 14, 14, GS1_PREDEFINED | GS1_ATTRIBUTE, n14_check_key2,
                ais_37, ais_01_03, NULL},
    [ROW_03] = {"03", 2, 14, 14, GS1_PREDEFINED, n14_check_key2, NULL,
                ais_01_02_37_235, NULL},
    [ROW_10] = {"10", 2, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_11] = {"11", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_12] = {"12", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_8020, NULL, NULL},
    [ROW_13] = {"13", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_15] = {"15", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_16] = {"16", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_17] = {"17", 2, 6, 6, GS1_PREDEFINED | GS1_ATTRIBUTE, n6_date_open,
                ais_01_02_03_255_8006_8026, NULL, NULL},
    [ROW_20] = {"20", 2, 2, 2, GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN, n2,
                ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_21] = {"21", 2, 1, 20, GS1_PLAIN, xto20, ais_01_03_8006, ais_235,
                NULL},
    [ROW_22] = {"22", 2, 1, 20, GS1_PLAIN, xto20, ais_01, NULL, NULL},
    [ROW_235] = {"235", 3, 1, 28, GS1_PLAIN, xto28, ais_01, NULL, NULL},
    [ROW_240] = {"240", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30,
                 ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_241] = {"241", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30,
                 ais_01_02_03_8006_8026, NULL, NULL},
    [ROW_242] = {"242", 3, 1, 6, GS1_ATTRIBUTE | GS1_PLAIN, nto6,
                 ais_01_02_8006_8026, NULL, NULL},
    [ROW_243] = {"243", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01_03,
                 NULL, NULL},
    [ROW_250] = {"250", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30,
                 ais_01and21_03and21_8006and21, NULL, NULL},
    [ROW_251] = {"251", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30,
                 ais_01_03_8006, NULL, NULL},
    [ROW_253] = {"253", 3, 13, 30, GS1_ATTRIBUTE, n13_check_key_or_xto17, NULL,
                 NULL, path_end},
    [ROW_254] = {"254", 3, 1, 20, GS1_PLAIN, xto20, ais_414, NULL, NULL},
    [ROW_255] = {"255", 3, 13, 25, GS1_ATTRIBUTE, n13_check_key_or_nto12, NULL,
                 ais_01_02_415_8006_8020_8026, path_end},
    [ROW_30] = {"30", 2, 1, 8, GS1_ATTRIBUTE | GS1_PLAIN, nto8, ais_01_02, NULL,
                NULL},
    [ROW_310] = {"3100", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_311] = {"3110", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_312] = {"3120", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_313] = {"3130", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_314] = {"3140", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_315] = {"3150", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_316] = {"3160", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_320] = {"3200", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_321] = {"3210", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_322] = {"3220", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_323] = {"3230", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_324] = {"3240", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_325] = {"3250", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_326] = {"3260", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_327] = {"3270", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_328] = {"3280", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_329] = {"3290", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_330] = {"3300", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_331] = {"3310", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_332] = {"3320", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_333] = {"3330", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_334] = {"3340", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_335] = {"3350", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_336] = {"3360", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_337] = {"3370", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01, NULL, NULL},
    [ROW_340] = {"3400", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_341] = {"3410", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_342] = {"3420", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_343] = {"3430", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_344] = {"3440", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_345] = {"3450", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_346] = {"3460", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_347] = {"3470", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_348] = {"3480", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_349] = {"3490", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_350] = {"3500", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_351] = {"3510", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_352] = {"3520", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_353] = {"3530", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_354] = {"3540", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_355] = {"3550", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_356] = {"3560", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_357] = {"3570", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_360] = {"3600", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_361] = {"3610", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_362] = {"3620", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_363] = {"3630", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_364] = {"3640", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_365] = {"3650", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_366] = {"3660", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_01_02, NULL, NULL},
    [ROW_367] = {"3670", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_368] = {"3680", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_369] = {"3690", 4, 6, 6,
                 GS1_PREDEFINED | GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_00_01, NULL, NULL},
    [ROW_37] = {"37", 2, 1, 8, GS1_ATTRIBUTE | GS1_PLAIN, nto8,
                ais_00and02_00and8026, NULL, NULL},
    [ROW_390] = {"3900", 4, 1, 15, GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, nto15,
                 ais_255_8020, ais_391n_394n_8111, NULL},
    [ROW_391] = {"3910", 4, 4, 18, GS1_ATTRIBUTE | GS1_SOLE, n3_currency_nto15,
                 ais_8020, NULL, NULL},
    [ROW_392] = {"3920", 4, 1, 15, GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, nto15,
                 ais_01and30_01and31nn_01and32nn_01and35nn_01and36nn, ais_393n,
                 NULL},
    [ROW_393] = {"3930", 4, 4, 18, GS1_ATTRIBUTE | GS1_SOLE, n3_currency_nto15,
                 ais_30_31nn_32nn_35nn_36nn, NULL, NULL},
    [ROW_394] = {"3940", 4, 4, 4, GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n4,
                 ais_255, ais_8111, NULL},
    [ROW_395] = {"3950", 4, 6, 6, GS1_ATTRIBUTE | GS1_PLAIN | GS1_SOLE, n6,
                 ais_30_31nn_32nn_35nn_36nn, ais_392n_393n_8005, NULL},
    [ROW_400] = {"400", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, NULL, NULL,
                 NULL},
    [ROW_401] = {"401", 3, 1, 30, GS1_ATTRIBUTE, xto30_key, NULL, NULL,
                 path_end},
    [ROW_402] = {"402", 3, 17, 17, GS1_ATTRIBUTE, n17_check_key, NULL, NULL,
                 path_end},
    [ROW_403] = {"403", 3, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, ais_00,
                 NULL, NULL},
    [ROW_410] = {"410", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, NULL},
    [ROW_411] = {"411", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, NULL},
    [ROW_412] = {"412", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, NULL},
    [ROW_413] = {"413", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, NULL},
    [ROW_414] = {"414", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, path_254_or_7040},
    [ROW_415] = {"415", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, ais_8020, NULL, path_8020},
    [ROW_416] = {"416", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, NULL},
    [ROW_417] = {"417", 3, 13, 13, GS1_PREDEFINED | GS1_ATTRIBUTE,
                 n13_check_key, NULL, NULL, path_7040},
    [ROW_420] = {"420", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, NULL,
                 ais_421, NULL},
    [ROW_421] = {"421", 3, 4, 12, GS1_ATTRIBUTE, n3_country_xto9, NULL,
                 ais_4307, NULL},
    [ROW_422] = {"422", 3, 3, 3, GS1_ATTRIBUTE, n3_country,
                 ais_01_02_03_8006_8026, ais_426, NULL},
    [ROW_423] = {"423", 3, 3, 15, GS1_ATTRIBUTE, n3_country_more_countries,
                 ais_01_02_03, ais_426, NULL},
    [ROW_424] = {"424", 3, 3, 3, GS1_ATTRIBUTE, n3_country, ais_01_02_03,
                 ais_426, NULL},
    [ROW_425] = {"425", 3, 3, 15, GS1_ATTRIBUTE, n3_country_more_countries,
                 ais_01_02_03, ais_426, NULL},
    [ROW_426] = {"426", 3, 3, 3, GS1_ATTRIBUTE, n3_country, ais_01_02_03, NULL,
                 NULL},
    [ROW_427] = {"427", 3, 1, 3, GS1_ATTRIBUTE | GS1_PLAIN, xto3,
                 ais_01and422_02and422_03and422, NULL, NULL},
    [ROW_4300] = {"4300", 4, 1, 35, GS1_ATTRIBUTE, xto35_percent, ais_00, NULL,
                  NULL},
    [ROW_4301] = {"4301", 4, 1, 35, GS1_ATTRIBUTE, xto35_percent, ais_00, NULL,
                  NULL},
    [ROW_4302] = {"4302", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4303] = {"4303", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_4302,
                  NULL, NULL},
    [ROW_4304] = {"4304", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4305] = {"4305", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4306] = {"4306", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4307] = {"4307", 4, 2, 2, GS1_ATTRIBUTE, x2_country_letters, ais_00,
                  NULL, NULL},
    [ROW_4308] = {"4308", 4, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, ais_00,
                  NULL, NULL},
    [ROW_4309] = {"4309", 4, 20, 20, GS1_ATTRIBUTE, n10_latitude_n10_longitude,
                  ais_00, NULL, NULL},
    [ROW_4310] = {"4310", 4, 1, 35, GS1_ATTRIBUTE, xto35_percent, ais_00, NULL,
                  NULL},
    [ROW_4311] = {"4311", 4, 1, 35, GS1_ATTRIBUTE, xto35_percent, ais_00, NULL,
                  NULL},
    [ROW_4312] = {"4312", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4313] = {"4313", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_4312,
                  NULL, NULL},
    [ROW_4314] = {"4314", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4315] = {"4315", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4316] = {"4316", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_00, NULL,
                  NULL},
    [ROW_4317] = {"4317", 4, 2, 2, GS1_ATTRIBUTE, x2_country_letters, ais_00,
                  NULL, NULL},
    [ROW_4318] = {"4318", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_00,
                  NULL, NULL},
    [ROW_4319] = {"4319", 4, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, ais_00,
                  NULL, NULL},
    [ROW_4320] = {"4320", 4, 1, 35, GS1_ATTRIBUTE, xto35_percent, ais_00, NULL,
                  NULL},
    [ROW_4321] = {"4321", 4, 1, 1, GS1_ATTRIBUTE, n1_yes_no, ais_00, NULL,
                  NULL},
    [ROW_4322] = {"4322", 4, 1, 1, GS1_ATTRIBUTE, n1_yes_no, ais_00, NULL,
                  NULL},
    [ROW_4323] = {"4323", 4, 1, 1, GS1_ATTRIBUTE, n1_yes_no, ais_00, NULL,
                  NULL},
    [ROW_4324] = {"4324", 4, 10, 10, GS1_ATTRIBUTE, n6_date_open_n4_hour_minute,
                  ais_00, NULL, NULL},
    [ROW_4325] = {"4325", 4, 10, 10, GS1_ATTRIBUTE, n6_date_open_n4_hour_minute,
                  ais_00, NULL, NULL},
    [ROW_4326] = {"4326", 4, 6, 6, GS1_ATTRIBUTE, n6_date, ais_00, NULL, NULL},
    [ROW_4330] = {"4330", 4, 6, 7, GS1_ATTRIBUTE, n6_or_x1_hyphen, ais_00,
                  ais_4331, NULL},
    [ROW_4331] = {"4331", 4, 6, 7, GS1_ATTRIBUTE, n6_or_x1_hyphen, ais_00,
                  ais_4330, NULL},
    [ROW_4332] = {"4332", 4, 6, 7, GS1_ATTRIBUTE, n6_or_x1_hyphen, ais_00,
                  ais_4333, NULL},
    [ROW_4333] = {"4333", 4, 6, 7, GS1_ATTRIBUTE, n6_or_x1_hyphen, ais_00,
                  ais_4332, NULL},
    [ROW_7001] = {"7001", 4, 13, 13, GS1_ATTRIBUTE | GS1_PLAIN, n13,
                  ais_01_02_8006_8026, NULL, NULL},
    [ROW_7002] = {"7002", 4, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, ais_01_02,
                  NULL, NULL},
    [ROW_7003] = {"7003", 4, 10, 10, GS1_ATTRIBUTE, n6_date_n4_hour_minute,
                  ais_01_02_03, NULL, NULL},
    [ROW_7004] = {"7004", 4, 1, 4, GS1_ATTRIBUTE | GS1_PLAIN, nto4,
                  ais_01and10_03and10, NULL, NULL},
    [ROW_7005] = {"7005", 4, 1, 12, GS1_ATTRIBUTE | GS1_PLAIN, xto12, ais_01_02,
                  NULL, NULL},
    [ROW_7006] = {"7006", 4, 6, 6, GS1_ATTRIBUTE, n6_date, ais_01_02, NULL,
                  NULL},
    [ROW_7007] = {"7007", 4, 6, 12, GS1_ATTRIBUTE, n6_date_or_n6_date,
                  ais_01_02, NULL, NULL},
    [ROW_7008] = {"7008", 4, 1, 3, GS1_ATTRIBUTE | GS1_PLAIN, xto3, ais_01_02,
                  NULL, NULL},
    [ROW_7009] = {"7009", 4, 1, 10, GS1_ATTRIBUTE | GS1_PLAIN, xto10, ais_01_02,
                  NULL, NULL},
    [ROW_7010] = {"7010", 4, 1, 2, GS1_ATTRIBUTE | GS1_PLAIN, xto2,
                  ais_01_02_03, NULL, NULL},
    [ROW_7011] = {"7011", 4, 6, 10, GS1_ATTRIBUTE, n6_date_or_n4_hour_minute,
                  ais_01_02_03, NULL, NULL},
    [ROW_7020] = {"7020", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                  ais_01and416_03and416_8006and416, NULL, NULL},
    [ROW_7021] = {"7021", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                  ais_01_03_8006, NULL, NULL},
    [ROW_7022] = {"7022", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                  ais_01and7021_03and7021_8006and7021, NULL, NULL},
    [ROW_7023] = {"7023", 4, 1, 30, GS1_ATTRIBUTE, xto30_key, NULL, NULL, NULL},
    [ROW_703] = {"7030", 4, 4, 30, GS1_ATTRIBUTE, n3_country_or_999_xto27,
                 ais_01_02, NULL, NULL},
    [ROW_7040] = {"7040", 4, 4, 4, 0, n1_x1_x1_x1_importer, NULL, NULL, NULL},
    [ROW_7041] = {"7041", 4, 1, 4, 0, xto4_package, ais_00, NULL, NULL},
    [ROW_710] = {"710", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_711] = {"711", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_712] = {"712", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_713] = {"713", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_714] = {"714", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_715] = {"715", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_716] = {"716", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_717] = {"717", 3, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, ais_01,
                 NULL, NULL},
    [ROW_723] = {"7230", 4, 3, 30, GS1_ATTRIBUTE, x2_xto28, ais_01_8004, NULL,
                 NULL},
    [ROW_7240] = {"7240", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                  ais_01_8006, ais_03, NULL},
    [ROW_7241] = {"7241", 4, 2, 2, GS1_ATTRIBUTE, n2_medium, ais_8017_8018,
                  NULL, NULL},
    [ROW_7242] = {"7242", 4, 1, 25, GS1_ATTRIBUTE | GS1_PLAIN, xto25,
                  ais_8017_8018, NULL, NULL},
    [ROW_7250] = {"7250", 4, 8, 8, GS1_ATTRIBUTE, n8_date_long, ais_8018,
                  ais_7251, NULL},
    [ROW_7251] = {"7251", 4, 12, 12, GS1_ATTRIBUTE, n8_date_long_n4_hour_minute,
                  ais_8018, ais_7250, NULL},
    [ROW_7252] = {"7252", 4, 1, 1, GS1_ATTRIBUTE, n1_sex, ais_8018, NULL, NULL},
    [ROW_7253] = {"7253", 4, 1, 40, GS1_ATTRIBUTE, xto40_percent, ais_8017_8018,
                  ais_7256_7259, NULL},
    [ROW_7254] = {"7254", 4, 1, 40, GS1_ATTRIBUTE, xto40_percent, ais_8017_8018,
                  ais_7256_7259, NULL},
    [ROW_7255] = {"7255", 4, 1, 10, GS1_ATTRIBUTE | GS1_PLAIN, xto10,
                  ais_8017_8018, ais_7256_7259, NULL},
    [ROW_7256] = {"7256", 4, 1, 90, GS1_ATTRIBUTE, xto90_percent, ais_8017_8018,
                  NULL, NULL},
    [ROW_7257] = {"7257", 4, 1, 70, GS1_ATTRIBUTE, xto70_percent, ais_8018,
                  NULL, NULL},
    [ROW_7258] = {"7258", 4, 3, 3, GS1_ATTRIBUTE, x3_position, ais_8018and7259,
                  NULL, NULL},
    [ROW_7259] = {"7259", 4, 1, 40, GS1_ATTRIBUTE, xto40_percent, ais_8018,
                  ais_7256, NULL},
    [ROW_8001] = {"8001", 4, 14, 14, GS1_ATTRIBUTE,
                  n4_nonzero_n5_nonzero_n3_nonzero_n1_winding_n1, ais_01, NULL,
                  NULL},
    [ROW_8002] = {"8002", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20, NULL,
                  NULL, NULL},
    [ROW_8003] = {"8003", 4, 14, 30, GS1_ATTRIBUTE,
                  n1_zero_n13_check_key_or_xto16, NULL, NULL, path_end},
    [ROW_8004] = {"8004", 4, 1, 30, GS1_ATTRIBUTE, xto30_key, NULL, NULL,
                  path_7040},
    [ROW_8005] = {"8005", 4, 6, 6, GS1_ATTRIBUTE | GS1_PLAIN, n6, ais_01_02,
                  NULL, NULL},
    [ROW_8006] = {"8006", 4, 18, 18, GS1_ATTRIBUTE, n14_check_key2_n4_piece,
                  NULL, ais_01_03_37, path_22_10_21},
    [ROW_8007] = {"8007", 4, 1, 34, GS1_ATTRIBUTE, xto34_iban, ais_415, NULL,
                  NULL},
    [ROW_8008] = {"8008", 4, 8, 12, GS1_ATTRIBUTE,
                  n6_date_n2_hour_or_n2_sixty_or_n2_sixty, ais_01_02_03, NULL,
                  NULL},
    [ROW_8009] = {"8009", 4, 1, 50, GS1_ATTRIBUTE | GS1_PLAIN, xto50,
                  ais_00_01_03, NULL, NULL},
    [ROW_8010] = {"8010", 4, 1, 30, GS1_ATTRIBUTE, yto30_key, NULL, NULL,
                  path_8011},
    [ROW_8011] = {"8011", 4, 1, 12, 0, nto12_no_leading_zero, ais_8010, NULL,
                  NULL},
    [ROW_8012] = {"8012", 4, 1, 20, GS1_ATTRIBUTE | GS1_PLAIN, xto20,
                  ais_01_03_8006, NULL, NULL},
    [ROW_8013] = {"8013", 4, 1, 25, GS1_ATTRIBUTE, xto25_pair_key, NULL, NULL,
                  path_end},
    [ROW_8014] = {"8014", 4, 1, 25, 0, xto25_pair_key_not_all_digits, ais_01,
                  NULL, NULL},
    [ROW_8017] = {"8017", 4, 18, 18, GS1_ATTRIBUTE, n18_check_key, NULL,
                  ais_8018, path_8019},
    [ROW_8018] = {"8018", 4, 18, 18, GS1_ATTRIBUTE, n18_check_key, NULL,
                  ais_8017, path_8019},
    [ROW_8019] = {"8019", 4, 1, 10, GS1_PLAIN, nto10, ais_8017_8018, NULL,
                  NULL},
    [ROW_8020] = {"8020", 4, 1, 25, GS1_PLAIN, xto25, ais_415, NULL, NULL},
    [ROW_8026] = {"8026", 4, 18, 18, GS1_ATTRIBUTE, n14_check_key2_n4_piece,
                  ais_37, ais_02_03_8006, NULL},
    [ROW_8030] =
        {"8030", 4, 1, 90, GS1_ATTRIBUTE | GS1_SIGNATURE, zto90,
         ais_00_01and21_03and21_253_255_8003_8004_8006and21_8010and8011_8017_8018,
         NULL, NULL},
    [ROW_8040] = {"8040", 4, 15, 15, GS1_PLAIN, n15, ais_01and21, NULL, NULL},
    [ROW_8041] = {"8041", 4, 15, 15, GS1_PLAIN, n15, ais_01and21and8040, NULL,
                  NULL},
    [ROW_8042] = {"8042", 4, 32, 32, GS1_PLAIN, n32, ais_01and21and8040, NULL,
                  NULL},
    [ROW_8043] = {"8043", 4, 18, 20, 0, n18_or_nto2, ais_01and21and8040, NULL,
                  NULL},
    [ROW_8110] = {"8110", 4, 1, 70, GS1_ATTRIBUTE, xto70_coupon, NULL, NULL,
                  NULL},
    [ROW_8111] = {"8111", 4, 4, 4, GS1_ATTRIBUTE | GS1_PLAIN, n4, ais_255, NULL,
                  NULL},
    [ROW_8112] = {"8112", 4, 1, 70, GS1_ATTRIBUTE, xto70_offer, NULL, NULL,
                  NULL},
    [ROW_8200] = {"8200", 4, 1, 70, GS1_PLAIN, xto70, ais_01, NULL, NULL},
    [ROW_90] = {"90", 2, 1, 30, GS1_ATTRIBUTE | GS1_PLAIN, xto30, NULL, NULL,
                NULL},
    [ROW_91] = {"91", 2, 1, 90, GS1_ATTRIBUTE | GS1_PLAIN, xto90, NULL, NULL,
                NULL},
};

struct slot {
    uint8_t row;
    uint8_t size;
    uint16_t last;
    bool family;
};

/* By the first two digits, where these are the AI. */
static const uint8_t short_rows[100] = {
    [0] = ROW_00,  [1] = ROW_01,  [2] = ROW_02,  [3] = ROW_03,  [10] = ROW_10,
    [11] = ROW_11, [12] = ROW_12, [13] = ROW_13, [15] = ROW_15, [16] = ROW_16,
    [17] = ROW_17, [20] = ROW_20, [21] = ROW_21, [22] = ROW_22, [30] = ROW_30,
    [37] = ROW_37, [90] = ROW_90, [91] = ROW_91, [92] = ROW_91, [93] = ROW_91,
    [94] = ROW_91, [95] = ROW_91, [96] = ROW_91, [97] = ROW_91, [98] = ROW_91,
    [99] = ROW_91,
};

/* By the first three digits: first row, length of the AI, last digits that
 * exist as a bit mask, and whether they share the row. */
static const struct slot slots[1000] = {
    [235] = {ROW_235, 3, 0, false},      [240] = {ROW_240, 3, 0, false},
    [241] = {ROW_241, 3, 0, false},      [242] = {ROW_242, 3, 0, false},
    [243] = {ROW_243, 3, 0, false},      [250] = {ROW_250, 3, 0, false},
    [251] = {ROW_251, 3, 0, false},      [253] = {ROW_253, 3, 0, false},
    [254] = {ROW_254, 3, 0, false},      [255] = {ROW_255, 3, 0, false},
    [310] = {ROW_310, 4, 0x03f, true},   [311] = {ROW_311, 4, 0x03f, true},
    [312] = {ROW_312, 4, 0x03f, true},   [313] = {ROW_313, 4, 0x03f, true},
    [314] = {ROW_314, 4, 0x03f, true},   [315] = {ROW_315, 4, 0x03f, true},
    [316] = {ROW_316, 4, 0x03f, true},   [320] = {ROW_320, 4, 0x03f, true},
    [321] = {ROW_321, 4, 0x03f, true},   [322] = {ROW_322, 4, 0x03f, true},
    [323] = {ROW_323, 4, 0x03f, true},   [324] = {ROW_324, 4, 0x03f, true},
    [325] = {ROW_325, 4, 0x03f, true},   [326] = {ROW_326, 4, 0x03f, true},
    [327] = {ROW_327, 4, 0x03f, true},   [328] = {ROW_328, 4, 0x03f, true},
    [329] = {ROW_329, 4, 0x03f, true},   [330] = {ROW_330, 4, 0x03f, true},
    [331] = {ROW_331, 4, 0x03f, true},   [332] = {ROW_332, 4, 0x03f, true},
    [333] = {ROW_333, 4, 0x03f, true},   [334] = {ROW_334, 4, 0x03f, true},
    [335] = {ROW_335, 4, 0x03f, true},   [336] = {ROW_336, 4, 0x03f, true},
    [337] = {ROW_337, 4, 0x03f, true},   [340] = {ROW_340, 4, 0x03f, true},
    [341] = {ROW_341, 4, 0x03f, true},   [342] = {ROW_342, 4, 0x03f, true},
    [343] = {ROW_343, 4, 0x03f, true},   [344] = {ROW_344, 4, 0x03f, true},
    [345] = {ROW_345, 4, 0x03f, true},   [346] = {ROW_346, 4, 0x03f, true},
    [347] = {ROW_347, 4, 0x03f, true},   [348] = {ROW_348, 4, 0x03f, true},
    [349] = {ROW_349, 4, 0x03f, true},   [350] = {ROW_350, 4, 0x03f, true},
    [351] = {ROW_351, 4, 0x03f, true},   [352] = {ROW_352, 4, 0x03f, true},
    [353] = {ROW_353, 4, 0x03f, true},   [354] = {ROW_354, 4, 0x03f, true},
    [355] = {ROW_355, 4, 0x03f, true},   [356] = {ROW_356, 4, 0x03f, true},
    [357] = {ROW_357, 4, 0x03f, true},   [360] = {ROW_360, 4, 0x03f, true},
    [361] = {ROW_361, 4, 0x03f, true},   [362] = {ROW_362, 4, 0x03f, true},
    [363] = {ROW_363, 4, 0x03f, true},   [364] = {ROW_364, 4, 0x03f, true},
    [365] = {ROW_365, 4, 0x03f, true},   [366] = {ROW_366, 4, 0x03f, true},
    [367] = {ROW_367, 4, 0x03f, true},   [368] = {ROW_368, 4, 0x03f, true},
    [369] = {ROW_369, 4, 0x03f, true},   [390] = {ROW_390, 4, 0x3ff, true},
    [391] = {ROW_391, 4, 0x3ff, true},   [392] = {ROW_392, 4, 0x3ff, true},
    [393] = {ROW_393, 4, 0x3ff, true},   [394] = {ROW_394, 4, 0x00f, true},
    [395] = {ROW_395, 4, 0x03f, true},   [400] = {ROW_400, 3, 0, false},
    [401] = {ROW_401, 3, 0, false},      [402] = {ROW_402, 3, 0, false},
    [403] = {ROW_403, 3, 0, false},      [410] = {ROW_410, 3, 0, false},
    [411] = {ROW_411, 3, 0, false},      [412] = {ROW_412, 3, 0, false},
    [413] = {ROW_413, 3, 0, false},      [414] = {ROW_414, 3, 0, false},
    [415] = {ROW_415, 3, 0, false},      [416] = {ROW_416, 3, 0, false},
    [417] = {ROW_417, 3, 0, false},      [420] = {ROW_420, 3, 0, false},
    [421] = {ROW_421, 3, 0, false},      [422] = {ROW_422, 3, 0, false},
    [423] = {ROW_423, 3, 0, false},      [424] = {ROW_424, 3, 0, false},
    [425] = {ROW_425, 3, 0, false},      [426] = {ROW_426, 3, 0, false},
    [427] = {ROW_427, 3, 0, false},      [430] = {ROW_4300, 4, 0x3ff, false},
    [431] = {ROW_4310, 4, 0x3ff, false}, [432] = {ROW_4320, 4, 0x07f, false},
    [433] = {ROW_4330, 4, 0x00f, false}, [700] = {ROW_7001, 4, 0x3fe, false},
    [701] = {ROW_7010, 4, 0x003, false}, [702] = {ROW_7020, 4, 0x00f, false},
    [703] = {ROW_703, 4, 0x3ff, true},   [704] = {ROW_7040, 4, 0x003, false},
    [710] = {ROW_710, 3, 0, false},      [711] = {ROW_711, 3, 0, false},
    [712] = {ROW_712, 3, 0, false},      [713] = {ROW_713, 3, 0, false},
    [714] = {ROW_714, 3, 0, false},      [715] = {ROW_715, 3, 0, false},
    [716] = {ROW_716, 3, 0, false},      [717] = {ROW_717, 3, 0, false},
    [723] = {ROW_723, 4, 0x3ff, true},   [724] = {ROW_7240, 4, 0x007, false},
    [725] = {ROW_7250, 4, 0x3ff, false}, [800] = {ROW_8001, 4, 0x3fe, false},
    [801] = {ROW_8010, 4, 0x39f, false}, [802] = {ROW_8020, 4, 0x041, false},
    [803] = {ROW_8030, 4, 0x001, false}, [804] = {ROW_8040, 4, 0x00f, false},
    [811] = {ROW_8110, 4, 0x007, false}, [820] = {ROW_8200, 4, 0x001, false},
};

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

static uint8_t slot_row(const struct slot *slot, uint8_t last) {
    unsigned bit = 1U << (last - '0');

    if (!(slot->last & bit))
        return ROW_NONE;
    if (slot->family)
        return slot->row;
    unsigned before = slot->last & (bit - 1);
    return (uint8_t)(slot->row + __builtin_popcount(before));
}

uint8_t gs1_ai_find(struct ts_slice text) {
    const uint8_t *at = text.data;

    if (text.len < 2 || !is_digit(at[0]) || !is_digit(at[1]))
        return ROW_NONE;
    unsigned number = (at[0] - '0') * 10U + (at[1] - '0');
    if (short_rows[number])
        return short_rows[number];
    if (text.len < 3 || !is_digit(at[2]))
        return ROW_NONE;
    const struct slot *slot = &slots[number * 10 + (at[2] - '0')];
    if (slot->size == 3 || slot->size == 0)
        return slot->row;
    if (text.len < 4 || !is_digit(at[3]))
        return ROW_NONE;
    return slot_row(slot, at[3]);
}

uint8_t gs1_ai_exact(struct ts_slice text) {
    uint8_t row = gs1_ai_find(text);

    return rows[row].size == text.len ? row : ROW_NONE;
}

const struct gs1_ai *gs1_ai_at(uint8_t row) { return &rows[row]; }

size_t gs1_ai_rows(void) { return ROWS; }
