/**
 * Who is asking (RFC 6749 §2.3, OAuth 2.1 §2.4). One method per request, and the one the client registered. Unknown
 * client, wrong secret and wrong method are one failure with one answer, and cost the same time.
 */

import type { ClientId } from '@pawl/family'
import { carriesName } from '../domain/certificate/certificate-name.ts'
import {
  type AuthMethod,
  type Client,
  type ClientReading,
  isPublicClient,
  type SecretHash,
} from '../domain/client/client.ts'
import { parseClientId } from '../domain/identifiers.ts'
import type { Mark } from '../domain/mark/mark-store.ts'
import type { ForeignJwt } from '../domain/token/foreign-jwt.ts'
import { attestationChallenge, attestationChallengeHeader } from './attestation-challenge.ts'
import {
  type AuthorizationServer,
  type Parameters,
  type ProtocolRequest,
  type ShownAttestation,
  valueOf,
} from './authorization-server.ts'
import { assertedClient, clientAssertionType, judgeAssertion } from './client-assertion.ts'
import { judgeAttestation } from './client-attestation.ts'
import { OAuthError } from './oauth-error.ts'

export const authorizationHeaderCharactersMax = 8192

interface Named {
  readonly clientId: ClientId
  /** The methods such a request may stand for; the client is registered for one of them, or is not proven. */
  readonly methods: readonly AuthMethod[]
}

/** What the request shows of its client. Nothing is proven yet. */
type Credentials = Named &
  (
    | { readonly kind: 'secret'; readonly secret: string }
    | { readonly kind: 'assertion'; readonly assertion: ForeignJwt }
    | { readonly kind: 'attestation'; readonly attestation: ShownAttestation }
    | { readonly kind: 'bare' }
  )

