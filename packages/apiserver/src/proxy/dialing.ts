import type { Duplex } from 'node:stream';

/** How long a connection may take, in ms: as long as the Kubernetes API server waits. */
export const DIAL_TIMEOUT = 30_000;

/** The connection, unless it takes too long or nobody wants it any more; one that comes later is closed. */
export async function inTime(connecting: Promise<Duplex>, signal: AbortSignal, limit = DIAL_TIMEOUT): Promise<Duplex> {
  const given = Promise.withResolvers<never>();
  const timer = setTimeout(() => given.reject(new Error('i/o timeout')), limit);
  const giveUp = () => given.reject(new Error('operation was canceled'));
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  try {
    return await Promise.race([connecting, given.promise]);
  } catch (error) {
    connecting.then((late) => late.destroy()).catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', giveUp);
  }
}

/** Why there is no connection, as Go has it, where it is what happens every day. */
export function dialText(message: string, address: string): string {
  if (message.includes('ECONNREFUSED')) return `dial tcp ${address}: connect: connection refused`;
  const isLate = message.includes('i/o timeout') || message.includes('ETIMEDOUT');
  return isLate ? `dial tcp ${address}: i/o timeout` : message;
}
