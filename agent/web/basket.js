// The basket: newest first, each item with its way out.

import { h, keyed, setShown, setText } from './dom.js';
import { icon } from './art.js';
import { formatAmount } from './money.js';
import { day, number, text, weight } from './text.js';

const SHOWN = 100;

// A GTIN is kept with 14 digits; people know it as the 8, 12 or 13 printed.
export function codeOf(item) {
  if (!item.gtin) return String(item.code ?? '');
  const short = item.gtin.replace(/^0+/, '');
  const length = [8, 12, 13, 14].find((n) => short.length <= n);
  return short.padStart(length, '0');
}

// What its code told beside the number, in words.
export function detailsOf(item, language) {
  const said = [];
  if (item.add_on) said.push(`+${item.add_on}`);
  if (Number.isInteger(item.weight_g)) said.push(weight(language, item.weight_g));
  if (Number.isInteger(item.price_minor))
    said.push(formatAmount(item.price_minor, language, item.currency));
  if (item.expiry && !isExpired(item))
    said.push(text(language, 'item.expires', { date: day(language, item.expiry) }));
  if (item.lot) said.push(text(language, 'item.lot', { lot: item.lot }));
  return said.join(' · ');
}

function isExpired(item) {
  const now = new Date();
  const today = [now.getFullYear(), now.getMonth() + 1, now.getDate()]
    .map((part) => String(part).padStart(2, '0')).join('-');
  return Boolean(item.expiry) && item.expiry < today;
}

function makeItem(onVoid) {
  const button = h('button', { type: 'button', class: 'button button-quiet' });
  const node = h('li', { class: 'item' }, h('span', { class: 'item-code' }),
    h('span', { class: 'item-kind' }), h('span', { class: 'item-count' }),
    h('span', { class: 'item-state' }), button,
    h('p', { class: 'item-details' }, h('strong', { class: 'item-expired' }), h('span')));
  button.addEventListener('click', async () => {
    button.disabled = true;
    await onVoid(node.item);
    button.disabled = false;
  });
  return node;
}

function updateItem(node, item, language) {
  const [code, kind, count, state, button, details] = node.children;
  const [expired, said] = details.children;
  node.item = item;
  node.classList.toggle('is-voided', item.voided);
  setText(code, codeOf(item));
  setText(kind, item.symbology ?? '');
  setText(count, item.quantity > 1 ? `× ${number(language, item.quantity)}` : '');
  setText(expired, isExpired(item)
    ? text(language, 'item.expired', { date: day(language, item.expiry) }) : '');
  setText(said, detailsOf(item, language));
  setShown(details, details.textContent !== '');
  node.classList.toggle('is-plain', details.hidden);
  setText(state, item.voided ? text(language, 'item.voided') : '');
  setShown(state, item.voided);
  setShown(button, !item.voided);
  setText(button, text(language, 'item.void'));
  button.setAttribute('aria-label', text(language, 'item.void.label', { code: codeOf(item) }));
}

export function basketPanel(onVoid) {
  const title = h('h2');
  const count = h('p', { class: 'count' }, h('strong'), ' ', h('span'));
  const coupons = h('div', { class: 'coupons' }, icon('ticket'), h('strong'), h('ul'));
  const list = h('ol', { class: 'items' });
  const more = h('p', { class: 'more' });
  const empty = h('div', { class: 'empty' }, icon('scan', 'empty-icon'),
    h('p', { class: 'empty-title' }), h('p', { class: 'empty-detail' }));
  const node = h('section', { class: 'panel basket' },
    h('div', { class: 'panel-head' }, title, count), coupons, empty,
    h('div', { class: 'items-scroll', tabindex: '-1' }, list, more));

  function drawCoupons(codes, language) {
    setText(coupons.children[1], text(language, 'basket.coupons'));
    keyed(coupons.lastElementChild, codes.map((code, at) => ({ code, at })), ({ at }) => String(at),
      () => h('li', { class: 'coupon' }), (row, { code }) => setText(row, code));
    setShown(coupons, codes.length > 0);
  }

  function draw(view, language) {
    const visit = view.visit;
    const items = [...(visit?.items ?? [])].reverse().slice(0, SHOWN);
    const n = visit?.count ?? 0;
    setText(title, text(language, 'basket'));
    setText(count.firstElementChild, number(language, n));
    setText(count.lastElementChild, text(language, n === 1 ? 'basket.article' : 'basket.articles'));
    keyed(list, items, (item) => `${item.journal}-${item.sequence}`,
      () => makeItem(onVoid), (row, item) => updateItem(row, item, language));
    drawCoupons(visit?.coupons ?? [], language);
    const all = visit?.items.length ?? 0;
    setShown(more, all > SHOWN);
    setText(more, text(language, 'basket.more', { shown: SHOWN, n: all }));
    setShown(empty, items.length === 0 && !visit?.coupons?.length);
    setText(empty.children[1], text(language, 'basket.empty'));
    setText(empty.children[2], text(language, 'basket.empty.detail'));
  }

  return { node, draw };
}
