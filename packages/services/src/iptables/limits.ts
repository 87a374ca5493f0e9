import { noDirectReturn } from '../direct-return.ts';
import { loopbackLimits } from '../loopback.ts';
import { type Balance, keyOf, type NodeModel, type ServiceModel, titleOf } from '../model.ts';
import { sizeLimits } from '../size-limits.ts';

/** How endpoints can be chosen, beside at random. */
export const BALANCES: readonly Balance[] = ['round-robin'];

/** What this mode cannot do of what is asked, one line each. */
export function limitsOf(services: Iterable<ServiceModel>, node: NodeModel): string[] {
  const lines = loopbackLimits(node, 'iptables');
  for (const service of services) {
    const { balance = 'random', slowStart, ports } = service;
    const title = titleOf(keyOf(service));
    lines.push(...sizeLimits(service), ...noDirectReturn(service, 'iptables'));
    const weighted = ports.some(({ endpoints }) => endpoints.some(({ weight }) => weight !== undefined));
    if (!slowStart && weighted && balance === 'round-robin')
      lines.push(
        `${title}: weights do not go with balance round-robin in mode iptables, so all endpoints have the same; choose random`,
      );
    if (slowStart && balance === 'round-robin')
      lines.push(
        `${title}: slow-start does not go with balance round-robin in mode iptables, so endpoints get their full share at once; choose random`,
      );
    if (balance !== 'random' && !BALANCES.includes(balance))
      lines.push(`${title}: balance ${balance} is not in mode iptables, so it is random; choose another`);
  }
  return lines;
}
