import type { ProxyContext, ProxyMode, ServiceProxy } from './proxy.ts';

/** Loaded when chosen: a node needs the code of one mode only. */
const MODES: Readonly<Record<ProxyMode, (context: ProxyContext) => Promise<ServiceProxy>>> = {
  nftables: async (context) => (await import('./nftables/nftables-proxy.ts')).createNftablesProxy(context),
  iptables: async (context) => (await import('./iptables/iptables-proxy.ts')).createIptablesProxy(context),
  ipvs: async (context) => (await import('./ipvs/ipvs-proxy.ts')).createIpvsProxy(context),
  userspace: async (context) => (await import('./userspace/userspace-proxy.ts')).createUserspaceProxy(context),
  ebpf: async (context) => {
    const { createEbpfProxy } = await import('./ebpf/ebpf-proxy.ts');
    return createEbpfProxy(context, await MODES.nftables(context));
  },
};

export const PROXY_MODES = Object.keys(MODES) as readonly ProxyMode[];

export function createProxy(mode: ProxyMode, context: ProxyContext): Promise<ServiceProxy> {
  return MODES[mode](context);
}
