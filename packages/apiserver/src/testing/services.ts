import assert from 'node:assert/strict';
import { parsePrefix } from '@podwire/base';
import { type KubeClient, type Service, statusOf } from '@podwire/kube';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { type ApiServer, startApiServer } from '../server.ts';

export interface ServiceServerOptions {
  /** Absent: memory only. */
  readonly directory?: string;
  /** Default: one range per family. */
  readonly cidrs?: readonly string[];
  readonly nodePortRange?: readonly [first: number, last: number];
  readonly denyExternalIPs?: boolean;
}

/** An API server and what a test does with its Services, all in namespace `default`. */
export class ServiceServer {
  readonly server: ApiServer;
  readonly client: KubeClient;

  private constructor(server: ApiServer) {
    this.server = server;
    this.client = server.client();
  }

  static async start(options: ServiceServerOptions = {}): Promise<ServiceServer> {
    const { cidrs = ['10.96.0.0/16', 'fd00:96::/112'], nodePortRange = [30000, 32767], ...more } = options;
    return new ServiceServer(await startApiServer({ serviceCidrs: cidrs.map(parsePrefix), nodePortRange, ...more }));
  }

  /** `kubectl create`; one port unless the spec says otherwise. */
  async create(name: string, spec: ServiceSpec = {}): Promise<ServiceSpec> {
    return specOf(await this.client.create('Service', service(name, spec)));
  }

  /** `kubectl replace` with a manifest that says nothing the server had filled in. */
  async replace(name: string, spec: ServiceSpec): Promise<ServiceSpec> {
    return specOf(await this.client.update('Service', service(name, spec)));
  }

  /** `kubectl patch`. */
  async patch(name: string, spec: object, type: 'merge' | 'strategic' = 'strategic'): Promise<ServiceSpec> {
    return specOf(await this.client.patch('Service', { namespace: 'default', name }, { spec }, { type }));
  }

  async get(name: string): Promise<ServiceSpec> {
    const found = await this.client.get('Service', { namespace: 'default', name });
    assert.ok(found, name);
    return specOf(found);
  }

  async delete(name: string): Promise<void> {
    assert.equal(await this.client.delete('Service', { namespace: 'default', name }), true);
  }

  /** `ADDRESS parent` of every IPAddress. */
  async taken(): Promise<string[]> {
    const { items } = await this.client.list('IPAddress');
    return items.map(
      ({ metadata, spec }) => `${metadata?.name} ${spec?.parentRef?.namespace}/${spec?.parentRef?.name}`,
    );
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

export function service(name: string, spec: ServiceSpec): Service {
  const ports = spec.type === 'ExternalName' ? {} : { ports: [{ port: 80 }] };
  return { metadata: { name, namespace: 'default' }, spec: { ...ports, ...spec } };
}

function specOf({ spec }: Service): ServiceSpec {
  assert.ok(spec);
  return spec;
}

/** `reason field: message` of every cause, or `code message` when there are none. */
export async function refusal(attempt: Promise<unknown>): Promise<readonly string[]> {
  const status = await attempt.then(
    () => undefined,
    (error: unknown) => statusOf(error),
  );
  assert.ok(status, 'was accepted');
  const causes = status.code === 422 ? (status.details?.causes ?? []) : [];
  if (causes.length === 0) return [`${status.code} ${status.message}`];
  return causes.map(({ reason, field, message }) => `${reason} ${field}: ${message}`);
}
