/** Dynamic client registration management (RFC 7592): a client reads, replaces and deletes its own registration. */

import type { ClientId } from '@pawl/family'
import { newClientSecret } from '../../admin/client-secret.ts'
import { type Client, type ClientReading, usesSecret } from '../../domain/client/client.ts'
import { cameByToken, type RegisteredSource } from '../../domain/client/client-source.ts'
import { namesUsersAlike } from '../../domain/client/sector.ts'
import type { EventKind } from '../../domain/event/event.ts'
import { type Caller, newEvent } from '../../domain/event/new-event.ts'
import { parseClientId } from '../../domain/identifiers.ts'
import type { JsonObject } from '../../domain/strict-json.ts'
import type { AuthorizationServer } from '../authorization-server.ts'
import { OAuthError } from '../oauth-error.ts'
import { wrong } from './client-metadata.ts'
import { refusedToken, registrationAnswer } from './register.ts'
import { clientOfUpdate, publishKeysFor, refuseForeignSector } from './registered-client.ts'
import { updatePolicy } from './registration-policy.ts'
import { type ApprovedMetadata, withSoftwareStatement } from './software-statement.ts'

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
  const approved = await withSoftwareStatement(server, request.metadata())
  const { metadata, told } = approved
  return untilSaved(async () => {
    const managed = await managedClient(server, request)
    const { client, version, source, hash } = managed
    const { statementOf } = source
    if (statementOf !== null && approved.approvedBy !== statementOf) throw unapproved(statementOf)
    refuseForeignMembers(server, client, metadata)
    const updated = clientOfUpdate(client, withoutOurMembers(metadata), updatePolicy(server, client, source))
    await refuseForeignSector(server, updated)
    await publishKeysFor(server, updated)
    const made = needsSecret(updated) ? newClientSecret(server, updated) : null
    const next = server.hasher.newSecret('registration_access_token')
    const changed: Client = {
      ...updated,
      secretHashes: made === null ? updated.secretHashes : [made.kept],
      source: { ...source, tokenHashes: [next.hash, hash], vouchedBy: vouchedByNow(source, approved) },
    }
    const event = await eventOf(server, 'client_changed', client.id, request.caller)
    const cutsOff = !namesUsersAlike(client, changed)
    if ((await server.store.clients.change(changed, version, cutsOff, [event])) === 'moved') return 'moved'
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

/** A token was given to somebody for good; a statement stands behind what this one says, whatever another one said. */
function vouchedByNow(source: RegisteredSource, { vouchedBy }: ApprovedMetadata): string | null {
  return cameByToken(source) || source.statementOf === null ? source.vouchedBy : vouchedBy
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
function unapproved(statementOf: string): OAuthError {
  const description = 'What a software statement has said is changed by another one of its issuer alone.'
  const detail = `no statement of ${statementOf.slice(0, 200)} came with it`
  return new OAuthError('unapproved_software_statement', detail, { description })
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
