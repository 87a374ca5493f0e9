import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkObject, wrongWith } from '../testing/check-object.ts';

const TEMPLATE = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i:1' }] } };

test('limits of containers: defaults and their order', () => {
  const limits = (item: object) => ({ spec: { limits: [{ type: 'Container', ...item }] } });
  const { object, causes } = checkObject('LimitRange', limits({ max: { cpu: '1' }, min: { memory: '1Mi' } }));
  assert.deepEqual(causes, []);
  const [item] = (object.spec as { limits: object[] }).limits;
  assert.deepEqual(item, {
    type: 'Container',
    max: { cpu: '1' },
    min: { memory: '1Mi' },
    default: { cpu: '1' },
    defaultRequest: { cpu: '1', memory: '1Mi' },
  });
  assert.deepEqual(
    wrongWith('LimitRange', limits({ min: { cpu: '2' }, max: { cpu: '1500m' }, default: { cpu: '1' } })),
    [
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than default request value 1',
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1500m',
    ],
  );
  const twice = [{ type: 'Pod', default: { cpu: '1' } }, { type: 'Pod' }];
  assert.deepEqual(wrongWith('LimitRange', { spec: { limits: twice } }), [
    "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
    'spec.limits[1].type: Duplicate value: "Pod"',
  ]);
  assert.deepEqual(wrongWith('ResourceQuota', { spec: { hard: { cpu: '-1', pods: '0' } } }), [
    'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
  ]);
});

test('a ReplicationController is defaulted by its template', () => {
  const { object, causes } = checkObject('ReplicationController', { spec: { template: TEMPLATE } });
  assert.deepEqual(causes, []);
  const { selector, replicas } = object.spec as { selector: object; replicas: number };
  assert.deepEqual([selector, replicas, object.metadata.labels], [{ app: 'a' }, 1, { app: 'a' }]);
  assert.deepEqual(wrongWith('ReplicationController', { spec: { selector: { app: 'b' }, template: TEMPLATE } }), [
    'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
  ]);
  assert.deepEqual(wrongWith('ReplicationController', { spec: { replicas: -1 } }), [
    'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    'spec.selector: Required value',
    'spec.template: Required value',
  ]);
});

test('revisions, runtime classes and autoscalers', () => {
  const old = { data: { a: 1 }, revision: 1 };
  assert.deepEqual(wrongWith('ControllerRevision', { revision: -1 }), [
    'data: Required value: data is mandatory',
    'revision: Invalid value: -1: must be greater than or equal to 0',
  ]);
  assert.deepEqual(wrongWith('ControllerRevision', { ...old, revision: 2 }, old), []);
  assert.deepEqual(wrongWith('ControllerRevision', { ...old, data: {} }, old), [
    'data: Invalid value: {}: field is immutable',
  ]);
  assert.match(
    wrongWith('RuntimeClass', { handler: 'A' }).join(),
    /^handler: Invalid value: "A": a lowercase RFC 1123/,
  );
  assert.deepEqual(wrongWith('RuntimeClass', { handler: 'b' }, { handler: 'a' }), [
    'handler: Invalid value: "b": field is immutable',
  ]);
  const scaleTargetRef = { kind: 'Deployment', name: 'd' };
  const { object, causes } = checkObject('HorizontalPodAutoscaler', {
    spec: { scaleTargetRef, maxReplicas: 2, behavior: { scaleDown: { stabilizationWindowSeconds: 5 } } },
  });
  assert.deepEqual(causes, []);
  const { behavior, metrics } = object.spec as { behavior: object; metrics: object[] };
  assert.equal(metrics.length, 1);
  assert.deepEqual(behavior, {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    },
    scaleDown: {
      stabilizationWindowSeconds: 5,
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    },
  });
  assert.deepEqual(wrongWith('HorizontalPodAutoscaler', { spec: { scaleTargetRef, minReplicas: 3, maxReplicas: 2 } }), [
    'spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
  ]);
  assert.deepEqual(wrongWith('HorizontalPodAutoscaler', { spec: { maxReplicas: 0 } }).slice(0, 2), [
    'spec.scaleTargetRef.kind: Required value',
    'spec.scaleTargetRef.name: Required value',
  ]);
});

test('what is wrong with webhooks', () => {
  const webhook = { name: 'a.example.com', sideEffects: 'None', admissionReviewVersions: ['v1'] };
  const good = { ...webhook, clientConfig: { url: 'https://h/x' } };
  const { object, causes } = checkObject('MutatingWebhookConfiguration', { webhooks: [good] });
  assert.deepEqual(causes, []);
  assert.deepEqual((object.webhooks as object[])[0], {
    ...good,
    failurePolicy: 'Fail',
    matchPolicy: 'Equivalent',
    namespaceSelector: {},
    objectSelector: {},
    reinvocationPolicy: 'Never',
    timeoutSeconds: 10,
  });
  const bad = { name: 'a', sideEffects: 'Some', admissionReviewVersions: ['v2'], timeoutSeconds: 31 };
  const webhooks = [{ ...bad, clientConfig: { url: 'http://h', service: { name: 's', namespace: 'n' } } }];
  assert.deepEqual(wrongWith('ValidatingWebhookConfiguration', { webhooks }), [
    'webhooks[0].name: Invalid value: "a": should be a domain with at least three segments separated by dots',
    'webhooks[0].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
    'webhooks[0].timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds',
    'webhooks[0].admissionReviewVersions: Invalid value: ["v2"]: must include at least one of v1, v1beta1',
    'webhooks[0].clientConfig: Required value: exactly one of url or service is required',
    `webhooks[0].clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme; desired format: https://host[/path]`,
  ]);
  assert.deepEqual(wrongWith('ValidatingWebhookConfiguration', { webhooks: [good, good] }), [
    'webhooks[1].name: Duplicate value: "a.example.com"',
  ]);
});

test('a CustomResourceDefinition has the names that follow from its kind', () => {
  const versions = [
    {
      name: 'v1',
      served: true,
      storage: true,
      schema: {
        openAPIV3Schema: {
          type: 'object',
          properties: {
            labels: { type: 'object', additionalProperties: { type: 'string' } },
            size: { type: 'integer', minimum: 0.5, 'x-kubernetes-validations': [{ rule: 'self > 1' }] },
          },
        },
      },
    },
  ];
  const spec = { group: 'example.com', scope: 'Cluster', names: { kind: 'Thing', plural: 'things' }, versions };
  const { object, causes, unknown } = checkObject('CustomResourceDefinition', {
    metadata: { name: 'things.example.com' },
    spec,
  });
  assert.deepEqual([causes, unknown], [[], []]);
  const made = object.spec as { names: object; conversion: object; versions: object };
  assert.deepEqual(made.names, { kind: 'Thing', plural: 'things', singular: 'thing', listKind: 'ThingList' });
  assert.deepEqual(made.conversion, { strategy: 'None' });
  assert.deepEqual(made.versions, versions);
});
