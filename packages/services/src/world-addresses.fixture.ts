export const ADDRESS = {
  client: '10.244.1.2',
  near1: '10.244.1.5',
  near2: '10.244.1.6',
  far: '10.244.2.7',
  /** A client beside far. */
  distant: '10.244.2.8',
  node: '172.30.0.11',
  /** The host network of far. */
  node2: '172.30.0.12',
  outside: '203.0.113.10',
} as const;
export type Place = keyof typeof ADDRESS;
/** The same places by IPv6. */
export const ADDRESS6: Readonly<Record<Place, string>> = {
  client: 'fd00:244:1::2',
  near1: 'fd00:244:1::5',
  near2: 'fd00:244:1::6',
  far: 'fd00:244:2::7',
  distant: 'fd00:244:2::8',
  node: 'fd00:30::11',
  node2: 'fd00:30::12',
  outside: '2001:db8::10',
};
export const TCP_PORTS = [8080, 9090] as const;
export const UDP_PORT = 5353;
export const SCTP_PORT = 5555;
/** Addresses of node on its link to the outside. */
export const UPLINK = { ipv4: '203.0.113.1', ipv6: '2001:db8::1' } as const;
/** Where servers are. */
export type ServerPlace = Exclude<Place, 'client' | 'distant' | 'node2'>;
export const SERVERS = ['near1', 'near2', 'far', 'node', 'outside'] as const satisfies readonly ServerPlace[];
/** Every one of these addresses beside far answers at TCP port 8081, as `crowd/ADDRESS`. */
export const CROWD = { ipv4: '10.244.4.0/22', ipv6: 'fd00:244:4::/64', port: 8081 } as const;
/** Service addresses that somebody else serves on node and on outside, at TCP port 80, as `other`. */
export const OTHER_PROXY = {
  node: { ipv4: '10.96.255.1', ipv6: 'fd00:96::ffff' },
  outside: { ipv4: '10.96.255.2', ipv6: 'fd00:96::fffe' },
} as const;
