import type { IpAddress, Logger, Prefix } from '@podwire/base';
import { familyOf, messageOf, PodwireError, tryParseIp } from '@podwire/base';
import type { Attachment, PodIdentity, Wiring } from './attachment.ts';
import { attachmentKey, hostLinkName, podMac } from './attachment.ts';
import type { AttachmentTable } from './attachment-table.ts';
import type { CniCall } from './cni-call.ts';
import { checkHostPorts, parsePortMappings } from './host-port.ts';
import { isRecord } from './json.ts';
import type { CniAnswer } from './result.ts';
import { formatResult, formatVersions, resultAddress, success } from './result.ts';
import type { WirePlan } from './wire-plan.ts';
import { planWire } from './wire-plan.ts';

/** The kernel as the verbs see it. */
export interface Dataplane {
  /** Whether the namespace exists and has no interface of that name; throws a PodwireError that says why not. */
  assertFree(netnsPath: string, ifName: string): void;
  /** Makes both ends, up and configured; leaves nothing when it throws. */
  wire(attachment: Attachment, plan: WirePlan): void;
  /** Removes the host end and with it the pod's; nothing to remove is fine. */
  unwire(hostLink: string, attachment: Attachment | undefined): void;
  /** What differs from the plan, one line each. */
  compare(attachment: Attachment, plan: WirePlan): readonly string[];
  /** Brings the nft tables in step with the attachments. */
  syncTables(): void;
}

/** What a pod is once its wires are there. */
export interface ReadyPod {
  readonly identity: PodIdentity | undefined;
  readonly address: IpAddress;
  readonly hostLink: string;
}

export interface VerbsOptions {
  readonly table: AttachmentTable;
  readonly dataplane: Dataplane;
  readonly logger: Logger;
  /** Undefined until known. */
  readonly podCidr: () => Prefix | undefined;
  readonly wiring: Wiring;
  readonly mtu: () => number;
  /** Why no ADD can work now; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** ADD returns after it: policy and DNS are then in force (POD-19). */
  readonly podReady?: (pod: ReadyPod) => Promise<void>;
  /** ms; after it the ADD is rolled back. Default 30,000. */
  readonly podReadyTimeout?: number;
}

/** Carries out a checked call. Throws what becomes the CNI error. */
export function createVerbs(options: VerbsOptions): (call: CniCall) => Promise<CniAnswer> {
  const verbs = new Verbs(options);
  return (call) => verbs.run(call);
}

