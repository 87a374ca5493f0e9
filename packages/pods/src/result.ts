import { hasCode, messageOf, PodwireError } from '@podwire/base';
import type { Attachment } from './attachment.ts';
import type { CniVersion } from './cni-version.ts';
import { atLeast, CNI_VERSIONS } from './cni-version.ts';
import { CNI_CODES, PODS_ERRORS } from './errors.ts';
import type { WirePlan } from './wire-plan.ts';

/** What the plugin gives back: the text for stdout and the exit code. */
export interface CniAnswer {
  readonly stdout: string;
  readonly exitCode: number;
}

const DEFAULT_ROUTE = '0.0.0.0/0';

/** The result of ADD in the form of a version of the specification (CNI specification, "ADD Success"; POD-2). */
export function formatResult(
  version: CniVersion,
  attachment: Attachment,
  { pod, host }: WirePlan,
  dns: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const named = atLeast(version, '1.1.0') ? { mtu: attachment.mtu } : {};
  const family = atLeast(version, '1.0.0') ? {} : { version: '4' };
  const bridge = host.bridge ? [{ name: host.bridge.name, mac: host.bridge.mac }] : [];
  const interfaces = [
    ...bridge,
    { name: attachment.hostLink, mac: host.mac, ...named },
    { name: attachment.ifName, mac: attachment.mac, ...named, sandbox: attachment.netnsPath },
  ];
  return {
    cniVersion: version,
    interfaces,
    ips: [{ ...family, interface: interfaces.length - 1, address: pod.address, gateway: pod.gateway }],
    routes: [{ dst: DEFAULT_ROUTE, gw: pod.gateway }],
    dns,
  };
}

export function formatVersions(version: CniVersion): Record<string, unknown> {
  return { cniVersion: version, supportedVersions: CNI_VERSIONS };
}

/** A result, or nothing for the verbs without one. */
export function success(result?: Record<string, unknown>): CniAnswer {
  return { stdout: result ? `${JSON.stringify(result)}\n` : '', exitCode: 0 };
}

/** The error object (CNI specification, "Error"). Anything that is not ours is the kernel's or the system's refusal. */
export function failure(version: CniVersion, error: unknown): CniAnswer {
  const code = error instanceof PodwireError && isPodsCode(error.code) ? CNI_CODES[error.code] : CNI_CODES.PODS_KERNEL;
  const details = error instanceof Error && error.cause !== undefined ? { details: messageOf(error.cause) } : {};
  const hint = hasCode(error, 'PODS_TRY_LATER')
    ? { msg: `try again later: ${messageOf(error)}` }
    : { msg: messageOf(error) };
  return { stdout: `${JSON.stringify({ cniVersion: version, code, ...hint, ...details })}\n`, exitCode: 1 };
}

function isPodsCode(code: string): code is keyof typeof PODS_ERRORS {
  return Object.hasOwn(PODS_ERRORS, code);
}

/** The address an ADD result gave to an interface; undefined when it is not a result of ours. */
export function resultAddress(prevResult: unknown): string | undefined {
  const ips = (prevResult as { ips?: unknown } | null | undefined)?.ips;
  const address: unknown = Array.isArray(ips) ? ips[0]?.address : undefined;
  return typeof address === 'string' ? address.split('/')[0] : undefined;
}
