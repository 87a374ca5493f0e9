/**
 * The formats of names and numbers in the API. Each validator returns what is wrong, in the words of the real server
 * (apimachinery's util/validation); empty: nothing.
 */
type Messages = readonly string[];

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const LABEL_1035 = '[a-z]([-a-z0-9]*[a-z0-9])?';
const QUALIFIED = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]';
const LABEL_VALUE = `(${QUALIFIED})?`;
const CONFIG_KEY = '[-._a-zA-Z0-9]+';
const WILDCARD = `\\*\\.${SUBDOMAIN}`;
const PERCENT = '[0-9]+%';

const QUALIFIED_TEXT =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

function regexMessage(text: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(' or ');
  return `${text} (${shown ? `e.g. ${shown}` : ''}regex used for validation is '${pattern}')`;
}

function check(value: string, pattern: string, maximum: number, message: string): Messages {
  const wrong: string[] = [];
  if (value.length > maximum) wrong.push(`must be no more than ${maximum} bytes`);
  if (!whole(pattern).test(value)) wrong.push(message);
  return wrong;
}

const compiled = new Map<string, RegExp>();

/** Matches texts that are the pattern from start to end. */
function whole(pattern: string): RegExp {
  const known = compiled.get(pattern) ?? new RegExp(`^(?:${pattern})$`);
  compiled.set(pattern, known);
  return known;
}

const SUBDOMAIN_MESSAGE = regexMessage(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  SUBDOMAIN,
  'example.com',
);
const LABEL_MESSAGE = regexMessage(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  LABEL,
  'my-name',
  '123-abc',
);
const LABEL_1035_MESSAGE = regexMessage(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  LABEL_1035,
  'my-name',
  'abc-123',
);
const WILDCARD_MESSAGE = regexMessage(
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  WILDCARD,
  '*.example.com',
);
const LABEL_VALUE_MESSAGE = regexMessage(
  `a valid label must be an empty string or ${QUALIFIED_TEXT.replace('must ', '')}`,
  LABEL_VALUE,
  'MyValue',
  'my_value',
  '12345',
);
const CONFIG_KEY_MESSAGE = regexMessage(
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  CONFIG_KEY,
  'key.name',
  'KEY_NAME',
  'key-name',
);

export const dnsSubdomain = (value: string): Messages => check(value, SUBDOMAIN, 253, SUBDOMAIN_MESSAGE);
export const dnsLabel = (value: string): Messages => check(value, LABEL, 63, LABEL_MESSAGE);
export const dnsLabel1035 = (value: string): Messages => check(value, LABEL_1035, 63, LABEL_1035_MESSAGE);
export const wildcardSubdomain = (value: string): Messages => check(value, WILDCARD, 253, WILDCARD_MESSAGE);
export const labelValue = (value: string): Messages => check(value, LABEL_VALUE, 63, LABEL_VALUE_MESSAGE);

/** A label key, annotation key or resource name: an optional DNS prefix, a slash, a name. */
export function qualifiedName(value: string): Messages {
  const parts = value.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.length > 2) {
    const text = regexMessage(`a qualified name ${QUALIFIED_TEXT}`, QUALIFIED, 'MyName', 'my.name', '123-abc');
    return [`${text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const wrong: string[] = [];
  const [prefix] = parts;
  if (parts.length === 2 && prefix === '') wrong.push('prefix part must be non-empty');
  else if (parts.length === 2) wrong.push(...dnsSubdomain(prefix ?? '').map((text) => `prefix part ${text}`));
  if (name === '') wrong.push('name part must be non-empty');
  const message = regexMessage(`name part ${QUALIFIED_TEXT}`, QUALIFIED, 'MyName', 'my.name', '123-abc');
  const found = check(name, QUALIFIED, 63, message);
  return [...wrong, ...found.map((text) => (text === message ? text : `name part ${text}`))];
}

/** A key of a ConfigMap or Secret: also the name of a file. */
export function configKey(value: string): Messages {
  if (value === '.') return ["must not be '.'"];
  if (value === '..') return ["must not be '..'"];
  if (value.startsWith('..')) return ["must not start with '..'"];
  return check(value, CONFIG_KEY, 253, CONFIG_KEY_MESSAGE);
}

/** RFC 6335 service name: the name of a container port. */
export function portName(value: string): Messages {
  const wrong: string[] = [];
  if (value.length > 15) wrong.push('must be no more than 15 characters');
  if (!/^[-a-z0-9]+$/.test(value)) wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  if (!/[a-z]/.test(value)) wrong.push('must contain at least one letter (a-z)');
  if (value.includes('--')) wrong.push('must not contain consecutive hyphens');
  if (value.startsWith('-') || value.endsWith('-')) wrong.push('must not begin or end with a hyphen');
  return wrong;
}

export function portNumber(value: number): Messages {
  return value >= 1 && value <= 65535 ? [] : ['must be between 1 and 65535, inclusive'];
}

/** A port given by number or by name. */
export function portReference(value: string | number): Messages {
  return typeof value === 'number' ? portNumber(value) : portName(value);
}

export function environmentName(value: string): Messages {
  if (value !== '' && /^[ -<>-~]+$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
}

export function percent(value: string): Messages {
  const text = "a valid percent string must be a numeric string followed by an ending '%'";
  return check(value, PERCENT, 253, regexMessage(text, PERCENT, '1%', '93%'));
}

export function notNegative(value: number): Messages {
  return value >= 0 ? [] : ['must be greater than or equal to 0'];
}

/** Names of roles may be anything that fits between two slashes: `system:node`. */
export function pathSegment(name: string): Messages {
  if (name === '.' || name === '..') return [`may not be '${name}'`];
  return ['/', '%'].filter((part) => name.includes(part)).map((part) => `may not contain '${part}'`);
}
