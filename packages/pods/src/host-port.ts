import type { IpAddress } from '@podwire/base';
import { familyOf, PodwireError, tryParseIp, tryParsePort } from '@podwire/base';
import type { Attachment } from './attachment.ts';
import { isRecord } from './json.ts';

const HOST_PORT_PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

/** One entry of the portMappings capability. */
export interface HostPort {
  /** Undefined: every address of the node. */
  readonly hostIp: IpAddress | undefined;
  readonly protocol: (typeof HOST_PORT_PROTOCOLS)[number];
  readonly hostPort: number;
  readonly containerPort: number;
}

/**
 * Reads runtimeConfig.portMappings (CNI conventions, "Dynamic Plugin specific fields"). Entries without a hostPort ask
 * for nothing. IPv6 host addresses ask for nothing of an IPv4 pod. Throws PODS_FIELD.
 */
export function parsePortMappings(value: unknown): HostPort[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new PodwireError('PODS_FIELD', 'runtimeConfig.portMappings has to be a list');
  return value.flatMap((entry) => parseMapping(entry));
}

function parseMapping(entry: unknown): HostPort[] {
  const bad = (why: string) => new PodwireError('PODS_FIELD', `portMappings entry ${JSON.stringify(entry)}: ${why}`);
  if (!isRecord(entry)) throw bad('it has to be an object');
  if (entry.hostPort === undefined || entry.hostPort === 0) return [];
  const protocol = HOST_PORT_PROTOCOLS.find((p) => p === String(entry.protocol ?? 'tcp').toLowerCase());
  const [hostPort, containerPort] = [tryParsePort(entry.hostPort), tryParsePort(entry.containerPort)];
  if (!protocol) throw bad(`protocol has to be one of ${HOST_PORT_PROTOCOLS.join(', ')}`);
  if (!hostPort || !containerPort) throw bad('hostPort and containerPort have to be from 1 to 65535');
  const text = entry.hostIP ?? '';
  if (text === '' || text === '0.0.0.0' || text === '::')
    return [{ hostIp: undefined, protocol, hostPort, containerPort }];
  const hostIp = typeof text === 'string' ? tryParseIp(text) : undefined;
  if (!hostIp) throw bad('hostIP has to be an address');
  return familyOf(hostIp) === 'ipv4' ? [{ hostIp, protocol, hostPort, containerPort }] : [];
}

/** POD-11: same protocol and port, and the same host address or one of the two without. */
function collide(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.hostIp === b.hostIp || a.hostIp === undefined || b.hostIp === undefined;
  return a.protocol === b.protocol && a.hostPort === b.hostPort && sameAddress;
}

/** Throws PODS_HOST_PORT_TAKEN naming the holder, when a wanted port is taken by another attachment or wanted twice. */
export function checkHostPorts(wanted: readonly HostPort[], others: Iterable<Attachment>): void {
  for (const [i, port] of wanted.entries())
    if (wanted.slice(i + 1).some((p) => collide(p, port))) throw taken(port, 'this pod itself');
  if (wanted.length === 0) return;
  for (const other of others) {
    const port = wanted.find((w) => other.hostPorts.some((p) => collide(p, w)));
    if (port)
      throw taken(port, other.pod ? `pod ${other.pod.namespace}/${other.pod.name}` : `container ${other.containerId}`);
  }
}

function taken(port: HostPort, holder: string): PodwireError {
  const what = `${port.hostIp ?? '0.0.0.0'}:${port.hostPort}/${port.protocol}`;
  return new PodwireError(
    'PODS_HOST_PORT_TAKEN',
    `host port ${what} is already mapped by ${holder}; choose another hostPort or node`,
  );
}
