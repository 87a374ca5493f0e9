import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkObject as check, wrongWith as wrong } from '../testing/check-object.ts';
import { cronProblem } from './cron-schedule.ts';

const TEMPLATE = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i:1' }] } };

test('a new Job gets its defaults and a selector of its own', () => {
  const { object, causes } = check('Job', { spec: { template: TEMPLATE } });
  assert.deepEqual(causes, []);
  const labels = {
    'batch.kubernetes.io/controller-uid': 'u',
    'batch.kubernetes.io/job-name': 'x',
    'controller-uid': 'u',
    'job-name': 'x',
  };
  assert.deepEqual(object.metadata.labels, labels);
  const { template, ...spec } = object.spec as { template: { metadata: object } };
  assert.deepEqual(template.metadata, { labels });
  assert.deepEqual(spec, {
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    completions: 1,
    manualSelector: false,
    parallelism: 1,
    podReplacementPolicy: 'TerminatingOrFailed',
    selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } },
    suspend: false,
  });
  const queue = check('Job', { spec: { parallelism: 3, template: TEMPLATE } }).object.spec;
  assert.equal((queue as { completions?: number }).completions, undefined);
});

test('what is wrong with a Job', () => {
  const always = { spec: { containers: TEMPLATE.spec.containers } };
  assert.deepEqual(wrong('Job', { spec: { template: always } }), [
    'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
  ]);
  assert.deepEqual(wrong('Job', { spec: { template: TEMPLATE, completionMode: 'Indexed', parallelism: -1 } }), [
    'spec.parallelism: Invalid value: -1: must be greater than or equal to 0',
    'spec.completions: Required value: when completion mode is Indexed',
  ]);
  assert.deepEqual(wrong('Job', { spec: { template: TEMPLATE, selector: { matchLabels: { a: 'b' } } } }).slice(1), [
    'spec.selector: Invalid value: {"matchLabels":{"batch.kubernetes.io/controller-uid":"u","a":"b"}}: `selector` not auto-generated',
  ]);
  const labels = { a: 'b' };
  const manual = {
    manualSelector: true,
    selector: { matchLabels: labels },
    template: { ...TEMPLATE, metadata: { labels } },
  };
  assert.deepEqual(wrong('Job', { spec: manual }), []);
});

test('a Job keeps its selector and its template, unless it waits', () => {
  const { object: old } = check('Job', { spec: { template: TEMPLATE } });
  const spec = old.spec as object;
  assert.deepEqual(wrong('Job', { ...old, spec: { ...spec, parallelism: 5, suspend: true } }, old), []);
  const { template } = spec as { template: { spec: object } };
  const moved = { ...template, spec: { ...template.spec, nodeSelector: { zone: 'a' } } };
  const [field] = wrong('Job', { ...old, spec: { ...spec, completions: 2, template: moved } }, old);
  assert.equal(field, 'spec.completions: Invalid value: 2: field is immutable');
  assert.match(
    wrong('Job', { ...old, spec: { ...spec, template: moved } }, old).join(),
    /^spec.template: .*immutable$/,
  );
  const waiting = { ...old, spec: { ...spec, suspend: true } };
  assert.deepEqual(wrong('Job', { ...waiting, spec: { ...waiting.spec, template: moved } }, waiting), []);
});

test('schedules of cron', () => {
  const good = ['* * * * *', '*/5 0-12/2 1,15 jan-MAR sun', '5/2 ? * * 0', '@hourly', '@every 1h30m'];
  for (const schedule of good) assert.equal(cronProblem(schedule), undefined, schedule);
  const bad: readonly [schedule: string, problem: RegExp][] = [
    ['* * *', /^expected exactly 5 fields, found 3: \[\* \* \*\]$/],
    ['60 * * * *', /^end of range \(60\) above maximum \(59\): 60$/],
    ['* * 0 * *', /^beginning of range \(0\) below minimum \(1\): 0$/],
    ['9-5 * * * *', /^beginning of range \(9\) beyond end of range \(5\): 9-5$/],
    ['*/0 * * * *', /^step of range should be a positive number: \*\/0$/],
    ['1-2-3 * * * *', /^too many hyphens/],
    ['1/2/3 * * * *', /^too many slashes/],
    ['x * * * *', /^failed to parse int from x/],
    ['* * * * mon-x', /^failed to parse int from x/],
    ['@often', /^unrecognized descriptor: @often$/],
    ['@every soon', /^failed to parse duration @every soon/],
  ];
  for (const [schedule, problem] of bad) assert.match(cronProblem(schedule) ?? '', problem, schedule);
});

