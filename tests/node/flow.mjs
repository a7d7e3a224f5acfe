// An application that uses Ostiary through openid-client. It reads its inputs as one JSON object
// from standard input and prints what it saw as another; the judging is done by the Python test.

import { text } from 'node:stream/consumers'
import * as client from 'openid-client'
import { UserAgent } from './user_agent.mjs'

const { issuer, account, publicClient, confidentialClient } = JSON.parse(await text(process.stdin))
const SCOPE = 'openid email offline_access'

function discover({ client_id: id, client_secret: secret }) {
  const authentication = secret === undefined ? client.None() : client.ClientSecretBasic(secret)
  return client.discovery(new URL(issuer), id, secret, authentication, {
    // Loopback has no TLS. The signature of every ID token is checked in its place.
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  })
}

// Send the user to the issuer and return the address with which they come back.
async function authorize(config, application, agent) {
  const verifier = client.randomPKCECodeVerifier()
  const checks = { state: client.randomState(), nonce: client.randomNonce() }
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: application.redirect_uri,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...checks,
  })
  const options = { application: application.redirect_uri }
  let place = await agent.open(address, options)
  const asked = place.page !== null
  if (asked) place = await agent.submit(place, account, options)
  if (place.page !== null) throw new Error(`signed in, but stayed on ${place.url}:\n${place.page}`)
  const expected = {
    pkceCodeVerifier: verifier,
    expectedState: checks.state,
    expectedNonce: checks.nonce,
    idTokenExpected: true,
  }
  return { asked, url: place.url, expected }
}

// Return the OAuth error of a request that must be refused.
async function refusal(request) {
  try {
    await request()
    return null
  } catch (error) {
    return { error: error.error ?? error.code ?? error.name, status: error.status ?? null }
  }
}

async function publicFlow() {
  const config = await discover(publicClient)
  const agent = new UserAgent()
  const first = await authorize(config, publicClient, agent)
  const tokens = await client.authorizationCodeGrant(config, first.url, first.expected)
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub)
  const rotated = await client.refreshTokenGrant(config, tokens.refresh_token)
  // Only now is the first token's answer known to have arrived: its successor is used.
  const latest = await client.refreshTokenGrant(config, rotated.refresh_token)

  const again = await authorize(config, publicClient, agent)
  const reusedCode = await client.authorizationCodeGrant(config, again.url, again.expected)
    .then(() => refusal(() => client.authorizationCodeGrant(config, again.url, again.expected)))
  const wrong = await authorize(config, publicClient, agent)
  const wrongVerifier = await refusal(() => client.authorizationCodeGrant(config, wrong.url, {
    ...wrong.expected, pkceCodeVerifier: client.randomPKCECodeVerifier(),
  }))

  const facts = {
    metadata: config.serverMetadata(),
    asked_for_password: first.asked,
    asked_again_in_session: again.asked,
    claims: tokens.claims(),
    token_type: tokens.token_type,
    expires_in: tokens.expires_in,
    userinfo,
    refreshed: {
      new_access_token: rotated.access_token !== tokens.access_token,
      new_refresh_token: rotated.refresh_token !== tokens.refresh_token,
    },
    reused_refresh_token: await refusal(() => client.refreshTokenGrant(config, tokens.refresh_token)),
    refresh_token_after_reuse:
      await refusal(() => client.refreshTokenGrant(config, latest.refresh_token)),
    reused_code: reusedCode,
    wrong_verifier: wrongVerifier,
    tampered_token: await refusal(() => client.fetchUserInfo(
      config, tamper(tokens.access_token), client.skipSubjectCheck)),
  }
  await agent.open(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token }))
  facts.asked_after_sign_out = (await authorize(config, publicClient, agent)).asked
  return facts
}

// Change one character in the middle of the signature: its last one carries unused bits.
function tamper(token) {
  const at = token.length - 20
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

async function confidentialFlow() {
  const config = await discover(confidentialClient)
  const { url, expected } = await authorize(config, confidentialClient, new UserAgent())
  const tokens = await client.authorizationCodeGrant(config, url, expected)
  const impostor = await discover({ ...confidentialClient, client_secret: 'not-the-secret' })
  const machine = await client.clientCredentialsGrant(config)
  return {
    subject: tokens.claims().sub,
    introspection: await client.tokenIntrospection(config, tokens.access_token),
    introspection_of_rubbish: await client.tokenIntrospection(config, 'rubbish'),
    introspection_by_impostor:
      await refusal(() => client.tokenIntrospection(impostor, tokens.access_token)),
    client_credentials: { token_type: machine.token_type, id_token: machine.id_token ?? null },
  }
}

console.log(JSON.stringify({ public: await publicFlow(), confidential: await confidentialFlow() }))
