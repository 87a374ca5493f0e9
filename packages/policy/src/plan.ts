import type { PlanEntry } from '@podwire/kube';
import type { Chain, NamedSet, Rule, SetElement, Statement, Table } from '@podwire/nft';
import { blockRanges, rangeValue } from './address-range.ts';
import type { Direction, Policy, PolicyModel, PolicyPod, PolicyRule } from './model.ts';
import { NameTable } from './name-table.ts';
import { namedPortMatches, numberMatches } from './port-plan.ts';
import { isolatedPods, Selection } from './selection.ts';

export const TABLE_NAME = 'podwire-policy';

export interface PolicyPlan {
  readonly table: Table;
  /** One entry per isolated pod and direction. */
  readonly entries: readonly PlanEntry[];
}

/** The table that enforces the model's policies on the local pods. See the README for how the chains hang together. */
export function plan(model: PolicyModel): PolicyPlan {
  return new Planner(model).plan();
}

type ChainVerdict = Extract<Statement, { kind: 'verdict' }>;
const accept: ChainVerdict = { kind: 'verdict', verdict: { kind: 'accept' } };
const drop: ChainVerdict = { kind: 'verdict', verdict: { kind: 'drop' } };
const goto = (chain: string): ChainVerdict => ({ kind: 'verdict', verdict: { kind: 'goto', chain } });
const jump = (chain: string): ChainVerdict => ({ kind: 'verdict', verdict: { kind: 'jump', chain } });
const address = (field: 'ip saddr' | 'ip daddr') => ({ kind: 'payload', field }) as const;

/** Which address belongs to the isolated pod, which to its peer, and what allowing means. */
const DIRECTIONS = {
  ingress: { own: address('ip daddr'), peer: address('ip saddr'), allowed: accept },
  egress: { own: address('ip saddr'), peer: address('ip daddr'), allowed: goto('ingress') },
} as const;

class Planner {
  readonly #model: PolicyModel;
  readonly #selection: Selection;
  readonly #names = new NameTable();
  readonly #sets: NamedSet[] = [];
  readonly #chains: Chain[] = [];
  readonly #entries: PlanEntry[] = [];

  constructor(model: PolicyModel) {
    this.#model = model;
    this.#selection = new Selection(model);
  }

  plan(): PolicyPlan {
    this.#direction('ingress');
    this.#direction('egress');
    const table: Table = {
      family: 'ip',
      name: TABLE_NAME,
      comment: 'NetworkPolicy',
      sets: this.#sets,
      chains: [...baseChains(), ...this.#chains],
    };
    return { table, entries: this.#entries };
  }

  #direction(direction: Direction): void {
    const isolated = isolatedPods(this.#model, this.#selection, direction);
    const elements: SetElement[] = [];
    const gates = new Map<string, string>();
    const chains = new Map<Policy, string>();
    const subjects = [...isolated.keys()];
    for (const policy of new Set([...isolated.values()].flat()))
      chains.set(policy, this.#policyChain(policy, direction, subjects));
    for (const [pod, policies] of isolated) {
      const list = policies.map((policy) => `${policy.namespace}/${policy.name}`);
      const key = list.join(' ');
      const gate =
        gates.get(key) ??
        this.#gate(
          policies.map((policy) => chains.get(policy) ?? ''),
          list,
          direction,
        );
      gates.set(key, gate);
      for (const ip of v4(pod)) {
        elements.push({ key: [ip], data: { kind: 'goto', chain: gate }, comment: `${pod.namespace}/${pod.name}` });
        this.#entries.push({
          what: `isolate ${direction} of pod ${pod.namespace}/${pod.name} (${ip})`,
          why: `NetworkPolicy ${list.join(', ')}`,
        });
      }
    }
    this.#sets.push({ name: `${direction}-pods`, key: ['ipv4_addr'], data: 'verdict', elements });
  }

