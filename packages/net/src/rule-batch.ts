import { isErrno, type NetlinkMessage, NLM_F } from '@podwire/kernel';
import { RTM } from '@podwire/kernel/rtnetlink';
import { canonical, type Difference } from './diff.ts';
import type { ItemResult } from './noun.ts';
import { encodeFor, type RouteSocket } from './rtnetlink.ts';
import { encodeRule, normalizeRule, type Rule, readRules, ruleText } from './rule.ts';

export type RuleResult = ItemResult<'rule', Rule>;

/**
 * Writes additions, then removals; one result each. A rule that is there already is a success. The kernel tells rules
 * apart by less than all that they say, so both are looked after where it would take one rule for another.
 */
export function applyRules(socket: RouteSocket, { add, remove }: Difference<Rule>): RuleResult[] {
  for (const rule of remove) bodyOf(rule); // a wrong removal is found before anything is added
  return [...addRules(socket, add), ...removeRules(socket, remove)];
}

const idOf = (rule: Rule): string => canonical(normalizeRule(rule));

const bodyOf = (rule: Rule): Buffer => encodeFor(ruleText(rule), () => encodeRule(rule));

function additionOf(rule: Rule, flags: number): NetlinkMessage {
  return { type: RTM.NEWRULE, flags: NLM_F.CREATE | flags, body: bodyOf(rule), op: `add ${ruleText(rule)}` };
}

/** "It is there" may be said of a rule that differs in `invert` or in what it suppresses. */
function addRules(socket: RouteSocket, rules: readonly Rule[]): RuleResult[] {
  const errors = socket.netlink.batch(rules.map((rule) => additionOf(rule, NLM_F.EXCL)));
  const doubtful = rules.flatMap((_, i) => (isErrno(errors[i], 'EEXIST') ? [i] : []));
  if (doubtful.length > 0) {
    const present = new Set(readRules(socket).map(idOf));
    for (const i of doubtful) errors[i] = undefined;
    const missing = doubtful.filter((i) => !present.has(idOf(rules[i] as Rule)));
    const again = socket.netlink.batch(missing.map((i) => additionOf(rules[i] as Rule, 0)));
    for (const [n, i] of missing.entries()) errors[i] = again[n];
  }
  return rules.map((rule, i) => ({ rule, action: 'add', error: errors[i] }));
}

/**
 * The kernel removes the first rule that has what the request says, and what the request leaves out is no condition:
 * "priority 100 table 10" also fits the rule with a mark that stands before it.
 */
function removeRules(socket: RouteSocket, rules: readonly Rule[]): RuleResult[] {
  if (rules.length === 0) return [];
  const going = new Set(rules.map(idOf));
  const present = readRules(socket).map((rule) => normalizeRule(rule));
  const messages: NetlinkMessage[] = [];
  const last = rules.map((rule) => {
    const target = normalizeRule(rule);
    const place = present.findIndex((one) => idOf(one) === idOf(target));
    if (place < 0) return undefined;
    const before = present.slice(0, place).filter((one) => fits(target, one));
    // copies of those that are to stay come in behind before the originals go
    const copies = before.filter((one) => !going.has(idOf(one)));
    messages.push(...copies.map((one) => additionOf(one, 0)));
    const removal = { type: RTM.DELRULE, flags: 0, body: bodyOf(target), op: `delete ${ruleText(target)}` };
    for (let i = 0; i <= before.length; i++) messages.push(removal);
    const gone = new Set([...before, present[place]]);
    present.splice(0, present.length, ...present.filter((one) => !gone.has(one)), ...copies);
    return messages.length - 1;
  });
  const errors = socket.netlink.batch(messages);
  return rules.map((rule, i) => {
    const error = errors[last[i] ?? -1];
    return { rule, action: 'remove', error: isErrno(error, 'ENOENT') ? undefined : error };
  });
}

/** Whether a request to remove the one would remove the other; rule_find() of the kernel's net/core/fib_rules.c. */
function fits(request: Rule, rule: Rule): boolean {
  const seen = rule as unknown as Record<string, unknown>;
  return Object.entries(request).every(
    ([key, value]) => !isCompared(key, value) || canonical(value) === canonical(seen[key]),
  );
}

function isCompared(key: string, value: unknown): boolean {
  const noCondition = (key === 'mark' || key === 'protocol') && value === 0;
  return key !== 'invert' && key !== 'goto' && !noCondition;
}
