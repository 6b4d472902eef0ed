/** Dynamic client registration management (RFC 7592): a client reads, replaces and deletes its own registration. */

import type { ClientId } from '@pawl/family'
import { newClientSecret } from '../../admin/client-secret.ts'
import { type Client, type ClientReading, usesSecret } from '../../domain/client/client.ts'
import type { RegisteredSource } from '../../domain/client/client-source.ts'
import type { EventKind } from '../../domain/event/event.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { parseClientId } from '../../domain/identifiers.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { wrong } from './client-metadata.ts'
import { refusedToken, registrationAnswer } from './register.ts'
import { clientOfUpdate, refuseForeignSector } from './registered-client.ts'
import { registrationPolicy } from './registration-policy.ts'
import { withSoftwareStatement } from './software-statement.ts'

/** How often a change is tried against a row that somebody else keeps changing. */
const attemptsMax = 8

export interface ManagementRequest {
  /** As it stands in the query. */
  readonly clientId: string | undefined
  readonly token: string | null
  readonly caller: Caller
}

interface Managed extends ClientReading {
  readonly source: RegisteredSource
  readonly token: string
  /** The token that was shown, as it is kept from now on: under the current master key. */
  readonly hash: string
  /** True of the newest token: then the one before it is over. */
  readonly isNewest: boolean
}

/** RFC 7592 §2.1. Throws `invalid_token` (401) for a token that is not this client's, and for a client that is gone. */
export async function readRegistration(server: AuthorizationServer, request: ManagementRequest): Promise<JsonObject> {
  return untilSaved(async () => {
    const managed = await managedClient(server, request)
    const { client, version, source, token, hash, isNewest } = managed
    // The newest token has arrived: the one before it is over now.
    if (isNewest && (source.tokenHashes.length > 1 || source.tokenHashes[0] !== hash)) {
      const settled = { ...client, source: { ...source, tokenHashes: [hash] } }
      if ((await server.store.clients.change(settled, version, false, [])) === 'moved') return 'moved'
    }
    return registrationAnswer(server, client, { accessToken: token, secret: null })
  })
}

/**
 * RFC 7592 §2.2: what is sent replaces all that the client decides about itself; what is left out is as if it had never
 * been said. Answers with a new token; the one that was shown goes on until the new one is used, so that an answer that
 * got lost locks nobody out.
 */
export async function replaceRegistration(
  server: AuthorizationServer,
  request: ManagementRequest & { readonly metadata: () => JsonObject },
): Promise<JsonObject> {
  // Who has no token is not told what is wrong with the metadata.
  await managedClient(server, request)
  const { metadata, approvedBy, told } = await withSoftwareStatement(server, request.metadata())
  return untilSaved(async () => {
    const managed = await managedClient(server, request)
    const { client, version, source, hash } = managed
    if (source.byStatement && approvedBy !== source.vouchedBy) throw unapproved(source)
    refuseForeignMembers(server, client, metadata)
    const updated = clientOfUpdate(client, withoutOurMembers(metadata), policyFor(server, client))
    await refuseForeignSector(server, updated)
    const made = needsSecret(updated) ? newClientSecret(server, updated) : null
    const next = server.hasher.newSecret('registration_access_token')
    const changed: Client = {
      ...updated,
      secretHashes: made === null ? updated.secretHashes : [made.kept],
      source: { ...source, tokenHashes: [next.hash, hash] },
    }
    const event = await eventOf(server, 'client_changed', client.id, request.caller)
    if ((await server.store.clients.change(changed, version, false, [event])) === 'moved') return 'moved'
    return {
      ...registrationAnswer(server, changed, { accessToken: next.secret, secret: made?.secret ?? null }),
      ...told,
    }
  })
}

/** RFC 7592 §2.3: the client is gone, and everything it held has ended. */
export async function deleteRegistration(server: AuthorizationServer, request: ManagementRequest): Promise<void> {
  await untilSaved(async () => {
    const { client, version } = await managedClient(server, request)
    const event = await eventOf(server, 'client_removed', client.id, request.caller)
    return server.store.clients.remove(client.id, version, [event])
  })
}

/** The client of this token. A disabled one manages nothing: it must not undo what an operator did. */
async function managedClient(server: AuthorizationServer, request: ManagementRequest): Promise<Managed> {
  const { token } = request
  const id = parseClientId(request.clientId ?? '')
  const reading = id === null ? null : await server.store.clients.read(id)
  const source = reading?.client.source ?? null
  if (token === null || reading === null || source?.kind !== 'registered') {
    throw refusedToken('there is no such client, or no token was shown')
  }
  const shown = server.hasher.hashesOf('registration_access_token', token)
  const place = source.tokenHashes.findIndex(known => shown.some(one => server.hasher.same(one, known)))
  const [hash] = shown
  if (reading.client.disabled || place < 0 || hash === undefined) {
    throw refusedToken(`the token is not that of client ${reading.client.id}, or the client is disabled`)
  }
  return { ...reading, source, token, hash, isNewest: place === 0 }
}

/** What it was let in with, it keeps: the token that allowed it may be long gone. */
function policyFor(server: AuthorizationServer, client: Client) {
  const policy = registrationPolicy(server, null)
  return { ...policy, scopes: [...new Set([...client.scopes, ...policy.scopes])] }
}

/** RFC 7592 §2.2: the id must be its own, and so must a secret, if one is sent. */
function refuseForeignMembers(server: AuthorizationServer, client: Client, metadata: JsonObject): void {
  if (metadata['client_id'] !== client.id) throw wrong('client_id is missing or is that of another client.')
  const { client_secret: secret } = metadata
  if (secret === undefined || secret === null) return
  const shown = typeof secret === 'string' ? server.hasher.hashesOf('client_secret', secret) : []
  const isOwn = client.secretHashes.some(({ hash }) => shown.some(one => server.hasher.same(one, hash)))
  if (!isOwn) throw wrong('client_secret is not the one of this client.')
}

/** Otherwise whoever got in by somebody's word could say the next day what nobody has said of it. */
function unapproved({ vouchedBy }: RegisteredSource): OAuthError {
  const description = 'What a software statement has said is changed by another one of its issuer alone.'
  return new OAuthError('unapproved_software_statement', `no statement of ${vouchedBy ?? 'its issuer'} came with it`, {
    description,
  })
}

/** Ours to say, so a client that sends back what it was told does no wrong. */
function withoutOurMembers(metadata: JsonObject): JsonObject {
  const {
    client_id: _id,
    client_secret: _secret,
    client_secret_expires_at: _expires,
    client_id_issued_at: _issued,
    registration_access_token: _token,
    registration_client_uri: _uri,
    ...rest
  } = metadata
  return rest
}

function needsSecret(updated: Client): boolean {
  return usesSecret(updated.authMethod) && updated.secretHashes.length === 0
}

async function eventOf(server: AuthorizationServer, kind: EventKind, clientId: ClientId, caller: Caller) {
  const atMs = await server.store.now()
  return newEvent(kind, { clientId, caller, atMs, detail: { came: 'registered' } }, server.entropy)
}

async function untilSaved<T>(attempt: () => Promise<T | 'moved'>): Promise<T> {
  for (let tries = 0; tries < attemptsMax; tries++) {
    const outcome = await attempt()
    if (outcome !== 'moved') return outcome
  }
  throw new OAuthError('temporarily_unavailable', 'somebody else keeps changing the same client')
}