class Verbs {
  readonly #options: VerbsOptions;
  /** Calls for one container run one after the other. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(options: VerbsOptions) {
    this.#options = options;
  }

  async run(call: CniCall): Promise<CniAnswer> {
    switch (call.command) {
      case 'VERSION':
        return success(formatVersions(call.config.cniVersion));
      case 'STATUS':
        return this.#status();
      case 'GC':
        return this.#gc(call);
      case 'ADD':
        return this.#inTurn(call.containerId, () => this.#add(call));
      case 'DEL':
        return this.#inTurn(call.containerId, async () => this.#del(call));
      case 'CHECK':
        return this.#inTurn(call.containerId, async () => this.#check(call));
    }
  }

  async #inTurn<T>(containerId: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(containerId) ?? Promise.resolve()).then(work, work);
    const settled = turn.catch(() => {});
    this.#last.set(containerId, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(containerId) === settled) this.#last.delete(containerId);
    }
  }

  async #add(call: CniCall): Promise<CniAnswer> {
    const { table, dataplane } = this.#options;
    const podCidr = this.#options.podCidr();
    const notReady = this.#options.notReady();
    if (notReady !== undefined || podCidr === undefined)
      throw new PodwireError(
        'PODS_TRY_LATER',
        `this node cannot wire pods yet: ${notReady ?? 'it has no IPv4 podCIDR'}`,
      );
    if (table.get(attachmentKey(call)))
      throw new PodwireError('PODS_EXISTS', `container ${call.containerId} already has ${call.ifName}; call DEL first`);
    const hostPorts = parsePortMappings(call.config.runtimeConfig.portMappings);
    checkHostPorts(hostPorts, table.list());
    dataplane.assertFree(call.netnsPath, call.ifName);
    const address = table.reserve(attachmentKey(call), requestedAddress(call));
    const attachment: Attachment = {
      ...{ containerId: call.containerId, ifName: call.ifName, network: call.config.name, netnsPath: call.netnsPath },
      ...{ address, mac: podMac(address), mtu: this.#options.mtu(), wiring: this.#options.wiring, hostPorts },
      hostLink: hostLinkName(call.containerId, call.ifName),
      ...podOf(call),
    };
    const plan = planWire(attachment, podCidr);
    await this.#attach(attachment, plan);
    return success(formatResult(call.config.cniVersion, attachment, plan, call.config.dns));
  }

  /** The record first, so that a crash leaves no wire without a record; then the rules, so that no packet passes unchecked. */
  async #attach(attachment: Attachment, plan: WirePlan): Promise<void> {
    const { table, dataplane, logger } = this.#options;
    try {
      table.put(attachment);
      dataplane.syncTables();
      dataplane.wire(attachment, plan);
      await this.#waitReady(attachment);
    } catch (error) {
      this.#rollBack(attachment);
      throw error;
    }
    const { pod, address, containerId, hostLink } = attachment;
    logger.info('pod wired', {
      pod: pod && `${pod.namespace}/${pod.name}`,
      container: containerId,
      address,
      link: hostLink,
    });
  }

  #rollBack(attachment: Attachment): void {
    try {
      this.#detach(attachment.hostLink, attachment);
    } catch (error) {
      const reason = messageOf(error);
      this.#options.logger.error('failed ADD was not rolled back, DEL will do it', {
        container: attachment.containerId,
        reason,
      });
    }
  }

  async #waitReady({ pod, address, hostLink }: Attachment): Promise<void> {
    const { podReady, podReadyTimeout = 30_000 } = this.#options;
    if (!podReady) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new PodwireError(
        'PODS_TRY_LATER',
        `policy and DNS of the pod were not in force within ${podReadyTimeout} ms`,
      );
      timer = setTimeout(() => reject(error), podReadyTimeout);
    });
    await Promise.race([podReady({ identity: pod, address, hostLink }), late]).finally(() => clearTimeout(timer));
  }

  #del(call: CniCall): CniAnswer {
    this.#detach(hostLinkName(call.containerId, call.ifName), this.#options.table.get(attachmentKey(call)));
    return success();
  }

  /** The wire first: the address is free only when nobody has it any more. */
  #detach(hostLink: string, attachment: Attachment | undefined): void {
    const { table, dataplane, logger } = this.#options;
    dataplane.unwire(hostLink, attachment);
    if (!attachment) return;
    table.remove(attachmentKey(attachment));
    dataplane.syncTables();
    logger.info('pod unwired', { container: attachment.containerId, address: attachment.address, link: hostLink });
  }

  #check(call: CniCall): CniAnswer {
    if (call.config.disableCheck) return success();
    const attachment = this.#options.table.get(attachmentKey(call));
    const podCidr = this.#options.podCidr();
    if (!attachment || podCidr === undefined)
      throw new PodwireError(
        'PODS_CHECK',
        `container ${call.containerId} has no ${call.ifName} of podwire's; call DEL, then ADD`,
      );
    const told = resultAddress(call.config.prevResult);
    const differences = [
      ...(told === attachment.address ? [] : [`prevResult has address ${told ?? 'none'}, not ${attachment.address}`]),
      ...this.#options.dataplane.compare({ ...attachment, netnsPath: call.netnsPath }, planWire(attachment, podCidr)),
    ];
    if (differences.length === 0) return success();
    throw new PodwireError(
      'PODS_CHECK',
      `${call.ifName} of container ${call.containerId} is not as it was made: ${differences.join('; ')}`,
    );
  }

  #status(): CniAnswer {
    const reason = this.#options.notReady();
    if (reason !== undefined) throw new PodwireError('PODS_NOT_AVAILABLE', `no pod can be wired now: ${reason}`);
    return success();
  }

  async #gc(call: CniCall): Promise<CniAnswer> {
    if (call.config.disableGc) return success();
    const valid = validKeys(call.config.validAttachments);
    const stale = this.#options.table
      .list()
      .filter((a) => a.network === call.config.name && !valid.has(attachmentKey(a)));
    const errors: string[] = [];
    for (const attachment of stale) {
      try {
        await this.#inTurn(attachment.containerId, async () => this.#detach(attachment.hostLink, attachment));
      } catch (error) {
        errors.push(`${attachmentKey(attachment)}: ${messageOf(error)}`);
      }
    }
    if (errors.length === 0) return success();
    throw new PodwireError(
      'PODS_GC',
      `${errors.length} of ${stale.length} stale attachments could not be freed: ${errors.join('; ')}`,
    );
  }
}

function validKeys(value: unknown): Set<string> {
  const bad = () =>
    new PodwireError('PODS_DECODING', '"cni.dev/valid-attachments" has to be a list of containerID and ifname');
  if (!Array.isArray(value)) throw bad();
  return new Set(
    value.map((entry: unknown) => {
      if (!isRecord(entry) || typeof entry.containerID !== 'string' || typeof entry.ifname !== 'string') throw bad();
      return attachmentKey({ containerId: entry.containerID, ifName: entry.ifname });
    }),
  );
}

/** The `ips` capability, else `IP=` of CNI_ARGS; the first one counts (POD-15). */
function requestedAddress({ config, args }: CniCall): IpAddress | undefined {
  const ips = config.runtimeConfig.ips ?? (args.IP ? args.IP.split(',') : []);
  const [first]: readonly unknown[] = Array.isArray(ips) ? ips : [ips];
  if (first === undefined) return undefined;
  const address = typeof first === 'string' ? tryParseIp(first.split('/')[0] ?? '') : undefined;
  if (address !== undefined && familyOf(address) === 'ipv4') return address;
  throw new PodwireError('PODS_FIELD', `the requested address ${JSON.stringify(first)} is not an IPv4 address`);
}

function podOf({ args }: CniCall): { pod?: PodIdentity } {
  const { K8S_POD_NAMESPACE: namespace, K8S_POD_NAME: name, K8S_POD_UID: uid = '' } = args;
  return namespace && name ? { pod: { namespace, name, uid } } : {};
}