/** The client that made this request, proven. Throws `invalid_client` (401) or `invalid_request`; nothing has changed. */
export async function authenticateClient(server: AuthorizationServer, request: ProtocolRequest): Promise<Client> {
  const credentials = credentialsOf(request)
  const reading = await server.store.clients.read(credentials.clientId)
  const client = reading?.client ?? null
  const judged =
    credentials.kind === 'secret'
      ? await judgeSecret(server, reading, credentials.secret)
      : await judgeOther(server, request, credentials, reading)
  if (client === null) throw invalidClient(credentials, 'there is no such client')
  if (!credentials.methods.includes(client.authMethod)) {
    throw invalidClient(credentials, `it is registered for ${client.authMethod}`)
  }
  if ('flaw' in judged) throw invalidClient(credentials, judged.flaw)
  if (client.disabled) throw invalidClient(credentials, 'the client is disabled')
  if ('wantsChallenge' in judged) throw await challenged(server, client)
  if (judged.mark !== null) await takeMark(server, credentials, judged.mark)
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

/** A sentence against what was shown, or what is left to do with it. */
type Shown = { readonly flaw: string } | { readonly mark: Mark | null } | { readonly wantsChallenge: true }

const proven: Shown = { mark: null }

async function judgeSecret(server: AuthorizationServer, reading: ClientReading | null, secret: string): Promise<Shown> {
  return (await isSecretOf(server, reading, secret)) ? proven : { flaw: 'the secret is wrong or over' }
}

async function judgeOther(
  server: AuthorizationServer,
  request: ProtocolRequest,
  credentials: Exclude<Credentials, { readonly kind: 'secret' }>,
  reading: ClientReading | null,
): Promise<Shown> {
  const client = reading?.client ?? null
  switch (credentials.kind) {
    case 'assertion':
      return judgeAssertion(server, reading, credentials.assertion)
    case 'attestation':
      return judgeAttestation(server, client, { ...request, attestation: credentials.attestation })
    case 'bare':
      return client === null || client.authMethod === 'none' ? proven : judgeCertificate(server, client, request)
  }
}

/** RFC 8705 §2: by a name a certificate authority vouches for, or by being the very certificate the client registered. */
async function judgeCertificate(server: AuthorizationServer, client: Client, request: ProtocolRequest): Promise<Shown> {
  const { certificate } = request
  if (certificate === null) return { flaw: 'it showed no certificate' }
  if (client.authMethod === 'self_signed_tls_client_auth') {
    const keys = await server.clientKeys.withCertificate(client, certificate.derBytes)
    return keys.length > 0 ? proven : { flaw: 'its certificate is not registered' }
  }
  if (!certificate.verified) return { flaw: 'no authority we trust has signed its certificate' }
  const { certificateName } = client
  const isNamed = certificateName !== null && carriesName(certificate, certificateName)
  return isNamed ? proven : { flaw: 'its certificate is for somebody else' }
}

async function takeMark(server: AuthorizationServer, credentials: Credentials, mark: Mark): Promise<void> {
  if (await server.store.marks.take(mark.use, mark.value, mark.expiresAtMs)) return
  throw invalidClient(credentials, 'its assertion or proof was used before')
}

/** Asked of a client that has proven everything else, so it tells nothing to anybody who has not. */
async function challenged(server: AuthorizationServer, client: Client): Promise<OAuthError> {
  return new OAuthError('use_attestation_challenge', 'the proof has no challenge that is good now', {
    headers: { [attestationChallengeHeader]: await attestationChallenge(server) },
    context: { clientId: client.id },
  })
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
  const { parameters, authorization, attestation } = request
  const bodyId = valueOf(parameters, 'client_id')
  const bodySecret = parameters.get('client_secret')
  const isAsserted = parameters.has('client_assertion') || parameters.has('client_assertion_type')
  if (isAsserted || bodySecret !== undefined)
    refuseTwoMethods(authorization !== undefined || (isAsserted && bodySecret !== undefined))
  if (authorization !== undefined) return basicCredentials(authorization, bodyId)
  if (isAsserted) return assertionCredentials(parameters, bodyId)
  const clientId = bodyId === undefined ? null : parseClientId(bodyId)
  if (clientId === null) throw new OAuthError('invalid_client', 'no client is named')
  if (bodySecret !== undefined) return { kind: 'secret', methods: byPost, clientId, secret: bodySecret }
  if (attestation !== null) return { kind: 'attestation', methods: byAttestation, clientId, attestation }
  return { kind: 'bare', methods: byNothing, clientId }
}

const byBasic: readonly AuthMethod[] = ['client_secret_basic']
const byPost: readonly AuthMethod[] = ['client_secret_post']
const byAssertion: readonly AuthMethod[] = ['private_key_jwt', 'client_secret_jwt']
const byAttestation: readonly AuthMethod[] = ['attest_jwt_client_auth']
/** A certificate shows in the connection, not in the request. */
const byNothing: readonly AuthMethod[] = ['none', 'tls_client_auth', 'self_signed_tls_client_auth']

function refuseTwoMethods(areTwo: boolean): void {
  if (areTwo) throw new OAuthError('invalid_request', 'two client authentication methods in one request')
}

/** RFC 7521 §4.2: a `client_id` beside the assertion names the same client. */
function assertionCredentials(parameters: Parameters, bodyId: string | undefined): Credentials {
  if (parameters.get('client_assertion_type') !== clientAssertionType) {
    throw new OAuthError('invalid_client', 'the type of the client assertion is not known')
  }
  const asserted = assertedClient(parameters.get('client_assertion') ?? '')
  if (asserted === null) throw new OAuthError('invalid_client', 'the client assertion is no JWT of a client')
  const { clientId, assertion } = asserted
  if (bodyId !== undefined && bodyId !== clientId) {
    throw new OAuthError('invalid_client', 'client_id is not the client of the assertion', { context: { clientId } })
  }
  return { kind: 'assertion', methods: byAssertion, clientId, assertion }
}

function basicCredentials(header: string, bodyId: string | undefined): Credentials {
  const [clientText, secret] = readBasic(header)
  const clientId = parseClientId(clientText)
  if (clientId === null) throw basicFailure('the Basic user name is no client id')
  if (bodyId !== undefined && bodyId !== clientId) {
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client', {
      context: { clientId },
    })
  }
  return { kind: 'secret', methods: byBasic, clientId, secret }
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

function invalidClient({ clientId, methods }: Credentials, detail: string): OAuthError {
  const headers = methods === byBasic ? { 'www-authenticate': basicChallenge } : {}
  return new OAuthError('invalid_client', `client ${clientId}: ${detail}`, { headers, context: { clientId } })
}

const basicChallenge = 'Basic realm="pawl", charset="UTF-8"'
