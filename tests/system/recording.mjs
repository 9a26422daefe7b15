// What a program said on its own UNIX sockets: tests/support/record_socket.c
// writes it down, this reads it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Lets a program record its UNIX sockets in a file. */
export function recorderEnvironment(stage, file) {
  return {
    LD_PRELOAD: stage.preload('record_socket.so'),
    TESSERA_RECORDING: file,
  };
}

function* pieces(bytes) {
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at);
    const [side, what, name, length] =
      bytes.toString('latin1', at, end).split(' ');
    at = end + 1 + Number(length);
    yield { side, what, name, piece: bytes.subarray(end + 1, at) };
  }
}

/** Both ends of each socket in the folder: all that they sent and got. */
export function recordedSockets(file, folder) {
  const sockets = new Map();
  for (const { side, what, name, piece } of pieces(readFileSync(file)))
    if (what === 'bound') {
      if (piece.toString() === folder)
        sockets.set(name, {
          client: { sent: [], got: [] }, server: { sent: [], got: [] },
        });
    } else sockets.get(name)?.[side][what].push(piece);
  return [...sockets.values()].map(({ client, server }) => ({
    client: joined(client), server: joined(server),
  }));
}

const joined = ({ sent, got }) =>
  ({ sent: Buffer.concat(sent), got: Buffer.concat(got) });

/** Each packet of an MQTT stream: its first byte and its body. */
function* packets(stream) {
  for (let at = 0; at < stream.length;) {
    const head = stream[at++];
    let length = 0, shift = 0, byte;
    do {
      byte = stream[at++];
      length |= (byte & 127) << shift;
      shift += 7;
    } while (byte & 128);
    yield { head, body: stream.subarray(at, at + length) };
    at += length;
  }
}

/** Topic and payload of each PUBLISH in an MQTT 3.1.1 stream. */
export function published(stream) {
  return [...packets(stream)].filter(({ head }) => head >> 4 === 3)
    .map(({ head, body }) => {
      const end = 2 + body.readUInt16BE(0);
      return {
        topic: body.toString('utf8', 2, end),
        payload: body.subarray(end + (head & 6 ? 2 : 0)),
      };
    });
}

/** A batch that is one zstd frame. */
export const isFrame = (payload) =>
  payload.length > 4 && payload.readUInt32LE(0) === 0xfd2fb528;

/** The JSON of a published batch, whatever its form. */
export const unpacked = (stage, payload) =>
  execFileSync(stage.tool('fixture_batch'), { input: payload, encoding: 'utf8' });
