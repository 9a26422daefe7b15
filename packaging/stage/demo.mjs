// The demo: a store morning and its online side, played on a stage.
import { Stage } from './stage.mjs';
import { goods, loyaltyCards } from './goods.mjs';
import {
  openShop, orderOnline, scan, storeMorning, visitWebShop, wholeJourney,
} from './morning.mjs';
import { printCounts, printJourney } from './report.mjs';

const once = process.argv.includes('--once');
const say = (text) => console.log(`\n== ${text}`);
async function keepOpen(lane, kiosk) {
  let turn = 0;
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  for (;;) {
    await pause(3000);
    await scan(kiosk, loyaltyCards[turn % loyaltyCards.length]);
    for (let i = 0; i < 3; i++) {
      await pause(1500);
      await scan(lane, i === 0 ? loyaltyCards[turn % loyaltyCards.length]
        : goods[(turn + i) % goods.length]);
    }
    await pause(3000);
    await lane.command('/api/visit/close', {
      receipt: `R-${2000 + turn}`, total_minor: 498, currency: 'EUR',
    });
    turn++;
  }
}

function printAddresses(hub, lane, kiosk) {
  say('Open these pages');
  console.log(`   checkout  ${lane.url}/`);
  console.log(`   kiosk     ${kiosk.url}/`);
  console.log(`   console   ${hub.url}/console`);
  console.log(`   console's token: ${hub.token}`);
}

async function play(stage) {
  say(`A private folder: ${stage.folder}`);
  const { hub, lane, kiosk } = await openShop(stage);
  printAddresses(hub, lane, kiosk);

  say('Two days ago a visitor came to the web shop, then registered her card');
  await visitWebShop(hub);
  await storeMorning(lane, kiosk, say);
  say('In the afternoon she orders online');
  await orderOnline(hub);

  const person = await wholeJourney(hub);
  printJourney(person);
  const agree = await printCounts(hub, [lane, kiosk]);
  if (once) return agree ? 0 : 1;
  printAddresses(hub, lane, kiosk);
  say('Customers keep coming; Ctrl-C ends it');
  await keepOpen(lane, kiosk);
  return 0;
}

const stage = new Stage();
let ending;
const end = (code) => {
  ending ??= stage.close().then(() => process.exit(code), (error) => {
    console.error(error);
    process.exit(1);
  });
  return ending;
};
process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
try {
  const code = await play(stage);
  await end(code);
} catch (error) {
  if (ending) await ending;
  console.error(`error: ${error.message}`);
  stage.keep = true;
  console.error(`logs: ${stage.processes.folder}`);
  await end(1);
}
