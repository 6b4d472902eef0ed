/**
 * Who is asking (RFC 6749 §2.3, OAuth 2.1 §2.4). One method per request, and the one the client registered. Unknown
 * client, wrong secret and wrong method are one failure with one answer, and cost the same time.
 */

import type { ClientId } from '@pawl/family'
import { type Client, type ClientReading, isPublicClient, type SecretHash } from '../domain/client/client.ts'
import { parseClientId } from '../domain/identifiers.ts'
import { type AuthorizationServer, type ProtocolRequest, valueOf } from './authorization-server.ts'
import { OAuthError } from './oauth-error.ts'

export const authorizationHeaderCharactersMax = 8192

interface Credentials {
  readonly method: 'none' | 'client_secret_basic' | 'client_secret_post'
  readonly clientId: ClientId
  readonly secret: string | null
}

/** The client that made this request, proven. Throws `invalid_client` (401) or `invalid_request`; nothing has changed. */
export async function authenticateClient(server: AuthorizationServer, request: ProtocolRequest): Promise<Client> {
  const credentials = credentialsOf(request)
  const { clientId, method, secret } = credentials
  const reading = await server.store.clients.read(clientId)
  const client = reading?.client ?? null
  const isProven = secret === null || (await isSecretOf(server, reading, secret))
  if (client === null) throw invalidClient(credentials, 'there is no such client')
  if (client.authMethod !== method) throw invalidClient(credentials, `it is registered for ${client.authMethod}`)
  if (!isProven) throw invalidClient(credentials, 'the secret is wrong or over')
  if (client.disabled) throw invalidClient(credentials, 'the client is disabled')
  return client
}

/** As `authenticateClient`, for endpoints that tell nothing to clients without a credential (RFC 7662 §2.1). */
export async function authenticateConfidentialClient(
  server: AuthorizationServer,
  request: ProtocolRequest,
): Promise<Client> {
  const client = await authenticateClient(server, request)
  if (!isPublicClient(client)) return client
  throw new OAuthError('invalid_client', `client ${client.id} has no credential`, { context: { clientId: client.id } })
}

/**
 * One hash for each master key, and a comparison with every secret of the client: malformed, wrong and expired cost the
 * same. Where there is no client, a secret that nobody has stands in for its.
 */
async function isSecretOf(
  server: AuthorizationServer,
  reading: ClientReading | null,
  secret: string,
): Promise<boolean> {
  const { hasher, store } = server
  const client = reading?.client ?? null
  const shown = hasher.hashesOf('client_secret', secret)
  const nobodys = [{ hash: hasher.dummyHash, expiresAtMs: null, sealed: null }]
  const known = client === null || client.secretHashes.length === 0 ? nobodys : client.secretHashes
  const nowMs = known.some(({ expiresAtMs }) => expiresAtMs !== null) ? await store.now() : 0
  const fitting = known.filter(({ hash }) => shown.some(one => hasher.same(hash, one)))
  const isGood = fitting.some(({ expiresAtMs }) => expiresAtMs === null || nowMs < expiresAtMs)
  if (isGood && reading !== null) renewHashes(server, reading, { fitting, current: shown[0] })
  return isGood
}

/**
 * Keeps what was just proven as a hash under the current master key, so that the one it was kept under can be retired.
 * Behind the answer: where the client changed meanwhile, its next request comes by here again.
 */
function renewHashes(
  server: AuthorizationServer,
  { client, version }: ClientReading,
  proven: { readonly fitting: readonly SecretHash[]; readonly current: string | undefined },
): void {
  const { fitting, current } = proven
  if (current === undefined || fitting.every(({ hash }) => hash === current)) return
  const renewed = client.secretHashes.map(each => (fitting.includes(each) ? { ...each, hash: current } : each))
  server.background.run(async () => {
    await server.store.clients.change({ ...client, secretHashes: renewed }, version, false, [])
  })
}

function credentialsOf(request: ProtocolRequest): Credentials {
  const { parameters, authorization } = request
  const bodyId = valueOf(parameters, 'client_id')
  const bodySecret = parameters.get('client_secret')
  // A credential of a kind we do not take is a failure, never a request without one.
  if (parameters.has('client_assertion') || parameters.has('client_assertion_type')) {
    throw new OAuthError('invalid_client', 'client assertions are not taken here')
  }
  if (authorization !== undefined) return basicCredentials(authorization, bodyId, bodySecret)
  const clientId = bodyId === undefined ? null : parseClientId(bodyId)
  if (clientId === null) throw new OAuthError('invalid_client', 'no client is named')
  if (bodySecret === undefined) return { method: 'none', clientId, secret: null }
  return { method: 'client_secret_post', clientId, secret: bodySecret }
}

function basicCredentials(header: string, bodyId: string | undefined, bodySecret: string | undefined): Credentials {
  if (bodySecret !== undefined)
    throw new OAuthError('invalid_request', 'two client authentication methods in one request')
  const [clientText, secret] = readBasic(header)
  const clientId = parseClientId(clientText)
  if (clientId === null) throw basicFailure('the Basic user name is no client id')
  if (bodyId !== undefined && bodyId !== clientId) {
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client', {
      context: { clientId },
    })
  }
  return { method: 'client_secret_basic', clientId, secret }
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
function readBasic(header: string): readonly [string, string] {
  if (header.length > authorizationHeaderCharactersMax) throw basicFailure('the Authorization header is too long')
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1]
  if (encoded === undefined) throw basicFailure('the Authorization header is not Basic')
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) throw basicFailure('the Basic credentials have no colon')
  const clientId = formDecode(text.slice(0, colon))
  const secret = formDecode(text.slice(colon + 1))
  if (clientId === null || secret === null) throw basicFailure('the Basic credentials are not form-encoded')
  return [clientId, secret]
}

function formDecode(text: string): string | null {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    // A stray percent sign: decodeURIComponent has no other way to say so, and the caller answers for it.
    return null
  }
}

function basicFailure(detail: string): OAuthError {
  return new OAuthError('invalid_client', detail, { headers: { 'www-authenticate': basicChallenge } })
}

function invalidClient(credentials: Credentials, detail: string): OAuthError {
  const { clientId, method } = credentials
  const headers = method === 'client_secret_basic' ? { 'www-authenticate': basicChallenge } : {}
  return new OAuthError('invalid_client', `client ${clientId}: ${detail}`, { headers, context: { clientId } })
}

const basicChallenge = 'Basic realm="pawl", charset="UTF-8"'
