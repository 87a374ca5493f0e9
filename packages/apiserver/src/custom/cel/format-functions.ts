import { type Environment, Optional } from '@marcbachmann/cel-js';
import { dnsLabel, dnsLabel1035, dnsSubdomain, labelValue, qualifiedName } from '../../schema/names.ts';
import { isOfFormat } from '../string-formats.ts';
import { spend } from './budget.ts';
import { isUrl } from './value-functions.ts';

/** What is wrong with a text; empty: nothing. */
type Check = (text: string) => readonly string[];

class FormatNamespace {}

class Format {
  readonly check: Check;
  constructor(check: Check) {
    this.check = check;
  }
}

/** A name is made of it by adding something, so that it may end in a dash. */
const prefix =
  (check: Check): Check =>
  (text) =>
    check(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text);
const known =
  (format: string, why: string): Check =>
  (text) =>
    isOfFormat(format, text) ? [] : [why];

const FORMATS: Readonly<Record<string, Format>> = {
  dns1123Label: new Format(dnsLabel),
  dns1123Subdomain: new Format(dnsSubdomain),
  dns1035Label: new Format(dnsLabel1035),
  qualifiedName: new Format(qualifiedName),
  dns1123LabelPrefix: new Format(prefix(dnsLabel)),
  dns1123SubdomainPrefix: new Format(prefix(dnsSubdomain)),
  dns1035LabelPrefix: new Format(prefix(dnsLabel1035)),
  labelValue: new Format(labelValue),
  uri: new Format((text) => (isUrl(text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`])),
  uuid: new Format(known('uuid', 'does not match the UUID format')),
  byte: new Format(known('byte', 'invalid base64')),
  date: new Format(known('date', 'invalid date')),
  datetime: new Format(known('datetime', 'invalid datetime')),
};

/** Kubernetes' formats by name: `format.dns1123Label().validate(text)` is none, or has what is wrong with the text. */
export function registerFormats(environment: Environment): void {
  environment
    .registerType('FormatNamespace', FormatNamespace)
    .registerType('kubernetes.NamedFormat', Format)
    .registerConstant('format', 'FormatNamespace', new FormatNamespace())
    .registerFunction('FormatNamespace.named(string): optional<kubernetes.NamedFormat>', (_: unknown, name: string) =>
      Optional.of(Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined),
    )
    .registerFunction('kubernetes.NamedFormat.validate(string): optional<list<string>>', validate);
  for (const [name, format] of Object.entries(FORMATS))
    environment.registerFunction(`FormatNamespace.${name}(): kubernetes.NamedFormat`, () => format);
}

function validate({ check }: Format, text: string): Optional {
  spend(text.length);
  const wrong = check(text);
  return Optional.of(wrong.length > 0 ? [...wrong] : undefined);
}
