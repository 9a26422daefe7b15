// What the demo prints at its end: one journey, and the counts that must agree.

const scanTypes = new Set([
  'card.presented', 'item.scanned', 'code.unknown', 'payment_card.refused',
]);

export function printJourney(person) {
  console.log(`\n== One customer, every channel (${person.person})`);
  for (const { type, value } of person.identifiers)
    console.log(`   ${type.padEnd(13)} ${value}`);
  console.log();
  for (const step of person.journey) {
    const place = step.terminal ?? step.source ?? '';
    console.log(`   ${step.time.slice(0, 16).replace('T', ' ')}  ` +
      `${step.channel.padEnd(9)}${step.title.padEnd(42)}${place}`);
  }
}

/** True when what the readers sent, heard and the archive holds agree. */
export async function printCounts(hub, lanes) {
  const total = { sent: 0, recorded: 0, archived: 0, missing: 0 };
  for (const { reader, terminal } of lanes) {
    const events = await hub.archive(terminal);
    const archived = events.filter(({ type }) => scanTypes.has(type)).length;
    total.sent += reader.sent;
    total.recorded += reader.beeps;
    total.archived += archived;
    total.missing += Math.max(0, reader.beeps - archived);
  }
  const { duplicates } = await hub.get('/api/counts');
  console.log('\n== Counts');
  console.log(`   scans sent by the readers        ${total.sent}`);
  console.log(`   recorded (beeps heard by them)   ${total.recorded}`);
  console.log(`   archived at the hub              ${total.archived}`);
  console.log(`   duplicates turned away           ${duplicates}`);
  console.log(`   missing                          ${total.missing}`);
  const agree = total.sent === total.recorded &&
    total.recorded === total.archived && total.missing === 0;
  console.log(agree ? '   all agree' : '   THEY DO NOT AGREE');
  return agree;
}
