// What the reader was told, what the terminal's journal says and what the hub
// archived, event by event.
import { join } from 'node:path';
import { archived, inArchive } from '../system/cashier.mjs';

/** The hub sorts the members of what it archives. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort()
    .map((name) => [name, sorted(value[name])]));
}

const canonical = (value) => JSON.stringify(sorted(value));

const keyOf = ({ journal, sequence }) => `${journal}-${Number(sequence)}`;

const repeated = (list) => list.length - new Set(list).size;

/** How many stand behind one that should follow them. */
function misplaced(ranks) {
  let highest = -1;
  let count = 0;
  for (const rank of ranks)
    if (rank < highest) count++;
    else highest = rank;
  return count;
}

/** The journals in the order in which they follow each other, by the first
 * event of each; with their events in the archive's order. */
function journalsOf(events) {
  const journals = new Map();
  for (const event of events) {
    if (!journals.has(event.journal)) journals.set(event.journal, []);
    journals.get(event.journal).push(event);
  }
  return journals;
}

/** Numbers that a journal lacks, up to the last that anybody knows of. */
function missingIn(rows, last) {
  const there = new Set(rows.map(({ sequence }) => Number(sequence)));
  return Math.max(last, ...there) - there.size;
}

/** Holes in journals, between them, and what stands in the wrong place. */
function examineNumbers(events) {
  const journals = journalsOf(events);
  const lastOf = new Map();
  let missing = 0;
  let disorder = 0;
  let before = '';
  for (const [journal, rows] of journals) {
    const first = rows[0].body;
    const { previous = '', previous_last: last } = first.data;
    if (first.type !== 'tessera.terminal.started.v1' || previous !== before)
      disorder++;
    if (previous && !journals.has(previous)) missing += Number(last);
    lastOf.set(previous, Number(last ?? 0));
    disorder += misplaced(rows.map(({ sequence }) => Number(sequence)));
    before = journal;
  }
  for (const [journal, rows] of journals)
    missing += missingIn(rows, lastOf.get(journal) ?? 0);
  return { journals: journals.size, missing, disorder };
}

/** How many events differ, by place or by content. */
function differing(left, right) {
  let count = Math.abs(left.length - right.length);
  for (let at = 0; at < Math.min(left.length, right.length); at++)
    if (left[at] !== right[at]) count++;
  return count;
}

async function examineTill(stage, till) {
  const { lane } = till;
  const events = await stage.theHub.archive(lane.terminal);
  const own = stage.run(stage.tool('tessera'), [
    'journal', join(lane.state, 'journal.db'),
  ], { maxBuffer: 2 ** 30 }).trim().split('\n').map((line) => JSON.parse(line));
  const codes = archived(events);
  const rank = new Map(till.beeped.map((code, at) =>
    [inArchive(stage, code), at]));
  const silent = new Set(till.silent.map((code) => inArchive(stage, code)));
  const there = new Set(codes);
  const numbers = examineNumbers(events);
  return {
    terminal: lane.terminal,
    scanned: till.sent,
    beeped: till.beeped.length,
    events: events.length,
    journals: numbers.journals,
    archived: codes.filter((code) => rank.has(code)).length,
    silent: till.silent.length,
    silentArchived: [...silent].filter((code) => there.has(code)).length,
    lost: [...rank.keys()].filter((code) => !there.has(code)).length,
    doubled: repeated(codes) + repeated(events.map(keyOf)),
    outOfOrder: numbers.disorder + misplaced(codes
      .filter((code) => rank.has(code)).map((code) => rank.get(code))),
    missing: numbers.missing,
    strangers: codes.filter((code) =>
      !rank.has(code) && !silent.has(code)).length,
    journalDiffers: differing(own.map(canonical),
      events.map(({ body }) => canonical(body))),
  };
}

const faults = [
  'lost', 'doubled', 'outOfOrder', 'missing', 'strangers', 'journalDiffers',
];

/** Sums over the tills; `faults` is empty when the promise held. */
export async function examine(stage, tills) {
  const perLane = [];
  for (const till of tills) perLane.push(await examineTill(stage, till));
  const sum = (name) => perLane.reduce((total, lane) => total + lane[name], 0);
  const totals = Object.fromEntries(Object.keys(perLane[0])
    .filter((name) => name !== 'terminal').map((name) => [name, sum(name)]));
  const { holes } = await stage.theHub.get('/api/holes');
  const { alarms } = await stage.theHub.get('/api/alarms');
  const found = faults.filter((name) => totals[name] !== 0);
  if (totals.archived !== totals.beeped) found.push('archived');
  if (holes.length) found.push('holes');
  if (alarms.length) found.push('alarms');
  return { totals, perLane, holes: holes.length, alarms, faults: found };
}
