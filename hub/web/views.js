// What the console shows; each function answers an element.

import { h, icon } from './icons.js';
import { ago, date, day, number, t, time, title } from './words.js';

const channels = ['store', 'web', 'shop', 'app', 'email', 'social', 'advertising'];
const since = (iso) => h('time', { class: 'ago', datetime: iso, title: iso ? date(iso) : null }, ago(iso));
const list = (answer, name) => (Array.isArray(answer) ? answer : answer?.[name]) ?? [];

export function mark() {
  return h('span', { class: 'mark', 'aria-hidden': 'true' }, h('i'), h('i'), h('i'), h('i'));
}

export function signIn(wrong, onToken) {
  const input = h('input', { type: 'password', id: 'token', autocomplete: 'off', required: true, spellcheck: 'false' });
  const form = h('form', { class: 'sign-in' },
    mark(), h('h1', {}, 'Tessera'),
    h('label', { for: 'token' }, t('token')), input,
    wrong ? h('p', { class: 'wrong', role: 'alert' }, t('wrongToken')) : null,
    h('button', { class: 'primary' }, t('signIn')),
    h('p', { class: 'hint' }, t('tokenHelp')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value.trim()) onToken(input.value.trim());
  });
  queueMicrotask(() => input.focus());
  return form;
}

function figure(label, value, tone) {
  return h('div', { class: `figure ${tone || ''}` }, h('dt', {}, label), h('dd', {}, value));
}

const lanesOf = (store) => store.lanes ?? [];

function figures(data) {
  const lanes = list(data.stores, 'stores').flatMap(lanesOf);
  const online = lanes.filter((lane) => lane.online).length;
  const unsent = lanes.reduce((sum, lane) => sum + (lane.unsent || 0), 0);
  const quarantined = data.people?.quarantine ?? 0;
  const aside = data.people?.derive_failed ?? 0;
  return h('dl', { class: 'figures' },
    figure(t('lanes'), `${number(online)} / ${number(lanes.length)}`, online < lanes.length ? 'ask' : 'good'),
    figure(t('unsent'), number(unsent), unsent > 1000 ? 'ask' : ''),
    figure(t('known'), number(data.people?.people)),
    figure(t('events'), number(data.counts?.archived)),
    figure(t('quarantine'), number(quarantined), quarantined ? 'ask' : ''),
    figure(t('aside'), number(aside), aside ? 'ask' : ''));
}

function alarms(data) {
  const rows = list(data.alarms, 'alarms').map((alarm) =>
    h('li', { class: 'alarm' }, icon('alarm'),
      h('div', {}, h('strong', {}, alarm.subject), h('p', {}, alarm.text),
        h('small', {}, `${alarm.kind} · ${number(alarm.times)} × · `, since(alarm.last)))));
  const holes = list(data.holes, 'holes').map((hole) =>
    h('li', { class: 'alarm' }, icon('alarm'),
      h('div', {}, h('strong', {}, hole.terminal),
        h('p', {}, `${t('missing')} ${hole.first} ${t('to')} ${hole.last}, ${t('journal')} ${hole.journal}`),
        h('small', {}, since(hole.at)))));
  if (!rows.length && !holes.length)
    return h('p', { class: 'calm' }, icon('good'), t('allGood'));
  return h('ul', { class: 'alarms' }, rows, holes);
}

function laneRow(lane, store) {
  return h('tr', { class: lane.online ? '' : 'off' },
    h('th', { scope: 'row', title: lane.terminal }, lane.terminal.startsWith(`${store}-`) ? lane.terminal.slice(store.length + 1) : lane.terminal),
    h('td', {}, h('span', { class: `dot ${lane.online ? 'good' : 'bad'}` }), lane.online ? t('online') : t('offline')),
    h('td', {}, since(lane.last_contact)),
    h('td', { class: 'number' }, number(lane.unsent)),
    h('td', { class: 'soft wide' }, lane.version || ''));
}

