import { ADDRESS } from '../world.fixture.ts';
import type { ServiceCase } from './case.ts';

const EVERYWHERE = ['client', 'node', 'outside'] as const;
const ALL = ['far:8080', 'near1:8080', 'near2:8080'];

export const CLUSTER_IP_CASES: readonly ServiceCase[] = [
  {
    name: 'a cluster IP spreads connections equally and keeps the source of pods (SVC-1, SVC-2, SVC-8)',
    steps: [
      {
        services: [{ address: '10.96.0.1' }],
        // 150 draws of 1/3: less than 25 has a probability below 1e-5
        probes: [
          { from: 'client', to: ['10.96.0.1', 80], times: 150, servers: ALL, sources: [ADDRESS.client], least: 25 },
        ],
      },
    ],
  },
  {
    name: 'a node, and the outside by way of a node, reach a cluster IP from the address of the node',
    steps: [
      {
        services: [{ address: '10.96.0.1' }],
        probes: [
          { from: 'node', to: ['10.96.0.1', 80], times: 40, servers: ALL, sources: [ADDRESS.node] },
          { from: 'outside', to: ['10.96.0.1', 80], times: 20, sources: [ADDRESS.node] },
        ],
      },
    ],
  },
  {
    name: 'the same number on two protocols is two ports (SVC-1)',
    steps: [
      {
        services: [
          {
            address: '10.96.0.14',
            options: {
              backends: ['near1'],
              ports: [
                { name: 'http', protocol: 'TCP', port: 53 },
                { name: 'dns', protocol: 'UDP', port: 53 },
              ],
            },
          },
        ],
        probes: [
          { from: 'client', to: ['10.96.0.14', 53], servers: ['near1:8080'] },
          { from: 'client', to: ['10.96.0.14', 53], protocol: 'udp', servers: ['near1'] },
        ],
      },
    ],
  },
  {
    name: 'a named target port may be another number in each slice (SVC-23)',
    steps: [
      {
        services: [
          {
            address: '10.96.0.2',
            options: { backends: ['near1'] },
            slices: [{ backends: ['near2'], targetPort: 9090 }],
          },
        ],
        probes: [{ from: 'client', to: ['10.96.0.2', 80], times: 40, servers: ['near1:8080', 'near2:9090'] }],
      },
    ],
  },
  {
    name: 'a pod reaches itself through its own service, masqueraded only then (SVC-7)',
    steps: [
      {
        services: [{ address: '10.96.0.4', options: { backends: ['near1'] } }],
        probes: [
          { from: 'near1', to: ['10.96.0.4', 80], servers: ['near1:8080'], sources: [ADDRESS.node] },
          { from: 'near2', to: ['10.96.0.4', 80], servers: ['near1:8080'], sources: [ADDRESS.near2] },
        ],
      },
    ],
  },
  {
    name: 'a missing port is refused, an address of nobody is silent (SVC-6)',
    steps: [
      {
        services: [{ address: '10.96.0.1' }],
        probes: EVERYWHERE.flatMap((from) => [
          { from, to: ['10.96.0.1', 81], fails: 'refused' },
          { from, to: ['10.97.0.1', 80], fails: 'silence' },
        ]),
      },
    ],
  },
  {
    name: 'serving and terminating endpoints are used while nothing is ready (SVC-3)',
    steps: [
      {
        services: [
          {
            address: '10.96.0.6',
            options: { backends: ['near1'], conditions: { ready: false, serving: true, terminating: true } },
          },
        ],
        probes: [{ from: 'client', to: ['10.96.0.6', 80], servers: ['near1:8080'] }],
      },
      {
        services: [
          {
            address: '10.96.0.6',
            options: { backends: ['near1'], conditions: { ready: false, serving: true, terminating: true } },
            slices: [{ backends: ['near2'] }],
          },
        ],
        probes: [{ from: 'client', to: ['10.96.0.6', 80], times: 10, servers: ['near2:8080'] }],
      },
    ],
  },
  {
    name: 'an endpoint that is neither ready nor serving gets nothing (SVC-3)',
    steps: [
      {
        services: [
          {
            address: '10.96.0.15',
            options: { backends: ['near1'], conditions: { ready: false, serving: false } },
          },
        ],
        probes: [{ from: 'client', to: ['10.96.0.15', 80], fails: 'refused' }],
      },
    ],
  },
];
