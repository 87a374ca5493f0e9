import { isIP } from 'node:net';
import { hasCode, messageOf, PodwireError } from '@podwire/base';
import { connectTcp, type Netns } from '@podwire/kernel';
import type { ConnectRequest } from './container-plan.ts';
import { udpExchange } from './exchange.ts';

/** The kernel's own patience with an unanswered SYN, about. */
const KERNEL_TIMEOUT = 130_000;

/** How agnhost connect ends: nothing on stderr and 0, or one line whose first word scripts look for and 1. */
export interface ConnectResult {
  readonly code: number;
  readonly stderr: string;
}

/** Plays `agnhost connect`. `resolve` looks a name up as the pod would, and rejects when there is none. */
export async function runConnect(
  request: ConnectRequest,
  netns: Netns,
  resolve: (name: string) => Promise<string>,
): Promise<ConnectResult> {
  const target = splitHostPort(request.target);
  if (!target) return failed(`UNKNOWN: address ${request.target}: missing port in address`);
  let address: string;
  try {
    address = isIP(target.host) ? target.host : await resolve(target.host);
  } catch (error) {
    return failed(`DNS: ${messageOf(error)}`);
  }
  const to = { netns, address, port: target.port, timeout: request.timeout || KERNEL_TIMEOUT };
  return request.protocol === 'tcp'
    ? connectOnce(to)
    : exchangeOnce({ ...to, timeout: request.timeout }, request.udpData);
}

async function connectOnce(to: Parameters<typeof connectTcp>[0]): Promise<ConnectResult> {
  try {
    (await connectTcp(to)).destroy();
    return { code: 0, stderr: '' };
  } catch (error) {
    const errno = error instanceof PodwireError ? error.details.errnoName : undefined;
    if (errno === 'ETIMEDOUT') return failed('TIMEOUT');
    return failed(errno === 'ECONNREFUSED' ? 'REFUSED' : `OTHER: ${messageOf(error)}`);
  }
}

async function exchangeOnce(to: Parameters<typeof udpExchange>[0], payload: string): Promise<ConnectResult> {
  try {
    await udpExchange(to, `${payload}\n`);
    return { code: 0, stderr: '' };
  } catch (error) {
    const reason = hasCode(error, 'LAB_EXCHANGE') ? (error as PodwireError).details.reason : undefined;
    if (reason === 'timeout') return failed('TIMEOUT: i/o timeout');
    return failed(reason === 'refused' ? 'REFUSED: connection refused' : `UNKNOWN: ${messageOf(error)}`);
  }
}

function failed(line: string): ConnectResult {
  return { code: 1, stderr: `${line}\n` };
}

/** `host:port` or `[v6]:port`, or undefined. */
function splitHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  return match && port <= 65535 ? { host: match[1] ?? match[2] ?? '', port } : undefined;
}
