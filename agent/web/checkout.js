// The checkout page: draws the view that the terminal sends.

import { h, setShown, setText } from './dom.js';
import { basketPanel } from './basket.js';
import { closingPanel } from './closing.js';
import { customerPanel } from './customer.js';
import { command, listen } from './live.js';
import { noticeBanner } from './notice.js';
import { alarms, terminalBar } from './terminal.js';
import { text } from './text.js';

const state = { view: null, stale: false };

function language() {
  return state.view?.language ?? (navigator.language.startsWith('it') ? 'it' : 'en');
}

async function run(path, body) {
  const fault = await command(path, body);
  if (fault) notice.fault(language(), fault.text);
  return fault === null;
}

const alarm = alarms();
const bar = terminalBar();
const notice = noticeBanner();
const customer = customerPanel();
const basket = basketPanel((item) => run('/api/item/void',
  { journal: item.journal, sequence: item.sequence }));
const closing = closingPanel({
  onClose: (receipt, minor, currency) => run('/api/visit/close',
    { receipt, total_minor: minor, currency }),
  onCancel: () => run('/api/visit/cancel', {}),
});
const waiting = h('p', { class: 'waiting' });
const desk = h('main', { class: 'desk', hidden: true },
  h('div', { class: 'desk-main' }, notice.node, basket.node),
  h('div', { class: 'desk-side' }, customer.node, closing.node));

function draw() {
  const { view } = state;
  document.documentElement.lang = language();
  alarm.draw(state, language());
  setText(waiting, text(language(), 'loading'));
  setShown(waiting, !view);
  setShown(desk, Boolean(view));
  setShown(bar.node, Boolean(view));
  if (!view) return;
  document.title = `${text(language(), 'checkout.title')} ${view.terminal} · Tessera`;
  for (const part of [bar, notice, customer, basket, closing]) part.draw(view, language());
}

document.getElementById('app').append(alarm.node, bar.node, waiting, desk);
draw();
listen({
  view(view) {
    state.view = view;
    draw();
  },
  stale(stale) {
    state.stale = stale;
    draw();
  },
});
