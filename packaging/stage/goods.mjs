// Synthetic goods and cards: GS1 demonstration prefix 952, in-store range 25.

/** Twelve digits and their GS1 check digit. */
export function ean13(twelve) {
  const sum = [...twelve].reduce(
    (total, digit, at) => total + Number(digit) * (at % 2 ? 3 : 1), 0);
  return `${twelve}${(10 - (sum % 10)) % 10}`;
}

export const goods = Array.from({ length: 12 }, (_, at) =>
  ean13(`952123450${String(at).padStart(3, '0')}`));

export const loyaltyCards = [0, 1, 2, 3, 4].map((at) =>
  ean13(`25010083${String(3653 + at).padStart(4, '0')}`));
