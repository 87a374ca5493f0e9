import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseIp, parsePrefix } from '@podwire/base';
import type { EndpointSlice, Namespace, Service, ServiceImport } from '@podwire/kube';
import { parseAllDocuments } from 'yaml';
import { answerFromZone, type ZoneAnswer } from './answer.ts';
import { decodeMessage } from './decode.ts';
import { encodeQuery } from './encode.ts';
import { createZone, ZoneFeed } from './feed.ts';
import type { Message, ResourceRecord } from './message.ts';
import { RCODE, RCODE_NAMES, TYPE } from './numbers.ts';
import { readQuery } from './query.ts';
import { writeReply } from './reply.ts';
import type { Zone } from './zone.ts';

const ROOT = new URL('../testdata/', import.meta.url);
type ApiObject = { kind: string } & (Service | ServiceImport | EndpointSlice | Namespace);

function loadObjects(folder: string): ApiObject[] {
  const text = readFileSync(new URL(`${folder}/input.yaml`, ROOT), 'utf8');
  return parseAllDocuments(text).map((document) => document.toJS() as ApiObject);
}

function feedZone(objects: readonly ApiObject[]): { zone: Zone; feed: ZoneFeed } {
  const prefixes = ['10.96.0.0/12', '10.244.0.0/16', 'fd00:96::/108'].map(parsePrefix);
  const domains = { domain: 'cluster.local', setDomain: 'clusterset.local' };
  const zone = createZone({ ...domains, dnsAddress: parseIp('10.96.0.10'), prefixes, serial: 1 });
  const feed = new ZoneFeed(zone);
  for (const object of objects) set(feed, object, true);
  zone.ready = true;
  return { zone, feed };
}

function set(feed: ZoneFeed, object: ApiObject, present: boolean): void {
  if (object.kind === 'Service') feed.setService(object as Service, present);
  else if (object.kind === 'ServiceImport') feed.setImport(object as ServiceImport, present);
  else if (object.kind === 'EndpointSlice') feed.setSlice(object as EndpointSlice, present);
  else feed.setNamespace(object.metadata?.name ?? '', present);
}

function show(record: ResourceRecord): string {
  const { data } = record;
  switch (data.kind) {
    case 'address':
      return data.address;
    case 'name':
      return record.type === TYPE.CNAME ? `CNAME ${data.name}` : data.name;
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'text':
      return data.strings.map((s) => JSON.stringify(s)).join(' ');
    case 'soa':
      return `SOA ${record.name}`;
    default:
      return record.type === TYPE.HINFO ? 'HINFO' : `type ${record.type}`;
  }
}

function ask(zone: Zone, name: string, type: number): { found: ZoneAnswer; reply: Message } | undefined {
  const query = readQuery(encodeQuery(name, type, { id: 7 }));
  assert.ok(!('problem' in query));
  const found = answerFromZone(zone, query.key, query.type);
  const options = { limit: 4096, turn: 0, recursion: false };
  return found && { found, reply: decodeMessage(writeReply(query, { ...found, authoritative: true }, options)) };
}

/** The answer in the words of queries.txt. */
function describe(zone: Zone, name: string, type: number): string {
  const asked = ask(zone, name, type);
  if (!asked) return 'FORWARDED';
  const { reply, found } = asked;
  assert.equal(reply.questions[0]?.name, name, 'the question comes back as it was asked');
  const words = reply.answers.map(show);
  const negative =
    reply.rcode !== RCODE.NOERROR || (words.every((word) => word.startsWith('CNAME')) && type !== TYPE.CNAME);
  if (found.chase !== undefined) words.push(`CHASED ${found.chase}`);
  else if (reply.rcode !== RCODE.NOERROR) words.push(RCODE_NAMES[reply.rcode] ?? String(reply.rcode));
  else if (negative || words.length === 0) words.push('NODATA');
  if (['NXDOMAIN', 'NODATA'].includes(words.at(-1) ?? '')) {
    assert.deepEqual(
      reply.authorities.map((r) => r.type),
      [TYPE.SOA],
      'a negative answer carries the SOA record',
    );
    const apex = reply.authorities[0]?.name.toLowerCase() ?? '';
    assert.ok(
      reply.answers.length > 0 || name.toLowerCase() === apex || name.toLowerCase().endsWith(`.${apex}`),
      `SOA of ${apex}`,
    );
  }
  assert.ok(
    reply.answers.every((r) => r.ttl === 5),
    'ttl is 5',
  );
  return words.join(', ');
}

for (const folder of readdirSync(ROOT).sort()) {
  const objects = loadObjects(folder);
  const { zone } = feedZone(objects);
  const lines = readFileSync(new URL(`${folder}/queries.txt`, ROOT), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'));
  for (const line of lines) {
    const [, name = '', type = '', expected = ''] = /^(\S+) (\w+)\s+-> (.*)$/.exec(line) ?? [];
    test(`${folder}: ${line}`, () => {
      assert.equal(describe(zone, name, TYPE[type as keyof typeof TYPE]), expected);
    });
  }

  test(`${folder}: objects in any order, come and gone, leave the same zone`, () => {
    const backwards = feedZone([...objects].reverse());
    const empty = feedZone([]).zone.size;
    for (const line of lines) {
      const [, name = '', type = ''] = /^(\S+) (\w+)/.exec(line) ?? [];
      const number = TYPE[type as keyof typeof TYPE];
      assert.equal(describe(backwards.zone, name, number), describe(zone, name, number));
    }
    for (const object of objects) set(backwards.feed, object, false);
    assert.equal(backwards.zone.size, empty, 'no name is left behind');
  });
}

test('before the first sync names of the zone are SERVFAIL, others go upstream (DNS-13)', () => {
  const { zone } = feedZone([]);
  zone.ready = false;
  assert.equal(answerFromZone(zone, '\x03web\x03svc\x07cluster\x05local', TYPE.A)?.rcode, RCODE.SERVFAIL);
  assert.equal(answerFromZone(zone, '\x07example\x03com', TYPE.A), undefined);
});

test('a change to one Service touches only its names and shows at once (DNS-12)', () => {
  const service = (name: string, ip: string) =>
    ({
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { clusterIP: ip, clusterIPs: [ip] },
    }) as ApiObject;
  const { zone, feed } = feedZone([service('a', '10.96.0.1'), service('b', '10.96.0.2')]);
  const key = '\x01a\x07default\x03svc\x07cluster\x05local';
  const before = zone.find(key);
  const sets = before?.sets;
  set(feed, service('b', '10.96.0.3'), true);
  assert.equal(zone.find(key), before);
  assert.equal(zone.find(key)?.sets, sets);
  assert.equal(describe(zone, 'b.default.svc.cluster.local', TYPE.A), '10.96.0.3');
  const { serial } = zone;
  set(feed, service('b', '10.96.0.3'), true);
  assert.equal(zone.serial, serial, 'no change, no new serial');
  set(feed, service('b', '10.96.0.3'), false);
  assert.equal(describe(zone, 'b.default.svc.cluster.local', TYPE.A), 'NXDOMAIN');
  assert.notEqual(zone.serial, serial);
});
