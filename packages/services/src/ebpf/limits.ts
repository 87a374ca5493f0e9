import { balanceOf as packetBalanceOf } from '../choice/choice.ts';
import { directLimits } from '../direct-return.ts';
import { familiesOf, keyOf, type ServiceModel, type ServicesModel, titleOf } from '../model.ts';
import { sizeLimits } from '../size-limits.ts';
import { MAGLEV_SIZE } from './layout.ts';
import { balanceOf } from './socket-entry.ts';

/** What neither sockets nor the rules for other clients can do of what is asked, one line each. */
export function limitsOf(
  services: readonly ServiceModel[],
  { cluster, node, peers }: Pick<ServicesModel, 'cluster' | 'node' | 'peers'>,
): string[] {
  const direct = directLimits(services, { node, peers }, familiesOf(cluster));
  return [...direct, ...services.flatMap((service) => [...sizeLimits(service), ...balanceLimits(service)])];
}

function balanceLimits(service: ServiceModel): string[] {
  const { balance, ports } = service;
  const line = (what: string) => `${titleOf(keyOf(service))}: balance ${balance} ${what}`;
  if (!balance || balance === 'random') return [];
  const forSockets = balanceOf(service);
  const most = Math.max(...ports.map(({ endpoints }) => endpoints.length));
  return [
    ...(forSockets === 'maglev' && most >= MAGLEV_SIZE
      ? [
          line(
            `is for at most ${MAGLEV_SIZE - 1} endpoints in mode ebpf, so for sockets it is random; split the service`,
          ),
        ]
      : []),
    ...(packetBalanceOf(service)
      ? []
      : [line('is for sockets of the node and its pods, and random for other clients')]),
  ];
}
