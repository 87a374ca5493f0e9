import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { genericLayouts } from '../genetlink/generic-layouts.ts';
import { genlmsghdr } from '../genetlink/generic-table.ts';
import { WG_CMD, wireguardAttributes, wireguardPeer } from '../genetlink/wireguard-table.ts';
import { stateRequest, type XfrmStateSpec } from '../xfrm/xfrm-state.ts';
import { attributes, encodeAttributes, encoded, listOf } from './attribute.ts';
import { ByteWriter } from './byte-writer.ts';
import { bytes } from './codec.ts';
import { registerLayouts } from './layout.ts';
import { encodeBody, type NetlinkMessage, NLMSG, writeMessage } from './netlink-message.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';
import { formatDatagram } from './netlink-trace.ts';

/** No four bytes of these are elsewhere in the messages. */
const [privateKey, presharedKey, publicKey] = [0xa1, 0xb2, 0xc3].map((n) => Buffer.alloc(32, n).toString('base64'));
const device = { name: 'wg0', privateKey, peers: [{ publicKey, presharedKey, keepalive: 25 }] };
const KNOWN = 4711;
registerLayouts('generic', {
  [KNOWN]: {
    name: 'wireguard',
    header: genlmsghdr,
    table: attributes('wireguard', {}),
    commands: genericLayouts['wireguard'] ?? {},
  },
});

function trace(protocol: NetlinkProtocol, message: NetlinkMessage): string {
  const out = new ByteWriter();
  writeMessage(out, message, { sequence: 1, flags: 0 });
  return formatDatagram(protocol, out.finish());
}

const setDevice = (type: number, body: Buffer): NetlinkMessage => ({ type, flags: 0, body });

test('keys of WireGuard are masked, the rest of the message is not', () => {
  const body = encodeBody(genlmsghdr, { command: WG_CMD.SET_DEVICE, version: 1 }, wireguardAttributes, device);
  const text = trace('generic', setDevice(KNOWN, body));
  assert.doesNotMatch(text, /a1 a1|b2 b2/);
  assert.equal(text.split('\n').filter((line) => line.startsWith('| c3 c3 c3 c3  |')).length, 8);
  assert.equal(text.split('\n').filter((line) => line.startsWith('| ** ** ** **  |')).length, 16);
  assert.match(text, /\| 77 67 30 00 {2}\|/);
  assert.match(text, /\| 19 00 00 00 {2}\|/);
  // a family that nobody looked up may be any: what can be a key is masked, a name is not
  const unknown = trace('generic', setDevice(KNOWN + 1, body));
  assert.doesNotMatch(unknown, /a1 a1|b2 b2|c3 c3/);
  assert.match(unknown, /\| 77 67 30 00 {2}\|/);
});

test('keys are masked in nests without the NESTED flag', () => {
  const plainPeer = attributes('peer', { peer: [0, bytes] });
  const plain = attributes('device', { peers: [8, bytes] });
  const peer = encodeAttributes(wireguardPeer, { publicKey, presharedKey });
  const peers = encodeAttributes(plainPeer, { peer });
  const body = encodeBody(genlmsghdr, { command: WG_CMD.SET_DEVICE, version: 1 }, plain, { peers });
  const text = trace('generic', setDevice(KNOWN, body));
  assert.doesNotMatch(text, /b2 b2/);
  assert.match(text, /\| c3 c3 c3 c3 {2}\|/);
  const flagged = attributes('device', { peers: [8, listOf(0, encoded)] });
  const other = encodeBody(genlmsghdr, { command: WG_CMD.SET_DEVICE, version: 1 }, flagged, { peers: [peer] });
  assert.doesNotMatch(trace('generic', setDevice(KNOWN, other)), /b2 b2/);
});

const state: XfrmStateSpec = {
  source: '192.0.2.1' as IpAddress,
  destination: '192.0.2.2' as IpAddress,
  spi: 256,
  protocol: 'esp',
  mode: 'tunnel',
};
const key = Buffer.alloc(20, 0xa1);
const [cipher, seal] = ['cbc(aes)', 'hmac(sha256)'];

test('keys of IPsec are masked, the names of the algorithms are not', () => {
  const states: XfrmStateSpec[] = [
    { ...state, aead: { name: 'rfc4106(gcm(aes))', key, icvBits: 128 } },
    { ...state, encryption: { name: cipher, key }, authentication: { name: seal, key, icvBits: 128 } },
  ];
  for (const one of states) {
    const text = trace('xfrm', stateRequest('NEWSA', one));
    assert.doesNotMatch(text, /a1 a1/);
    assert.match(text, /\* \* \* \*/);
    assert.match(text, one.aead ? /g c m \(/ : /c b c \(/);
  }
  const unknown = trace('xfrm', { ...stateRequest('NEWSA', states[0] ?? state), type: 99 });
  assert.doesNotMatch(unknown, /a1 a1/);
});

test('a refusal that holds the request again does not show it', () => {
  const request = new ByteWriter();
  writeMessage(request, stateRequest('NEWSA', { ...state, encryption: { name: cipher, key } }), {
    sequence: 1,
    flags: 0,
  });
  const body = Buffer.concat([Buffer.from([0xea, 0xff, 0xff, 0xff]), request.finish()]);
  const text = trace('xfrm', { type: NLMSG.ERROR, flags: 0, body });
  assert.doesNotMatch(text, /a1 a1/);
  assert.match(text, /\| ea ff ff ff {2}\|/);
});
