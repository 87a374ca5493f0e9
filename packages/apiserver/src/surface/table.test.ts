import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS, type KindName, kindNamed } from '@podwire/kube';
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { formatDuration } from './age.ts';
import { summarizePod } from './pod-columns.ts';
import { tableOf } from './table.ts';

interface Table {
  columnDefinitions: { name: string; priority: number; format: string }[] | null;
  rows: { cells: unknown[]; object: { kind: string } | null }[];
}
const OPTIONS = { includeObject: 'Metadata', columns: true, listMeta: { resourceVersion: '7' } } as const;

function tableFor(kind: KindName, object: object): Table {
  const whole = {
    apiVersion: kindNamed(kind).apiVersion,
    kind,
    metadata: { name: 'x', creationTimestamp: new Date().toISOString() },
    ...object,
  };
  return tableOf(kindNamed(kind), [whole as ApiObject], OPTIONS) as Table;
}

/** `HEADER=cell` of every column. */
function shown(kind: KindName, object: object): string {
  const { columnDefinitions, rows } = tableFor(kind, object);
  return (columnDefinitions ?? []).map(({ name }, index) => `${name.toUpperCase()}=${rows[0]?.cells[index]}`).join(' ');
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
test('ages are written as kubectl writes them', () => {
  const ages: [number, string][] = [
    [-5000, '<invalid>'],
    [0, '0s'],
    [119_999, '119s'],
    [2 * MINUTE, '2m'],
    [9.5 * MINUTE, '9m30s'],
    [11.5 * MINUTE, '11m'],
    [179 * MINUTE, '179m'],
    [3 * HOUR, '3h'],
    [7.5 * HOUR, '7h30m'],
    [47 * HOUR, '47h'],
    [49 * HOUR, '2d1h'],
    [8 * DAY, '8d'],
    [729 * DAY, '729d'],
    [731 * DAY, '2y1d'],
    [3000 * DAY, '8y'],
  ];
  for (const [milliseconds, expected] of ages) assert.equal(formatDuration(milliseconds), expected);
});

const status = (state: object, more: object = {}): ContainerStatus =>
  ({ name: 'c', image: 'i', imageID: '', ready: false, restartCount: 0, state, ...more }) as ContainerStatus;
const NOW = Date.parse('2030-01-01T00:10:00Z');
const FINISHED = '2030-01-01T00:05:00Z';

function summary(pod: object): string {
  const {
    ready,
    status: word,
    restarts,
  } = summarizePod({ metadata: {}, spec: { containers: [{ name: 'c' }] }, ...pod } as Pod, NOW);
  return `${ready} ${word} ${restarts}`;
}

test('the status word of a pod', () => {
  const running = status({ running: {} }, { ready: true });
  const crashed = status(
    { waiting: { reason: 'CrashLoopBackOff' } },
    { restartCount: 3, lastState: { terminated: { exitCode: 1, finishedAt: FINISHED } } },
  );
  const initSpec = { containers: [{ name: 'c' }], initContainers: [{ name: 'i' }] };
  const done = status({ terminated: { exitCode: 0, reason: 'Completed' } });
  assert.equal(summary({ status: { phase: 'Pending' } }), '0/1 Pending 0');
  assert.equal(summary({ status: { phase: 'Running', containerStatuses: [running] } }), '1/1 Running 0');
  assert.equal(
    summary({ status: { phase: 'Running', containerStatuses: [crashed] } }),
    '0/1 CrashLoopBackOff 3 (5m ago)',
  );
  assert.equal(summary({ status: { phase: 'Succeeded', containerStatuses: [done] } }), '0/1 Completed 0');
  assert.equal(
    summary({
      status: { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 1, reason: 'Error' } })] },
    }),
    '0/1 Error 0',
  );
  assert.equal(
    summary({ status: { phase: 'Failed', containerStatuses: [status({ terminated: { exitCode: 137, signal: 9 } })] } }),
    '0/1 Signal:9 0',
  );
  assert.equal(
    summary({ metadata: { deletionTimestamp: FINISHED }, status: { phase: 'Running', containerStatuses: [running] } }),
    '1/1 Terminating 0',
  );
  assert.equal(
    summary({ spec: initSpec, status: { phase: 'Pending', initContainerStatuses: [status({ running: {} })] } }),
    '0/1 Init:0/1 0',
  );
  assert.equal(
    summary({
      spec: initSpec,
      status: { phase: 'Pending', initContainerStatuses: [status({ terminated: { exitCode: 1, reason: 'Error' } })] },
    }),
    '0/1 Init:Error 0',
  );
  assert.equal(summary({ status: { phase: 'Failed', reason: 'Evicted' } }), '0/1 Evicted 0');
});