test('what is wrong with a CronJob', () => {
  const job = { spec: { template: TEMPLATE } };
  const { object, causes } = check('CronJob', { spec: { schedule: '@daily', jobTemplate: job } });
  assert.deepEqual(causes, []);
  const { jobTemplate, ...rest } = object.spec as { jobTemplate: { spec: object } };
  assert.deepEqual(rest, {
    concurrencyPolicy: 'Allow',
    failedJobsHistoryLimit: 1,
    schedule: '@daily',
    successfulJobsHistoryLimit: 3,
    suspend: false,
  });
  assert.deepEqual(Object.keys(jobTemplate.spec), ['template']);
  assert.deepEqual(
    wrong('CronJob', {
      metadata: { name: 'x'.repeat(53), namespace: 'n' },
      spec: { schedule: 'TZ=UTC * * * *', timeZone: 'Mars/Base', concurrencyPolicy: 'Maybe', jobTemplate: job },
    }),
    [
      'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
      'metadata.name: Invalid value: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx": must be no more than 52 characters',
      'spec.schedule: Invalid value: "TZ=UTC * * * *": expected exactly 5 fields, found 4: [* * * *]',
      'spec.schedule: Invalid value: "TZ=UTC * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
    ],
  );
});

test('roles, bindings, budgets and priorities', () => {
  const named = (name: string) => ({ metadata: { name } });
  assert.deepEqual(
    wrong('ClusterRole', {
      ...named('system:a/b'),
      rules: [
        { verbs: [], apiGroups: [''] },
        { verbs: ['get'], nonResourceURLs: ['/x'], resources: ['y'] },
      ],
    }),
    [
      `metadata.name: Invalid value: "system:a/b": may not contain '/'`,
      'rules[0].verbs: Required value: verbs must contain at least one value',
      'rules[0].resources: Required value: resource rules must supply at least one resource',
      'rules[1].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs',
    ],
  );
  const roleRef = { kind: 'ClusterRole', name: 'a' };
  const binding = check('ClusterRoleBinding', { ...named('a:b'), roleRef, subjects: [{ kind: 'User', name: 'u' }] });
  assert.deepEqual(binding.causes, []);
  const group = 'rbac.authorization.k8s.io';
  assert.deepEqual(binding.object.roleRef, { ...roleRef, apiGroup: group });
  assert.deepEqual(binding.object.subjects, [{ kind: 'User', name: 'u', apiGroup: group }]);
  assert.deepEqual(
    wrong('ClusterRoleBinding', {
      ...named('a'),
      roleRef: { kind: 'Role', name: 'a' },
      subjects: [
        { kind: 'ServiceAccount', name: 's' },
        { kind: 'Robot', name: 'r' },
      ],
    }),
    [
      'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
      'subjects[0].namespace: Required value',
      'subjects[1].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
    ],
  );
  const changed = { ...binding.object, roleRef: { ...roleRef, apiGroup: group, name: 'b' } };
  assert.match(wrong('ClusterRoleBinding', changed, binding.object).join(), /^roleRef: .*: cannot change roleRef$/);
  assert.deepEqual(wrong('PodDisruptionBudget', { spec: { minAvailable: '101%', maxUnavailable: -1 } }), [
    'spec: Invalid value: {"minAvailable":"101%","maxUnavailable":-1}: minAvailable and maxUnavailable cannot be both set',
    'spec.minAvailable: Invalid value: "101%": must not be greater than 100%',
    'spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0',
  ]);
  assert.deepEqual(wrong('PriorityClass', { ...named('a'), value: 1_000_000_001 }), [
    'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
  ]);
  assert.match(wrong('PriorityClass', { ...named('system-x'), value: 1 }).join(), /reserved for system use only/);
  assert.deepEqual(
    wrong(
      'PriorityClass',
      { ...named('a'), value: 2 },
      { ...named('a'), value: 1, preemptionPolicy: 'PreemptLowerPriority' },
    ),
    ['value: Forbidden: may not be changed in an update.'],
  );
});
