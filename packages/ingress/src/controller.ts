import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { createRunner, done, messageOf, type Outcome, PodwireError } from '@podwire/base';
import { type Ingress, type PlanEntry, type Room, type RoomContext, recordEvent } from '@podwire/kube';
import { HaProxy } from './apply.ts';
import { type IngressModel, type IngressObjects, modelIngress } from './model.ts';
import { describePlan, planProxy } from './plan.ts';
import { SecretFeed } from './secret-feed.ts';

const USER = 'haproxy';
const PROGRAM = '/usr/sbin/haproxy';

/** The ingress of one node: HAProxy in the node's netns, kept equal to the Ingress objects. */
export function createIngressRoom(context: RoomContext): Room {
  return new IngressRoom(context);
}

class IngressRoom implements Room {
  readonly name = 'ingress';
  readonly #context: RoomContext;
  readonly #directory: string;
  readonly #proxy: HaProxy;
  readonly #runner: ReturnType<typeof createRunner>;
  readonly #reported = new Set<string>();
  readonly #secrets: SecretFeed;
  #unsubscribe: (() => void)[] = [];
  #model: IngressModel | undefined;
  #error: string | undefined;
  #reloads = 0;

  constructor(context: RoomContext) {
    this.#context = context;
    this.#secrets = new SecretFeed(context.informers, () => this.#runner.trigger());
    this.#directory = path.join(context.runDirectory, 'ingress');
    const { ingressHttpPort: httpPort, ingressHttpsPort: httpsPort } = context.config;
    this.#proxy = new HaProxy({ httpPort, httpsPort, directory: this.#directory, user: USER }, (reason) => {
      context.logger.error('HAProxy died', { reason });
      this.#runner.trigger();
    });
    this.#runner = createRunner({ name: 'ingress', run: () => this.resync(), logger: context.logger, minInterval: 5 });
  }

  async start(): Promise<void> {
    const { informers } = this.#context;
    const kinds = ['Ingress', 'IngressClass', 'Service', 'EndpointSlice', 'Node'] as const;
    await Promise.all(kinds.map((kind) => informers.of(kind).synced));
    this.#unsubscribe = kinds.map((kind) => informers.of(kind).subscribe(() => this.#runner.trigger()));
    this.#runner.trigger();
    await this.#runner.idle();
  }

  async stop(): Promise<void> {
    for (const end of this.#unsubscribe.splice(0)) end();
    this.#secrets.stop();
    await this.#runner.stop();
    await this.#proxy.stop();
  }

  async cleanup(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async resync(): Promise<Outcome> {
    await this.#secrets.follow(this.#context.informers.of('Ingress').list());
    const model = modelIngress(this.#objects());
    this.#model = model;
    if (!existsSync(PROGRAM)) {
      this.#error = new PodwireError(
        'INGRESS_NO_HAPROXY',
        `${PROGRAM} is not installed, so no Ingress is served; apt-get install haproxy`,
      ).message;
      return { kind: 'terminal', reason: this.#error };
    }
    try {
      const change = await this.#proxy.apply(planProxy(model));
      if (change === 'reload') this.#reloads++;
      this.#error = undefined;
    } catch (error) {
      this.#error = messageOf(error);
      return { kind: 'retry', reason: this.#error };
    }
    if (this.#writesStatus()) await this.#writeStatus(model);
    return done;
  }

  idle(): Promise<void> {
    return this.#runner.idle();
  }

  status() {
    const model = this.#model;
    const facts = { routes: model?.routes.length ?? 0, backends: model?.backends.length ?? 0, reloads: this.#reloads };
    return {
      room: this.name,
      ready: this.#proxy.running && this.#error === undefined,
      errors: this.#error === undefined ? [] : [this.#error],
      facts,
    };
  }

  plan(): readonly PlanEntry[] {
    return describePlan(modelIngress(this.#objects()));
  }

  async diff(): Promise<readonly PlanEntry[]> {
    return this.#proxy.running ? [] : [{ what: '+ HAProxy', why: this.#error ?? 'it is not running' }];
  }

  #objects(): IngressObjects {
    const { informers } = this.#context;
    return {
      ingresses: informers.of('Ingress').list(),
      classes: informers.of('IngressClass').list(),
      services: informers.of('Service').list(),
      slices: informers.of('EndpointSlice').list(),
      secrets: this.#secrets.list(),
    };
  }

  #readyNodes() {
    return this.#context.informers
      .of('Node')
      .list()
      .filter((n) => n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
      .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  }

  /** One node speaks for all: the first ready one. */
  #writesStatus(): boolean {
    return this.#readyNodes()[0]?.metadata?.name === this.#context.nodeName;
  }

  async #writeStatus({ served, problems }: IngressModel): Promise<void> {
    const { client } = this.#context;
    const addresses = this.#readyNodes()
      .flatMap((n) => n.status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? [])
      .map((ip) => ({ ip }));
    for (const ingress of served) {
      if (JSON.stringify(ingress.status?.loadBalancer?.ingress ?? []) === JSON.stringify(addresses)) continue;
      await client
        .patch(
          'Ingress',
          keyOf(ingress),
          { status: { loadBalancer: { ingress: addresses } } },
          { subresource: 'status' },
        )
        .catch((error) => this.#context.logger.error('status not written', { reason: messageOf(error) }));
    }
    for (const { ingress, reason, message } of problems) {
      const once = `${ingress.metadata?.uid} ${reason} ${message}`;
      if (this.#reported.has(once)) continue;
      this.#reported.add(once);
      await recordEvent(client, {
        object: {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'Ingress',
          ...keyOf(ingress),
          ...(ingress.metadata?.uid ? { uid: ingress.metadata.uid } : {}),
        },
        type: 'Warning',
        reason,
        message,
        component: 'podwire-ingress',
      });
    }
  }
}

function keyOf({ metadata }: Ingress): { namespace: string; name: string } {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}
