/**
 * What is kept of the connection to one MCP server, beside the grant itself: which authorization server it has, which
 * client we are there, which grant is the one in use, and which sign-ins are under way. One sealed record in the store,
 * changed by compare-and-set, so that any number of processes share it.
 */

import type { AuthorizationServer } from 'oauth4webapi'
import { drawBytes } from '../custody/entropy.ts'
import { type CustodyKey, encodeBase64Url } from '../custody/custody-key.ts'
import type { CustodyStore } from '../custody/custody-store.ts'
import { CustodyFailed } from '../holder/custody-failed.ts'
import type { SdkClient, SdkDiscovery } from './sdk.ts'

export interface Connection {
  /** The issuer that people have signed in at; another one is not followed by itself (RFC 9700 §4.4). */
  readonly issuer: string | null
  readonly current: Signed | null
  /** One per authorization server, the newest first. */
  readonly clients: readonly SdkClient[]
  /** Sign-ins that somebody has been sent away for, the newest first. */
  readonly attempts: readonly Attempt[]
}

/** The grant that is in use, and all that a holder needs for it. */
export interface Signed {
  /** Its name in the store: of this issuer and client, so that no grant stands in the way of another one's. */
  readonly grant: string
  readonly issuer: string
  readonly client: SdkClient
  /** RFC 8707: what access tokens are asked for. */
  readonly resource: string
}

/** A sign-in between the redirect and the callback. */
export interface Attempt {
  readonly state: string
  readonly codeVerifier: string
  readonly redirectUri: string
  readonly resource: string
  readonly client: SdkClient
  readonly discovery: SdkDiscovery
  readonly server: AuthorizationServer
  readonly startedAtMs: number
}

export const noConnection: Connection = { issuer: null, current: null, clients: [], attempts: [] }

export const clientsMax = 4
/** Abandoned sign-ins go when newer ones come. */
export const attemptsMax = 8
export const attemptSeconds = 1800

export interface ConnectionRecord {
  read(): Promise<Connection>
  /** Writes what `decide` makes of what is there; asks it again when somebody else was quicker. */
  change(decide: (connection: Connection) => Connection): Promise<Connection>
}

export interface RecordPlace {
  readonly store: CustodyStore
  readonly custodyKey: CustodyKey
  readonly name: string
  /** The MCP server: a record opens for no other one. */
  readonly serverUrl: string
}

const turnsMax = 20

/** Every failure comes out as `CustodyFailed`. */
export function connectionRecord(place: RecordPlace): ConnectionRecord {
  const guard = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      throw cause instanceof CustodyFailed ? cause : new CustodyFailed(place.name, what, { cause })
    }
  }
  return {
    read: () => guard('the connection could not be loaded', async () => (await load(place)).connection),
    change: decide =>
      guard('the connection could not be saved', async () => {
        for (let turn = 0; turn < turnsMax; turn++) {
          const { connection, version } = await load(place)
          const next = decide(connection)
          if (next === connection || (await save(place, next, version))) return next
        }
        throw new CustodyFailed(place.name, 'others change the connection all the time')
      }),
  }
}

async function load({
  store,
  custodyKey,
  ...place
}: RecordPlace): Promise<{ connection: Connection; version: string | null }> {
  const record = await store.load(place.name)
  if (record === null) return { connection: noConnection, version: null }
  const text = await custodyKey.open(record.sealed, sealPlace(place, record.version))
  // What opens was sealed by us, and is what we wrote.
  return { connection: JSON.parse(text) as Connection, version: record.version }
}

async function save(place: RecordPlace, connection: Connection, ifVersion: string | null): Promise<boolean> {
  const version = encodeBase64Url(drawBytes(versionBytes))
  const sealed = await place.custodyKey.seal(JSON.stringify(connection), sealPlace(place, version))
  return (await place.store.save(place.name, { version, sealed }, ifVersion)) === 'saved'
}

const versionBytes = 16

/** No grant has this client, so that neither ever opens in the place of the other. */
function sealPlace({ serverUrl, name }: { readonly serverUrl: string; readonly name: string }, version: string) {
  return { issuer: serverUrl, clientId: 'mcp connection', name, version }
}

/** With a client registered at one more server; who was first at a server stays. */
export function withClient(connection: Connection, client: SdkClient): Connection {
  if (connection.clients.some(each => each.issuer === client.issuer)) return connection
  return { ...connection, clients: [client, ...connection.clients].slice(0, clientsMax) }
}

/** Without the registration of this id: the server does not know it any more. */
export function withoutClient(connection: Connection, clientId: string): Connection {
  const clients = connection.clients.filter(each => each.client_id !== clientId)
  return clients.length === connection.clients.length ? connection : { ...connection, clients }
}

export function withAttempt(connection: Connection, attempt: Attempt): Connection {
  const living = livingAttempts(connection, attempt.startedAtMs)
  return { ...connection, attempts: [attempt, ...living].slice(0, attemptsMax) }
}

export function withoutAttempt(connection: Connection, state: string, nowMs: number): Connection {
  return { ...connection, attempts: livingAttempts(connection, nowMs).filter(each => each.state !== state) }
}

function livingAttempts({ attempts }: Connection, nowMs: number): readonly Attempt[] {
  return attempts.filter(each => nowMs - each.startedAtMs < attemptSeconds * 1000)
}
