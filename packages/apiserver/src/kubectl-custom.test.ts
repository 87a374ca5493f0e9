import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clusterOf } from './testing/cluster-of.fixture.ts';
import { findKubectls } from './testing/kubectl.ts';

const TEXT = { type: 'string' };
const LISTENERS = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['name'],
  items: { type: 'object', required: ['name'], properties: { name: TEXT, port: { type: 'integer', maximum: 65535 } } },
};
const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      description: 'What is asked for.',
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', default: 1, description: 'How many there shall be.' },
        color: { ...TEXT, enum: ['red', 'blue'] },
        listeners: LISTENERS,
      },
      'x-kubernetes-validations': [{ rule: 'self.size < 10', message: 'size is less than ten', fieldPath: '.size' }],
    },
    status: { type: 'object', properties: { size: { type: 'integer' }, selector: TEXT } },
  },
};
const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: SCHEMA },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        selectableFields: [{ jsonPath: '.spec.color' }],
        subresources: {
          status: {},
          scale: {
            specReplicasPath: '.spec.size',
            statusReplicasPath: '.status.size',
            labelSelectorPath: '.status.selector',
          },
        },
      },
      { name: 'v1beta1', served: true, storage: false, deprecated: true, schema: { openAPIV3Schema: SCHEMA } },
    ],
  },
};
/** Of the Network Plumbing Working Group's standard: a definition with nothing but text in it. */
const NETWORKS = {
  ...DEFINITION,
  metadata: { name: 'network-attachment-definitions.k8s.cni.cncf.io' },
  spec: {
    group: 'k8s.cni.cncf.io',
    scope: 'Namespaced',
    names: {
      plural: 'network-attachment-definitions',
      singular: 'network-attachment-definition',
      kind: 'NetworkAttachmentDefinition',
      shortNames: ['net-attach-def'],
    },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: { spec: { type: 'object', properties: { config: TEXT } } },
          },
        },
      },
    ],
  },
};

const widget = (spec: object, apiVersion = 'example.com/v1') => ({
  apiVersion,
  kind: 'Widget',
  metadata: { name: 'a', labels: { app: 'a' } },
  spec,
});

const [kubectl] = findKubectls();

