/**
 * A store is copied, and the copy is used: by a thief who sends what was copied to the token endpoint, before the owner,
 * after the owner or in turns. What the thief has of the owner's says what must come of it.
 */

import assert from 'node:assert/strict'
import { SignInNeeded } from '@pawl/client'
import type { KeptGrant } from '../../packages/client/src/custody/kept-grant.ts'
import type { SeededChance } from '../../packages/client/src/testing/seeded-chance.ts'
import { retryKey } from '../stage/app.ts'
import { grantName, type HolderWorld, openHolder } from './holder-world.ts'

/** `token`: the refresh token alone. `store`: the custody key too, so that the thief's retry keys are the owner's. */
export type Loot = 'token' | 'store'

export interface Thief {
  /** Presents what it has, and moves on with the answer. */
  readonly steal: () => Promise<'robbed' | 'refused'>
  /** Whether anything it was ever given is still worth something. Asking for that may end the grant. */
  readonly isIn: () => Promise<boolean>
}

export async function thiefOf(world: HolderWorld, loot: Loot): Promise<Thief> {
  const { issuer, clientId, network } = world
  let has = (await copied(world)).refreshToken ?? ''
  let accessToken: string | null = null
  const steal: Thief['steal'] = async () => {
    const key = loot === 'store' ? await world.custodyKey.retryKeyFor(has) : null
    const headers = key === null ? retryKey(`a thief's ${has}`) : { 'idempotency-key': `"rk1.${key}"` }
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: has, client_id: clientId })
    const answer = await network.fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
    })
    const tokens = (await answer.json()) as { readonly refresh_token?: string; readonly access_token?: string }
    if (answer.status !== 200) return 'refused'
    has = tokens.refresh_token ?? has
    accessToken = tokens.access_token ?? null
    return 'robbed'
  }
  const opens = async (): Promise<boolean> => {
    if (accessToken === null) return false
    const headers = { authorization: `Bearer ${accessToken}` }
    return (await network.fetch(`${issuer}/userinfo`, { headers })).status === 200
  }
  return { steal, isIn: async () => (await opens()) || (await steal()) === 'robbed' }
}

/** What is in the seal; whoever has the custody key can read it. */
export async function copied({ store, custodyKey, issuer, clientId }: HolderWorld): Promise<KeptGrant> {
  const record = await store.load(grantName)
  assert.ok(record !== null, 'there is nothing to copy')
  const place = { issuer: new URL(issuer).href, clientId, name: grantName, version: record.version }
  return JSON.parse(await custodyKey.open(record.sealed, place)) as KeptGrant
}

export interface Theft {
  readonly wasRobbed: boolean
  readonly isOwnerIn: boolean
  readonly isThiefIn: boolean
}

/** The store is copied at some moment, both use it in any order, and the owner refreshes `last` times after that. */
export async function theft(world: HolderWorld, loot: Loot, chance: SeededChance, last = 1): Promise<Theft> {
  const { clock } = world
  const owner = openHolder(world)
  let isOwnerIn = true
  const refresh = async (): Promise<void> => {
    await clock.advance(world.accessSeconds * 1000)
    if (isOwnerIn) isOwnerIn = await clock.run(isLetIn(owner.accessToken(grantName)))
  }
  for (let before = chance.below(4); before > 0; before--) await refresh()
  const thief = await thiefOf(world, loot)
  let wasRobbed = false
  for (let steps = 1 + chance.below(6); steps > 0; steps--) {
    if (chance.happens(0.5)) await refresh()
    else wasRobbed = (await clock.run(thief.steal())) === 'robbed' || wasRobbed
  }
  for (let more = last; more > 0; more--) await refresh()
  return { wasRobbed, isOwnerIn, isThiefIn: await clock.run(thief.isIn()) }
}

async function isLetIn(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked
    return true
  } catch (error) {
    if (error instanceof SignInNeeded) return false
    throw error
  }
}
