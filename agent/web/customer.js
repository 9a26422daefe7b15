// Who stands at the checkout: nobody yet, a card, or a known customer.

import { h, setShown, setText } from './dom.js';
import { icon, mark } from './art.js';
import { number, text } from './text.js';

// A profile's date, as a year; nothing when it is none.
function yearOf(since) {
  const match = /^(\d{4})/.exec(String(since ?? ''));
  return match ? match[1] : '';
}

// "An offer waits", and those that have a title by their title.
function offersBox() {
  const title = h('p', { class: 'offers-title' }, icon('gift'), h('span'));
  const titles = h('p', { class: 'offers-titles' });
  const node = h('div', { class: 'offers' }, title, titles);

  function draw(offers, language) {
    const n = offers.length;
    setShown(node, n > 0);
    setText(title.lastElementChild,
      text(language, n === 1 ? 'customer.offer' : 'customer.offers', { n }));
    setText(titles, offers.map((offer) => offer.title).filter(Boolean).join(' · '));
    titles.title = titles.textContent;
    setShown(titles, titles.textContent !== '');
  }

  return { node, draw };
}

export function customerPanel() {
  const kicker = h('p', { class: 'card-kicker' });
  const name = h('p', { class: 'card-name' });
  const detail = h('p', { class: 'card-detail' });
  const offers = offersBox();
  const masked = h('p', { class: 'card-number' });
  const points = h('p', { class: 'card-points' }, h('strong'), ' ', h('span'));
  const node = h('section', { class: 'customer', 'aria-live': 'polite' },
    h('div', { class: 'card-top' }, kicker, mark()), name, detail, offers.node,
    h('div', { class: 'card-bottom' }, masked, points));

  function drawMember(card, language) {
    const member = card.member;
    const year = yearOf(member.since);
    setText(name, String(member.name || text(language, 'customer.member')));
    setText(detail, year ? text(language, 'customer.since', { year }) : '');
    const known = Number.isFinite(member.points);
    setShown(points, known);
    setText(points.firstElementChild, known ? number(language, member.points) : '');
    setText(points.lastElementChild, text(language, 'customer.points'));
  }

  function draw(view, language) {
    const card = view.visit?.card ?? null;
    node.dataset.who = card ? (card.member ? 'member' : 'card') : 'none';
    node.setAttribute('aria-label', text(language, 'customer'));
    setText(kicker, text(language, card ? 'customer.card' : 'customer'));
    offers.draw(card?.offers ?? [], language);
    setText(masked, card ? card.masked : '');
    setShown(masked, Boolean(card));
    if (card?.member) {
      drawMember(card, language);
    } else {
      setShown(points, false);
      setText(name, text(language, card ? 'customer.card.read' : 'customer.none'));
      setText(detail, text(language, card ? 'customer.card.detail' : 'customer.none.detail'));
    }
    setShown(detail, detail.textContent !== '' && !card?.offers?.length);
  }

  return { node, draw };
}