describe('kubectl and custom resources', { skip: kubectl ? false : 'probe kubectl: there is none' }, () => {
  const current = clusterOf(kubectl, async (cluster) => {
    const items = [DEFINITION, NETWORKS];
    await cluster.ok('apply -f -', { apiVersion: 'v1', kind: 'List', items });
    await cluster.ok('wait crd --all --for=condition=Established --timeout=120s');
  });

  test('definitions are listed, and what they define is in discovery', async () => {
    assert.match(
      await current().ok('get crd'),
      /^NAME\s+CREATED AT\s+\S+\.k8s.cni.cncf.io\s+20\d\d-\S+\s+widgets.example.com/,
    );
    const resources = await current().ok('api-resources --api-group=example.com -o wide --no-headers');
    assert.match(resources, /^widgets\s+wd\s+example.com\/v1\s+true\s+Widget\s+\S+\s+all\s*$/);
    assert.match(await current().ok('api-versions'), /^example.com\/v1\nexample.com\/v1beta1$/m);
  });

  test('explain tells what the schema says', async () => {
    const spec = await current().ok('explain widget.spec');
    assert.match(spec, /GROUP:\s+example.com\nKIND:\s+Widget\nVERSION:\s+v1/);
    assert.match(spec, /What is asked for\./);
    assert.match(spec, /size\s+<integer> -required-\n\s+How many there shall be\./);
    const all = await current().ok('explain widget --recursive');
    assert.match(all, /listeners\s+<\[\]Object>\n\s+name\s+<string> -required-\n\s+port\s+<integer>/);
    assert.match(all, /metadata\s+<ObjectMeta>/);
  });

  test('objects are applied, shown, patched and scaled', async () => {
    assert.equal(await current().ok('apply -f -', widget({ size: 2, color: 'red' })), 'widget.example.com/a created\n');
    assert.equal(
      await current().ok('apply -f -', widget({ size: 3, color: 'red' })),
      'widget.example.com/a configured\n',
    );
    assert.match(await current().ok('get wd'), /^NAME\s+SIZE\s+AGE\na\s+3\s+\S+\n$/);
    assert.match(
      await current().ok('get all -o wide'),
      /NAME\s+SIZE\s+COLOR\s+AGE\nwidget.example.com\/a\s+3\s+red\s+\S+/,
    );
    assert.match(
      await current().ok('describe wd a'),
      /API Version:\s+example.com\/v1\nKind:\s+Widget\n[\s\S]*Spec:\n\s+Color:\s+red\n\s+Size:\s+3/,
    );
    await current().ok('patch wd a --type=merge -p {"spec":{"color":"blue"}}');
    await current().ok('patch wd a --type=json -p [{"op":"replace","path":"/spec/size","value":4}]');
    assert.equal(await current().ok('get wd -o name --field-selector spec.color=blue'), 'widget.example.com/a\n');
    assert.equal(await current().ok('get wd -o name --field-selector spec.color=red'), '');
    await current().ok('patch wd a --subresource=status --type=merge -p {"status":{"size":4,"selector":"app=a"}}');
    await current().ok('scale wd a --replicas=5');
    const scale = await current().ok(
      'get wd a --subresource=scale -o jsonpath={.spec.replicas},{.status.replicas},{.status.selector}',
    );
    assert.equal(scale, '5,4,app=a');
    assert.match(
      await current().fails('patch wd a -p {"spec":{"size":1}}'),
      /unable to parse|UnsupportedMediaType|unknown format/,
    );
  });

  test('what the definition forbids is refused', async () => {
    assert.match(
      await current().fails('apply -f -', widget({ size: 1, shape: 'x' })),
      /strict decoding error: unknown field "spec.shape"/,
    );
    assert.match(
      await current().fails('apply -f -', widget({ size: 'x', color: 'green' })),
      /The Widget "a" is invalid: \n\* spec.color: Unsupported value: "green": supported values: "red", "blue"\n\* spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"/,
    );
    assert.match(
      await current().fails('patch wd a --type=merge -p {"spec":{"size":11}}'),
      /The Widget "a" is invalid: spec.size: Invalid value: "object": size is less than ten/,
    );
    const { stderr } = await current().run('get widgets.v1beta1.example.com a');
    assert.match(stderr, /Warning: example.com\/v1beta1 Widget is deprecated/);
  });

  test('server-side apply merges lists by the keys of the schema', async () => {
    const listeners = (...names: string[]) => widget({ size: 2, listeners: names.map((name) => ({ name, port: 80 })) });
    await current().ok('apply --server-side --force-conflicts --field-manager=one -f -', listeners('x'));
    await current().ok('apply --server-side --force-conflicts --field-manager=two -f -', listeners('y'));
    assert.equal(await current().ok('get wd a -o jsonpath={.spec.listeners[*].name}'), 'x y');
    await current().ok('apply --server-side --field-manager=two -f -', widget({ size: 2 }));
    assert.equal(await current().ok('get wd a -o jsonpath={.spec.listeners[*].name}'), 'x');
  });

  test('a NetworkAttachmentDefinition keeps its configuration', async () => {
    const config = '{"cniVersion":"1.0.0","type":"macvlan"}';
    const network = {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'net' },
      spec: { config },
    };
    await current().ok('create -f -', network);
    assert.equal(await current().ok('get net-attach-def net -o jsonpath={.spec.config}'), config);
  });

  test('with a definition go its objects', async () => {
    await current().ok('delete crd widgets.example.com --timeout=120s');
    assert.match(
      await current().fails('get widgets'),
      /the server doesn't have a resource type|could not find the requested resource/,
    );
  });
});
