import type { Family } from '@podwire/base';
import type { PlanEntry } from '@podwire/kube';
import type { Table } from '@podwire/nft';
import { balanceOf } from '../choice/choice.ts';
import { conflictsOf } from '../claims.ts';
import { compareText } from '../compare-text.ts';
import { directLimits } from '../direct-return.ts';
import { loopbackLimits } from '../loopback.ts';
import { familiesOf, keyOf, type ServiceModel, type ServicesModel, titleOf } from '../model.ts';
import { NOBODY } from '../peers.ts';
import { planConstants, planForeign } from '../ruleset/constants.ts';
import { declareSet, SET_NAMES, type SetName } from '../ruleset/sets.ts';
import { Settlement } from '../ruleset/settlement.ts';
import { sizeLimits } from '../size-limits.ts';
import { baseChains } from './base-chains.ts';
import { type ChoiceChains, choiceChains } from './choice-chains.ts';
import { directChains } from './direct-chains.ts';
import { directSets } from './direct-sets.ts';
import { TABLES } from './layout.ts';
import { planService } from './service-plan.ts';

/** What a node's service proxy wants, as data. */
export interface Desired {
  /** One per family in use. */
  readonly tables: readonly Table[];
  readonly entries: readonly PlanEntry[];
  /** What could not be had, for people. */
  readonly problems: readonly string[];
  /** Of those the ones about addresses that belong to another service already. */
  readonly conflicts: readonly string[];
}

/** Pure and deterministic; the order of `model.services` does not matter. */
export function plan(model: ServicesModel): Desired {
  const services = [...model.services].sort((a, b) => compareText(keyOf(a), keyOf(b)));
  const settled = familiesOf(model.cluster).map((family) => {
    const plans = services.map((service) => planService(service, { ...model, family }));
    const constants = [planConstants(model, family), planForeign('', model.foreignAddresses, family)];
    return { family, settlement: new Settlement([...constants, ...plans]) };
  });
  const conflicts = settled.flatMap(({ settlement }) => conflictsOf(settlement));
  return {
    tables: settled.map(({ family, settlement }) => tableOf(settlement, { ...model, family })),
    entries: settled.flatMap(({ settlement }) => settlement.winners().map((entry) => entry.describe())),
    problems: [...limitsOf(services, model), ...conflicts],
    conflicts,
  };
}

/** The table of a family. `choices`: made before, so that they need not be made again. */
export function tableOf(
  settlement: Settlement,
  { node, family, peers = NOBODY }: Pick<ServicesModel, 'node' | 'peers'> & { readonly family: Family },
  choices: ChoiceChains = choiceChains(settlement.choices, family),
): Table {
  const elements = settlement.elements();
  const names = choices.direct ? SET_NAMES : PLAIN_SETS;
  const sets = names.map((name) => declareSet(name, family, elements[name]));
  return {
    ...TABLES[family],
    sets: [...sets, ...(choices.direct ? directSets(family, { node, peers }) : []), choices.count],
    chains: [...choices.chains, ...(choices.direct ? directChains(family) : []), ...baseChains(node, family)],
  };
}

const ONLY_DIRECT: readonly SetName[] = ['direct', 'direct-places', 'direct-members'];
const PLAIN_SETS = SET_NAMES.filter((name) => !ONLY_DIRECT.includes(name));

/** One line per wish that rules cannot fulfil. */
export function limitsOf(
  services: Iterable<ServiceModel>,
  { cluster, node, peers }: Pick<ServicesModel, 'cluster' | 'node' | 'peers'>,
): string[] {
  const lines = [...loopbackLimits(node, 'nftables'), ...directLimits(services, { node, peers }, familiesOf(cluster))];
  for (const service of services) {
    lines.push(...sizeLimits(service));
    const { balance } = service;
    if (balance && balance !== balanceOf(service))
      lines.push(
        `${titleOf(keyOf(service))}: balance ${balance} ${service.affinitySeconds ? 'does not go with affinity' : 'is not in mode nftables'}, so it is random; choose another`,
      );
  }
  return lines;
}
