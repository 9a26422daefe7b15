// The scenes of the kiosk; kiosk.js decides which one is on.

import { h, keyed, setShown, setText } from './dom.js';
import { cardAtReader, face, icon } from './art.js';
import { number, text } from './text.js';

function idle() {
  const kicker = h('p', { class: 'kicker' });
  const title = h('h1');
  const detail = h('p', { class: 'lead' });
  const calm = h('p', { class: 'calm' }, icon('cloud'), h('span'));
  const node = h('section', { class: 'scene scene-idle' }, cardAtReader(),
    h('div', { class: 'words' }, kicker, title, detail, calm));

  function draw({ view, language }) {
    setText(kicker, text(language, 'kiosk.hello'));
    setText(title, text(language, 'kiosk.invite'));
    setText(detail, text(language, 'kiosk.invite.detail'));
    setText(calm.lastElementChild, text(language, 'kiosk.offline'));
    setShown(calm, !view.line.up);
  }

  return { node, draw, title };
}

// One picture, one sentence, one advice.
function plain(name, picture) {
  const badge = h('span', { class: 'badge' }, icon(picture));
  const title = h('h1');
  const detail = h('p', { class: 'lead' });
  const node = h('section', { class: `scene scene-plain scene-${name}` }, badge,
    h('div', { class: 'words' }, title, detail));

  function draw({ language }) {
    setText(title, text(language, `kiosk.${name}`));
    setText(detail, text(language, `kiosk.${name}.detail`));
  }

  return { node, draw, title };
}

function memberCard() {
  const kicker = h('p', { class: 'pass-kicker' });
  const masked = h('p', { class: 'pass-number' });
  const points = h('p', { class: 'pass-points' }, h('strong'), ' ', h('span'));
  const later = h('p', { class: 'pass-later' });
  const node = h('div', { class: 'pass' }, h('div', { class: 'pass-text' }, kicker, masked),
    points, later);

  function draw({ view, language }) {
    const { card } = view.visit;
    const known = Number.isFinite(card.member?.points);
    setText(kicker, text(language, 'kiosk.card'));
    setText(masked, card.masked);
    setShown(points, known);
    setText(points.firstElementChild, known ? number(language, card.member.points) : '');
    setText(points.lastElementChild, text(language, 'kiosk.points'));
    setShown(later, !known && !card.member);
    setText(later, text(language, view.line.up ? 'kiosk.new' : 'kiosk.later'));
  }

  return { node, draw };
}

// What waits for whoever checked in.
function waiting() {
  const title = h('h2');
  const list = h('ul');
  const detail = h('p', { class: 'gift-detail' });
  const node = h('div', { class: 'gift' }, icon('gift', 'gift-icon'),
    h('div', { class: 'gift-words' }, title, list, detail));

  function draw({ view, language }) {
    const offers = view.visit.card.offers ?? [];
    const n = offers.length;
    setShown(node, n > 0);
    setText(title, text(language, n === 1 ? 'kiosk.offer' : 'kiosk.offers', { n }));
    keyed(list, offers.filter((offer) => offer.title), (offer) => offer.offer,
      () => h('li'), (row, offer) => setText(row, offer.title));
    setText(detail, text(language, 'kiosk.offer.detail'));
  }

  return { node, draw };
}

function feedback(onScore) {
  const ask = h('h2');
  const buttons = [1, 2, 3, 4, 5].map((score) => {
    const button = h('button', { type: 'button', class: 'smile' }, face(score), h('span'));
    button.addEventListener('click', () => onScore(score));
    return button;
  });
  const row = h('div', { class: 'smiles', role: 'group' }, ...buttons);
  const node = h('div', { class: 'ask ask-feedback' }, ask, row);

  function draw({ language, busy }) {
    setText(ask, text(language, 'feedback.ask'));
    row.setAttribute('aria-label', text(language, 'feedback.ask'));
    buttons.forEach((button, i) => {
      button.disabled = busy;
      setText(button.lastElementChild, text(language, `feedback.${i + 1}`));
    });
  }

  return { node, draw };
}

function consent(onConsent) {
  const thanks = h('p', { class: 'thanks' }, icon('check'), h('span'));
  const ask = h('h2');
  const yes = h('button', { type: 'button', class: 'big' });
  const no = h('button', { type: 'button', class: 'big' });
  const row = h('div', { class: 'choices' }, yes, no);
  const node = h('div', { class: 'ask ask-consent' }, thanks, ask, row);
  yes.addEventListener('click', () => onConsent(true));
  no.addEventListener('click', () => onConsent(false));

  function draw({ language, busy, answers }) {
    const answered = answers.granted !== undefined;
    const outcome = answers.granted ? 'consent.granted' : 'consent.denied';
    setText(thanks.lastElementChild, text(language, 'feedback.thanks'));
    setText(ask, text(language, answered ? outcome : 'consent.ask'));
    setText(yes, text(language, 'consent.yes'));
    setText(no, text(language, 'consent.no'));
    setShown(row, !answered);
    yes.disabled = busy;
    no.disabled = busy;
  }

  return { node, draw };
}

function welcome(on) {
  const badge = h('p', { class: 'done' }, icon('check'), h('span'));
  const title = h('h1');
  const pass = memberCard();
  const gift = waiting();
  const scores = feedback(on.score);
  const offers = consent(on.consent);
  const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
  const node = h('section', { class: 'scene scene-welcome' },
    h('div', { class: 'words' }, badge, title),
    h('div', { class: 'cards' }, pass.node, gift.node), scores.node, offers.node, trouble);

  function draw(state) {
    const { view, language, answers } = state;
    // Others can read this screen too: the first name is enough.
    const [name] = String(view.visit.card.member?.name ?? '').trim().split(/\s+/);
    setText(badge.lastElementChild, text(language, 'kiosk.checked'));
    setText(title, name ? text(language, 'kiosk.welcome.name', { name })
      : text(language, 'kiosk.welcome'));
    pass.draw(state);
    gift.draw(state);
    scores.draw(state);
    offers.draw(state);
    setShown(scores.node, answers.score === undefined);
    setShown(offers.node, answers.score !== undefined);
    setShown(trouble, Boolean(answers.trouble));
    setText(trouble, answers.trouble ? text(language, 'command.unreached') : '');
  }

  return { node, draw, title };
}

export function scenes(on) {
  return {
    idle: idle(),
    out: plain('out', 'scan'),
    welcome: welcome(on),
    unknown: plain('unknown', 'question'),
    payment_card: plain('payment_card', 'card'),
    withheld: plain('withheld', 'card'),
    coupon: plain('coupon', 'ticket'),
    rejected: plain('rejected', 'again'),
    failed: plain('failed', 'warning'),
    bye: plain('bye', 'bag'),
  };
}
