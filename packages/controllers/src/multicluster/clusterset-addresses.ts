import {
  type Family,
  familyOf,
  hasCode,
  type IpAddress,
  nthAddress,
  type Prefix,
  prefixParts,
  prefixSize,
  tryParseIp,
  tryParsePrefix,
} from '@podwire/base';
import { ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type ControllerContext, nameOf, splitKey, visible } from '../context.ts';

type IpAddressObject = ObjectOf<'IPAddress'>;

const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
const MANAGED_LABEL = 'ipaddress.kubernetes.io/managed-by';
const MANAGER = 'multicluster.podwire.io';
const GROUP = 'multicluster.x-k8s.io';
const RESOURCE = 'serviceimports';

/**
 * Addresses of ServiceImports: out of the ranges of Services, each taken by an IPAddress object, which is what keeps the
 * API server from giving it to a Service.
 */
export class ClustersetAddresses {
  readonly #context: ControllerContext;
  readonly #byImport: ObjectIndex<'IPAddress'>;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#byImport = new ObjectIndex(context.informers.of('IPAddress'), (object) => [importKeyOf(object) ?? '']);
  }

  stop(): void {
    this.#byImport.stop();
  }

  /** Those an import has, as far as the families go; the missing ones are taken. A family without a range is left out. */
  async take(key: string, families: readonly string[]): Promise<IpAddress[]> {
    const present = this.#byImport.get(key).flatMap((object) => tryParseIp(nameOf(object)) ?? []);
    const taken: IpAddress[] = [];
    for (const family of families.map((word): Family => (word === 'IPv6' ? 'ipv6' : 'ipv4'))) {
      const ranges = this.#ranges().filter((range) => prefixParts(range).family === family);
      const own = present.find((address) => familyOf(address) === family);
      if (own !== undefined) taken.push(own);
      else if (ranges.length > 0) taken.push(await this.#takeNew(key, ranges));
    }
    await this.release(key, taken);
    return taken;
  }

  /** Gives back what an import has, but for those to keep. */
  async release(key: string, keep: readonly string[] = []): Promise<void> {
    const objects = this.#byImport.get(key).filter((object) => !keep.includes(nameOf(object)));
    for (const object of objects) await this.#context.client.delete('IPAddress', { name: nameOf(object) });
  }

  async #takeNew(key: string, ranges: readonly Prefix[]): Promise<IpAddress> {
    const addresses = this.#context.informers.of('IPAddress');
    for (const range of ranges) {
      for (const address of candidates(range)) {
        if (address === this.#context.config.dnsAddress || addresses.get(address)) continue;
        if (await this.#claim(address, key)) return address;
      }
    }
    throw new Error(`no address is free in ${ranges.join(', ')} for ServiceImport ${key}; add a ServiceCIDR`);
  }

  /** False: somebody else was faster. */
  async #claim(address: IpAddress, key: string): Promise<boolean> {
    const { client, informers } = this.#context;
    const labels = { [FAMILY_LABEL]: familyOf(address) === 'ipv6' ? 'IPv6' : 'IPv4', [MANAGED_LABEL]: MANAGER };
    const spec = { parentRef: { group: GROUP, resource: RESOURCE, ...splitKey(key) } };
    try {
      await visible(
        informers.of('IPAddress'),
        await client.create('IPAddress', { metadata: { name: address, labels }, spec }),
      );
      return true;
    } catch (error) {
      if (hasCode(error, 'KUBE_ALREADY_EXISTS')) return false;
      throw error;
    }
  }

  #ranges(): Prefix[] {
    const live = this.#context.informers
      .of('ServiceCIDR')
      .list()
      .filter(({ metadata }) => !metadata?.deletionTimestamp);
    return live.flatMap(({ spec }) => spec?.cidrs ?? []).flatMap((text) => tryParsePrefix(text) ?? []);
  }
}

/** `namespace/name` of the ServiceImport an address was taken for by this controller. */
export function importKeyOf({ metadata, spec }: IpAddressObject): string | undefined {
  const { group, resource, namespace, name } = spec?.parentRef ?? {};
  const isOurs = metadata?.labels?.[MANAGED_LABEL] === MANAGER && group === GROUP && resource === RESOURCE;
  return isOurs ? `${namespace}/${name}` : undefined;
}

/** How many addresses are looked at before a range counts as full. */
const MOST = 65_536;

/** The addresses of a range from somewhere in it on, round to there; neither the first nor, of IPv4, the last. */
function* candidates(range: Prefix): Generator<IpAddress> {
  const size = prefixSize(range);
  const last = prefixParts(range).family === 'ipv4' ? size - 2n : size - 1n;
  if (last < 1n) return;
  const start = BigInt(Math.floor(Math.random() * Number(last < 2n ** 48n ? last : 2n ** 48n)));
  for (let i = 0n; i < last && i < MOST; i++) yield nthAddress(range, 1n + ((start + i) % last));
}
