/** Dynamic client registration (RFC 7591, OpenID Connect Dynamic Client Registration 1.0 §3). */

import { newClientSecret } from '../../admin/client-secret.ts'
import { type Client, usesSecret } from '../../domain/client/client.ts'
import type { RegisteredSource } from '../../domain/client/client-source.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { newClientId } from '../../domain/identifiers.ts'
import { type InitialAccessToken, keptUntilMs } from '../../domain/registration/registration-store.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { endpointPaths } from '../metadata.ts'
import { OAuthError } from '../oauth-error.ts'
import { wrong } from './client-metadata.ts'
import { clientOfMetadata, publishKeysFor, refuseForeignSector, registrationJson } from './registered-client.ts'
import { chargeRegistration, refuseWhenFull } from './registration-limits.ts'
import { registrationPolicy } from './registration-policy.ts'
import { withSoftwareStatement } from './software-statement.ts'

/** Of metadata that nobody vouches for, as JSON: what a flood of registrations can take is this times their number. */
export const unvouchedMetadataBytesMax = 6_144

export interface RegistrationRequest {
  readonly metadata: JsonObject
  /** The bearer token as sent; null where none was. */
  readonly token: string | null
  readonly caller: Caller
}

/**
 * Registers the client and answers with its id, its secret where it has one, and the token that manages it. Throws the
 * errors of RFC 7591 §3.2.2, `invalid_token` (401) where a token is wanted or wrong, and `too_many_requests`.
 */
export async function register(server: AuthorizationServer, request: RegistrationRequest): Promise<JsonObject> {
  const token = await openingToken(server, request.token)
  const approved = await withSoftwareStatement(server, request.metadata)
  const { metadata, approvedBy: statementOf, told } = approved
  if (token === null) {
    if (statementOf === null) refuseUninvited(server, metadata)
    await chargeRegistration(server, request.caller.address)
    await refuseWhenFull(server)
  }
  const nowMs = await server.store.now()
  const { secret: accessToken, hash } = server.hasher.newSecret('registration_access_token')
  const vouchedBy = token?.name ?? approved.vouchedBy
  const source = { kind: 'registered', tokenHashes: [hash], vouchedBy, statementOf } as const
  const bare = clientOfMetadata(metadata, registrationPolicy(server, token), {
    id: newClientId(server.entropy),
    createdAtMs: nowMs,
    source,
    partner: token?.partner ?? null,
  })
  await refuseForeignSector(server, bare)
  await publishKeysFor(server, bare)
  const made = usesSecret(bare.authMethod) ? newClientSecret(server, bare) : null
  const client: Client = made === null ? bare : { ...bare, secretHashes: [made.kept] }
  await save(server, client, { source, token, caller: request.caller, nowMs })
  return { ...registrationAnswer(server, client, { accessToken, secret: made?.secret ?? null }), ...told }
}

/** RFC 7591 §3.2.1 and RFC 7592 §3. `secret` is told when it was just made; we keep only its hash. */
export function registrationAnswer(
  server: AuthorizationServer,
  client: Client,
  shown: { readonly accessToken: string; readonly secret: string | null },
): JsonObject {
  const { accessToken, secret } = shown
  return {
    ...registrationJson(client),
    ...(secret === null ? {} : { client_secret: secret }),
    ...(usesSecret(client.authMethod) ? { client_secret_expires_at: 0 } : {}),
    registration_access_token: accessToken,
    registration_client_uri: `${server.issuer}${endpointPaths.register}?client_id=${client.id}`,
  }
}

/** Where nobody says anything for the client, registration must be open, and what it says of itself short. */
function refuseUninvited(server: AuthorizationServer, metadata: JsonObject): void {
  if (server.rules.registration !== 'open') throw refusedToken('nobody vouches for this client')
  if (Buffer.byteLength(JSON.stringify(metadata)) <= unvouchedMetadataBytesMax) return
  throw wrong(`Without an initial access token the metadata has at most ${unvouchedMetadataBytesMax} bytes.`)
}

/** The token that was sent, if it opens anything; null where none was sent. */
async function openingToken(server: AuthorizationServer, token: string | null): Promise<InitialAccessToken | null> {
  if (token === null) return null
  const hash = server.hasher.hashOf('initial_access_token', token)
  const found = hash === null ? null : await server.store.registrations.findToken(hash)
  if (found !== null && found.usesLeft > 0 && (await server.store.now()) < found.expiresAtMs) return found
  throw refusedToken(found === null ? 'no such initial access token' : `the token ${found.name} is used up or over`)
}

async function save(
  server: AuthorizationServer,
  client: Client,
  from: {
    readonly source: RegisteredSource
    readonly token: InitialAccessToken | null
    readonly caller: Caller
    readonly nowMs: number
  },
): Promise<void> {
  const { source, token, caller, nowMs } = from
  const { vouchedBy, statementOf } = source
  const said = statementOf === null ? {} : { statement_of: statementOf.slice(0, 500) }
  const detail = { kind: client.kind, came: 'registered', vouched_by: vouchedBy, ...said }
  const event = newEvent('client_added', { clientId: client.id, caller, atMs: nowMs, detail }, server.entropy)
  const tokenName = token?.name ?? null
  const terms = { tokenName, keptUntilMs: keptUntilMs(tokenName, nowMs) }
  const outcome = await server.store.registrations.addClient(client, terms, [event])
  if (outcome === 'moved') throw refusedToken(`the token ${token?.name ?? ''} was used up meanwhile`)
}

/** RFC 6750 §3: whoever shows no token learns how to, and whoever shows a bad one learns no more. */
export function refusedToken(detail: string): OAuthError {
  const headers = { 'WWW-Authenticate': 'Bearer realm="pawl", error="invalid_token"' }
  return new OAuthError('invalid_token', detail, { headers, description: 'The token is missing, wrong or used up.' })
}
