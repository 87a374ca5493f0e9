import assert from 'node:assert/strict';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { fuzzDecoder } from '../fuzz.ts';
import { encodeAttributes } from '../netlink/attribute.ts';
import { mergeWireguard } from './wireguard.ts';
import { wireguardAttributes } from './wireguard-table.ts';

const key = (n: number) => Buffer.alloc(32, n).toString('base64');
const ip = (address: string, length: number) => ({
  family: address.includes(':') ? ('ipv6' as const) : ('ipv4' as const),
  address: address as IpAddress,
  length,
});

test('the messages of a dump are one device, also when a peer is cut in two', () => {
  const device = mergeWireguard([
    {
      name: 'wg0',
      link: 7,
      privateKey: key(1),
      publicKey: key(2),
      listenPort: 51820,
      fwmark: 0,
      peers: [
        { publicKey: key(3), presharedKey: key(0), keepalive: 25, received: 9n, allowedIps: [ip('10.0.0.0', 24)] },
        {
          publicKey: key(4),
          endpoint: { address: 'fd00::1' as IpAddress, port: 9 },
          lastHandshake: { seconds: 100n, nanoseconds: 0n },
          allowedIps: [ip('10.1.0.0', 16)],
        },
      ],
    },
    { name: 'wg0', peers: [{ publicKey: key(4), allowedIps: [ip('fd00::', 8)] }, { publicKey: key(5) }] },
  ]);
  const none = { keepalive: 0, lastHandshake: undefined, received: 0n, sent: 0n };
  assert.deepEqual(device, {
    ...{ name: 'wg0', link: 7, privateKey: key(1), publicKey: key(2), listenPort: 51820, fwmark: 0 },
    peers: [
      { ...none, publicKey: key(3), keepalive: 25, received: 9n, allowedIps: ['10.0.0.0/24'] },
      {
        ...none,
        publicKey: key(4),
        endpoint: { address: 'fd00::1', port: 9 },
        lastHandshake: new Date(100_000),
        allowedIps: ['10.1.0.0/16', 'fd00::/8'],
      },
      { ...none, publicKey: key(5), allowedIps: [] },
    ],
  });
});

test('an endpoint keeps the link of a link-local address, and has a port', () => {
  const written = (endpoint: { address: IpAddress; port: number; scope?: number }) =>
    wireguardAttributes.read(
      Buffer.from(encodeAttributes(wireguardAttributes, { peers: [{ publicKey: key(3), endpoint }] })),
    ).peers?.[0]?.endpoint;
  const linkLocal = { address: 'fe80::1' as IpAddress, port: 51820, scope: 7 };
  assert.deepEqual(written(linkLocal), linkLocal);
  assert.deepEqual(written({ address: 'fd00::1' as IpAddress, port: 1 }), { address: 'fd00::1', port: 1 });
  assert.throws(() => written({ ...linkLocal, port: 65_536 }), { code: 'KERNEL_ENCODE', message: /endpoint/ });
});

test('damaged messages throw nothing but DecodeError', () => {
  const peers = [
    { publicKey: key(3), endpoint: { address: '10.0.0.1' as IpAddress, port: 1 }, allowedIps: [ip('::', 0)] },
  ];
  const samples = [encodeAttributes(wireguardAttributes, { name: 'wg0', privateKey: key(1), peers })];
  fuzzDecoder((bytes) => mergeWireguard([wireguardAttributes.read(bytes)]), { samples, runs: 500 });
});
