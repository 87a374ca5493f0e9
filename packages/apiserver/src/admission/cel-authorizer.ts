import type { Environment } from '@marcbachmann/cel-js';
import type { Authorizer, Decision } from '../authorization/authorizer.ts';
import { spend } from '../custom/cel/budget.ts';
import { dnsLabel, dnsSubdomain } from '../schema/names.ts';
import type { User } from '../seam.ts';
import { type Attempt, placeOf } from './attempt.ts';

/** What the roles are asked of, with who it is about. */
type Answers = Pick<Authorizer, 'decide'>;

/** Of one check: an expression may make two. */
const CHECK_COST = 350_000;

/** What a user may do, for expressions: `authorizer.group('apps').resource('deployments').check('create').allowed()`. */
class CelAuthorizer {
  readonly answers: Answers;
  readonly user: User;
  constructor(answers: Answers, user: User) {
    this.answers = answers;
    this.user = user;
  }
}

/** Of who makes a request; it knows the resource of the request, too. */
class RequestAuthorizer extends CelAuthorizer {
  readonly requestResource: ResourceCheck;
  constructor(answers: Answers, attempt: Attempt) {
    super(answers, attempt.user);
    const { kind, subresource = '' } = attempt;
    const group = new GroupCheck(this, kind.group);
    this.requestResource = new ResourceCheck(group, { resource: kind.plural, subresource, ...placeOf(attempt) });
  }
}

class PathCheck {
  readonly authorizer: CelAuthorizer;
  readonly path: string;
  constructor(authorizer: CelAuthorizer, path: string) {
    if (path.trim() === '') throw new TypeError('path must not be empty');
    this.authorizer = authorizer;
    this.path = path;
  }
  check(verb: string): CelDecision {
    return decide(this.authorizer, { verb, path: this.path });
  }
}

class GroupCheck {
  readonly authorizer: CelAuthorizer;
  readonly group: string;
  constructor(authorizer: CelAuthorizer, group: string) {
    this.authorizer = authorizer;
    this.group = group;
  }
}

interface Asked {
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

class ResourceCheck {
  readonly group: GroupCheck;
  readonly asked: Asked;
  constructor(group: GroupCheck, asked: Asked) {
    this.group = group;
    this.asked = asked;
  }
  with(more: Partial<Asked>): ResourceCheck {
    return new ResourceCheck(this.group, { ...this.asked, ...more });
  }
  check(verb: string): CelDecision {
    const { authorizer, group } = this.group;
    return decide(authorizer, { verb, resource: { group, version: '*', ...this.asked }, path: '' });
  }
}

class CelDecision implements Decision {
  readonly allowed: boolean;
  readonly reason: string;
  constructor({ allowed, reason }: Decision) {
    this.allowed = allowed;
    this.reason = reason;
  }
}

function decide({ answers, user }: CelAuthorizer, asked: Parameters<Answers['decide']>[1]): CelDecision {
  spend(CHECK_COST);
  return new CelDecision(answers.decide(user, asked));
}

/** The value of the variable `authorizer` when something is attempted. */
export function requestAuthorizer(answers: Answers, attempt: Attempt): object {
  return new RequestAuthorizer(answers, attempt);
}

const PACKAGE = 'kubernetes.authorization';
const PATH = `${PACKAGE}.PathCheck`;
const GROUP = `${PACKAGE}.GroupCheck`;
const RESOURCE = `${PACKAGE}.ResourceCheck`;
const DECISION = `${PACKAGE}.Decision`;
const OF_REQUEST = `${PACKAGE}.RequestAuthorizer`;
const OF_ACCOUNT = `${PACKAGE}.Authorizer`;

/** Kubernetes' functions of access, and the variable they begin with. */
export function registerAuthorizer(environment: Environment): void {
  environment
    .registerType(DECISION, { ctor: CelDecision, fields: {} })
    .registerType(RESOURCE, { ctor: ResourceCheck, fields: {} })
    .registerType(GROUP, { ctor: GroupCheck, fields: {} })
    .registerType(PATH, { ctor: PathCheck, fields: {} })
    .registerType(OF_ACCOUNT, { ctor: CelAuthorizer, fields: {} })
    .registerType(OF_REQUEST, { ctor: RequestAuthorizer, fields: { requestResource: RESOURCE } })
    .registerVariable('authorizer', OF_REQUEST);
  for (const type of [OF_ACCOUNT, OF_REQUEST]) registerStarts(environment, type);
  environment
    .registerFunction(`${PATH}.check(string): ${DECISION}`, (check: PathCheck, verb: string) => check.check(verb))
    .registerFunction(`${RESOURCE}.check(string): ${DECISION}`, (it: ResourceCheck, verb: string) => it.check(verb))
    .registerFunction(`${DECISION}.allowed(): bool`, ({ allowed }: CelDecision) => allowed)
    .registerFunction(`${DECISION}.reason(): string`, ({ reason }: CelDecision) => reason)
    // Roles always know an answer.
    .registerFunction(`${DECISION}.errored(): bool`, () => false)
    .registerFunction(`${DECISION}.error(): string`, () => '');
  registerResources(environment);
}

function registerStarts(environment: Environment, type: string): void {
  environment
    .registerFunction(`${type}.path(string): ${PATH}`, (of: CelAuthorizer, path: string) => new PathCheck(of, path))
    .registerFunction(`${type}.group(string): ${GROUP}`, (of: CelAuthorizer, name: string) => new GroupCheck(of, name))
    .registerFunction(`${type}.serviceAccount(string, string): ${OF_ACCOUNT}`, ofServiceAccount);
}

function registerResources(environment: Environment): void {
  environment.registerFunction(`${GROUP}.resource(string): ${RESOURCE}`, (group: GroupCheck, resource: string) => {
    if (resource.trim() === '') throw new TypeError('resource must not be empty');
    return new ResourceCheck(group, { resource, subresource: '', namespace: '', name: '' });
  });
  for (const field of ['subresource', 'namespace', 'name'] as const) {
    environment.registerFunction(`${RESOURCE}.${field}(string): ${RESOURCE}`, (check: ResourceCheck, value: string) =>
      check.with({ [field]: value }),
    );
  }
  // Roles are the same for all objects a selector may choose.
  for (const field of ['fieldSelector', 'labelSelector']) {
    environment.registerFunction(`${RESOURCE}.${field}(string): ${RESOURCE}`, (check: ResourceCheck, text: string) => {
      spend(text.length / 10);
      return check;
    });
  }
}

function ofServiceAccount({ answers }: CelAuthorizer, namespace: string, name: string): CelAuthorizer {
  if (dnsSubdomain(name).length > 0) throw new TypeError('Invalid service account name');
  if (dnsLabel(namespace).length > 0) throw new TypeError('Invalid service account namespace');
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  return new CelAuthorizer(answers, { name: `system:serviceaccount:${namespace}:${name}`, groups });
}
