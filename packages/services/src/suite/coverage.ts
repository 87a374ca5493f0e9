/** A number of SEMANTICS, section 3: what is asked, and where it is tested. */
export interface Covered {
  readonly what: string;
  /** Besides the cases and changes of the suite that cite it: test files below packages/, and titles that are in them. */
  readonly tests?: Readonly<Record<string, string>>;
  /** Where nothing tests it: why. */
  readonly open?: string;
}

const ALLOCATION = 'apiserver/src/core/service-allocation.test.ts';
const ADDRESSES = 'apiserver/src/core/service-addresses.test.ts';
const CIDRS = 'apiserver/src/core/service-cidrs.test.ts';
const FAMILIES = 'apiserver/src/core/service-families.test.ts';
const UPDATE = 'apiserver/src/core/service-update.test.ts';
const SLICES = 'controllers/src/slices.test.ts';
const HINTS = 'controllers/src/topology-hints.test.ts';
const MIRRORED = 'controllers/src/mirrored-slices.test.ts';
const HEALTH = 'services/src/health.kernel.test.ts';
const ANSWER = 'services/src/health-answer.test.ts';
const FAULTS = 'services/src/faults/faults.kernel.test.ts';
const MODES = 'services/src/mode-changes.kernel.test.ts';
const BALANCE = 'services/src/nftables/balance.kernel.test.ts';
const MODEL = 'services/src/model-from-api.test.ts';
const USERSPACE = 'services/src/userspace/userspace-world.kernel.test.ts';

export const COVERAGE: Readonly<Record<string, Covered>> = {
  'SVC-1': { what: 'cluster IPs, many ports, TCP, UDP and SCTP' },
  'SVC-2': { what: 'equal shares; slices merged, duplicates once' },
  'SVC-3': { what: 'terminating endpoints where none is ready' },
  'SVC-4': { what: 'refused without endpoints' },
  'SVC-5': { what: 'dropped by policy Local where endpoints are elsewhere' },
  'SVC-6': { what: 'missing ports refused, addresses of nobody dropped' },
  'SVC-7': { what: 'hairpin' },
  'SVC-8': {
    what: 'who is masqueraded',
    tests: { 'services/src/masquerade-all.kernel.test.ts': 'masqueradeAll: endpoints see the node' },
  },
  'SVC-9': {
    what: 'addresses of node ports',
    tests: {
      [HEALTH]: 'node ports at the addresses of the given ranges',
      'services/src/loopback.kernel.test.ts': 'node ports at loopback addresses',
    },
  },
  'SVC-10': {
    what: 'numbers of node ports',
    tests: {
      [ALLOCATION]: 'one number belongs to one Service, on as many protocols as it likes',
      [ADDRESSES]: 'node ports nobody asked for come from above the lower band',
    },
  },
  'SVC-11': { what: 'external IPs', tests: { [ALLOCATION]: 'new externalIPs can be denied' } },
  'SVC-12': { what: 'load-balancer addresses by ipMode' },
  'SVC-13': { what: 'external policy Local' },
  'SVC-14': { what: 'internal policy Local' },
  'SVC-15': {
    what: 'health check node ports',
    tests: {
      [HEALTH]: 'a health check node port follows local endpoints and the policy',
      [ANSWER]: 'terminating endpoints, those of other nodes and stale rules do not count',
    },
  },
  'SVC-16': { what: 'health of the proxy', tests: { [HEALTH]: 'the proxy drains a node that goes, and lives on' } },
  'SVC-17': { what: 'source ranges' },
  'SVC-18': {
    what: 'load balancers without node ports, and of a class',
    tests: { [ALLOCATION]: 'allocateLoadBalancerNodePorts: none, then some, and explicit ones in any case' },
  },
  'SVC-19': {
    what: 'session affinity',
    tests: { [ALLOCATION]: 'session affinity: 10800 s by default, 1 to 86400' },
  },
  'SVC-20': { what: 'topology hints', tests: { [HINTS]: 'Auto: its safeguards say why there are no hints' } },
  'SVC-21': { what: 'publishNotReadyAddresses', tests: { [SLICES]: 'publishNotReadyAddresses makes all ready' } },
  'SVC-22': { what: 'headless services, other proxies, ExternalName' },
  'SVC-23': { what: 'named target ports', tests: { [SLICES]: 'a named target port is the number each pod has' } },
  'SVC-24': {
    what: 'endpoints by hand, outside the cluster, more than a thousand, mirrored',
    tests: { [MIRRORED]: 'one slice for each family of each subset, with what the Endpoints say' },
  },
  'SVC-25': {
    what: 'UDP flows of endpoints that go and come',
    tests: { 'services/src/ebpf/connected-datagrams.kernel.test.ts': 'connected UDP sockets in mode ebpf' },
  },
  'SVC-26': { what: 'open connections of endpoints that go; late segments' },
  'SVC-27': { what: 'both families', tests: { [FAMILIES]: 'the second family comes and goes, the first stays' } },
  'SVC-28': {
    what: 'ranges of cluster IPs',
    tests: {
      [CIDRS]: 'the Service kubernetes has the first address, and DNS may have the tenth',
      [ADDRESSES]: 'the lower band is min(max(16, size/16), 256)',
    },
  },
  'SVC-29': {
    what: 'changes of type, addresses in decimal',
    tests: { [UPDATE]: 'each type has what it needs, whatever it was before', [MODEL]: '010.0.0.1' },
  },
  'SVC-30': { what: 'from everywhere, to host-network endpoints, large requests' },
  'SVC-31': {
    what: 'updates in one transaction, what others delete is restored',
    tests: { [FAULTS]: 'is noticed within a minute, repaired and told' },
  },
  'SVC-32': {
    what: 'one suite for all modes, live changes of mode',
    tests: {
      'services/src/suite/suite.test.ts': 'every mode runs the suite (SVC-32)',
      [MODES]: 'a live change from each mode to each other: one connection goes on through all of them',
    },
  },
  'SVC-33': {
    what: 'other ways to balance',
    tests: {
      [BALANCE]: 'source hash: a client has its endpoint, without being remembered',
      [USERSPACE]: 'an endpoint that refuses or is silent is passed over',
      'services/src/slow-start.kernel.test.ts': 'slow start in mode',
      'services/src/ebpf/least-connections.kernel.test.ts': 'least connections in mode ebpf',
    },
  },
  'SVC-34': {
    what: 'services of several clusters',
    tests: {
      'services/src/service-import.test.ts': 'endpoints are on this node by their address, whatever the cluster',
    },
  },
};
