import type { IpAddress } from '@podwire/base';
import {
  createZone,
  decodeMessage,
  encodeQuery,
  Forwarder,
  localSockets,
  RCODE,
  RCODE_NAMES,
  Responder,
  TYPE,
  ZoneFeed,
} from '@podwire/dns';
import { nameOf } from './cluster-objects.ts';
import type { ClusterView } from './cluster-view.ts';

/** What the cluster's DNS says to one question for A records. */
export interface Answer {
  readonly question: string;
  /** NOERROR, NXDOMAIN, ...; `upstream` when only a server outside the cluster knows. */
  readonly rcode: string;
  readonly addresses: readonly IpAddress[];
  /** An ExternalName's target. */
  readonly alias?: string;
}

/** Asks the node-local server's own code, fed from the objects. */
export class NameLookup {
  readonly #responder: Responder;

  constructor({ objects, site: { cluster } }: ClusterView) {
    const zone = createZone({
      domain: cluster.clusterDomain,
      setDomain: cluster.clusterSetDomain,
      dnsAddress: cluster.dnsAddress,
      prefixes: [...cluster.podCidrs, ...cluster.serviceCidrs],
      serial: 1,
    });
    const feed = new ZoneFeed(zone);
    for (const namespace of objects.namespaces) feed.setNamespace(nameOf(namespace), true);
    for (const service of objects.services) feed.setService(service, true);
    for (const imported of objects.imports) feed.setImport(imported, true);
    for (const slice of objects.slices) feed.setSlice(slice, true);
    zone.ready = true;
    const forwarder = new Forwarder({ resolvers: [], sockets: localSockets });
    this.#responder = new Responder({ zone, forwarder, turn: () => 0 });
  }

  /** Throws DNS_BAD_NAME for text that cannot be a name. */
  ask(question: string): Answer {
    const reply = this.#responder.answer(encodeQuery(question, TYPE.A, { id: 1 }), 'tcp');
    if (reply === undefined || reply instanceof Promise) return { question, rcode: 'upstream', addresses: [] };
    const { rcode, answers } = decodeMessage(reply);
    const addresses = answers.flatMap(({ data }) => (data.kind === 'address' ? [data.address] : []));
    const alias = answers.map(({ data }) => (data.kind === 'name' ? data.name : undefined)).find((name) => name);
    const text = rcode === RCODE.NOERROR && addresses.length === 0 ? 'NODATA' : (RCODE_NAMES[rcode] ?? String(rcode));
    return { question, rcode: text, addresses, ...(alias && { alias }) };
  }
}
