// What a broker says of its own load, at $SYS, on the stage's plain listener.
import mqtt from 'mqtt';

const topics = {
  stored: '$SYS/broker/store/messages/count',
  storedBytes: '$SYS/broker/store/messages/bytes',
  dropped: '$SYS/broker/publish/messages/dropped',
  clients: '$SYS/broker/clients/connected',
};

/** Keeps the peak of each figure until it is ended; mosquitto tells them
 * every second, see addPlainListener in brokers.mjs. */
export async function watchBroker(port) {
  const peak = Object.fromEntries(Object.keys(topics).map((name) => [name, 0]));
  const names = Object.fromEntries(
    Object.entries(topics).map(([name, topic]) => [topic, name]));
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`);
  client.on('message', (topic, payload) => {
    const name = names[topic];
    peak[name] = Math.max(peak[name], Number(payload));
  });
  await client.subscribeAsync(Object.values(topics));
  return { peak, end: () => client.endAsync() };
}
