import { type ErrorCodeTable, PodwireError } from '@podwire/base';

export const DNS_ERRORS = {
  DNS_DECODE:
    'bytes are not a DNS message: cut short, a bad pointer, a name over 255 bytes, or a record that does not fit its type',
  DNS_BAD_NAME:
    'text is not a domain name: an empty label, a label over 63 bytes, a name over 255 bytes, or a bad escape',
  DNS_BAD_MESSAGE: 'a message cannot be written: a field is out of range, or the message is over 65,535 bytes',
  DNS_UPSTREAM: 'no configured resolver gave a usable answer in time',
  DNS_LISTEN: 'the server cannot listen on one of its addresses',
} as const satisfies ErrorCodeTable;

/** The only thing decoding throws, whatever the bytes are. */
export class DnsDecodeError extends PodwireError {
  /** Where in the message decoding gave up. */
  readonly offset: number;

  constructor(reason: string, offset: number) {
    super('DNS_DECODE', `DNS message is malformed at byte ${offset}: ${reason}`, { details: { offset } });
    this.name = 'DnsDecodeError';
    this.offset = offset;
  }
}
