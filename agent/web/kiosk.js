// The kiosk page: which scene is on, in whose language, and what was answered.

import { h, setShown, setText } from './dom.js';
import { icon, mark, mosaic } from './art.js';
import { command, listen } from './live.js';
import { scenes } from './scenes.js';
import { alarms } from './terminal.js';
import { text } from './text.js';

const MESSAGE_MS = 8000; // a message leaves room for the next person
const CHOICE_MS = 60000; // so does somebody else's language

const MESSAGES = { unknown: 'unknown', payment_card: 'payment_card',
  withheld: 'withheld', coupon: 'coupon', rejected: 'rejected', failed: 'failed',
  full: 'failed', closed: 'bye' };

const state = { view: null, stale: false, language: 'it', chosen: null,
  serial: null, message: null, busy: false, answers: {}, visit: null };
let messageTimer = null;
let choiceTimer = null;

function sceneName() {
  const { view, message } = state;
  if (message) return message;
  if (view.visit?.card) return 'welcome';
  const { readers } = view;
  const readable = readers.length === 0 || readers.some((r) => r.state === 'attached');
  return readable && view.journal.ok ? 'idle' : 'out';
}

function drop() {
  state.message = null;
  draw();
}

// A notice counts once, and at the start only while it is fresh.
function takeNotice(notice) {
  const first = state.serial === null;
  if (notice && notice.serial === state.serial) return;
  state.serial = notice ? notice.serial : 0;
  if (!notice || (first && Math.abs(Date.now() - Date.parse(notice.at)) > MESSAGE_MS)) return;
  clearTimeout(messageTimer);
  state.message = MESSAGES[notice.kind] ?? null;
  if (state.message) messageTimer = setTimeout(drop, MESSAGE_MS);
}

function takeView(view) {
  const visit = view.visit?.id ?? null;
  if (visit !== state.visit) state.answers = {};
  state.visit = visit;
  state.view = view;
  takeNotice(view.notice);
}

async function answer(path, body, keep) {
  const { visit } = state;
  state.busy = true;
  draw();
  const fault = await command(path, body);
  state.busy = false;
  if (visit === state.visit) {
    state.answers.trouble = fault !== null;
    if (!fault) Object.assign(state.answers, keep);
  }
  draw();
}

const all = scenes({
  score: (score) => answer('/api/feedback', { question: 'visit.mood', score, text: '' }, { score }),
  consent: (granted) => answer('/api/consent', { purpose: 'marketing', granted }, { granted }),
});

function choose() {
  state.chosen = state.language === 'it' ? 'en' : 'it';
  expectChoice();
  draw();
}

function expectChoice() {
  clearTimeout(choiceTimer);
  choiceTimer = setTimeout(() => {
    if (state.view?.visit) return expectChoice();
    state.chosen = null;
    return draw();
  }, CHOICE_MS);
}

// A broken journal is for the staff's eyes: customers see a short break.
const alarm = alarms({ journal: false });
const place = h('span', { class: 'place' });
const other = h('button', { type: 'button', class: 'big switch' }, icon('globe'), h('span'));
const waiting = h('p', { class: 'waiting' });
const stage = h('main', { class: 'stage' }, waiting, ...Object.values(all).map((s) => s.node));
const spoken = h('p', { class: 'spoken', role: 'status' });
other.addEventListener('click', choose);

function draw() {
  const own = state.view?.language ?? (navigator.language.startsWith('it') ? 'it' : 'en');
  state.language = state.chosen ?? own;
  const { language, view } = state;
  document.documentElement.lang = language;
  alarm.draw(state, language);
  setText(other.lastElementChild, text(language, 'language.other'));
  other.lang = language === 'it' ? 'en' : 'it';
  setText(waiting, text(language, 'loading'));
  setShown(waiting, !view);
  const name = view ? sceneName() : null;
  for (const [key, scene] of Object.entries(all)) setShown(scene.node, key === name);
  document.body.dataset.scene = name ?? 'waiting';
  if (!view) return;
  document.title = `${text(language, 'kiosk.title')} ${view.terminal} · Tessera`;
  setText(place, view.store);
  all[name].draw(state);
  setText(spoken, all[name].title.textContent);
}

document.getElementById('app').append(alarm.node,
  h('header', { class: 'top' }, h('div', { class: 'brand' }, mark(), place), other),
  stage, h('footer', { class: 'floor' }, mosaic(27, 5)), spoken);
draw();
listen({
  view(view) {
    takeView(view);
    draw();
  },
  stale(stale) {
    state.stale = stale;
    draw();
  },
});
