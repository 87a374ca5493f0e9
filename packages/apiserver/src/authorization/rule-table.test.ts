import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { ruleAllows } from './rule.ts';
import { SubjectGrants } from './subject-grants.ts';

const words = (...list: string[]) => fc.uniqueArray(fc.constantFrom(...list), { minLength: 1, maxLength: 3 });
const rule: fc.Arbitrary<PolicyRule> = fc.oneof(
  fc.record({
    verbs: words('get', 'list', '*'),
    apiGroups: words('', 'apps', '*'),
    resources: words('pods', 'pods/log', 'jobs', '*/log', '*'),
    resourceNames: fc.oneof(fc.constant<string[]>([]), words('a', 'b')),
  }),
  fc.record({ verbs: words('get', '*'), nonResourceURLs: words('/a', '/a/*', '*') }),
);
const question = fc.oneof(
  fc.record({
    verb: fc.constantFrom('get', 'list', 'delete'),
    path: fc.constant(''),
    resource: fc.record({
      group: fc.constantFrom('', 'apps', 'batch'),
      version: fc.constant('v1'),
      resource: fc.constantFrom('pods', 'jobs', 'nodes'),
      subresource: fc.constantFrom('', 'log', 'exec'),
      namespace: fc.constant(''),
      name: fc.constantFrom('', 'a', 'b', 'c'),
    }),
  }),
  fc.record({ verb: fc.constantFrom('get', 'post'), path: fc.constantFrom('/a', '/a/b', '/b') }),
);

test('few roles or many, the tables say what the rules say', () => {
  const roles = fc.oneof(
    fc.array(fc.array(rule, { maxLength: 3 }), { maxLength: 4 }),
    fc.array(fc.array(rule, { maxLength: 2 }), { minLength: 9, maxLength: 12 }),
  );
  fc.assert(
    fc.property(roles, fc.array(question, { minLength: 1, maxLength: 10 }), (given, asked) => {
      const grants = new SubjectGrants();
      given.forEach((rules, i) => {
        grants.add(`role ${i}`, { rules, reason: `reason ${i}` });
      });
      for (const one of asked) {
        const allowing = given.flatMap((rules, i) => (rules.some((r) => ruleAllows(r, one)) ? [`reason ${i}`] : []));
        const found = grants.find(one);
        assert.ok(found === undefined ? allowing.length === 0 : allowing.includes(found), JSON.stringify(one));
      }
    }),
    { numRuns: 2000 },
  );
});
