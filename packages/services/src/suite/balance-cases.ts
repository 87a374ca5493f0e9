import type { Balance } from '../model.ts';
import type { ServiceCase } from './case.ts';
import { twins } from './twin.ts';

const SHARES = { 'near1:8080': 1, 'near2:8080': 1, 'far:8080': 1 };
const by = (balance: Balance) => ({ annotations: { 'podwire.io/balance': balance } });

/** Ways to balance (SVC-33). */
export const BALANCE_CASES: readonly ServiceCase[] = twins(
  ({ service, to }) => ({
    name: 'round robin takes turns (SVC-33)',
    steps: [
      {
        services: [service(by('round-robin'))],
        probes: [
          { from: 'client', to: to('cluster IP'), times: 30, shares: SHARES, exact: true, balance: 'round-robin' },
        ],
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'source hash leads a client to one endpoint (SVC-33)',
    steps: [
      {
        services: [service(by('source-hash'))],
        probes: (['client', 'node', 'outside'] as const).map((from) => ({
          from,
          to: to('cluster IP'),
          times: 30,
          grouped: 'together',
          balance: 'source-hash',
        })),
      },
    ],
  }),
  ({ service, to }) => ({
    name: 'Maglev spreads the connections of a client (SVC-33)',
    steps: [
      {
        services: [service(by('maglev'))],
        probes: (['outside', 'client'] as const).map((from) => ({
          from,
          to: to('cluster IP'),
          times: 30,
          grouped: 'spread',
          balance: 'maglev',
        })),
      },
    ],
  }),
  ({ at, service, to }) => ({
    name: 'least connections leads to any endpoint (SVC-33)',
    steps: [
      {
        services: [service({ ...by('least-connections'), backends: ['near1', 'far'] })],
        probes: [{ from: 'client', to: to('cluster IP'), times: 5, sourceAt: { near1: at.client, far: at.client } }],
      },
    ],
  }),
);
