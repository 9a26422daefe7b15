// The report of a soak as text, for people and for docs/promise.md.
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

function rows(report) {
  const { totals, kills, recoveryMs } = report;
  return [
    ['broker', report.broker],
    ['seed, lanes, duration',
      `${report.seed}, ${report.lanes}, ${Math.round(report.seconds / 60)} min`],
    ['kill -9', `${kills.total}: ${kills.agent} agent, ${kills.hub} hub, ` +
      `${kills.broker} broker`],
    ['of these while it was starting', report.killedWhileStarting],
    ['scans', totals.scanned],
    ['recorded (beeped)', totals.beeped],
    ['of these archived', totals.archived],
    ['lost', totals.lost],
    ['doubled', totals.doubled],
    ['out of order', totals.outOfOrder],
    ['numbers missing in journals', totals.missing],
    ['events that differ from `tessera journal`', totals.journalDiffers],
    ['events archived, in journals', `${totals.events}, ${totals.journals}`],
    ['not beeped, of these archived',
      `${totals.silent}, ${totals.silentArchived}`],
    ['holes and alarms at the hub', `${report.holes}, ${report.alarms.length}`],
    ['longest recovery: agent, kill to beep', seconds(recoveryMs.agent)],
    ['longest recovery: hub, kill to ready', seconds(recoveryMs.hub)],
    ['longest recovery: broker, kill to hub connected',
      seconds(recoveryMs.broker)],
    ['longest catching up, end of a round to nothing unsent',
      seconds(report.catchUpMs)],
  ];
}

export const asText = (report) => rows(report).map(([name, value]) =>
  `${`${name} `.padEnd(56, '.')} ${value}`).concat(report.faults.length
  ? `NOT WHOLE: ${report.faults.join(', ')}; logs in ${report.folder}`
  : 'whole: nothing lost, nothing doubled, nothing out of order').join('\n');

export const asTable = (report) => ['| | |', '| --- | --- |',
  ...rows(report).map(([name, value]) => `| ${name} | ${value} |`)].join('\n');
