import { commandName, type Family, hasCode, prefixContains } from '@podwire/base';
import type { IpvsServiceKey } from '@podwire/kernel/genetlink';
import { type Nft, openNft } from '@podwire/nft';
import { servicesError } from '../errors.ts';
import type { ClusterModel } from '../model.ts';
import type { ProxyContext } from '../proxy.ts';
import { KernelServers } from './apply.ts';
import { type EntryKey, TABLES } from './layout.ts';
import { type FoundServer, hasOwnFlag, type ObservedEntries, observeEntries } from './observe.ts';
import { observeOpen } from './open-connections.ts';
import { Routing } from './routing.ts';
import { isCaptureMark, serverId } from './virtual-server.ts';

const FAMILIES = ['ipv4', 'ipv6'] as const;

/** Everything of the kernel that this mode writes to. */
export class IpvsKernel {
  readonly nft: Nft;
  readonly servers: KernelServers;
  readonly routing: Routing;
  readonly flows: ProxyContext['flows'];
  readonly #netns: ProxyContext['netns'];

  constructor({ netns, flows }: Pick<ProxyContext, 'netns' | 'flows'>) {
    this.nft = openNft(netns);
    this.servers = new KernelServers(netns);
    this.routing = new Routing(netns);
    this.flows = flows;
    this.#netns = netns;
  }

  /**
   * Finds what an earlier process left. Virtual servers are ours by their flag, by their mark, and by an address that only
   * services of this cluster can have. Throws SERVICES_NO_IPVS.
   */
  adopt({ serviceCidrs }: Pick<ClusterModel, 'serviceCidrs'>): Readonly<Record<Family, ObservedEntries>> {
    const observed = { ipv4: observeEntries(this.nft, 'ipv4'), ipv6: observeEntries(this.nft, 'ipv6') };
    const entryOfMark = new Map(
      FAMILIES.flatMap((family) => observed[family].marks.map(([key, mark]) => [`${family} ${mark}`, key] as const)),
    );
    const isOurs = (server: FoundServer): boolean => hasOwnFlag(server) || isMeantForUs(server, serviceCidrs);
    const entryOf = (key: IpvsServiceKey): EntryKey | undefined =>
      'fwmark' in key ? entryOfMark.get(`${key.family} ${key.fwmark}`) : [key.address, key.protocol, key.port];
    needingIpvs(() => this.servers.look(isOurs, entryOf));
    return observed;
  }

  /** Looks at what is known to be ours. */
  look({ serviceCidrs }: Pick<ClusterModel, 'serviceCidrs'>): void {
    const entryOf = (key: IpvsServiceKey): EntryKey | undefined =>
      'fwmark' in key ? undefined : [key.address, key.protocol, key.port];
    const isOurs = (server: FoundServer): boolean =>
      this.servers.get(serverId(server)) !== undefined || isMeantForUs(server, serviceCidrs);
    this.servers.look(isOurs, entryOf);
  }

  /**
   * Keeps nothing of connections that are closed, where nobody new is served: IPVS would translate the answers to a client
   * that takes the same port again and comes to the same endpoint in another way.
   */
  forgetClosed(): void {
    const isOpen = observeOpen(this.#netns);
    if (isOpen) this.servers.dropClosed(isOpen);
  }

  /** Removes everything, with connections. */
  clear(): void {
    this.servers.clear();
    for (const family of FAMILIES) this.nft.delete(TABLES[family].family, TABLES[family].name);
    this.routing.clear();
  }

  close(): void {
    this.nft.close();
    this.servers.close();
    this.routing.close();
  }
}

/** Nobody else has reason to make one of such a mark or address. */
function isMeantForUs(key: IpvsServiceKey, serviceCidrs: ClusterModel['serviceCidrs']): boolean {
  return 'fwmark' in key ? isCaptureMark(key.fwmark) : serviceCidrs.some((cidr) => prefixContains(cidr, key.address));
}

/** Turns the kernel's word for a family it does not have into what a person can do about it. */
function needingIpvs(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!hasCode(error, 'KERNEL_NO_FAMILY')) throw error;
    throw servicesError(
      'SERVICES_NO_IPVS',
      'mode ipvs needs the load balancer of the kernel (module ip_vs, CONFIG_IP_VS), which this one neither has nor can load; ' +
        `install it, or choose another mode ("${commandName()} status --features" tells what the kernel has)`,
      error,
    );
  }
}
