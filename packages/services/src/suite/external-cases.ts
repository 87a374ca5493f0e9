import { ADDRESS } from '../world.fixture.ts';
import type { ServiceCase, Step } from './case.ts';

const ALL = ['far:8080', 'near1:8080', 'near2:8080'];
const http = (nodePort: number) => ({ ports: [{ name: 'http', port: 80, nodePort }] });

const EXTERNAL: Step = {
  services: [
    {
      address: '10.96.0.3',
      options: {
        type: 'LoadBalancer',
        externalIPs: ['198.51.100.3'],
        ...http(30_003),
        ingress: [
          { ip: '198.51.100.4', ipMode: 'VIP' },
          { ip: '198.51.100.5', ipMode: 'Proxy' },
        ],
      },
    },
  ],
  probes: [
    ...(
      [
        [ADDRESS.node, 30_003],
        ['198.51.100.3', 80],
        ['198.51.100.4', 80],
      ] as const
    ).map((to) => ({
      from: 'outside' as const,
      to,
      times: 40,
      servers: ALL,
      sources: [ADDRESS.node],
    })),
    { from: 'node', to: ['127.0.0.1', 30_003], fails: 'refused' },
    { from: 'client', to: ['198.51.100.5', 80], fails: 'silence' },
    { from: 'client', to: [ADDRESS.node, 30_003], sources: [ADDRESS.node] },
    { from: 'node', to: [ADDRESS.node, 30_003], sources: [ADDRESS.node] },
  ],
};

export const EXTERNAL_CASES: readonly ServiceCase[] = [
  {
    name: 'node port, external IP and load-balancer IP from outside, masqueraded (SVC-9, SVC-11, SVC-12)',
    steps: [EXTERNAL],
  },
  {
    name: 'source ranges fence the load-balancer IP and not the node port (SVC-17)',
    steps: [
      {
        services: [
          {
            address: '10.96.0.9',
            options: {
              type: 'LoadBalancer',
              loadBalancerSourceRanges: ['203.0.113.8/29', '203.0.113.10/32'],
              ingress: [{ ip: '198.51.100.9' }],
              ...http(30_009),
            },
          },
        ],
        probes: [
          { from: 'outside', to: ['198.51.100.9', 80] },
          { from: 'client', to: [ADDRESS.node, 30_009] },
          { from: 'client', to: ['198.51.100.9', 80], fails: 'silence' },
          { from: 'node', to: ['198.51.100.9', 80], fails: 'silence' },
        ],
      },
      {
        services: [
          {
            address: '10.96.0.9',
            options: {
              backends: [],
              type: 'LoadBalancer',
              loadBalancerSourceRanges: ['203.0.113.8/29'],
              ingress: [{ ip: '198.51.100.9' }],
              ...http(30_009),
            },
          },
        ],
        probes: [
          { from: 'outside', to: ['198.51.100.9', 80], fails: 'refused' },
          { from: 'client', to: ['198.51.100.9', 80], fails: 'silence' },
        ],
      },
    ],
  },
  {
    name: 'external policy Local from a pod of another node: all endpoints, masqueraded where it must be (SVC-13)',
    steps: [
      {
        services: [
          { address: '10.96.0.13', options: { type: 'NodePort', externalTrafficPolicy: 'Local', ...http(30_013) } },
        ],
        probes: [
          {
            from: 'distant',
            to: [ADDRESS.node, 30_013],
            times: 40,
            servers: ALL,
            sourceAt: { far: ADDRESS.node, near1: ADDRESS.distant, near2: ADDRESS.distant },
          },
        ],
      },
    ],
  },
];
