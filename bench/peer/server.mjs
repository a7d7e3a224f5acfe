// The login server that bench/token_endpoint.py compares with: oidc-provider in memory, one
// process, ES256 access tokens as JWT, one confidential client. POST /hash verifies a password by
// scrypt in the thread pool, as a sign-in of an application around it would.

import { generateKeyPairSync, randomBytes, scrypt } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [port, clientId, clientSecret, scryptCost] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const jwk = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'bench' };

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [jwk] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => issuer,
      useGrantedResource: () => true,
      // Its JWTs cannot be introspected, so introspection is measured with an opaque token.
      getResourceServerInfo: (_context, resource) => ({
        scope: '',
        audience: issuer,
        accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
});

const salt = randomBytes(16);
const answer = provider.callback();
createServer((request, response) => {
  if (request.url !== '/hash') {
    answer(request, response);
    return;
  }
  request.resume();
  scrypt('a password to measure by', salt, 32, { N: Number(scryptCost), r: 8, p: 1 }, (error) => {
    response.writeHead(error ? 500 : 200, { 'content-length': '0' });
    response.end();
  });
}).listen(Number(port), '127.0.0.1', () => console.log('ready'));
