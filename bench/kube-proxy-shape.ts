import { clusterIP, ENDPOINT_PORT, ENDPOINTS, endpointAddress, POD_CIDR, SERVICE_PORT } from './service-objects.ts';

/**
 * What kube-proxy writes for the services of service-objects.ts, as text for `nft -f -` and for iptables-restore: a chain
 * for every service and every endpoint. Without the comments that it adds, which only cost time.
 */
const serviceChain = (service: number): string => `service-${service}/http`;
const endpointChain = (service: number, endpoint: string): string => `endpoint-${service}/${endpoint}`;

export function nftShape(services: number): string {
  const chains = Array.from({ length: services }, (_, i) => serviceText(i));
  const elements = Array.from(
    { length: services },
    (_, i) => `${clusterIP(i)} . tcp . ${SERVICE_PORT} : goto ${serviceChain(i)}`,
  );
  return `table ip kube-proxy {
  chain mark-for-masquerade { meta mark set mark or 0x4000; }
  chain masquerading { mark and 0x4000 == 0 return; mark set mark xor 0x4000; masquerade fully-random; }
${chains.join('\n')}
  map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = { ${elements.join(', ')} }; }
  chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
  chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain nat-output { type nat hook output priority -100; jump services; }
  chain nat-postrouting { type nat hook postrouting priority srcnat; jump masquerading; }
}
`;
}

const endpointRules = (address: string): string[] => [
  `ip saddr ${address} jump mark-for-masquerade`,
  `meta l4proto tcp dnat to ${address}:${ENDPOINT_PORT}`,
];

function serviceRules(service: number, endpoints: readonly string[]): string[] {
  const verdicts = endpoints.map((address, n) => `${n} : goto ${endpointChain(service, address)}`);
  return [
    `ip daddr ${clusterIP(service)} tcp dport ${SERVICE_PORT} ip saddr != ${POD_CIDR} jump mark-for-masquerade`,
    `numgen random mod ${endpoints.length} vmap { ${verdicts.join(', ')} }`,
  ];
}

function serviceText(service: number): string {
  const endpoints = ENDPOINTS.map((n) => endpointAddress(service, n));
  const own = endpoints.map(
    (address) => `  chain ${endpointChain(service, address)} { ${endpointRules(address).join('; ')}; }\n`,
  );
  return `${own.join('')}  chain ${serviceChain(service)} { ${serviceRules(service, endpoints).join('; ')}; }`;
}

/** The first endpoint of a service gives way to its replacement, or comes back. */
export function nftChange(service: number, replaced: boolean): string {
  const [before, after] = [endpointAddress(service, 0, !replaced), endpointAddress(service, 0, replaced)];
  const [chain, old, fresh] = [serviceChain(service), endpointChain(service, before), endpointChain(service, after)];
  const add = (name: string, rules: readonly string[]): string[] =>
    rules.map((rule) => `add rule ip kube-proxy ${name} ${rule}`);
  return [
    `add chain ip kube-proxy ${fresh}`,
    ...add(fresh, endpointRules(after)),
    `flush chain ip kube-proxy ${chain}`,
    ...add(chain, serviceRules(service, [after, endpointAddress(service, 1)])),
    `flush chain ip kube-proxy ${old}`,
    `delete chain ip kube-proxy ${old}`,
    '',
  ].join('\n');
}

export function iptablesShape(services: number): string {
  const chains: string[] = [];
  const rules: string[] = [];
  for (let service = 0; service < services; service++) {
    const name = `KUBE-SVC-${service}`;
    const match = `-d ${clusterIP(service)}/32 -p tcp -m tcp --dport ${SERVICE_PORT}`;
    chains.push(`:${name} - [0:0]`);
    rules.push(`-A KUBE-SERVICES ${match} -j ${name}`, `-A ${name} ! -s ${POD_CIDR} ${match} -j KUBE-MARK-MASQ`);
    for (const endpoint of ENDPOINTS) {
      const own = `KUBE-SEP-${service}-${endpoint}`;
      const address = endpointAddress(service, endpoint);
      const left = ENDPOINTS.length - endpoint;
      const chance = left > 1 ? `-m statistic --mode random --probability ${(1 / left).toFixed(11)} ` : '';
      chains.push(`:${own} - [0:0]`);
      rules.push(
        `-A ${name} ${chance}-j ${own}`,
        `-A ${own} -s ${address}/32 -j KUBE-MARK-MASQ`,
        `-A ${own} -p tcp -m tcp -j DNAT --to-destination ${address}:${ENDPOINT_PORT}`,
      );
    }
  }
  return `*nat
:KUBE-SERVICES - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
${chains.join('\n')}
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
${rules.join('\n')}
COMMIT
`;
}
