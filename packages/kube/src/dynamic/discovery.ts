import { PodwireError } from '@podwire/base';
import { parseApiVersion } from '../kinds.ts';
import type { Resource } from '../resource.ts';
import type { RestClient } from '../rest-client.ts';

/** A resource of a server, and what it can do. */
export interface DiscoveredResource extends Resource {
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** get, list, watch, create ... */
  readonly verbs: readonly string[];
  /** Names of subresources: status, scale ... */
  readonly subresources: readonly string[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced?: boolean;
    readonly singularName?: string;
    readonly shortNames?: readonly string[];
    readonly verbs?: readonly string[];
  }[];
}

/**
 * Which kinds a server has, asked for by group version and remembered. The plain resource lists are asked for: servers of all versions
 * have them, the aggregated ones (KEP-3352) came in 1.26.
 */
export class Discovery {
  readonly #rest: RestClient;
  readonly #known = new Map<string, Promise<readonly DiscoveredResource[]>>();

  constructor(rest: RestClient) {
    this.#rest = rest;
  }

  /** None when the server does not serve that version. */
  resources(apiVersion: string): Promise<readonly DiscoveredResource[]> {
    const present = this.#known.get(apiVersion);
    if (present) return present;
    const asked = this.#ask(apiVersion);
    this.#known.set(apiVersion, asked);
    // What failed, or is not there yet, is asked for again: a CRD may come.
    asked.then(
      (found) => found.length === 0 && this.#known.delete(apiVersion),
      () => this.#known.delete(apiVersion),
    );
    return asked;
  }

  /** Throws KUBE_NO_KIND. */
  async resource(apiVersion: string, kind: string): Promise<DiscoveredResource> {
    const all = await this.resources(apiVersion);
    const found = all.find((one) => one.kind === kind);
    if (found) return found;
    this.#known.delete(apiVersion);
    const why = `no matches for kind "${kind}" in version "${apiVersion}"; install its CRD first, or choose a version the server has`;
    throw new PodwireError('KUBE_NO_KIND', why, { details: { apiVersion, kind } });
  }

  async #ask(apiVersion: string): Promise<readonly DiscoveredResource[]> {
    const { group } = parseApiVersion(apiVersion);
    const list = (await this.#rest.read(`/${group ? 'apis' : 'api'}/${apiVersion}`)) as ResourceList | undefined;
    const all = list?.resources ?? [];
    return all
      .filter(({ name }) => !name.includes('/'))
      .map(({ name, kind, namespaced = false, singularName = '', shortNames = [], verbs = [] }) => ({
        apiVersion,
        kind,
        plural: name,
        namespaced,
        singular: singularName || kind.toLowerCase(),
        shortNames,
        verbs,
        subresources: all.flatMap((one) => (one.name.startsWith(`${name}/`) ? [one.name.slice(name.length + 1)] : [])),
      }));
  }
}
