import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import { describeRules, missingRules, ruleAllows } from './rule.ts';

const rule = (verbs: string[], resources: string[], resourceNames?: string[]): PolicyRule => ({
  verbs,
  apiGroups: [''],
  resources,
  ...(resourceNames ? { resourceNames } : {}),
});

test('what is missing is told by verb, resource and name', () => {
  const owned = [
    rule(['get'], ['pods']),
    rule(['*'], ['services'], ['a']),
    { verbs: ['get'], nonResourceURLs: ['/x/*'] },
  ];
  const wanted = [
    rule(['get', 'list', 'watch'], ['pods', 'services'], ['a']),
    { verbs: ['get'], nonResourceURLs: ['/x/y', '/x*'] },
  ];
  assert.deepEqual(describeRules(missingRules(owned, wanted)), [
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["list" "watch"]}',
    '{NonResourceURLs:["/x*"], Verbs:["get"]}',
  ]);
});

test('a star is covered by a star only', () => {
  assert.equal(missingRules([rule(['get'], ['pods', 'pods/log'])], [rule(['get'], ['*'])]).length, 1);
  assert.equal(missingRules([rule(['get'], ['*/scale'])], [rule(['get'], ['*'])]).length, 1);
  assert.equal(missingRules([rule(['*'], ['*'])], [rule(['get', '*'], ['*', 'pods/exec', '*/scale'])]).length, 0);
  assert.equal(missingRules([rule(['get'], ['pods'], ['a'])], [rule(['get'], ['pods'])]).length, 1);
});

const words = (...list: string[]) => fc.uniqueArray(fc.constantFrom(...list), { minLength: 1, maxLength: 3 });
const someRule = fc.record({
  verbs: words('get', 'list', '*'),
  apiGroups: words('', 'apps', '*'),
  resources: words('pods', 'pods/log', 'jobs', '*/log', '*'),
  resourceNames: fc.oneof(fc.constant<string[]>([]), words('a', 'b')),
});

test('who may hand out a rule could do what it allows', () => {
  const request = fc.record({
    verb: fc.constantFrom('get', 'list', 'delete'),
    path: fc.constant(''),
    resource: fc.record({
      group: fc.constantFrom('', 'apps', 'batch'),
      version: fc.constant('v1'),
      resource: fc.constantFrom('pods', 'jobs', 'nodes'),
      subresource: fc.constantFrom('', 'log', 'exec'),
      namespace: fc.constant(''),
      name: fc.constantFrom('', 'a', 'b'),
    }),
  });
  fc.assert(
    fc.property(
      fc.array(someRule, { maxLength: 4 }),
      fc.array(someRule, { maxLength: 3 }),
      request,
      (owned, wanted, asked) => {
        if (missingRules(owned, wanted).length > 0) return;
        const grants = wanted.some((one) => ruleAllows(one, asked));
        assert.ok(!grants || owned.some((one) => ruleAllows(one, asked)));
      },
    ),
    { numRuns: 3000 },
  );
});
