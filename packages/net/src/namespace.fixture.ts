import { execFileSync } from 'node:child_process';
import { parseIp, parsePrefix } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { type Net, openNet } from './net.ts';

export const ip = parseIp;
export const prefix = parsePrefix;

/** What `ip -j ARGS` says in the namespace. */
export function ipJson(netns: Netns, ...args: string[]): Record<string, unknown>[] {
  const text = ipText(netns, '-j', ...args);
  return text.trim() === '' ? [] : JSON.parse(text);
}

export function ipText(netns: Netns, ...args: string[]): string {
  return execFileSync('ip', ['-n', netns.name ?? '', ...args], { stdio: 'pipe' }).toString();
}

/**
 * Runs `fn` in a namespace with the veth pairs v0-v1 and w0-w1, all up, without link-local addresses; 192.0.2.1/24 and
 * fd00::1/64 on v0, 198.51.100.1/24 and fd00:1::1/64 on w0.
 */
export async function withWires(fn: (net: Net, netns: Netns) => void | Promise<void>): Promise<void> {
  await withNetns(1, async (netns) => {
    const net = openNet(netns);
    try {
      for (const letter of ['v', 'w']) wire(net, letter);
      const on = (link: string, address: string, prefixLength: number) => ({
        link,
        address: ip(address),
        prefixLength,
      });
      const addresses = [on('v0', '192.0.2.1', 24), on('w0', '198.51.100.1', 24)];
      const addresses6 = [on('v0', 'fd00::1', 64), on('w0', 'fd00:1::1', 64)].map((a) => ({ ...a, noDad: true }));
      net.applyAddresses({ add: [...addresses, ...addresses6], remove: [] });
      await fn(net, netns);
    } finally {
      net.close();
    }
  });
}

function wire(net: Net, letter: string): void {
  const names = [`${letter}0`, `${letter}1`] as const;
  net.createLink({ name: names[0], kind: 'veth', peer: { name: names[1] } });
  for (const name of names) net.setLink(name, { up: true, addressGeneration: 'none' });
}
