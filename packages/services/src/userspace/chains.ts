import type { Family } from '@podwire/base';
import type { Chain, Statement } from '@podwire/nft';
import { entryChains, filterChains } from '../ruleset/chains.ts';
import { FIELDS, inSet, isDnat, jump, mapped, protocolIs, rule, stateIs, verdict } from '../ruleset/expressions.ts';
import { LISTENERS } from './layout.ts';

/**
 * The rules, which never change. What has an endpoint is sent to a listener of this node; what has none, and who may use
 * load-balancer addresses, is as in mode nftables.
 */
export function chains(family: Family): Chain[] {
  const fields = FIELDS[family];
  const toListener = (map: 'svc' | 'inside'): Statement => ({
    kind: 'dnat',
    family: fields.ip,
    to: mapped(fields.key, map),
    withPort: true,
  });
  return [
    ...entryChains(fields),
    { name: 'inside-services', rules: [rule([toListener('inside')])] },
    {
      name: 'prerouting',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [rule([inSet(fields.source, 'pod-cidrs'), jump('inside-services')]), rule([toListener('svc')])],
    },
    {
      name: 'output',
      base: { type: 'nat', hook: 'output', priority: -100 },
      rules: [rule([jump('inside-services')]), rule([toListener('svc')])],
    },
    guardChain(family),
    ...filterChains(fields),
  ];
}

/** Otherwise a listener would be a second address of its service, without fence. */
function guardChain(family: Family): Chain {
  const atListener: Statement = { kind: 'lookup', key: FIELDS[family].key, set: LISTENERS };
  return {
    name: 'guard',
    base: { type: 'filter', hook: 'input', priority: -11 },
    rules: [
      rule([isDnat, verdict('accept')], 'captured'),
      rule([stateIs('established', 'related'), verdict('accept')]),
      rule([protocolIs('tcp'), atListener, { kind: 'reject', with: 'tcp-reset' }]),
      rule([atListener, { kind: 'reject', with: 'port-unreachable' }]),
    ],
  };
}
