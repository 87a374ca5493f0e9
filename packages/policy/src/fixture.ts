import fs from 'node:fs';
import { type IpAddress, tryParseIp } from '@podwire/base';
import { type Namespace, type NetworkPolicy, type Pod, parseManifests } from '@podwire/kube';
import { buildModel, type PolicyModel, type PolicySnapshot, type Protocol } from './model.ts';

/** A folder of testdata: objects, the nft text of node-1, and what must become of packets. */
export interface Case {
  readonly name: string;
  readonly snapshot: Omit<PolicySnapshot, 'nodeName'>;
  readonly packets: readonly ExpectedPacket[];
  model(nodeName: string): PolicyModel;
}

export interface ExpectedPacket {
  readonly text: string;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly protocol: Protocol | 'icmp';
  readonly port?: number;
  readonly allowed: boolean;
}

const ROOT = new URL('./testdata/', import.meta.url);
export const CASES = fs.readdirSync(ROOT);
export const DNS = ['10.96.0.10', '169.254.20.10'] as IpAddress[];

export function fileOf(name: string, file: string): URL {
  return new URL(`${name}/${file}`, ROOT);
}

export function readCase(name: string): Case {
  const objects = parseManifests(fs.readFileSync(fileOf(name, 'input.yaml'), 'utf8'), name).map(({ object }) => object);
  const ofKind = <T>(kind: string) => objects.filter((object) => object.kind === kind) as T[];
  const snapshot = {
    pods: ofKind<Pod>('Pod'),
    namespaces: ofKind<Namespace>('Namespace'),
    policies: ofKind<NetworkPolicy>('NetworkPolicy'),
    dnsAddresses: DNS,
  };
  const lines = fs
    .readFileSync(fileOf(name, 'packets.txt'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  return {
    name,
    snapshot,
    packets: lines.map((line) => packetOf(line, snapshot.pods)),
    model: (nodeName) => buildModel({ nodeName, ...snapshot }),
  };
}

function packetOf(text: string, pods: readonly Pod[]): ExpectedPacket {
  const [, from = '', to = '', protocol = '', port, verdict] =
    /^(\S+) -> (\S+) : (\w+)(?: (\d+))? = (allowed|denied)$/.exec(text) ?? [];
  const address = (name: string): IpAddress => {
    const pod = pods.find(({ metadata }) => `${metadata?.namespace}/${metadata?.name}` === name);
    const ip = tryParseIp(pod?.status?.podIP ?? name);
    if (!ip) throw new Error(`no such pod or address in "${text}"`);
    return ip;
  };
  return {
    text,
    source: address(from),
    destination: address(to),
    protocol: protocol as ExpectedPacket['protocol'],
    allowed: verdict === 'allowed',
    ...(port !== undefined && { port: Number(port) }),
  };
}
