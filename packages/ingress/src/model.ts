import { createHash } from 'node:crypto';
import { type IpAddress, tryParseIp } from '@podwire/base';
import type { EndpointSlice, Ingress, IngressClass, Secret, Service } from '@podwire/kube';
import { readKeyPair } from './key-pair.ts';

export interface IngressObjects {
  readonly ingresses: readonly Ingress[];
  readonly classes: readonly IngressClass[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly secrets: readonly Secret[];
}

/** Everything the proxy needs to know, in the order of precedence (SEMANTICS: ING-1 to ING-5). */
export interface IngressModel {
  readonly routes: readonly Route[];
  /** Sorted by name. */
  readonly backends: readonly Backend[];
  /** Backend name for requests no route takes; absent: 404. */
  readonly defaultBackend?: string;
  readonly certificates: readonly Certificate[];
  readonly problems: readonly Problem[];
  /** The Ingresses this controller serves. */
  readonly served: readonly Ingress[];
}

export interface Route {
  /** Lower case; `*` is any host, `*.domain` exactly one label more. */
  readonly host: string;
  /** Prefix paths have no trailing slash, but the root is `/`. */
  readonly path: string;
  readonly match: 'exact' | 'prefix';
  readonly backend: string;
  /** `namespace/name` of the Ingress. */
  readonly owner: string;
}

export interface Backend {
  readonly name: string;
  /** What it stands for, e.g. `default/foo:8080`. */
  readonly title: string;
  /** Empty: 503. */
  readonly servers: readonly Server[];
}

export interface Server {
  readonly address: IpAddress;
  readonly port: number;
}

export interface Certificate {
  /** Certificate chain and key, PEM. */
  readonly pem: string;
  readonly hosts: readonly string[];
}

/** Something on an Ingress that cannot be served as written. */
export interface Problem {
  readonly ingress: Ingress;
  readonly reason: 'RuleConflict' | 'BadRule' | 'BadCertificate' | 'UnsupportedBackend';
  readonly message: string;
}

type Path = NonNullable<NonNullable<NonNullable<Ingress['spec']>['rules']>[number]['http']>['paths'][number];
type BackendReference = Path['backend'];

export const CONTROLLER = 'podwire.io/ingress-controller';
const HOST = /^(?=.{1,253}$)(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
/** Printable ASCII without blanks and quotes: what can stand in a map file. Longer ones than this no request can have. */
const PATH = /^\/[!#-&(-[\]-~]{0,4095}$/;

export function modelIngress(objects: IngressObjects): IngressModel {
  const served = objects.ingresses.filter((ingress) => isOurs(ingress, objects.classes)).sort(byAge);
  const builder = new ModelBuilder(objects);
  for (const ingress of served) builder.add(ingress);
  return builder.finish(served);
}

const keyOf = (object: { metadata?: { namespace?: string; name?: string } }): string =>
  `${object.metadata?.namespace}/${object.metadata?.name}`;

/** Oldest first, then by name: the order in which clashing rules win. */
function byAge(a: Ingress, b: Ingress): number {
  const [x, y] = [a, b].map((i) => `${i.metadata?.creationTimestamp ?? ''} ${keyOf(i)}`) as [string, string];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** ING-5: by class name, by the legacy annotation, or by default when no class is named. */
function isOurs(ingress: Ingress, classes: readonly IngressClass[]): boolean {
  const name = ingress.spec?.ingressClassName ?? ingress.metadata?.annotations?.['kubernetes.io/ingress.class'];
  if (name !== undefined)
    return name === 'podwire' || classes.some((c) => c.metadata?.name === name && c.spec?.controller === CONTROLLER);
  const defaults = classes.filter(
    (c) => c.metadata?.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true',
  );
  return defaults.length === 0 || defaults.some((c) => c.spec?.controller === CONTROLLER);
}

class ModelBuilder {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #secrets: ReadonlyMap<string, Secret>;
  readonly #slices: Map<string, EndpointSlice[]>;
  readonly #routes = new Map<string, Route>();
  readonly #backends = new Map<string, Backend>();
  readonly #certificates: Certificate[] = [];
  readonly #problems: Problem[] = [];
  #defaultBackend: string | undefined;

  constructor({ services, secrets, slices }: IngressObjects) {
    this.#services = new Map(services.map((s) => [keyOf(s), s]));
    this.#secrets = new Map(secrets.map((s) => [keyOf(s), s]));
    this.#slices = Map.groupBy(
      slices,
      (s) => `${s.metadata?.namespace}/${s.metadata?.labels?.['kubernetes.io/service-name']}`,
    );
  }

  add(ingress: Ingress): void {
    const { spec } = ingress;
    if (spec?.defaultBackend) this.#defaultBackend ??= this.#backend(ingress, spec.defaultBackend);
    for (const rule of spec?.rules ?? []) {
      const host = (rule.host ?? '*').toLowerCase();
      if (host !== '*' && !HOST.test(host))
        this.#report(ingress, 'BadRule', `host "${rule.host}" is not a host name; the rule is left out`);
      else for (const path of rule.http?.paths ?? []) this.#route(ingress, host, path);
    }
    for (const { secretName, hosts } of spec?.tls ?? []) this.#certificate(ingress, secretName, hosts ?? []);
  }

  finish(served: readonly Ingress[]): IngressModel {
    return {
      served,
      routes: [...this.#routes.values()].sort((a, b) => compare(routeKey(a), routeKey(b))),
      backends: [...this.#backends.values()].sort((a, b) => compare(a.name, b.name)),
      certificates: this.#certificates,
      problems: this.#problems,
      ...(this.#defaultBackend === undefined ? {} : { defaultBackend: this.#defaultBackend }),
    };
  }

  #report(ingress: Ingress, reason: Problem['reason'], message: string): void {
    this.#problems.push({ ingress, reason, message });
  }

  #route(ingress: Ingress, host: string, { path: text, pathType, backend }: Path): void {
    const { path, match } = normalisePath(text ?? '/', pathType);
    if (!PATH.test(path)) {
      this.#report(
        ingress,
        'BadRule',
        `path "${text}" of host "${host}" must start with /, have no blanks or quotes and at most 4096 characters; it is left out`,
      );
      return;
    }
    const name = this.#backend(ingress, backend);
    if (name === undefined) return;
    const route: Route = { host, path, match, backend: name, owner: keyOf(ingress) };
    const winner = this.#routes.get(routeKey(route));
    if (!winner) this.#routes.set(routeKey(route), route);
    else if (winner.backend !== name)
      this.#report(
        ingress,
        'RuleConflict',
        `host "${host}" path "${text ?? '/'}" belongs to the older Ingress ${winner.owner}; this rule is left out`,
      );
  }

  #backend(ingress: Ingress, { service, resource }: BackendReference): string | undefined {
    if (!service) {
      this.#report(
        ingress,
        'UnsupportedBackend',
        `a resource backend (${resource?.kind} ${resource?.name}) is not supported; use a Service`,
      );
      return undefined;
    }
    const title = `${ingress.metadata?.namespace}/${service.name}:${service.port?.name ?? service.port?.number}`;
    // API text never becomes a name in the configuration: the hash does.
    const name = `be_${createHash('sha256').update(title).digest('hex').slice(0, 12)}`;
    if (!this.#backends.has(name))
      this.#backends.set(name, { name, title, servers: this.#servers(ingress.metadata?.namespace ?? '', service) });
    return name;
  }

  /** ING-8: the pods behind the port, ready ones only. The Service's port name is the link to the slice's port. */
  #servers(namespace: string, { name, port }: NonNullable<BackendReference['service']>): readonly Server[] {
    const service = this.#services.get(`${namespace}/${name}`);
    const found = service?.spec?.ports?.find((p) =>
      port?.name === undefined ? p.port === port?.number : p.name === port.name,
    );
    if (!found) return [];
    const servers = new Map<string, Server>();
    for (const slice of this.#slices.get(`${namespace}/${name}`) ?? []) {
      const number = slice.ports?.find((p) => (p.name ?? '') === (found.name ?? ''))?.port;
      if (number === undefined) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = tryParseIp(endpoint.addresses[0] ?? '');
        if (address && endpoint.conditions?.ready !== false)
          servers.set(`${address} ${number}`, { address, port: number });
      }
    }
    return [...servers].sort(([a], [b]) => compare(a, b)).map(([, server]) => server);
  }

  #certificate(ingress: Ingress, secretName: string | undefined, hosts: readonly string[]): void {
    const secret =
      secretName === undefined ? undefined : this.#secrets.get(`${ingress.metadata?.namespace}/${secretName}`);
    const names = hosts.map((h) => h.toLowerCase()).filter((h) => HOST.test(h));
    const pair = secret ? readKeyPair(secret.data ?? {}) : { fault: 'does not exist' };
    if ('pem' in pair) this.#certificates.push({ pem: pair.pem, hosts: names });
    else
      this.#report(
        ingress,
        'BadCertificate',
        `Secret "${secretName}" ${pair.fault}; ${names.join(', ') || 'its hosts'} get the default certificate`,
      );
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const routeKey = ({ host, match, path }: Route): string => `${host} ${match} ${path}`;

/** `/bar/*` is how ImplementationSpecific paths say "everything below /bar" (extensions/v1beta1 habit). */
function normalisePath(text: string, pathType: string | undefined): Pick<Route, 'path' | 'match'> {
  if (pathType === 'Exact') return { path: text, match: 'exact' };
  const bare = (pathType === 'Prefix' ? text : text.replace(/\/\*$/, '/')).replace(/\/+$/, '');
  return { path: bare === '' ? '/' : bare, match: 'prefix' };
}
