import type { Family, Prefix } from '@podwire/base';
import type { Netlink, Netns } from '@podwire/kernel';
import { getIpvsTimeouts, setIpvsTimeouts } from '@podwire/kernel/genetlink';
import { diffRoutes, diffRules, diffSysctls, MAIN_TABLE, type Net, openNet, type Route, type Rule } from '@podwire/net';
import { IPVS_MARK, IPVS_MARK_MASK } from '../ruleset/ipvs-mark.ts';
import { ROUTING } from './layout.ts';

/** IPVS connections of TCP end without a packet for so many seconds: as long as connection tracking keeps them. */
const TCP_TIMEOUT = 432_000;

/**
 * Of the network namespace. Connections have to be tracked, or they could be neither masqueraded nor filtered; those whose
 * endpoint has gone, and clients bound to it, choose anew.
 */
const SYSCTLS = {
  'net/ipv4/vs/conntrack': '1',
  'net/ipv4/vs/expire_nodest_conn': '1',
  'net/ipv4/vs/expire_quiescent_template': '1',
  'net/ipv4/vs/conn_reuse_mode': '1',
};

const EVERYTHING: Readonly<Record<Family, Prefix>> = { ipv4: '0.0.0.0/0' as Prefix, ipv6: '::/0' as Prefix };

/**
 * One rule leads packets with the mark to the table, which delivers everything to this host. The one before excepts what is
 * looked up for this host's own packets, and for the source of a packet (with sysctl src_valid_mark).
 */
export function routingOf(families: readonly Family[]): {
  readonly rules: readonly Rule[];
  readonly routes: readonly Route[];
} {
  const { protocol, table, priority } = ROUTING;
  const captured = { mark: IPVS_MARK, markMask: IPVS_MARK_MASK, protocol };
  return {
    rules: families.flatMap((family) => [
      { ...captured, family, priority: priority - 1, inLink: 'lo', table: MAIN_TABLE },
      { ...captured, family, priority, table },
    ]),
    routes: families.map((family) => ({ destination: EVERYTHING[family], type: 'local', link: 'lo', table, protocol })),
  };
}

/** How captured packets get to this host, and how IPVS treats connections. */
export class Routing {
  readonly #net: Net;

  constructor(netns?: Netns) {
    this.#net = openNet(netns);
  }

  /** A kube-proxy in mode ipvs has its addresses here. */
  get hasKubeProxy(): boolean {
    return this.#net.link('kube-ipvs0') !== undefined;
  }

  /** Returns the number of changes. The module has to be loaded: sysctls are its own. */
  bring(families: readonly Family[], netlink: Netlink<'generic'>): number {
    return this.#settings(netlink) + this.#write(families);
  }

  clear(): void {
    this.#write([]);
  }

  drift(families: readonly Family[]): string[] {
    const { rules, routes } = this.#differences(families);
    return [
      ...rules.add.map(({ family, priority }) => `add rule ${priority} of ${family} for captured packets`),
      ...routes.add.map(({ destination }) => `add route local ${destination} for captured packets`),
      ...this.#sysctls().map(({ path, value }) => `set sysctl ${path} to ${value}`),
    ];
  }

  close(): void {
    this.#net.close();
  }

  #sysctls() {
    return diffSysctls(SYSCTLS, this.#net.sysctls(Object.keys(SYSCTLS)));
  }

  #settings(netlink: Netlink<'generic'>): number {
    const sysctls = this.#sysctls();
    for (const { error } of this.#net.applySysctls(sysctls)) if (error) throw error;
    const timeouts = getIpvsTimeouts(netlink);
    if (timeouts.tcp === TCP_TIMEOUT) return sysctls.length;
    setIpvsTimeouts(netlink, { tcp: TCP_TIMEOUT });
    return sysctls.length + 1;
  }

  #differences(families: readonly Family[]) {
    const { protocol, table } = ROUTING;
    const desired = routingOf(families);
    return {
      rules: diffRules(desired.rules, this.#net.rules({ protocol })),
      routes: diffRoutes(desired.routes, this.#net.routes({ protocol, table })),
    };
  }

  #write(families: readonly Family[]): number {
    const { rules, routes } = this.#differences(families);
    const results = [...this.#net.applyRoutes(routes), ...this.#net.applyRules(rules)];
    for (const { error } of results) if (error) throw error;
    return results.length;
  }
}