test('columns of the other kinds', () => {
  assert.equal(
    shown('Service', {
      spec: {
        type: 'NodePort',
        clusterIP: '10.96.0.1',
        ports: [{ port: 80, nodePort: 30080, protocol: 'TCP' }],
        selector: { app: 'a' },
      },
    }),
    'NAME=x TYPE=NodePort CLUSTER-IP=10.96.0.1 EXTERNAL-IP=<none> PORT(S)=80:30080/TCP AGE=0s SELECTOR=app=a',
  );
  assert.match(shown('Service', { spec: { type: 'LoadBalancer' } }), /EXTERNAL-IP=<pending> PORT\(S\)=<none>/);
  const template = {
    spec: {
      containers: [
        { name: 'c', image: 'i:1' },
        { name: 'd', image: 'j' },
      ],
    },
  };
  assert.equal(
    shown('Deployment', {
      spec: { replicas: 2, selector: { matchLabels: { app: 'a' } }, template },
      status: { readyReplicas: 1, updatedReplicas: 2 },
    }),
    'NAME=x READY=1/2 UP-TO-DATE=2 AVAILABLE=0 AGE=0s CONTAINERS=c,d IMAGES=i:1,j SELECTOR=app=a',
  );
  assert.match(
    shown('Node', {
      metadata: { name: 'x', labels: { 'node-role.kubernetes.io/worker': '' } },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '172.30.0.11' }],
      },
    }),
    /STATUS=Ready,SchedulingDisabled ROLES=worker AGE=<unknown> VERSION= INTERNAL-IP=172\.30\.0\.11 EXTERNAL-IP=<none>/,
  );
  assert.equal(
    shown('Ingress', {
      spec: { rules: ['a', 'b', 'c', 'd'].map((host) => ({ host })), tls: [{}] },
      status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    }),
    'NAME=x CLASS=<none> HOSTS=a,b,c + 1 more... ADDRESS=1.2.3.4 PORTS=80, 443 AGE=0s',
  );
  assert.equal(
    shown('EndpointSlice', { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ addresses: ['10.0.0.1'] }] }),
    'NAME=x ADDRESSTYPE=IPv4 PORTS=80 ENDPOINTS=10.0.0.1 AGE=0s',
  );
  assert.equal(
    shown('NetworkPolicy', {
      spec: { podSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'c'] }] } },
    }),
    'NAME=x POD-SELECTOR=a in (b,c) AGE=0s',
  );
  const seen = new Date(Date.now() - 5000).toISOString();
  assert.match(
    shown('Event', {
      involvedObject: { kind: 'Pod', name: 'p' },
      type: 'Normal',
      reason: 'Started',
      message: 'up\n',
      lastTimestamp: seen,
    }),
    /^LAST SEEN=5s TYPE=Normal REASON=Started OBJECT=pod\/p .*MESSAGE=up .*NAME=x$/,
  );
});

test('jobs and what limits them', () => {
  const at = (minutes: number): string => new Date(Date.now() - minutes * MINUTE).toISOString();
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  const done = { type: 'Complete', status: 'True' };
  assert.equal(
    shown('Job', {
      spec: { completions: 3, parallelism: 2, template, selector: { matchLabels: { a: 'b' } } },
      status: { succeeded: 3, startTime: at(10), completionTime: at(4), conditions: [done] },
    }),
    'NAME=x STATUS=Complete COMPLETIONS=3/3 DURATION=6m AGE=0s CONTAINERS=c IMAGES=i SELECTOR=a=b',
  );
  const short = (kind: KindName, object: object): unknown[] => tableFor(kind, object).rows[0]?.cells.slice(1, 5) ?? [];
  assert.deepEqual(short('Job', { spec: { parallelism: 4, template } }), ['Running', '0/1 of 4', '', '0s']);
  const going = { deletionTimestamp: at(0), creationTimestamp: at(0) };
  assert.deepEqual(short('Job', { metadata: going, spec: { template } }), ['Terminating', '0/1', '', '0s']);
  const suspended = { conditions: [{ type: 'Suspended', status: 'True' }] };
  assert.equal(short('Job', { status: suspended })[0], 'Suspended');
  assert.equal(
    shown('CronJob', {
      spec: { schedule: '*/5 * * * *', suspend: false, timeZone: 'Etc/UTC', jobTemplate: { spec: { template } } },
      status: { active: [{}], lastScheduleTime: at(3) },
    }),
    'NAME=x SCHEDULE=*/5 * * * * TIMEZONE=Etc/UTC SUSPEND=False ACTIVE=1 LAST SCHEDULE=3m AGE=0s CONTAINERS=c IMAGES=i SELECTOR=<none>',
  );
  assert.equal(
    shown('PodDisruptionBudget', { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 2 } }),
    'NAME=x MIN AVAILABLE=50% MAX UNAVAILABLE=N/A ALLOWED DISRUPTIONS=2 AGE=0s',
  );
  assert.equal(
    shown('PriorityClass', { value: 7, preemptionPolicy: 'Never' }),
    'NAME=x VALUE=7 GLOBAL-DEFAULT=false AGE=0s PREEMPTIONPOLICY=Never',
  );
});

test('roles and their bindings', () => {
  const created = { name: 'x', creationTimestamp: '2026-01-02T03:04:05Z' };
  assert.equal(shown('ClusterRole', { metadata: created }), 'NAME=x CREATED AT=2026-01-02T03:04:05Z');
  assert.equal(
    shown('RoleBinding', {
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'User', name: 'v' },
        { kind: 'Group', name: 'g' },
        { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      ],
    }),
    'NAME=x ROLE=Role/r AGE=0s USERS=u, v GROUPS=g SERVICEACCOUNTS=n/s',
  );
});

test('every kind has a table, with the object as asked for', () => {
  // What no object of these kinds is without.
  const least: Partial<Record<KindName, object>> = {
    Event: { involvedObject: {} },
    RoleBinding: { roleRef: {} },
    ClusterRoleBinding: { roleRef: {} },
  };
  for (const kind of KINDS) {
    const { columnDefinitions } = tableFor(kind.kind, least[kind.kind] ?? {});
    assert.equal(columnDefinitions?.filter(({ format }) => format === 'name').length, 1, kind.kind);
  }
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: '1' } };
  const table = (includeObject: 'Metadata' | 'Object' | 'None'): Table =>
    tableOf(kindNamed('ConfigMap'), [object], {
      includeObject,
      columns: false,
      listMeta: { resourceVersion: '1' },
    }) as Table;
  assert.equal(table('Metadata').rows[0]?.object?.kind, 'PartialObjectMetadata');
  assert.deepEqual(table('Object').rows[0]?.object, object);
  assert.equal(table('None').rows[0]?.object, null);
  assert.equal(table('None').columnDefinitions, null);
});
