// Amounts: as people type them in euro, and as they read them.

export const MAX_MINOR = 99999999999;

const FORM = /^(\d{1,9}|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+)(?:([.,])(\d{1,2}))?$/;

// "12,50", "12.5", "1.234,50", "€ 7": cents; anything unclear: null. A group
// of thousands counts only where the other sign marks the cents, so "1.234"
// is refused and not guessed.
export function parseAmount(text) {
  const clean = text.replace(/[\s\u00a0€]/g, '');
  const match = FORM.exec(clean);
  if (!match) return null;
  const [, whole, mark, cents = ''] = match;
  const grouped = /[.,]/.exec(whole);
  if (grouped && (!mark || whole.includes(mark))) return null;
  const minor = Number(whole.replace(/[.,]/g, '')) * 100 +
    Number(cents.padEnd(2, '0'));
  return minor <= MAX_MINOR ? minor : null;
}

export function formatAmount(minor, language, currency = 'EUR') {
  const format = new Intl.NumberFormat(language === 'it' ? 'it-IT' : 'en-IE',
    { style: 'currency', currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
