import { isIP } from 'node:net';
import { isCidr } from '../schema/addresses.ts';

type Check = (value: string) => boolean;

const DATE = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
const TIME = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const HEX = '[0-9a-fA-F]';
const UUID = new RegExp(`^${HEX}{8}-?${HEX}{4}-?${HEX}{4}-?${HEX}{4}-?${HEX}{12}$`);
const LABEL = /^[a-zA-Z0-9]([-a-zA-Z0-9]{0,61}[a-zA-Z0-9])?$/;
const DURATION = /^([+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+$/;
const WORDS =
  /^\d+\s*(nanos|nanoseconds?|micros|microseconds?|millis|milliseconds?|seconds?|secs?|min|minutes?|hours?|hr|days?|weeks?|wk)$/;

/** Formats of text that Kubernetes knows, without their dashes; all others say nothing about a value. */
const FORMATS: Readonly<Record<string, Check>> = {
  bsonobjectid: (value) => /^[0-9a-fA-F]{24}$/.test(value),
  byte: (value) => /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0,
  cidr: isCidr,
  creditcard: (value) => /^\d{13,19}$/.test(value.replace(/[- ]/g, '')),
  date: (value) => DATE.test(value) && !Number.isNaN(Date.parse(value)),
  datetime: (value) => TIME.test(value) && !Number.isNaN(Date.parse(value.replace(' ', 'T').toUpperCase())),
  duration: (value) => DURATION.test(value) || WORDS.test(value) || value === '0',
  email: (value) => value.length <= 320 && /^[^\s@<>]+@[^\s@<>]+$/.test(value),
  hexcolor: (value) => /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/.test(value),
  hostname: (value) => value.length <= 253 && value.split('.').every((label) => LABEL.test(label)),
  ipv4: (value) => isIP(value) === 4,
  ipv6: (value) => isIP(value) === 6,
  isbn: (value) => /^(97[89])?\d{9}[\dX]$/.test(value.replace(/[- ]/g, '')),
  isbn10: (value) => /^\d{9}[\dX]$/.test(value.replace(/[- ]/g, '')),
  isbn13: (value) => /^97[89]\d{10}$/.test(value.replace(/[- ]/g, '')),
  mac: (value) => /^([0-9a-fA-F]{2}([:-]?)){5}[0-9a-fA-F]{2}$/.test(value),
  rgbcolor: (value) => /^rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)$/.test(value),
  ssn: (value) => /^\d{3}[- ]?\d{2}[- ]?\d{4}$/.test(value),
  uri: (value) => URL.canParse(value) || (value.startsWith('/') && URL.canParse(value, 'http://h')),
  uuid: (value) => UUID.test(value),
  uuid3: (value) => UUID.test(value) && versionOf(value) === '3',
  uuid4: (value) => UUID.test(value) && versionOf(value) === '4' && /^[89ab]/i.test(variantOf(value)),
  uuid5: (value) => UUID.test(value) && versionOf(value) === '5' && /^[89ab]/i.test(variantOf(value)),
};

const plain = (uuid: string) => uuid.replaceAll('-', '');
const versionOf = (uuid: string) => plain(uuid)[12];
const variantOf = (uuid: string) => plain(uuid).slice(16);

/** Whether a text is of a format; of formats nobody knows every text is. */
export function isOfFormat(format: string, value: string): boolean {
  const name = format.replaceAll('-', '');
  return Object.hasOwn(FORMATS, name) ? (FORMATS[name]?.(value) ?? true) : true;
}
