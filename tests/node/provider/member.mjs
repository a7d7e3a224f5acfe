// One member of a cluster of oidc-provider: its group shares issuer, keys and Redis with the other
// members. It reads what it is as one JSON line from standard input, and ends with its parent.
//
// `faults` are what a bad release of it would do: `errors` (500 from authorization and token
// endpoint), `wrong_issuer` (another issuer in all that it says and signs), `unpublished_key`
// (it signs by a key that is not in its key set).

import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import Provider from 'oidc-provider'
import { pages } from './pages.mjs'
import { redisAdapter } from './redis_adapter.mjs'

const lines = createInterface({ input: process.stdin })
const { value } = await lines[Symbol.asyncIterator]().next()
const told = JSON.parse(value)
process.stdin.on('end', () => process.exit(0))
process.stdin.resume()

const faults = new Set(told.faults)
const mount = new URL(told.issuer).pathname.replace(/\/$/, '')
const redis = new Redis(told.redis)
const provider = new Provider(faults.has('wrong_issuer') ? `${told.issuer}/elsewhere` : told.issuer, {
  adapter: redisAdapter(redis),
  clients: told.clients,
  cookies: { keys: told.cookieKeys },
  // The first key signs; all are published, except where the fault says so.
  jwks: { keys: told.keys },
  claims: { openid: ['sub'], email: ['email'] },
  conformIdTokenClaims: false,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
  },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: id }) }),
  interactions: { url: (_context, { uid }) => `${mount}/interaction/${uid}` },
  ttl: {
    AccessToken: 300, AuthorizationCode: 60, ClientCredentials: 300, Grant: 600, IdToken: 300,
    Interaction: 300, RefreshToken: 600, Session: 600,
  },
})
provider.proxy = true
const answerPage = pages(provider, { mount, accounts: told.accounts })
const answerProtocol = provider.callback()

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!response.headersSent) response.writeHead(error.status ?? 500)
    response.end(`${error.message}\n`)
  })
})

async function answer(request, response) {
  const { pathname } = new URL(request.url, 'http://any')
  response.setHeader('x-member', told.name)
  if (pathname === `${mount}/health`) {
    await redis.ping()
    return void response.end('well\n')
  }
  if (!pathname.startsWith(`${mount}/`)) return void response.writeHead(404).end()
  if (faults.has('errors') && /\/(auth|token)$/.test(pathname)) {
    return void response.writeHead(500).end('TypeError: undefined is not a function\n')
  }
  if (faults.has('unpublished_key') && pathname === `${mount}/jwks`) {
    response.setHeader('content-type', 'application/jwk-set+json')
    return void response.end(JSON.stringify({ keys: told.keys.slice(1).map(published) }))
  }
  if (pathname.startsWith(`${mount}/interaction/`)) return answerPage(request, response)
  // As express mounts an application: the provider sees paths below its mount, and knows of it.
  request.originalUrl = request.url
  request.baseUrl = mount
  request.url = request.url.slice(mount.length)
  return answerProtocol(request, response)
}

function published({ kty, crv, x, y, kid, alg, use }) {
  return { kty, crv, x, y, kid, alg, use }
}

server.listen(told.port, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
