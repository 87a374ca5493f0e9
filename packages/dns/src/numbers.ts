/** Resource record types (IANA DNS parameters); only those this package reads or writes by meaning. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const CLASS_IN = 1;

export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs EDNS: the upper bits travel in the OPT record (RFC 6891). */
  BADVERS: 16,
} as const;

export const RCODE_NAMES: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(RCODE).map(([name, number]) => [number, name]),
);

/** Bits of the header's second 16-bit word (RFC 1035 4.1.1, RFC 4035). */
export const FLAG = {
  QR: 0x8000,
  OPCODE: 0x7800,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
  RCODE: 0x000f,
} as const;

export const HEADER_SIZE = 12;
/** An OPT record without options. */
export const OPT_SIZE = 11;
/** The largest UDP payload that fits every usual path unfragmented (DNS flag day 2020). */
export const SAFE_UDP_SIZE = 1232;
