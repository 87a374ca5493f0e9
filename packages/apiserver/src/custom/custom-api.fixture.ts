import assert from 'node:assert/strict';
import { parsePrefix } from '@podwire/base';
import { type Kind, kindNamed, statusOf } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { KindRegistry } from '../core/kind-registry.ts';
import { Registry, type WriteOptions } from '../core/registry.ts';
import { ServiceAddresses } from '../core/service-addresses.ts';
import { Store, type StoreOptions } from '../core/store.ts';
import { createSchema } from '../schema/index.ts';
import type { ApiObject } from '../seam.ts';
import { CustomCleanup } from './custom-cleanup.ts';
import { CustomResources } from './custom-resources.ts';
import type { JsonSchema } from './json-schema.ts';

const DEFINITION = kindNamed('CustomResourceDefinition');

/** What a definition of widgets.example.com has beside its schema. */
export interface WidgetOptions {
  readonly names?: object;
  readonly version?: object;
  readonly spec?: object;
}

export function widgetDefinition(schema: JsonSchema | object, { names, version, spec }: WidgetOptions = {}): ApiObject {
  const openAPIV3Schema = { type: 'object', ...schema };
  const v1 = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...version };
  const allNames = { plural: 'widgets', kind: 'Widget', ...names };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${allNames.plural}.example.com` },
    spec: { group: 'example.com', scope: 'Namespaced', names: allNames, versions: [v1], ...spec },
  };
}

/** The verbs of an API server that serves custom resources, without HTTP. */
export class CustomApi {
  readonly definitionKind = DEFINITION;
  readonly store: Store;
  readonly kinds = new KindRegistry();
  readonly custom: CustomResources;
  readonly registry: Registry;
  readonly warnings: string[] = [];
  readonly #cleanup: CustomCleanup;

  private constructor(store: Store) {
    this.store = store;
    this.custom = new CustomResources(store, this.kinds);
    const schema = createSchema(this.custom);
    const serviceCidrs = [parsePrefix('10.96.0.0/12')];
    const addresses = new ServiceAddresses({ store, serviceCidrs, nodePortRange: [30000, 32767] });
    this.registry = new Registry({ store, schema, addresses, custom: this.custom });
    this.#cleanup = new CustomCleanup(this.registry, this.custom);
  }

  static async open(options: StoreOptions = {}): Promise<CustomApi> {
    const api = new CustomApi(await Store.open(options));
    const draft = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } };
    const exists = api.store.latest('Namespace', 'default');
    if (!exists) await api.registry.create(kindNamed('Namespace'), undefined, { draft, options: api.options() });
    return api;
  }

  async close(): Promise<void> {
    this.#cleanup.stop();
    this.custom.stop();
    await this.store.close();
  }

  options(more: Partial<WriteOptions> = {}): WriteOptions {
    return { fieldValidation: 'Strict', dryRun: false, warn: (text) => void this.warnings.push(text), ...more };
  }

  define(draft: ApiObject): Promise<ApiObject> {
    return this.registry.create(DEFINITION, undefined, { draft, options: this.options() });
  }

  /** Creates or replaces a widget `name`; `fields` is what it has beside metadata. */
  async put(
    fields: object,
    { name = 'a', ...more }: { name?: string } & Partial<WriteOptions> = {},
  ): Promise<ApiObject> {
    const kind = this.widget();
    const apiVersion = more.apiVersion ?? kind.apiVersion;
    const draft = { apiVersion, kind: kind.kind, metadata: { name }, ...fields } as ApiObject;
    const target = { kind, namespace: kind.namespaced ? 'default' : undefined, name };
    const options = this.options(more);
    const exists = this.store.latest(kind.id, kind.namespaced ? `default/${name}` : name);
    if (exists) return this.registry.update(target, draft, options);
    return this.registry.create(kind, target.namespace, { draft, options });
  }

  /** Creates any object by its apiVersion and kind. */
  create(draft: ApiObject, more: Partial<WriteOptions> = {}): Promise<ApiObject> {
    const { apiVersion } = draft;
    const kind = this.kinds.all().find((one) => {
      return one.kind === draft.kind && [one.apiVersion, ...one.otherVersions].includes(apiVersion);
    });
    assert.ok(kind, `${apiVersion} ${draft.kind} is not served`);
    const object = { ...draft, apiVersion: kind.apiVersion };
    const namespace = kind.namespaced ? 'default' : undefined;
    return this.registry.create(kind, namespace, { draft: object, options: this.options({ ...more, apiVersion }) });
  }

  /** As `refusal`, of any object. */
  refusalOf(draft: ApiObject): Promise<string[]> {
    return causesOf(() => this.create(draft, { dryRun: true }));
  }

  widget(): Kind {
    const kind = this.kinds.withId('widgets.example.com');
    assert.ok(kind, 'widgets.example.com is not served');
    return kind;
  }

  /** `field: message` of each cause for which widgets are refused; empty when they are not. */
  async refusal(fields: object, more: { name?: string } & Partial<WriteOptions> = {}): Promise<string[]> {
    return causesOf(() => this.put(fields, { dryRun: true, ...more }));
  }

  /** The same for a definition. */
  async definitionRefusal(draft: ApiObject): Promise<string[]> {
    const options = this.options({ dryRun: true });
    return causesOf(() => this.registry.create(DEFINITION, undefined, { draft, options }));
  }
}

async function causesOf(write: () => Promise<unknown>): Promise<string[]> {
  try {
    await write();
    return [];
  } catch (error) {
    const status: Status | undefined = statusOf(error);
    if (!status) throw error;
    const causes = status.details?.causes ?? [];
    return causes.length > 0 ? causes.map(({ field, message }) => `${field}: ${message}`) : [status.message ?? ''];
  }
}
