// A terminal that nobody here wrote the client of.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CloudEvent, HTTP } from 'cloudevents';
import mqtt from 'mqtt';

/** A terminal of npm packages alone, over TLS with its own certificate. */
export class FakeTerminal {
  constructor(stage, terminal, store, shard) {
    Object.assign(this, { stage, terminal, store });
    this.base = `tessera/1/${shard}/${terminal}`;
    this.journal = randomBytes(8).toString('hex');
    this.sequence = 0;
    this.acks = [];
  }

  async connect() {
    const pem = (name) => readFileSync(join(this.stage.certs, name));
    this.client = await mqtt.connectAsync({
      protocol: 'mqtts', host: 'localhost', port: this.stage.terminalPort,
      ca: pem('ca.crt'), cert: pem(`${this.terminal}.crt`),
      key: pem(`${this.terminal}.key`), clientId: this.terminal,
      protocolVersion: 5,
    });
    this.client.on('message', (topic, payload) =>
      this.acks.push(JSON.parse(payload)));
    await this.client.subscribeAsync(`${this.base}/acks`, { qos: 1 });
  }

  event(type, data) {
    const sequence = String(++this.sequence).padStart(20, '0');
    return new CloudEvent({
      source: `/stores/${this.store}/terminals/${this.terminal}`,
      id: `${this.journal}-${sequence}`, type: `tessera.${type}.v1`,
      time: new Date().toISOString(), journal: this.journal, sequence,
      boot: '0badcafe', uptime: String(1000 + this.sequence), clock: 'set',
      data,
    });
  }

  async send(events) {
    // The package's own batch form is the JSON array of its structured form.
    const bodies = events.map((event) =>
      JSON.parse(HTTP.structured(event).body));
    await this.client.publishAsync(`${this.base}/events`,
      JSON.stringify(bodies), { qos: 1 });
  }
}
