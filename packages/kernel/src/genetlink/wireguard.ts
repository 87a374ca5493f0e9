import { familyOf, type Prefix, parsePrefix, prefixParts } from '@podwire/base';
import type { AttributesOf } from '../netlink/attribute.ts';
import type { Netlink } from '../netlink/netlink.ts';
import { openGenericFamily } from './generic-family.ts';
import { WG_CMD, type WireguardEndpoint, wireguardAttributes, type wireguardPeer } from './wireguard-table.ts';

/** WireGuard links by generic netlink; wg(8). Every function wants a socket of the protocol `generic`. Keys are base64. */

interface PeerSettings {
  readonly publicKey: string;
  /** A second, shared secret; 32 zero bytes remove it. */
  readonly presharedKey?: string;
  /** Where to send first; the peer's own packets change it. */
  readonly endpoint?: WireguardEndpoint;
  /** Seconds between packets that keep NAT open; 0: none. */
  readonly keepalive?: number;
  /** Where packets go to this peer, and what it may send from. */
  readonly allowedIps?: readonly Prefix[];
}

export interface WireguardPeerChange extends PeerSettings {
  /** Take the peer away. */
  readonly remove?: boolean;
  /** The allowed IPs are all, not more of them. */
  readonly replaceAllowedIps?: boolean;
  /** Do not add the peer if it is missing. */
  readonly updateOnly?: boolean;
}

/** What is left out stays as it is. */
export interface WireguardChange {
  readonly privateKey?: string;
  /** 0: the kernel chooses. */
  readonly listenPort?: number;
  /** Mark of the encrypted packets; 0: none. */
  readonly fwmark?: number;
  /** The peers are all, not more of them. */
  readonly replacePeers?: boolean;
  readonly peers?: readonly WireguardPeerChange[];
}

export interface WireguardPeer extends PeerSettings {
  readonly keepalive: number;
  readonly allowedIps: readonly Prefix[];
  /** undefined: there was none yet. */
  readonly lastHandshake: Date | undefined;
  readonly received: bigint;
  readonly sent: bigint;
}

export interface WireguardDevice {
  readonly name: string;
  readonly link: number;
  readonly privateKey: string | undefined;
  readonly publicKey: string | undefined;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly peers: readonly WireguardPeer[];
}

type DeviceWire = AttributesOf<typeof wireguardAttributes.rows>;
type PeerWire = AttributesOf<typeof wireguardPeer.rows>;

/** Allowed IPs of one peer in one message, and about how many bytes of peers: an attribute holds less than 64 KiB. */
const PIECE_IPS = 512;
const MESSAGE_BYTES = 32_768;
const IP_BYTES = 44;
const PEER_BYTES = 160;

/** Changes a WireGuard link; what does not fit into one message is sent in several, the peers in order. */
export function setWireguard(netlink: Netlink<'generic'>, name: string, change: WireguardChange): void {
  const family = openGenericFamily(netlink, 'wireguard');
  const { privateKey, listenPort, fwmark, replacePeers } = change;
  const settings = { privateKey, listenPort, fwmark, ...(replacePeers && { flags: ['replacePeers'] as const }) };
  const parts = peerParts(change.peers ?? []);
  for (const [i, peers] of (parts.length > 0 ? parts : [[]]).entries()) {
    const values = { name, ...(i === 0 && settings), ...(peers.length > 0 && { peers }) };
    const op = `change WireGuard link ${name}`;
    family.request({ command: WG_CMD.SET_DEVICE, table: wireguardAttributes, values, op });
  }
}

function peerParts(peers: readonly WireguardPeerChange[]): PeerWire[][] {
  const parts: PeerWire[][] = [];
  let room = 0;
  for (const piece of peers.flatMap(peerPieces)) {
    const size = PEER_BYTES + (piece.allowedIps?.length ?? 0) * IP_BYTES;
    if (room < size) {
      parts.push([]);
      room = MESSAGE_BYTES;
    }
    parts.at(-1)?.push(piece);
    room -= size;
  }
  return parts;
}

/** A peer in pieces of so many allowed IPs; those after the first add to what the first set. */
function peerPieces(peer: WireguardPeerChange): PeerWire[] {
  const { publicKey, presharedKey, endpoint, keepalive, allowedIps = [] } = peer;
  const flags = (['remove', 'replaceAllowedIps', 'updateOnly'] as const).filter((flag) => peer[flag]);
  const ips = allowedIps.map((prefix) => prefixParts(prefix));
  const first = { publicKey, presharedKey, endpoint, keepalive, ...(flags.length > 0 && { flags }) };
  const pieces: PeerWire[] = [{ ...first, ...(ips.length > 0 && { allowedIps: ips.slice(0, PIECE_IPS) }) }];
  for (let at = PIECE_IPS; at < ips.length; at += PIECE_IPS)
    pieces.push({ publicKey, flags: ['updateOnly'], allowedIps: ips.slice(at, at + PIECE_IPS) });
  return pieces;
}

/** ENODEV: there is no such link; EOPNOTSUPP: it is of another kind. */
export function getWireguard(netlink: Netlink<'generic'>, name: string): WireguardDevice {
  const op = `get WireGuard link ${name}`;
  const request = { command: WG_CMD.GET_DEVICE, table: wireguardAttributes, values: { name }, op };
  return mergeWireguard(openGenericFamily(netlink, 'wireguard').dump(request));
}

/** One link out of the messages of a dump: what does not fit into one goes on in the next, also in the middle of a peer. */
export function mergeWireguard(messages: readonly DeviceWire[]): WireguardDevice {
  const [first = {}] = messages;
  const peers: PeerWire[] = [];
  for (const peer of messages.flatMap((message) => message.peers ?? [])) {
    const last = peers.at(-1);
    if (last === undefined || last.publicKey !== peer.publicKey) peers.push(peer);
    else peers[peers.length - 1] = { ...last, allowedIps: [...(last.allowedIps ?? []), ...(peer.allowedIps ?? [])] };
  }
  return {
    name: first.name ?? '',
    link: first.link ?? 0,
    privateKey: first.privateKey,
    publicKey: first.publicKey,
    listenPort: first.listenPort ?? 0,
    fwmark: first.fwmark ?? 0,
    peers: peers.map(peerFromWire),
  };
}

const NO_KEY = Buffer.alloc(32).toString('base64');

function peerFromWire(wire: PeerWire): WireguardPeer {
  const { publicKey = NO_KEY, presharedKey = NO_KEY, endpoint, lastHandshake } = wire;
  const milliseconds = lastHandshake ? Number(lastHandshake.seconds ?? 0n) * 1000 : 0;
  return {
    publicKey,
    ...(presharedKey !== NO_KEY && { presharedKey }),
    ...(endpoint && { endpoint }),
    keepalive: wire.keepalive ?? 0,
    allowedIps: (wire.allowedIps ?? []).flatMap(({ address, length = 0 }) => {
      const fits = address !== undefined && length <= (familyOf(address) === 'ipv4' ? 32 : 128);
      return fits ? [parsePrefix(`${address}/${length}`)] : [];
    }),
    lastHandshake: milliseconds === 0 ? undefined : new Date(milliseconds),
    received: wire.received ?? 0n,
    sent: wire.sent ?? 0n,
  };
}
