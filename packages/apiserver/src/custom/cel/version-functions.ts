import type { Environment } from '@marcbachmann/cel-js';
import { spend } from './budget.ts';
import { compareVersions, parseVersion, type SemanticVersion } from './semantic-version.ts';

class Semver {
  readonly version: SemanticVersion;
  constructor(version: SemanticVersion) {
    this.version = version;
  }
  toString(): string {
    return this.version.text;
  }
}

/** Kubernetes' functions of versions: `semver('1.2.3').isLessThan(semver('v2', true))`. */
export function registerVersions(environment: Environment): void {
  const compare = (a: Semver, b: Semver) => compareVersions(a.version, b.version);
  const isSemver = (text: string, isLoose = false) => tryVersion(text, isLoose) !== undefined;
  environment
    .registerType('kubernetes.Semver', Semver)
    .registerFunction('semver(string): kubernetes.Semver', (text: string) => toSemver(text, false))
    .registerFunction('semver(string, bool): kubernetes.Semver', toSemver)
    .registerFunction('isSemver(string): bool', (text: string) => isSemver(text))
    .registerFunction('isSemver(string, bool): bool', isSemver)
    .registerFunction('kubernetes.Semver.compareTo(kubernetes.Semver): int', (a: Semver, b: Semver) =>
      BigInt(compare(a, b)),
    )
    .registerFunction(
      'kubernetes.Semver.isLessThan(kubernetes.Semver): bool',
      (a: Semver, b: Semver) => compare(a, b) < 0,
    )
    .registerFunction(
      'kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool',
      (a: Semver, b: Semver) => compare(a, b) > 0,
    )
    .registerOperator('kubernetes.Semver == kubernetes.Semver', (a: Semver, b: Semver) => compare(a, b) === 0);
  for (const [index, name] of ['major', 'minor', 'patch'].entries())
    environment.registerFunction(`kubernetes.Semver.${name}(): int`, ({ version }: Semver) => version.numbers[index]);
}

function tryVersion(text: string, isLoose: boolean): SemanticVersion | undefined {
  spend(text.length / 10);
  return parseVersion(text, isLoose);
}

function toSemver(text: string, isLoose: boolean): Semver {
  const version = tryVersion(text, isLoose);
  if (!version) throw new TypeError(`semver parse error during conversion from string: ${text}`);
  return new Semver(version);
}
