import { isIP } from 'node:net';
import { PodwireError } from '@podwire/base';
import type { ContainerSpec } from './container-engine.ts';
import { runInPod } from './exec-session.ts';

const LIMITS = { timeout: 10_000, bytes: 4096 };
/** A leading dash would be an option of getent. */
const HOST_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;

/** The first IPv4 address of a name, looked up inside the pod by the C library, so with its hosts and resolv.conf. */
export async function lookUpInPod(spec: ContainerSpec, name: string): Promise<string> {
  const none = new PodwireError('LAB_EXCHANGE', `lookup ${name}: no such host`);
  if (!HOST_NAME.test(name)) throw none;
  const { code, output } = await runInPod(spec, ['getent', 'ahostsv4', name], LIMITS);
  const address = output.split(/\s/)[0] ?? '';
  if (code !== 0 || !isIP(address)) throw none;
  return address;
}
