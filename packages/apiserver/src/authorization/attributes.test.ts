import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KindRegistry } from '../core/kind-registry.ts';
import { parseResourcePath } from '../core/request-path.ts';
import { attributesOf, cannotText, resourceText } from './attributes.ts';

const kinds = new KindRegistry();

/** `verb group/resource namespace name` of a request line. */
function asked(line: string): string {
  const [method = '', url = ''] = line.split(' ');
  const { pathname: path, searchParams: query } = new URL(url, 'http://server');
  const { verb, resource } = attributesOf({ method, path, query }, parseResourcePath(kinds, path));
  if (!resource) return `${verb} ${path}`;
  const { group, namespace, name } = resource;
  return [verb, `${group}/${resourceText(resource)}`, namespace || '-', name || '-'].join(' ');
}

test('verbs and resources of requests', () => {
  const cases: Readonly<Record<string, string>> = {
    'GET /api/v1/pods': 'list /pods - -',
    'GET /api/v1/namespaces/a/pods': 'list /pods a -',
    'GET /api/v1/namespaces/a/pods?watch=true': 'watch /pods a -',
    'GET /api/v1/namespaces/a/pods?watch=1&fieldSelector=metadata.name%3Dp': 'watch /pods a p',
    'GET /api/v1/namespaces/a/pods?watch=false': 'list /pods a -',
    'GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dp,status.phase%3DRunning': 'list /pods a p',
    'GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name!%3Dp': 'list /pods a -',
    'GET /api/v1/namespaces/a/pods/p': 'get /pods a p',
    // Served as a watch of one object, so it is one.
    'GET /api/v1/namespaces/a/pods/p?watch=true': 'watch /pods a p',
    'HEAD /api/v1/namespaces/a/pods/p': 'get /pods a p',
    'GET /api/v1/namespaces/a/pods/p/log?watch=true': 'get /pods/log a p',
    'POST /api/v1/namespaces/a/pods/p/exec': 'create /pods/exec a p',
    'POST /apis/apps/v1/namespaces/a/deployments': 'create apps/deployments a -',
    'PUT /apis/apps/v1/namespaces/a/deployments/d/scale': 'update apps/deployments/scale a d',
    'PATCH /apis/apps/v1/namespaces/a/deployments/d': 'patch apps/deployments a d',
    'DELETE /apis/apps/v1/namespaces/a/deployments/d': 'delete apps/deployments a d',
    'DELETE /apis/apps/v1/namespaces/a/deployments': 'deletecollection apps/deployments a -',
    'DELETE /api/v1/namespaces/a': 'delete /namespaces a a',
    'PUT /api/v1/namespaces/a/finalize': 'update /namespaces/finalize a a',
    'GET /apis/extensions/v1beta1/namespaces/a/ingresses': 'list extensions/ingresses a -',
    'GET /api/v1/namespaces/%61/secrets/%73': 'get /secrets a s',
    'GET /apis/no.such/v1/namespaces/a/things/t/sub': 'get no.such/things/sub a t',
    'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews':
      'create authorization.k8s.io/selfsubjectaccessreviews - -',
    'GET /apis/apps/v1': 'get /apis/apps/v1',
    'GET /healthz': 'get /healthz',
    'POST /metrics': 'post /metrics',
  };
  assert.deepEqual(Object.fromEntries(Object.keys(cases).map((line) => [line, asked(line)])), cases);
});

test('a hostile name stays inside its quotes', () => {
  const name = 'a" can\n everything';
  const text = cannotText({ name }, { verb: 'get', path: '/x"' });
  assert.equal(text, 'User "a\\" can\\n everything" cannot get path "/x\\""');
});
