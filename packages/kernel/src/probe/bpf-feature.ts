import { BPF_PROBES, type BpfProbeName } from '../bpf/bpf-probe.ts';
import { withUses } from './feature.ts';

const BALANCING = 'balancing at the socket';

const USES: Readonly<Record<BpfProbeName, string>> = {
  bpf: 'everything below',
  'bpf-hash': 'Services by address and port',
  'bpf-array': 'endpoints by number, settings',
  'bpf-percpu-hash': 'counters without locks',
  'bpf-percpu-array': 'counters without locks',
  'bpf-lru': 'client affinity',
  'bpf-lpm-trie': 'prefixes',
  'bpf-prog-array': 'programs that call each other',
  'bpf-queue': 'free numbers',
  'bpf-ringbuf': 'events of flows',
  'bpf-sk-storage': 'what a socket was balanced to',
  'bpf-map-batch': 'maps filled at a million elements a second',
  'bpf-test-run': 'tests of programs',
  'bpf-bounded-loop': 'loops in programs',
  'bpf-atomic-fetch': 'round robin in programs',
  'bpf-isa-v4': 'shorter programs',
  'bpf-socket-filter': 'filters of sockets',
  'bpf-sched-cls': 'programs at the ends of veths',
  'bpf-xdp': 'programs before the stack',
  'bpf-cgroup-skb': 'packets of a cgroup',
  'bpf-cgroup-link': 'programs that go when their owner goes',
  'bpf-cgroup-connect4': BALANCING,
  'bpf-cgroup-connect6': BALANCING,
  'bpf-cgroup-sendmsg4': BALANCING,
  'bpf-cgroup-sendmsg6': BALANCING,
  'bpf-cgroup-recvmsg4': BALANCING,
  'bpf-cgroup-recvmsg6': BALANCING,
  'bpf-cgroup-getpeername4': BALANCING,
  'bpf-cgroup-getpeername6': BALANCING,
  'bpf-get-netns-cookie': 'balancing that tells pods from nodes',
  'bpf-get-socket-cookie': 'balancing that remembers sockets',
  'bpf-tcx': 'programs at links without qdiscs',
  'bpf-xdp-link': 'programs before the stack that go with their owner',
  'bpf-sk-lookup': 'many ports on one socket',
};

export const BPF_FEATURES = withUses(BPF_PROBES, USES);
