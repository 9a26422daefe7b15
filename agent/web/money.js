// Amounts: as people type them, and as they read them.

export const MAX_MINOR = 99999999999;

const FORM = /^(\d{1,9}|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+)(?:([.,])(\d{1,3}))?$/;

function formatOf(language, currency) {
  return new Intl.NumberFormat(language === 'it' ? 'it-IT' : 'en-IE', { style: 'currency', currency });
}

// How many decimals the currency has: 2 of the euro, none of the yen.
export function decimalsOf(currency) {
  return formatOf('en', currency).resolvedOptions().maximumFractionDigits;
}

// "12,50", "12.5", "1.234,50", "€ 7": minor units; anything unclear: null. A
// group of thousands counts only where the other sign marks the decimals, so
// "1.234" is refused and not guessed.
export function parseAmount(text, currency = 'EUR') {
  const decimals = decimalsOf(currency);
  const clean = text.replace(/[\s\u00a0€]/g, '');
  const match = FORM.exec(clean);
  if (!match) return null;
  const [, whole, mark, cents = ''] = match;
  if (cents.length > decimals) return null;
  const grouped = /[.,]/.exec(whole);
  if (grouped && (!mark || whole.includes(mark))) return null;
  const minor = Number(whole.replace(/[.,]/g, '')) * 10 ** decimals +
    Number(cents.padEnd(decimals, '0'));
  return minor <= MAX_MINOR ? minor : null;
}

export function formatAmount(minor, language, currency = 'EUR') {
  return formatOf(language, currency).format(minor / 10 ** decimalsOf(currency));
}
