// Views as a terminal sends them, for the browser tests; all data is made up.

const journal = '9f2c6a1be07d4455';

export const goods = ['08001234567897', '08076809513722', '08033712600024', '00000096385074'];

let serial = 0;

export function view(language, changes = {}) {
  return {
    store: 'milano-01', terminal: 'milano-01-lane-3', kind: 'checkout', language, currency: 'EUR',
    line: { up: true, unsent: 0, text: '' }, journal: { ok: true, text: '' },
    readers: [{ name: 'scanner', state: 'attached', text: '' }],
    visit: null, notice: null, ...changes,
  };
}

export function card() {
  return { masked: '···· 6538', member: null };
}

export function member() {
  return { masked: '···· 6538', member: { name: 'Giulia Ferraris', points: 2480, since: '2019-04-02' } };
}

export const offers = [
  { offer: 'coffee', title: 'Caffè in grani, il secondo a metà prezzo' },
  { offer: 'bread' },
];

/** Goods whose code tells more than their number. */
export function measured() {
  const row = (number, rest) => ({ journal, sequence: String(number).padStart(20, '0'),
    symbology: 'GS1 DataBar', quantity: 1, voided: false, ...rest });
  return [
    row(1, { gtin: '02001230000009', weight_g: 1250, price_minor: 499, currency: 'EUR',
      symbology: 'EAN-13' }),
    row(2, { gtin: '98001234500018', weight_g: 512, price_minor: 1290, currency: 'EUR',
      expiry: '2099-12-31', lot: 'L-7' }),
    row(3, { gtin: '08001234567897', expiry: '2020-02-29', lot: '0425-ABCDEFGHIJKLMNOP',
      symbology: 'GS1 DataMatrix' }),
  ];
}

function item(number, voided) {
  const gtin = goods[(number - 1) % goods.length];
  return {
    journal, sequence: String(number).padStart(20, '0'), gtin,
    symbology: gtin.startsWith('000000') ? 'EAN-8' : 'EAN-13',
    quantity: number % 5 === 0 ? 3 : 1, voided,
  };
}

export function visit(count, shown, { id, voided = [] } = {}) {
  const items = Array.from({ length: count }, (_, i) => item(i + 1, voided.includes(i + 1)));
  return {
    id: id ?? '0192f3c4-0000-7000-8000-000000000001', opened: new Date().toISOString(),
    card: shown, items, count: count - voided.length,
  };
}

export function notice(kind, text = '') {
  serial += 1;
  return { kind, serial, at: new Date().toISOString(), text };
}
