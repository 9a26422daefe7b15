// State and its one rendering; everything else is a function of it.

import { ApiError, lookup, overview, people, token } from './api.js';
import { h, icon } from './icons.js';
import * as views from './views.js';
import { ago, current, languages, setLanguage, t, time } from './words.js';

const REFRESH_MS = 5000;
const app = document.getElementById('app');
const state = { page: location.hash === '#people' ? 'people' : 'overview', wrong: false, data: null, list: null, asked: null, found: null, missing: '', filter: '', trouble: '', at: null, typing: false };
let timer = 0;
let run = 0;

const shown = JSON.stringify;

function fail(error) {
  if (error instanceof ApiError && error.status === 401) {
    state.wrong = token.get() !== '';
    token.clear();
    render();
    return;
  }
  state.trouble = error instanceof ApiError && error.status ? error.message : t('unreachable');
  render();
}

async function search(asked) {
  // A loyalty number does not stay on the screen.
  state.asked = { type: asked.type, value: asked.type === 'card' ? '' : asked.value };
  state.filter = '';
  try {
    state.found = await lookup(asked.type, asked.value);
    state.missing = '';
  } catch (error) {
    state.found = null;
    state.missing = error.status === 404 ? t('nobody') : error.message;
    if (![400, 404].includes(error.status)) return fail(error);
  }
  render();
}

async function load() {
  const mine = ++run;
  const before = shown([state.data, state.list, state.found, state.trouble]);
  if (state.page === 'overview') state.data = await overview();
  else {
    const fresh = await people();
    // Further pages stay as they were asked for.
    if (!state.list || state.list.people.length <= fresh.people.length) state.list = fresh;
    if (state.found) state.found = await lookup('person', state.found.person);
  }
  if (mine !== run) return;
  state.trouble = '';
  state.at = new Date().toISOString();
  if (before !== shown([state.data, state.list, state.found, state.trouble])) render();
  else stamp();
}

function stamp() {
  const node = document.querySelector('.stamp');
  if (node && state.at) node.textContent = `${t('refresh')} ${time(state.at)}`;
  for (const span of document.querySelectorAll('.ago')) span.textContent = ago(span.dateTime);
}

async function tick() {
  clearTimeout(timer);
  if (token.get() && !document.hidden) await load().catch(fail);
  timer = setTimeout(tick, REFRESH_MS);
}

function go(page) {
  state.page = page;
  history.replaceState(null, '', page === 'people' ? '#people' : '#');
  render();
  tick();
}

async function more(after) {
  const next = await people(after).catch(fail);
  if (!next) return;
  state.list = { people: [...state.list.people, ...next.people], next: next.next };
  render();
}

function bar() {
  const tab = (page, name) => h('button', { class: 'tab', 'aria-current': state.page === page ? 'page' : null, onclick: () => go(page) }, name);
  return h('header', { class: 'bar' }, views.mark(), h('strong', { class: 'name' }, 'Tessera'),
    h('nav', {}, tab('overview', t('overview')), tab('people', t('people'))),
    h('span', { class: 'stamp' }, state.at ? `${t('refresh')} ${time(state.at)}` : ''),
    h('div', { class: 'languages' }, languages.map((name) =>
      h('button', { 'aria-pressed': String(current() === name), lang: name, onclick: () => { setLanguage(name); render(); } }, name.toUpperCase()))),
    h('button', { class: 'out', 'aria-label': t('signOut'), title: t('signOut'), onclick: () => { token.clear(); location.reload(); } }, icon('out')));
}

app.addEventListener('input', () => { state.typing = true; });
app.addEventListener('submit', () => { state.typing = false; }, true);

function peoplePage() {
  const pane = state.found
    ? views.person(state.found, state.filter, (filter) => { state.filter = filter; render(); }, () => { state.found = null; state.asked = null; render(); })
    : views.nobody(state.missing || t('choose'));
  return h('main', { class: `people ${state.found || state.missing ? 'chosen' : ''}` },
    h('div', { class: 'side' }, views.searchForm(state.asked?.type === 'person' ? null : state.asked, search),
      views.peopleList(state.list, state.found?.person, (id) => search({ type: 'person', value: id }), more)),
    h('div', { class: 'pane' }, pane));
}

function signedOut() {
  return views.signIn(state.wrong, (value) => {
    token.set(value);
    state.wrong = false;
    render();
    tick();
  });
}

// What a person opened, typed and scrolled to survives the refresh.
function keep() {
  const open = [...app.querySelectorAll('details')].map((node) => node.open);
  const scroll = ['.side', '.pane', '.overview'].map((name) => app.querySelector(name)?.scrollTop ?? 0);
  const field = app.querySelector('.search input');
  const typed = field && document.activeElement === field && state.typing ? field.value : null;
  const person = app.querySelector('.id')?.textContent;
  return () => {
    if (person === app.querySelector('.id')?.textContent) {
      const now = [...app.querySelectorAll('details')];
      if (now.length === open.length) now.forEach((node, i) => { node.open = open[i]; });
      app.querySelector('.pane')?.scrollTo(0, scroll[1]);
    }
    app.querySelector('.side')?.scrollTo(0, scroll[0]);
    app.querySelector('.overview')?.scrollTo(0, scroll[2]);
    const input = app.querySelector('.search input');
    if (typed !== null && input) {
      input.value = typed;
      input.focus();
    }
  };
}

function render() {
  const restore = keep();
  document.documentElement.lang = current();
  if (!token.get()) {
    app.replaceChildren(signedOut());
    return;
  }
  const page = state.page === 'people' ? peoplePage()
    : state.data ? views.overview(state.data) : h('main', { class: 'overview' }, h('p', { class: 'empty' }, t('loading')));
  app.replaceChildren(bar(), ...(state.trouble ? [h('p', { class: 'trouble', role: 'alert' }, icon('alarm'), state.trouble)] : []), page);
  restore();
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) tick(); });
render();
tick();
