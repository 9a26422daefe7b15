// The top bar of the checkout: which terminal this is, its readers, its line.

import { h, keyed, setShown, setText } from './dom.js';
import { icon, mark } from './art.js';
import { lineText, text } from './text.js';

function makeReader() {
  return h('li', { class: 'chip' }, h('span', { class: 'dot' }), h('span', { class: 'chip-text' }));
}

function updateReader(node, reader, language) {
  node.dataset.state = reader.state;
  const words = `${reader.name}: ${text(language, `reader.${reader.state}`)}`;
  setText(node.lastElementChild, words);
  node.title = reader.text || words;
}

export function terminalBar() {
  const title = h('strong', { class: 'bar-title' });
  const place = h('span', { class: 'bar-place' });
  const readers = h('ul', { class: 'chips' });
  const none = h('span', { class: 'chip', 'data-state': 'detached' });
  const line = h('p', { class: 'line', role: 'status' }, icon('cloud'), h('span'));
  const node = h('header', { class: 'bar' }, mark(),
    h('div', { class: 'bar-name' }, title, place),
    h('div', { class: 'bar-readers' }, readers, none), line);

  function draw(view, language) {
    setText(title, text(language, 'checkout.title'));
    setText(place, view.terminal.startsWith(view.store) ? view.terminal
      : `${view.store} · ${view.terminal}`);
    keyed(readers, view.readers, (reader) => reader.name, makeReader,
      (chip, reader) => updateReader(chip, reader, language));
    setShown(none, view.readers.length === 0);
    setText(none, text(language, 'reader.none'));
    line.dataset.up = String(view.line.up);
    line.title = view.line.text ?? '';
    setText(line.lastElementChild, lineText(language, view.line));
  }

  return { node, draw };
}

// Across the top of either page, only when something needs a person.
export function alarms(shows = { journal: true }) {
  const stale = h('p', { class: 'alarm alarm-stale', role: 'alert', hidden: true }, icon('again'),
    h('span', {}, h('strong'), ' ', h('span')));
  const journal = h('p', { class: 'alarm alarm-journal', role: 'alert', hidden: true },
    icon('warning'), h('span', {}, h('strong'), ' ', h('span')));
  const node = h('div', { class: 'alarms' }, stale, journal);

  function write(alarm, strong, detail) {
    const [head, tail] = alarm.lastElementChild.children;
    setText(head, strong);
    setText(tail, detail);
  }

  function draw(state, language) {
    write(stale, text(language, 'stale'), text(language, 'stale.detail'));
    setShown(stale, state.stale);
    const view = state.view;
    write(journal, text(language, 'journal.bad'), view?.journal.text ?? '');
    setShown(journal, Boolean(shows.journal && view && !view.journal.ok));
  }

  return { node, draw };
}
