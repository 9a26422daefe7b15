// The banner of the checkout: what the last scan meant, in one look. Colour,
// icon and words say the same thing; there is no sound.

import { h, setText } from './dom.js';
import { icon } from './art.js';
import { codeOf, detailsOf } from './basket.js';
import { text, time } from './text.js';

const LOOKS = {
  recorded: { tone: 'good', icon: 'check' },
  member: { tone: 'member', icon: 'person' },
  offer: { tone: 'offer', icon: 'gift' },
  coupon: { tone: 'good', icon: 'ticket' },
  checkin: { tone: 'member', icon: 'check' },
  closed: { tone: 'good', icon: 'bag' },
  unknown: { tone: 'ask', icon: 'question' },
  rejected: { tone: 'again', icon: 'again' },
  payment_card: { tone: 'card', icon: 'card' },
  withheld: { tone: 'card', icon: 'card' },
  full: { tone: 'bad', icon: 'full' },
  failed: { tone: 'bad', icon: 'warning' },
};

// Of these the terminal knows more: what the reader or the disk said.
const HINTED = new Set(['unknown', 'rejected', 'full', 'failed']);

const QUIET_MS = 6000;

export function noticeBanner() {
  const picture = h('span', { class: 'notice-icon' });
  const title = h('p', { class: 'notice-title' });
  const detail = h('p', { class: 'notice-detail' });
  const hint = h('p', { class: 'notice-hint' });
  const at = h('time', { class: 'notice-time' });
  const words = h('div', { class: 'notice-words', 'aria-live': 'polite', 'aria-atomic': 'true' },
    title, detail, hint);
  const node = h('section', { class: 'notice' }, picture, words, at);
  let shown = null;
  let timer = null;

  function dress(tone, name) {
    if (node.dataset.look !== `${tone} ${name}`) picture.replaceChildren(icon(name));
    node.dataset.look = `${tone} ${name}`;
    node.dataset.tone = tone;
  }

  // A new one stands out, then steps back; its words stay.
  function stress() {
    node.classList.remove('is-quiet', 'is-new');
    node.getBoundingClientRect();
    node.classList.add('is-new');
    clearTimeout(timer);
    timer = setTimeout(() => node.classList.add('is-quiet'), QUIET_MS);
  }

  // A fault of a command, said where the eye already is.
  function fault(language, words_) {
    dress('bad', 'warning');
    setText(title, text(language, 'command.failed'));
    setText(detail, words_ || text(language, 'command.unreached'));
    setText(hint, '');
    setText(at, '');
    stress();
  }

  function offerOf(notice, view) {
    const card = view.visit?.card;
    const titles = (card?.offers ?? []).map((offer) => offer.title).filter(Boolean);
    return titles.join(' · ') || String(card?.member?.name ?? notice.text);
  }

  // What this kind always says, else what it is about.
  function detailOf(notice, view, language) {
    const key = `notice.${notice.kind}.detail`;
    const own = text(language, key);
    if (own !== key) return own;
    if (notice.kind === 'member') return String(view.visit?.card?.member?.name ?? notice.text);
    if (notice.kind === 'offer') return offerOf(notice, view);
    const newest = view.visit?.items.at(-1);
    if (notice.text || notice.kind !== 'recorded' || !newest) return notice.text;
    return [codeOf(newest), detailsOf(newest, language)].filter(Boolean).join(' · ');
  }

  // "bad_check_digit: what to change": the name in words, the rest as it is.
  function hintOf(notice, language) {
    if (!HINTED.has(notice.kind) || notice.text === 'unknown') return '';
    const [, name, rest = ''] = /^([a-z0-9_]+)(?::\s*(.*))?$/s.exec(notice.text) ?? [];
    const words = name ? text(language, `reject.${name}`) : '';
    if (!name || words === `reject.${name}`) return notice.text;
    return rest ? `${words}. ${rest}` : words;
  }

  function draw(view, language) {
    const notice = view.notice;
    const key = notice ? `${notice.serial} ${notice.at} ${language}` : `none ${language}`;
    if (key === shown) return;
    shown = key;
    const look = LOOKS[notice?.kind] ?? { tone: 'idle', icon: 'scan' };
    dress(look.tone, look.icon);
    setText(title, text(language, notice ? `notice.${notice.kind}` : 'notice.none'));
    setText(detail, notice ? detailOf(notice, view, language) : '');
    setText(hint, notice ? hintOf(notice, language) : '');
    setText(at, notice ? time(language, notice.at) : '');
    stress();
  }

  return { node, draw, fault };
}
