import { familyOf, type IpAddress, tryParseIp, tryParsePort } from '@podwire/base';
import { type ClusterConfig, isPodOver, type Pod } from '@podwire/kube';
import { type Attachment, hostLinkName, podMac } from '@podwire/pods';
import { keyOf } from './cluster-objects.ts';
import { UNDERLAY_MTU } from './site.ts';

const VXLAN_OVERHEAD = 50;
const HOST_PORT_PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

/**
 * The attachment a pod has on its node; undefined for one that has none of its own. The name of the host end stands for
 * the real one, which follows from a container ID that the API does not tell.
 */
export function attachmentOf(pod: Pod, config: ClusterConfig): Attachment | undefined {
  const address = podAddress(pod);
  if (!address || pod.spec?.hostNetwork || isPodOver(pod)) return undefined;
  return {
    ...{ containerId: keyOf(pod), ifName: 'eth0', network: 'podwire', netnsPath: '', address, mac: podMac(address) },
    mtu: config.backend === 'vxlan' ? UNDERLAY_MTU - VXLAN_OVERHEAD : UNDERLAY_MTU,
    wiring: config.wiring,
    hostLink: hostLinkName(keyOf(pod), 'eth0'),
    hostPorts: hostPortsOf(pod),
  };
}

export function podAddress({ status }: Pod): IpAddress | undefined {
  const all = [status?.podIP, ...(status?.podIPs ?? []).map(({ ip }) => ip)].map((text) => tryParseIp(text ?? ''));
  return all.find((ip) => ip !== undefined && familyOf(ip) === 'ipv4');
}

function hostPortsOf({ spec }: Pod): Attachment['hostPorts'] {
  return (spec?.containers ?? [])
    .flatMap(({ ports }) => ports ?? [])
    .flatMap(({ hostIP = '', hostPort, containerPort, protocol: text = 'TCP' }) => {
      const protocol = HOST_PORT_PROTOCOLS.find((one) => one === text.toLowerCase());
      const [outer, inner] = [tryParsePort(hostPort), tryParsePort(containerPort)];
      const hostIp = hostIP === '0.0.0.0' ? undefined : tryParseIp(hostIP);
      return protocol && outer && inner ? [{ hostIp, protocol, hostPort: outer, containerPort: inner }] : [];
    });
}
