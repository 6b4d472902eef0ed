/**
 * A world for one run: a server behind a network that fails, a store that outlives every process, somebody signed in. The
 * holder in it is the real one; what dies and fails is around it.
 */

import assert from 'node:assert/strict'
import { type ClientAuth, ClientSecretBasic } from 'oauth4webapi'
import {
  type CustodyKey,
  type CustodyStore,
  custodyKeyFrom,
  type FreshGrant,
  type Holder,
  type HolderEvent,
  holdGrants,
  memoryStore,
} from '@pawl/client'
import type { FlakyNetwork } from '../../packages/client/src/testing/flaky-network.ts'
import type { MortalProcess } from '../../packages/client/src/testing/mortal-process.ts'
import { seededChance } from '../../packages/client/src/testing/seeded-chance.ts'
import type { VirtualClock } from '../../packages/client/src/testing/virtual-clock.ts'

export const grantName = 'ada'

export interface Server {
  readonly issuer: string
  readonly network: FlakyNetwork
  readonly clientId: string
  readonly secret: string | null
  /** The life of an access token. */
  readonly accessSeconds: number
}

export interface HolderWorld extends Server {
  readonly clock: VirtualClock
  readonly store: CustodyStore
  readonly custodyKey: CustodyKey
  /** Told by every process that ever lived here. */
  readonly events: HolderEvent[]
}

export const fixedCustodyKey: Promise<CustodyKey> = custodyKeyFrom(new Uint8Array(32).fill(7))

/** Keeps what a sign-in brought, and lets its access token run out. Counts of requests begin after that. */
export async function worldOf(clock: VirtualClock, server: Server, fresh: FreshGrant): Promise<HolderWorld> {
  const store = memoryStore(clock)
  const world: HolderWorld = { ...server, clock, store, custodyKey: await fixedCustodyKey, events: [] }
  const holder = openHolder(world)
  await clock.run(holder.keep(grantName, fresh))
  await clock.run(holder.close())
  await clock.advance(server.accessSeconds * 1000)
  return world
}

/** A holder of a process that lives until somebody kills it; without one, of a process that nobody kills. */
export function openHolder(world: HolderWorld, process?: MortalProcess): Holder {
  const { issuer, clientId, secret, network, events } = world
  const authentication: ClientAuth | undefined = secret === null ? undefined : ClientSecretBasic(secret)
  const chance = seededChance(`holder ${process?.effects.length ?? 0}`)
  return holdGrants({
    server: issuer,
    client: { client_id: clientId },
    ...(authentication && { authentication }),
    store: process?.store(world.store) ?? world.store,
    custodyKey: process?.custodyKey(world.custodyKey) ?? world.custodyKey,
    fetch: process?.fetch(network.fetch) ?? network.fetch,
    clock: process?.clock ?? world.clock,
    chance: () => chance.next(),
    onEvent: event => events.push(event),
  })
}

/** Asks once, and once more after the access token has run out: a grant that lives goes on living. */
export async function comesToItsOwn(world: HolderWorld, process: MortalProcess): Promise<string> {
  const before = world.network.refreshes()
  const holder = openHolder(world, process)
  const first = await holder.accessToken(grantName)
  await process.clock.wait(world.accessSeconds * 1000)
  const second = await holder.accessToken(grantName)
  assert.ok(second.token !== first.token, 'an access token that is over was handed out')
  return `kept, ${world.network.refreshes() - before} requests`
}