  /** The chain of all pods that the same policies isolate: any policy may allow, else drop. */
  #gate(policyChains: readonly string[], policies: readonly string[], direction: Direction): string {
    const name = this.#names.give(`${direction}-gate/`, policies.join('+'));
    const rules: Rule[] = policyChains.map((chain) => ({ statements: [jump(chain)] }));
    this.#chains.push({
      name,
      rules: [...rules, { statements: [drop], comment: `${direction} not allowed by ${policies.join(', ')}` }],
    });
    return name;
  }

  #policyChain(policy: Policy, direction: Direction, subjects: readonly PolicyPod[]): string {
    const name = this.#names.give(`${direction}/`, `${policy.namespace}/${policy.name}`);
    const rules = (policy[direction] ?? []).flatMap((rule, index) =>
      this.#rule(rule, { policy, direction, subjects, index, name }),
    );
    this.#chains.push({ name, rules });
    return name;
  }

  /** One nft rule per kind of peer and kind of port; any of them lets the packet pass. */
  #rule(rule: PolicyRule, place: RulePlace): Rule[] {
    const { policy, direction, index } = place;
    const ports = this.#portMatches(rule, place);
    const comment = `${policy.namespace}/${policy.name} ${direction} rule ${index}`;
    return this.#peerMatches(rule, place).flatMap((peer) =>
      ports.map((port) => ({ statements: [...peer, ...port, DIRECTIONS[direction].allowed], comment })),
    );
  }

  #peerMatches({ peers }: PolicyRule, { policy, direction, name, index }: RulePlace): Statement[][] {
    if (!peers) return [[]];
    const pods = new Set(
      peers.flatMap((peer) =>
        peer.kind === 'pods' ? this.#selection.peerPods(peer, policy.namespace).flatMap(v4) : [],
      ),
    );
    const hasSelectors = peers.some((peer) => peer.kind === 'pods');
    const blocks = blockRanges(peers).map((range): SetElement => ({ key: [rangeValue(range)] }));
    const lookup = (set: string): Statement[] => [{ kind: 'lookup', key: DIRECTIONS[direction].peer, set }];
    const found: Statement[][] = [];
    if (hasSelectors) {
      const set = this.#names.give('', `${name}/${index}/pods`);
      this.#sets.push({ name: set, key: ['ipv4_addr'], elements: [...pods].map((ip) => ({ key: [ip] })) });
      found.push(lookup(set));
    }
    if (blocks.length > 0) {
      const set = this.#names.give('', `${name}/${index}/blocks`);
      this.#sets.push({ name: set, key: ['ipv4_addr'], interval: true, elements: blocks });
      found.push(lookup(set));
    }
    return found;
  }

  #portMatches({ ports }: PolicyRule, place: RulePlace): Statement[][] {
    if (!ports) return [[]];
    const named = [...new Set(ports.flatMap((port) => (port.kind === 'named' ? [port.name] : [])))];
    return [
      ...numberMatches(ports),
      ...named.flatMap((name) => namedPortMatches(ports, { name, set: this.#namedPorts(name, place) })),
    ];
  }

  /** Where the port of that name is on every pod it can matter for: the isolated pods themselves, or everyone they reach. */
  #namedPorts(port: string, { direction, subjects }: RulePlace): string {
    const name = this.#names.give('', `${direction}-port/${port}`, 'shared');
    if (this.#sets.some((set) => set.name === name)) return name;
    const pods = direction === 'ingress' ? subjects : this.#model.pods;
    const keys = new Map<string, SetElement>();
    for (const pod of pods) {
      for (const { name: portName, protocol, port: number } of pod.ports) {
        if (portName !== port) continue;
        for (const ip of v4(pod)) keys.set(`${ip} ${protocol} ${number}`, { key: [ip, protocol, number] });
      }
    }
    this.#sets.push({ name, key: ['ipv4_addr', 'inet_proto', 'inet_service'], elements: [...keys.values()] });
    return name;
  }
}

interface RulePlace {
  readonly policy: Policy;
  readonly direction: Direction;
  readonly subjects: readonly PolicyPod[];
  readonly index: number;
  /** Of the policy's chain. */
  readonly name: string;
}

const v4 = (pod: PolicyPod): string[] => pod.addresses.filter((ip) => !ip.includes(':'));

function baseChains(): Chain[] {
  const replies: Rule = {
    statements: [
      { kind: 'match', left: { kind: 'ct', key: 'state' }, op: '==', right: ['established', 'related'] },
      accept,
    ],
    comment: 'replies and related errors of what was allowed',
  };
  const egress: Rule = { statements: [{ kind: 'vmap', key: DIRECTIONS.egress.own, map: 'egress-pods' }] };
  return [
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: 0 },
      rules: [replies, egress, { statements: [goto('ingress')] }],
    },
    {
      name: 'input',
      base: { type: 'filter', hook: 'input', priority: 0 },
      rules: [replies, egress],
      comment: 'pods to their own node',
    },
    {
      name: 'ingress',
      rules: [
        { statements: [{ kind: 'vmap', key: DIRECTIONS.ingress.own, map: 'ingress-pods' }] },
        { statements: [accept] },
      ],
    },
  ];
}