function storePanel(store) {
  const lanes = lanesOf(store);
  const up = lanes.filter((lane) => lane.online).length;
  return h('section', { class: 'panel store' },
    h('header', {}, h('span', { class: 'badge ch-store' }, icon('store')), h('h3', {}, store.store),
      h('span', { class: `chip ${up < lanes.length ? 'ask' : 'good'}` }, `${up} / ${lanes.length} ${t('online').toLowerCase()}`)),
    h('table', {},
      h('thead', {}, h('tr', {}, h('th', {}, t('lane')), h('th', {}, t('state')), h('th', {}, t('lastContact')),
        h('th', { class: 'number' }, t('toSend')), h('th', { class: 'wide' }, t('version')))),
      h('tbody', {}, lanes.map((lane) => laneRow(lane, store.store)))));
}

export function overview(data) {
  const stores = list(data.stores, 'stores');
  return h('main', { class: 'overview' }, figures(data), alarms(data),
    stores.length ? h('div', { class: 'stores' }, stores.map(storePanel))
      : h('p', { class: 'empty' }, icon('store'), t('noStores')));
}

// A token or an id is recognised by its ends; a person by an address.
const short = (text) => (text.length > 22 ? `${text.slice(0, 9)}…${text.slice(-6)}` : text);
const strongest = (person) => {
  const usable = (person.identifiers ?? []).filter((ident) => ident.state !== 'quarantined');
  return usable.find((ident) => ident.type === 'email') ?? usable[0] ?? person.identifiers?.[0];
};
// An address breaks before its @.
const breakable = (text) => text.split(/(?=@)/).flatMap((part, i) => (i ? [h('wbr'), part] : [part]));
const nameOf = (person) => {
  const ident = strongest(person);
  return ident ? (ident.type === 'card' || ident.type === 'anonymous_id' ? `${t(ident.type)} ${short(ident.value)}` : ident.value) : t('unnamed');
};

export function searchForm(asked, onSearch) {
  const types = ['card', 'email', 'user_id', 'phone', 'anonymous_id', 'person'];
  const select = h('select', { 'aria-label': t('searchFor') }, types.map((type) => h('option', { value: type, selected: type === asked?.type }, t(type))));
  const input = h('input', { type: 'search', 'aria-label': t('value'), placeholder: t('value'), required: true, autocomplete: 'off', spellcheck: 'false', value: asked?.value ?? '' });
  const form = h('form', { class: 'search' }, select, input, h('button', { class: 'primary', 'aria-label': t('search') }, icon('search')));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onSearch({ type: select.value, value: input.value.trim() });
  });
  return form;
}

export function peopleList(answer, chosen, onChoose, onMore) {
  const people = answer?.people ?? [];
  if (!people.length) return h('p', { class: 'empty' }, icon('user_id'), t('noPeople'));
  return h('div', { class: 'people-list' }, h('h2', {}, t('recent')),
    h('ul', {}, people.map((person) =>
      h('li', {}, h('button', { class: 'person-row', 'aria-current': person.person === chosen ? 'true' : null, onclick: () => onChoose(person.person) },
        h('span', { class: 'avatar' }, icon(strongest(person)?.type ?? 'user_id')),
        h('span', { class: 'person-name' }, nameOf(person)),
        h('span', { class: 'soft' }, since(person.last_seen)),
        h('span', { class: 'kinds' }, [...new Set(person.identifiers.map((ident) => ident.type))].map((type) => icon(type, t(type)))))))),
    answer.next ? h('button', { class: 'more', onclick: () => onMore(answer.next) }, t('more')) : null);
}

function evidence(edge) {
  return h('li', { class: edge.joins ? '' : 'not' }, icon(edge.joins ? 'link' : 'alarm'),
    h('span', {}, `${edge.joins ? t('joinedBy') : t('notJoined')} `, h('b', {}, `${t(edge.with.type)} ${short(edge.with.value)}`)),
    h('small', {}, `${edge.events === 1 ? t('once') : `${number(edge.events)} ${t('times')}`} · ${date(edge.first_seen)} · ${edge.source.replace('/online/', '')}`));
}

function identifier(ident) {
  return h('li', { class: 'ident' },
    h('details', {},
      h('summary', {}, h('span', { class: `badge id-${ident.type}` }, icon(ident.type)),
        h('span', { class: 'ident-text' }, h('small', {}, t(ident.type)), h('span', { class: 'ident-value', title: ident.value }, ident.type === 'card' ? short(ident.value) : breakable(ident.value))),
        ident.state === 'ok' ? null : h('span', { class: 'chip ask' }, t(ident.state)),
        h('span', { class: 'soft count' }, `${number(ident.events)} ×`)),
      h('p', { class: 'soft seen' }, `${date(ident.first_seen)} – ${date(ident.last_seen)}`),
      ident.evidence?.length ? h('ul', { class: 'evidence' }, ident.evidence.map(evidence)) : null));
}

