import type { IpAddress } from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import { attributes, listOf } from '../netlink/attribute.ts';
import { bits, type Codec, ip, named, s64, struct, text, u8, u16, u32, u64 } from '../netlink/codec.ts';
import { decodeSockaddr, encodeSockaddr } from '../socket/sockaddr.ts';

/** Attributes of WireGuard, linux/wireguard.h. */

export const WG_CMD = { GET_DEVICE: 0, SET_DEVICE: 1 } as const;

const KEY_LENGTH = 32;

/** 32 bytes as base64. A secret one is shown neither by the pretty-printer nor in traces and errors. */
function key(name: string, secret: boolean): Codec<string> {
  return {
    name,
    format: secret ? () => '(secret)' : String,
    ...(secret && { secretFrom: 0 }),
    write(out, value) {
      if (!/^[A-Za-z0-9+/]{43}=$/.test(value))
        throw encodeError(`a ${name}; it has to be ${KEY_LENGTH} bytes in base64`);
      out.raw(Buffer.from(value, 'base64'));
    },
    read(bytes) {
      if (bytes.length !== KEY_LENGTH) throw new DecodeError(`a ${name} from ${bytes.length} bytes`);
      return bytes.toString('base64');
    },
  };
}

export interface WireguardEndpoint {
  readonly address: IpAddress;
  readonly port: number;
  /** Index of the link of a link-local IPv6 address. */
  readonly scope?: number;
}

const endpoint: Codec<WireguardEndpoint> = {
  name: 'sockaddr',
  format: ({ address, port }) => `${address} port ${port}`,
  write: (out, { address, port, scope }) => out.raw(encodeSockaddr(address, port, scope)),
  read(bytes) {
    const sockaddr = decodeSockaddr(bytes);
    if (!sockaddr) throw new DecodeError(`a sockaddr from ${bytes.length} bytes`);
    const { address, port, scope } = sockaddr;
    return { address, port, ...(scope !== 0 && { scope }) };
  },
};

const allowedIp = attributes('allowed IP', {
  family: [1, named(u16, { ipv4: 2, ipv6: 10 }), 'WGALLOWEDIP_A_FAMILY'],
  address: [2, ip, 'WGALLOWEDIP_A_IPADDR'],
  length: [3, u8, 'WGALLOWEDIP_A_CIDR_MASK'],
});

export const wireguardPeer = attributes('peer', {
  publicKey: [1, key('public key', false), 'WGPEER_A_PUBLIC_KEY'],
  presharedKey: [2, key('preshared key', true), 'WGPEER_A_PRESHARED_KEY'],
  flags: [3, bits(u32, { remove: 1, replaceAllowedIps: 2, updateOnly: 4 }), 'WGPEER_A_FLAGS'],
  endpoint: [4, endpoint, 'WGPEER_A_ENDPOINT'],
  keepalive: [5, u16, 'WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL'],
  lastHandshake: [
    6,
    struct('timespec', { seconds: { ...s64, size: 8 }, nanoseconds: { ...s64, size: 8 } }),
    'WGPEER_A_LAST_HANDSHAKE_TIME',
  ],
  received: [7, u64, 'WGPEER_A_RX_BYTES'],
  sent: [8, u64, 'WGPEER_A_TX_BYTES'],
  allowedIps: [9, listOf(0, allowedIp), 'WGPEER_A_ALLOWEDIPS'],
  protocolVersion: [10, u32, 'WGPEER_A_PROTOCOL_VERSION'],
});

export const wireguardAttributes = attributes('wireguard', {
  link: [1, u32, 'WGDEVICE_A_IFINDEX'],
  name: [2, text, 'WGDEVICE_A_IFNAME'],
  privateKey: [3, key('private key', true), 'WGDEVICE_A_PRIVATE_KEY'],
  publicKey: [4, key('public key', false), 'WGDEVICE_A_PUBLIC_KEY'],
  flags: [5, bits(u32, { replacePeers: 1 }), 'WGDEVICE_A_FLAGS'],
  listenPort: [6, u16, 'WGDEVICE_A_LISTEN_PORT'],
  fwmark: [7, u32, 'WGDEVICE_A_FWMARK'],
  peers: [8, listOf(0, wireguardPeer), 'WGDEVICE_A_PEERS'],
});
