import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { createFilter } from './tc-filter.ts';
import { createQdisc, type QdiscKind } from './tc-qdisc.ts';

/** Each needs a netns that is thrown away; it throws KernelError when the kernel cannot. */
function onLoopback(trial: (netlink: Netlink<'route'>, link: number) => void): void {
  const link = libc.if_nametoindex('lo');
  checkCall(link === 0 ? -1 : 0, () => 'find the link lo');
  const netlink = openNetlink('route');
  try {
    trial(netlink, link);
  } finally {
    netlink.close();
  }
}

const tryQdisc = (kind: QdiscKind) => () => onLoopback((netlink, link) => createQdisc(netlink, { link, ...kind }));

/** BPF_RET | BPF_K 0: a classic program that matches nothing. */
const RETURN_NOTHING = Buffer.from([6, 0, 0, 0, 0, 0, 0, 0]);

function tryBpfFilter(): void {
  onLoopback((netlink, link) => {
    createQdisc(netlink, { link, kind: 'clsact' });
    createFilter(netlink, { link, parent: 'ingress', kind: 'bpf', name: 'probe', classic: RETURN_NOTHING });
  });
}

function tryMatchall(): void {
  onLoopback((netlink, link) => {
    createQdisc(netlink, { link, kind: 'clsact' });
    createFilter(netlink, { link, parent: 'ingress', kind: 'matchall', actions: [{ kind: 'gact', verdict: 'pass' }] });
  });
}

/** Traffic control by what the kernel is asked to do. */
export const TC_PROBES = {
  'qdisc-tbf': tryQdisc({ kind: 'tbf', options: { rate: 1e6, burst: 10_000, latency: 10_000 } }),
  'qdisc-htb': tryQdisc({ kind: 'htb' }),
  'qdisc-clsact': tryQdisc({ kind: 'clsact' }),
  'qdisc-netem': tryQdisc({ kind: 'netem', options: { delay: 1000 } }),
  'qdisc-fq': tryQdisc({ kind: 'fq' }),
  'tc-bpf': tryBpfFilter,
  'tc-matchall': tryMatchall,
} as const satisfies Record<string, () => void>;