function household(group) {
  return h('p', { class: 'household' }, icon('household'),
    h('span', {}, h('b', {}, `${t(group.type)} ${short(group.value)}`), ` ${t('householdText')} ${group.members.length} ${t('members')}.`));
}

function flat(data, prefix = '') {
  return Object.entries(data ?? {}).flatMap(([name, value]) =>
    value !== null && typeof value === 'object' ? flat(value, `${prefix}${name}.`) : [[prefix + name, String(value)]]);
}

function moment(entry) {
  const rows = flat(entry.data);
  const place = entry.store ? `${entry.store} · ${entry.terminal}` : entry.source.replace('/online/', '');
  return h('li', { class: `moment ch-${entry.channel}` },
    h('time', { datetime: entry.time }, (entry.approximate ? '≈ ' : '') + time(entry.time)),
    h('span', { class: 'badge', title: t(`ch_${entry.channel}`) }, icon(entry.channel, t(`ch_${entry.channel}`))),
    h('div', { class: 'moment-text' },
      h('p', { class: 'moment-title' }, title(entry.title)),
      h('p', { class: 'soft' }, h('b', {}, t(`ch_${entry.channel}`)), ` · ${place}`),
      entry.approximate ? h('p', { class: 'clock' }, icon('clock'), t('approximate')) : null,
      entry.original_time && !entry.approximate ? h('p', { class: 'clock' }, icon('clock'), `${t('corrected')} ${date(entry.original_time)}`) : null,
      rows.length ? h('details', {}, h('summary', {}, t('details')),
        h('dl', { class: 'data' }, rows.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]))) : null));
}

function timeline(entries, filter) {
  const shown = entries.filter((entry) => !filter || entry.channel === filter).reverse();
  const days = new Map();
  for (const entry of shown) {
    const name = day(entry.time);
    if (!days.has(name)) days.set(name, []);
    days.get(name).push(entry);
  }
  if (!shown.length) return h('p', { class: 'empty' }, t('noJourney'));
  return h('div', {}, [...days].map(([name, moments]) =>
    h('section', { class: 'day' }, h('h4', {}, name), h('ol', { class: 'timeline' }, moments.map(moment)))));
}

function filters(entries, filter, onFilter) {
  const count = (channel) => entries.filter((entry) => entry.channel === channel).length;
  return h('div', { class: 'filters' },
    h('button', { class: 'chip', 'aria-pressed': String(!filter), onclick: () => onFilter('') }, `${t('all')} ${entries.length}`),
    channels.filter(count).map((channel) =>
      h('button', { class: `chip ch-${channel}`, 'aria-pressed': String(filter === channel), onclick: () => onFilter(channel) },
        icon(channel), `${t(`ch_${channel}`)} ${count(channel)}`)));
}

export function person(answer, filter, onFilter, onBack) {
  const journey = answer.journey ?? [];
  const first = journey[0]?.time;
  return h('article', { class: 'person' },
    h('header', { class: 'person-head' },
      h('button', { class: 'back', 'aria-label': t('back'), onclick: onBack }, icon('back')),
      h('div', {}, h('h2', {}, nameOf(answer)),
        h('p', { class: 'soft' }, first ? `${t('since')} ${date(first)}` : ''),
        h('p', { class: 'soft id' }, answer.person))),
    h('div', { class: 'person-body' },
      h('aside', {}, h('h3', {}, t('identifiers')), h('ul', { class: 'idents' }, (answer.identifiers ?? []).map(identifier)),
        (answer.household ?? []).map(household),
        answer.aliases?.length ? h('details', { class: 'aliases' }, h('summary', {}, `${t('aliases')} (${answer.aliases.length})`),
          h('ul', {}, answer.aliases.map((alias) => h('li', {}, alias)))) : null),
      h('section', { class: 'journey' }, h('h3', {}, t('journey')), filters(journey, filter, onFilter),
        timeline(journey, filter), answer.more ? h('p', { class: 'soft' }, t('older')) : null)));
}

export function nobody(text) {
  return h('p', { class: 'empty', role: 'status' }, icon('search'), text);
}
