/** Another OpenID provider, on loopback: small, obedient, and as wrong as a test wants it to be. */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { Lifetime } from './lifetime.ts'

export const upstreamClient = { id: 'pawl-here', secret: 'a secret of the upstream provider' }

export interface UpstreamPerson {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: boolean
  /** What the ID token says besides, or otherwise. */
  readonly [claim: string]: unknown
}

export interface UpstreamProvider {
  readonly issuer: string
  /** What comes back to `redirect_uri` when this person signs in there and agrees: its path and query. */
  readonly signIn: (authorizeUrl: URL, person: UpstreamPerson) => string
  /** The code alone, for whoever mixes things up. */
  readonly codeFor: (authorizeUrl: URL, person: UpstreamPerson) => string
  /** How many codes were sent to it, good or not. */
  readonly asked: () => number
  /** How many of them it gave tokens for. */
  readonly redeemed: () => number
  /** How often it was asked about itself. */
  readonly described: () => number
}

interface Issued {
  readonly challenge: string
  readonly nonce: string
  readonly person: UpstreamPerson
}

/** `namesItself`: it says who it is in its answers (RFC 9207), and announces that. */
export async function openUpstreamProvider(lifetime: Lifetime, namesItself = true): Promise<UpstreamProvider> {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  const codes = new Map<string, Issued>()
  let issuer = ''
  let asked = 0
  let redeemed = 0
  let described = 0

  async function token(request: IncomingMessage): Promise<{ readonly status: number; readonly body: object }> {
    asked += 1
    const sent = new URLSearchParams(await textOf(request))
    const issued = codes.get(sent.get('code') ?? '')
    codes.delete(sent.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(sent.get('code_verifier') ?? '')
      .digest('base64url')
    if (sent.get('client_secret') !== upstreamClient.secret) return { status: 401, body: { error: 'invalid_client' } }
    if (issued === undefined || issued.challenge !== challenge) return { status: 400, body: { error: 'invalid_grant' } }
    redeemed += 1
    const { nonce, person } = issued
    const claims: JWTPayload = { ...lasting, iss: issuer, aud: upstreamClient.id, nonce, ...person }
    const idToken = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'one' }).sign(privateKey)
    return { status: 200, body: { access_token: 'opaque', token_type: 'Bearer', expires_in: 60, id_token: idToken } }
  }

  const server = createServer((request, response) => {
    const answer = async () => {
      if (request.url === '/.well-known/openid-configuration') {
        described += 1
        return { status: 200, body: metadataOf(issuer, namesItself) }
      }
      if (request.url === '/jwks') return { status: 200, body: { keys: [jwk] } }
      return request.url === '/token' ? token(request) : { status: 404, body: {} }
    }
    answer().then(
      ({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
      },
      (error: unknown) => response.destroy(new Error('the upstream provider failed', { cause: error })),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  lifetime.after(() => {
    server.closeAllConnections()
    server.close()
  })
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const codeFor: UpstreamProvider['codeFor'] = (authorizeUrl, person) => {
    const { searchParams } = authorizeUrl
    const code = `code-${codes.size}-${searchParams.get('state') ?? ''}`
    codes.set(code, {
      challenge: searchParams.get('code_challenge') ?? '',
      nonce: searchParams.get('nonce') ?? '',
      person,
    })
    return code
  }
  return {
    issuer,
    codeFor,
    signIn: (authorizeUrl, person) => {
      const { searchParams } = authorizeUrl
      const back = new URL(searchParams.get('redirect_uri') ?? '')
      const state = searchParams.get('state') ?? ''
      const query = new URLSearchParams({ code: codeFor(authorizeUrl, person), state, iss: issuer })
      return `${back.pathname}?${query.toString()}`
    },
    asked: () => asked,
    redeemed: () => redeemed,
    described: () => described,
  }
}

/** The library reads the machine's own clock: its ID tokens last for longer than this program. */
const lasting = { iat: 1_700_000_000, exp: 4_102_444_800 }

function metadataOf(issuer: string, namesItself: boolean): object {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    authorization_response_iss_parameter_supported: namesItself,
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}
