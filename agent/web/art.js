// The drawings of the pages: the mark, the icons, the card at the reader, the
// faces. Colours come from the style sheets.

import { svg } from './dom.js';

const ICONS = {
  check: ['M5 12.5l4.5 4.5L19 7.5'],
  person: ['M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8z', 'M4.5 20c1.2-4 4-5.5 7.5-5.5s6.3 1.5 7.5 5.5'],
  question: ['M8.5 9a3.5 3.5 0 1 1 5.2 3c-1.2.7-1.7 1.4-1.7 2.5', 'M12 18.5v.1'],
  again: ['M19 12a7 7 0 1 1-2.2-5.1', 'M19.5 3.5v4.5h-4.5'],
  card: ['M3.5 7.5a2 2 0 0 1 2-2h13a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-13a2 2 0 0 1-2-2z', 'M3.5 10h17', 'M4 21L20 3'],
  gift: ['M4.5 11h15v9h-15z', 'M3.5 7.5h17v3.5h-17z', 'M12 7.5v12.5', 'M12 7.5c-1.5-4.5-6.5-3.5-5 0', 'M12 7.5c1.5-4.5 6.5-3.5 5 0'],
  ticket: ['M3.5 7h17v3.2a2 2 0 0 0 0 3.6v3.2h-17v-3.2a2 2 0 0 0 0-3.6z', 'M14 7.5v1.5', 'M14 11.3v1.5', 'M14 15v1.5'],
  warning: ['M12 4.5l8.5 15h-17z', 'M12 10v4.5', 'M12 17v.1'],
  full: ['M4.5 8.5l7.5-4 7.5 4v8l-7.5 4-7.5-4z', 'M4.5 8.5l7.5 4 7.5-4', 'M12 12.5v8'],
  bag: ['M6 8.5h12l1 11.5h-14z', 'M9 8.5v-1.5a3 3 0 0 1 6 0v1.5'],
  cloud: ['M7.5 18.5a4 4 0 0 1-.3-8 5.5 5.5 0 0 1 10.6 1.3 3.4 3.4 0 0 1-.3 6.7z'],
  scan: ['M4 8v-2a2 2 0 0 1 2-2h2', 'M16 4h2a2 2 0 0 1 2 2v2', 'M20 16v2a2 2 0 0 1-2 2h-2', 'M8 20h-2a2 2 0 0 1-2-2v-2', 'M8 8.5v7', 'M11 8.5v7', 'M13.5 8.5v7', 'M16 8.5v7'],
  globe: ['M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z', 'M3 12h18', 'M12 3c3 3 3.5 6 3.5 9s-.5 6-3.5 9c-3-3-3.5-6-3.5-9s.5-6 3.5-9z'],
};

export function icon(name, className = 'icon') {
  return svg('svg', { class: className, viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    ...ICONS[name].map((d) => svg('path', { d, fill: 'none', stroke: 'currentColor',
      'stroke-width': '2.2', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' })));
}

export function mark(className = 'mark') {
  const tile = (x, y, kind) => svg('rect', { x, y, width: 10, height: 10, rx: 2.5, class: kind });
  return svg('svg', { class: className, viewBox: '0 0 22 22', 'aria-hidden': 'true' },
    tile(0, 0, 'tile-sun'), tile(12, 0, 'tile-pale'), tile(0, 12, 'tile-pale'),
    tile(12, 12, 'tile-clay'));
}

// A border of laid tiles, the same on each terminal.
export function mosaic(columns, rows) {
  const kinds = ['tile-sun', 'tile-pale', 'tile-clay', 'tile-sea', 'tile-deep', 'tile-deep', 'tile-sea'];
  const tiles = [];
  for (let y = 0; y < rows; y += 1) {
    for (let x = 0; x < columns; x += 1) {
      const pick = (x * 7 + y * 13 + ((x * y) % 5) * 3) % 11;
      // The border thins out upwards, like a floor still being laid.
      if (pick > 3 + y * 3) continue;
      tiles.push(svg('rect', { x: x * 12, y: y * 12, width: 10.5, height: 10.5,
        rx: 2, class: kinds[(x * 5 + y * 3 + pick) % kinds.length] }));
    }
  }
  return svg('svg', { class: 'mosaic', viewBox: `0 0 ${columns * 12 - 1.5} ${rows * 12 - 1.5}`,
    'aria-hidden': 'true' }, ...tiles);
}

function bars(x, y, height) {
  const widths = [4, 2, 2, 6, 2, 4, 2, 2, 6, 4, 2, 4, 2, 6, 2, 2, 4];
  let at = x;
  return widths.map((width, i) => {
    const bar = svg('rect', { x: at, y, width, height, class: 'ink' });
    at += width + (i % 3 === 0 ? 5 : 3);
    return bar;
  });
}

// A card over the reader's light.
export function cardAtReader() {
  return svg('svg', { class: 'drawing', viewBox: '0 0 480 440', 'aria-hidden': 'true' },
    svg('path', { d: 'M150 330 L60 150 H420 L330 330 Z', class: 'beam' }),
    svg('g', { class: 'card-float' },
      svg('rect', { x: 110, y: 40, width: 260, height: 164, rx: 20, class: 'card-face' }),
      svg('rect', { x: 136, y: 66, width: 24, height: 24, rx: 6, class: 'tile-sun' }),
      svg('rect', { x: 164, y: 66, width: 24, height: 24, rx: 6, class: 'tile-sea' }),
      svg('rect', { x: 136, y: 94, width: 24, height: 24, rx: 6, class: 'tile-sea' }),
      svg('rect', { x: 164, y: 94, width: 24, height: 24, rx: 6, class: 'tile-clay' }),
      svg('rect', { x: 214, y: 72, width: 116, height: 12, rx: 6, class: 'pale-line' }),
      svg('rect', { x: 214, y: 96, width: 76, height: 12, rx: 6, class: 'pale-line' }),
      ...bars(160, 140, 46)),
    svg('rect', { x: 130, y: 320, width: 220, height: 84, rx: 26, class: 'reader-body' }),
    svg('rect', { x: 160, y: 338, width: 160, height: 26, rx: 13, class: 'reader-glass' }),
    svg('rect', { x: 172, y: 349, width: 136, height: 4, rx: 2, class: 'reader-light' }));
}

const MOUTHS = ['M30 70 Q50 48 70 70', 'M32 68 Q50 57 68 68', 'M32 65 H68',
  'M31 61 Q50 76 69 61', 'M28 58 Q50 88 72 58'];

// score 1 to 5
export function face(score) {
  return svg('svg', { class: `face face-${score}`, viewBox: '0 0 100 100', 'aria-hidden': 'true' },
    svg('circle', { cx: 50, cy: 50, r: 46, class: 'face-skin' }),
    svg('circle', { cx: 35, cy: 41, r: 5.5, class: 'face-ink' }),
    svg('circle', { cx: 65, cy: 41, r: 5.5, class: 'face-ink' }),
    svg('path', { d: MOUTHS[score - 1], class: 'face-mouth' }));
}
